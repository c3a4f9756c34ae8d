/* harness_local.c - unix sockets by path, in a folder of the executable's own. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"

static char folder[64];
static bool has_folder;

static bool make_folder(void)
{
    has_folder = raw_folder(folder);
    return true;
}

static void remove_folder(void)
{
    if (has_folder)
        raw_folder_remove(folder);
}

TEST_AROUND(make_folder, remove_folder);

const char *local_path(struct world *w, const char *name)
{
    char *path = test_alloc(w, 128);

    if (!rondo_loop_supports(w->loop, RONDO_CAN_UNIX))
        test_skip(w, "no unix sockets");
    (void)snprintf(path, 128, "%s/%s", folder, name);
    return path;
}

struct listener *local_serve(struct world *w, const char *path)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    o.path = path;
    return test_serve_with(w, &recorder, &o);
}

struct peer *local_connect(struct world *w, const char *path)
{
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.path = path), p));
    dial_ends(w, p, RONDO_OK);
    return p;
}

void local_pair(struct world *w, struct peer **a, struct peer **b)
{
    raw_fd fds[2];

    test_skip_if(w, raw_local_pair(fds) != 0, "no unix sockets");
    *a = test_peer(w);
    *b = test_peer(w);
    (*a)->other = *b;
    (*b)->other = *a;
    test_adopt(w, fds[0], &recorder, *a);
    test_adopt(w, fds[1], &recorder, *b);
    test_run_until(w, (*a)->made && (*b)->made);
}

raw_fd local_raw_peer(struct world *w, const rondo_protocol *protocol,
                      struct peer *p)
{
    raw_fd fds[2];

    test_skip_if(w, raw_local_pair(fds) != 0, "no unix sockets");
    test_adopt(w, fds[0], protocol, p);
    test_run_until(w, p->made);
    return fds[1];
}

bool local_has_abstract_names(void)
{
    rondo_address a;

    return rondo_address_unix(&a, "\0name", 5) == 0;
}

void local_need_passing(struct world *w)
{
    if (!rondo_loop_supports(w->loop, RONDO_CAN_PASS_DESCRIPTORS))
        test_skip(w, "descriptors cannot be passed");
}
