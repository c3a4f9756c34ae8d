/* test_ground_input.c - arguments that make no sense, function by function. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* The error that is named, and a sentence that begins with the function. */
static void check(struct world *w, int64_t result, int error, const char *what)
{
    const char *said = rondo_last_error();

    if (result != error)
        test_fail(w, "%s: %lld (%s), not %s; last error: %s", what,
                  (long long)result,
                  result < 0 ? rondo_error_name((int)result) : "no error",
                  rondo_error_name(error), said);
    if (strncmp(said, what, strlen(what)) != 0 || said[strlen(what)] != ':' ||
        strlen(said) < strlen(what) + 4)
        test_fail(w, "%s: the sentence is \"%s\"", what, said);
}

#define CHECK(call, error, what) check(w, (call), (error), (what))

static void nothing(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
}

static void nothing_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
}

static void nothing_signal(rondo_loop *loop, int signum, void *arg)
{
    (void)loop;
    (void)signum;
    (void)arg;
}

static void nothing_line(void *arg, const char *line, size_t size)
{
    (void)arg;
    (void)line;
    (void)size;
}

/* ---- no loop ------------------------------------------------------------ */

TEST(G1_no_loop_to_run)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    rondo_loop_metrics metrics = RONDO_LOOP_METRICS_INIT;
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;

    CHECK(rondo_loop_new(NULL, NULL), RONDO_EINVAL, "loop_new");
    CHECK(rondo_loop_close(NULL), RONDO_EINVAL, "loop_close");
    CHECK(rondo_loop_run(NULL), RONDO_EINVAL, "loop_run");
    CHECK(rondo_loop_run_forever(NULL), RONDO_EINVAL, "loop_run_forever");
    CHECK(rondo_loop_run_once(NULL, 0), RONDO_EINVAL, "loop_run_once");
    CHECK(rondo_loop_after_fork(NULL), RONDO_EINVAL, "loop_after_fork");
    CHECK(rondo_loop_take(NULL), RONDO_EINVAL, "loop_take");
    CHECK(rondo_loop_prepare(NULL, &wait), RONDO_EINVAL, "loop_prepare");
    CHECK(rondo_get_clock_info(NULL, &info), RONDO_EINVAL, "get_clock_info");
    CHECK(rondo_loop_get_metrics(NULL, &metrics), RONDO_EINVAL,
          "loop_get_metrics");
    CHECK(rondo_loop_dump(NULL, nothing_line, NULL), RONDO_EINVAL, "loop_dump");
    CHECK(rondo_loop_set_exception_handler(NULL, NULL, NULL), RONDO_EINVAL,
          "loop_set_exception_handler");
    CHECK(rondo_loop_set_debug(NULL, true, 0), RONDO_EINVAL, "loop_set_debug");
}

TEST(G1_no_loop_to_schedule_on)
{
    CHECK(rondo_call_soon(NULL, nothing, NULL), RONDO_EINVAL, "call_soon");
    CHECK(rondo_call_soon_threadsafe(NULL, nothing, NULL), RONDO_EINVAL,
          "call_soon_threadsafe");
    CHECK(rondo_call_later(NULL, 1, nothing, NULL), RONDO_EINVAL, "call_later");
    CHECK(rondo_call_at(NULL, 1, nothing, NULL), RONDO_EINVAL, "call_at");
    CHECK(rondo_call_every(NULL, 1, nothing, NULL), RONDO_EINVAL, "call_every");
    CHECK(rondo_missed(NULL, 1), RONDO_EINVAL, "missed");
    CHECK(rondo_reschedule(NULL, 1, 1), RONDO_EINVAL, "reschedule");
    CHECK(rondo_when(NULL, 1), RONDO_EINVAL, "when");
    CHECK(rondo_cancel(NULL, 1), RONDO_EINVAL, "cancel");
    CHECK(rondo_set_background(NULL, 1, true), RONDO_EINVAL, "set_background");
    CHECK(rondo_add_reader(NULL, 0, nothing_fd, NULL), RONDO_EINVAL,
          "add_reader");
    CHECK(rondo_add_writer(NULL, 0, nothing_fd, NULL), RONDO_EINVAL,
          "add_writer");
    CHECK(rondo_remove_reader(NULL, 0), RONDO_EINVAL, "remove_reader");
    CHECK(rondo_remove_writer(NULL, 0), RONDO_EINVAL, "remove_writer");
    CHECK(rondo_add_signal_handler(NULL, 2, nothing_signal, NULL), RONDO_EINVAL,
          "add_signal_handler");
    CHECK(rondo_remove_signal_handler(NULL, 2), RONDO_EINVAL,
          "remove_signal_handler");
    assert_null(rondo_loop_remote(NULL));
    CHECK(rondo_remote_call(NULL, nothing, NULL), RONDO_EINVAL, "remote_call");
}

