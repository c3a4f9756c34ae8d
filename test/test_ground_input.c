/* test_ground_input.c - arguments that make no sense, function by function. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

/* ---- no loop ------------------------------------------------------------ */

TEST(G1_no_loop_to_run)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    rondo_loop_metrics metrics = RONDO_LOOP_METRICS_INIT;
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;

    assert_einval(rondo_loop_new(NULL, NULL));
    assert_einval(rondo_loop_close(NULL));
    assert_einval(rondo_loop_run(NULL));
    assert_einval(rondo_loop_run_forever(NULL));
    assert_einval(rondo_loop_run_once(NULL, 0));
    assert_einval(rondo_loop_after_fork(NULL));
    assert_einval(rondo_loop_take(NULL));
    assert_einval(rondo_loop_prepare(NULL, &wait));
    assert_einval(rondo_get_clock_info(NULL, &info));
    assert_einval(rondo_loop_get_metrics(NULL, &metrics));
    assert_einval(rondo_loop_dump(NULL, ignore_line, NULL));
    assert_einval(rondo_loop_set_exception_handler(NULL, NULL, NULL));
    assert_einval(rondo_loop_set_debug(NULL, true, 0));
}

TEST(G1_no_loop_to_schedule_on)
{
    assert_einval(rondo_call_soon(NULL, ignore_call, NULL));
    assert_einval(rondo_call_soon_threadsafe(NULL, ignore_call, NULL));
    assert_einval(rondo_call_later(NULL, 1, ignore_call, NULL));
    assert_einval(rondo_call_at(NULL, 1, ignore_call, NULL));
    assert_einval(rondo_call_every(NULL, 1, ignore_call, NULL));
    assert_einval(rondo_missed(NULL, 1));
    assert_einval(rondo_reschedule(NULL, 1, 1));
    assert_einval(rondo_when(NULL, 1));
    assert_einval(rondo_cancel(NULL, 1));
    assert_einval(rondo_set_background(NULL, 1, true));
    assert_einval(rondo_add_reader(NULL, 0, ignore_fd, NULL));
    assert_einval(rondo_add_writer(NULL, 0, ignore_fd, NULL));
    assert_einval(rondo_remove_reader(NULL, 0));
    assert_einval(rondo_remove_writer(NULL, 0));
    assert_einval(rondo_add_signal_handler(NULL, 2, ignore_signal, NULL));
    assert_einval(rondo_remove_signal_handler(NULL, 2));
    assert_null(rondo_loop_remote(NULL));
    assert_einval(rondo_remote_call(NULL, ignore_call, NULL));
}

TEST(G1_no_loop_to_connect_on)
{
    assert_einval(rondo_create_connection(
        NULL, RONDO_CONNECT(.host = "127.0.0.1"), &recorder, NULL, NULL, NULL));
    assert_einval(rondo_create_server(NULL, RONDO_SERVE(.port = 0), &recorder,
                                      NULL, NULL));
    assert_einval(
        rondo_connect_accepted_socket(NULL, 0, &recorder, NULL, NULL));
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

    assert_einval(rondo_call_soon(w->loop, NULL, w));
    assert_einval(rondo_call_soon_threadsafe(w->loop, NULL, w));
    assert_einval(rondo_call_later(w->loop, 1, NULL, w));
    assert_einval(rondo_call_at(w->loop, 1, NULL, w));
    assert_einval(rondo_call_every(w->loop, 1, NULL, w));
    assert_einval(rondo_remote_call(remote, NULL, w));
    assert_einval(rondo_loop_dump(w->loop, NULL, w));
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
    assert_einval(rondo_loop_new(&loop, &options));
    assert_null(loop);
    assert_einval(rondo_loop_get_metrics(w->loop, &metrics));
    assert_einval(rondo_loop_get_metrics(w->loop, NULL));
    assert_einval(rondo_get_clock_info(w->loop, &info));
    assert_einval(rondo_get_clock_info(w->loop, NULL));
    assert_einval(rondo_create_connection(w->loop, &connect, &recorder, NULL,
                                          NULL, NULL));
    assert_einval(rondo_create_server(w->loop, &serve, &recorder, NULL, NULL));
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
        assert_einval(rondo_loop_new(&loop, &options));
        assert_null(loop);
    }
}

