/* test_facts.c - what a loop says of itself, beside what then happens. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"
#include "harness_dial.h"
#include "harness_process.h"
#include "raw_local.h"
#include "raw_net.h"

/* ---- capabilities ------------------------------------------------------- */

/* Whether the loop can; what it cannot is refused with these words. */
static bool check_can(struct world *w, rondo_capability what, int result,
                      const char *words)
{
    if (rondo_loop_supports(w->loop, what)) {
        assert_ok(result);
        return true;
    }
    assert_error(result, RONDO_ENOTSUP);
    assert_non_null(strstr(rondo_last_error(), words));
    return false;
}

TEST_LEAVES(G2_tcp)
{
    assert_true(rondo_loop_supports(w->loop, RONDO_CAN_TCP));
    (void)test_client(w, test_serve(w));
}

TEST_LEAVES(G2_udp)
{
    struct endpoint *e = endpoint_new(w);
    rondo_address to = endpoint_address("127.0.0.1", 0);

    assert_true(check_can(
        w, RONDO_CAN_UDP,
        endpoint_create(e, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET)), ""));
    rondo_address_set_port(&to, rondo_address_port(&e->local));
    assert_ok(rondo_datagram_send(e->d, "self", 4, &to));
    test_run_until(w, e->received);
}

TEST(G2_watching_sockets)
{
    assert_int_equal(test_watches(w, test_sockets(w)[0], RONDO_ENOTSUP),
                     rondo_loop_supports(w->loop, RONDO_CAN_WATCH_SOCKETS));
}

TEST(G2_watching_pipes)
{
    assert_int_equal(test_watches(w, test_own_pipe(w)[1], RONDO_ENOTSUP),
                     rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES));
}

/* Also where it cannot, the descriptor's kind is not to blame. */
TEST(G2_pipes_as_transports)
{
    struct peer *p = test_peer(w);
    int result = rondo_connect_write_pipe(w->loop, test_own_pipe(w)[1],
                                          RONDO_PIPE_BORROW, &recorder, p,
                                          &p->transport);

    if (check_can(w, RONDO_CAN_PIPES, result, "iocp")) {
        assert_int_equal(rondo_transport_write(p->transport, "x", 1), 0);
        rondo_transport_close(p->transport);
        test_run_until(w, p->lost);
    }
}

/* "Any" device: /dev/null is the one that kernels refuse, but for some that
 * refuse others. */
TEST(G2_watching_character_devices)
{
    raw_fd fd = raw_null();
    bool pipes = rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES);
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_WATCH_CHAR_DEVICES);
    bool watched = test_watches(w, fd, pipes ? RONDO_EPERM : RONDO_ENOTSUP);

    raw_close(fd);
    if (watched && !can && strcmp(rondo_loop_backend(w->loop), "kqueue") == 0)
        test_skip(w, "this kernel takes /dev/null, but not every device");
    assert_int_equal(watched, can);
}

TEST(G2_subprocesses)
{
    struct proc *p = proc_new(w);

    test_skip_if(w, raw_emulated(), "an emulated program cannot start others");
    if (check_can(w, RONDO_CAN_SUBPROCESS, proc_try(p, "exit", "7", NULL),
                  "iocp"))
        proc_ends(p, 7);
}

TEST(G2_choosing_a_child_watcher)
{
    rondo_loop_options o = test_loop_options(w);

    o.child_watcher = "thread";
    (void)check_can(w, RONDO_CAN_CHILD_WATCHER, rondo_loop_new(&w->other, &o),
                    "");
}

TEST(G2_embedding)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    int result = rondo_loop_prepare(w->loop, &wait);

    if (check_can(w, RONDO_CAN_EMBED_FD, result, ""))
        assert_true(wait.fd != RONDO_NO_FD && raw_fd_valid(wait.fd));
    else
        assert_true(strstr(rondo_last_error(), "epoll") != NULL ||
                    strstr(rondo_last_error(), "kqueue") != NULL);
}

TEST(G2_embedding_by_a_list)
{
    rondo_poll_entry entries[8];
    int64_t timeout = -1;
    int result = rondo_loop_prepare_poll(w->loop, entries, 8, &timeout);

    if (check_can(w, RONDO_CAN_EMBED, result, "prepare_poll"))
        assert_true(result > 0 && timeout == RONDO_NEVER);
    /* no backend lacks it */
    assert_true(rondo_loop_supports(w->loop, RONDO_CAN_EMBED));
}

TEST_LEAVES(G2_unix_sockets)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
    char folder[64] = "nowhere";
    int result;

    assert_int_equal(rondo_loop_limit(w->loop, RONDO_LIMIT_UNIX_PATH) > 0, can);
    if (can)
        assert_true(raw_folder(folder));
    result = rondo_create_server(
        w->loop, RONDO_SERVE(.path = test_format(w, "%s/socket", folder)),
        &recorder, NULL, NULL);
    if (check_can(w, RONDO_CAN_UNIX, result, ""))
        raw_folder_remove(folder);
}

