/* test_ground_fd.c - the library's own descriptors, and the program's 0-2. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_net.h"

/* All that a loop opens by itself: a server, a client, what is accepted. */
static struct listener *open_all(struct world *w, struct peer **client)
{
    struct listener *l = test_serve(w);
    rondo_remote *remote = rondo_loop_remote(w->loop);

    *client = test_connect(w, l->port);
    test_run_until(w, (*client)->made && l->first && l->first->made);
    rondo_remote_release(remote);
    return l;
}

static bool is_open_in(const struct raw_snapshot *s, size_t fd)
{
    return (s->open[fd / 8] >> (fd % 8) & 1) != 0;
}

/* ---- G9: close-on-exec -------------------------------------------------- */

TEST_LEAVES(G9_every_descriptor_is_close_on_exec)
{
    struct raw_snapshot *now = test_alloc(w, sizeof *now);
    struct peer *client;
    const struct listener *l = open_all(w, &client);

    assert_true(raw_fd_close_on_exec(rondo_server_fd(l->server, 0)));
    assert_true(raw_fd_close_on_exec(rondo_transport_fd(client->transport)));
    assert_true(raw_fd_close_on_exec(rondo_transport_fd(l->first->transport)));
    raw_snapshot_take(now);
    assert_true(now->count >= w->descriptors.count + 3);
    for (size_t fd = 0; fd < sizeof now->open * 8; fd++)
        if (is_open_in(now, fd) && !is_open_in(&w->descriptors, fd) &&
            !raw_fd_close_on_exec((raw_fd)fd))
            test_fail(w, "descriptor %zu survives exec", fd);
}

static void keep_socket(rondo_server *server, void *arg, rondo_fd socket,
                        const rondo_address *peer)
{
    struct listener *l = arg;

    (void)server;
    (void)peer;
    l->model.fd = test_own(l->w, socket);
}

TEST_LEAVES(G9_a_socket_handed_on_is_close_on_exec)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;

    options.accepted = keep_socket;
    l = test_serve_with(w, NULL, &options);
    (void)test_own(w, raw_connect(l->port));
    test_run_until(w, l->model.fd != RONDO_NO_FD);
    assert_true(raw_fd_close_on_exec(l->model.fd));
}

TEST_LEAVES(G9_the_program_s_0_to_2_stay_as_they_are)
{
    struct peer *client;
    bool before[3];

    for (int fd = 0; fd < 3; fd++)
        before[fd] = raw_fd_valid(fd) && raw_fd_close_on_exec(fd);
    (void)open_all(w, &client);
    for (int fd = 0; fd < 3; fd++)
        assert_true(before[fd] ==
                    (raw_fd_valid(fd) && raw_fd_close_on_exec(fd)));
}

/* ---- G9: never 0, 1 or 2 ------------------------------------------------ */

/*
 * In a child with the standard descriptors closed: no assertions there, it
 * answers with the number of the step that went wrong.
 */
struct child {
    struct world *w;
    unsigned made, lost, done;
    rondo_transport *t[2];
};

static void child_made(rondo_transport *t, void *self)
{
    struct child *c = self;

    if (c->made < 2)
        c->t[c->made] = t;
    c->made++;
}

static void child_lost(rondo_transport *t, void *self, int error)
{
    struct child *c = self;

    (void)t;
    (void)error;
    c->lost++;
}

static void child_done(rondo_loop *loop, void *arg, rondo_transport *t,
                       int error)
{
    struct child *c = arg;

    (void)loop;
    (void)t;
    c->done += error == 0;
}

static const rondo_protocol child_protocol = {.connection_made = child_made,
                                              .connection_lost = child_lost};

static bool standard_ones_are_free(void)
{
    return !raw_fd_valid(0) && !raw_fd_valid(1) && !raw_fd_valid(2);
}