/* ---- values that make no sense ------------------------------------------ */

TEST(G1_absurd_values_of_a_loop)
{
    int64_t when[] = {INT64_MIN, -1, 0};

    for (size_t i = 0; i < 3; i++)
        assert_einval(rondo_call_every(w->loop, when[i], ignore_call, NULL));
    assert_einval(rondo_loop_set_debug(w->loop, false, -1));
    assert_einval(rondo_loop_limit(w->loop, (rondo_limit)999));
    assert_false(rondo_loop_supports(w->loop, (rondo_capability)999));
    assert_refused(rondo_cancel(w->loop, 0), RONDO_ENOENT, NULL);
    assert_refused(rondo_cancel(w->loop, -1), RONDO_ENOENT, NULL);
    assert_refused(rondo_cancel(w->loop, INT64_MIN), RONDO_ENOENT, NULL);
    assert_refused(rondo_cancel(w->loop, INT64_MAX), RONDO_ENOENT, NULL);
    assert_refused(rondo_when(w->loop, 0), RONDO_ENOENT, NULL);
    assert_refused(rondo_missed(w->loop, INT64_MAX), RONDO_ENOENT, NULL);
    assert_refused(rondo_reschedule(w->loop, -3, 1), RONDO_ENOENT, NULL);
    assert_refused(rondo_set_background(w->loop, 12, true), RONDO_ENOENT, NULL);
}

TEST_LEAVES(G1_absurd_values_of_a_transport)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    rondo_transport *t = p->transport;

    assert_einval(rondo_transport_write(t, NULL, 5));
    assert_einval(rondo_transport_writev(t, NULL, 5));
    assert_einval(rondo_transport_write_owned(t, NULL, 5, NULL, NULL));
    assert_einval(rondo_transport_write_owned(t, NULL, 5, never_release, NULL));
    assert_einval(rondo_transport_set_timeouts(t, -1, 0));
    assert_einval(rondo_transport_set_timeouts(t, 0, INT64_MIN));
    assert_einval(rondo_transport_set_write_buffer_limits(t, 5, 6));
    assert_einval(rondo_transport_set_protocol(t, NULL, p));
    assert_einval(rondo_transport_unread(t, "x", 1));
    assert_einval(rondo_transport_peer_address(t, NULL));
    assert_einval(rondo_transport_local_address(t, NULL));
    test_spin(w, 3);
    assert_string_equal(p->order, "M");
    peer_finish(p, 0);
}

TEST(G1_no_transport)
{
    const rondo_buffer piece = {"x", 1};
    rondo_address a;

    assert_einval(rondo_transport_write(NULL, "x", 1));
    assert_einval(rondo_transport_writev(NULL, NULL, 0));
    assert_einval(rondo_transport_writev(NULL, &piece, 1));
    assert_einval(rondo_transport_write_owned(NULL, "x", 1, NULL, NULL));
    assert_einval(rondo_transport_printf(NULL, "x"));
    assert_einval(rondo_transport_write_eof(NULL));
    assert_einval(rondo_transport_pause_reading(NULL));
    assert_einval(rondo_transport_resume_reading(NULL));
    assert_einval(rondo_transport_set_protocol(NULL, &recorder, NULL));
    assert_einval(rondo_transport_set_timeouts(NULL, 0, 0));
    assert_einval(rondo_transport_peer_address(NULL, &a));
    assert_einval(rondo_server_address(NULL, 0, &a));
    assert_einval(rondo_server_start_serving(NULL));
    assert_einval(rondo_server_pause_serving(NULL));
}

