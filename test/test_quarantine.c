/* test_quarantine.c - debug mode: what has ended is used, or by a wrong thread.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"
#include "harness_process.h"
#include "harness_report.h"

enum { KEPT = 128 }; /* the quarantine's bound */

struct use {
    struct world *w;
    struct report *r;
    rondo_transport *t;
    rondo_server *server;
    rondo_datagram *d;
    rondo_process *process;
};

static struct use *use_new(struct world *w)
{
    struct use *u = test_alloc(w, sizeof *u);

    u->w = w;
    u->r = report_new(w);
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(1000)));
    return u;
}

/* A transport whose connection_lost has returned. */
static struct use *use_transport(struct world *w)
{
    struct use *u = use_new(w);
    struct peer *p, *other;

    test_pair(w, &p, &other);
    u->t = p->transport;
    rondo_transport_close(u->t);
    test_run_until(w, p->lost && other->lost);
    return u;
}

static void check_ended(const struct use *u, int64_t result, const char *call)
{
    const char *sentence = rondo_last_error();

    if (result != RONDO_ECLOSED || !strstr(sentence, " ended "))
        test_fail(u->w, "%s: %lld (%s)", call, (long long)result, sentence);
    assert_int_equal(u->r->count, 1); /* the first use is told, once */
}

#define ENDED(u, call) check_ended(u, (int64_t)(call), #call)
#define ENDED_VOID(u, call)                                                    \
    do {                                                                       \
        (void)rondo_cancel(NULL, 1); /* another failure before */              \
        call;                                                                  \
        check_ended(u, RONDO_ECLOSED, #call);                                  \
    } while (0)

/* ---- B4: transports ----------------------------------------------------- */

static void ignore_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop, (void)arg, (void)result;
}

TEST(B4_a_transport_that_has_ended_is_written_to)
{
    const struct use *u = use_transport(w);
    rondo_buffer buffer = {"x", 1};

    ENDED(u, rondo_transport_write(u->t, "x", 1));
    assert_int_equal(u->r->error, RONDO_ECLOSED);
    assert_true(
        report_has(u->r, "transport_write: the transport to 127.0.0.1"));
    assert_true(report_has(u->r, "after its connection_lost"));
    ENDED(u, rondo_transport_writev(u->t, &buffer, 1));
    ENDED(u, rondo_transport_write_owned(u->t, "x", 1, never_release, NULL));
    ENDED(u, rondo_transport_write_then(u->t, &buffer, 1, ignore_done, NULL));
    ENDED(u, rondo_transport_try_write(u->t, &buffer, 1));
    ENDED(u, rondo_transport_printf(u->t, "%d", 1));
    ENDED(u, rondo_transport_write_eof(u->t));
    ENDED(u, rondo_transport_shutdown(u->t, ignore_done, NULL));
    ENDED(u, rondo_transport_drain(u->t, 0, ignore_done, NULL));
}

TEST(B4_a_transport_that_has_ended_is_changed)
{
    const struct use *u = use_transport(w);

    ENDED(u, rondo_transport_pause_reading(u->t));
    ENDED(u, rondo_transport_resume_reading(u->t));
    ENDED(u, rondo_transport_set_protocol(u->t, &recorder, NULL));
    ENDED(u, rondo_transport_unread(u->t, "x", 1));
    ENDED(u, rondo_transport_set_write_buffer_limits(u->t, 9, 3));
    ENDED(u, rondo_transport_set_timeouts(u->t, 1, 1));
    ENDED(u, rondo_transport_close_within(u->t, 1));
    ENDED_VOID(u, rondo_transport_close(u->t));
    ENDED_VOID(u, rondo_transport_close_now(u->t));
    ENDED_VOID(u, rondo_transport_abort(u->t));
    ENDED_VOID(u, rondo_transport_abort_with(u->t, RONDO_EIO));
    ENDED_VOID(u, rondo_transport_set_self(u->t, NULL));
    ENDED_VOID(u, rondo_transport_set_background(u->t, true));
    ENDED_VOID(u, rondo_transport_set_pause_inside(u->t, true));
}

TEST(B4_a_transport_that_has_ended_is_asked)
{
    const struct use *u = use_transport(w);
    rondo_detached out = RONDO_DETACHED_INIT;
    rondo_address a;
    size_t high, low;

    ENDED(u, rondo_transport_peer_address(u->t, &a));
    ENDED(u, rondo_transport_local_address(u->t, &a));
    ENDED(u, rondo_transport_detach(u->t, &out));
    ENDED_VOID(u, assert_ptr_equal(rondo_transport_loop(u->t), w->loop));
    assert_true(rondo_transport_is_closing(u->t));
    assert_false(rondo_transport_is_reading(u->t));
    assert_true(rondo_transport_fd(u->t) == RONDO_NO_FD);
    assert_null(rondo_transport_server(u->t));
    assert_int_equal(rondo_transport_get_write_buffer_size(u->t), 0);
    rondo_transport_get_write_buffer_limits(u->t, &high, &low);
    assert_true(high >= low);
}

