/* test_ahead.c - a backend that reads before it is asked: no byte is lost. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"
#include "raw_process.h"

enum { FIRST = 60000, SECOND = 50000 };

/* A transport that has paused inside its first data_received. */
static struct peer *paused_peer(struct world *w)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = act_pause_in_data;
    plain_send_pattern(p, 0, FIRST);
    test_run_until(w, p->bytes);
    return p;
}

static void goes_on(struct peer *p)
{
    p->on_data = NULL;
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(p->w, p->bytes >= FIRST + SECOND);
    peer_got(p, FIRST + SECOND);
}

/* ---- S24: what is read ahead --------------------------------------------- */

/* More at once than any buffers of a loop's hold. */
TEST_LEAVES(S24_many_at_once)
{
    enum { PEERS = 120, EACH = 50000 };
    struct peer *p[PEERS];

    for (int i = 0; i < PEERS; i++) {
        p[i] = plain_peer(w, &recorder, 0);
        assert_ok(rondo_transport_pause_reading(p[i]->transport));
        plain_send_pattern(p[i], 0, EACH);
    }
    test_spin(w, 2);
    for (int i = 0; i < PEERS; i++)
        assert_ok(rondo_transport_resume_reading(p[i]->transport));
    for (int i = 0; i < PEERS; i++) {
        test_run_until(w, p[i]->bytes >= EACH);
        peer_got(p[i], EACH);
    }
}

enum { HOLDERS = 60 };

static void pause_all(rondo_loop *loop, void *arg)
{
    struct peer **all = arg;

    (void)loop;
    for (int i = 0; i < HOLDERS; i++)
        assert_ok(rondo_transport_pause_reading(all[i]->transport));
}

/* First the loop takes all the buffers that it may have. Then what has been read
 * and not delivered yet holds them all: others go on, and the loop sleeps. */
TEST_LEAVES(S24_paused_ones_hold_all_buffers)
{
    enum { EACH = 150000, FLOODS = 5 };
    struct peer *p[HOLDERS], *other = plain_peer(w, &recorder, 0);

    for (int i = 0; i < HOLDERS; i++)
        p[i] = plain_peer(w, &recorder, 0);
    for (uint64_t flood = 0; flood < FLOODS; flood++) {
        for (int i = 0; i < HOLDERS; i++)
            plain_send_pattern(p[i], flood * EACH, EACH);
        if (flood == FLOODS - 1) /* runs before anything is delivered */
            assert_true(rondo_call_soon(w->loop, pause_all, p) > 0);
        test_spin(w, 10);
    }
    for (uint64_t i = 0; i < 3; i++) {
        plain_send_pattern(other, i * 5, 5);
        test_run_until(w, other->bytes == i * 5 + 5);
        assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    }
    for (int i = 0; i < HOLDERS; i++) {
        assert_ok(rondo_transport_resume_reading(p[i]->transport));
        test_run_until(w, p[i]->bytes == FLOODS * EACH);
        peer_got(p[i], FLOODS * EACH);
    }
}

/* Byte by byte, each a piece of its own, and the end behind them. */
TEST(S24_many_small_pieces_and_the_end)
{
    enum { PIECES = 3000 };
    struct peer *p = plain_peer(w, &recorder, 0);

    for (uint64_t i = 0; i < PIECES; i++)
        plain_send_pattern(p, i, 1);
    raw_shutdown_write(p->fd);
    test_run_until(w, p->lost);
    peer_got(p, PIECES);
    assert_lost(w, p, NULL, 0);
}

/* What comes after the pause stays in the kernel. */
TEST(S24_paused_it_reads_no_more)
{
    struct peer *p = paused_peer(w);
    rondo_detached out = RONDO_DETACHED_INIT;
    unsigned char *rest = test_alloc(w, FIRST + SECOND);
    size_t left;

    test_spin(w, 3);
    plain_send_pattern(p, FIRST, SECOND);
    test_spin(w, 3);
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "a completion port keeps its handles");
    assert_ok(rondo_transport_detach(p->transport, &out));
    test_own(w, (raw_fd)out.fd);
    assert_true(p->bytes + out.unread_size <= FIRST);
    if (out.unread)
        assert_true(test_matches(out.unread, p->bytes, out.unread_size));
    p->bytes += out.unread_size;
    left = FIRST + SECOND - (size_t)p->bytes;
    assert_true(raw_recv_exact((raw_fd)out.fd, rest, left, 5000));
    assert_true(test_matches(rest, p->bytes, left));
    test_run_until(w, p->lost);
}

/* ---- S24: what data_received is given stays ------------------------------- */

enum { LENT = 1000 };

/* In the one callback the descriptor leaves the loop, another stream has bytes
 * sent, and its own peer sends more. */
static void look_again(struct peer *p, const void *data, size_t size)
{
    struct peer *other = p->user;

    assert_int_equal(size, LENT);
    plain_send_pattern(p, LENT, LENT);
    plain_send_pattern(other, 0, LENT);
    (void)peer_write(other, 0, LENT);
    assert_int_equal(peer_buffered(other), 0);
    rondo_transport_abort(p->transport);
    assert_true(test_matches(data, 0, size));
}

