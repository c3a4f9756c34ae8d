/* supervisor.c - restarts children with back-off; prefixes each line of their
 * stderr. */
/* SPDX-License-Identifier: MIT */
/* Build: cc supervisor.c -o supervisor $(pkg-config --cflags --libs rondo) */
#include <rondo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct child {
    rondo_loop *loop;
    const char *const *argv;
    rondo_process *p;
    rondo_id retry;
    int64_t delay, started;
    bool stopping;
    size_t used;
    char line[512];
};

static void start(rondo_loop *loop, void *arg);
static void again(struct child *c)
{
    int64_t now = rondo_loop_time(c->loop);
    if (c->stopping)
        return;
    c->delay = now - c->started > RONDO_SEC(30) ? RONDO_MS(100) : c->delay * 2;
    if (c->delay > RONDO_SEC(30))
        c->delay = RONDO_SEC(30);
    c->retry = rondo_call_later(c->loop, c->delay, start, c);
    if (c->retry < 0)
        fprintf(stderr, "%s: given up: %s\n", c->argv[0], rondo_last_error());
}
static void flush_line(struct child *c)
{
    if (c->used)
        fprintf(stderr, "[%s] %.*s\n", c->argv[0], (int)c->used, c->line);
    c->used = 0;
}
static void output(rondo_process *p, void *self, int fd, const void *data,
                   size_t size)
{
    struct child *c = self;
    const char *s = data;
    (void)p;
    (void)fd;
    for (; size; s++, size--) {
        if (*s == '\n' || c->used == sizeof c->line)
            flush_line(c);
        if (*s != '\n')
            c->line[c->used++] = *s;
    }
}
static void exited(rondo_process *p, void *self, rondo_exit status)
{
    struct child *c = self;
    (void)p;
    if (status.signaled)
        fprintf(stderr, "%s: signal %d\n", c->argv[0], status.signal);
    else
        fprintf(stderr, "%s: exit %u\n", c->argv[0], (unsigned)status.code);
    rondo_process_close(p); /* a grandchild may hold the pipes for ever */
}
static void lost(rondo_process *p, void *self, int error)
{
    struct child *c = self;
    (void)p;
    (void)error;
    flush_line(c);
    c->p = NULL;
    again(c);
}
static const rondo_process_protocol watch = {.pipe_data_received = output,
                                             .process_exited = exited,
                                             .connection_lost = lost};

static void start(rondo_loop *loop, void *arg)
{
    struct child *c = arg;
    c->retry = 0;
    c->started = rondo_loop_time(loop);
    if (rondo_subprocess_exec(loop,
                              RONDO_PROCESS(.program = c->argv[0],
                                            .argv = c->argv,
                                            .stdin_kind = RONDO_STDIO_NULL,
                                            .stderr_kind = RONDO_STDIO_PIPE),
                              &watch, c, &c->p) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        again(c);
    }
}
static void stop(rondo_loop *loop, int signum, void *arg)
{
    struct child *c = arg;
    (void)signum;
    for (; c->argv; c++) {
        c->stopping = true;
        if (c->retry > 0)
            rondo_cancel(loop, c->retry);
        if (c->p)
            rondo_process_terminate(c->p);
    }
}
int main(void)
{
    static const char *const one[] = {"worker", "--id=1", NULL},
                             *const two[] = {"worker", "--id=2", NULL};
    struct child child[] = {{.argv = one, .delay = RONDO_MS(50)},
                            {.argv = two, .delay = RONDO_MS(50)},
                            {.argv = NULL}};
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_add_signal_handler(loop, SIGTERM, stop, child) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    for (struct child *c = child; c->argv; c++) {
        c->loop = loop;
        start(loop, c);
    }
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    return 0;
}
