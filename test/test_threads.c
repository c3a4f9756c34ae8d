/* test_threads.c - what other threads send to a loop. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <stdatomic.h>

static void count(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(unsigned *)arg;
}

static void stop_and_count(rondo_loop *loop, void *arg)
{
    rondo_loop_stop(loop);
    count(loop, arg);
}

/* A run that fails, loudly, if what stops it never comes. */
static void too_late(rondo_loop *loop, void *arg)
{
    (void)loop;
    test_fail(arg, "the loop waits for ever");
}

static void run_until_stopped(struct world *w)
{
    int64_t limit = RONDO_MS(TEST_DEADLINE_MS) * 3 * test_slowness();
    rondo_id watchdog = rondo_call_later(w->loop, limit, too_late, w);

    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(rondo_cancel(w->loop, watchdog), 0);
}

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
    run_until_stopped(storm->w);
    for (size_t i = 0; i < STORM_THREADS; i++) {
        struct sender *s = &storm->senders[i];

        raw_thread_join(s->thread);
        assert_int_equal(s->refused, 0);
        assert_int_equal(s->arrived, storm->each);
        assert_int_equal(s->wrong, 0);
    }
}

static void L7_eight_threads_a_million_posts_each(void **state)
{
    struct world *w = *state;
    struct storm *storm = test_alloc(w, sizeof *storm);

    storm->w = w;
    storm->each = 1000000 / (size_t)test_slowness();
    blow(storm);
}

static void L7_eight_threads_through_a_remote(void **state)
{
    struct world *w = *state;
    struct storm *storm = test_alloc(w, sizeof *storm);

    storm->w = w;
    storm->each = 200000 / (size_t)test_slowness();
    storm->remote = rondo_loop_remote(w->loop);
    blow(storm);
    rondo_remote_release(storm->remote);
}

/* ---- L7: waking --------------------------------------------------------- */

struct sleeper {
    struct world *w;
    atomic_bool awake, all_sent;
    unsigned posts, ran;
};

/* Holds the loop inside its first callback until all has been posted. */
static void hold(rondo_loop *loop, void *arg)
{
    struct sleeper *s = arg;

    count(loop, &s->ran);
    atomic_store(&s->awake, true);
    while (!atomic_load(&s->all_sent))
        raw_yield();
}

static void ran(rondo_loop *loop, void *arg)
{
    struct sleeper *s = arg;

    if (++s->ran == s->posts + 1)
        rondo_loop_stop(loop);
}

static void send_while_it_is_awake(void *arg)
{
    struct sleeper *s = arg;

    (void)rondo_call_soon_threadsafe(s->w->loop, hold, s);
    while (!atomic_load(&s->awake))
        raw_yield();
    for (unsigned i = 0; i < s->posts; i++)
        (void)rondo_call_soon_threadsafe(s->w->loop, ran, s);
    atomic_store(&s->all_sent, true);
}

static void L7_one_wake_up_for_many_posts(void **state)
{
    struct world *w = *state;
    struct sleeper *s = test_alloc(w, sizeof *s);
    struct raw_thread *thread;
    uint64_t before;

    s->w = w;
    s->posts = 10000;
    thread = raw_thread_start(send_while_it_is_awake, s);
    before = test_iterations(w);
    run_until_stopped(w);
    raw_thread_join(thread);
    assert_int_equal(s->ran, s->posts + 1);
    assert_in_range(test_iterations(w) - before, 1, 20);
    /* and no wake-up is left over */
    assert_in_range(test_run_for(w, RONDO_MS(20)), 1, 4);
}

struct ping {
    struct world *w;
    atomic_uint asked;
    unsigned rounds, answered;
};

static void answer(rondo_loop *loop, void *arg)
{
    struct ping *p = arg;

    p->answered++;
    if (p->answered == p->rounds)
        rondo_loop_stop(loop);
    atomic_fetch_add(&p->asked, 1);
}

/* Each post is sent after the last one ran, to a loop that goes to sleep
 * meanwhile: a lost wake-up would leave it there. */
static void ask(void *arg)
{
    struct ping *p = arg;

    for (unsigned i = 0; i < p->rounds; i++) {
        while (atomic_load(&p->asked) != i)
            raw_yield();
        (void)rondo_call_soon_threadsafe(p->w->loop, answer, p);
    }
}

static void L7_no_wake_up_is_lost(void **state)
{
    struct world *w = *state;
    struct ping *p = test_alloc(w, sizeof *p);
    struct raw_thread *thread;

    p->w = w;
    p->rounds = 20000 / (unsigned)test_slowness();
    thread = raw_thread_start(ask, p);
    run_until_stopped(w);
    raw_thread_join(thread);
    assert_int_equal(p->answered, p->rounds);
}

