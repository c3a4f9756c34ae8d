/* test_pass.c - descriptors that travel with a unix socket's bytes. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_local.h"
#include "raw_net.h"

enum { MOST = 64 };

/* What a peer took, and how: data_received or buffer_updated takes them all,
 * or `each` at a time. The end of the test closes them. */
struct bag {
    rondo_fd fds[600];
    size_t count;
    size_t each;       /* 0: all there are */
    size_t bytes[600]; /* received when it came */
    bool leave;        /* takes none */
};

static void take(struct peer *p)
{
    struct bag *bag = p->user;
    rondo_fd fd;

    for (size_t n = 0; !bag->leave && (!bag->each || n < bag->each); n++) {
        fd = rondo_transport_take_fd(p->transport);
        if (fd == RONDO_NO_FD)
            break;
        assert_in_range(bag->count, 0, 599);
        assert_true(fd > 2 && raw_fd_close_on_exec(fd));
        bag->bytes[bag->count] = (size_t)p->bytes;
        bag->fds[bag->count++] = test_own(p->w, fd);
    }
}

static struct bag *give_bag(struct peer *p)
{
    p->user = test_alloc(p->w, sizeof(struct bag));
    p->on_bytes = take;
    return p->user;
}

/* A pair whose b takes what comes. */
static struct bag *pair(struct world *w, struct peer **a, struct peer **b)
{
    local_need_passing(w);
    local_pair(w, a, b);
    return give_bag(*b);
}

static raw_fd some_file(struct world *w)
{
    return test_own(w, raw_file());
}

/* Sends the descriptor beside these bytes. */
static void carry(struct peer *p, raw_fd fd, const char *bytes)
{
    assert_ok(rondo_transport_send_fd(p->transport, fd));
    assert_ok(rondo_transport_write(p->transport, bytes, strlen(bytes)));
}

/* ---- S16: one descriptor ------------------------------------------------ */

TEST_LEAVES(S16_one_there_and_one_back)
{
    const char *path;
    struct listener *l;
    struct bag *here, *there;
    struct peer *c;
    raw_fd pipe[2];
    char byte = 0;

    local_need_passing(w);
    assert_int_equal(raw_pair(pipe), 0);
    path = local_path(w, "pass");
    l = local_serve(w, path);
    there = give_bag(&l->model);
    c = local_connect(w, path);
    here = give_bag(c);
    carry(c, pipe[0], "take this");
    test_run_until(w, there->count == 1);
    assert_true(raw_same_file(there->fds[0], pipe[0]));
    assert_true(there->fds[0] != pipe[0] && raw_fd_valid(pipe[0]));
    assert_ok(rondo_transport_send_fd(l->first->transport, there->fds[0]));
    test_close_own(w, there->fds[0]); /* a duplicate is on its way */
    assert_ok(rondo_transport_write(l->first->transport, "again", 5));
    test_run_until(w, here->count == 1);
    raw_close(pipe[0]);
    assert_ok(raw_send(here->fds[0], "x", 1));
    assert_int_equal(raw_recv(pipe[1], &byte, 1, 1000), 1);
    assert_int_equal(byte, 'x');
    raw_close(pipe[1]);
    assert_int_equal(l->first->bytes, 9);
}

TEST(S16_without_a_byte_nothing_goes)
{
    struct peer *a, *b;
    struct bag *bag = pair(w, &a, &b);

    carry(a, some_file(w), "");
    test_spin(w, 5);
    assert_string_equal(b->order, "M");
    rondo_transport_close(a->transport);
    test_run_until(w, a->lost && b->lost);
    assert_string_equal(b->order, "MEL");
    assert_int_equal(bag->count, 0);
}

/* ---- S16: with their byte ----------------------------------------------- */

TEST_LEAVES(S16_each_write_path_carries)
{
    const rondo_buffer pieces[3] = {{"", 0}, {"123", 3}, {"45678", 5}};
    struct peer *a, *b;
    struct bag *bag = pair(w, &a, &b);
    unsigned released = 0;

    for (size_t i = 0; i < 4; i++) {
        raw_fd file = some_file(w);

        assert_ok(rondo_transport_send_fd(a->transport, file));
        if (i == 0)
            assert_ok(rondo_transport_write(a->transport, "12345678", 8));
        else if (i == 1)
            assert_ok(rondo_transport_writev(a->transport, pieces, 3));
        else if (i == 2)
            assert_ok(rondo_transport_write_owned(a->transport, "12345678", 8,
                                                  count_release, &released));
        else
            assert_ok(rondo_transport_printf(a->transport, "%d", 12345678));
        test_run_until(w, b->bytes == 8 * (i + 1));
        assert_int_equal(bag->count, i + 1);
        assert_true(raw_same_file(bag->fds[i], file));
    }
    assert_int_equal(released, 1);
}

