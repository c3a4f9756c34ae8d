/* test_facts.c - what a loop says of itself, beside what then happens. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"
#include "harness_dial.h"
#include "harness_process.h"
#include "raw_local.h"
#include "raw_net.h"

/* ---- capabilities ------------------------------------------------------- */

TEST(G2_tcp)
{
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);

    test_run_until(w, c->connected && l->count == 1);
    assert_int_equal(rondo_loop_supports(w->loop, RONDO_CAN_TCP),
                     c->connect_error == 0);
}

TEST(G2_udp)
{
    struct endpoint *e = endpoint_new(w);
    int result =
        endpoint_create(e, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET));
    rondo_address to = endpoint_address("127.0.0.1", 0);

    assert_int_equal(rondo_loop_supports(w->loop, RONDO_CAN_UDP), result == 0);
    assert_ok(result);
    rondo_address_set_port(&to, rondo_address_port(&e->local));
    assert_ok(rondo_datagram_send(e->d, "self", 4, &to));
    test_run_until(w, e->received);
}

TEST(G2_watching_sockets)
{
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_int_equal(test_watches(w, fds[0], RONDO_ENOTSUP),
                     rondo_loop_supports(w->loop, RONDO_CAN_WATCH_SOCKETS));
    raw_close_pair(fds);
}

TEST(G2_watching_pipes)
{
    raw_fd fds[2];

    if (raw_pipe(fds) != 0)
        test_skip(w, "no pipes as descriptors on this system");
    assert_int_equal(test_watches(w, fds[1], RONDO_ENOTSUP),
                     rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES));
    raw_close_pair(fds);
}

/* Also where it cannot, the descriptor's kind is not to blame. */
TEST(G2_pipes_as_transports)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_PIPES);
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    if (raw_pipe(fds) != 0)
        test_skip(w, "no pipes as descriptors on this system");
    int result = rondo_connect_write_pipe(w->loop, fds[1], RONDO_PIPE_BORROW,
                                          &recorder, p, &p->transport);
    if (can) {
        assert_ok(result);
        assert_int_equal(rondo_transport_write(p->transport, "x", 1), 0);
        rondo_transport_close(p->transport);
        test_run_until(w, p->lost);
    } else {
        assert_error(result, RONDO_ENOTSUP);
        assert_non_null(strstr(rondo_last_error(), "iocp"));
    }
    raw_close_pair(fds);
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
    int result;

    test_skip_if(w, raw_emulated(), "an emulated program cannot start others");
    result = proc_try(p, NULL, "exit", "7", NULL);

    if (!rondo_loop_supports(w->loop, RONDO_CAN_SUBPROCESS)) {
        assert_error(result, RONDO_ENOTSUP);
        assert_true(strstr(rondo_last_error(), "iocp") != NULL);
        return;
    }
    assert_ok(result);
    proc_wait(p);
    proc_check_exit(p, 7);
}

TEST(G2_choosing_a_child_watcher)
{
    rondo_loop_options o = test_loop_options(w);
    int result;

    o.child_watcher = "thread";
    result = rondo_loop_new(&w->other, &o);
    if (rondo_loop_supports(w->loop, RONDO_CAN_CHILD_WATCHER))
        assert_ok(result);
    else
        assert_error(result, RONDO_ENOTSUP);
}

TEST(G2_embedding)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    int result = rondo_loop_prepare(w->loop, &wait);

    if (rondo_loop_supports(w->loop, RONDO_CAN_EMBED)) {
        assert_ok(result);
        assert_true(wait.fd != RONDO_NO_FD && raw_fd_valid(wait.fd));
        return;
    }
    assert_error(result, RONDO_ENOTSUP);
    assert_true(strstr(rondo_last_error(), "epoll") != NULL ||
                strstr(rondo_last_error(), "kqueue") != NULL);
}

