/* test_interfaces.c - network interfaces that change. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_machine.h"

#include <string.h>

/* What a watch has told. */
struct links {
    struct world *w;
    rondo_loop *loop;
    rondo_id id;
    unsigned calls, ended;
    unsigned addresses; /* of IPv4, now */
    bool up;
    int error;
    char sentence[256];
    void (*act)(struct links *l);
};

static void take(struct links *l, const rondo_interface *first)
{
    l->addresses = 0;
    l->up = false;
    for (; first; first = first->next) {
        l->up = l->up || first->flags & RONDO_INTERFACE_UP;
        l->addresses +=
            rondo_address_family(&first->address) == RONDO_FAMILY_INET;
    }
}

static void links_told(rondo_loop *loop, void *arg,
                       const rondo_interface *first, int error)
{
    struct links *l = arg;

    assert_ptr_equal(loop, l->loop);
    assert_false(l->ended);
    l->calls++;
    l->error = error;
    if (error) {
        assert_null(first);
        l->ended++;
        (void)snprintf(l->sentence, sizeof l->sentence, "%s",
                       rondo_last_error());
    } else {
        take(l, first);
    }
    if (l->act)
        l->act(l);
}

static struct links *links_new(struct world *w)
{
    struct links *l = test_alloc(w, sizeof *l);

    l->w = w;
    l->loop = w->loop;
    return l;
}

static struct links *links_begin(struct world *w)
{
    struct links *l = links_new(w);

    l->id = rondo_watch_interfaces(w->loop, links_told, l);
    assert_ok(l->id);
    assert_int_equal(l->calls, 0);
    test_run_until(w, l->calls);
    assert_false(l->ended);
    return l;
}

static void links_end(struct links *l)
{
    assert_ok(rondo_cancel(l->loop, l->id));
}

static void end_network(void *arg)
{
    (void)arg;
    (void)raw_network_fails(false);
    raw_network_end();
}

static void own_network(struct world *w)
{
    test_skip_if(w, !raw_network_begin(), "no network namespace may be made");
    test_at_end(w, end_network, NULL);
}

/* ---- N5: what is told --------------------------------------------------- */

TEST(N5_refused)
{
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_NETWORK),
                 "no watch of interfaces");
    assert_einval(rondo_watch_interfaces(NULL, links_told, NULL));
    assert_einval(rondo_watch_interfaces(w->loop, NULL, NULL));
}

TEST(N5_where_nothing_is_told)
{
    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_NETWORK))
        links_end(links_begin(w));
    else
        assert_refused(rondo_watch_interfaces(w->loop, links_told, NULL),
                       RONDO_ENOTSUP, NULL);
}

TEST(N5_each_change_is_told)
{
    struct links *l;

    own_network(w);
    l = links_begin(w);
    assert_false(l->up);
    raw_network_up(true);
    test_run_until(w, l->up);
    raw_network_address(2, true);
    test_run_until(w, l->addresses >= 1 && l->up);
    raw_network_address(3, true);
    test_run_until(w, l->addresses >= 2);
    raw_network_address(2, false);
    raw_network_address(3, false);
    test_run_until(w, l->addresses <= 1);
    raw_network_up(false);
    test_run_until(w, !l->up);
    links_end(l);
}

TEST(N5_what_changes_nothing_is_not_told)
{
    struct links *l;
    unsigned calls;

    own_network(w);
    raw_network_up(true);
    l = links_begin(w);
    calls = l->calls;
    raw_network_up(true);
    (void)test_run_for(w, RONDO_MS(50));
    assert_int_equal(l->calls, calls);
    raw_network_address(2, true);
    raw_network_address(2, false);
    (void)test_run_for(w, RONDO_MS(50)); /* it is as before */
    assert_int_equal(l->calls, calls);
    links_end(l);
}

/* Far more than the kernel keeps for one reader: what is lost is made good. */
TEST(N5_a_flood_ends_with_the_last_state)
{
    struct links *l;
    unsigned calls;

    own_network(w);
    raw_network_up(true);
    l = links_begin(w);
    calls = l->calls;
    raw_network_threads(3);
    for (int i = 0; i < 400; i++) {
        raw_network_address(100, true);
        raw_network_address(100, false);
    }
    raw_network_address(7, true);
    raw_network_address(8, true);
    raw_network_address(9, true);
    test_run_until(w, l->addresses >= 3);
    assert_true(l->calls - calls < 100);
    links_end(l);
}

TEST(N5_many_watches_are_told)
{
    struct links *all[20];

    own_network(w);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        all[i] = links_begin(w);
    links_end(all[3]);
    raw_network_up(true);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (i != 3)
            test_run_until(w, all[i]->up);
    assert_false(all[3]->up);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (i != 3)
            links_end(all[i]);
}

