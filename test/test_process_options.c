/* test_process_options.c - what else a child gets: limits, groups, a PATH. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* The process has one job for all children that end with it, from the first of
 * them on. The harness is not to take its handle for a leak. */
static bool make_the_job(void)
{
    static const rondo_process_protocol silent;
    rondo_loop *loop;

    if (raw_has_signals() || raw_under_valgrind())
        return true;
    if (rondo_loop_new(&loop, NULL) < 0)
        return false;
    (void)rondo_subprocess_exec(
        loop, RONDO_PROCESS(.program = raw_child(), .die_with_parent = true),
        &silent, NULL, NULL);
    rondo_loop_close(loop);
    return true;
}

TEST_AROUND(make_the_job, NULL);

static struct proc *begin_if(struct world *w, rondo_capability needs,
                             const char *lacking)
{
    struct proc *p = proc_begin(w, OUTPUT);

    test_skip_if(w, !rondo_loop_supports(w->loop, needs), lacking);
    return p;
}

/* ---- X12: descriptors by list ------------------------------------------- */

TEST(X12_descriptors_under_their_own_numbers)
{
    struct proc *p = proc_begin_unix(w, "no numbered descriptors");
    raw_fd fds[2];

    assert_int_equal(raw_pipe(fds), 0);
    (void)test_own(w, fds[0]);
    p->o.inherit = (const rondo_fd[]){fds[1]};
    p->o.inherit_count = 1;
    proc_start(p, "descriptors", "say", test_format(w, "%d", (int)fds[1]),
               "mine", NULL);
    assert_true(raw_fd_close_on_exec(fds[1])); /* here it stays as it was */
    raw_close(fds[1]);
    proc_says(p, 0, test_format(w, "0 1 2 %d ", (int)fds[1]));
    assert_true(raw_recv_pipe(fds[0], "mine"));
}

TEST(X12_a_list_that_makes_no_sense)
{
    struct proc *p = proc_begin(w, OUTPUT);
    raw_fd fd = test_own(w, raw_null());
    const rondo_fd twice[] = {fd, fd};
    const rondo_fd none[] = {RONDO_NO_FD};

    p->o.inherit_count = 1;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL); /* no list */
    p->o.inherit_count = 2;
    p->o.inherit = twice;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "named twice"));
    p->o.inherit_count = 1;
    p->o.inherit = none;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EBADF);
}

TEST(X12_a_descriptor_that_is_not_open)
{
    struct proc *p = proc_begin(w, OUTPUT);
    raw_fd fd = raw_null();

    raw_close(fd);
    p->o.inherit = (const rondo_fd[]){fd};
    p->o.inherit_count = 1;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EBADF);
}

TEST(X12_with_the_first_three)
{
    struct proc *p = proc_begin_unix(w, "no numbered descriptors");

    p->o.inherit = (const rondo_fd[]){2};
    p->o.inherit_count = 1;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
}

/* Windows: the handle has the same value in the child, which says so. */
TEST(X12_handles)
{
    struct proc *p = proc_begin(w, OUTPUT);
    raw_fd fd = test_own(w, raw_null());

    test_skip_if(w, raw_has_signals(), "descriptors have numbers here");
    proc_start(p, "handle", test_format(w, "%lld", (long long)fd), NULL);
    proc_says(p, 0, "not open\n");
    p->o.inherit = (const rondo_fd[]){fd};
    p->o.inherit_count = 1;
    proc_start(p, "handle", test_format(w, "%lld", (long long)fd), NULL);
    assert_true(raw_fd_close_on_exec(fd));
    proc_says(p, 0, "open\n");
}

/* ---- X12: a PATH of its own --------------------------------------------- */

static char *split_child(char *folder, size_t size)
{
    char *name;

    (void)snprintf(folder, size, "PATH=/nowhere%s%s", raw_path_separator(),
                   raw_child());
    name = strrchr(folder, '/');
    *name = '\0';
    return name + 1;
}

TEST(X12_the_childs_own_path)
{
    struct proc *p = proc_begin(w, OUTPUT);
    char folder[512];

    p->o.program = split_child(folder, sizeof folder);
    p->o.env = WORDS("A=1", folder);
    assert_error(proc_try(p, "exit", "5", NULL), RONDO_ENOENT);
    p->o.own_path = true;
    proc_start(p, "exit", "5", NULL);
    proc_ends(p, 5);
    p->o.env = WORDS("PATH=/nowhere");
    assert_error(proc_try(p, "exit", "5", NULL), RONDO_ENOENT);
}

