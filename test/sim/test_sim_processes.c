/* test_sim_processes.c - child processes of simulated hosts. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <signal.h>

/* ---- programs ---- */

static int loud(int argc, char **argv, void *arg)
{
    unsigned *calls = arg;
    ++*calls;
    for (int i = 1; i < argc; i++)
        sim_test_must(
            rondo_sim_write(1, argv[i], strlen(argv[i]), RONDO_NEVER));
    return argc;
}

static int sleeper(int argc, char **argv, void *arg)
{
    (void)argc;
    (void)argv;
    (void)arg;
    sim_test_must(rondo_sim_sleep(RONDO_SEC(1000)));
    return 0;
}

/* Signals that come at once may be one. */
static void told(rondo_loop *loop, int signum, void *arg)
{
    unsigned *count = arg;
    (void)signum;
    ++*count;
    rondo_loop_stop(loop);
}

static int listener(int argc, char **argv, void *arg)
{
    rondo_loop *loop;
    unsigned count = 0;
    (void)argc;
    (void)argv;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_add_signal_handler(loop, SIGUSR1, told, &count));
    sim_test_must(rondo_sim_write(1, "!", 1, RONDO_NEVER));
    sim_test_must(rondo_loop_run_forever(loop));
    return count ? 13 : 1; /* the loop is not closed: it is the process's */
}

/* ---- a parent ---- */

struct parent {
    rondo_loop *loop;
    rondo_process *process;
    rondo_exit status;
    unsigned exits, lost, calls;
    char output[64];
    size_t used;
    void (*then)(struct parent *p); /* 10 ms later */
    int64_t ended_at;
    const char *const *argv;
    rondo_process_options options;
    int error;
    int64_t pid;
};

static void hears(rondo_process *process, void *self, int fd, const void *data,
                  size_t size)
{
    struct parent *p = self;
    (void)process;
    assert_int_equal(fd, 1);
    assert_true(p->used + size < sizeof p->output);
    memcpy(p->output + p->used, data, size);
    p->used += size;
}

static void ends(rondo_process *process, void *self, rondo_exit status)
{
    struct parent *p = self;
    (void)process;
    p->exits++;
    p->ended_at = rondo_sim_now();
    p->status = status;
}

static void loses(rondo_process *process, void *self, int error)
{
    struct parent *p = self;
    (void)process;
    (void)error;
    p->lost++;
    p->process = NULL;
}

static const rondo_process_protocol parental = {.pipe_data_received = hears,
                                                .process_exited = ends,
                                                .connection_lost = loses};

static void go_on(rondo_loop *loop, void *arg)
{
    struct parent *p = arg;
    (void)loop;
    p->then(p);
}

static void parent_main(void *arg)
{
    struct parent *p = arg;
    sim_test_must(rondo_loop_new(&p->loop, NULL));
    p->options = *RONDO_PROCESS(.argv = p->argv, .stdin_kind = RONDO_STDIO_NULL,
                                .stdout_kind = RONDO_STDIO_PIPE,
                                .die_with_parent = p->options.die_with_parent);
    p->error =
        rondo_subprocess_exec(p->loop, &p->options, &parental, p, &p->process);
    if (!p->error)
        p->pid = rondo_process_pid(p->process);
    if (p->then)
        sim_test_must(rondo_call_later(p->loop, RONDO_MS(10), go_on, p));
    (void)rondo_loop_run(p->loop);
    sim_test_must(rondo_loop_close(p->loop));
}

static void begin(struct parent *p, const rondo_sim_faults *faults)
{
    sim_test_must(
        rondo_sim_begin(RONDO_SIM(.seed = 7, .backend = sim_test_backend(),
                                  .faults = *faults)));
    sim_test_must(rondo_sim_program("loud", loud, &p->calls));
    sim_test_must(rondo_sim_program("sleeper", sleeper, NULL));
    sim_test_must(rondo_sim_program("listener", listener, NULL));
    sim_test_must(rondo_sim_add_host("host", NULL, parent_main, p));
}

static void check_none_left(void)
{
    assert_int_equal(rondo_sim_count_children(0, false), 0);
    assert_int_equal(rondo_sim_count_children(0, true), 0);
    assert_int_equal(rondo_sim_count_descriptors(0), 0);
}

static void play(struct parent *p)
{
    begin(p, &(rondo_sim_faults){0});
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(2000)), RONDO_SIM_QUIET);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- ends ---- */

