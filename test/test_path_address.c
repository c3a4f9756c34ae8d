/* test_path_address.c - whom a unix socket is connected with. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "raw_net.h"

static void has_name(const rondo_address *a, const char *name)
{
    char text[RONDO_ADDRESS_TEXT];

    assert_int_equal(rondo_address_family(a), RONDO_FAMILY_UNIX);
    assert_ok(rondo_address_text(a, text, sizeof text));
    assert_string_equal(text, name);
}

/* ---- S12: addresses ----------------------------------------------------- */

struct addresses {
    rondo_address local, peer;
};

static void note_addresses(struct peer *p)
{
    struct addresses *a = p->user;

    assert_true(rondo_transport_fd(p->transport) == RONDO_NO_FD);
    assert_ok(rondo_transport_local_address(p->transport, &a->local));
    assert_ok(rondo_transport_peer_address(p->transport, &a->peer));
}

/* A short path has its place in the transport, a long one has not. */
static void check_names(struct world *w, const char *path)
{
    struct listener *l = local_serve(w, path);
    struct peer *c = test_peer(w);
    struct addresses *mine = test_alloc(w, sizeof *mine);
    struct addresses *theirs = test_alloc(w, sizeof *theirs);
    rondo_address a;

    l->model.on_lost = c->on_lost = note_addresses;
    l->model.user = theirs;
    c->user = mine;
    assert_ok(dial(w, RONDO_CONNECT(.path = path), c));
    dial_ends(w, c, RONDO_OK);
    test_run_until(w, l->count == 1 && l->first->made);
    assert_ok(rondo_transport_peer_address(c->transport, &a));
    has_name(&a, path);
    assert_ok(rondo_transport_local_address(l->first->transport, &a));
    has_name(&a, path);
    assert_ok(rondo_transport_peer_address(l->first->transport, &a));
    has_name(&a, ""); /* the client has bound no name */
    rondo_transport_close(c->transport);
    assert_ok(rondo_transport_peer_address(c->transport, &a));
    has_name(&a, path);
    test_run_until(w, c->lost && l->first->lost);
    has_name(&mine->peer, path);
    has_name(&mine->local, "");
    has_name(&theirs->local, path);
    has_name(&theirs->peer, "");
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
}

TEST(S12_names_of_unix_sockets)
{
    check_names(w, local_path(w, "a"));
    check_names(w, local_path(w, "a-name-that-is-much-longer-than-an-address"));
    assert_true(raw_path_chdir(local_path(w, "")));
    check_names(w, "short");
    assert_true(raw_path_chdir("/"));
}

TEST_LEAVES(S12_a_pair_has_no_names)
{
    struct peer *a, *b;
    rondo_address address;

    local_pair(w, &a, &b);
    assert_ok(rondo_transport_peer_address(a->transport, &address));
    has_name(&address, "");
    assert_ok(rondo_transport_local_address(b->transport, &address));
    has_name(&address, "");
}

TEST_LEAVES(S12_the_error_names_the_path)
{
    const char *path = local_path(w, "a-path-that-an-error-has-to-name");
    struct listener *l = local_serve(w, path);
    struct peer *c = local_connect(w, path);

    test_run_until(w, l->count == 1 && l->first->made);
    rondo_transport_abort(c->transport);
    assert_lost(w, c, NULL, RONDO_ECANCELED);
    assert_true(strstr(c->last_error, path) != NULL);
}

/* Where the memory for a name is missing the call or the client ends. */
TEST_LEAVES(G8_no_memory_for_a_name)
{
    const char *path =
        local_path(w, "a-name-that-takes-some-memory-of-its-own");
    unsigned ends[2] = {0, 0};
    struct peer *p;

    (void)local_serve(w, path);
    for (uint64_t n = 1; ends[0] == 0; n++) {
        p = test_peer(w);
        if (n > 50)
            test_fail(w, "never enough memory");
        test_fail_allocation(w, n);
        if (dial(w, RONDO_CONNECT(.path = path), p) < 0) {
            assert_int_equal(test_failed_allocations(w), 1);
            test_fail_allocation(w, 0);
            continue;
        }
        test_run_until(w, p->connected);
        if (test_failed_allocations(w) == 0)
            ends[0]++; /* this time there was enough */
        else if (p->connect_error == RONDO_ENOMEM)
            ends[1]++;
        test_fail_allocation(w, 0);
    }
    assert_true(ends[1] > 0);
}

