/* recipe_terminal_unix.c - a child with a terminal: what it shows, what is
 * typed, the size of its window, Ctrl-C. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct session {
    char line[256];
    size_t used;
};

/* One line of the child's, without the "\r\n" that a terminal makes of "\n". */
static void showed(rondo_process *p, const char *line)
{
    rondo_transport *terminal = rondo_process_pipe(p, 0);
    printf("child: %s\n", line);
    if (!strcmp(line, "24 80")) {
        rondo_process_set_window_size(p, 100, 30); /* SIGWINCH */
        rondo_transport_printf(terminal, "stty size\n");
    } else if (!strcmp(line, "30 100")) {
        rondo_transport_printf(terminal, "exec cat\n");
        rondo_transport_printf(terminal, "hello\n");
    } else if (!strcmp(line, "hello")) {
        rondo_transport_printf(terminal, "\3"); /* Ctrl-C */
    }
}

static void received(rondo_process *p, void *self, int fd, const void *data,
                     size_t size)
{
    struct session *s = self;
    (void)fd; /* 1: a terminal has one direction to us */
    for (const char *c = data; size--; c++) {
        if (*c == '\n') {
            s->line[s->used] = 0;
            s->used = 0;
            showed(p, s->line);
        } else if (*c != '\r' && s->used < sizeof s->line - 1) {
            s->line[s->used++] = *c;
        }
    }
}

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    (void)p, (void)self;
    if (status.signaled)
        printf("the child was ended by %s\n",
               status.signal == SIGINT ? "SIGINT" : "another signal");
    else
        printf("the child has ended: %lu\n", (unsigned long)status.code);
}

static const rondo_process_protocol protocol = {.pipe_data_received = received,
                                                .process_exited = exited};

int main(void)
{
    /* An editor or a shell as it is; here without echo and prompt, so that the
     * output is always the same. */
    const char *const argv[] = {
        "sh", "-c",
        "stty -echo; stty size; while read -r line; do eval \"$line\"; done",
        NULL};
    struct session session = {.used = 0};
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_subprocess_exec(loop,
                              RONDO_PROCESS(.argv = argv,
                                            .stdin_kind = RONDO_STDIO_TERMINAL,
                                            .stdout_kind = RONDO_STDIO_TERMINAL,
                                            .stderr_kind = RONDO_STDIO_TERMINAL,
                                            .columns = 80, .rows = 24),
                              &protocol, &session, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_terminal_unix: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
