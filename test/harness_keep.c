/* harness_keep.c - what the end of a test closes and frees. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

struct kept {
    raw_fd fd; /* RONDO_NO_FD: closed already */
    struct kept *next;
};

struct last {
    void (*fn)(void *arg);
    void *arg;
    struct last *next;
};

raw_fd test_keep(struct world *w, raw_fd fd)
{
    struct kept *k = test_alloc(w, sizeof *k);

    if (fd == RONDO_NO_FD)
        test_fail(w, "test_keep: no descriptor");
    *k = (struct kept){fd, w->kept};
    w->kept = k;
    return fd;
}

static void forget(struct world *w, raw_fd fd)
{
    for (struct kept *k = w->kept; k; k = k->next)
        if (k->fd == fd) {
            k->fd = RONDO_NO_FD;
            return;
        }
    test_fail(w, "a descriptor that the test has not kept");
}

void test_drop(struct world *w, raw_fd fd)
{
    forget(w, fd);
    raw_close(fd);
}

void test_reset(struct world *w, raw_fd fd)
{
    forget(w, fd);
    raw_reset(fd);
}

void test_drop_all(struct world *w)
{
    for (struct kept *k = w->kept; k; k = k->next)
        if (k->fd != RONDO_NO_FD)
            raw_close(k->fd);
    w->kept = NULL;
}

void test_finally(struct world *w, void (*fn)(void *arg), void *arg)
{
    struct last *l = test_alloc(w, sizeof *l);

    *l = (struct last){fn, arg, w->lasts};
    w->lasts = l;
}

void run_lasts(struct world *w)
{
    for (struct last *l = w->lasts; l; l = l->next)
        l->fn(l->arg);
    w->lasts = NULL;
}