TEST(G1_no_datagram_endpoint)
{
    rondo_address a;

    assert_ok(rondo_address_parse(&a, "239.1.1.1", 1));
    assert_einval(rondo_create_datagram_endpoint(
        NULL, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET), NULL, NULL, NULL));
    assert_einval(
        rondo_create_datagram_endpoint(w->loop, NULL, NULL, NULL, NULL));
    assert_einval(rondo_datagram_send(NULL, "x", 1, &a));
    assert_einval(rondo_datagram_join(NULL, &a, NULL));
    assert_einval(rondo_datagram_leave(NULL, &a, NULL));
    assert_einval(rondo_datagram_set_multicast_ttl(NULL, 1));
    assert_einval(rondo_datagram_set_multicast_loop(NULL, true));
    assert_einval(rondo_datagram_set_write_buffer_limits(NULL, 1, 1));
    assert_einval(rondo_datagram_local_address(NULL, &a));
    assert_einval(rondo_datagram_peer_address(NULL, &a));
}

TEST(G1_absurd_values_of_a_server)
{
    raw_fd fd = raw_udp();

    assert_einval(rondo_create_server(w->loop, NULL, NULL, NULL, NULL));
    assert_einval(rondo_create_server(w->loop, RONDO_SERVE(.host = "localhost"),
                                      &recorder, NULL, NULL));
    assert_einval(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                      NULL, NULL, NULL));
    assert_einval(rondo_create_server(w->loop, RONDO_SERVE(.socket = &fd),
                                      &recorder, NULL, NULL));
    assert_einval(rondo_create_server(
        w->loop, RONDO_SERVE(.host = "127.0.0.1", .backlog = -1), &recorder,
        NULL, NULL));
    raw_close(fd);
}

TEST(G1_absurd_values_of_a_connect)
{
    rondo_address a;
    raw_fd udp = raw_udp();

    assert_ok(rondo_address_parse(&a, "127.0.0.1", 1));
    assert_einval(
        rondo_create_connection(w->loop, NULL, &recorder, NULL, NULL, NULL));
    assert_einval(rondo_create_connection(w->loop, RONDO_CONNECT(.port = 1),
                                          &recorder, NULL, NULL, NULL));
    assert_einval(rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .address = &a), &recorder,
        NULL, NULL, NULL));
    assert_einval(rondo_create_connection(w->loop, RONDO_CONNECT(.address = &a),
                                          NULL, NULL, NULL, NULL));
    assert_einval(rondo_create_connection(
        w->loop, RONDO_CONNECT(.socket = &udp), &recorder, NULL, NULL, NULL));
    assert_einval(rondo_create_connection(
        w->loop, RONDO_CONNECT(.address = &a, .timeout_ns = -1), &recorder,
        NULL, NULL, NULL));
    assert_einval(
        rondo_connect_accepted_socket(w->loop, udp, &recorder, NULL, NULL));
    raw_close(udp);
}

/* ---- descriptors -------------------------------------------------------- */

TEST(G1_closed_and_wrong_descriptors)
{
    raw_fd file = raw_file();
    raw_fd dead = raw_dead_fd(); /* last, or the file would get its number */

    assert_refused(rondo_add_reader(w->loop, dead, ignore_fd, NULL),
                   RONDO_EBADF, NULL);
    assert_refused(rondo_add_writer(w->loop, RONDO_NO_FD, ignore_fd, NULL),
                   RONDO_EBADF, NULL);
    assert_refused(rondo_add_reader(w->loop, file, ignore_fd, NULL),
                   RONDO_EPERM, NULL);
    assert_refused(
        rondo_connect_accepted_socket(w->loop, dead, &recorder, NULL, NULL),
        RONDO_EBADF, NULL);
    assert_einval(
        rondo_connect_accepted_socket(w->loop, file, &recorder, NULL, NULL));
    assert_refused(rondo_create_server(w->loop, RONDO_SERVE(.socket = &dead),
                                       &recorder, NULL, NULL),
                   RONDO_EBADF, NULL);
    assert_refused(rondo_create_connection(w->loop,
                                           RONDO_CONNECT(.socket = &dead),
                                           &recorder, NULL, NULL, NULL),
                   RONDO_EBADF, NULL);
    raw_close(file);
}
