/* test_signals_system.c - what the system is asked to do with signals. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dump.h"
#include "harness_report.h"
#include "signal_told.h"

TEST(K2_the_last_removed_restores_what_was_found)
{
    struct told *t = told_new(w, 1);
    int signum = t->numbers[0];

    for (int i = RAW_DEFAULT; i <= RAW_INFO; i++) {
        told_dispose(w, signum, (enum raw_disposition)i);
        told_add(t, signum);
        assert_int_equal(raw_signal_disposition(signum), RAW_OTHER);
        told_add(t, signum);
        told_remove(t, signum, (enum raw_disposition)i);
    }
    told_dispose(w, signum, RAW_DEFAULT);
}

/* ---- K2: what was found is restored ------------------------------------- */

TEST(K2_another_loop_still_handles_it)
{
    struct told *t = told_new(w, 1);
    struct told *other = told_more(t, test_other_loop(w));
    int signum = t->numbers[0];

    told_dispose(w, signum, RAW_IGNORED);
    told_add(t, signum);
    told_add(other, signum);
    told_remove(t, signum, RAW_OTHER);
    told_send(other, signum);
    test_run_until(w, other->calls);
    told_remove(other, signum, RAW_IGNORED);
    assert_int_equal(t->calls, 0);
    told_dispose(w, signum, RAW_DEFAULT);
}

TEST(L5_closing_the_loop_restores_what_was_found)
{
    struct told *t = told_new(w, 1);

    told_dispose(w, t->numbers[0], RAW_PLAIN);
    told_add_all(t);
    test_close_loop(w);
    assert_int_equal(raw_signal_disposition(t->numbers[0]), RAW_PLAIN);
    for (int i = 1; i < t->kinds; i++)
        assert_int_equal(raw_signal_disposition(t->numbers[i]), RAW_DEFAULT);
    told_dispose(w, t->numbers[0], RAW_DEFAULT);
}

static void send_while_closing(struct peer *p)
{
    told_send_all(p->user);
}

/* It would end the process, and with it the closing. */
TEST(L5_what_arrives_while_it_closes_is_nobodys)
{
    struct told *t = told_of(w, 1);
    struct peer *p = test_peer(w);

    (void)test_own(w, test_raw_peer(w, &recorder, p, 0));
    p->user = t;
    p->on_lost = send_while_closing;
    test_close_loop(w);
    assert_int_equal(p->lost, 1);
    assert_int_equal(t->calls, 0);
}

/* ... unless it adds again: whoever adds wants to be told. */
TEST(K2_a_handler_of_the_programs_own_is_left_alone)
{
    struct told *t = told_new(w, 1);
    struct told *other = told_more(t, test_other_loop(w));
    int signum = t->numbers[0];

    told_add(t, signum);
    told_dispose(w, signum, RAW_INFO);
    told_remove(t, signum, RAW_INFO);
    told_add(t, signum);
    told_dispose(w, signum, RAW_PLAIN);
    told_add(t, signum);
    told_send(t, signum);
    test_run_until(w, t->calls == 1);
    told_dispose(w, signum, RAW_INFO);
    told_add(other, signum);
    told_send(t, signum);
    test_run_until(w, t->calls == 2 && other->calls == 1);
    assert_int_equal(rondo_remove_signal_handler(w->loop, signum), 1);
    told_remove(other, signum, RAW_INFO);
    told_dispose(w, signum, RAW_DEFAULT);
}

/* ---- K2: what is refused ------------------------------------------------ */

static void refuse(struct told *t, int signum, int error)
{
    assert_refused(rondo_add_signal_handler(t->loop, signum, told_fn, t), error,
                   test_format(t->w, "%d", signum));
}

TEST(K2_bad_numbers)
{
    static const int bad[] = {0, -1, -15, 128, 1000, INT32_MAX, INT32_MIN};
    struct told t = {.w = w, .loop = w->loop};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        refuse(&t, bad[i], RONDO_EINVAL);
        assert_einval(rondo_remove_signal_handler(w->loop, bad[i]));
    }
    assert_einval(rondo_add_signal_handler(w->loop, 2, NULL, NULL));
}

TEST(K2_what_cannot_be_caught)
{
    struct told *t = told_new(w, 1);
    int numbers[MOST_SIGNALS];
    int count = raw_signals_uncatchable(numbers, MOST_SIGNALS);

    test_skip_if(w, count == 0, "no such signals on this system");
    for (int i = 0; i < count; i++) {
        refuse(t, numbers[i], RONDO_EINVAL);
        assert_true(rondo_last_os_error() != 0);
        assert_int_equal(rondo_remove_signal_handler(w->loop, numbers[i]), 0);
    }
    count = raw_signals_of_faults(numbers, MOST_SIGNALS);
    for (int i = 0; i < count; i++) {
        enum raw_disposition before = raw_signal_disposition(numbers[i]);

        refuse(t, numbers[i], RONDO_EINVAL);
        assert_int_equal(raw_signal_disposition(numbers[i]), before);
    }
}

