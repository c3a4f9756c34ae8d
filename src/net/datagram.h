/* datagram.h - a datagram endpoint's parts, shared by datagram*.c. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_DATAGRAM_H
#define RONDO_NET_DATAGRAM_H

#include "core/dispatch.h"
#include "core/op.h"
#include "core/part.h"

/* The callbacks that are owed, in the order in which they run. */
enum datagram_owed {
    DATAGRAM_OWED_MADE,
    DATAGRAM_OWED_ERROR, /* error_received: owed_error */
    DATAGRAM_OWED_PAUSE,
    DATAGRAM_OWED_RESUME,
    DATAGRAM_OWED_LOST,
    DATAGRAM_OWED
};

/* A datagram that waits. Its address and then its bytes follow the record; they
 * never move. */
struct datagram_record {
    size_t size;
    uint32_t to_size;
    uint32_t state; /* enum datagram_record_state */
};

enum datagram_record_state {
    RECORD_READY,
    RECORD_HELD, /* its destination is full, says this pass: queue_hold */
    RECORD_GONE  /* it has left, and others before it have not */
};

/* Some records, of which at least one is not GONE; they begin behind it. */
struct datagram_block {
    struct datagram_block *next;
    size_t begin, end, room; /* of the bytes behind this */
};

/* The datagrams that wait to be sent, in order. One empty block is kept, so
 * that a queue that fills and empties allocates nothing. */
struct datagram_queue {
    struct datagram_block *first, **last, *spare;
    bool odd; /* some are HELD, or GONE behind others that wait */
    size_t count;
    size_t size; /* bytes, with DATAGRAM_OVERHEAD for each */
};

enum { DATAGRAM_OVERHEAD = 32 };

/* The buffers that one batch is received into. */
struct datagram_room {
    struct sys_received slot[SYS_BATCH];
};

/* PART_DATAGRAM's state. */
struct datagram_state {
    struct datagram_room *room; /* NULL: no datagram has come yet */
};

struct rondo_datagram {
    struct handle handle;
    struct io io;
    struct op receive, send;
    struct dispatch dispatch;
    rondo_loop *loop;
    const rondo_datagram_protocol *protocol;
    void *self;
    struct datagram_queue queue;
    struct sys_outgoing
        under_way; /* what `send` points at while it is pending */
    size_t high, low;
    struct datagram_room *room; /* NULL: the loop's is large enough */
    size_t receive_size;
    size_t most;         /* bytes of the largest datagram */
    unsigned batch;      /* datagrams that it asks for at a time */
    unsigned char phase; /* enum phase */
    unsigned char made;  /* enum made */
    unsigned char flow;  /* enum flow */
    bool gathers;        /* datagram_send queues until the batch is delivered */
    bool connected;
    bool deaf;           /* receiving has been shut down: nothing more comes */
    bool by_destination; /* each destination is full for itself: unix sockets */
    rondo_id retry;      /* a timer that sending waits for; 0: none */
    int error, owed_error; /* connection_lost's; error_received's */
    int64_t os_error, owed_os_error;
    rondo_address local, peer;
    struct sys_file file; /* of a unix socket, to be removed at the end */
    uint64_t unsent;      /* queued, and then refused */
};

/* ---- life: datagram.c ---- */

/* An endpoint without a socket. NULL: out of memory. */
rondo_datagram *datagram_new(rondo_loop *loop,
                             const rondo_datagram_protocol *protocol,
                             void *self);
/* Frees an endpoint that has not begun. Its socket stays open. */
void datagram_discard(rondo_datagram *d);
/* It becomes a live handle, and owes connection_made. */
void datagram_begin(rondo_datagram *d);
/* Decides what is outstanding and owed. Never calls the program. Every public
 * call ends with it. */
void datagram_settle(rondo_datagram *d);
/* Ends the dispatch: runs the callbacks that are owed. May free d. */
void datagram_finish(rondo_datagram *d);
/* Something failed and the endpoint lives on: error_received is called now, or
 * owed (now false: inside a call of the program). The system's code is the
 * thread's last. */
void datagram_tell(rondo_datagram *d, int error, bool now);
/* Ends the endpoint with an error; datagram_settle is to follow. */
void datagram_fail(rondo_datagram *d, int error);
/* Whether an error concerns the descriptor or the process, so that waiting does
 * not help. */
bool datagram_is_fatal(int error);

/* ---- receiving: datagram_receive.c, sending: datagram_send.c ---- */

void datagram_receive_done(rondo_loop *loop, struct task *task);
void datagram_send_done(rondo_loop *loop, struct task *task);
/* Sends from the queue, as much as one dispatch may. true: the queue is shorter
 * now. `now` is datagram_tell's. */
bool datagram_flush(rondo_datagram *d, bool now);
/* Sends what a callback has gathered so far, before the call changes
 * anything. */
void datagram_commit(rondo_datagram *d);

static inline bool datagram_receives(const rondo_datagram *d)
{
    return d->made == MADE_TOLD && d->phase == PHASE_OPEN && !d->deaf;
}

/* The queue may be sent now: the kernel does not have its first datagram, and
 * sending does not wait for time, or only some destinations do. */
static inline bool datagram_may_flush(const rondo_datagram *d)
{
    return op_is_idle(&d->send) && (!d->retry || d->by_destination);
}

/* ---- the queue: datagram_queue.c ---- */

void queue_init(struct datagram_queue *queue);
/* Appends a copy. false: out of memory, and nothing has changed. */
bool queue_add(rondo_loop *loop, struct datagram_queue *queue,
               const struct sys_outgoing *out);
/* Lists the first datagrams that are not held, at most `most`, and returns how
 * many. */
unsigned queue_peek(const struct datagram_queue *queue,
                    struct sys_outgoing *list, unsigned most);
/* Removes the first `count` that are not held. */
void queue_drop(rondo_loop *loop, struct datagram_queue *queue, unsigned count);
/* Holds all that go where this one goes, until queue_release. */
void queue_hold(struct datagram_queue *queue, const struct sys_outgoing *out);
void queue_release_odd(struct datagram_queue *queue);
static inline void queue_release(struct datagram_queue *queue)
{
    if (queue->odd)
        queue_release_odd(queue);
}
/* Tells whether something waits for that destination. */
bool queue_has(const struct datagram_queue *queue,
               const struct sys_outgoing *out);
void queue_free(rondo_loop *loop, struct datagram_queue *queue);

#endif