/* ---- N6: its life ------------------------------------------------------- */

static void act_end(struct links *l)
{
    links_end(l);
    l->ended = 1;
}

TEST(N6_cancelled_in_its_callback)
{
    struct links *l = links_new(w);

    own_network(w);
    l->act = act_end;
    l->id = rondo_watch_interfaces(w->loop, links_told, l);
    assert_ok(l->id);
    test_run_loop(w);
    raw_network_up(true);
    test_spin(w, 3);
    assert_int_equal(l->calls, 1);
    assert_error(rondo_cancel(w->loop, l->id), RONDO_ENOENT);
}

TEST(N6_cancelled_before_it_has_begun)
{
    struct links *l = links_new(w);

    own_network(w);
    l->id = rondo_watch_interfaces(w->loop, links_told, l);
    assert_ok(l->id);
    links_end(l);
    test_run_loop(w);
    assert_int_equal(l->calls, 0);
}

TEST(N6_cancelled_with_a_change_on_its_way)
{
    struct links *l;

    own_network(w);
    l = links_begin(w);
    raw_network_up(true);
    links_end(l);
    test_run_loop(w);
    assert_int_equal(l->calls, 1);
}

TEST(N6_its_arg_is_released)
{
    unsigned *released = test_counter(w);
    rondo_id id;

    own_network(w);
    id = rondo_watch_interfaces(w->loop, links_told, released);
    assert_ok(rondo_set_release(w->loop, id, count_call));
    assert_ok(rondo_cancel(w->loop, id));
    test_run_loop(w);
    assert_int_equal(*released, 1);
}

TEST_LEAVES(N6_a_loop_that_closes_ends_it)
{
    struct links *l;

    own_network(w);
    l = links_begin(w);
    (void)links_begin(w);
    (void)rondo_watch_interfaces(w->loop, links_told, links_new(w));
    raw_network_up(true);
    test_close_loop(w);
    assert_in_range(l->calls, 1, 2); /* what came before the close is told */
}

TEST(N6_it_keeps_the_run_running_unless_in_the_background)
{
    struct links *l;

    own_network(w);
    l = links_begin(w);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_set_background(w->loop, l->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    links_end(l);
}

TEST(N6_a_list_that_fails_ends_it)
{
    struct links *l;

    own_network(w);
    l = links_begin(w);
    test_skip_if(w, !raw_network_fails(true),
                 "the list cannot be made to fail");
    raw_network_up(true);
    test_run_until(w, l->ended);
    (void)raw_network_fails(false);
    assert_int_equal(l->error, RONDO_EMFILE);
    assert_non_null(strstr(l->sentence, "watch_interfaces: "));
    assert_error(rondo_cancel(w->loop, l->id), RONDO_ENOENT);
    test_run_loop(w);
}

static void play(struct world *w)
{
    struct links *l = links_new(w);

    l->id = rondo_watch_interfaces(w->loop, links_told, l);
    if (l->id < 0) {
        assert_error(l->id, RONDO_ENOMEM);
        return;
    }
    test_run_until(w, l->calls);
    links_end(l);
    test_run_loop(w);
}

TEST(N6_without_memory_there_is_no_watch)
{
    own_network(w);
    for (uint64_t n = 1; test_nth_fails(w, n); n++)
        play(w);
}

TEST(N6_without_descriptors_there_is_no_watch)
{
    int64_t id;

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_NETWORK),
                 "no watch of interfaces");
    test_exhaust_descriptors(w, 0);
    id = rondo_watch_interfaces(w->loop, links_told, NULL);
    test_free_descriptors(w);
    assert_refused(id, RONDO_EMFILE, NULL);
}

TEST(N6_a_dump_lists_it)
{
    struct links *l;
    char line[256] = "";

    own_network(w);
    l = links_begin(w);
    rondo_loop_dump(w->loop, copy_line, line);
    assert_non_null(strstr(line, "interfaces"));
    links_end(l);
}

/* The parent's watch goes on: no message of its is taken. */
static int in_child(void *arg)
{
    struct links *l = arg;
    unsigned calls = l->calls;

    if (rondo_loop_after_fork(l->loop) < 0)
        return 1;
    raw_network_address(50, true);
    if (!child_runs_until(l->loop, &l->calls, calls + 1))
        return 2;
    return rondo_loop_close(l->loop) < 0 ? 3 : 0;
}

TEST(N6_a_forked_child_has_a_watch_of_its_own)
{
    struct links *l;

    own_network(w);
    raw_network_up(true);
    l = links_begin(w);
    test_run_child(w, in_child, l);
    test_run_until(w, l->calls > 1);
    raw_network_address(51, true);
    test_run_until(w, l->addresses >= 2);
    links_end(l);
}
