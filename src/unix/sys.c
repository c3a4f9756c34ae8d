/* sys.c - clock, errors, threads, capabilities and descriptors: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "sys.h"

#include "base/error.h"
#include "base/lock.h"
#include "core/notify.h"
#include "unix/unix.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- clock ---- */

/* macOS: CLOCK_MONOTONIC counts whole microseconds, and continues while the
 * machine sleeps, when no wait does. */
#ifdef CLOCK_UPTIME_RAW
#define CLOCK      CLOCK_UPTIME_RAW
#define CLOCK_NAME "clock_gettime(CLOCK_UPTIME_RAW)"
#else
#define CLOCK      CLOCK_MONOTONIC
#define CLOCK_NAME "clock_gettime(CLOCK_MONOTONIC)"
#endif

int64_t sys_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sys_sleep(int64_t ns)
{
    struct timespec time = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        ;
}

void sys_clock_facts(const char **name, int64_t *resolution_ns)
{
    struct timespec resolution = {0, 1};
    clock_getres(CLOCK, &resolution);
    *name = CLOCK_NAME;
    *resolution_ns =
        (int64_t)resolution.tv_sec * 1000000000 + resolution.tv_nsec;
}

/* No wait is longer than a day, which is below the limit of every kernel. To
 * wake once a day costs nothing. */
enum { LONGEST_WAIT_S = 86400 };

int unix_timeout_ms(int64_t timeout_ns)
{
    if (timeout_ns == RONDO_NEVER)
        return -1;
    if (timeout_ns > RONDO_SEC(LONGEST_WAIT_S))
        return LONGEST_WAIT_S * 1000;
    return (int)((timeout_ns + 999999) / 1000000);
}

struct timespec unix_timespec(int64_t timeout_ns)
{
    if (timeout_ns > RONDO_SEC(LONGEST_WAIT_S))
        return (struct timespec){.tv_sec = LONGEST_WAIT_S};
    return (struct timespec){.tv_sec = (time_t)(timeout_ns / 1000000000),
                             .tv_nsec = (long)(timeout_ns % 1000000000)};
}

/* ---- threads ---- */

sys_thread_id sys_thread_self(void)
{
    return pthread_self();
}

bool sys_thread_is_self(sys_thread_id id)
{
    return pthread_equal(id, pthread_self()) != 0;
}

struct start {
    void (*run)(void *arg);
    void *arg;
};

static void *unix_sys_thread_main(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    start.run(start.arg);
    return NULL;
}

int sys_thread_start(void (*run)(void *arg), void *arg)
{
    struct start *start = malloc(sizeof *start);
    if (!start)
        return RONDO_ENOMEM;
    *start = (struct start){run, arg};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int os_error = pthread_create(&thread, NULL, unix_sys_thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (os_error) {
        free(start);
        return error_from_os(os_error);
    }
    pthread_detach(thread);
    return 0;
}

void sys_thread_yield(void)
{
    sched_yield();
}

int sys_mutex_init(sys_mutex *m)
{
    int os_error = pthread_mutex_init(m, NULL);
    return os_error ? error_from_os(os_error) : 0;
}

void sys_mutex_destroy(sys_mutex *m)
{
    pthread_mutex_destroy(m);
}

int sys_cond_init(sys_cond *c)
{
    int os_error = pthread_cond_init(c, NULL);
    return os_error ? error_from_os(os_error) : 0;
}

void sys_cond_destroy(sys_cond *c)
{
    pthread_cond_destroy(c);
}

void sys_cond_wait(sys_cond *c, sys_mutex *m)
{
    pthread_cond_wait(c, m);
}

void sys_cond_signal(sys_cond *c)
{
    pthread_cond_signal(c);
}

void sys_cond_broadcast(sys_cond *c)
{
    pthread_cond_broadcast(c);
}

/* ---- process ---- */

_Atomic uint32_t sys_fork_generation;

/* All that a fork takes; the mutex guards the list. */
static pthread_mutex_t unix_sys_locks_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sys_fork_lock *unix_sys_locks;

static void unix_sys_before_fork(void)
{
    pthread_mutex_lock(&unix_sys_locks_mutex);
    for (struct sys_fork_lock *l = unix_sys_locks; l; l = l->next)
        lock_take(l);
}

static void unix_sys_after_fork(void)
{
    for (struct sys_fork_lock *l = unix_sys_locks; l; l = l->next)
        lock_give(l);
    pthread_mutex_unlock(&unix_sys_locks_mutex);
}

static void unix_sys_in_child(void)
{
    sys_fork_generation++;
    for (struct sys_fork_lock *l = unix_sys_locks; l; l = l->next)
        lock_reset(l);
    pthread_mutex_unlock(&unix_sys_locks_mutex);
}

static void unix_sys_start_counting(void)
{
    pthread_atfork(unix_sys_before_fork, unix_sys_after_fork,
                   unix_sys_in_child);
}

void sys_fork_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, unix_sys_start_counting);
}

