/* demo.c - shows the library at work on one backend, over real sockets: timers,
 * posts, a proxy between two loops, many clients. Each part checks what it did;
 * the first that finds something wrong ends the program with 1. It is for
 * showing, not for copying: the programs of examples/ are for that. */
/* SPDX-License-Identifier: MIT */
#include "demo.h"
#include "demo_thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static rondo_loop *clock_loop;
static bool shown; /* a progress line that the next line must wipe away */
static int64_t shown_ns;

int64_t demo_now(void)
{
    return rondo_loop_time(clock_loop);
}

int64_t demo_rate(int64_t n, int64_t ns)
{
    return (int64_t)((double)n * 1e9 / (double)(ns > 0 ? ns : 1));
}

const char *demo_count(int64_t n)
{
    static _Thread_local char ring[8][32];
    static _Thread_local unsigned next;
    char digits[24], *to = ring[next++ % 8];
    const char *text = to;
    int size = snprintf(digits, sizeof digits, "%lld", (long long)n);
    for (int i = 0; i < size; i++) {
        *to++ = digits[i];
        if (digits[i] != '-' && i + 1 < size && (size - i - 1) % 3 == 0)
            *to++ = ',';
    }
    *to = 0;
    return text;
}

void demo_progress(const char *what, int64_t done, int64_t all)
{
    int64_t now = demo_now();
    int64_t pause = demo_is_terminal() ? RONDO_MS(100) : RONDO_SEC(2);
    if (now - shown_ns < pause)
        return;
    shown_ns = now;
    printf("%s  ... %s: %s of %s (%d %%)%s", demo_is_terminal() ? "\r" : "",
           what, demo_count(done), demo_count(all),
           (int)(all > 0 ? (double)done * 100 / (double)all : 0),
           demo_is_terminal() ? "\x1b[K" : "\n");
    fflush(stdout);
    shown = demo_is_terminal();
}

void demo_progress_end(void)
{
    if (shown)
        printf("\r\x1b[K");
    shown = false;
    shown_ns = demo_now();
}

void demo_say(const char *format, ...)
{
    va_list list;
    demo_progress_end();
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
    fflush(stdout);
}

int demo_fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%sdemo failed: ", demo_is_terminal() ? "\n" : "");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    return -1;
}

rondo_loop *demo_loop(const struct demo *demo)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop;
    options.backend = demo->backend;
    if (rondo_loop_new(&loop, &options) == 0)
        return loop;
    demo_fail("%s", rondo_last_error());
    return NULL;
}

static int usage(FILE *to, int code)
{
    fprintf(to, "usage: rondo-demo [--backend NAME] [--divide N]\n"
                "--divide N: only an N-th of everything\n");
    return code;
}

static int options(struct demo *demo, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            exit(usage(stdout, 0));
        if (i + 1 == argc)
            return -1;
        if (strcmp(argv[i], "--backend") == 0)
            demo->backend = argv[++i];
        else if (strcmp(argv[i], "--divide") == 0)
            demo->divisor = atoi(argv[++i]);
        else
            return -1;
    }
    return demo->divisor > 0 ? 0 : -1;
}

static int parts(struct demo *demo)
{
    static int (*const part[])(struct demo *) = {demo_timers, demo_posts,
                                                 demo_proxy, demo_clients};
    int64_t start = demo_now();
    demo_say("Rondo %s, backend %s", rondo_version(),
             rondo_loop_backend(clock_loop));
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        shown_ns = demo_now();
        if (part[i](demo) < 0)
            return 1;
    }
    demo_say("backend %s: everything was as it should be, in %.1f s",
             rondo_loop_backend(clock_loop),
             (double)(demo_now() - start) / 1e9);
    return 0;
}

int main(int argc, char **argv)
{
    struct demo demo = {.divisor = 1};
    if (options(&demo, argc, argv) < 0)
        return usage(stderr, 2);
    demo_raise_descriptor_limit();
    clock_loop = demo_loop(&demo);
    if (!clock_loop)
        return 1;
    int failed = parts(&demo);
    rondo_loop_close(clock_loop);
    return failed;
}
