/* sys_types.h - the types that sys.h leaves to the system: the simulated one. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SYS_TYPES_H
#define RONDO_SYS_TYPES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int sys_fd;
#define SYS_NO_FD (-1)

static inline sys_fd sys_fd_of(intptr_t fd)
{
    return fd < 0 || fd > INT_MAX ? SYS_NO_FD : (sys_fd)fd;
}

int64_t sys_recv(sys_fd fd, void *data, size_t size);
int64_t sys_send(sys_fd fd, const void *data, size_t size);

struct sim_thread;

/* Threads that wait, the first first. */
struct sim_queue {
    struct sim_thread *first, *last;
};

/* The number of a simulated thread. No two threads of a world share one. */
typedef unsigned sys_thread_id;
typedef struct sys_mutex {
    struct sim_thread *owner;
    struct sim_queue waiting;
} sys_mutex;
typedef struct sys_cond {
    struct sim_queue waiting;
} sys_cond;

void sys_mutex_lock(sys_mutex *m);
void sys_mutex_unlock(sys_mutex *m);

/* Memory of the host that asks: a crash of it frees all. May fail by a fault. */
#define sys_alloc        sim_alloc
#define sys_alloc_zeroed sim_alloc_zeroed
#define sys_realloc      sim_realloc
#define sys_free         sim_free
void *sim_alloc(size_t size);
void *sim_alloc_zeroed(size_t count, size_t size);
void *sim_realloc(void *p, size_t size);
void sim_free(void *p);

#define SYS_THREAD_LOCAL _Thread_local

#define SYS_STOP_EXCEPTIONS() ((void)0)

/* X(name) for each backend of this build. The first one is the default. */
#define SYS_BACKENDS(X) X(ready) X(done)

#define SYS_NEVER_BLOCKS    1
#define SYS_ACCEPT_INHERITS 1
#define SYS_BATCH           8

/* A static object of which each process has one: each host has its own, zeroed
 * at its start. */
#define SYS_OF_PROCESS(object)                                                 \
    ((__typeof__(object) *)sim_of_process(&(object), sizeof(object)))
void *sim_of_process(const void *object, size_t size);

#define SYS_PIPE_MEMBERS                                                       \
    bool socket, tells, blocks, restores; /* restores its blocking mode */     \
    bool canceled;                        /* the wait of a thread */
/* Members of struct child: its number is enough. */
#define SYS_CHILD_MEMBERS

/* Members of struct op: those of the backend "done". */
struct op;
struct sim_op {
    struct op *next;             /* of those that have ended */
    struct sim_request *request; /* what goes on for it; NULL: it has ended */
    int error;
    size_t count;
    int64_t os_error;
};
#define SYS_OP_MEMBERS struct sim_op sim;

#endif
