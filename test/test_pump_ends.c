/* test_pump_ends.c - how pumps end, what is refused, kinds of transports. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds.h"
#include "harness_plain.h"
#include "harness_pump.h"

/* ---- J3: how it ends ---------------------------------------------------- */

TEST_LEAVES(J3_cancelled)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, b, -1, 0);

    plain_send_pattern(a, 0, 1000);
    plain_takes(b, 0, 1000);
    assert_ok(rondo_cancel(w->loop, p->id));
    pump_ends(w, p, 1000, RONDO_ECANCELED);
    plain_send_pattern(a, 1000, 500);
    test_run_until(w, a->bytes == 500); /* its protocol's again */
    assert_int_equal(peer_write(b, 1000, 10), 0);
    plain_takes(b, 1000, 10);
    p = pump(w, a, b, -1, 0);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 0, 0);
    pump_close_both(a, b);
}

/* Bytes that it has are not lost, nor doubled. */
TEST_LEAVES(J3_cancelled_with_bytes_under_way)
{
    struct peer *a = plain_peer(w, &recorder, 4096),
                *b = plain_peer(w, &recorder, 4096);
    struct pumping *p = pump(w, a, b, -1, 0);
    unsigned char *bytes = test_alloc(w, 65536);
    uint64_t sent = 0;
    int idle = 0;

    a->no_checksum = true;
    while (idle < 50) {
        ptrdiff_t n;
        test_fill(bytes, sent, 65536);
        n = raw_send(a->fd, bytes, 65536);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (uint64_t)n : 0;
        test_spin(w, 1);
    }
    assert_ok(rondo_cancel(w->loop, p->id));
    while (!p->done || a->bytes + p->moved < sent) {
        (void)raw_recv(b->fd, bytes, 1, 0);
        (void)raw_recv(b->fd, bytes, 65536, 0);
        test_spin(w, 1);
    }
    assert_int_equal(p->error, RONDO_ECANCELED);
    assert_int_equal(a->bytes + p->moved, sent);
    pump_close_both(a, b);
}

static void try_loss(struct world *w, bool source, bool reset)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct peer *lost = source ? a : b, *other = source ? b : a;
    struct pumping *p = pump(w, a, b, -1, 0);

    plain_send_pattern(a, 0, 1000);
    plain_takes(b, 0, 1000);
    if (reset)
        plain_reset(lost);
    else
        rondo_transport_abort(lost->transport);
    pump_ends(w, p, 1000, reset ? RONDO_ECONNRESET : RONDO_ECANCELED);
    assert_int_equal(other->lost, 0);
    test_run_until(w, lost->lost);
    rondo_transport_close(other->transport);
}

TEST_CASE_LEAVES(J3_the_source_is_reset, try_loss(w, true, true));
TEST_CASE_LEAVES(J3_the_source_is_aborted, try_loss(w, true, false));
TEST_CASE_LEAVES(J3_the_target_is_reset, try_loss(w, false, true));
TEST_CASE_LEAVES(J3_the_target_is_aborted, try_loss(w, false, false));

TEST_LEAVES(J3_the_program_closes_one)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, b, -1, 0);

    rondo_transport_close(b->transport);
    pump_ends(w, p, 0, RONDO_ECLOSED);
    b = plain_peer(w, &recorder, 0);
    p = pump(w, a, b, -1, 0);
    rondo_transport_close(a->transport);
    pump_ends(w, p, 0, RONDO_ECLOSED);
    rondo_transport_close(b->transport);
}

TEST_LEAVES(J3_the_program_ends_the_target)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, b, -1, 0);

    assert_ok(rondo_transport_write_eof(b->transport));
    plain_send_pattern(a, 0, 1000);
    pump_ends(w, p, 0, RONDO_EPIPE);
    pump_close_both(a, b);
}

TEST(J3_a_loop_that_closes_ends_a_hundred)
{
    enum { MANY = 50 };
    struct pumping *p[2 * MANY];

    for (int i = 0; i < MANY; i++) {
        struct peer *a = plain_peer(w, &recorder, 4096),
                    *b = plain_peer(w, &recorder, 4096);
        p[2 * i] = pump(w, a, b, -1, 0);
        p[2 * i + 1] = pump(w, b, a, -1, 0);
        (void)raw_send(a->fd, test_bytes(w, 0, 100000), 100000);
    }
    test_spin(w, 2);
    test_close_loop(w);
    for (int i = 0; i < 2 * MANY; i++) {
        assert_int_equal(p[i]->done, 1);
        assert_int_equal(p[i]->error, RONDO_ECLOSED);
    }
}

/* ---- J4: what is refused ------------------------------------------------ */