TEST_LEAVES(S24_what_is_lent_stays)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->user = plain_peer(w, &recorder, 0);
    p->on_data = look_again;
    plain_send_pattern(p, 0, LENT);
    assert_lost(w, p, "MdL", RONDO_ECANCELED);
    test_run_until(w, ((struct peer *)p->user)->bytes == LENT);
    peer_got(p->user, LENT);
}

/* Each gives the second half back and gets it once more with what follows. */
static void give_half_back(struct peer *p, const void *data, size_t size)
{
    const char *bytes = data;
    size_t half = size / 2;

    assert_true(test_matches(data, p->updates, size));
    if (size == 1 || p->updates + size == 2 * (uint64_t)LENT)
        p->updates += (unsigned)size;
    else {
        p->updates += (unsigned)half;
        assert_ok(
            rondo_transport_unread(p->transport, bytes + half, size - half));
    }
}

TEST_LEAVES(S24_half_of_what_is_lent_comes_again)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = give_half_back;
    p->no_checksum = true;
    plain_send_pattern(p, 0, LENT);
    test_run_until(w, p->updates >= LENT / 2);
    plain_send_pattern(p, LENT, LENT);
    test_run_until(w, p->updates == 2 * LENT);
}

static int look_in_child(void *arg)
{
    struct peer *p = arg;
    const void *data = p->user;

    if (rondo_loop_after_fork(p->w->loop) != 0)
        return 1;
    return !test_matches(data, 0, LENT);
}

static int forked;

static void fork_inside(struct peer *p, const void *data, size_t size)
{
    assert_int_equal(size, LENT);
    p->user = (void *)(uintptr_t)data;
    forked = raw_fork_run(look_in_child, p);
    assert_true(test_matches(data, 0, size));
}

TEST_LEAVES(S24_a_fork_while_bytes_are_lent)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = fork_inside;
    plain_send_pattern(p, 0, LENT);
    test_run_until(w, p->bytes == LENT);
    test_skip_if(w, forked == -1, "there is no fork");
    assert_int_equal(forked, 0);
    p->on_data = NULL;
    plain_send_pattern(p, LENT, LENT);
    test_run_until(w, p->bytes == 2 * LENT);
    peer_got(p, 2 * LENT);
}

/* ---- S24: with the loop --------------------------------------------------- */

static void take_and_resume(void *arg)
{
    struct peer *p = arg;

    assert_ok(rondo_loop_take(p->w->loop));
    goes_on(p);
}

TEST_LEAVES(S24_another_thread_goes_on)
{
    struct peer *p = paused_peer(w);

    plain_send_pattern(p, FIRST, SECOND);
    raw_thread_join(raw_thread_start(take_and_resume, p));
    assert_ok(rondo_loop_take(w->loop));
    plain_send_pattern(p, FIRST + SECOND, 1000);
    test_run_until(w, p->bytes == FIRST + SECOND + 1000);
}

static int go_on_in_child(void *arg)
{
    struct peer *p = arg;

    if (rondo_loop_after_fork(p->w->loop) != 0)
        return 1;
    goes_on(p);
    return 0;
}

/* Of what it has read both processes have a copy. */
TEST_LEAVES(S24_a_forked_child_goes_on)
{
    struct peer *p = paused_peer(w);
    int result;

    plain_send_pattern(p, FIRST, SECOND);
    result = raw_fork_run(go_on_in_child, p);
    test_skip_if(w, result == -1, "there is no fork");
    assert_int_equal(result, 0);
}

/* It cannot move, and stays whole where it was. */
static void take_in_vain(void *arg)
{
    struct peer *p = arg;

    p->user = p;
    if (rondo_loop_take(p->w->loop) == 0)
        p->user = NULL;
}

TEST_LEAVES(S24_without_a_descriptor_it_stays)
{
    struct peer *p = paused_peer(w);

    plain_send_pattern(p, FIRST, SECOND);
    test_exhaust_descriptors(w, 0);
    raw_thread_join(raw_thread_start(take_in_vain, p));
    test_free_descriptors(w);
    if (!p->user)
        assert_ok(rondo_loop_take(w->loop));
    goes_on(p);
}

/* ---- L19: where the kernel has no io_uring --------------------------------- */

static void refused(struct world *w, unsigned lacks, const char *words)
{
    rondo_loop_options options = test_loop_options(w);
    int error;

    options.backend = "io_uring";
    test_skip_if(w, !raw_kernel_lacks(lacks),
                 "the system's calls cannot be replaced here");
    error = rondo_loop_new(&w->other, &options);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
    assert_int_equal(error, RONDO_ENOTSUP);
    assert_non_null(strstr(rondo_last_error(), words));
    assert_null(w->other);
}

TEST(L19_a_refused_io_uring_says_why)
{
    refused(w, RAW_LACKS_URING, "io_uring");
    test_skip_if(w, strcmp(w->backend, "io_uring") != 0,
                 "of the backend io_uring");
    refused(w, RAW_LACKS_URING, "ENOSYS");
    refused(w, RAW_FORBIDS_URING, "kernel.io_uring_disabled");
    refused(w, RAW_LACKS_URING_WORK, "Linux 6.1");
    refused(w, RAW_LACKS_URING_PROBE, "does not tell");
    refused(w, RAW_LACKS_URING_BUFFERS, "ring of buffers");
    refused(w, RAW_LACKS_URING_RECV, "lacks operation 27");
    refused(w, RAW_LACKS_URING_NODROP, "lacks features 0x2");
}
