/* test_faults_fork.c - what a forked child finds, and what it must not touch. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_file.h"
#include "raw_net.h"

#include <stdatomic.h>

/* No assertions in a child: it answers with the step that went wrong. */
struct family {
    struct world *w;
    rondo_loop *loop;
    raw_fd fds[3][2]; /* the first of each is watched */
    unsigned calls[3], reports, timers, posts, done;
    int error; /* the last report's */
    atomic_bool inside, forking;
    atomic_uint sent;
    rondo_remote *remote;
    struct peer *peer;
    raw_fd file, other;
    uint64_t waiting; /* bytes for `other`, in all */
};

static struct family *family_new(struct world *w)
{
    struct family *f = test_alloc(w, sizeof *f);

    f->w = w;
    f->loop = w->loop;
    f->file = RONDO_NO_FD;
    return f;
}

/* ---- L8: descriptors that the child closes before after_fork ------------ */

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    struct family *f = arg;

    (void)loop;
    f->reports++;
    f->error = what->error;
}

static void on_readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    char byte;

    (void)loop;
    (void)raw_recv(fd, &byte, 1, 0);
    ++*(unsigned *)arg;
}

/* The second one is closed; the others go on. */
static int close_one(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->loop;

    raw_close(f->fds[1][0]);
    if (rondo_loop_after_fork(loop) != 0)
        return 10;
    if (!child_runs_until(loop, &f->timers, 1))
        return 11;
    for (int i = 0; i < 3; i += 2)
        if (!raw_send_all(f->fds[i][1], "x", 1, 1000) ||
            !child_runs_until(loop, &f->calls[i], 1))
            return 12 + i;
    if (f->reports != 1 || f->error != RONDO_EBADF || f->calls[1])
        return 20;
    if (rondo_remove_reader(loop, f->fds[1][0]) != 0)
        return 21;
    return rondo_loop_close(loop) == 0 ? 0 : 22;
}

TEST_LEAVES(L8_a_child_closes_a_watched_descriptor)
{
    struct family *f = family_new(w);

    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, f));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(raw_pair(f->fds[i]), 0);
        assert_ok(
            rondo_add_reader(w->loop, f->fds[i][0], on_readable, &f->calls[i]));
    }
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), count_call, &f->timers));
    test_run_child(w, close_one, f);
    assert_int_equal(f->reports, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rondo_remove_reader(w->loop, f->fds[i][0]), 1);
        raw_close_pair(f->fds[i]);
    }
}

/* A transport whose socket is closed ends with that error. */
static int close_the_transports(void *arg)
{
    struct family *f = arg;

    raw_close(rondo_transport_fd(f->peer->transport));
    if (rondo_loop_after_fork(f->loop) != 0)
        return 10;
    if (!child_runs_until(f->loop, &f->peer->lost, 1))
        return 11;
    if (f->peer->error != RONDO_EBADF)
        return 12;
    return child_runs_until(f->loop, &f->timers, 1) ? 0 : 13;
}

TEST_LEAVES(L8_a_child_closes_the_socket_of_a_transport)
{
    struct family *f = family_new(w);
    raw_fd other;

    f->peer = test_peer(w);
    other = test_raw_peer(w, &recorder, f->peer, 0);
    test_spin(w, 2);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), count_call, &f->timers));
    test_run_child(w, close_the_transports, f);
    assert_int_equal(f->peer->lost, 0);
    raw_close(other);
}

/* ---- L8: another thread is sending -------------------------------------- */

/* As malloc's, but a block that was moved is spoilt, and another thread is slow
 * while it holds what it has moved. */
static void *take(size_t size, void *context)
{
    size_t *block = malloc(sizeof(size_t) + size);

    (void)context;
    if (!block)
        return NULL;
    *block = size;
    return block + 1;
}

static void give(void *p, void *context)
{
    size_t *block = p;

    (void)context;
    if (!p)
        return;
    memset(p, 0xdd, block[-1]);
    free(block - 1);
}

static void *move(void *p, size_t size, void *context)
{
    struct family *f = context;
    void *moved = take(size, context);

    if (!moved)
        return NULL;
    if (p) {
        size_t before = ((size_t *)p)[-1];

        memcpy(moved, p, before < size ? before : size);
        give(p, context);
    }
    if (atomic_load(&f->inside)) {
        /* the loop's thread forks now; it may have to wait for this */
        atomic_store(&f->forking, true);
        raw_sleep_ms(100);
    }
    return moved;
}

enum { POSTS = 65 }; /* one more than the inbox has room for at first */

static void count_post(rondo_loop *loop, void *arg)
{
    (void)loop;
    ((struct family *)arg)->posts++;
}

static void send_posts(void *arg)
{
    struct family *f = arg;

    for (int i = 0; i < POSTS; i++) {
        if (i == POSTS - 1)
            atomic_store(&f->inside, true);
        if (rondo_remote_call(f->remote, count_post, f) == 0)
            atomic_fetch_add(&f->sent, 1);
    }
    atomic_store(&f->inside, false);
}

