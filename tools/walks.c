/* walks.c - everyday events, each with the functions of the library it enters. */
/* SPDX-License-Identifier: MIT */
#include "rondo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* tools/walks compiles this and the library with -finstrument-functions, runs
 * it, and finds the names of the addresses: a line "walk NAME", then one for
 * each call. Only the loop's thread is looked at. */
static _Thread_local bool walking;
static FILE *trace;

__attribute__((no_instrument_function)) void __cyg_profile_func_enter(
    void *function, void *site)
{
    (void)site;
    if (walking)
        fprintf(trace, "%p\n", function);
}

__attribute__((no_instrument_function)) void __cyg_profile_func_exit(
    void *function, void *site)
{
    (void)function;
    (void)site;
}

static void begin(const char *name)
{
    fprintf(trace, "walk %s\n", name);
    walking = true;
}

static void end(void)
{
    walking = false;
}

static void need(int64_t result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "walks: %s: %s\n", what, rondo_last_error());
    exit(1);
}

/* ---- a protocol whose every callback ends a walk ---- */

static rondo_transport *made[2]; /* the first two: one connection */
static int made_count;
static bool resumed, exited;

static void connection_made(rondo_transport *t, void *self)
{
    (void)self;
    end();
    if (made_count < 2)
        made[made_count] = t;
    made_count++;
}

static void data_received(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    (void)t;
    (void)self;
    (void)data;
    (void)size;
    end();
}

static void resume_writing(rondo_transport *t, void *self)
{
    (void)t;
    (void)self;
    end();
    resumed = true;
}

static const rondo_protocol protocol = {.connection_made = connection_made,
                                        .data_received = data_received,
                                        .resume_writing = resume_writing};

static void process_exited(rondo_process *p, void *self, rondo_exit status)
{
    (void)p;
    (void)self;
    (void)status;
    end();
    exited = true;
}

static const rondo_process_protocol process_protocol = {.process_exited =
                                                            process_exited};

/* ---- the walks ---- */

static void run(rondo_loop *loop)
{
    need(rondo_loop_run_once(loop, RONDO_SEC(5)), "run_once");
}

static void walk_connections(rondo_loop *loop)
{
    rondo_server *server;
    rondo_address address;
    need(rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &protocol,
                             NULL, &server),
         "create_server");
    need(rondo_server_address(server, 0, &address), "server_address");
    run(loop);
    begin("connect by name");
    need(rondo_create_connection(
             loop,
             RONDO_CONNECT(.host = "localhost",
                           .port = rondo_address_port(&address)),
             &protocol, NULL, NULL, NULL),
         "create_connection");
    while (made_count < 2)
        run(loop);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)&address.native, sizeof(struct sockaddr)) != 0)
        exit(1);
    begin("accept");
    while (walking)
        run(loop);
    close(fd);
    rondo_server_close(server);
}

static void walk_bytes(rondo_loop *loop)
{
    static char bytes[8 << 20], sink[1 << 20];
    rondo_transport *t = made[0];
    rondo_fd other = rondo_transport_fd(made[1]);
    (void)rondo_transport_pause_reading(made[1]);
    run(loop);
    begin("write that blocks");
    need(rondo_transport_write(t, bytes, sizeof bytes), "write");
    end();
    while (!resumed) {
        while (recv((int)other, sink, sizeof sink, MSG_DONTWAIT) > 0)
            ;
        begin("drained and told");
        run(loop);
        end();
    }
    (void)rondo_transport_resume_reading(made[1]);
    run(loop);
    need(rondo_transport_write(t, "x", 1), "write");
    begin("byte to callback");
    while (walking)
        run(loop);
}

static void walk_process(rondo_loop *loop)
{
    const char *const argv[] = {"true", NULL};
    rondo_process *process;
    begin("spawn");
    need(rondo_subprocess_exec(loop, RONDO_PROCESS(.argv = argv),
                               &process_protocol, NULL, &process),
         "subprocess_exec");
    end();
    run(loop);
    usleep(200000);
    begin("child exit");
    while (!exited)
        run(loop);
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    trace = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (!trace)
        return 2;
    need(rondo_loop_new(&loop, NULL), "loop_new");
    walk_connections(loop);
    walk_bytes(loop);
    walk_process(loop);
    fclose(trace);
    return 0;
}
