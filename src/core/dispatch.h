/* dispatch.h - the one place that runs the callbacks a handle owes. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_DISPATCH_H
#define RONDO_CORE_DISPATCH_H

#include "core/loop.h"

/* A handle's turn to call its program. What it owes is a word with a bit for
 * each callback. Handles that settle set the bits; the loop tells them, the
 * lowest bit first, and settles the handle again after each one. */
struct dispatch {
    struct task task; /* on the ready list when something is owed */
};

/* How far a handle has come. It only ever grows. */
enum phase {
    PHASE_OPEN,
    PHASE_CLOSING, /* what waits is sent, then it ends */
    PHASE_ENDING,  /* nothing more is received or sent */
    PHASE_GONE     /* the descriptor is let go; connection_lost is due */
};

/* connection_made: MADE_DUE waits for the handle's turn, or for its filters. */
enum made { MADE_NOT, MADE_DUE, MADE_TOLD };

/* Of a write queue: pause_writing and resume_writing alternate. */
enum flow { FLOW_ON, FLOW_PAUSE_DUE, FLOW_PAUSED };

/* The highest bit of `owed`: the loop is in this handle's dispatch. */
enum { DISPATCH_RUNNING = 1 << 15 };

/* How a kind of handle is dispatched. Its functions are given the handle. */
struct dispatch_class {
    size_t place; /* of the struct dispatch in the handle */
    /* Decides what is outstanding and sets `owed`; runs no code of the
     * program's. */
    void (*settle)(void *handle);
    /* Submits the operations that are outstanding, once for all the callbacks
     * of a dispatch. NULL: it has none. */
    void (*submit)(void *handle);
    /* By bit: calls the program. The bit is cleared before. */
    void (*const *tell)(void *handle);
    /* Bits that could go on for ever: told once in the handle's own turn, and
     * not in the dispatch of an operation. */
    uint16_t bounded;
    /* The last callbacks: after one the handle is not touched. It is freed, or
     * another thread's. */
    uint16_t last;
};

static inline void dispatch_init(struct dispatch *d,
                                 void (*run)(rondo_loop *loop,
                                             struct task *task))
{
    d->task = (struct task){.done = run};
}

static inline bool dispatch_runs(const struct dispatch *d)
{
    return d->task.owed & DISPATCH_RUNNING;
}

/* An operation of the handle's is done: until dispatch_end nothing is put off
 * to a later turn. */
static inline void dispatch_begin(struct dispatch *d)
{
    d->task.owed |= DISPATCH_RUNNING;
}

/* Ends a dispatch without telling anything; the handle is to settle, and what
 * it owes gets a turn. */
static inline void dispatch_leave(struct dispatch *d)
{
    assert(dispatch_runs(d));
    d->task.owed &= (uint16_t)~DISPATCH_RUNNING;
}

/* The fast path's dispatch_end: nothing has changed, nothing is owed. */
static inline void dispatch_end_quietly(struct dispatch *d)
{
    assert(d->task.owed == DISPATCH_RUNNING);
    dispatch_leave(d);
}

static inline unsigned dispatch_owed(const struct dispatch *d)
{
    return d->task.owed & ~(unsigned)DISPATCH_RUNNING;
}

static inline void dispatch_owe(struct dispatch *d, unsigned bits)
{
    d->task.owed |= (uint16_t)bits;
}

/* Of the bits in `mask`, those in `bits` are owed and the others are not. */
static inline void dispatch_set(struct dispatch *d, unsigned mask,
                                unsigned bits)
{
    d->task.owed = (uint16_t)((d->task.owed & ~mask) | bits);
}

/* What every change of a handle ends with: settles it. Outside a dispatch what
 * is outstanding is submitted, and what is owed gets the handle a turn in the
 * next iteration. */
void dispatch_settle(const struct dispatch_class *class, rondo_loop *loop,
                     void *handle);
/* Inside a dispatch: tells those of `mask` that are owed, and settles. */
void dispatch_some(const struct dispatch_class *class, void *handle,
                   unsigned mask);
/* Tells what is owed until nothing is, and settles. May free the handle. */
void dispatch_end(const struct dispatch_class *class, rondo_loop *loop,
                  void *handle);
/* The handle's own turn: what its task's done calls. */
void dispatch_turn(const struct dispatch_class *class, rondo_loop *loop,
                   struct task *task);

#endif