/* ---- B4: other handles -------------------------------------------------- */

TEST(B4_a_server_that_has_ended)
{
    struct use *u = use_new(w);
    struct listener *l = test_serve(w);
    rondo_address a;

    u->server = l->server;
    test_stop(l);
    ENDED(u, rondo_server_address(u->server, 0, &a));
    ENDED(u, rondo_server_pause_serving(u->server));
    ENDED(u, rondo_server_start_serving(u->server));
    ENDED_VOID(u, rondo_server_close(u->server));
    ENDED_VOID(u, rondo_server_close_clients(u->server));
    assert_true(report_has(u->r, "the server ended"));
}

TEST(B4_a_datagram_endpoint_that_has_ended)
{
    struct use *u = use_new(w);
    struct endpoint *e = endpoint_bound(w);

    u->d = e->d;
    endpoint_end(e);
    ENDED(u, rondo_datagram_send(u->d, "x", 1, &e->local));
    ENDED_VOID(u, rondo_datagram_close(u->d));
    ENDED_VOID(u, rondo_datagram_abort(u->d));
    assert_true(report_has(u->r, "the datagram endpoint ended"));
}

TEST(B4_a_process_that_has_ended)
{
    struct proc *p = proc_begin(w, NULLS);
    struct use *u = use_new(w);

    proc_start(p, "exit", "0", NULL);
    u->process = p->process;
    test_run_until(w, p->lost);
    ENDED(u, rondo_process_kill(u->process));
    ENDED_VOID(u, rondo_process_close(u->process));
    assert_true(report_has(u->r, "the process "));
}

/* ---- B4: how much is kept ----------------------------------------------- */

static void open_and_end(struct world *w)
{
    endpoint_end(endpoint_bound(w));
}

TEST(B4_not_without_debug_mode)
{
    size_t before;

    open_and_end(w);
    before = test_live_blocks(w);
    open_and_end(w);
    assert_int_equal(test_live_blocks(w), before);
}

TEST(B4_the_latest_are_kept)
{
    size_t full;

    (void)use_new(w);
    for (int i = 0; i < KEPT; i++)
        open_and_end(w);
    full = test_live_blocks(w);
    assert_true(full >= 2 * KEPT);
    for (int i = 0; i < 10; i++)
        open_and_end(w);
    assert_int_equal(test_live_blocks(w), full);
}

/* Without memory for it the handle is freed as ever. */
TEST(B4_without_memory_nothing_is_kept)
{
    struct use *u = use_new(w);
    struct endpoint *e = endpoint_bound(w);
    size_t before = test_live_blocks(w);

    (void)u;
    rondo_datagram_close(e->d);
    test_fail_allocations_from(w, 1);
    test_run_until(w, e->lost);
    test_fail_allocation(w, 0);
    assert_true(test_live_blocks(w) < before);
}

/* ---- B5: wrong threads -------------------------------------------------- */

static void close_elsewhere(void *arg)
{
    const struct use *u = arg;

    for (int i = 0; i < 100; i++)
        rondo_transport_close(u->t);
    rondo_transport_abort(u->t);
}

TEST_LEAVES(B5_a_close_by_a_wrong_thread_is_told)
{
    struct use *u = use_new(w);
    struct peer *p, *other;

    test_pair(w, &p, &other);
    u->t = p->transport;
    raw_thread_join(raw_thread_start(close_elsewhere, u));
    assert_int_equal(u->r->count, 0); /* not on that thread */
    test_run_until(w, u->r->count);
    test_spin(w, 5);
    assert_int_equal(u->r->count, 1);
    assert_int_equal(u->r->error, RONDO_ETHREAD);
    assert_true(report_has(u->r, "transport_close: called from a thread"));
    assert_int_equal(p->lost, 0);
}

/* ---- L12: members of protocols, and ends of operations ------------------ */

static void slow_data(struct peer *p, const void *data, size_t size)
{
    (void)data, (void)size;
    test_busy(p->w->loop, RONDO_MS(3));
}

TEST_LEAVES(L12_slow_members_are_reported)
{
    struct use *u = use_new(w);
    struct peer *p, *other;

    test_pair(w, &p, &other);
    other->on_data = slow_data;
    u->r->count = 0;
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_MS(2)));
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    test_run_until(w, u->r->count && other->data);
    assert_true(report_has(u->r, "data_received "));
    assert_true(report_has(u->r, " ms"));
}

static int64_t no_work(rondo_job *job, void *arg)
{
    (void)job, (void)arg;
    return 0;
}

static void slow_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)result;
    test_busy(loop, RONDO_MS(3));
    *(bool *)arg = true;
}

TEST(L12_the_done_of_a_slow_job_is_reported)
{
    struct use *u = use_new(w);
    bool *done = test_alloc(w, sizeof *done);

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_MS(2)));
    assert_ok(rondo_run_in_executor(w->loop, NULL, no_work, slow_done, done));
    test_run_until(w, *done);
    assert_true(report_has(u->r, "run_in_executor "));
}
