/* test_later_end.c - the end of a connection whose bytes are sent later. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_later.h"
#include "raw_process.h"

static unsigned dones;

static void count_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    assert_ok(result);
    ++*(unsigned *)arg;
}

/* ---- S25: the end ----------------------------------------------------------- */

static void write_and_close(rondo_loop *loop, void *arg)
{
    later_write_ten(loop, arg);
    rondo_transport_close(((struct peer *)arg)->transport);
}

static void write_and_close_now(rondo_loop *loop, void *arg)
{
    later_write_ten(loop, arg);
    rondo_transport_close_now(((struct peer *)arg)->transport);
}

static void write_and_end(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    later_write_ten(loop, arg);
    assert_ok(rondo_transport_write_eof(p->transport));
}

static void write_and_shut_down(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    later_write_ten(loop, arg);
    assert_ok(rondo_transport_shutdown(p->transport, count_done, &dones));
}

static const struct {
    const char *name;
    rondo_fn fn;
    int error;
} ends[] = {
    {"close", write_and_close, 0},
    {"close_now", write_and_close_now, RONDO_ECANCELED},
    {"write_eof", write_and_end, 0},
    {"shutdown", write_and_shut_down, 0},
};

TEST(S25_then_the_end)
{
    for (EACH_ROW(w, row, ends)) {
        struct peer *p = plain_peer(w, &recorder, 0);

        later_from_the_loop(p, row->fn);
        assert_int_equal(plain_drain(p), 10);
        plain_close(p);
        assert_lost(w, p, NULL, row->error);
    }
}

static void echo_and_abort(struct peer *p, const void *data, size_t size)
{
    act_echo(p, data, size);
    rondo_transport_abort(p->transport);
}

static void echo_and_close(struct peer *p, const void *data, size_t size)
{
    act_echo(p, data, size);
    rondo_transport_close(p->transport);
}

TEST(S25_echo_and_close_inside)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = echo_and_close;
    plain_send_pattern(p, 0, 100);
    assert_lost(w, p, NULL, 0);
    assert_int_equal(plain_drain(p), 100);
}

TEST(S25_echo_and_abort_inside)
{
    enum { PEERS = 40 };
    struct peer *p[PEERS];

    for (int i = 0; i < PEERS; i++) {
        p[i] = plain_peer(w, &recorder, 0);
        p[i]->on_data = i % 2 ? act_echo : echo_and_abort;
        plain_send_pattern(p[i], 0, 100);
    }
    for (int i = 0; i < PEERS; i += 2)
        assert_lost(w, p[i], NULL, RONDO_ECANCELED);
    for (int i = 1; i < PEERS; i += 2) {
        later_has_left(p[i], 0, 100);
        peer_finish(p[i], 0);
    }
}

/* ---- S25: its peer leaves ---------------------------------------------------- */

struct crowd {
    struct peer *p[40];
};

static void write_to_all(rondo_loop *loop, void *arg)
{
    struct crowd *c = arg;

    (void)loop;
    for (size_t i = 0; i < COUNT_OF(c->p); i++)
        if (c->p[i]->transport)
            (void)rondo_transport_write(c->p[i]->transport, "x", 1);
}

/* Half of them have reset the connection before the loop has heard of it. */
TEST(S25_resets_with_bytes_kept)
{
    struct crowd *c = test_alloc(w, sizeof *c);

    for (size_t i = 0; i < COUNT_OF(c->p); i++)
        c->p[i] = plain_peer(w, &recorder, 0);
    for (size_t i = 0; i < COUNT_OF(c->p); i += 2)
        plain_reset(c->p[i]);
    assert_ok(rondo_call_soon(w->loop, write_to_all, c));
    for (size_t i = 0; i < COUNT_OF(c->p); i += 2)
        assert_lost(w, c->p[i], NULL, RONDO_ECONNRESET);
    for (size_t i = 1; i < COUNT_OF(c->p); i += 2) {
        plain_hears(c->p[i], "x");
        peer_finish(c->p[i], 0);
    }
}

/* While reading is paused a write alone hears of it. */
TEST(S25_a_reset_while_paused_comes_by_the_write)
{
    struct crowd *c = test_alloc(w, sizeof *c);

    for (size_t i = 0; i < COUNT_OF(c->p); i++) {
        c->p[i] = plain_peer(w, &recorder, 0);
        assert_ok(rondo_transport_pause_reading(c->p[i]->transport));
    }
    test_spin(w, 2);
    for (size_t i = 0; i < COUNT_OF(c->p); i++)
        plain_reset(c->p[i]);
    assert_ok(rondo_call_soon(w->loop, write_to_all, c));
    for (size_t i = 0; i < COUNT_OF(c->p); i++)
        assert_lost(w, c->p[i], NULL, RONDO_ECONNRESET);
}

/* Both ends of each connection are the loop's: one ends the other's. */
static void write_and_abort_all(rondo_loop *loop, void *arg)
{
    struct crowd *c = arg;

    write_to_all(loop, arg);
    for (size_t i = 0; i < COUNT_OF(c->p); i++)
        rondo_transport_abort(c->p[i]->transport);
}

TEST(S25_abort_with_bytes_kept)
{
    struct crowd *c = test_alloc(w, sizeof *c);

    for (size_t i = 0; i < COUNT_OF(c->p); i++)
        c->p[i] = plain_peer(w, &recorder, 0);
    assert_ok(rondo_call_soon(w->loop, write_and_abort_all, c));
    for (size_t i = 0; i < COUNT_OF(c->p); i++)
        assert_lost(w, c->p[i], NULL, RONDO_ECANCELED);
}

/* ---- S25: it leaves the loop ------------------------------------------------- */

static void write_and_detach(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;
    rondo_detached out = RONDO_DETACHED_INIT;

    later_write_ten(loop, arg);
    assert_ok(rondo_transport_detach(p->transport, &out));
    test_own(p->w, (raw_fd)out.fd);
    assert_true(raw_send_all((raw_fd)out.fd, "behind", 6, 5000));
}

TEST(S25_then_detach)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "a completion port keeps its handles");
    later_from_the_loop(p, write_and_detach);
    later_has_left(p, 0, 10);
    plain_hears(p, "behind");
    test_run_until(w, p->lost);
}

static int forked;

static int go_on_in_child(void *arg)
{
    struct peer *p = arg;

    if (rondo_loop_after_fork(p->w->loop) != 0)
        return 1;
    return rondo_transport_write(p->transport, "child", 5) != 0;
}

static void write_and_fork(rondo_loop *loop, void *arg)
{
    later_write_ten(loop, arg);
    forked = raw_fork_run(go_on_in_child, arg);
}

/* What the parent wrote, the parent sends. */
TEST_LEAVES(S25_a_fork_sends_once)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    char got[16] = "";

    later_from_the_loop(p, write_and_fork);
    test_skip_if(w, forked == -1, "there is no fork");
    assert_int_equal(forked, 0);
    assert_true(raw_recv_exact(p->fd, got, 15, 5000));
    if (memcmp(got, "child", 5) == 0)
        assert_true(test_matches(got + 5, 0, 10));
    else
        assert_true(test_matches(got, 0, 10) && !strcmp(got + 10, "child"));
    test_spin(w, 2);
    assert_int_equal(raw_recv(p->fd, got, 1, 0), RAW_AGAIN);
}