static void wake_it(void *arg)
{
    struct sleeper *s = arg;

    while (!atomic_load(&s->all_sent)) {
        rondo_loop_wake(s->w->loop);
        raw_yield();
    }
}

static void L7_wake_ends_a_wait(void **state)
{
    struct world *w = *state;
    struct sleeper *s = test_alloc(w, sizeof *s);
    unsigned *n = test_alloc(w, sizeof *n);
    struct raw_thread *thread;

    s->w = w;
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count, n));
    thread = raw_thread_start(wake_it, s);
    for (int i = 0; i < 1000 / test_slowness(); i++)
        assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    atomic_store(&s->all_sent, true);
    raw_thread_join(thread);
    assert_int_equal(*n, 0);
}

static void L7_wake_before_the_wait_counts(void **state)
{
    struct world *w = *state;
    unsigned *n = test_alloc(w, sizeof *n);

    assert_ok(rondo_call_soon(w->loop, stop_and_count, n));
    rondo_loop_wake(w->loop);
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(*n, 1);
    assert_in_range(test_run_for(w, RONDO_MS(10)), 1, 4);
}

static void stop_it(void *arg)
{
    struct world *w = arg;

    raw_sleep_ms(5); /* so that the loop sleeps, usually */
    rondo_loop_stop(w->loop);
}

static void L7_stop_from_a_thread_wakes(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 20; i++) {
        struct raw_thread *thread = raw_thread_start(stop_it, w);

        run_until_stopped(w);
        raw_thread_join(thread);
    }
}

/* ---- L7: one call, one callback ----------------------------------------- */

static void L7_one_call_one_callback(void **state)
{
    struct world *w = *state;
    unsigned *n = test_alloc(w, sizeof *n);

    for (int i = 0; i < 1000; i++)
        assert_int_equal(rondo_call_soon_threadsafe(w->loop, count, n), 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 1000);
}

/* ---- L7: remotes and closing -------------------------------------------- */

static void L7_a_remote_outlives_its_loop(void **state)
{
    struct world *w = *state;
    rondo_remote *a = rondo_loop_remote(w->loop);
    rondo_remote *b = rondo_loop_remote(w->loop);
    unsigned *n = test_alloc(w, sizeof *n);

    assert_int_equal(rondo_remote_call(a, count, n), 0);
    test_close_loop(w);
    assert_int_equal(*n, 1);
    assert_error(rondo_remote_call(a, count, n), RONDO_ECLOSED);
    rondo_remote_release(a);
    assert_error(rondo_remote_call(b, count, n), RONDO_ECLOSED);
    assert_non_null(strstr(rondo_last_error(), "remote_call"));
    rondo_remote_release(b);
    assert_int_equal(*n, 1);
}

static void release_it(void *arg)
{
    rondo_remote_release(arg);
}

static void L7_a_remote_is_released_on_any_thread(void **state)
{
    struct world *w = *state;
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

    while ((r->last = rondo_remote_call(r->remote, count, r->ran)) == 0)
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

static void L7_posting_races_closing(void **state)
{
    struct world *w = *state;

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

static void L7_two_loops_in_two_threads(void **state)
{
    struct world *w = *state;
    struct relay *r = test_alloc(w, sizeof *r);
    struct raw_thread *thread;

    r->w = w;
    (void)test_other_loop(w);
    r->left = 20000 / (unsigned)test_slowness();
    r->to[0] = rondo_loop_remote(w->loop);
    r->to[1] = rondo_loop_remote(w->other);
    thread = raw_thread_start(run_other, r);
    assert_int_equal(rondo_remote_call(r->to[1], hop_to_0, r), 0);
    run_until_stopped(w);
    rondo_loop_stop(w->other);
    raw_thread_join(thread);
    assert_int_equal(r->left, 0);
    assert_ok(rondo_loop_take(w->other));
    rondo_remote_release(r->to[0]);
    rondo_remote_release(r->to[1]);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(L7_eight_threads_a_million_posts_each),
        TEST(L7_eight_threads_through_a_remote),
        TEST(L7_one_wake_up_for_many_posts),
        TEST(L7_no_wake_up_is_lost),
        TEST(L7_wake_ends_a_wait),
        TEST(L7_wake_before_the_wait_counts),
        TEST(L7_stop_from_a_thread_wakes),
        TEST(L7_one_call_one_callback),
        TEST(L7_a_remote_outlives_its_loop),
        TEST(L7_a_remote_is_released_on_any_thread),
        TEST(L7_posting_races_closing),
        TEST(L7_two_loops_in_two_threads)};

    return test_run("threads", tests, TEST_COUNT(tests));
}