TEST(G1_no_loop_to_connect_on)
{
    CHECK(rondo_create_connection(NULL, RONDO_CONNECT(.host = "127.0.0.1"),
                                  &recorder, NULL, NULL, NULL),
          RONDO_EINVAL, "create_connection");
    CHECK(rondo_create_server(NULL, RONDO_SERVE(.port = 0), &recorder, NULL,
                              NULL),
          RONDO_EINVAL, "create_server");
    CHECK(rondo_connect_accepted_socket(NULL, 0, &recorder, NULL, NULL),
          RONDO_EINVAL, "connect_accepted_socket");
}

TEST(G1_void_functions_take_null)
{
    rondo_loop_stop(NULL);
    rondo_loop_wake(NULL);
    rondo_remote_release(NULL);
    rondo_loop_set_data(NULL, w);
    assert_null(rondo_loop_data(NULL));
    assert_false(rondo_loop_is_running(NULL));
    assert_false(rondo_loop_supports(NULL, RONDO_CAN_TCP));
    rondo_loop_call_exception_handler(w->loop, NULL);
    rondo_loop_default_exception_handler(w->loop, NULL, NULL);
    rondo_transport_close(NULL);
    rondo_transport_abort(NULL);
    rondo_transport_abort_with(NULL, RONDO_EIO);
    rondo_transport_set_self(NULL, w);
    rondo_transport_set_background(NULL, true);
    assert_null(rondo_transport_self(NULL));
    assert_true(rondo_transport_fd(NULL) == RONDO_NO_FD);
    rondo_datagram_close(NULL);
    rondo_datagram_abort(NULL);
    rondo_datagram_set_background(NULL, true);
    assert_true(rondo_datagram_is_closing(NULL));
    assert_null(rondo_datagram_self(NULL));
    assert_null(rondo_datagram_loop(NULL));
    assert_true(rondo_datagram_fd(NULL) == RONDO_NO_FD);
    assert_int_equal(rondo_datagram_get_write_buffer_size(NULL), 0);
    rondo_server_close(NULL);
    rondo_server_close_clients(NULL);
    rondo_server_abort_clients(NULL);
    rondo_server_set_background(NULL, true);
    assert_false(rondo_server_is_serving(NULL));
    assert_true(rondo_server_fd(NULL, 0) == RONDO_NO_FD);
}

/* ---- no function, no room ----------------------------------------------- */

TEST(G1_no_function_to_call)
{
    rondo_remote *remote = rondo_loop_remote(w->loop);

    CHECK(rondo_call_soon(w->loop, NULL, w), RONDO_EINVAL, "call_soon");
    CHECK(rondo_call_soon_threadsafe(w->loop, NULL, w), RONDO_EINVAL,
          "call_soon_threadsafe");
    CHECK(rondo_call_later(w->loop, 1, NULL, w), RONDO_EINVAL, "call_later");
    CHECK(rondo_call_at(w->loop, 1, NULL, w), RONDO_EINVAL, "call_at");
    CHECK(rondo_call_every(w->loop, 1, NULL, w), RONDO_EINVAL, "call_every");
    CHECK(rondo_remote_call(remote, NULL, w), RONDO_EINVAL, "remote_call");
    CHECK(rondo_loop_dump(w->loop, NULL, w), RONDO_EINVAL, "loop_dump");
    rondo_remote_release(remote);
}