void sys_fork_lock_enter(struct sys_fork_lock *lock)
{
    sys_fork_watch();
    pthread_mutex_lock(&unix_sys_locks_mutex);
    lock->next = unix_sys_locks;
    lock->link = &unix_sys_locks;
    if (lock->next)
        lock->next->link = &lock->next;
    unix_sys_locks = lock;
    pthread_mutex_unlock(&unix_sys_locks_mutex);
}

void sys_fork_lock_leave(struct sys_fork_lock *lock)
{
    pthread_mutex_lock(&unix_sys_locks_mutex);
    assert(*lock->link == lock);
    *lock->link = lock->next;
    if (lock->next)
        lock->next->link = lock->link;
    pthread_mutex_unlock(&unix_sys_locks_mutex);
}

const char *sys_env(const char *name)
{
#ifdef __GLIBC__
    return secure_getenv(name);
#else
    bool same = getuid() == geteuid() && getgid() == getegid();
    return same ? getenv(name) : NULL;
#endif
}

extern char **environ; /* NOLINT: not every <unistd.h> has it */

bool sys_env_has(const char *beginning)
{
    size_t size = strlen(beginning);
    char first = *beginning;
    if (!environ)
        return false;
    for (char *const *next = environ; *next; next++)
        if (**next == first && strncmp(*next, beginning, size) == 0)
            return true;
    return false;
}

/* Was that file linked for one address? Then tools that read its symbols want
 * addresses, and no distances from its beginning. */
static bool unix_is_at_fixed_place(const void *begin)
{
    const unsigned char elf[] = {0x7f, 'E', 'L', 'F'};
    uint16_t type;
    memcpy(&type, (const char *)begin + 16, sizeof type);    /* e_type */
    return memcmp(begin, elf, sizeof elf) == 0 && type == 2; /* ET_EXEC */
}

void sys_function_name(rondo_fn fn, char *text, size_t size)
{
    const char *address, *file;
    Dl_info info;
    memcpy(&address, &fn, sizeof address);
    if (!dladdr(address, &info) || !info.dli_fbase) {
        snprintf(text, size, "at %p", (const void *)address);
        return;
    }
    const char *begin = info.dli_fbase;
    file = info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
    file = file ? file + 1 : info.dli_fname ? info.dli_fname : "program";
    uintptr_t place = (uintptr_t)address;
    if (!unix_is_at_fixed_place(begin))
        place -= (uintptr_t)begin;
    if (info.dli_sname)
        snprintf(text, size, "%s", info.dli_sname);
    else
        snprintf(text, size, "%s+0x%llx", file, (unsigned long long)place);
}

unsigned sys_cores(void)
{
#ifdef __linux__
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return (unsigned)CPU_COUNT(&allowed);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (unsigned)online;
}

int64_t sys_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY)
        return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

int64_t sys_unix_path_limit(void)
{
    return (int64_t)sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
}

