/* recipe_handover_unix.c - a new version of a server takes over the listener;
 * no client is refused, and none is cut off. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

#define LISTENER_FD 3
#define CLIENTS     20

/* Each request is answered with the version that serves it. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)data, (void)size;
    rondo_transport_write(t, self, strlen(self));
}

static const rondo_protocol serving = {.data_received = received};

/* ---- the new process ---- */

static bool old_has_ended(rondo_transport *t, void *server)
{
    (void)t;
    rondo_server_close(server); /* in this demonstration it ends with it */
    return false;
}

static const rondo_protocol lifeline = {.eof_received = old_has_ended};

static int run_new(void)
{
    static char version[] = "new";
    rondo_fd listener = LISTENER_FD;
    rondo_server *server;
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, RONDO_SERVE(.socket = &listener), &serving,
                            version, &server) < 0 ||
        rondo_connect_read_pipe(loop, rondo_stdio(0), RONDO_PIPE_BORROW,
                                &lifeline, server, NULL) < 0)
        goto failed;
    /* Only now: the old process can stop accepting. */
    printf("ready\n");
    fflush(stdout);
    if (rondo_loop_run(loop) < 0)
        goto failed;
    return rondo_loop_close(loop) < 0;
failed:
    fprintf(stderr, "new: %s\n", rondo_last_error());
    return 1;
}

/* ---- the old process ---- */

struct old {
    rondo_loop *loop;
    rondo_server *server;
    rondo_process *child;
    bool handed_over;
    /* of this demonstration: its clients */
    rondo_address at;
    rondo_transport *first;
    int answers;
};

static void hand_over(struct old *o);

static void child_says(rondo_process *p, void *self, int fd, const void *data,
                       size_t size)
{
    struct old *o = self;
    (void)p;
    if (fd != 1 || size < 5 || memcmp(data, "ready", 5) != 0 || o->handed_over)
        return;
    o->handed_over = true;
    rondo_server_close(o->server); /* its clients stay until they leave */
    printf("old: the new process is ready\n");
}

/* It did not come up: the old one goes on as if nothing had happened. */
static void child_exited(rondo_process *p, void *self, rondo_exit status)
{
    struct old *o = self;
    (void)p;
    if (!o->handed_over) {
        printf("old: the new process has failed\n");
        rondo_loop_stop(o->loop); /* only this demonstration ends */
        return;
    }
    printf("new: has ended with %lu\n", (unsigned long)status.code);
}

static const rondo_process_protocol child = {.pipe_data_received = child_says,
                                             .process_exited = child_exited};
static const char *program;

static void hand_over(struct old *o)
{
    const char *const argv[] = {program, "new", NULL};
    rondo_stdio_entry listener = {LISTENER_FD, RONDO_STDIO_FD,
                                  rondo_server_fd(o->server, 0)};
    fflush(stdout);
    if (rondo_subprocess_exec(
            o->loop,
            RONDO_PROCESS(.argv = argv, .stdin_kind = RONDO_STDIO_PIPE,
                          .stdout_kind = RONDO_STDIO_PIPE, .extra = &listener,
                          .extra_count = 1),
            &child, o, &o->child) < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

/* ---- clients: one that stays, and others that come one after another ---- */

static void connect_next(struct old *o);

static void ask(rondo_transport *t, void *self)
{
    struct old *o = self;
    if (!o->first)
        o->first = t;
    rondo_transport_write(t, "?", 1);
}

static void answered(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct old *o = self;
    bool is_new = size == 3 && !memcmp(data, "new", 3);
    if (t == o->first && !o->child) { /* now the old process has it */
        hand_over(o);
        connect_next(o);
        return;
    }
    if (t == o->first) {
        printf("the first client: served by %.*s\n", (int)size,
               (const char *)data);
        rondo_transport_close(rondo_process_pipe(o->child, 0));
        rondo_transport_close(t);
        return;
    }
    rondo_transport_close(t);
    o->answers++;
    if (o->answers < CLIENTS || !is_new || !o->handed_over) {
        connect_next(o);
        return;
    }
    printf("%d clients or more: all answered, the last by new\n", CLIENTS);
    rondo_transport_write(o->first, "?", 1); /* which is still connected */
}

static const rondo_protocol asking = {.connection_made = ask,
                                      .data_received = answered};

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)loop, (void)arg, (void)t;
    if (error)
        printf("a client was refused: %s\n", rondo_last_error());
}

static void connect_next(struct old *o)
{
    if (rondo_create_connection(o->loop, RONDO_CONNECT(.address = &o->at),
                                &asking, o, connected, NULL) < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

int main(int argc, char **argv)
{
    static char version[] = "old";
    struct old o = {0};
    program = argv[0];
    if (argc > 1)
        return run_new();
    if (rondo_loop_new(&o.loop, NULL) < 0 ||
        rondo_create_server(o.loop, RONDO_SERVE(.host = "127.0.0.1"), &serving,
                            version, &o.server) < 0 ||
        rondo_server_address(o.server, 0, &o.at) < 0)
        goto failed;
    connect_next(&o);
    if (rondo_loop_run(o.loop) < 0)
        goto failed;
    return rondo_loop_close(o.loop) < 0;
failed:
    fprintf(stderr, "recipe_handover_unix: %s\n", rondo_last_error());
    return 1;
}