TEST(a_program_is_a_function)
{
    struct parent p = {.argv = ARGV("loud", "a", "bc")};
    play(&p);
    assert_int_equal(p.calls, 1);
    assert_true(p.exits == 1 && p.lost == 1);
    assert_int_equal(rondo_sim_count_memory(0), 0);
    assert_true(p.status.known && !p.status.signaled && p.status.code == 3);
    assert_string_equal(p.output, "abc");
    check_none_left();
    sim_test_must(rondo_sim_end());
}

static void terminate(struct parent *p)
{
    (void)p;
    sim_test_must(rondo_process_send_signal(p->process, SIGTERM));
}

static void play_then(struct parent *p, void (*then)(struct parent *p))
{
    p->then = then;
    play(p);
    check_none_left();
    sim_test_must(rondo_sim_end());
}

TEST(a_signal_ends_it)
{
    struct parent p = {.argv = ARGV("sleeper")};
    play_then(&p, terminate);
    assert_true(p.exits == 1 && p.status.signaled);
    assert_int_equal(p.status.signal, SIGTERM);
    assert_in_range(p.ended_at, RONDO_MS(10), RONDO_MS(11));
}

/* ---- signals that a loop of the child watches ---- */

static void send_one(struct parent *p)
{
    sim_test_must(rondo_process_send_signal(p->process, SIGUSR1));
    sim_test_must(rondo_sim_signal_process(p->pid, SIGUSR1));
    sim_test_must(rondo_sim_signal_process(p->pid, 0));
    sim_test_must(rondo_process_send_signal(p->process, SIGUSR1));
}

TEST(a_loop_of_the_child_hears_a_signal)
{
    struct parent p = {.argv = ARGV("listener")};
    play_then(&p, send_one);
    assert_string_equal(p.output, "!");
    assert_in_range(p.ended_at, RONDO_MS(10), RONDO_MS(11));
    assert_true(!p.status.signaled && p.status.code == 13);
}

static void stop_and_go(struct parent *p)
{
    sim_test_must(rondo_process_send_signal(p->process, SIGSTOP));
    send_one(p);
    sim_test_must(rondo_sim_sleep(RONDO_SEC(1)));
    assert_int_equal(rondo_sim_count_children(0, false), 1);
    sim_test_must(rondo_process_send_signal(p->process, SIGCONT));
}

TEST(a_stopped_child_hears_them_later)
{
    struct parent p = {.argv = ARGV("listener")};
    play_then(&p, stop_and_go);
    assert_int_equal(p.status.code, 13);
    assert_in_range(p.ended_at, RONDO_MS(1010), RONDO_MS(1011));
}

static void kill_stopped(struct parent *p)
{
    sim_test_must(rondo_process_send_signal(p->process, SIGSTOP));
    sim_test_must(rondo_process_kill(p->process));
}

TEST(a_stopped_child_can_be_killed)
{
    struct parent p = {.argv = ARGV("listener")};
    play_then(&p, kill_stopped);
    assert_int_equal(p.status.signal, SIGKILL);
}

/* ---- waiting without a loop ---- */

static void wait_for_it(struct parent *p)
{
    rondo_exit status;
    assert_refused(rondo_sim_wait(p->pid, &status, 0), RONDO_EAGAIN,
                   "sim_wait");
    assert_refused(rondo_sim_wait(77, &status, 0), RONDO_ESRCH, "77");
    assert_int_equal(rondo_sim_wait(p->pid, NULL, RONDO_SEC(2000)), 0);
    assert_int_equal(rondo_sim_now(), RONDO_SEC(1000));
    assert_int_equal(rondo_sim_count_children(0, true), 1);
    assert_int_equal(rondo_sim_wait(p->pid, &status, RONDO_NEVER), 0);
    assert_true(status.known && status.code == 0);
    assert_refused(rondo_sim_wait(p->pid, &status, 0), RONDO_ESRCH, "sim_wait");
}

TEST(a_program_that_waits_itself_hides_the_end)
{
    struct parent p = {.argv = ARGV("sleeper")};
    play_then(&p, wait_for_it);
    assert_true(p.exits == 1 && !p.status.known);
}

/* ---- SIGCHLD ---- */

static void child_ended(rondo_loop *loop, int signum, void *arg)
{
    struct parent *p = arg;
    p->calls++;
    sim_test_must(rondo_remove_signal_handler(loop, signum));
}

static void watch_children(struct parent *p)
{
    sim_test_must(rondo_add_signal_handler(p->loop, SIGCHLD, child_ended, p));
    sim_test_must(rondo_process_kill(p->process));
}

