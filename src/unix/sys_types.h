/* sys_types.h - types and numbers that sys.h leaves to each system: Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SYS_TYPES_H
#define RONDO_SYS_TYPES_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The library's memory beside that of a loop's allocator. */
#define sys_alloc        malloc
#define sys_alloc_zeroed calloc
#define sys_realloc      realloc
#define sys_free         free

typedef int sys_fd;
#define SYS_NO_FD (-1)

/* The descriptor of a number that the program passed; SYS_NO_FD: it cannot be
 * one. */
static inline sys_fd sys_fd_of(intptr_t fd)
{
    return fd < 0 || fd > INT_MAX ? SYS_NO_FD : (sys_fd)fd;
}

/* The RONDO_E... of errno; RONDO_EAGAIN also for EINTR. */
int unix_fail(void);
/* The same of a send on a stream. */
int unix_send_fail(void);

/* Each call passes MSG_DONTWAIT, because a borrowed socket may be blocking and
 * stays so. Linux: inline, since each request of a server makes both calls, and
 * no socket needs SO_NOSIGPIPE. */
#ifdef __linux__
static inline int64_t sys_recv(sys_fd fd, void *data, size_t size)
{
    ssize_t count = recv(fd, data, size, MSG_DONTWAIT);
    if (count > 0)
        return count;
    return count ? unix_fail() : 0;
}

static inline int64_t sys_send(sys_fd fd, const void *data, size_t size)
{
    ssize_t count = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count == (ssize_t)size)
        return count;
    return count < 0 ? unix_send_fail() : count;
}
#else
int64_t sys_recv(sys_fd fd, void *data, size_t size);
int64_t sys_send(sys_fd fd, const void *data, size_t size);
#endif

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

/* In a function that calls the program: an exception that would pass through its
 * frame, of C++ for instance, ends the program where it is thrown, by
 * std::terminate. The unwinder asks the personality routine of each frame, and
 * this one gives up. Such a function must be NOINLINE. Elsewhere it is nothing:
 * the exception passes, and the loop stays busy. */
#if defined(__ELF__) && defined(__GCC_HAVE_DWARF2_CFI_ASM) &&                  \
    (defined(__x86_64__) || defined(__aarch64__))
#define SYS_STOPS_EXCEPTIONS
/* 0x1b: DW_EH_PE_pcrel | DW_EH_PE_sdata4 */
#define SYS_STOP_EXCEPTIONS()                                                  \
    __asm__ volatile(".cfi_personality 0x1b, %c0" : : "i"(sys_stop_exception))
__attribute__((visibility("hidden"))) int sys_stop_exception(int version,
                                                             int actions,
                                                             uint64_t language,
                                                             void *exception,
                                                             void *context);
#else
#define SYS_STOP_EXCEPTIONS() ((void)0)
#endif

/* X(name) for each backend of this build. The first one is the default. */
#if defined(__linux__)
#define SYS_BACKENDS(X) X(epoll) X(io_uring) X(poll) X(select)
#elif defined(RONDO_KQUEUE)
#define SYS_BACKENDS(X) X(kqueue) X(poll) X(select)
#else
#define SYS_BACKENDS(X) X(poll) X(select)
#endif

/* sys_recv, sys_send and what they do for datagrams never block, and a socket
 * needs no preparation for them. macOS: SO_NOSIGPIPE (net.c). */
#ifdef __APPLE__
#define SYS_NEVER_BLOCKS 0
#else
#define SYS_NEVER_BLOCKS 1
#endif

/* An accepted socket has the options of its listener. */
#define SYS_ACCEPT_INHERITS 1

/* The largest number of datagrams that one call receives or sends. */
#ifndef SYS_BATCH
#ifdef __linux__
#define SYS_BATCH 32
#else
#define SYS_BATCH 1
#endif
#endif

/* A static object of which each process has one. */
#define SYS_OF_PROCESS(object) (&(object))

/* Members of struct sys_pipe. */
#define SYS_PIPE_MEMBERS                                                       \
    bool socket, terminal, fifo, file;                                         \
    bool signals; /* a write may raise SIGPIPE */                              \
    bool plain;   /* the kernel does not know RWF_NOSIGNAL */                  \
    bool restore_mode, restore_signal; /* at close: were changed at open */    \
    int cancel[2]; /* a pipe that ends the wait of a thread; -1: none */

/* Members of struct child. */
#define SYS_CHILD_MEMBERS                                                      \
    const struct child_watcher *watcher; /* of this child */                   \
    int pidfd;                           /* -1: none */

/* Members of struct op: none, since a readiness backend needs none. */
#define SYS_OP_MEMBERS

#endif
