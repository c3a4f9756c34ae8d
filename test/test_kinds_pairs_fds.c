/* test_kinds_pairs_fds.c - descriptors with all else, on unix sockets. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_filter.h"
#include "harness_kinds.h"
#include "harness_local.h"

enum { MOST = 16 };

/* The descriptors that a peer has taken, and the bytes that were delivered with
 * each. */
struct bag {
    raw_fd fds[MOST];
    uint64_t from[MOST], to[MOST];
    size_t count;
};

static void take_fds(struct peer *p, size_t size)
{
    struct bag *bag = p->user;
    raw_fd fd;

    while ((fd = rondo_transport_take_fd(p->transport)) != RONDO_NO_FD) {
        assert_true(bag->count < MOST);
        bag->from[bag->count] = p->bytes - size;
        bag->to[bag->count] = p->bytes;
        bag->fds[bag->count++] = fd;
    }
}

static void take_in_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    take_fds(p, size);
}

static void take_in_updated(struct peer *p, size_t size)
{
    take_fds(p, size);
}

/* A unix socket whose far end takes what comes; skips where there is none. */
static struct rig *rig_passing(struct world *w, struct bag *bag)
{
    struct rig *r;

    local_need_passing(w);
    r = rig_new(w, KIND_UNIX);
    assert_non_null(r);
    *bag = (struct bag){.count = 0};
    r->far->user = bag;
    r->far->on_data = take_in_data;
    r->far->on_updated = take_in_updated;
    return r;
}

static void pass(struct rig *r, raw_fd fd)
{
    assert_ok(rondo_transport_send_fd(r->p->transport, fd));
}

/* So many have come, all of that file. */
static void has(struct bag *bag, size_t count, raw_fd file)
{
    assert_int_equal(bag->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(raw_same_file(bag->fds[i], file));
        raw_close(bag->fds[i]);
    }
    bag->count = 0;
}

static struct bag bag; /* of the running test */

/* That descriptor came together with that byte. */
static bool came_with(size_t i, uint64_t byte)
{
    return bag.from[i] <= byte && byte < bag.to[i];
}

/* ---- S16: beside the bytes of every call --------------------------------- */

/* Each call's first byte has one, while nothing waits, or much. */
static void pass_by_every_call(struct world *w, bool waiting)
{
    struct rig *r = rig_passing(w, &bag);
    raw_fd file = raw_file(), source = call_file(RIG_MUCH + 10000);
    unsigned *released = test_counter(w);
    struct call *c = call_new(w);
    unsigned char bytes[1000];
    uint64_t at[6];

    if (waiting)
        rig_block(r);
    for (int i = 0; i < 5; i++) {
        at[i] = r->written;
        test_fill(bytes, r->written, sizeof bytes);
        pass(r, file);
        if (i == 0)
            assert_ok(rondo_transport_write(r->p->transport, bytes, 1000));
        else if (i == 1)
            assert_ok(rondo_transport_writev(
                r->p->transport,
                (rondo_buffer[]){{bytes, 0}, {bytes, 1}, {bytes + 1, 999}}, 3));
        else if (i == 2)
            assert_ok(rondo_transport_printf(r->p->transport, "%c", bytes[0]));
        else if (i == 3)
            assert_ok(rondo_transport_write_owned(r->p->transport, bytes, 1000,
                                                  count_release, released));
        else
            assert_ok(rondo_transport_sendfile(r->p->transport, source,
                                               (int64_t)r->written, 1000,
                                               call_done, c));
        r->written += i == 2 ? 1 : 1000;
        if (i == 3) { /* until it is released the bytes stay */
            rig_unblock(r);
            test_run_until(w, *released);
        }
    }
    rig_arrives(r);
    assert_int_equal(call_wait(w, c), 1000);
    for (int i = 0; i < 5; i++)
        assert_true(came_with((size_t)i, at[i]));
    has(&bag, 5, file);
    raw_close(source);
    raw_close(file);
    rig_end(r);
}

TEST_CASE(S16_pair_every_call, pass_by_every_call(w, false));
TEST_CASE(S16_pair_every_call_behind_others, pass_by_every_call(w, true));

/* ---- S16: not without a byte --------------------------------------------- */

static void end_without_a_byte(struct rig *r, int how)
{
    if (how == 0)
        rondo_transport_close(r->p->transport);
    else if (how == 1)
        rondo_transport_abort(r->p->transport);
    else if (how == 2)
        assert_ok(rondo_transport_write_eof(r->p->transport));
    else
        assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, 1));
}

