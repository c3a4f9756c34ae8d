/* sys_types.h - the types that sys.h leaves to the system: Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SYS_TYPES_H
#define RONDO_SYS_TYPES_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef int sys_fd;
#define SYS_NO_FD (-1)

/* The program's word for a descriptor; a number that is none becomes none. */
static inline sys_fd sys_fd_of(intptr_t fd)
{
    return fd < 0 || fd > INT_MAX ? SYS_NO_FD : (sys_fd)fd;
}

typedef pthread_t sys_thread_id;
typedef pthread_mutex_t sys_mutex;
typedef pthread_cond_t sys_cond;

static inline void sys_mutex_lock(sys_mutex *m)
{
    pthread_mutex_lock(m);
}

static inline void sys_mutex_unlock(sys_mutex *m)
{
    pthread_mutex_unlock(m);
}

#define SYS_THREAD_LOCAL _Thread_local

/* The backends: X(name) for each, the best first. */
#if defined(__linux__)
#define SYS_BACKENDS(X) X(epoll) X(poll) X(select)
#elif defined(RONDO_KQUEUE) /* the build knows whether there is one */
#define SYS_BACKENDS(X) X(kqueue) X(poll) X(select)
#else
#define SYS_BACKENDS(X) X(poll) X(select)
#endif

/* How many datagrams one call receives or sends at most. */
#ifndef SYS_BATCH
#ifdef __linux__
#define SYS_BATCH 32
#else
#define SYS_BATCH 1
#endif
#endif

/* What a pipe's other functions have to know of it. */
#define SYS_PIPE_MEMBERS                                                       \
    bool socket, terminal, fifo, file;                                         \
    bool signals; /* writing to it may raise SIGPIPE */                        \
    bool plain;   /* ... and its writes take no flag against that */           \
    bool restore_mode, restore_signal; /* ... to what they were */             \
    int cancel[2]; /* a pipe; what a thread waits for as well, -1: nothing */

/* What a child watcher keeps with a child. */
#define SYS_CHILD_MEMBERS int pidfd; /* -1: none */

/* What a backend keeps in each operation: a readiness backend nothing. */
#define SYS_OP_MEMBERS

#endif
