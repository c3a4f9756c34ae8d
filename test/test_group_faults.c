/* test_group_faults.c - groups without memory, threads, or a wait that works. */
/* SPDX-License-Identifier: MIT */
#include "harness_group.h"

#include "harness_act.h"
#include "raw_refuse.h"
#include "raw_wait.h"

/* ---- M1: all or none ---------------------------------------------------- */

TEST(M1_a_thread_that_cannot_be_started)
{
    int threads = raw_count_threads();
    struct crew *c = test_alloc(w, sizeof *c);
    rondo_loop_options loop;
    rondo_group_options o = crew_options(w, c, &loop);

    c->w = w;
    o.loops = 4;
    for (unsigned good = 0; good < 4; good++) {
        test_skip_if(w, !raw_threads_fail(good),
                     "no thread can be refused on this system");
        assert_refused(rondo_create_group(w->loop, &o, &c->group), RONDO_EAGAIN,
                       "thread");
        raw_threads_start();
        assert_null(c->group);
    }
    while (threads > 0 && raw_count_threads() > threads)
        raw_yield();
    assert_ok(rondo_create_group(w->loop, &o, &c->group));
    crew_close(c);
}

static void without_descriptors(struct world *w, size_t left)
{
    struct crew *c = test_alloc(w, sizeof *c);
    rondo_loop_options loop;
    rondo_group_options o = crew_options(w, c, &loop);
    int error;

    c->w = w;
    o.loops = 3;
    test_exhaust_descriptors(w, left);
    error = rondo_create_group(w->loop, &o, &c->group);
    test_free_descriptors(w);
    assert_int_equal(error, RONDO_EMFILE);
    assert_null(c->group);
}

TEST_CASE(M1_no_descriptors, without_descriptors(w, 0));
TEST_CASE(M1_few_descriptors, without_descriptors(w, 1));

/* ---- memory ------------------------------------------------------------- */

/* Everything that a group does. The threads allocate, too, in whatever order:
 * what fails is told, and nothing is lost. */
static void live_once(struct world *w)
{
    struct crew *c = test_alloc(w, sizeof *c);
    rondo_loop_options loop;
    rondo_group_options o = crew_options(w, c, &loop);
    rondo_group_server *server = NULL;
    struct told metrics = {0}, site = {0};
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    int error;

    c->w = w;
    o.loops = 2;
    error = rondo_create_group(w->loop, &o, &c->group);
    if (error) {
        assert_int_equal(error, RONDO_ENOMEM);
        return;
    }
    if (rondo_group_get_metrics(c->group, &m, told_done, &metrics) == 0)
        test_run_until(w, metrics.count);
    error = rondo_group_serve(c->group, RONDO_SERVE(.host = "127.0.0.1"),
                              RONDO_SPREAD_DEFAULT, &recorder, NULL, &server);
    if (!error &&
        rondo_group_server_close(server, RONDO_SEC(100), told_done, &site) == 0)
        test_run_until(w, site.count);
    if (rondo_group_close(c->group, RONDO_SEC(100), told_done, &c->closed))
        assert_ok(
            rondo_group_close(c->group, RONDO_NEVER, told_done, &c->closed));
    told_is(w, &c->closed, 0);
}

TEST(M8_memory_ends_anywhere)
{
    (void)test_trouble(w);
    for (uint64_t n = 1; test_nth_fails(w, n); n++)
        live_once(w);
}

/* Clients, and moves between loops, of which each may lack memory: a client
 * that is lost is told, and all others go on. */
static void has_moved(rondo_loop *loop, void *arg, int64_t result)
{
    (void)result;
    guest_arrives(arg, loop);
}

static void move_on(struct guest *g)
{
    rondo_group *group = g->site->crew->group;
    rondo_loop *loop = g->loop;
    size_t to = rondo_group_index(group, loop) == 0;

    guest_moves(g);
    if (rondo_group_move(group, g->transport, to, has_moved, g) != 0)
        guest_arrives(g, loop);
}

static void ignore_exceptions(rondo_loop *loop, void *arg,
                              const rondo_exception *what)
{
    (void)loop;
    (void)arg;
    (void)what;
}

static int64_t be_quiet(rondo_loop *loop, size_t index, void *arg)
{
    (void)index;
    return rondo_loop_set_exception_handler(loop, ignore_exceptions, arg);
}

TEST(M8_clients_without_memory)
{
    struct crew *c = crew_new(w, 2);
    struct site *s = site_new(c, RONDO_SPREAD_IN_TURN);
    struct told quiet = {0};

    (void)test_trouble(w);
    assert_ok(rondo_group_each(c->group, be_quiet, NULL, told_done, &quiet));
    told_is(w, &quiet, 0);
    site_on_call(move_on);
    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        raw_fd fd = raw_connect(s->port);

        if (fd == RONDO_NO_FD)
            continue;
        (void)raw_send(fd, "!", 1);
        test_spin(w, 5);
        raw_close(fd);
        test_spin(w, 5);
    }
    test_run_until(w, atomic_load(&s->made) == atomic_load(&s->lost));
    site_on_call(NULL);
    site_echoes(s, site_connect(s), 100);
    assert_int_equal(atomic_load(&s->wrong), 0);
    site_close(s);
    crew_close(c);
}