/* The last post has been sent, or was not yet. */
static int run_posts(void *arg)
{
    struct family *f = arg;

    atomic_store(&f->inside, false);
    if (rondo_loop_after_fork(f->loop) != 0)
        return 10;
    if (!child_runs_until(f->loop, &f->posts, POSTS - 1))
        return 11;
    if (rondo_remote_call(f->remote, count_post, f) != 0)
        return 12;
    return child_runs_until(f->loop, &f->posts, POSTS) ? 0 : 13;
}

TEST(L8_a_fork_while_another_thread_sends)
{
    struct family *f = family_new(w);
    rondo_loop_options o = test_loop_options(w);
    const rondo_allocator allocator = {take, move, give, f};
    struct raw_thread *thread;

    test_skip_if(w, THREAD_SANITIZER, "forks while threads run");
    o.allocator = &allocator;
    assert_ok(rondo_loop_new(&f->loop, &o));
    f->remote = rondo_loop_remote(f->loop);
    thread = raw_thread_start(send_posts, f);
    while (!atomic_load(&f->forking))
        raw_yield();
    test_run_child(w, run_posts, f);
    raw_thread_join(thread);
    assert_int_equal(atomic_load(&f->sent), POSTS);
    assert_true(child_runs_until(f->loop, &f->posts, POSTS));
    rondo_remote_release(f->remote);
    assert_ok(rondo_loop_close(f->loop));
}

/* ---- L8, S15: a file that is being sent --------------------------------- */

enum { FILE_SIZE = 8 << 20 };

static void file_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)result;
    ((struct family *)arg)->done++;
}

static int close_all(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_after_fork(f->loop) != 0)
        return 10;
    if (rondo_loop_close(f->loop) != 0)
        return 11;
    return f->done == 1 ? 0 : 12;
}

static int abort_it(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_after_fork(f->loop) != 0)
        return 10;
    rondo_transport_abort(f->peer->transport);
    return child_runs_until(f->loop, &f->done, 1) ? 0 : 11;
}

static void check_position(struct world *w, int (*child)(void *arg))
{
    struct family *f = family_new(w);
    raw_fd other;

    f->peer = test_peer(w);
    other = test_raw_peer(w, &recorder, f->peer, 4096);
    f->file = raw_file();
    assert_true(raw_file_resize(f->file, FILE_SIZE));
    assert_int_equal(raw_file_position(f->file), 0);
    assert_ok(rondo_transport_sendfile(f->peer->transport, f->file, 0,
                                       FILE_SIZE, file_done, f));
    test_spin(w, 5);
    assert_int_equal(f->done, 0);
    test_run_child(w, child, f);
    assert_int_equal(raw_file_position(f->file), 0);
    assert_int_equal(f->done, 0);
    raw_close(other);
    test_run_until(w, f->done == 1);
    raw_close(f->file);
}

TEST_CASE(L8_a_childs_close_leaves_the_position_of_a_file,
          check_position(w, close_all));

TEST_CASE(L8_a_childs_abort_leaves_the_position_of_a_file,
          check_position(w, abort_it));

/* ---- L8: what waits at the fork ------------------------------------------ */

/* Sends what waits, as a daemon does whose parent has ended, and reads it. */
static int close_and_read(void *arg)
{
    static unsigned char piece[16384];
    struct family *f = arg;
    int64_t end = raw_now_ns() + RONDO_SEC(20) * test_slowness();
    uint64_t got = 0;

    if (rondo_loop_after_fork(f->loop) != 0)
        return 10;
    rondo_transport_close(f->peer->transport);
    while (!f->peer->lost || got < f->waiting) {
        ptrdiff_t n = raw_recv(f->other, piece, sizeof piece, 0);

        if (n > 0 && !test_matches(piece, got, (size_t)n))
            return 11;
        got += n > 0 ? (uint64_t)n : 0;
        if (rondo_loop_run_once(f->loop, n > 0 ? 0 : RONDO_MS(2)) < 0 ||
            raw_now_ns() > end)
            return 12;
    }
    if (f->peer->error != 0 || got != f->waiting)
        return 13;
    return raw_recv(f->other, piece, 1, 0) == RAW_AGAIN ? 0 : 14;
}

TEST_LEAVES(L8_what_waits_is_sent_by_a_child_whose_parent_does_not)
{
    struct family *f = family_new(w);

    f->peer = test_peer(w);
    f->other = test_own(w, test_raw_peer(w, &recorder, f->peer, 4096));
    f->waiting = test_fill_transport(w, f->peer);
    test_run_child(w, close_and_read, f);
    rondo_transport_abort(f->peer->transport);
    test_run_until(w, f->peer->lost);
}

/* A child that aborts sends nothing of it. */
TEST_LEAVES(L8_what_waits_is_not_sent_by_a_child_that_aborts)
{
    struct family *f = family_new(w);

    f->peer = test_peer(w);
    f->done = 1; /* there is no file */
    f->other = test_own(w, test_raw_peer(w, &recorder, f->peer, 4096));
    f->waiting = test_fill_transport(w, f->peer);
    test_run_child(w, abort_it, f);
    rondo_transport_close(f->peer->transport);
    assert_int_equal(test_drain_raw_some(w, f->other, 0, f->waiting),
                     f->waiting);
    test_run_until(w, f->peer->lost);
    assert_int_equal(f->peer->error, 0);
}