static bool unix_sys_supports_datagrams(rondo_capability what)
{
    switch (what) {
    case RONDO_CAN_PACKET_INFO:
        return sys_datagram_infos() & RONDO_INFO_LOCAL;
    case RONDO_CAN_ECN:
        return sys_datagram_infos() & RONDO_INFO_ECN;
    case RONDO_CAN_TTL:
        return sys_datagram_infos() & RONDO_INFO_TTL;
    case RONDO_CAN_SEGMENTATION:
        return sys_datagram_infos() & RONDO_INFO_SEGMENTS;
    case RONDO_CAN_TIMESTAMPS:
        return sys_datagram_infos() & RONDO_INFO_TIME;
    case RONDO_CAN_DONT_FRAGMENT:
        return unix_datagram_can_refuse_fragments();
    default:
        return false; /* named pipes, or not in the library yet */
    }
}

bool sys_supports(rondo_capability what)
{
    switch (what) {
    case RONDO_CAN_TCP:
    case RONDO_CAN_UDP:
    case RONDO_CAN_UNIX:
    case RONDO_CAN_PASS_DESCRIPTORS:
    case RONDO_CAN_DETACH:
    case RONDO_CAN_WATCH_SOCKETS:
    case RONDO_CAN_WATCH_PIPES:
    case RONDO_CAN_PIPES:
    case RONDO_CAN_WATCH_CHAR_DEVICES:
    case RONDO_CAN_SUBPROCESS:
    case RONDO_CAN_CHILD_WATCHER:
    case RONDO_CAN_SIGNALS:
    case RONDO_CAN_EMBED:
    case RONDO_CAN_EMBED_FD:
    case RONDO_CAN_WATCH_PRIORITY:
    case RONDO_CAN_WATCH_HALF_CLOSE:
    case RONDO_CAN_WATCH_ERRORS:
    case RONDO_CAN_TERMINALS:
    case RONDO_CAN_LIMITS:
    case RONDO_CAN_FILE_OWNERS:
        return true;
    case RONDO_CAN_LOCK_RANGES:
        return unix_fs_locks_ranges();
    case RONDO_CAN_CGROUPS:
    case RONDO_CAN_PIN_THREADS:
    case RONDO_CAN_REUSE_PORT: /* elsewhere it does not spread the load */
#ifdef __linux__
        return true;
#else
        return false;
#endif
    case RONDO_CAN_DIE_WITH_PARENT:
#if defined(__linux__) || defined(__FreeBSD__)
        return true;
#else
        return false;
#endif
    case RONDO_CAN_WATCH_PATHS:
        return notify_traits.name;
    case RONDO_CAN_WATCH_NETWORK:
#if defined(__linux__) || defined(RONDO_KQUEUE)
        return true;
#else
        return false;
#endif
    default:
        return unix_sys_supports_datagrams(what);
    }
}

/* ---- descriptors ---- */

int unix_keep(int fd)
{
    if (fd < 0)
        return fd;
    if (fd > 2) {
#ifndef __linux__ /* which sets it in each call that makes a descriptor */
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
#endif
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int before = errno;
    close(fd);
    errno = before;
    return moved;
}

int unix_nonblocking(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -1;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : fcntl(fd, F_SETFL, wanted);
}

/* ---- exceptions ---- */

/* A personality routine as the C++ ABI for Itanium has it. To give up in the
 * search for a handler (_UA_SEARCH_PHASE, _URC_FATAL_PHASE1_ERROR) leaves the
 * stack as it is. pthread_exit and a thread's cancelling have no such phase:
 * they go on (_URC_CONTINUE_UNWIND). */
#ifdef SYS_STOPS_EXCEPTIONS
int sys_stop_exception(int version, int actions, uint64_t language,
                       void *exception, void *context)
{
    enum { SEARCH_PHASE = 1, GIVE_UP = 3, GO_ON = 8 };
    (void)version;
    (void)language;
    (void)exception;
    (void)context;
    return actions & SEARCH_PHASE ? GIVE_UP : GO_ON;
}
#endif
#endif