/* ---- M5: a run that fails ----------------------------------------------- */

static void fail_next_wait(rondo_loop *loop, void *arg)
{
    atomic_bool *now = arg;

    (void)loop;
    (void)raw_wait_fails(1, RAW_NO_MEMORY);
    atomic_store(now, true);
}

static void note_later(rondo_loop *loop, void *arg)
{
    (void)loop;
    atomic_store((atomic_bool *)arg, true);
}

TEST(M5_a_loop_whose_wait_fails)
{
    struct crew *c;
    struct site *s;
    atomic_bool *now = test_alloc(w, sizeof *now);
    atomic_bool *later = test_alloc(w, sizeof *later);

    test_skip_if(w, !raw_wait_fails(0, RAW_NO_MEMORY),
                 "no wait can be made to fail on this system");
    c = crew_new(w, 2);
    s = site_new(c, RONDO_SPREAD_TO_FEWEST);
    for (int i = 0; i < 4; i++)
        site_echoes(s, site_connect(s), 10);
    assert_ok(rondo_group_post(c->group, 1, fail_next_wait, now));
    while (!atomic_load(now))
        raw_yield(); /* no other loop waits anew */
    /* The first may run in the iteration whose wait has failed, the second in
     * the close: after it nothing is taken. */
    for (int i = 0; i < 2; i++) {
        atomic_store(later, false);
        if (rondo_group_post(c->group, 1, note_later, later) < 0)
            break;
        while (!atomic_load(later))
            raw_yield();
    }
    test_skip_if(w, rondo_group_post(c->group, 1, ignore_call, NULL) == 0,
                 "this backend waits otherwise");
    test_run_until(w, c->ended);
    assert_int_equal(c->ended_index, 1);
    assert_true(c->ended_error < 0);
    assert_non_null(strstr(c->ended_why, "group: loop 1 has ended: "));
    assert_int_equal(atomic_load(&s->lost), 2);
    site_echoes(s, site_connect(s), 10);
    site_close(s);
    crew_close(c);
}

/* ---- M8: forks ---------------------------------------------------------- */

struct forked {
    struct crew *crew;
    struct site *site;
    struct told each, closed, served;
};

static int64_t one(rondo_loop *loop, size_t index, void *arg)
{
    (void)loop;
    (void)index;
    (void)arg;
    return 1;
}

static bool all_forked(const struct forked *f)
{
    rondo_group *g = f->crew->group;

    return rondo_group_post(g, 0, ignore_call, NULL) == RONDO_EFORKED &&
           strstr(rondo_last_error(), "parent") &&
           rondo_group_each(g, one, NULL, NULL, NULL) == RONDO_EFORKED &&
           rondo_group_index(g, NULL) == RONDO_EFORKED &&
           rondo_group_close(g, 0, NULL, NULL) == RONDO_EFORKED &&
           rondo_group_size(g) == 2;
}

static int use_forked(void *arg)
{
    struct forked *f = arg;
    rondo_loop *home = f->crew->w->loop;

    if (!all_forked(f))
        return 1;
    if (rondo_loop_after_fork(home) != 0)
        return 2;
    if (rondo_loop_run(home) != 0) /* nothing is left */
        return 3;
    if (f->each.count != 1 || f->each.result != RONDO_EFORKED)
        return 4;
    if (f->closed.count != 1 || f->closed.result != RONDO_EFORKED)
        return 5;
    if (!all_forked(f))
        return 6;
    return rondo_loop_close(home) == 0 ? 0 : 7;
}

static void let_it_go(rondo_loop *loop, void *arg)
{
    (void)loop;
    while (!atomic_load((atomic_bool *)arg))
        raw_yield();
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

TEST(M8_the_child_of_a_fork_has_no_threads)
{
    struct forked *f = test_alloc(w, sizeof *f);
    atomic_bool *go_on = test_alloc(w, sizeof *go_on);

    test_run_child(w, do_nothing, NULL); /* skips it where there is no fork */
    f->crew = crew_new(w, 2);
    f->site = site_new(f->crew, RONDO_SPREAD_IN_TURN);
    /* so that the call is under way in the child for certain */
    assert_ok(rondo_group_post(f->crew->group, 1, let_it_go, go_on));
    assert_ok(rondo_group_each(f->crew->group, one, NULL, told_done, &f->each));
    assert_ok(
        rondo_group_close(f->crew->group, RONDO_NEVER, told_done, &f->closed));
    test_run_child(w, use_forked, f);
    atomic_store(go_on, true);
    told_is(w, &f->closed, 0);
    assert_int_equal(f->each.result, 2);
}