TEST(G1_structs_need_a_size)
{
    rondo_loop_options options = test_loop_options(w);
    rondo_loop_metrics metrics = {.size = 0};
    rondo_clock_info info = {.size = 0};
    rondo_connect_options connect = {.host = "127.0.0.1", .port = 1};
    rondo_server_options serve = {.host = "127.0.0.1"};
    rondo_loop *loop = w->loop;

    options.size = 0;
    CHECK(rondo_loop_new(&loop, &options), RONDO_EINVAL, "loop_new");
    assert_null(loop);
    CHECK(rondo_loop_get_metrics(w->loop, &metrics), RONDO_EINVAL,
          "loop_get_metrics");
    CHECK(rondo_loop_get_metrics(w->loop, NULL), RONDO_EINVAL,
          "loop_get_metrics");
    CHECK(rondo_get_clock_info(w->loop, &info), RONDO_EINVAL, "get_clock_info");
    CHECK(rondo_get_clock_info(w->loop, NULL), RONDO_EINVAL, "get_clock_info");
    CHECK(
        rondo_create_connection(w->loop, &connect, &recorder, NULL, NULL, NULL),
        RONDO_EINVAL, "create_connection");
    CHECK(rondo_create_server(w->loop, &serve, &recorder, NULL, NULL),
          RONDO_EINVAL, "create_server");
}

TEST(G1_an_incomplete_allocator)
{
    for (int i = 0; i < 3; i++) {
        rondo_loop_options options = test_loop_options(w);
        rondo_allocator part = w->allocator;
        rondo_loop *loop = w->loop;

        if (i == 0)
            part.malloc_fn = NULL;
        else if (i == 1)
            part.realloc_fn = NULL;
        else
            part.free_fn = NULL;
        options.allocator = &part;
        CHECK(rondo_loop_new(&loop, &options), RONDO_EINVAL, "loop_new");
        assert_null(loop);
    }
}

/* ---- values that make no sense ------------------------------------------ */

TEST(G1_absurd_values_of_a_loop)
{
    int64_t when[] = {INT64_MIN, -1, 0};

    for (size_t i = 0; i < 3; i++)
        CHECK(rondo_call_every(w->loop, when[i], nothing, NULL), RONDO_EINVAL,
              "call_every");
    CHECK(rondo_loop_set_debug(w->loop, false, -1), RONDO_EINVAL,
          "loop_set_debug");
    CHECK(rondo_loop_limit(w->loop, (rondo_limit)999), RONDO_EINVAL,
          "loop_limit");
    assert_false(rondo_loop_supports(w->loop, (rondo_capability)999));
    CHECK(rondo_cancel(w->loop, 0), RONDO_ENOENT, "cancel");
    CHECK(rondo_cancel(w->loop, -1), RONDO_ENOENT, "cancel");
    CHECK(rondo_cancel(w->loop, INT64_MIN), RONDO_ENOENT, "cancel");
    CHECK(rondo_cancel(w->loop, INT64_MAX), RONDO_ENOENT, "cancel");
    CHECK(rondo_when(w->loop, 0), RONDO_ENOENT, "when");
    CHECK(rondo_missed(w->loop, INT64_MAX), RONDO_ENOENT, "missed");
    CHECK(rondo_reschedule(w->loop, -3, 1), RONDO_ENOENT, "reschedule");
    CHECK(rondo_set_background(w->loop, 12, true), RONDO_ENOENT,
          "set_background");
}