TEST(the_parent_gets_a_signal)
{
    struct parent p = {.argv = ARGV("sleeper")};
    play_then(&p, watch_children);
    assert_int_equal(p.calls, 1);
}

/* ---- a parent that goes ---- */

static void die(struct parent *p)
{
    (void)p;
    (void)rondo_sim_kill(rondo_sim_self());
}

static void play_orphan(struct parent *p, int left)
{
    p->then = die;
    begin(p, &(rondo_sim_faults){0});
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    assert_int_equal(rondo_sim_count_children(0, false), left);
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(2000)), RONDO_SIM_QUIET);
    check_none_left();
    sim_test_must(rondo_sim_end());
}

TEST(a_child_outlives_its_parent)
{
    struct parent p = {.argv = ARGV("sleeper")};
    play_orphan(&p, 1);
}

TEST(or_dies_with_it)
{
    struct parent p = {.argv = ARGV("sleeper"),
                       .options.die_with_parent = true};
    play_orphan(&p, 0);
}

static int killer(int argc, char **argv, void *arg)
{
    rondo_sim_process about;
    (void)argc;
    (void)argv;
    (void)arg;
    sim_test_must(rondo_sim_get_process(&about));
    assert_int_equal(about.parent, 1);
    sim_test_must(rondo_sim_signal_process(about.parent, SIGKILL));
    return 0;
}

TEST(a_child_may_kill_its_parent)
{
    for (int dies = 0; dies < 2; dies++) {
        struct parent p = {.argv = ARGV("killer"),
                           .options.die_with_parent = dies};
        begin(&p, &(rondo_sim_faults){0});
        sim_test_must(rondo_sim_program("killer", killer, NULL));
        assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(100)), RONDO_SIM_QUIET);
        check_none_left();
        assert_int_equal(p.exits, 0);
        sim_test_must(rondo_sim_end());
    }
}

/* The power fails: nobody is told, and all of the host is gone. */
TEST(a_crash_ends_all_of_them)
{
    struct parent p = {.argv = ARGV("listener")};
    begin(&p, &(rondo_sim_faults){0});
    sim_test_must(rondo_sim_run_for(RONDO_MS(1)));
    sim_test_must(rondo_sim_crash(0));
    check_none_left();
    sim_test_must(rondo_sim_restart(0));
    sim_test_must(rondo_sim_run_for(RONDO_MS(1)));
    assert_int_equal(rondo_sim_count_children(0, false), 1);
    sim_test_must(rondo_sim_end()); /* ends that one, too */
}

static int crasher(int argc, char **argv, void *arg)
{
    (void)argc;
    (void)argv;
    (void)arg;
    (void)rondo_sim_alloc(100);
    (void)rondo_sim_crash(rondo_sim_self());
    fail();
    return 0;
}

TEST(a_child_may_crash_its_host)
{
    struct parent p = {.argv = ARGV("crasher")};
    begin(&p, &(rondo_sim_faults){0});
    sim_test_must(rondo_sim_program("crasher", crasher, NULL));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(100)), RONDO_SIM_QUIET);
    assert_int_equal(rondo_sim_count_children(0, false), 0);
    sim_test_must(rondo_sim_restart(0));
    sim_test_must(rondo_sim_end());
}

/* ---- what does not start ---- */

TEST(no_process_left)
{
    struct parent p = {.argv = ARGV("loud")};
    begin(&p, &(rondo_sim_faults){.no_process = 1});
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(100)), RONDO_SIM_QUIET);
    assert_int_equal(p.error, RONDO_EAGAIN);
    assert_int_equal(p.calls, 0);
    check_none_left();
    sim_test_must(rondo_sim_end());
}

TEST(a_name_that_is_none)
{
    struct parent p = {.argv = ARGV("quiet")};
    play(&p);
    assert_int_equal(p.error, RONDO_ENOENT);
    check_none_left();
    assert_refused(rondo_sim_program("loud", loud, NULL), RONDO_EEXIST, "loud");
    assert_refused(rondo_sim_program("", loud, NULL), RONDO_EINVAL, "name");
    assert_refused(rondo_sim_program("x", NULL, NULL), RONDO_EINVAL,
                   "function");
    assert_refused(rondo_sim_pid(), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_exit(1), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_wait(1, NULL, 0), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_signal_process(1, 9), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_count_children(7, true), RONDO_ENONAME, "7");
    sim_test_must(rondo_sim_end());
}
