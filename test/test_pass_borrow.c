/* test_pass_borrow.c - descriptors that travel over a borrowed unix socket. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "harness_plain.h"

static struct peer *lend(struct world *w, raw_fd fd)
{
    struct peer *p = test_peer(w);

    assert_ok(rondo_adopt(w->loop, (rondo_fd)fd, RONDO_PIPE_BORROW, &recorder,
                          p, &p->transport));
    test_run_until(w, p->made);
    return p;
}

static void take_one(struct peer *p)
{
    rondo_fd fd = rondo_transport_take_fd(p->transport);

    if (fd != RONDO_NO_FD)
        *(raw_fd *)p->user = test_own(p->w, (raw_fd)fd);
}

/* Two blocking sockets, both lent; b takes one descriptor. */
static raw_fd *lent_pair(struct world *w, raw_fd fds[2], struct peer **a,
                         struct peer **b)
{
    raw_fd *got = test_alloc(w, sizeof *got), pair[2];

    local_need_passing(w);
    assert_int_equal(raw_local_pair(pair), 0);
    for (int i = 0; i < 2; i++)
        fds[i] = test_own(w, pair[i]);
    *a = lend(w, fds[0]);
    *b = lend(w, fds[1]);
    *got = RONDO_NO_FD;
    (*b)->user = got;
    (*b)->on_bytes = take_one;
    return got;
}

static void end_both(struct world *w, struct peer *a, struct peer *b)
{
    act_close(a);
    act_abort(b);
    test_run_until(w, a->lost && b->lost);
}

TEST(S16_a_borrowed_socket_carries_them)
{
    raw_fd fds[2], file = test_own(w, raw_file()), back;
    struct peer *a, *b;
    const raw_fd *got = lent_pair(w, fds, &a, &b);
    size_t count = 1;
    char byte;

    assert_ok(rondo_transport_send_fd(a->transport, file));
    act_hello(a);
    assert_hears(w, b, "hello");
    assert_true(raw_same_file(*got, file));
    /* the sockets go on, and are as they were */
    end_both(w, a, b);
    assert_true(raw_is_blocking(fds[0]) && raw_is_blocking(fds[1]));
    assert_int_equal(raw_send_fds(fds[1], "x", 1, &file, 1), 1);
    assert_int_equal(raw_recv_fds(fds[0], &byte, 1, &back, &count, 5000), 1);
    assert_int_equal(count, 1);
    raw_close(back);
}

/* The socket blocks and its calls do not: also where nothing, or nothing more,
 * fits. */
TEST(S16_a_full_borrowed_socket_keeps_them_with_their_bytes)
{
    raw_fd fds[2], file = test_own(w, raw_file());
    struct peer *a, *b;
    const raw_fd *got = lent_pair(w, fds, &a, &b);
    uint64_t before;

    act_pause(b);
    before = test_fill_transport(w, a);
    assert_ok(rondo_transport_send_fd(a->transport, file));
    (void)peer_write(a, before, 1000);
    act_resume(b);
    test_run_until(w, b->bytes == before + 1000);
    assert_int_equal(b->checksum, test_pattern_checksum(before + 1000));
    assert_true(raw_same_file(*got, file));
    end_both(w, a, b);
}

TEST(S16_a_borrowed_socket_drops_what_it_could_not_send)
{
    raw_fd fds[2], file = test_own(w, raw_file());
    struct peer *a, *b;
    size_t before;

    (void)lent_pair(w, fds, &a, &b);
    before = raw_count_descriptors();
    act_pause(b);
    (void)test_fill_transport(w, a);
    assert_ok(rondo_transport_send_fd(a->transport, file));
    (void)peer_write(a, 0, 1000);
    rondo_transport_close_now(a->transport);
    rondo_transport_close_now(b->transport);
    test_run_until(w, a->lost && b->lost);
    assert_int_equal(raw_count_descriptors(), before);
}

TEST(S12_the_peer_of_a_borrowed_socket)
{
    rondo_credentials who = RONDO_CREDENTIALS_INIT;
    raw_fd fds[2];
    struct peer *a, *b;

    (void)lent_pair(w, fds, &a, &b);
    assert_ok(rondo_transport_peer_credentials(a->transport, &who));
    assert_int_equal(who.uid, raw_uid());
    end_both(w, a, b);
}