TEST(S16_pair_no_byte_follows)
{
    raw_fd file = raw_file();
    size_t before = raw_count_descriptors();

    for (int how = 0; how < 4; how++) {
        struct rig *r = rig_passing(w, &bag);

        r->cut = how == 1 || how == 3;
        if (how == 3)
            rig_block(r);
        pass(r, file);
        end_without_a_byte(r, how);
        test_run_until(w, r->p->lost);
        rig_end(r);
        has(&bag, 0, file);
        assert_int_equal(raw_count_descriptors(), before);
    }
    raw_close(file);
}

/* ---- S16 + S13: filters -------------------------------------------------- */

static struct toy *toy_under(struct peer *p, unsigned char key)
{
    struct toy *y = test_toy(p->w, key);

    toy_push(p->transport, y);
    return y;
}

/* A filter's handshake is not the byte that is written next. */
TEST(S16_pair_in_a_handshake)
{
    struct rig *r = rig_passing(w, &bag);
    struct toy *y = test_toy(w, 1);
    raw_fd file = raw_file();

    y->late = true;
    toy_push(r->p->transport, y);
    assert_ok(rig_write(r, 10));
    assert_refused(rondo_transport_send_fd(r->p->transport, file), RONDO_EBUSY,
                   "filter");
    (void)toy_under(r->far, 2);
    test_run_until(w, y->hello);
    assert_ok(rondo_layer_ready(y->layer));
    pass(r, file);
    assert_ok(rig_write(r, 10));
    rig_arrives(r);
    has(&bag, 1, file);
    raw_close(file);
    rig_end(r);
}

/* Nor is its hello. */
TEST(S16_pair_before_a_push)
{
    struct rig *r = rig_passing(w, &bag);
    struct toy *y = test_toy(w, 1);
    raw_fd file = raw_file();

    pass(r, file);
    assert_refused(rondo_transport_push_filter(r->p->transport, &toy_filter, y,
                                               NULL, NULL),
                   RONDO_EBUSY, "descriptor");
    assert_ok(rig_write(r, 10));
    toy_push(r->p->transport, y);
    rig_arrives(r);
    (void)toy_under(r->far, 2);
    test_run_until(w, y->done);
    has(&bag, 1, file);
    raw_close(file);
    rig_end(r);
}

/* With bytes that wait, in clear, each keeps its place; so do those that are
 * written through the filter. */
TEST(S16_pair_through_a_filter)
{
    struct rig *r = rig_passing(w, &bag);
    struct toy *y = test_toy(w, 1);
    raw_fd file = raw_file();

    y->clear = true;
    rig_block(r);
    pass(r, file);
    assert_ok(rig_write(r, 1000));
    toy_push(r->p->transport, y);
    test_run_until(w, y->done);
    pass(r, file);
    assert_ok(rig_write(r, 1000));
    rig_unblock(r);
    rig_arrives(r);
    assert_true(came_with(0, RIG_MUCH) && came_with(1, RIG_MUCH + 1000));
    has(&bag, 2, file);
    raw_close(file);
    rig_end(r);
}

/* A frame that comes in pieces is delivered with what its first byte had. */
TEST_LEAVES(S16_pair_a_frame_in_pieces)
{
    struct peer *p = test_peer(w);
    raw_fd end, file = raw_file();
    struct toy *y = test_toy(w, 1);
    unsigned char hello[2];

    local_need_passing(w);
    bag.count = 0;
    p->user = &bag;
    p->on_data = take_in_data;
    end = local_raw_peer(w, &recorder, p);
    toy_push(p->transport, y);
    toy_raw_hello(end, 0);
    toy_raw_take(w, end, hello, 2);
    test_run_until(w, y->done);
    assert_int_equal(raw_send_fds(end, "\0\5he", 4, &file, 1), 4);
    test_run_until(w, y->have == 4);
    assert_int_equal(raw_send(end, "llo", 3), 3);
    test_run_until(w, p->bytes == 5);
    has(&bag, 1, file);
    raw_close(end);
    raw_close(file);
}

/* What a half transport cannot take is not kept. */
TEST(S16_pair_half_of_a_socket)
{
    raw_fd fds[2], file = raw_file();
    struct peer *p = test_peer(w);
    size_t before;

    local_need_passing(w);
    assert_int_equal(raw_local_pair(fds), 0);
    before = raw_count_descriptors();
    assert_ok(rondo_connect_read_pipe(w->loop, fds[0], RONDO_PIPE_OWN,
                                      &recorder, p, &p->transport));
    assert_int_equal(raw_send_fds(fds[1], "abc", 3, &file, 1), 3);
    test_run_until(w, p->bytes == 3);
    assert_true(rondo_transport_take_fd(p->transport) == RONDO_NO_FD);
    assert_int_equal(raw_count_descriptors(), before);
    raw_close(fds[1]);
    raw_close(file);
    test_run_until(w, p->lost);
}

