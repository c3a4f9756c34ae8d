/* debug.c - the exception handler, slow callbacks, and the dump. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/loop.h"
#include "core/observe.h"

#include <stdio.h>
#include <string.h>

/* ---- the exception handler ---- */

struct rondo_exception loop_exception(int error)
{
    return (struct rondo_exception){.size = sizeof(struct rondo_exception),
                                    .message = rondo_last_error(),
                                    .error = error,
                                    .os_error = rondo_last_os_error()};
}

void rondo_loop_default_exception_handler(rondo_loop *loop, void *arg,
                                          const rondo_exception *what)
{
    (void)loop;
    (void)arg;
    if (!what)
        return;
    const char *words =
        what->message ? what->message : rondo_strerror(what->error);
    if (what->error)
        fprintf(stderr, "rondo: %s [%s]\n", words,
                rondo_error_name(what->error));
    else
        fprintf(stderr, "rondo: %s\n", words);
}

int rondo_loop_set_exception_handler(rondo_loop *loop, rondo_exception_fn fn,
                                     void *arg)
{
    int error = loop_check(loop, "loop_set_exception_handler");
    if (error)
        return error;
    loop->exception_fn = fn;
    loop->exception_arg = arg;
    return 0;
}

NOINLINE void rondo_loop_call_exception_handler(rondo_loop *loop,
                                                const rondo_exception *what)
{
    SYS_STOP_EXCEPTIONS();
    char words[ERROR_SENTENCE];
    rondo_exception copy;
    if (loop_check(loop, "loop_call_exception_handler") || !what)
        return;
    if (what->message == rondo_last_error()) { /* the handler's next one */
        snprintf(words, sizeof words, "%s", what->message);
        copy = *what;
        copy.message = words;
        what = &copy;
    }
    loop_hold(loop);
    if (loop->exception_fn)
        loop->exception_fn(loop, loop->exception_arg, what);
    else
        rondo_loop_default_exception_handler(loop, NULL, what);
    loop_let_go(loop);
}

/* ---- debug mode ---- */

size_t rondo_function_name(rondo_fn fn, char *text, size_t size)
{
    char name[256];
    sys_function_name(fn, name, sizeof name);
    int length = snprintf(text, text ? size : 0, "%s", name);
    return length > 0 ? (size_t)length : 0;
}

int rondo_loop_set_debug(rondo_loop *loop, bool debug, int64_t slow_callback_ns)
{
    int error = loop_check(loop, "loop_set_debug");
    if (error)
        return error;
    if (slow_callback_ns < 0)
        return error_set(RONDO_EINVAL, "loop_set_debug: a negative time");
    if (slow_callback_ns)
        loop->slow_ns = slow_callback_ns;
    loop->debug = debug;
    loop_set_guard(loop);
    observe_update(loop);
    return 0;
}

/* ---- the dump of open handles ---- */

/* Writes a handle's line and returns its size; 0: it is not listed. */
static size_t debug_describe(const rondo_loop *loop,
                             const struct handle *handle, char *line,
                             size_t size)
{
    const struct handle_class *class = handle_classes[handle->kind];
    char raw[160], state[4 * sizeof raw];
    if (!class->describe || !class->describe(handle, raw, sizeof raw))
        return 0;
    error_print(state, sizeof state, raw);
    int64_t age = (sys_clock() - loop->born) / 1000000 - handle->born_ms;
    int used = snprintf(line, size, "%s %s%s, %lld.%03lld s", class->name,
                        state, handle->background ? ", background" : "",
                        (long long)(age / 1000), (long long)(age % 1000));
    return used < 0 ? 0 : (size_t)used < size ? (size_t)used : size - 1;
}

/* The program may close any handle in `line`, this one too. */
static NOINLINE int debug_dump_kind(rondo_loop *loop, enum handle_kind kind,
                                    rondo_line_fn line, void *arg)
{
    SYS_STOP_EXCEPTIONS();
    struct handle_walk walk;
    struct handle *h;
    int lines = 0;
    handle_walk_begin(loop, kind, &walk);
    while ((h = handle_walk_next(loop, &walk))) {
        char text[768];
        size_t size = debug_describe(loop, h, text, sizeof text);
        if (!size)
            continue;
        loop_hold(loop);
        line(arg, text, size);
        loop_let_go(loop);
        lines++;
    }
    return lines;
}

int rondo_loop_dump(const rondo_loop *loop, rondo_line_fn line, void *arg)
{
    int error = loop_check(loop, "loop_dump");
    if (error)
        return error;
    if (!line)
        return error_set(RONDO_EINVAL, "loop_dump: no function");
    int lines = 0;
    for (int kind = 0; kind < HANDLE_KINDS; kind++)
        lines += debug_dump_kind((rondo_loop *)(uintptr_t)loop,
                                 (enum handle_kind)kind, line, arg);
    return lines;
}

static void debug_report_line(void *arg, const char *line, size_t size)
{
    rondo_loop *loop = arg;
    error_set(RONDO_OK, "open at close: %.*s", (int)size, line);
    rondo_exception e = loop_exception(RONDO_OK);
    rondo_loop_call_exception_handler(loop, &e);
}

void loop_report_open(rondo_loop *loop)
{
    (void)rondo_loop_dump(loop, debug_report_line, loop);
}
