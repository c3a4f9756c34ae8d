/* test_kinds_detach.c - every kind of transport gives its descriptor back. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_kinds.h"

/* The descriptor comes into the loop again, with p's bytes so far. */
static void take_again(struct rig *r, rondo_fd fd)
{
    struct peer *p = r->p, *next = test_peer(r->w);
    const unsigned flags =
        r->lent == RONDO_NO_FD ? 0U : (unsigned)RONDO_PIPE_BORROW;
    int error;

    next->bytes = p->bytes;
    next->checksum = p->checksum;
    if (!r->kind->half)
        error = rondo_connect_accepted_socket(r->w->loop, fd, &recorder, next,
                                              &next->transport);
    else if (r->kind->reads)
        error = rondo_connect_read_pipe(r->w->loop, fd, flags, &recorder, next,
                                        &next->transport);
    else
        error = rondo_connect_write_pipe(r->w->loop, fd, flags, &recorder, next,
                                         &next->transport);
    assert_ok(error);
    test_run_until(r->w, next->made && p->lost);
    assert_int_equal(p->error, 0);
    r->p = next;
}

static int hand_over(struct rig *r)
{
    rondo_detached out = RONDO_DETACHED_INIT;
    int error = rig_result(rondo_transport_detach(r->p->transport, &out),
                           "transport_detach");

    if (error == RONDO_ENOTSUP && !r->kind->file &&
        !rondo_loop_supports(r->w->loop, RONDO_CAN_DETACH))
        return 0; /* as it says */
    if (error)
        return error;
    if (out.unread) {
        r->p->checksum =
            test_checksum(r->p->checksum, out.unread, out.unread_size);
        r->p->bytes += out.unread_size;
    }
    take_again(r, out.fd);
    return 0;
}

/* Bytes lie everywhere: given back, in the kernel, still to come. */
static int detach_reading(struct rig *r)
{
    struct taking *t = taking_new(r);
    int error;

    r->p->on_data = take_and_hold;
    assert_ok(rig_feed(r, 5000));
    test_run_until(r->w, t->held);
    assert_ok(rig_feed(r, 5000));
    r->p->bytes = t->position;
    r->p->checksum = test_pattern_checksum(t->position);
    error = hand_over(r);
    if (error || !rondo_loop_supports(r->w->loop, RONDO_CAN_DETACH))
        return error;
    assert_ok(rig_feed(r, RIG_SUPPLY - 10000));
    if (r->kind->drops)
        test_run_until(r->w, r->p->bytes == RIG_SUPPLY);
    rig_hang_up(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->bytes, RIG_SUPPLY);
    assert_true(r->p->checksum == test_pattern_checksum(RIG_SUPPLY));
    return 0;
}

static int detach_writing(struct rig *r)
{
    int error;

    assert_true(rig_write(r, 1000) >= 0);
    test_run_until(r->w,
                   rondo_transport_get_write_buffer_size(r->p->transport) == 0);
    error = hand_over(r);
    if (error)
        return error;
    assert_true(rig_write(r, 1000) >= 0);
    rig_arrives(r);
    return 0;
}

enum column { READING, WRITING };

#define READER                                                                 \
    {                                                                          \
        [WRITING] = CELL_NONE                                                  \
    }
#define WRITER                                                                 \
    {                                                                          \
        [READING] = CELL_NONE                                                  \
    }

static const struct kind_table detaching = {
    .title = "detach",
    .columns = {[READING] = {.name = "reading", .attempt = detach_reading},
                [WRITING] = {.name = "writing", .attempt = detach_writing}},
    .cells = {
        KIND_PIPE_ROWS(READER, WRITER), [KIND_OVERLAPPED_READS] = READER,
        [KIND_OVERLAPPED_WRITES] = WRITER,
        KIND_HALF_SOCKET_ROWS(READER, WRITER), [KIND_CHILD_EXTRA] = READER,
        [KIND_FILE_READS] = {[READING] = RONDO_ENOTSUP, [WRITING] = CELL_NONE},
        [KIND_FILE_WRITES] = {
            [READING] = CELL_NONE, [WRITING] = RONDO_ENOTSUP}}};

TEST_CASE(S21_kinds_reading, kinds_try(w, &detaching, READING));
TEST_CASE(S21_kinds_writing, kinds_try(w, &detaching, WRITING));
