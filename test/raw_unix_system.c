/* raw_unix_system.c - descriptors, threads and time of raw.h on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool raw_fd_valid(raw_fd fd)
{
    return fcntl((int)fd, F_GETFD) >= 0;
}

bool raw_fd_close_on_exec(raw_fd fd)
{
    return (fcntl((int)fd, F_GETFD) & FD_CLOEXEC) != 0;
}

raw_fd raw_dead_fd(void)
{
    int fd = dup(0);

    if (fd < 0)
        fd = open("/dev/null", O_RDONLY);
    (void)close(fd);
    return fd;
}

raw_fd raw_file(void)
{
    FILE *file = tmpfile();
    int fd;

    if (!file)
        return RONDO_NO_FD;
    fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
    (void)fclose(file);
    return fd;
}

raw_fd raw_directory(void)
{
    return open(".", O_RDONLY | O_CLOEXEC);
}

raw_fd raw_null(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int raw_pipe(raw_fd pair[2])
{
    int fds[2];

    if (pipe(fds) < 0)
        return -1;
    (void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    pair[0] = fds[0];
    pair[1] = fds[1];
    return 0;
}

raw_fd raw_duplicate(raw_fd fd)
{
    return fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
}

raw_fd raw_move_fd(raw_fd fd, raw_fd number)
{
    int moved = dup2((int)fd, (int)number);

    if (moved < 0)
        return RONDO_NO_FD;
    (void)fcntl(moved, F_SETFD, FD_CLOEXEC);
    raw_close(fd);
    return moved;
}

static void mark_open(struct raw_snapshot *s, long fd)
{
    s->count++;
    if (fd >= 0 && (size_t)fd < sizeof s->open * 8)
        s->open[fd / 8] |= (unsigned char)(1u << (fd % 8));
}

static bool is_marked(const struct raw_snapshot *s, size_t fd)
{
    return (s->open[fd / 8] & (1u << (fd % 8))) != 0;
}

void raw_snapshot_take(struct raw_snapshot *s)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;

    memset(s, 0, sizeof *s);
    if (!dir) { /* systems without /proc: ask about each number */
        for (int fd = 0; fd < (int)sizeof s->open * 8; fd++)
            if (raw_fd_valid(fd))
                mark_open(s, fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        long fd = strtol(entry->d_name, NULL, 10);

        if (entry->d_name[0] != '.' && fd != dirfd(dir))
            mark_open(s, fd);
    }
    (void)closedir(dir);
}

void raw_snapshot_differences(const struct raw_snapshot *before, char *text,
                              size_t size)
{
    struct raw_snapshot now;
    size_t used = 0;

    raw_snapshot_take(&now);
    text[0] = '\0';
    for (size_t fd = 0; fd < sizeof now.open * 8 && used < size; fd++) {
        char link[64];
        char target[64] = "";
        bool gone = is_marked(before, fd) && !is_marked(&now, fd);

        if (is_marked(before, fd) == is_marked(&now, fd))
            continue;
        (void)snprintf(link, sizeof link, "/proc/self/fd/%zu", fd);
        if (readlink(link, target, sizeof target - 1) < 0)
            (void)snprintf(target, sizeof target, "?");
        int n = snprintf(text + used, size - used, " %zu (%s)", fd,
                         gone ? "closed" : target);
        used += n > 0 ? (size_t)n : 0;
    }
}

void raw_snapshot_close_new(const struct raw_snapshot *before)
{
    struct raw_snapshot now;

    raw_snapshot_take(&now);
    for (size_t fd = 3; fd < sizeof now.open * 8; fd++)
        if (is_marked(&now, fd) && !is_marked(before, fd))
            (void)close((int)fd);
}

size_t raw_count_descriptors(void)
{
    struct raw_snapshot now;

    raw_snapshot_take(&now);
    return now.count;
}

int64_t raw_descriptor_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return -1;
    return (int64_t)r.rlim_cur;
}

int64_t raw_set_descriptor_limit(int64_t limit)
{
    struct rlimit r;
    int64_t before;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return -1;
    before = (int64_t)r.rlim_cur;
    r.rlim_cur = (rlim_t)limit < r.rlim_max ? (rlim_t)limit : r.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &r) < 0 ? -1 : before;
}

int64_t raw_raise_descriptor_limit(int64_t wanted)
{
    int64_t now = raw_descriptor_limit();

    return now >= wanted ? now : raw_set_descriptor_limit(wanted);
}

struct raw_thread {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
};

static void *thread_main(void *arg)
{
    struct raw_thread *thread = arg;

    thread->fn(thread->arg);
    return NULL;
}

struct raw_thread *raw_thread_start(void (*fn)(void *arg), void *arg)
{
    struct raw_thread *thread = malloc(sizeof *thread);

    if (!thread)
        return NULL;
    thread->fn = fn;
    thread->arg = arg;
    if (pthread_create(&thread->id, NULL, thread_main, thread) != 0) {
        free(thread);
        return NULL;
    }
    return thread;
}

void raw_thread_join(struct raw_thread *thread)
{
    if (!thread)
        return;
    (void)pthread_join(thread->id, NULL);
    free(thread);
}

void raw_sleep_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000,
                         .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        continue;
}

void raw_yield(void)
{
    (void)sched_yield();
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t raw_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t raw_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

unsigned raw_cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        count = CPU_COUNT(&allowed);
#endif
    return count < 1 ? 1 : (unsigned)count;
}

int raw_count_threads(void)
{
    DIR *threads = opendir("/proc/self/task");
    int count = 0;

    if (!threads)
        return -1;
    for (const struct dirent *d; (d = readdir(threads));)
        count += d->d_name[0] != '.';
    (void)closedir(threads);
    return raw_emulated() ? -1 : count;
}

bool raw_emulated(void)
{
    return getenv("RONDO_TEST_EMULATED") != NULL;
}

bool raw_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload && strstr(preload, "vgpreload");
}

int raw_slowness(void)
{
    return raw_under_valgrind() ? 10 : 1;
}

/* What a thread had that the fork left behind is lost to valgrind, which would
 * end the child with a code of its own: there it answers by a pipe. */
static _Noreturn void answer(int fd, int result)
{
    unsigned char byte = (unsigned char)result;

    if (fd < 0)
        _exit(byte);
    (void)!write(fd, &byte, 1);
    (void)kill(getpid(), SIGKILL);
    _exit(99);
}

int raw_fork_run(int (*fn)(void *arg), void *arg)
{
    int status = 0, fds[2] = {-1, -1};
    unsigned char byte;
    pid_t pid;

    if (raw_under_valgrind() && pipe(fds) != 0)
        return -1;
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0)
        answer(fds[1], fn(arg));
    if (fds[1] >= 0)
        (void)close(fds[1]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (fds[0] >= 0) {
        if (pid > 0 && read(fds[0], &byte, 1) == 1)
            status = byte << 8; /* as if it had exited with that */
        (void)close(fds[0]);
    }
    if (pid < 0)
        return -1;
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool raw_is_simulated(void)
{
    return false;
}

void raw_set_environment(const char *name, const char *value)
{
    if (value)
        (void)setenv(name, value, 1);
    else
        (void)unsetenv(name);
}

bool raw_sigpipe_untouched(void)
{
    struct sigaction action;
    sigset_t blocked;
    sigset_t pending;

    if (sigaction(SIGPIPE, NULL, &action) < 0 || sigpending(&pending) < 0 ||
        pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0)
        return false;
    return action.sa_handler == SIG_DFL && !sigismember(&blocked, SIGPIPE) &&
           !sigismember(&pending, SIGPIPE);
}