TEST_LEAVES(J4_what_cannot_be_pumped)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0),
                *c = plain_peer(w, &recorder, 0);
    rondo_transport *s = a->transport, *t = b->transport, *u = c->transport;
    struct pumping *p;
    rondo_detached out = RONDO_DETACHED_INIT;

    assert_einval(rondo_pump(NULL, t, -1, 0, pumped, w));
    assert_einval(rondo_pump(s, NULL, -1, 0, pumped, w));
    assert_einval(rondo_pump(s, t, -1, 0, NULL, w));
    assert_einval(rondo_pump(s, t, -2, 0, pumped, w));
    assert_einval(rondo_pump(s, t, 0, 0, pumped, w));
    assert_einval(rondo_pump(s, t, -1, 2, pumped, w));
    p = pump(w, a, b, -1, 0);
    assert_refused(rondo_pump(s, u, -1, 0, pumped, w), RONDO_EBUSY, "from");
    assert_refused(rondo_pump(u, t, -1, 0, pumped, w), RONDO_EBUSY, "pump");
    assert_refused(rondo_transport_write(t, "x", 1), RONDO_EBUSY, "pump");
    assert_error(rondo_transport_sendfile(t, raw_dead_fd(), 0, 1, NULL, w),
                 RONDO_EBUSY);
    if (rondo_loop_supports(w->loop, RONDO_CAN_DETACH))
        assert_refused(rondo_transport_detach(s, &out), RONDO_EBUSY, "pump");
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 0, 0);
    assert_refused(rondo_pump(s, u, -1, 0, pumped, w), RONDO_EOF, "ended");
    assert_refused(rondo_pump(u, t, -1, 0, pumped, w), RONDO_EPIPE, NULL);
    rondo_transport_close(u);
    assert_refused(rondo_pump(u, t, -1, 0, pumped, w), RONDO_ECLOSED, NULL);
    pump_close_both(a, b);
}

struct shortage {
    struct peer *a, *b;
    struct pumping *p;
};

static int64_t pump_it(void *arg)
{
    struct shortage *s = arg;

    return rondo_pump(s->a->transport, s->b->transport, -1, 0, pumped, s->p);
}

TEST_LEAVES(J4_without_memory_nothing_begins)
{
    struct shortage *s = test_alloc(w, sizeof *s);

    s->a = plain_peer(w, &recorder, 0);
    s->b = plain_peer(w, &recorder, 0);
    s->p = test_alloc(w, sizeof *s->p);
    assert_ok(test_try_without_memory(w, pump_it, s));
    plain_send_pattern(s->a, 0, 1000);
    plain_takes(s->b, 0, 1000);
    raw_shutdown_write(s->a->fd);
    test_run_until(w, s->p->done);
    assert_int_equal(s->p->error, 0);
    pump_close_both(s->a, s->b);
}

/* Without descriptors for a pipe the bytes go through the process. */
TEST_LEAVES(J4_without_descriptors_it_works)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p;

    test_exhaust_descriptors(w, 0);
    p = pump(w, a, b, -1, 0);
    test_free_descriptors(w);
    plain_send_pattern(a, 0, 100000);
    plain_takes(b, 0, 100000);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 100000, 0);
    pump_close_both(a, b);
}

/* ---- J5: every kind of transport ---------------------------------------- */

/* A file is read as soon as there is a transport: the pump gets the rest. */
static int pump_from(struct rig *r)
{
    struct world *w = r->w;
    struct peer *b = plain_peer(w, &recorder, 0);
    uint64_t before = r->p->bytes;
    struct pumping *p = pump(w, r->p, b, -1, 0);
    uint64_t size = r->kind->file ? RIG_SUPPLY - before : 100000;

    if (!r->kind->file)
        (void)rig_feed(r, (size_t)size);
    plain_takes(b, before, size);
    rig_hang_up(r);
    pump_ends(w, p, size, 0);
    rondo_transport_close(b->transport);
    test_run_until(w, b->lost);
    return 0;
}

static int pump_to(struct rig *r)
{
    enum { SIZE = 100000 };
    struct world *w = r->w;
    struct peer *a = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, r->p, -1, RONDO_PUMP_KEEP_OPEN);

    plain_send_pattern(a, 0, SIZE);
    r->written = SIZE;
    rig_arrives(r);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, SIZE, 0);
    rondo_transport_close(a->transport);
    test_run_until(w, a->lost);
    return 0;
}

TEST_LEAVES(J5_from_every_kind)
{
    for (int id = 0; id < KINDS; id++) {
        struct rig *r = kinds[id].reads ? rig_new(w, (enum kind_id)id) : NULL;
        if (!r)
            continue;
        (void)pump_from(r);
        rig_end(r);
    }
}

TEST_LEAVES(J5_to_every_kind)
{
    for (int id = 0; id < KINDS; id++) {
        struct rig *r = kinds[id].writes ? rig_new(w, (enum kind_id)id) : NULL;
        if (!r)
            continue;
        (void)pump_to(r);
        rig_end(r);
    }
}