/* Without an environment of its own the child's PATH is the parent's. */
TEST(X12_the_childs_own_path_is_inherited)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const char *path = getenv("PATH");
    char before[4096], folder[512];

    (void)snprintf(before, sizeof before, "%s", path ? path : "");
    p->o.program = split_child(folder, sizeof folder);
    p->o.own_path = true;
    raw_set_environment("PATH", folder + strlen("PATH="));
    proc_start(p, "exit", "5", NULL);
    raw_set_environment("PATH", before);
    proc_ends(p, 5);
}

/* ---- X13: limits -------------------------------------------------------- */

static struct proc *begin_files(struct world *w)
{
    test_skip_if(w, raw_under_valgrind(),
                 "valgrind has a limit of descriptors of its own");
    return begin_if(w, RONDO_CAN_LIMITS, "no resource limits");
}

TEST(X13_limits)
{
    struct proc *p = begin_files(w);
    const int files = raw_limit_of_files();
    const char *number = test_format(w, "%d", files);
    const rondo_resource_limit limits[] = {{files, 40, 50}};

    p->o.limits = limits;
    p->o.limit_count = 1;
    proc_start(p, "limit", number, NULL);
    proc_says(p, 0, "40 of 50\n");
}

/* A limit hides what is open above it from a kernel without close_range(2). */
TEST(X13_a_limit_below_what_is_open)
{
    struct proc *p = begin_files(w);
    const rondo_resource_limit limits[] = {{raw_limit_of_files(), 10, 10}};

    for (int i = 0; i < 20; i++)
        raw_set_close_on_exec(test_own(w, raw_null()), false);
    test_skip_if(w, !raw_kernel_lacks(RAW_LACKS_CLOSE_RANGE),
                 "the kernel cannot be made to lack it");
    p->o.limits = limits;
    p->o.limit_count = 1;
    proc_start(p, "descriptors", NULL);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
    proc_says(p, 0, "0 1 2 ");
}

TEST(X13_limits_that_are_none)
{
    struct proc *p = begin_if(w, RONDO_CAN_LIMITS, "no resource limits");
    const rondo_resource_limit unknown[] = {{12345, 1, 1}};
    const rondo_resource_limit crossed[] = {{raw_limit_of_files(), 50, 40}};

    p->o.limit_count = 1;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL); /* no list */
    p->o.limits = unknown;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "limit of resource 12345"));
    p->o.limits = crossed;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
}

TEST(X13_limits_elsewhere)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const rondo_resource_limit limits[] = {{7, 1, 1}};

    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_LIMITS),
                 "there are limits here");
    p->o.limits = limits;
    p->o.limit_count = 1;
    assert_error(proc_try(p, "sleep", NULL), RONDO_ENOTSUP);
}

/* ---- X13: nice ---------------------------------------------------------- */

TEST(X13_nice)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const int values[] = {19, 19, 11};

    p->o.nice = &values[0];
    proc_start(p, "nice", NULL);
    proc_says(p, 0, raw_has_signals() ? "19\n" : "64\n"); /* IDLE */
    if (!raw_has_signals())
        test_skip(w, "priority classes are few");
    p->o.nice = &values[2];
    proc_start(p, "nice", NULL);
    proc_says(p, 0, "11\n");
}

TEST(X13_nice_that_is_none)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const int values[] = {-21, 20};

    for (int i = 0; i < 2; i++) {
        p->o.nice = &values[i];
        assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
    }
}

/* ---- X13: control groups ------------------------------------------------ */

TEST(X13_control_group)
{
    struct proc *p = begin_if(w, RONDO_CAN_CGROUPS, "no control groups");
    char folder[256];

    test_skip_if(w, !raw_cgroup_make(folder, sizeof folder),
                 "control groups cannot be made here");
    p->o.cgroup = folder;
    assert_ok(rondo_subprocess_shell(w->loop, "cat /proc/self/cgroup", &p->o,
                                     &proc_recorder, p, &p->process));
    proc_ends(p, 0);
    raw_cgroup_remove(folder);
    assert_non_null(strstr(p->text[1], strrchr(folder, '/')));
}

TEST(X13_a_control_group_that_is_none)
{
    struct proc *p = begin_if(w, RONDO_CAN_CGROUPS, "no control groups");

    p->o.cgroup = "/nowhere";
    assert_error(proc_try(p, "sleep", NULL), RONDO_ENOENT);
    assert_non_null(strstr(rondo_last_error(), "control group /nowhere"));
}