TEST_LEAVES(G2_passing_descriptors)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    if (raw_local_pair(fds) != 0) {
        assert_false(rondo_loop_supports(w->loop, RONDO_CAN_PASS_DESCRIPTORS));
        assert_int_equal(raw_pair(fds), 0);
    }
    test_adopt(w, fds[0], &recorder, p);
    (void)check_can(
        w, RONDO_CAN_PASS_DESCRIPTORS,
        rondo_transport_send_fd(p->transport, test_own(w, raw_file())), "");
    raw_close(fds[1]);
}

TEST_LEAVES(G2_detaching)
{
    rondo_detached out = RONDO_DETACHED_INIT;
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    (void)test_own(w, fds[1]);
    test_run_until(w, p->made);
    if (check_can(w, RONDO_CAN_DETACH,
                  rondo_transport_detach(p->transport, &out), "port"))
        (void)test_own(w, (raw_fd)out.fd);
}

static int serve_beside(struct world *w, uint16_t port, rondo_server **s)
{
    return rondo_create_server(
        w->loop,
        RONDO_SERVE(.host = "127.0.0.1", .port = port, .reuse_port = RONDO_ON),
        &recorder, test_peer(w), s);
}

TEST_LEAVES(G2_reuse_port)
{
    rondo_server *s[2] = {NULL, NULL};
    uint16_t port;

    if (!check_can(w, RONDO_CAN_REUSE_PORT, serve_beside(w, 0, &s[0]),
                   "reuse_port")) {
        assert_null(s[0]);
        return;
    }
    port = raw_local_port(rondo_server_fd(s[0], 0));
    assert_ok(serve_beside(w, port, &s[1]));
    assert_true(rondo_server_fd(s[0], 0) != rondo_server_fd(s[1], 0));
    /* only among those that asked for it */
    assert_error(rondo_create_server(
                     w->loop, RONDO_SERVE(.host = "127.0.0.1", .port = port),
                     &recorder, NULL, NULL),
                 RONDO_EADDRINUSE);
}

/* "spreads the load": of many clients both servers get some */
TEST_LEAVES(G2_reuse_port_spreads_the_load)
{
    struct listener *l[2];

    if (!rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT))
        test_skip(w, "no reuse_port that spreads the load");
    l[0] = test_serve_with(w, &recorder, RONDO_SERVE(.reuse_port = RONDO_ON));
    l[1] = test_serve_with(
        w, &recorder, RONDO_SERVE(.port = l[0]->port, .reuse_port = RONDO_ON));
    for (int i = 0; i < 100; i++)
        (void)test_own(w, raw_connect(l[0]->port));
    test_run_until(w, l[0]->count + l[1]->count == 100);
    assert_true(l[0]->count > 0 && l[1]->count > 0);
}

/* 2 is SIGINT everywhere */
TEST(G2_signals)
{
    (void)check_can(w, RONDO_CAN_SIGNALS,
                    rondo_add_signal_handler(w->loop, 2, ignore_signal, NULL),
                    "");
}

static void ignore_path(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    (void)loop;
    (void)arg;
    (void)e;
}

TEST(G2_watching_paths)
{
    static const char *const own[] = {"inotify", "kqueue", "changes"};
    unsigned ways = 0;

    for (size_t i = 0; i < COUNT_OF(own); i++) {
        rondo_id id = rondo_watch_path(
            w->loop, ".", RONDO_PATH(.watcher = own[i]), ignore_path, NULL);

        if (id > 0) {
            ways++;
            assert_ok(rondo_cancel(w->loop, id));
        } else {
            assert_error(id, RONDO_ENOTSUP);
            assert_non_null(strstr(rondo_last_error(), "\"poll\""));
        }
    }
    assert_int_equal(ways, rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PATHS));
}

static void ignore_interfaces(rondo_loop *loop, void *arg,
                              const rondo_interface *first, int error)
{
    (void)loop;
    (void)arg;
    (void)first;
    (void)error;
}

TEST(G2_watching_interfaces)
{
    rondo_id id = rondo_watch_interfaces(w->loop, ignore_interfaces, NULL);

    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_NETWORK))
        assert_ok(rondo_cancel(w->loop, assert_ok(id)));
    else
        assert_error(id, RONDO_ENOTSUP);
}

TEST(G2_unknown_capabilities_are_none)
{
    assert_false(rondo_loop_supports(w->loop, (rondo_capability)99));
    assert_false(rondo_loop_supports(w->loop, (rondo_capability)-1));
    assert_false(rondo_loop_supports(NULL, RONDO_CAN_TCP));
}
