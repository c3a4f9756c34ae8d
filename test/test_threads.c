/* test_threads.c - what other threads send to a loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* ---- L7: a storm of posts ----------------------------------------------- */

enum { STORM_THREADS = 8 };

struct storm;

struct sender {
    struct storm *storm;
    size_t first; /* of the tokens */
    uint64_t arrived, wrong, refused;
    struct raw_thread *thread;
};

/* A post's argument is the address of a token: which one it is tells who sent
 * it, and as the how many-th. */
struct storm {
    struct world *w;
    rondo_remote *remote; /* NULL: rondo_call_soon_threadsafe */
    size_t each;
    uint64_t total;
    char *tokens;
    struct sender senders[STORM_THREADS];
};

static struct storm *the_storm;

static void arrived(rondo_loop *loop, void *arg)
{
    struct storm *storm = the_storm;
    size_t token = (size_t)((char *)arg - storm->tokens);
    struct sender *s = &storm->senders[token / storm->each];

    s->wrong += token % storm->each != s->arrived++;
    if (++storm->total == storm->each * STORM_THREADS)
        rondo_loop_stop(loop);
}

static void send_all(void *arg)
{
    struct sender *s = arg;
    struct storm *storm = s->storm;

    for (size_t i = 0; i < storm->each; i++) {
        void *token = &storm->tokens[s->first + i];

        if (storm->remote)
            s->refused += rondo_remote_call(storm->remote, arrived, token) != 0;
        else
            s->refused +=
                rondo_call_soon_threadsafe(storm->w->loop, arrived, token) != 0;
    }
}

static void blow(struct storm *storm)
{
    the_storm = storm;
    storm->tokens = test_alloc(storm->w, storm->each * STORM_THREADS);
    for (size_t i = 0; i < STORM_THREADS; i++) {
        storm->senders[i].storm = storm;
        storm->senders[i].first = i * storm->each;
        storm->senders[i].thread =
            raw_thread_start(send_all, &storm->senders[i]);
    }
    test_run_until_stopped(storm->w);
    for (size_t i = 0; i < STORM_THREADS; i++) {
        struct sender *s = &storm->senders[i];

        raw_thread_join(s->thread);
        assert_int_equal(s->refused, 0);
        assert_int_equal(s->arrived, storm->each);
        assert_int_equal(s->wrong, 0);
    }
}

TEST(L7_eight_threads_a_million_posts_each)
{
    struct storm *storm = test_alloc(w, sizeof *storm);

    storm->w = w;
    storm->each = 1000000 / (size_t)test_slowness();
    blow(storm);
}

TEST(L7_eight_threads_through_a_remote)
{
    struct storm *storm = test_alloc(w, sizeof *storm);

    storm->w = w;
    storm->each = 200000 / (size_t)test_slowness();
    storm->remote = rondo_loop_remote(w->loop);
    blow(storm);
    rondo_remote_release(storm->remote);
}

/* ---- L7: one call, one callback ----------------------------------------- */

TEST(L7_one_call_one_callback)
{
    unsigned *n = test_alloc(w, sizeof *n);

    for (int i = 0; i < 1000; i++)
        assert_int_equal(rondo_call_soon_threadsafe(w->loop, count_call, n), 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 1000);
}

/* ---- L7: remotes and closing -------------------------------------------- */

TEST(L7_a_remote_outlives_its_loop)
{
    rondo_remote *a = rondo_loop_remote(w->loop);
    rondo_remote *b = rondo_loop_remote(w->loop);
    unsigned *n = test_alloc(w, sizeof *n);

    assert_int_equal(rondo_remote_call(a, count_call, n), 0);
    test_close_loop(w);
    assert_int_equal(*n, 1);
    assert_error(rondo_remote_call(a, count_call, n), RONDO_ECLOSED);
    rondo_remote_release(a);
    assert_refused(rondo_remote_call(b, count_call, n), RONDO_ECLOSED, NULL);
    rondo_remote_release(b);
    assert_int_equal(*n, 1);
}

static void release_it(void *arg)
{
    rondo_remote_release(arg);
}

TEST(L7_a_remote_is_released_on_any_thread)
{
    rondo_remote *remotes[4];

    for (int i = 0; i < 4; i++)
        remotes[i] = rondo_loop_remote(w->loop);
    raw_thread_join(raw_thread_start(release_it, remotes[0]));
    rondo_remote_release(remotes[1]);
    test_close_loop(w);
    raw_thread_join(raw_thread_start(release_it, remotes[2]));
    rondo_remote_release(remotes[3]);
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

static void race_once(struct world *w)
{
    struct racer *racers = test_alloc(w, 4 * sizeof *racers);
    unsigned *ran_count = test_alloc(w, sizeof *ran_count);
    unsigned accepted = 0;

    (void)test_other_loop(w);
    for (int i = 0; i < 4; i++) {
        racers[i].remote = rondo_loop_remote(w->other);
        racers[i].ran = ran_count;
        racers[i].thread = raw_thread_start(post_until_closed, &racers[i]);
    }
    while (*ran_count < 100)
        assert_ok(rondo_loop_run_once(w->other, RONDO_MS(1)));
    assert_int_equal(rondo_loop_close(w->other), 0);
    w->other = NULL;
    for (int i = 0; i < 4; i++) {
        raw_thread_join(racers[i].thread);
        assert_int_equal(racers[i].last, RONDO_ECLOSED);
        accepted += racers[i].accepted;
    }
    assert_int_equal(*ran_count, accepted);
}

TEST(L7_posting_races_closing)
{
    for (int i = 0; i < 200 / test_slowness(); i++)
        race_once(w);
}

/* ---- L7: loops in threads of their own ---------------------------------- */

struct relay {
    rondo_remote *to[2];
    unsigned left;
    struct world *w;
};

static void hop_to_1(rondo_loop *loop, void *arg);

static void hop_to_0(rondo_loop *loop, void *arg)
{
    struct relay *r = arg;

    (void)loop;
    (void)rondo_remote_call(r->to[0], hop_to_1, r);
}

static void hop_to_1(rondo_loop *loop, void *arg)
{
    struct relay *r = arg;

    if (--r->left == 0)
        rondo_loop_stop(loop);
    else
        (void)rondo_remote_call(r->to[1], hop_to_0, r);
}

static void run_other(void *arg)
{
    struct relay *r = arg;

    (void)rondo_loop_take(r->w->other);
    (void)rondo_loop_run_forever(r->w->other);
}

TEST(L7_two_loops_in_two_threads)
{
    struct relay *r = test_alloc(w, sizeof *r);
    struct raw_thread *thread;

    r->w = w;
    (void)test_other_loop(w);
    r->left = 20000 / (unsigned)test_slowness();
    r->to[0] = rondo_loop_remote(w->loop);
    r->to[1] = rondo_loop_remote(w->other);
    thread = raw_thread_start(run_other, r);
    assert_int_equal(rondo_remote_call(r->to[1], hop_to_0, r), 0);
    test_run_until_stopped(w);
    rondo_loop_stop(w->other);
    raw_thread_join(thread);
    assert_int_equal(r->left, 0);
    assert_ok(rondo_loop_take(w->other));
    rondo_remote_release(r->to[0]);
    rondo_remote_release(r->to[1]);
}