/* More than the kernel takes, with descriptors at chosen bytes: each comes
 * with its own byte, in order, whatever is sent in parts. */
TEST_LEAVES(S16_a_long_queue_keeps_them_with_their_bytes)
{
    enum { PIECES = 40, PIECE = 30000 };
    struct peer *a, *b;
    struct bag *bag = pair(w, &a, &b);
    unsigned char *data = test_alloc(w, (size_t)PIECES * PIECE);
    raw_fd files[PIECES];
    int over = 0;

    test_fill(data, 0, (size_t)PIECES * PIECE);
    act_pause(b);
    for (size_t i = 0; i < PIECES; i++) {
        files[i] = some_file(w);
        if (i % 3 != 2)
            assert_ok(rondo_transport_send_fd(a->transport, files[i]));
        over = (int)assert_ok(
            rondo_transport_write(a->transport, data + i * PIECE, PIECE));
    }
    assert_int_equal(over, 1);
    test_run_until(w, a->pauses == 1); /* the limits hold as ever */
    act_resume(b);
    test_run_until(w, b->bytes == (uint64_t)PIECES * PIECE);
    assert_int_equal(b->checksum, test_pattern_checksum(b->bytes));
    assert_int_equal(a->resumes, 1);
    assert_int_equal(bag->count, PIECES - PIECES / 3);
    for (size_t i = 0, n = 0; i < PIECES; i++) {
        if (i % 3 == 2)
            continue;
        assert_true(raw_same_file(bag->fds[n], files[i]));
        /* not before its first byte, and with nothing of the next one's */
        assert_true(bag->bytes[n] > i * PIECE);
        if (i % 3 == 0)
            assert_true(bag->bytes[n] <= (i + 1) * PIECE);
        n++;
    }
}

TEST_LEAVES(S16_many_beside_one_byte)
{
    struct peer *a, *b;
    struct bag *bag = pair(w, &a, &b);
    raw_fd files[2] = {some_file(w), some_file(w)};

    for (int i = 0; i < MOST; i++)
        assert_ok(rondo_transport_send_fd(a->transport, files[i % 2]));
    assert_error(rondo_transport_send_fd(a->transport, files[0]),
                 RONDO_ETOOMUCH);
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    carry(a, files[0], "y");
    test_run_until(w, bag->count == MOST + 1);
    for (size_t i = 0; i < MOST; i++)
        assert_true(raw_same_file(bag->fds[i], files[i % 2]));
}

/* As many as a plain program can send at all. */
TEST_LEAVES(S16_as_many_as_a_message_takes)
{
    struct peer *p = test_peer(w);
    struct bag *bag = give_bag(p);
    raw_fd end, file = some_file(w), fds[RAW_PASS_MOST];

    local_need_passing(w);
    test_skip_if(w, raw_descriptor_limit() < 600,
                 "the process may not have 600 descriptors");
    end = test_own(w, local_raw_peer(w, &recorder, p));
    for (size_t i = 0; i < RAW_PASS_MOST; i++)
        fds[i] = file;
    if (raw_send_fds(end, "x", 1, fds, RAW_PASS_MOST) == 1) {
        test_run_until(w, p->bytes == 1);
        assert_int_equal(bag->count, RAW_PASS_MOST);
    }
}

/* ---- S16: taken, or closed ---------------------------------------------- */

TEST_LEAVES(S16_what_is_not_taken_is_closed)
{
    struct peer *a, *b;
    struct bag *bag = pair(w, &a, &b);
    raw_fd file = some_file(w);
    size_t before = raw_count_descriptors();

    bag->leave = true;
    for (int i = 0; i < 10; i++) {
        assert_ok(rondo_transport_send_fd(a->transport, file));
        carry(a, file, "x");
        test_run_until(w, b->bytes == (uint64_t)i + 1);
        assert_int_equal(raw_count_descriptors(), before);
    }
    /* one of two */
    bag->leave = false;
    bag->each = 1;
    assert_ok(rondo_transport_send_fd(a->transport, file));
    carry(a, file, "x");
    test_run_until(w, bag->count == 1);
    test_spin(w, 2);
    assert_int_equal(raw_count_descriptors(), before + 1);
    /* later there is none */
    assert_true(rondo_transport_take_fd(b->transport) == RONDO_NO_FD);
}

static int pass_on(rondo_layer *layer, void *self, const void *data,
                   size_t size)
{
    (void)self;
    return rondo_layer_deliver(layer, data, size);
}

