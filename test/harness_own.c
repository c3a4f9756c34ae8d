/* harness_own.c - what the end of a test closes and undoes. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

struct own {
    struct own *next;
    void (*fn)(void *arg); /* NULL: it is about the descriptors */
    void *arg;
    raw_fd fds[2]; /* RONDO_NO_FD: closed already */
};

static struct own *add(struct world *w, struct own what)
{
    struct own *own = test_alloc(w, sizeof *own);

    *own = what;
    own->next = w->own;
    w->own = own;
    return own;
}

void test_at_end(struct world *w, void (*fn)(void *arg), void *arg)
{
    (void)add(w, (struct own){.fn = fn, .arg = arg});
}

raw_fd *test_own_pair(struct world *w, const raw_fd pair[2])
{
    return add(w, (struct own){.fds = {pair[0], pair[1]}})->fds;
}

raw_fd test_own(struct world *w, raw_fd fd)
{
    if (fd == RONDO_NO_FD)
        test_fail(w, "test_own: no descriptor");
    return *test_own_pair(w, (const raw_fd[2]){fd, RONDO_NO_FD});
}

raw_fd test_disown(struct world *w, raw_fd fd)
{
    for (struct own *own = w->own; own; own = own->next)
        for (int i = 0; i < 2 && !own->fn; i++)
            if (own->fds[i] == fd) {
                own->fds[i] = RONDO_NO_FD;
                return fd;
            }
    test_fail(w, "test_disown: the test does not own that descriptor");
}

void test_close_own(struct world *w, raw_fd fd)
{
    raw_close(test_disown(w, fd));
}

void test_reset_own(struct world *w, raw_fd fd)
{
    raw_reset(test_disown(w, fd));
}

void test_close_all_own(struct world *w)
{
    for (struct own *own = w->own; own; own = own->next)
        if (!own->fn) {
            raw_close_pair(own->fds);
            own->fds[0] = own->fds[1] = RONDO_NO_FD;
        }
}

raw_fd *test_sockets(struct world *w)
{
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    return test_own_pair(w, fds);
}

raw_fd *test_own_pipe(struct world *w)
{
    raw_fd fds[2];

    test_skip_if(w, raw_pipe(fds) != 0,
                 "no pipes as descriptors on this system");
    return test_own_pair(w, fds);
}

void own_end(struct world *w)
{
    while (w->own) {
        struct own *own = w->own;

        w->own = own->next;
        if (own->fn)
            own->fn(own->arg);
        else
            raw_close_pair(own->fds);
    }
}
