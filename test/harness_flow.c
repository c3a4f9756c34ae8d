/* harness_flow.c - flow control between two transports of any kind. */
/* SPDX-License-Identifier: MIT */
#include "harness_flow.h"

#include "harness_plain.h"

enum { HIGH = 30000, LOW = 15000, PIECE = 10000, MOST = 16 << 20 };

static void at_most_low(struct peer *p)
{
    assert_true(peer_buffered(p) <= LOW);
    assert_false(rondo_transport_is_writing_paused(p->transport));
}

/* Writes until the kernel takes no more and the buffer is over HIGH. */
static uint64_t write_until_paused(struct world *w, struct peer *p)
{
    uint64_t sent = 0;

    while (!rondo_transport_is_writing_paused(p->transport)) {
        (void)peer_write(p, sent, PIECE);
        sent += PIECE;
        test_spin(w, 2);
        assert_true(sent < MOST);
    }
    return sent;
}

void flow_play(struct world *w, struct peer *writer, struct peer *reader)
{
    uint64_t sent;

    peer_set_limits(writer, HIGH, LOW);
    writer->on_resume = at_most_low;
    act_pause(reader);
    test_spin(w, 3);
    sent = write_until_paused(w, writer);
    test_run_until(w, writer->pauses == 1);
    (void)test_settle(w, writer);
    assert_true(peer_buffered(writer) > LOW);
    assert_true(test_run_for(w, RONDO_MS(50)) < 20);
    assert_int_equal(writer->resumes, 0);
    assert_int_equal(reader->bytes, 0);
    act_resume(reader);
    test_run_until(w, writer->resumes == 1 && reader->bytes == sent);
    peer_got(reader, sent);
    assert_int_equal(writer->pauses, 1);
    assert_int_equal(writer->resumes, 1);
}
