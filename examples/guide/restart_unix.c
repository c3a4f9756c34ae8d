/* restart_unix.c - a new process takes over the listening socket of the old
 * one, which serves its clients to their end. Nobody is refused. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "restart: %s\n", rondo_last_error());
    exit(1);
}

/* ---- both processes: a server that says which one it is ------------------- */

static void asked(rondo_transport *t, void *name, const void *data, size_t size)
{
    (void)data, (void)size;
    must(rondo_transport_write(t, name, strlen(name)));
}

static const rondo_protocol service = {.data_received = asked};

/* ---- the new process ------------------------------------------------------ */

static void client_left(rondo_transport *t, void *name, int error)
{
    (void)name, (void)error;
    rondo_server_close(rondo_transport_server(t)); /* the example is over */
}

static int be_new(const char *number)
{
    static rondo_protocol once;
    static char name[] = "new";
    rondo_loop *loop;
    rondo_fd fd = atoi(number);
    once = service;
    once.connection_lost = client_left;
    must(rondo_loop_new(&loop, NULL));
    must(rondo_create_server(loop, RONDO_SERVE(.socket = &fd), &once, name,
                             NULL));
    printf("ready\n"); /* to the old process */
    fflush(stdout);
    must(rondo_loop_run(loop));
    return rondo_loop_close(loop) < 0;
}

/* ---- the old process ------------------------------------------------------ */

struct old {
    const char *program;
    rondo_loop *loop;
    rondo_server *server;
    rondo_transport *first; /* a client from before the restart */
    rondo_address address;
    rondo_exit status; /* of the new one */
};

static void first_answered(rondo_transport *t, void *self, const void *data,
                           size_t size);
static void second_answered(rondo_transport *t, void *self, const void *data,
                            size_t size);

static void ask(rondo_transport *t, void *self)
{
    (void)self;
    must(rondo_transport_write(t, "?", 1));
}

static const rondo_protocol first_client = {.connection_made = ask,
                                            .data_received = first_answered};
static const rondo_protocol second_client = {.connection_made = ask,
                                             .data_received = second_answered};

static void connect_to(struct old *o, const rondo_protocol *client)
{
    must(rondo_create_connection(o->loop, RONDO_CONNECT(.address = &o->address),
                                 client, o, NULL, NULL));
}

/* The new one listens: from here on it gets all clients. */
static void is_ready(rondo_process *p, void *self, int fd, const void *data,
                     size_t size)
{
    struct old *o = self;
    (void)p, (void)fd, (void)data, (void)size;
    rondo_server_close(o->server); /* its clients stay */
    connect_to(o, &second_client);
}

static void new_ended(rondo_process *p, void *self, rondo_exit status)
{
    (void)p;
    ((struct old *)self)->status = status;
}

static void restart(struct old *o)
{
    static const rondo_process_protocol child = {.pipe_data_received = is_ready,
                                                 .process_exited = new_ended};
    rondo_fd fd = rondo_server_fd(o->server, 0);
    char number[16];
    snprintf(number, sizeof number, "%d", (int)fd);
    const char *const argv[] = {o->program, number, NULL};
    must(rondo_subprocess_exec(
        o->loop,
        RONDO_PROCESS(.argv = argv, .inherit = &fd, .inherit_count = 1,
                      .stdout_kind = RONDO_STDIO_PIPE, .leave_running = true),
        &child, o, NULL));
}

static void first_answered(rondo_transport *t, void *self, const void *data,
                           size_t size)
{
    struct old *o = self;
    printf("first client: %.*s\n", (int)size, (const char *)data);
    if (o->first) { /* the second time */
        rondo_transport_close(t);
        return;
    }
    o->first = t;
    restart(o);
}

static void second_answered(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    struct old *o = self;
    printf("second client: %.*s\n", (int)size, (const char *)data);
    rondo_transport_close(t);
    ask(o->first, NULL);
}

int main(int argc, char **argv)
{
    static char name[] = "old";
    struct old o = {.program = argv[0]};
    if (argc > 1)
        return be_new(argv[1]);
    must(rondo_loop_new(&o.loop, NULL));
    must(rondo_create_server(o.loop, RONDO_SERVE(.host = "127.0.0.1"), &service,
                             name, &o.server));
    must(rondo_server_address(o.server, 0, &o.address));
    connect_to(&o, &first_client);
    must(rondo_loop_run(o.loop)); /* until the last client has left */
    printf("the new one has ended with %u\n", (unsigned)o.status.code);
    must(rondo_loop_close(o.loop));
    return 0;
}
