/* test_threads.c - what other threads send to a loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

#include <stdatomic.h>

/* ---- L7: a storm of posts ----------------------------------------------- */

enum { STORM_THREADS = 8 };

/* A post's argument is the address of a token: which one it is tells who sent
 * it, and as the how many-th. */
static struct storm {
    rondo_loop *loop;
    rondo_remote *remote; /* NULL: rondo_call_soon_threadsafe */
    size_t each;
    uint64_t total;
    char *tokens;
    struct sender {
        char *first; /* of its tokens */
        uint64_t arrived, wrong, refused;
        struct raw_thread *thread;
    } senders[STORM_THREADS];
} storm;

static void arrived(rondo_loop *loop, void *arg)
{
    size_t token = (size_t)((char *)arg - storm.tokens);
    struct sender *s = &storm.senders[token / storm.each];

    s->wrong += token % storm.each != s->arrived++;
    if (++storm.total == storm.each * STORM_THREADS)
        rondo_loop_stop(loop);
}

static void send_all(void *arg)
{
    struct sender *s = arg;

    for (char *token = s->first; token < s->first + storm.each; token++)
        s->refused +=
            0 != (storm.remote
                      ? rondo_remote_call(storm.remote, arrived, token)
                      : rondo_call_soon_threadsafe(storm.loop, arrived, token));
}

static void blow(struct world *w, size_t each, rondo_remote *remote)
{
    storm = (struct storm){.loop = w->loop, .remote = remote, .each = each};
    storm.tokens = test_alloc(w, each * STORM_THREADS);
    for (size_t i = 0; i < STORM_THREADS; i++) {
        storm.senders[i].first = storm.tokens + i * each;
        storm.senders[i].thread = raw_thread_start(send_all, &storm.senders[i]);
    }
    test_run_until_stopped(w);
    for (size_t i = 0; i < STORM_THREADS; i++) {
        const struct sender *s = &storm.senders[i];

        raw_thread_join(s->thread);
        assert_int_equal(s->refused, 0);
        assert_int_equal(s->arrived, each);
        assert_int_equal(s->wrong, 0);
    }
    if (remote)
        rondo_remote_release(remote);
}

TEST_CASE(L7_eight_threads_a_million_posts_each,
          blow(w, 1000000 / (size_t)test_slowness(), NULL));
TEST_CASE(L7_eight_threads_through_a_remote,
          blow(w, 200000 / (size_t)test_slowness(),
               rondo_loop_remote(w->loop)));

/* ---- L7: threads that wake the loop at the same moment ------------------- */

enum { WAKERS = 3 };

static struct wakers {
    rondo_loop *loop;
    int rounds;
    atomic_int heard; /* how many posts have run */
} wakers;

static void heard_one(rondo_loop *loop, void *arg)
{
    (void)arg;
    if (atomic_fetch_add(&wakers.heard, 1) + 1 == wakers.rounds * WAKERS)
        rondo_loop_stop(loop);
}

/* All post once, then all wait until each post has run: so none of them makes
 * up for a wake-up of another one that is lost. */
static void wake_in_rounds(void *arg)
{
    (void)arg;
    for (int i = 1; i <= wakers.rounds; i++) {
        (void)rondo_call_soon_threadsafe(wakers.loop, heard_one, NULL);
        while (atomic_load(&wakers.heard) < i * WAKERS)
            raw_yield();
    }
}

TEST(L7_no_wake_up_is_lost_among_threads)
{
    struct raw_thread *threads[WAKERS];

    wakers.loop = w->loop;
    wakers.rounds = 1000;
    atomic_store(&wakers.heard, 0);
    for (int i = 0; i < WAKERS; i++)
        threads[i] = raw_thread_start(wake_in_rounds, NULL);
    test_run_until_stopped(w);
    for (int i = 0; i < WAKERS; i++)
        raw_thread_join(threads[i]);
}

/* ---- L7: one call, one callback ----------------------------------------- */

TEST(L7_one_call_one_callback)
{
    unsigned *n = test_counter(w);

    for (int i = 0; i < 1000; i++)
        assert_int_equal(rondo_call_soon_threadsafe(w->loop, count_call, n), 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 1000);
}