TEST(G1_absurd_values_of_a_transport)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    rondo_transport *t = p->transport;

    CHECK(rondo_transport_write(t, NULL, 5), RONDO_EINVAL, "transport_write");
    CHECK(rondo_transport_writev(t, NULL, 5), RONDO_EINVAL, "transport_writev");
    CHECK(rondo_transport_write_owned(t, NULL, 5, NULL, NULL), RONDO_EINVAL,
          "transport_write_owned");
    CHECK(rondo_transport_set_timeouts(t, -1, 0), RONDO_EINVAL,
          "transport_set_timeouts");
    CHECK(rondo_transport_set_timeouts(t, 0, INT64_MIN), RONDO_EINVAL,
          "transport_set_timeouts");
    CHECK(rondo_transport_set_write_buffer_limits(t, 5, 6), RONDO_EINVAL,
          "transport_set_write_buffer_limits");
    CHECK(rondo_transport_set_protocol(t, NULL, p), RONDO_EINVAL,
          "transport_set_protocol");
    CHECK(rondo_transport_unread(t, "x", 1), RONDO_EINVAL, "transport_unread");
    CHECK(rondo_transport_peer_address(t, NULL), RONDO_EINVAL,
          "transport_peer_address");
    CHECK(rondo_transport_local_address(t, NULL), RONDO_EINVAL,
          "transport_local_address");
    test_spin(w, 3);
    assert_string_equal(p->order, "M");
    raw_close(fd);
}

TEST(G1_no_transport)
{
    rondo_address a;

    CHECK(rondo_transport_write(NULL, "x", 1), RONDO_EINVAL, "transport_write");
    CHECK(rondo_transport_writev(NULL, NULL, 0), RONDO_EINVAL,
          "transport_writev");
    CHECK(rondo_transport_write_owned(NULL, "x", 1, NULL, NULL), RONDO_EINVAL,
          "transport_write_owned");
    CHECK(rondo_transport_printf(NULL, "x"), RONDO_EINVAL, "transport_printf");
    CHECK(rondo_transport_write_eof(NULL), RONDO_EINVAL, "transport_write_eof");
    CHECK(rondo_transport_pause_reading(NULL), RONDO_EINVAL,
          "transport_pause_reading");
    CHECK(rondo_transport_resume_reading(NULL), RONDO_EINVAL,
          "transport_resume_reading");
    CHECK(rondo_transport_set_protocol(NULL, &recorder, NULL), RONDO_EINVAL,
          "transport_set_protocol");
    CHECK(rondo_transport_set_timeouts(NULL, 0, 0), RONDO_EINVAL,
          "transport_set_timeouts");
    CHECK(rondo_transport_peer_address(NULL, &a), RONDO_EINVAL,
          "transport_peer_address");
    CHECK(rondo_server_address(NULL, 0, &a), RONDO_EINVAL, "server_address");
    CHECK(rondo_server_start_serving(NULL), RONDO_EINVAL,
          "server_start_serving");
    CHECK(rondo_server_pause_serving(NULL), RONDO_EINVAL,
          "server_pause_serving");
}

TEST(G1_no_datagram_endpoint)
{
    rondo_address a;

    assert_ok(rondo_address_parse(&a, "239.1.1.1", 1));
    CHECK(rondo_create_datagram_endpoint(
              NULL, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET), NULL, NULL,
              NULL),
          RONDO_EINVAL, "create_datagram_endpoint");
    CHECK(rondo_create_datagram_endpoint(w->loop, NULL, NULL, NULL, NULL),
          RONDO_EINVAL, "create_datagram_endpoint");
    CHECK(rondo_datagram_send(NULL, "x", 1, &a), RONDO_EINVAL, "datagram_send");
    CHECK(rondo_datagram_join(NULL, &a, NULL), RONDO_EINVAL, "datagram_join");
    CHECK(rondo_datagram_leave(NULL, &a, NULL), RONDO_EINVAL, "datagram_leave");
    CHECK(rondo_datagram_set_multicast_ttl(NULL, 1), RONDO_EINVAL,
          "datagram_set_multicast_ttl");
    CHECK(rondo_datagram_set_multicast_loop(NULL, true), RONDO_EINVAL,
          "datagram_set_multicast_loop");
    CHECK(rondo_datagram_set_write_buffer_limits(NULL, 1, 1), RONDO_EINVAL,
          "datagram_set_write_buffer_limits");
    CHECK(rondo_datagram_local_address(NULL, &a), RONDO_EINVAL,
          "datagram_local_address");
    CHECK(rondo_datagram_peer_address(NULL, &a), RONDO_EINVAL,
          "datagram_peer_address");
}

