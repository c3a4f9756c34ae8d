/* harness_report.c - an exception handler that writes down what it is told. */
/* SPDX-License-Identifier: MIT */
#include "harness_report.h"

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    struct report *r = arg;

    assert_ptr_equal(loop, r->loop);
    assert_true(what->size >= sizeof *what);
    assert_non_null(what->message);
    if (r->count < REPORT_KEPT)
        (void)snprintf(r->messages[r->count], sizeof r->messages[0], "%s",
                       what->message);
    r->count++;
    r->error = what->error;
    r->os_error = what->os_error;
    r->about = what->server ? (const void *)what->server
                            : (const void *)what->transport;
    if (r->default_too)
        rondo_loop_default_exception_handler(loop, NULL, what);
}

struct report *report_on(struct world *w, rondo_loop *loop)
{
    struct report *r = test_alloc(w, sizeof *r);

    r->w = w;
    r->loop = loop;
    assert_ok(rondo_loop_set_exception_handler(loop, on_exception, r));
    return r;
}

struct report *report_new(struct world *w)
{
    return report_on(w, w->loop);
}

bool report_has(const struct report *r, const char *part)
{
    for (unsigned i = 0; i < r->count && i < REPORT_KEPT; i++)
        if (strstr(r->messages[i], part))
            return true;
    return false;
}