/* ---- L7: remotes and closing -------------------------------------------- */

static void release_it(void *remote)
{
    rondo_remote_release(remote);
}

TEST(L7_a_remote_outlives_its_loop)
{
    rondo_remote *a = rondo_loop_remote(w->loop);
    rondo_remote *b = rondo_loop_remote(w->loop);
    unsigned *n = test_counter(w);

    assert_int_equal(rondo_remote_call(a, count_call, n), 0);
    test_close_loop(w);
    assert_int_equal(*n, 1);
    assert_error(rondo_remote_call(a, count_call, n), RONDO_ECLOSED);
    rondo_remote_release(a);
    assert_refused(rondo_remote_call(b, count_call, n), RONDO_ECLOSED, NULL);
    rondo_remote_release(b);
    assert_int_equal(*n, 1);
}

TEST(L7_a_remote_is_released_on_any_thread)
{
    rondo_remote *remotes[4];

    for (int i = 0; i < 4; i++)
        remotes[i] = rondo_loop_remote(w->loop);
    for (int i = 0; i < 4; i += 2) { /* before and after its loop's end */
        raw_thread_join(raw_thread_start(release_it, remotes[i]));
        rondo_remote_release(remotes[i + 1]);
        if (w->loop)
            test_close_loop(w);
    }
}

struct racer {
    rondo_remote *remote;
    unsigned *ran;
    unsigned accepted;
    int last;
    struct raw_thread *thread;
};

/* The loop's thread alone counts; each post counts one. */
static void post_until_closed(void *arg)
{
    struct racer *r = arg;

    while ((r->last = rondo_remote_call(r->remote, count_call, r->ran)) == 0)
        r->accepted++;
    rondo_remote_release(r->remote);
}

TEST(L7_posting_races_closing)
{
    /* on each backend; random programs of the simulation do it, too */
    for (int round = 0; round < 40 / test_slowness(); round++) {
        struct racer *racers = test_alloc(w, 4 * sizeof *racers);
        unsigned *ran = test_counter(w);
        unsigned accepted = 0;

        (void)test_other_loop(w);
        for (int i = 0; i < 4; i++) {
            racers[i].remote = rondo_loop_remote(w->other);
            racers[i].ran = ran;
            racers[i].thread = raw_thread_start(post_until_closed, &racers[i]);
        }
        while (*ran < 100)
            assert_ok(rondo_loop_run_once(w->other, RONDO_MS(1)));
        test_close_other(w);
        for (int i = 0; i < 4; i++) {
            raw_thread_join(racers[i].thread);
            assert_int_equal(racers[i].last, RONDO_ECLOSED);
            accepted += racers[i].accepted;
        }
        assert_int_equal(*ran, accepted);
    }
}

/* ---- L7: loops in threads of their own ---------------------------------- */

struct relay {
    struct world *w;
    rondo_remote *to[2];
    unsigned left;
};

/* From the one loop to the other, and back. */
static void hop(rondo_loop *loop, void *arg)
{
    struct relay *r = arg;
    bool at_home = loop == r->w->loop;

    if (at_home && --r->left == 0)
        rondo_loop_stop(loop);
    else
        (void)rondo_remote_call(r->to[at_home], hop, r);
}

static void run_other(void *arg)
{
    struct world *w = arg;

    (void)rondo_loop_take(w->other);
    (void)rondo_loop_run_forever(w->other);
}

TEST(L7_two_loops_in_two_threads)
{
    struct relay *r = test_alloc(w, sizeof *r);
    struct raw_thread *thread;

    r->w = w;
    r->left = 20000 / (unsigned)test_slowness();
    r->to[0] = rondo_loop_remote(w->loop);
    r->to[1] = rondo_loop_remote(test_other_loop(w));
    thread = raw_thread_start(run_other, w);
    assert_int_equal(rondo_remote_call(r->to[1], hop, r), 0);
    test_run_until_stopped(w);
    rondo_loop_stop(w->other);
    raw_thread_join(thread);
    assert_int_equal(r->left, 0);
    assert_ok(rondo_loop_take(w->other));
    rondo_remote_release(r->to[0]);
    rondo_remote_release(r->to[1]);
}