TEST(X13_control_groups_elsewhere)
{
    struct proc *p = proc_begin(w, OUTPUT);

    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_CGROUPS),
                 "there are control groups here");
    p->o.cgroup = "/sys/fs/cgroup/x";
    assert_error(proc_try(p, "sleep", NULL), RONDO_ENOTSUP);
}

/* ---- X13: job objects --------------------------------------------------- */

/* Closing the last handle of the job ends the child, which began in it. */
TEST(X13_job_object)
{
    struct proc *p = begin_if(w, RONDO_CAN_JOB_OBJECTS, "no job objects");

    p->o.job = raw_job();
    proc_start(p, "say", "1", "ready", "sleep", NULL);
    test_run_until(w, p->bytes[1]);
    p->o.die_with_parent = true; /* what the job is for */
    assert_error(rondo_subprocess_exec(w->loop, &p->o, &proc_recorder, p, NULL),
                 RONDO_EINVAL);
    raw_close(p->o.job);
    proc_wait(p);
    assert_true(p->status.known);
}

TEST(X13_job_objects_elsewhere)
{
    struct proc *p = proc_begin(w, OUTPUT);

    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_JOB_OBJECTS),
                 "there are job objects here");
    p->o.job = 5;
    assert_error(proc_try(p, "sleep", NULL), RONDO_ENOTSUP);
}

/* ---- X13: with its parent ----------------------------------------------- */

struct family {
    struct proc *p;
    raw_fd fds[2];
};

/* A process that starts a child, and ends without a word to it. */
static int start_and_leave(void *arg)
{
    const struct family *f = arg;
    struct proc *p = f->p;

    p->o.stdout_kind = RONDO_STDIO_FD;
    p->o.stdout_fd = f->fds[1];
    p->o.stderr_kind = RONDO_STDIO_NULL;
    p->o.die_with_parent = true;
    return rondo_loop_after_fork(p->w->loop) < 0 ||
           proc_try(p, "sleep", NULL) < 0;
}

TEST(X13_ends_with_its_parent)
{
    struct family f = {begin_if(w, RONDO_CAN_DIE_WITH_PARENT,
                                "a child cannot end with its parent"),
                       {RONDO_NO_FD, RONDO_NO_FD}};
    int status;

    test_skip_if(w, !raw_has_signals(), "no fork");
    assert_int_equal(raw_pipe(f.fds), 0);
    status = raw_fork_run(start_and_leave, &f);
    raw_close(f.fds[1]);
    test_skip_if(w, status < 0, "no fork");
    assert_int_equal(status, 0);
    assert_true(raw_recv_pipe(f.fds[0], "")); /* the end: nobody holds it */
    raw_close(f.fds[0]);
}

/* One whose parent lives is left alone. */
TEST(X13_lives_with_its_parent)
{
    struct proc *p = begin_if(w, RONDO_CAN_DIE_WITH_PARENT,
                              "a child cannot end with its parent");

    p->o.die_with_parent = true;
    p->o.stdin_kind = RONDO_STDIO_PIPE;
    proc_start(p, "copy", "0", "1", "exit", "3", NULL);
    proc_write(p, 0, "alive");
    proc_write_eof(p, 0);
    proc_says(p, 3, "alive");
}

TEST(X13_ends_with_its_parent_with_other_ids)
{
    const int64_t nobody = 65534;
    struct proc *p = begin_if(w, RONDO_CAN_DIE_WITH_PARENT,
                              "a child cannot end with its parent");

    test_skip_if(w,
                 !raw_has_signals() || !raw_is_root() ||
                     !raw_anybody_may_run(raw_child()),
                 "the ids cannot be changed");
    p->o.die_with_parent = true;
    p->o.uid = p->o.gid = &nobody;
    proc_start(p, "exit", "2", NULL);
    proc_ends(p, 2);
}

/* ---- all of them -------------------------------------------------------- */

TEST(G8_no_memory)
{
    struct proc *p = proc_begin(w, OUTPUT);
    raw_fd fd = test_own(w, raw_null());

    p->o.inherit = (const rondo_fd[]){fd};
    p->o.inherit_count = 1;
    p->o.own_path = true;
    proc_starts_without_memory(p);
    assert_string_equal(p->text[1], "x");
}
