/* subprocesses_pipes.c - a conversation with a child over its pipes. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

/* ---- the child: answers each byte with the next letter ---- */

static int child(void)
{
    int c;
    while ((c = getchar()) != EOF) {
        putchar(c + 1);
        fflush(stdout); /* a pipe is no terminal: stdio keeps it otherwise */
    }
    fputs("no more input", stderr);
    return 0;
}

/* ---- the parent ---- */

static void made(rondo_process *p, void *self)
{
    (void)self;
    printf("started\n");
    rondo_transport_write(rondo_process_pipe(p, 0), "a", 1);
}

static void data(rondo_process *p, void *self, int fd, const void *bytes,
                 size_t size)
{
    char last = ((const char *)bytes)[size - 1];
    (void)self;
    printf("from %d: %.*s\n", fd, (int)size, (const char *)bytes);
    if (fd == 2)
        return;
    if (last < 'd')
        rondo_transport_write(rondo_process_pipe(p, 0), &last, 1);
    else
        rondo_transport_write_eof(rondo_process_pipe(p, 0));
}

/* Of the child's exit: what its pipes still hold may follow. */
static void exited(rondo_process *p, void *self, rondo_exit status)
{
    bool *failed = self;
    (void)p;
    *failed = !status.known || status.signaled || status.code != 0;
}

/* The child has ended, and its pipes are closed. */
static void lost(rondo_process *p, void *self, int error)
{
    const bool *failed = self;
    (void)p;
    printf("over: %s%s\n", *failed ? "failed" : "success",
           error ? ", since the loop closes" : "");
}

static const rondo_process_protocol talk = {.connection_made = made,
                                            .pipe_data_received = data,
                                            .process_exited = exited,
                                            .connection_lost = lost};

int main(int argc, char **argv)
{
    bool failed = true;
    rondo_loop *loop;
    const char *const words[] = {argv[0], "child", NULL};
    if (argc > 1)
        return child();
    if (rondo_loop_new(&loop, NULL) == 0 &&
        !rondo_loop_supports(loop, RONDO_CAN_SUBPROCESS))
        return 77; /* skipped: Windows with "select" */
    if (!loop ||
        rondo_subprocess_exec(loop,
                              RONDO_PROCESS(.argv = words,
                                            .stdin_kind = RONDO_STDIO_PIPE,
                                            .stdout_kind = RONDO_STDIO_PIPE,
                                            .stderr_kind = RONDO_STDIO_PIPE),
                              &talk, &failed, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "subprocesses_pipes: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
