/* harness_named.c - pipes by name for tests. */
/* SPDX-License-Identifier: MIT */
#include "harness_named.h"

const char *named_name(struct world *w)
{
    static unsigned number;
    char *name = test_alloc(w, 64);

    if (!rondo_loop_supports(w->loop, RONDO_CAN_NAMED_PIPES))
        test_skip(w, "no RONDO_CAN_NAMED_PIPES");
    (void)snprintf(name, 64, "\\\\.\\pipe\\rondo-test-%lld-%u",
                   (long long)raw_pid(), ++number);
    return name;
}

struct listener *named_serve(struct world *w, const char *name)
{
    return test_serve_with(w, &recorder, RONDO_SERVE(.path = name));
}

struct peer *named_connect(struct world *w, const char *path)
{
    return dial_to(w, RONDO_CONNECT(.path = path), RONDO_OK);
}

struct named_pair named_pair(struct world *w)
{
    struct named_pair p = {.l = named_serve(w, named_name(w))};

    p.c = named_connect(w, p.l->name);
    test_run_until(w, p.l->count == 1 && p.l->first->made);
    p.s = p.l->first;
    p.c->other = p.s;
    p.s->other = p.c;
    return p;
}

raw_fd named_dial(struct world *w, const struct listener *l)
{
    raw_fd fd = raw_named_dial(l->name);

    assert_true(fd != RONDO_NO_FD);
    return test_own(w, fd);
}

raw_fd named_raw_pair(struct world *w, struct peer **served)
{
    struct listener *l = named_serve(w, named_name(w));
    raw_fd fd = named_dial(w, l);

    test_run_until(w, l->count == 1 && l->last->made);
    *served = l->last;
    return fd;
}

ptrdiff_t named_drain(struct world *w, raw_fd fd, uint64_t *count)
{
    unsigned char piece[8192];
    ptrdiff_t n = RAW_AGAIN;

    *count = 0;
    for (;;) {
        test_run_until(w, (n = raw_named_recv(fd, piece, sizeof piece)) !=
                              RAW_AGAIN);
        if (n <= 0)
            return n;
        assert_true(test_matches(piece, *count, (size_t)n));
        *count += (uint64_t)n;
    }
}
