/* test_path_address.c - whom a unix socket is connected with. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"

/* ---- S12: addresses ----------------------------------------------------- */

struct names {
    const char *local, *peer;
};

static void check_when_lost(struct peer *p)
{
    const struct names *names = p->user;

    assert_true(rondo_transport_fd(p->transport) == RONDO_NO_FD);
    local_is_at(p->transport, names->local);
    local_peer_is_at(p->transport, names->peer);
}

/* A short path has its place in the transport, a long one has not. The client
 * has bound no name. */
static void check_names(struct world *w, const char *path)
{
    struct listener *l = local_serve(w, path);
    struct peer *c = dial_new(w, RONDO_CONNECT(.path = path));
    struct names *names = test_alloc(w, 2 * sizeof *names);

    names[0] = (struct names){.local = "", .peer = path};
    names[1] = (struct names){.local = path, .peer = ""};
    l->model.on_lost = c->on_lost = check_when_lost;
    c->user = &names[0];
    l->model.user = &names[1];
    dial_ends(w, c, RONDO_OK);
    test_run_until(w, l->count == 1 && l->first->made);
    local_peer_is_at(c->transport, path);
    local_is_at(l->first->transport, path);
    local_peer_is_at(l->first->transport, "");
    rondo_transport_close(c->transport);
    local_peer_is_at(c->transport, path);
    test_run_until(w, c->lost && l->first->lost);
    test_stop(l);
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

    local_pair(w, &a, &b);
    local_peer_is_at(a->transport, "");
    local_is_at(b->transport, "");
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
    unsigned ended = 0;

    (void)local_serve(w, path);
    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct peer *p = test_peer(w);

        if (dial(w, RONDO_CONNECT(.path = path), p) < 0)
            continue;
        test_run_until(w, p->connected);
        ended += p->connect_error == RONDO_ENOMEM;
        test_fail_allocation(w, 0);
    }
    assert_true(ended > 0);
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
