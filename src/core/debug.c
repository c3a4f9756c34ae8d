/* debug.c - the exception handler, debug mode, names of functions. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/loop.h"

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

/* "(NAME)", or "(NAME, from ANOTHER)". */
static bool debug_has_name(const char *words, const char *name)
{
    size_t size = strlen(name);
    for (const char *p = words; (p = strchr(p, '(')); p++)
        if (strncmp(p + 1, name, size) == 0 &&
            (p[size + 1] == ')' || p[size + 1] == ','))
            return true;
    return false;
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
    const char *name = rondo_error_name(what->error);
    if (what->error && !debug_has_name(words, name))
        fprintf(stderr, "rondo: %s [%s]\n", words, name);
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
