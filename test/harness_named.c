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

struct listener *named_serve_with(struct world *w, const char *name,
                                  rondo_server_options *options)
{
    struct listener *l;

    options->path = name;
    l = test_serve_with(w, &recorder, options);
    l->name = name;
    return l;
}

struct listener *named_serve(struct world *w, const char *name)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    return named_serve_with(w, name, &o);
}

struct peer *named_connect(struct world *w, const char *name)
{
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.path = name), p));
    dial_ends(w, p, RONDO_OK);
    return p;
}

struct listener *named_pair(struct world *w, struct peer **client,
                            struct peer **served)
{
    const char *name = named_name(w);
    struct listener *l = named_serve(w, name);

    *client = named_connect(w, name);
    test_run_until(w, l->count == 1 && l->first->made);
    *served = l->first;
    (*client)->other = *served;
    (*served)->other = *client;
    return l;
}

raw_fd named_raw_client(struct world *w, struct listener *l, const char *name,
                        struct peer **served)
{
    unsigned before = l->count;
    raw_fd fd = raw_named_dial(name);

    assert_true(fd != RONDO_NO_FD);
    test_run_until(w, l->count == before + 1 && l->last->made);
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

void named_stop(struct world *w, struct listener *l)
{
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
}
