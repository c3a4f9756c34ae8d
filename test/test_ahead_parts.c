/* test_ahead_parts.c - io_uring without one of its parts, or with little room. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"
#include "harness_plain.h"
#include "raw_process.h"

enum { PEERS = 30, EACH = 3000, ENDPOINTS = 20, RESETS = 20 };

/* The test's loop is another one, of such a kernel. */
static void loop_that_lacks(struct world *w, unsigned lacks)
{
    rondo_loop_options options = test_loop_options(w);

    test_skip_if(w, strcmp(w->backend, "io_uring") != 0,
                 "of the backend io_uring");
    test_skip_if(w, !raw_kernel_lacks(lacks),
                 "the system's calls cannot be replaced here");
    assert_ok(rondo_loop_close(w->loop));
    assert_ok(rondo_loop_new(&w->loop, &options));
}

/* All of them have something in each wait. */
static void streams_echo(struct world *w)
{
    struct peer *p[PEERS];

    for (int i = 0; i < PEERS; i++) {
        p[i] = plain_peer(w, &recorder, 0);
        p[i]->on_data = act_echo;
    }
    for (uint64_t part = 0; part < 3; part++) {
        for (int i = 0; i < PEERS; i++)
            plain_send_pattern(p[i], part * EACH, EACH);
        for (int i = 0; i < PEERS; i++)
            plain_takes(p[i], part * EACH, EACH);
    }
    for (int i = 0; i < PEERS; i++)
        raw_shutdown_write(p[i]->fd);
    for (int i = 0; i < PEERS; i++)
        assert_lost(w, p[i], NULL, 0);
}

static void answer_in_vain(struct peer *p, const void *data, size_t size)
{
    (void)rondo_transport_write(p->transport, data, size);
}

/* More sends fail than there is room for in the answers. */
static void streams_are_reset(struct world *w)
{
    struct peer *p[RESETS];

    for (int i = 0; i < RESETS; i++) {
        p[i] = plain_peer(w, &recorder, 0);
        p[i]->on_data = answer_in_vain;
    }
    for (int i = 0; i < RESETS; i++) {
        plain_send_pattern(p[i], 0, 100);
        plain_reset(p[i]);
    }
    for (int i = 0; i < RESETS; i++)
        test_run_until(w, p[i]->lost);
}

static void endpoints_echo(struct world *w)
{
    struct endpoint *e[ENDPOINTS];
    raw_fd fd = test_udp(w);

    for (int i = 0; i < ENDPOINTS; i++) {
        e[i] = endpoint_bound(w);
        e[i]->on_data = endpoint_echo;
    }
    for (uint64_t turn = 0; turn < 3; turn++) {
        bool came[ENDPOINTS] = {false};

        for (int i = 0; i < ENDPOINTS; i++)
            endpoint_feed(e[i], fd, (uint64_t)i, 1);
        for (int i = 0; i < ENDPOINTS; i++) {
            uint64_t number = endpoint_answer(w, fd);

            assert_true(number < ENDPOINTS && !came[number]);
            came[number] = true;
        }
    }
    for (int i = 0; i < ENDPOINTS; i++)
        endpoint_end(e[i]);
}

static void all_goes_on(struct world *w, unsigned lacks)
{
    loop_that_lacks(w, lacks);
    streams_echo(w);
    streams_are_reset(w);
    endpoints_echo(w);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
}

/* ---- L19: parts that it can do without ----------------------------------- */

TEST_CASE(L19_without_messages, all_goes_on(w, RAW_LACKS_URING_MESSAGES));

TEST_CASE(L19_without_quiet_sends, all_goes_on(w, RAW_LACKS_URING_SKIP));

TEST_CASE(L19_without_a_second_group_of_buffers,
          all_goes_on(w, RAW_LACKS_URING_LARGE));

/* More questions and answers than there is room for: none is lost. */
TEST_CASE(L19_with_room_for_few, all_goes_on(w, RAW_SMALL_URING));