/* Every number is taken or refused, in the way that supports says. */
TEST(G2_every_number)
{
    struct told *t = told_new(w, 0);
    int taken = 0;

    for (int signum = 1; signum < 128; signum++) {
        int result = rondo_add_signal_handler(w->loop, signum, told_fn, t);

        if (result == 0) {
            taken++;
            assert_int_equal(rondo_remove_signal_handler(w->loop, signum), 1);
        } else {
            assert_true(result == RONDO_EINVAL || result == RONDO_ENOTSUP);
            assert_true(strlen(rondo_last_error()) > 20);
        }
    }
    assert_int_equal(taken > 0,
                     rondo_loop_supports(w->loop, RONDO_CAN_SIGNALS));
    assert_true(taken >= t->kinds);
}

TEST(K3_only_the_console_s)
{
    struct told *t = told_new(w, 0);

    if (raw_signal_disposition(2) != RAW_OTHER)
        test_skip(w, "this system has more than a console's signals");
    told_add(t, 2);  /* Ctrl-C */
    told_add(t, 21); /* Ctrl-Break */
    told_add(t, RONDO_SIGHUP);
    for (int signum = 3; signum < 128; signum++)
        if (signum != 21)
            refuse(t, signum, RONDO_ENOTSUP);
    assert_non_null(strstr(rondo_last_error(), "Ctrl-Break"));
}

/* ---- what is interrupted ------------------------------------------------ */

TEST(K1_the_interrupted_notice_nothing)
{
    struct told *t = told_of(w, 1);

    for (int i = 0; i < t->kinds; i++) {
        assert_true(raw_signal_is_considerate(t->numbers[i]));
        assert_true(raw_signal_keeps_errno(t->numbers[i]));
    }
}

/* ---- debug mode, the dump, memory --------------------------------------- */

static void take_long(struct told *t, int signum)
{
    (void)signum;
    test_busy(t->loop, RONDO_MS(3));
}

TEST(L12_slow_handlers_are_reported)
{
    struct told *t = told_of(w, 1);
    struct report *r = report_new(w);

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_MS(2)));
    t->act = take_long;
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls);
    assert_true(report_has(r, " took "));
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
}

TEST(L13_a_handler_is_a_line)
{
    struct told *t = told_new(w, 1);
    const struct dump *d;

    told_add(t, t->numbers[0]);
    d = dump_of(w, w->loop);
    assert_int_equal(d->count, 1);
    assert_int_equal(
        dump_has(d, test_format(w, "signal %d", t->numbers[0]), ""), 1);
    assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]), 1);
    assert_int_equal(dump_of(w, w->loop)->count, 0);
}

TEST(G8_out_of_memory)
{
    struct told *t = told_new(w, 1);
    int failed = 0;

    for (uint64_t n = 1;; n++) {
        int result;

        test_fail_allocation(w, n);
        result = rondo_add_signal_handler(w->loop, t->numbers[0], told_fn, t);
        if (result == 0)
            break;
        assert_error(result, RONDO_ENOMEM);
        assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]),
                         0);
        failed++;
    }
    test_fail_allocation(w, 0);
    assert_true(failed > 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls == 1);
}

/* ---- SIGCHLD ------------------------------------------------------------ */

static int need_children(struct world *w)
{
    test_skip_if(w, raw_signal_of_children() < 0,
                 "no signal tells of children on this system");
    return raw_signal_of_children();
}

TEST(X5_the_handler_that_was_there_is_called_too)
{
    struct told *t = told_new(w, 1);
    int signum = need_children(w);

    for (int i = RAW_PLAIN; i <= RAW_INFO; i++) {
        unsigned caught = raw_signal_caught();
        unsigned calls = t->calls;

        told_dispose(w, signum, (enum raw_disposition)i);
        told_add(t, signum);
        told_send(t, signum);
        test_run_until(w, t->calls > calls);
        assert_int_equal(raw_signal_caught(), caught + 1);
        assert_int_equal(rondo_remove_signal_handler(w->loop, signum), 1);
        told_send(t, signum);
        assert_int_equal(raw_signal_caught(), caught + 2);
    }
    told_dispose(w, signum, RAW_PLAIN);
    told_add(t, signum);
    assert_true(raw_signal_keeps_errno(signum));
    assert_int_equal(raw_signal_caught(), 5);
    assert_int_equal(rondo_remove_signal_handler(w->loop, signum), 1);
    /* and not when there is none any more */
    told_dispose(w, signum, RAW_DEFAULT);
    told_add(t, signum);
    told_send(t, signum);
    test_run_until(w, t->calls == 3);
    assert_int_equal(raw_signal_caught(), 5);
}

TEST(X5_children_that_are_ignored_leave_nothing)
{
    struct told *t = told_new(w, 1);
    int signum = need_children(w);

    test_skip_if(w, raw_emulated(), "an emulator may forget SA_NOCLDWAIT");
    told_add(t, signum);
    assert_int_equal(raw_children_stay(), 1);
    assert_int_equal(rondo_remove_signal_handler(w->loop, signum), 1);
    told_dispose(w, signum, RAW_IGNORED);
    told_add(t, signum);
    assert_int_equal(raw_children_stay(), 0);
    test_run_until(w, t->calls);
    assert_int_equal(rondo_remove_signal_handler(w->loop, signum), 1);
    assert_int_equal(raw_signal_disposition(signum), RAW_IGNORED);
    told_dispose(w, signum, RAW_DEFAULT);
}