TEST(G1_absurd_values_of_a_server)
{
    raw_fd fd = raw_udp();

    CHECK(rondo_create_server(w->loop, NULL, NULL, NULL, NULL), RONDO_EINVAL,
          "create_server");
    CHECK(rondo_create_server(w->loop, RONDO_SERVE(.host = "localhost"),
                              &recorder, NULL, NULL),
          RONDO_EINVAL, "create_server");
    CHECK(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"), NULL,
                              NULL, NULL),
          RONDO_EINVAL, "create_server");
    CHECK(rondo_create_server(w->loop, RONDO_SERVE(.socket = &fd), &recorder,
                              NULL, NULL),
          RONDO_EINVAL, "create_server");
    CHECK(rondo_create_server(w->loop,
                              RONDO_SERVE(.host = "127.0.0.1", .backlog = -1),
                              &recorder, NULL, NULL),
          RONDO_EINVAL, "create_server");
    raw_close(fd);
}

TEST(G1_absurd_values_of_a_connect)
{
    rondo_address a;
    raw_fd udp = raw_udp();

    assert_ok(rondo_address_parse(&a, "127.0.0.1", 1));
    CHECK(rondo_create_connection(w->loop, NULL, &recorder, NULL, NULL, NULL),
          RONDO_EINVAL, "create_connection");
    CHECK(rondo_create_connection(w->loop, RONDO_CONNECT(.port = 1), &recorder,
                                  NULL, NULL, NULL),
          RONDO_EINVAL, "create_connection");
    CHECK(rondo_create_connection(
              w->loop, RONDO_CONNECT(.host = "127.0.0.1", .address = &a),
              &recorder, NULL, NULL, NULL),
          RONDO_EINVAL, "create_connection");
    CHECK(rondo_create_connection(w->loop, RONDO_CONNECT(.address = &a), NULL,
                                  NULL, NULL, NULL),
          RONDO_EINVAL, "create_connection");
    CHECK(rondo_create_connection(w->loop, RONDO_CONNECT(.socket = &udp),
                                  &recorder, NULL, NULL, NULL),
          RONDO_EINVAL, "create_connection");
    CHECK(rondo_create_connection(
              w->loop, RONDO_CONNECT(.address = &a, .timeout_ns = -1),
              &recorder, NULL, NULL, NULL),
          RONDO_EINVAL, "create_connection");
    CHECK(rondo_connect_accepted_socket(w->loop, udp, &recorder, NULL, NULL),
          RONDO_EINVAL, "connect_accepted_socket");
    raw_close(udp);
}

/* ---- descriptors -------------------------------------------------------- */

TEST(G1_closed_and_wrong_descriptors)
{
    raw_fd file = raw_file();
    raw_fd dead = raw_dead_fd(); /* last, or the file would get its number */

    CHECK(rondo_add_reader(w->loop, dead, nothing_fd, NULL), RONDO_EBADF,
          "add_reader");
    CHECK(rondo_add_writer(w->loop, RONDO_NO_FD, nothing_fd, NULL), RONDO_EBADF,
          "add_writer");
    CHECK(rondo_add_reader(w->loop, file, nothing_fd, NULL), RONDO_EPERM,
          "add_reader");
    CHECK(rondo_connect_accepted_socket(w->loop, dead, &recorder, NULL, NULL),
          RONDO_EBADF, "connect_accepted_socket");
    CHECK(rondo_connect_accepted_socket(w->loop, file, &recorder, NULL, NULL),
          RONDO_EINVAL, "connect_accepted_socket");
    CHECK(rondo_create_server(w->loop, RONDO_SERVE(.socket = &dead), &recorder,
                              NULL, NULL),
          RONDO_EBADF, "create_server");
    CHECK(rondo_create_connection(w->loop, RONDO_CONNECT(.socket = &dead),
                                  &recorder, NULL, NULL, NULL),
          RONDO_EBADF, "create_connection");
    raw_close(file);
}
