/* subprocesses_stop_unix.c - asks a program to end, then ends it. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <signal.h>
#include <stdio.h>

struct child {
    const char *name;
    rondo_process *p;
    rondo_id patience; /* how long it has for SIGTERM */
};

static void kill_it(rondo_loop *loop, void *arg)
{
    struct child *c = arg;
    (void)loop;
    c->patience = 0;
    rondo_process_signal_group(c->p, SIGKILL); /* its own children, too */
}

static void ready(rondo_process *p, void *self, int fd, const void *data,
                  size_t size)
{
    struct child *c = self;
    (void)fd;
    (void)data;
    (void)size;
    rondo_process_terminate(p); /* SIGTERM */
    c->patience =
        rondo_call_later(rondo_process_loop(p), RONDO_MS(100), kill_it, c);
}

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    struct child *c = self;
    if (c->patience > 0)
        rondo_cancel(rondo_process_loop(p), c->patience);
    if (status.signaled)
        printf("%s: killed by %s\n", c->name,
               status.signal == SIGKILL ? "SIGKILL" : "SIGTERM");
    else
        printf("%s: exit code %u\n", c->name, (unsigned)status.code);
}

static const rondo_process_protocol protocol = {
    .pipe_data_received = ready,
    .process_exited = exited,
};

static int run(rondo_loop *loop, const char *name, const char *command)
{
    struct child c = {name, NULL, 0};
    if (rondo_subprocess_shell(
            loop, command,
            RONDO_PROCESS(.stdout_kind = RONDO_STDIO_PIPE, .new_group = true),
            &protocol, &c, &c.p) < 0)
        return -1;
    return rondo_loop_run(loop);
}

int main(void)
{
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        run(loop, "polite", "trap 'exit 7' TERM; echo; while :; do :; done") <
            0 ||
        run(loop, "plain", "echo; exec sleep 60") < 0 ||
        run(loop, "stubborn", "trap '' TERM; echo; sleep 60; sleep 60") < 0) {
        fprintf(stderr, "subprocesses_stop_unix: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