/* A filter may keep bytes, and their descriptors with them. */
TEST_LEAVES(S16_what_is_not_taken_behind_a_filter_is_closed)
{
    static const rondo_filter plain = {.received = pass_on};
    struct peer *a, *b;
    struct bag *bag = pair(w, &a, &b);
    raw_fd file = some_file(w);
    size_t before;

    assert_ok(rondo_transport_push_filter(b->transport, &plain, w, NULL, NULL));
    test_spin(w, 2);
    before = raw_count_descriptors();
    bag->leave = true;
    for (int i = 0; i < 3; i++) {
        carry(a, file, "x");
        test_run_until(w, b->bytes == (uint64_t)i + 1);
        test_spin(w, 1);
        assert_int_equal(raw_count_descriptors(), before);
    }
}

static void pause_and_give_back(struct peer *p, const void *data, size_t size)
{
    p->on_data = NULL;
    p->on_bytes = NULL;
    act_pause(p);
    assert_ok(rondo_transport_unread(p->transport, data, size));
    p->bytes -= size;
}

/* A pair whose b holds one descriptor and its bytes, of which it has taken
 * none: reading is paused. */
static struct bag *holding_pair(struct world *w, struct peer **a,
                                struct peer **b, raw_fd file)
{
    struct bag *bag = pair(w, a, b);

    (*b)->no_checksum = true;
    (*b)->on_data = pause_and_give_back;
    carry(*a, file, "abc");
    test_run_until(w, !(*b)->on_data);
    return bag;
}

TEST_LEAVES(S16_held_with_their_bytes_while_paused)
{
    struct peer *a, *b;
    raw_fd file = some_file(w);
    struct bag *bag = holding_pair(w, &a, &b, file);

    test_spin(w, 3);
    assert_int_equal(bag->count, 0);
    b->on_bytes = take;
    act_resume(b);
    test_run_until(w, b->bytes == 3);
    assert_int_equal(bag->count, 1);
    assert_true(raw_same_file(bag->fds[0], file));
}

TEST_LEAVES(S16_held_and_then_not_taken_they_are_closed)
{
    struct peer *a, *b;
    raw_fd file = some_file(w);
    size_t before;

    (void)holding_pair(w, &a, &b, file);
    before = raw_count_descriptors();
    act_resume(b);
    test_run_until(w, b->bytes == 3);
    test_spin(w, 3);
    assert_int_equal(raw_count_descriptors(), before - 1);
}

/* The same, but the connection ends before they could be taken. */
TEST(S16_held_and_never_taken)
{
    struct peer *a, *b;
    raw_fd file = some_file(w);
    size_t before = raw_count_descriptors();

    (void)holding_pair(w, &a, &b, file);
    rondo_transport_abort(b->transport);
    test_run_until(w, a->lost && b->lost);
    assert_int_equal(raw_count_descriptors(), before);
}

TEST_LEAVES(S16_a_small_buffer_takes_them_late)
{
    struct peer *b = test_peer(w);
    struct bag *bag = give_bag(b);
    raw_fd end, files[3] = {some_file(w), some_file(w), some_file(w)};

    local_need_passing(w);
    b->buffer = test_alloc(w, 2);
    b->buffer_size = 2;
    bag->each = 1; /* at most one a call */
    end = test_own(w, local_raw_peer(w, &buffered_recorder, b));
    assert_int_equal(raw_send_fds(end, "12345678", 8, files, 3), 8);
    test_run_until(w, b->bytes == 8);
    assert_int_equal(bag->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bag->bytes[i], 2 * (i + 1));
        assert_true(raw_same_file(bag->fds[i], files[i]));
    }
}

/* Every one is freed wherever a connection ends: unsent, in the kernel,
 * arrived. The harness counts descriptors. */
TEST(S16_nothing_is_left_at_the_end)
{
    raw_fd file = some_file(w);
    size_t before = raw_count_descriptors();

    for (int how = 0; how < 4; how++) {
        struct peer *a, *b;

        (void)pair(w, &a, &b);
        act_pause(b);
        carry(a, file, "x");
        (void)test_fill_transport(w, a);
        carry(a, file, how & 1 ? "y" : "");
        if (how & 2)
            rondo_transport_abort(a->transport);
        rondo_transport_abort(b->transport);
        test_run_until(w, a->lost && b->lost);
        assert_int_equal(raw_count_descriptors(), before);
    }
}

TEST(S16_nothing_is_left_when_the_loop_closes)
{
    struct peer *a, *b;

    (void)pair(w, &a, &b);
    act_pause(b);
    (void)test_fill_transport(w, a);
    carry(a, some_file(w), "y");
    test_close_loop(w); /* the harness looks for what is left */
}