TEST(G2_unix_sockets)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
    char folder[64] = "nowhere", path[80];
    rondo_server *s = NULL;
    int result;

    assert_int_equal(rondo_loop_limit(w->loop, RONDO_LIMIT_UNIX_PATH) > 0, can);
    if (can)
        assert_true(raw_folder(folder));
    (void)snprintf(path, sizeof path, "%s/socket", folder);
    result = rondo_create_server(w->loop, RONDO_SERVE(.path = path), &recorder,
                                 NULL, &s);
    if (!can) {
        assert_error(result, RONDO_ENOTSUP);
        return;
    }
    raw_folder_remove(folder);
    assert_ok(result);
    rondo_server_close(s);
}

TEST(G2_passing_descriptors)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_PASS_DESCRIPTORS);
    struct peer *p = test_peer(w);
    raw_fd fds[2], file = raw_file();

    if (raw_local_pair(fds) != 0) {
        assert_false(can);
        assert_int_equal(raw_pair(fds), 0);
    }
    test_adopt(w, fds[0], &recorder, p);
    if (can)
        assert_ok(rondo_transport_send_fd(p->transport, file));
    else
        assert_error(rondo_transport_send_fd(p->transport, file),
                     RONDO_ENOTSUP);
    raw_close(fds[1]);
    raw_close(file);
}

static int serve_beside(struct world *w, uint16_t *port, rondo_server **s)
{
    rondo_address a;
    int result = rondo_create_server(
        w->loop,
        RONDO_SERVE(.host = "127.0.0.1", .port = *port, .reuse_port = RONDO_ON),
        &recorder, test_peer(w), s);

    if (result < 0)
        return result;
    assert_ok(rondo_server_address(*s, 0, &a));
    *port = rondo_address_port(&a);
    return 0;
}

TEST(G2_reuse_port)
{
    rondo_server *s[2] = {NULL, NULL};
    uint16_t port = 0;
    int result = serve_beside(w, &port, &s[0]);

    if (!rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT)) {
        assert_error(result, RONDO_ENOTSUP);
        assert_null(s[0]);
        assert_true(strstr(rondo_last_error(), "reuse_port") != NULL);
        return;
    }
    assert_ok(result);
    assert_ok(serve_beside(w, &port, &s[1]));
    assert_true(rondo_server_fd(s[0], 0) != rondo_server_fd(s[1], 0));
    /* only among those that asked for it */
    assert_error(rondo_create_server(
                     w->loop, RONDO_SERVE(.host = "127.0.0.1", .port = port),
                     &recorder, NULL, NULL),
                 RONDO_EADDRINUSE);
}

/* "spreads the load": of many clients both servers get some */
TEST(G2_reuse_port_spreads_the_load)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l[2];
    raw_fd fds[100];

    if (!rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT))
        test_skip(w, "no reuse_port that spreads the load");
    o.reuse_port = RONDO_ON;
    l[0] = test_serve_with(w, &recorder, &o);
    o.port = l[0]->port;
    l[1] = test_serve_with(w, &recorder, &o);
    for (int i = 0; i < 100; i++)
        fds[i] = raw_connect(l[0]->port);
    test_run_until(w, l[0]->count + l[1]->count == 100);
    assert_true(l[0]->count > 0 && l[1]->count > 0);
    for (int i = 0; i < 100; i++)
        raw_close(fds[i]);
}

/* 2 is SIGINT everywhere */
TEST(G2_signals)
{
    int result = rondo_add_signal_handler(w->loop, 2, ignore_signal, NULL);

    assert_int_equal(result == 0,
                     rondo_loop_supports(w->loop, RONDO_CAN_SIGNALS));
    assert_true(result == 0 || result == RONDO_ENOTSUP);
}

TEST(G2_unknown_capabilities_are_none)
{
    assert_false(rondo_loop_supports(w->loop, (rondo_capability)99));
    assert_false(rondo_loop_supports(w->loop, (rondo_capability)-1));
    assert_false(rondo_loop_supports(NULL, RONDO_CAN_TCP));
}
