/* subprocesses.c - runs a program to its end: output, exit, limits, time. */
/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <rondo.h>
#include <stdio.h>
#include <string.h>

/* ---- the child, which is this program with an argument ---- */

static void nothing(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
}

static int child(const char *what)
{
    rondo_loop *loop;
    int c = 0;
    if (strcmp(what, "upper") == 0)
        while ((c = getchar()) != EOF)
            putchar(toupper(c));
    else if (strcmp(what, "flood") == 0)
        while (c != EOF)
            c = fputs("more and more ", stdout);
    else if (rondo_loop_new(&loop, NULL) == 0 && /* "hang": an hour */
             rondo_call_later(loop, RONDO_SEC(3600), nothing, NULL) > 0)
        rondo_loop_run(loop);
    return 3;
}

/* ---- the parent ---- */

struct run {
    const char *what;
    rondo_id id; /* of the program that runs */
};

static void ended(rondo_loop *loop, void *arg, const rondo_output *output,
                  int error)
{
    struct run *run = arg;
    (void)loop;
    if (error == RONDO_ETOOMUCH || error == RONDO_ECANCELED)
        printf("%s: %s, %zu bytes until then\n", run->what,
               rondo_error_name(error), output->out_size);
    else if (error)
        printf("%s: %s\n", run->what, rondo_last_error());
    else if (output->status.signaled)
        printf("%s: killed by %d\n", run->what, output->status.signal);
    else
        printf("%s: \"%s\", code %u\n", run->what, (const char *)output->out,
               (unsigned)output->status.code);
}

static void too_slow(rondo_loop *loop, void *arg)
{
    struct run *run = arg;
    rondo_cancel(loop, run->id); /* kills the program */
}

static int go(rondo_loop *loop, const char *program, const char *what,
              int64_t milliseconds)
{
    static const char input[] = "hello, child";
    struct run run = {what, 0};
    const char *const argv[] = {program, what, NULL};
    run.id = rondo_communicate(loop, RONDO_PROCESS(.argv = argv), input,
                               sizeof input - 1, 1000, ended, &run);
    if (run.id < 0) {
        printf("%s: %s\n", what, rondo_error_name((int)run.id));
        return 0;
    }
    rondo_id timer =
        rondo_call_later(loop, RONDO_MS(milliseconds), too_slow, &run);
    rondo_set_background(loop, timer, true);
    int result = rondo_loop_run(loop);
    rondo_cancel(loop, timer);
    return result;
}

int main(int argc, char **argv)
{
    rondo_loop *loop = NULL;
    if (argc > 1)
        return child(argv[1]);
    if (rondo_loop_new(&loop, NULL) == 0 &&
        !rondo_loop_supports(loop, RONDO_CAN_SUBPROCESS))
        return 77; /* skipped: Windows with "select" */
    if (!loop || go(loop, argv[0], "upper", 30000) < 0 ||
        go(loop, argv[0], "flood", 30000) < 0 ||
        go(loop, argv[0], "hang", 100) < 0 ||
        go(loop, "no-such-program", "nothing", 1000) < 0) {
        fprintf(stderr, "subprocesses: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
