/* sys_types.h - the types that sys.h leaves to the system: Windows. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SYS_TYPES_H
#define RONDO_SYS_TYPES_H

/* Without <windows.h>, whose macros shared code must not see. The files that
 * know the real types check the sizes of those that are opaque here: sys.c,
 * iocp.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The library's memory beside that of a loop's allocator. */
#define sys_alloc        malloc
#define sys_alloc_zeroed calloc
#define sys_realloc      realloc
#define sys_free         free

/* A SOCKET or a HANDLE: no two of them share a number. */
typedef uintptr_t sys_fd;
#define SYS_NO_FD (~(sys_fd)0)

/* The program's number of a descriptor. Windows gives negative ones a meaning
 * of their own, such as (HANDLE)-1, the process itself: they are no descriptor.
 */
static inline sys_fd sys_fd_of(intptr_t fd)
{
    return fd < 0 ? SYS_NO_FD : (sys_fd)fd;
}

int64_t sys_recv(sys_fd fd, void *data, size_t size);
int64_t sys_send(sys_fd fd, const void *data, size_t size);

typedef unsigned long sys_thread_id; /* DWORD */
typedef struct sys_mutex {
    void *srw_lock;
} sys_mutex;
typedef struct sys_cond {
    void *condition_variable;
} sys_cond;

void sys_mutex_lock(sys_mutex *m);
void sys_mutex_unlock(sys_mutex *m);

#ifdef _MSC_VER
#define SYS_THREAD_LOCAL __declspec(thread)
#else
#define SYS_THREAD_LOCAL _Thread_local
#endif

/* See src/unix/sys_types.h: an exception passes, and the loop stays busy. */
#define SYS_STOP_EXCEPTIONS() ((void)0)

/* The backends: X(name) for each, the best first. */
#define SYS_BACKENDS(X) X(iocp) X(select)

/* How many datagrams one call receives or sends at most. */
#define SYS_BATCH 1

/* A static object of which each process has one. */
#define SYS_OF_PROCESS(object) (&(object))

/* What sys_pipe_open has found out, and what its thread is at. */
#define SYS_PIPE_MEMBERS                                                       \
    bool socket;                                                               \
    bool overlapped; /* its calls end later */                                 \
    bool blocks;     /* a thread makes its calls */                            \
    bool duplex;                                                               \
    void *thread;    /* HANDLE; NULL: it has not made a call yet */            \
    void *call;      /* its OVERLAPPED that is under way; NULL: none */        \
    long cancelled;  /* its calls end at once */                               \
    uint64_t offset; /* in a file whose calls end later */

/* What identifies a child. */
#define SYS_CHILD_MEMBERS                                                      \
    void *process; /* HANDLE */                                                \
    bool group;    /* it leads a process group of its own */

/* A blocking socket blocks each call. */
#define SYS_NEVER_BLOCKS 0

/* Whether an accepted socket has the options of its listener depends on how it
 * was accepted. */
#define SYS_ACCEPT_INHERITS 0

/* What the kernel writes into while the completion port has an operation
 * (iocp.h): it is a part of the operation, so that starting one takes no
 * memory. `overlapped` is an OVERLAPPED; `file` and `child` are HANDLEs. */
struct sys_op {
    struct {
        void *status, *count;
        uint32_t offset[2];
        void *event;
    } overlapped;
    union {
        void *file;       /* of a sendfile: its own handle of the file */
        uint64_t poll[4]; /* of a wait: afd.c's request and its answer */
        struct {
            void *wait, *port;
            bool posted; /* its packet is in the port, or on its way */
        } child;         /* of a wait for the end of a process */
    } u;
    uint32_t flags; /* enum iocp_flag */
};
#define SYS_OP_MEMBERS struct sys_op sys;

#endif
