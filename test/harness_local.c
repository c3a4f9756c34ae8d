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
    return test_serve_with(w, &recorder, RONDO_SERVE(.path = path));
}

struct peer *local_connect(struct world *w, const char *path)
{
    return dial_to(w, RONDO_CONNECT(.path = path), RONDO_OK);
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

void local_is_name(const rondo_address *a, const char *name)
{
    char text[RONDO_ADDRESS_TEXT];

    assert_int_equal(rondo_address_family(a), RONDO_FAMILY_UNIX);
    assert_int_equal(rondo_address_text(a, text, sizeof text), strlen(name));
    assert_string_equal(text, name);
}

void local_is_at(const rondo_transport *t, const char *name)
{
    rondo_address a;

    assert_ok(rondo_transport_local_address(t, &a));
    local_is_name(&a, name);
}

void local_peer_is_at(const rondo_transport *t, const char *name)
{
    rondo_address a;

    assert_ok(rondo_transport_peer_address(t, &a));
    local_is_name(&a, name);
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