static int serve_and_connect(rondo_loop *loop, struct child *c)
{
    rondo_server *server;
    rondo_address a;

    if (rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                            &child_protocol, c, &server) < 0 ||
        rondo_server_address(server, 0, &a) < 0 || !standard_ones_are_free())
        return 2;
    if (rondo_create_connection(loop, RONDO_CONNECT(.address = &a),
                                &child_protocol, c, child_done, c) < 0)
        return 3;
    if (!child_runs_until(loop, &c->made, 2) ||
        !child_runs_until(loop, &c->done, 1))
        return 4;
    if (!standard_ones_are_free())
        return 5;
    rondo_server_close(server);
    rondo_transport_close(c->t[0]);
    rondo_transport_close(c->t[1]);
    return child_runs_until(loop, &c->lost, 2) ? 0 : 6;
}

static int without_standard_descriptors(void *arg)
{
    struct child *c = arg;
    rondo_loop_options options = test_loop_options(c->w);
    rondo_loop *loop;
    int result;

    for (int fd = 0; fd < 3; fd++)
        raw_close(fd);
    if (rondo_loop_new(&loop, &options) < 0 || !standard_ones_are_free())
        return 1;
    result = serve_and_connect(loop, c);
    if (result)
        return result;
    if (rondo_loop_close(loop) < 0 || !standard_ones_are_free())
        return 7;
    return 0;
}

TEST(G9_never_on_0_to_2)
{
    struct child c = {.w = w};

    test_run_child(w, without_standard_descriptors, &c);
}

/* A loop that came through fork gets its new descriptors as any loop. */
static int after_fork_without_standard(void *arg)
{
    struct child *c = arg;

    for (int fd = 0; fd < 3; fd++)
        raw_close(fd);
    if (rondo_loop_after_fork(c->w->loop) < 0 || !standard_ones_are_free())
        return 1;
    return serve_and_connect(c->w->loop, c);
}

TEST(G9_never_on_0_to_2_after_fork)
{
    struct child c = {.w = w};

    test_run_child(w, after_fork_without_standard, &c);
}

/* ---- G9: the program's on 0-2 ------------------------------------------- */

/* A program may hand over a socket that happens to have such a number. */
static int adopt_number_0(void *arg)
{
    struct child *c = arg;
    rondo_loop_options options = test_loop_options(c->w);
    rondo_loop *loop;
    raw_fd fds[2];
    char bytes[5];

    if (raw_pair(fds) < 0)
        return 1;
    if (raw_move_fd(fds[0], 0) != 0)
        return 2;
    if (rondo_loop_new(&loop, &options) < 0)
        return 3;
    if (rondo_connect_accepted_socket(loop, 0, &child_protocol, c, NULL) < 0)
        return 4;
    if (!child_runs_until(loop, &c->made, 1) ||
        rondo_transport_write(c->t[0], "zero!", 5) < 0 ||
        !raw_recv_exact(fds[1], bytes, 5, 5000) ||
        memcmp(bytes, "zero!", 5) != 0)
        return 5;
    if (rondo_loop_close(loop) < 0)
        return 6;
    return raw_fd_valid(0) ? 7 : 0; /* it was given away */
}

TEST(G9_number_0_of_the_program_s_is_used_as_it_is)
{
    struct child c = {.w = w};

    test_run_child(w, adopt_number_0, &c);
}

static void child_received(rondo_loop *loop, void *arg, int64_t result)
{
    struct child *c = arg;

    (void)loop;
    c->done += result == 5;
}

static int receive_on_number_0(void *arg)
{
    struct child *c = arg;
    rondo_loop_options options = test_loop_options(c->w);
    rondo_loop *loop;
    raw_fd fds[2];
    char bytes[5];

    if (raw_pair(fds) < 0)
        return 1;
    raw_set_nonblocking(fds[0]);
    if (raw_move_fd(fds[0], 0) != 0)
        return 2;
    if (rondo_loop_new(&loop, &options) < 0)
        return 3;
    if (rondo_sock_recv(loop, 0, bytes, sizeof bytes, child_received, c) < 0)
        return 4;
    if (!raw_send_all(fds[1], "zero!", 5, 1000) ||
        !child_runs_until(loop, &c->done, 1) || memcmp(bytes, "zero!", 5) != 0)
        return 5;
    if (rondo_loop_close(loop) < 0)
        return 6;
    return raw_fd_valid(0) ? 0 : 7; /* it is the program's */
}

TEST(G9_a_call_of_number_0_is_done)
{
    struct child c = {.w = w};

    test_run_child(w, receive_on_number_0, &c);
}