/* ---- S12: credentials --------------------------------------------------- */

static void is_this_process(const rondo_transport *t)
{
    rondo_credentials who = RONDO_CREDENTIALS_INIT;

    assert_ok(rondo_transport_peer_credentials(t, &who));
    assert_int_equal(who.uid, raw_uid());
    assert_int_equal(who.gid, raw_gid());
    if (who.pid != -1)
        assert_int_equal(who.pid, raw_pid());
}

TEST_LEAVES(S12_credentials_of_both_ends)
{
    const char *path = local_path(w, "credentials");
    struct listener *l = local_serve(w, path);
    struct peer *c = local_connect(w, path), *a, *b;

    test_run_until(w, l->count == 1 && l->first->made);
    is_this_process(c->transport);
    is_this_process(l->first->transport);
    local_pair(w, &a, &b);
    is_this_process(a->transport);
}

static int connect_in_child(void *arg)
{
    char byte = 0;
    raw_fd fd = raw_local_connect(arg);
    int64_t pid = raw_pid();

    if (!raw_send_all(fd, &pid, sizeof pid, 10000))
        return 1;
    return raw_recv(fd, &byte, 1, 10000) == 1 ? 0 : 2;
}

struct child {
    const char *path;
    int ended;
};

static void run_child(void *arg)
{
    struct child *c = arg;

    c->ended = raw_fork_run(connect_in_child, (void *)(uintptr_t)c->path);
}

TEST_LEAVES(S12_credentials_of_another_process)
{
    struct child *child = test_alloc(w, sizeof *child);
    rondo_credentials who = RONDO_CREDENTIALS_INIT;
    struct raw_thread *thread;
    struct listener *l;
    int64_t pid = 0;

    child->path = local_path(w, "credentials-child");
    l = local_serve(w, child->path);
    peer_capture(&l->model, sizeof pid);
    thread = raw_thread_start(run_child, child);
    test_run_until(w, l->count == 1 && l->first->bytes == sizeof pid);
    assert_ok(rondo_transport_peer_credentials(l->first->transport, &who));
    assert_ok(rondo_transport_write(l->first->transport, "x", 1));
    raw_thread_join(thread);
    assert_int_equal(child->ended, 0);
    memcpy(&pid, l->first->captured, sizeof pid);
    assert_int_not_equal(pid, raw_pid());
    if (who.pid != -1)
        assert_int_equal(who.pid, pid);
    assert_int_equal(who.uid, raw_uid());
}

static void ask_again(struct peer *p)
{
    rondo_credentials who = RONDO_CREDENTIALS_INIT;

    assert_error(rondo_transport_peer_credentials(p->transport, &who),
                 RONDO_ENOTCONN);
}

TEST_LEAVES(S12_credentials_that_are_none)
{
    rondo_credentials who = RONDO_CREDENTIALS_INIT;
    struct peer *a, *b;

    test_pair(w, &a, &b);
    assert_refused(rondo_transport_peer_credentials(a->transport, &who),
                   RONDO_ENOTSUP, "unix sockets");
    assert_einval(rondo_transport_peer_credentials(NULL, &who));
    local_pair(w, &a, &b);
    assert_einval(rondo_transport_peer_credentials(a->transport, NULL));
    who.size = 0;
    assert_einval(rondo_transport_peer_credentials(a->transport, &who));
    a->on_lost = ask_again;
    rondo_transport_close(a->transport);
    test_run_until(w, a->lost);
}