/* ---- S16 + S10: other protocols, bytes that come again ------------------- */

static void give_back_to_buffered(struct peer *p, const void *data, size_t size)
{
    p->on_data = take_in_data;
    p->bytes = 0;
    p->no_checksum = true;
    assert_ok(rondo_transport_unread(p->transport, data, size));
    assert_ok(
        rondo_transport_set_protocol(p->transport, &buffered_recorder, p));
}

TEST(S16_pair_given_back_to_another_protocol)
{
    struct rig *r = rig_passing(w, &bag);
    raw_fd file = raw_file();

    r->far->on_data = give_back_to_buffered;
    r->far->buffer_size = 3;
    r->far->buffer = test_alloc(w, 3);
    pass(r, file);
    assert_ok(rig_write(r, 100));
    test_run_until(w, r->far->bytes == 100);
    assert_int_equal(r->far->data, 1);
    assert_true(came_with(0, 0));
    has(&bag, 1, file);
    r->far->checksum = test_pattern_checksum(100);
    raw_close(file);
    rig_end(r);
}

static void give_back_and_push(struct peer *p, const void *data, size_t size)
{
    struct toy *y = test_toy(p->w, 9);

    p->on_data = take_in_data;
    p->bytes = 0;
    p->no_checksum = true;
    y->clear = true;
    assert_ok(rondo_transport_unread(p->transport, data, size));
    toy_push(p->transport, y);
}

/* Held bytes go through a new filter, and what came with them is there. */
TEST(S16_pair_given_back_to_a_filter)
{
    struct rig *r = rig_passing(w, &bag);
    raw_fd file = raw_file();

    r->far->on_data = give_back_and_push;
    pass(r, file);
    assert_ok(rig_write(r, 100));
    test_run_until(w, r->far->bytes == 100);
    has(&bag, 1, file);
    r->far->checksum = test_pattern_checksum(100);
    raw_close(file);
    rig_end(r);
}

static void refuse_some(struct peer *p, const void *data, size_t size)
{
    if (p->data % 3 == 0 || p->bytes == MOST) {
        take_fds(p, 0);
        return;
    }
    assert_ok(rondo_transport_unread(p->transport, data, size));
    p->bytes -= size;
}

/* Many, each with its byte, each given back twice. */
TEST(S16_pair_given_back_again)
{
    struct rig *r = rig_passing(w, &bag);
    raw_fd file = raw_file();

    r->far->on_data = refuse_some;
    r->far->no_checksum = true;
    for (int i = 0; i < MOST; i++) {
        pass(r, file);
        assert_ok(rig_write(r, 1));
    }
    test_run_until(w, r->far->bytes == MOST);
    has(&bag, MOST, file);
    r->far->checksum = test_pattern_checksum(MOST);
    raw_close(file);
    rig_end(r);
}

/* ---- S16 + S11, L8: time, forks ------------------------------------------ */

/* What is held when the time runs out is closed. */
TEST(S16_pair_held_until_the_time_is_out)
{
    struct rig *r = rig_passing(w, &bag);
    raw_fd file = raw_file();
    size_t before = raw_count_descriptors();
    struct taking t = {.r = r};

    r->cut = true;
    r->far->user = &t;
    r->far->on_data = take_and_hold;
    r->far->no_checksum = true;
    pass(r, file);
    assert_ok(rig_write(r, 100));
    test_run_until(w, t.held);
    rig_block(r);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, RONDO_MS(5)));
    test_run_until(w, r->p->lost);
    rondo_transport_abort(r->far->transport);
    test_run_until(w, r->far->lost);
    r->far->checksum = test_pattern_checksum(r->far->bytes);
    assert_int_equal(raw_count_descriptors(), before - 2);
    raw_close(file);
    rig_end(r);
}

static int abort_in_child(void *arg)
{
    struct rig *r = arg;

    if (rondo_loop_after_fork(r->w->loop) != 0)
        return 1;
    rondo_transport_abort(r->p->transport);
    while (!r->p->lost)
        if (rondo_loop_run_once(r->w->loop, RONDO_MS(5)) < 0)
            return 2;
    return 0;
}

/* The child's copies of what waits are the child's alone. */
TEST(S16_pair_waiting_through_a_fork)
{
    struct rig *r = rig_passing(w, &bag);
    raw_fd file = raw_file();

    rig_block(r);
    pass(r, file);
    assert_ok(rig_write(r, 100));
    test_run_child(w, abort_in_child, r);
    rig_unblock(r);
    rig_arrives(r);
    assert_true(came_with(0, RIG_MUCH));
    has(&bag, 1, file);
    raw_close(file);
    rig_end(r);
}
