/* test_faults_nobufs.c - a kernel that has no memory for a while. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_local.h"
#include "harness_wire.h"
#include "raw_memory.h"

enum { SIZE = 200000, TIMES = 5 };

enum way { WRITE, WRITEV, OWNED, QUEUED, WITH_FD };

/* A connection whose next sends fail. */
static struct peer *begin(struct world *w, bool local, unsigned times)
{
    struct peer *p;

    if (local) {
        struct peer *other;

        local_need_passing(w);
        local_pair(w, &p, &other);
    } else {
        struct listener *l = test_serve(w);

        p = test_connect(w, l->port);
        test_run_until(w, p->made && l->first && l->first->made);
        p->other = l->first;
    }
    test_skip_if(
        w, !raw_sends_lack_memory(rondo_transport_fd(p->transport), times),
        "this kernel always has memory");
    return p;
}

/* How many bytes. */
static uint64_t write_in(struct peer *p, enum way way,
                         const unsigned char *data, unsigned *released)
{
    const rondo_buffer pieces[] = {{data, 1000}, {data + 1000, SIZE - 1000}};
    uint64_t size = SIZE;
    raw_fd file;

    switch (way) {
    case QUEUED:
        (void)raw_sends_lack_memory(RONDO_NO_FD, 0);
        size = test_fill_transport(p->w, p);
        (void)raw_sends_lack_memory(rondo_transport_fd(p->transport), TIMES);
        break;
    case WRITEV:
        assert_true(rondo_transport_writev(p->transport, pieces, 2) >= 0);
        break;
    case OWNED:
        assert_true(rondo_transport_write_owned(p->transport, data, SIZE,
                                                count_release, released) >= 0);
        break;
    case WITH_FD:
        file = raw_file();
        assert_ok(rondo_transport_send_fd(p->transport, file));
        raw_close(file);
        assert_true(rondo_transport_write(p->transport, data, SIZE) >= 0);
        break;
    default:
        assert_true(rondo_transport_write(p->transport, data, SIZE) >= 0);
        break;
    }
    return size;
}

static void try_way(struct world *w, enum way way)
{
    struct peer *p = begin(w, way == WITH_FD, TIMES);
    unsigned char *data = test_alloc(w, SIZE);
    unsigned released = 0;
    uint64_t sent;

    test_fill(data, 0, SIZE);
    sent = write_in(p, way, data, &released);
    test_run_until(w, p->lost || p->other->bytes >= sent);
    assert_int_equal(p->lost, 0);
    assert_int_equal(raw_sends_lacked_memory(), TIMES);
    if (way == OWNED) {
        test_spin(w, 2);
        assert_int_equal(released, 1);
    }
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost && p->other->lost);
    assert_int_equal(p->error, 0);
}

TEST_LEAVES(S2_a_write_waits_for_the_kernel_s_memory)
{
    try_way(w, WRITE);
}

TEST_LEAVES(S2_a_writev_waits_for_the_kernel_s_memory)
{
    try_way(w, WRITEV);
}

TEST_LEAVES(S2_owned_bytes_wait_for_the_kernel_s_memory)
{
    try_way(w, OWNED);
}

TEST_LEAVES(S2_what_is_queued_waits_for_the_kernel_s_memory)
{
    try_way(w, QUEUED);
}

TEST_LEAVES(S2_a_descriptor_waits_for_the_kernel_s_memory)
{
    try_way(w, WITH_FD);
}

/* It is ended while it waits. */
static void try_end(struct world *w, void (*end)(rondo_transport *t), int error)
{
    struct peer *p = begin(w, false, 1000000);

    assert_true(rondo_transport_write(p->transport, "hello", 5) >= 0);
    test_run_until(w, raw_sends_lacked_memory() > 2);
    end(p->transport);
    if (!error) {
        test_run_until(w, raw_sends_lacked_memory() > 5);
        (void)raw_sends_lack_memory(RONDO_NO_FD, 0);
    }
    test_run_until(w, p->lost && p->other->lost);
    assert_int_equal(p->error, error);
    assert_int_equal(p->other->bytes, error ? 0 : 5);
}

TEST_LEAVES(S2_aborted_while_there_is_no_memory)
{
    try_end(w, rondo_transport_abort, RONDO_ECANCELED);
}

TEST_LEAVES(S2_closed_while_there_is_no_memory)
{
    try_end(w, rondo_transport_close, 0);
}

TEST_LEAVES(L5_the_loop_closes_while_there_is_no_memory)
{
    struct peer *p = begin(w, false, 1000000);

    assert_true(rondo_transport_write(p->transport, "hello", 5) >= 0);
    test_run_until(w, raw_sends_lacked_memory() > 2);
}

TEST_LEAVES(Q1_a_sendall_waits_for_the_kernel_s_memory)
{
    struct wire *x = wire_new(w, 0);
    struct call *c;

    test_skip_if(w, !raw_sends_lack_memory(x->fd, TIMES),
                 "this kernel always has memory");
    c = wire_sendall(x, test_bytes(w, 0, 1000), 1000);
    assert_int_equal(call_wait(w, c), 1000);
    assert_int_equal(raw_sends_lacked_memory(), TIMES);
    wire_takes(x, 0, 1000);
}
