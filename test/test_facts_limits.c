/* test_facts_limits.c - limits and clocks as told, beside what then happens. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"
#include "raw_net.h"

/* ---- limits ------------------------------------------------------------- */

TEST_LEAVES(D1_the_limit_of_a_datagram_is_the_truth)
{
    size_t limit = (size_t)rondo_loop_limit(w->loop, RONDO_LIMIT_DATAGRAM);
    char *data = test_alloc(w, limit + 1);
    struct endpoint *e = endpoint_bound(w);

    assert_ok(rondo_datagram_send(e->d, data, limit, &e->local));
    assert_error(rondo_datagram_send(e->d, data, limit + 1, &e->local),
                 RONDO_EMSGSIZE);
    test_run_until(w, e->received);
    assert_int_equal(e->size, limit);
}

TEST(W2_the_limit_by_number_is_the_truth)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    raw_fd *fds = test_sockets(w);

    assert_true(limit > 0);
    assert_true(rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS) <= limit);
    if (limit > 60000) { /* none: then a high number is no trouble */
        test_skip_if(w, raw_descriptor_limit() < 0, "numbers have no limit");
        test_allow_descriptors(w, 5010);
        fds[0] = raw_move_fd(fds[0], 5000);
        assert_true(test_watches(w, fds[0], RONDO_OK));
    } else {
        limit = test_number_limit(w);
        fds[0] = raw_move_fd(fds[0], (raw_fd)limit - 1);
        assert_true(test_watches(w, fds[0], RONDO_OK));
        fds[0] = raw_move_fd(fds[0], (raw_fd)limit);
        assert_false(test_watches(w, fds[0], RONDO_EMFILE));
        /* which backend has no such limit */
        assert_non_null(strstr(rondo_last_error(), "poll"));
    }
}

TEST(the_limit_of_descriptors_is_the_one_in_force)
{
    int64_t before = raw_descriptor_limit();
    int64_t now = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS);

    if (before < 0) {
        assert_true(now > 0);
        test_skip(w, "no limit of descriptors on this system");
    }
    assert_true(now > 0 && now <= before);
    (void)raw_set_descriptor_limit(500);
    now = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS);
    (void)raw_set_descriptor_limit(before);
    assert_true(now > 0 && now <= 500);
}

TEST(other_limits)
{
    int64_t path = rondo_loop_limit(w->loop, RONDO_LIMIT_UNIX_PATH);
    int64_t datagram = rondo_loop_limit(w->loop, RONDO_LIMIT_DATAGRAM);
    rondo_address a;

    assert_in_range(path, 0, 127);
    assert_int_equal(rondo_address_unix(&a, "x", 1),
                     path > 0 ? 0 : RONDO_ENOTSUP);
    assert_in_range(datagram, 1024, 65535 - 28);
    assert_einval(rondo_loop_limit(w->loop, (rondo_limit)99));
    assert_einval(rondo_loop_limit(NULL, RONDO_LIMIT_DATAGRAM));
}

/* ---- the clock ---------------------------------------------------------- */

TEST(T6_clock_info_is_complete)
{
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;

    assert_int_equal(rondo_get_clock_info(w->loop, &info), 0);
    assert_int_equal(info.size, sizeof info);
    assert_non_null(info.name);
    assert_true(strlen(info.name) > 2);
    assert_in_range(info.resolution_ns, 1, 100000000);
    assert_in_range(info.wait_resolution_ns, info.resolution_ns, RONDO_MS(20));
    assert_true(info.monotonic);
}

/* The smallest step seen is no smaller than the resolution, and the clock is
 * not a hundred times coarser than it says. */
TEST(T6_clock_resolution_as_measured)
{
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;
    int64_t least = INT64_MAX;

    assert_ok(rondo_get_clock_info(w->loop, &info));
    for (int i = 0; i < 1000; i++) {
        int64_t before = rondo_loop_time(w->loop);
        int64_t after;

        while ((after = rondo_loop_time(w->loop)) == before)
            continue;
        if (after - before < least)
            least = after - before;
    }
    assert_true(least >= info.resolution_ns);
    /* reading it takes a while too: 100 us are more than ten times that */
    assert_true(least <=
                100 * info.resolution_ns + RONDO_US(100) * test_slowness());
}

/* The best of many short sleeps is late by no more than the resolution, but
 * for what the machine itself takes: ten times what is usual. */
TEST(T2_wait_resolution_as_measured)
{
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;
    unsigned *fired = test_alloc(w, sizeof *fired);
    int64_t best = INT64_MAX;

    assert_ok(rondo_get_clock_info(w->loop, &info));
    for (unsigned i = 1; i <= 100; i++) {
        int64_t when = rondo_loop_time(w->loop) + RONDO_US(100);
        int64_t late;

        assert_ok(rondo_call_at(w->loop, when, count_call, fired));
        while (*fired < i)
            assert_ok(rondo_loop_run_once(w->loop, RONDO_SEC(1)));
        late = rondo_loop_iteration_time(w->loop) - when;
        if (late < best)
            best = late;
    }
    assert_true(best <=
                info.wait_resolution_ns + RONDO_US(700) * test_slowness());
}

TEST(T6_clock_info_of_other_versions)
{
    struct {
        rondo_clock_info known;
        uint64_t unknown[4];
    } newer;
    rondo_clock_info older;

    memset(&newer, 0xee, sizeof newer);
    newer.known.size = sizeof newer;
    assert_int_equal(rondo_get_clock_info(w->loop, &newer.known), 0);
    assert_true(newer.known.resolution_ns > 0 && newer.known.name != NULL);
    memset(&older, 0xee, sizeof older);
    older.size = offsetof(rondo_clock_info, wait_resolution_ns);
    assert_int_equal(rondo_get_clock_info(w->loop, &older), 0);
    assert_true(older.resolution_ns > 0);
    assert_true(older.wait_resolution_ns < 0); /* beyond it: untouched */
    older.size = 0;
    assert_einval(rondo_get_clock_info(w->loop, &older));
    assert_einval(rondo_get_clock_info(w->loop, NULL));
    assert_einval(rondo_get_clock_info(NULL, &older));
}
