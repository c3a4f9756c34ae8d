/* recipe_systemd_unix.c - socket activation: systemd listens, and starts the
 * server when the first client comes. */
/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START of sd_listen_fds(3) */

/* How many descriptors were passed, from FIRST_FD on; 0: it was started by
 * hand. Children are not to take them for theirs. */
static int passed_sockets(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int n = 0;
    if (pid && count && strtol(pid, NULL, 10) == (long)getpid())
        n = (int)strtol(count, NULL, 10);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return n > 0 ? n : 0;
}

static void greet(rondo_transport *t, void *self)
{
    rondo_transport_printf(t, "hello from a server that was %s",
                           (const char *)self);
    rondo_transport_close(t);
    rondo_server_close(rondo_transport_server(t)); /* one client is enough */
}

static const rondo_protocol serving = {.connection_made = greet};

static int serve(void)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    static char by_systemd[] = "activated", by_hand[] = "started by hand";
    rondo_fd listener = FIRST_FD;
    rondo_loop *loop = NULL;
    bool activated = passed_sockets() > 0;
    if (activated)
        options.socket = &listener; /* it listens already */
    else
        options.port = 7000;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, &options, &serving,
                            activated ? by_systemd : by_hand, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "serve: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}

/* ---- what systemd does ---- */

struct manager {
    rondo_server *listener;
    const char *program;
};

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    (void)p, (void)self;
    printf("the server has ended: %lu\n", (unsigned long)status.code);
}

static const rondo_process_protocol unit = {.process_exited = exited};

/* LISTEN_PID is the number of the process itself, so a shell sets it. */
static int start(rondo_loop *loop, struct manager *m)
{
    const char *const argv[] = {"sh", "-c",
                                "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve",
                                m->program, NULL};
    rondo_stdio_entry socket = {FIRST_FD, RONDO_STDIO_FD,
                                rondo_server_fd(m->listener, 0)};
    return rondo_subprocess_exec(
        loop, RONDO_PROCESS(.argv = argv, .extra = &socket, .extra_count = 1),
        &unit, m, NULL);
}

static void show(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)t, (void)self;
    printf("client: %.*s\n", (int)size, (const char *)data);
}

static void made(rondo_transport *t, void *self)
{
    struct manager *m = self;
    printf("client: connected, and the server does not run yet\n");
    fflush(stdout); /* before a child is there that has this output, too */
    if (start(rondo_transport_loop(t), m) < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
    rondo_server_close(m->listener); /* systemd itself would keep it */
}

static const rondo_protocol client = {.connection_made = made,
                                      .data_received = show};

int main(int argc, char **argv)
{
    struct manager m = {.program = argv[0]};
    rondo_loop *loop = NULL;
    rondo_address at;
    if (argc > 1)
        return serve();
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop, RONDO_SERVE(.host = "127.0.0.1", .start_serving = RONDO_OFF),
            &serving, NULL, &m.listener) < 0 ||
        rondo_server_address(m.listener, 0, &at) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &at), &client,
                                &m, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_systemd_unix: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
