/* datagram.h - a datagram endpoint's parts, shared by datagram*.c. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_DATAGRAM_H
#define RONDO_NET_DATAGRAM_H

#include "core/dispatch.h"
#include "core/observe.h"
#include "core/op.h"
#include "core/part.h"

/* The callbacks that are owed, in the order in which they run. */
enum datagram_owed {
    DATAGRAM_OWED_MADE,
    DATAGRAM_OWED_KEPT,  /* datagrams that a pause has kept */
    DATAGRAM_OWED_ERROR, /* error_received: owed_error */
    DATAGRAM_OWED_DONE,  /* of sends that are over */
    DATAGRAM_OWED_PAUSE,
    DATAGRAM_OWED_RESUME,
    DATAGRAM_OWED_LOST,
    DATAGRAM_OWED
};

/* A send that the program wants to hear of. */
struct datagram_sent {
    struct handle handle;
    struct datagram_sent *next; /* in the endpoint's list of those that are
                                   over */
    rondo_datagram *d;
    rondo_id id;
    rondo_done_fn done;
    void *arg;
    int64_t result, os_error;
    bool waits; /* in the queue */
};

/* What few records have. */
struct datagram_extra {
    struct datagram_sent *sent; /* or NULL */
    rondo_datagram_info info;   /* known 0: there is none */
};

/* A datagram that waits. Its address, its bytes and then its extra follow the
 * record; they never move. */
struct datagram_record {
    size_t size;
    uint32_t to_size;
    uint16_t state; /* enum datagram_record_state */
    uint16_t extra; /* 1: there is one; 0 */
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
    bool odd; /* some are HELD, or GONE behind others that wait, or have an
                 extra */
    size_t count;
    size_t size; /* bytes, with DATAGRAM_OVERHEAD for each */
};

enum {
    DATAGRAM_OVERHEAD = 32,
    DATAGRAM_RECEIVE_MOST = 32 /* in one dispatch */
};

/* The buffers that one batch is received into. */
struct datagram_room {
    struct sys_received slot[SYS_BATCH];
};

/* PART_DATAGRAM's state. */
struct datagram_state {
    struct datagram_room *room; /* NULL: no datagram has come yet */
};

/* Why an endpoint does not receive. */
enum datagram_deaf {
    DEAF_SHUT = 1,   /* by shutdown(2): nothing more comes */
    DEAF_PAUSED = 2, /* by the program */
    DEAF_KEPT = 4    /* it has kept some, which are delivered first */
};

/* A datagram that was received and could not be delivered before a pause. Its
 * bytes follow, or they are where get_buffer said. */
struct datagram_kept {
    struct datagram_kept *next;
    struct sys_received received;
    rondo_datagram_info info;
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
    unsigned char deaf;  /* bits of enum datagram_deaf */
    bool special;        /* receives by datagram_special.c */
    bool ahead;          /* the backend receives before it is asked */
    bool sends_later;    /* ... and sends later what callbacks send */
    bool by_destination; /* each destination is full for itself: unix sockets */
    rondo_id retry;      /* a timer that sending waits for; 0: none */
    int error, owed_error; /* connection_lost's; error_received's */
    int64_t os_error, owed_os_error;
    rondo_address local, peer;
    struct sys_file file; /* of a unix socket, to be removed at the end */
    uint64_t unsent;      /* queued, and then refused */
    unsigned wants;       /* RONDO_INFO_... of what is received */
    struct datagram_kept *kept, **kept_last;
    struct datagram_sent *over, **over_last; /* sends, for OWED_DONE */
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
/* As rondo_datagram_abort, with this error. */
void datagram_abort_with(rondo_datagram *d, int error);
/* Whether an error concerns the descriptor or the process, so that waiting does
 * not help. */
bool datagram_is_fatal(int error);

/* ---- receiving: datagram_receive.c, sending: datagram_send.c ---- */

void datagram_receive_done(rondo_loop *loop, struct task *task);
/* Where a batch is received to, and of how many. */
/* For the metrics. */
static inline void datagram_note_received(const rondo_datagram *d,
                                          const struct sys_received *list,
                                          int count)
{
    for (int i = 0; d->loop->metering && i < count; i++)
        observe_received(d->loop, (int64_t)list[i].size);
}

struct sys_received *datagram_receive_slots(rondo_datagram *d,
                                            struct sys_received *one,
                                            unsigned *count);
/* Nothing was received: `got` says why. */
void datagram_receive_failed(rondo_datagram *d, int got, bool first);
/* Sets how many the next batch asks for. true: there may be more. */
bool datagram_receive_adapt(rondo_datagram *d, int got, unsigned asked);
/* As datagram_receive, for what is special. */
int datagram_special_receive(rondo_datagram *d, int left);
/* Keeps what a pause has left of a batch. infos may be NULL; lent: the bytes
 * are the program's memory. */
void datagram_keep(rondo_datagram *d, const struct sys_received *list,
                   const rondo_datagram_info *infos, int count, bool lent);
void datagram_deliver_kept(rondo_datagram *d);
void datagram_free_kept(rondo_datagram *d);
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

/* As a part's hook. */
void datagram_send_unsent(rondo_loop *loop, struct io *io,
                          const struct sys_outgoing *out, int error);
/* A datagram was queued: 0, or 1 if the queue is past the high water mark. */
int datagram_send_queued(rondo_datagram *d);
/* Refuses what cannot be sent; sets the destination of an unconnected
 * endpoint. */
int datagram_send_refuse(const rondo_datagram *d, struct sys_outgoing *out,
                         const rondo_address *to, const char *what);

/* ---- sends with more than bytes: datagram_message.c ---- */

/* The first of the queue, which has an extra. */
int datagram_message_first(rondo_datagram *d, const struct sys_outgoing *first,
                           const struct datagram_extra *extra);
/* The send is over: its done is owed. */
void datagram_sent_over(struct datagram_sent *sent, int64_t result);
void datagram_tell_done(rondo_datagram *d);

/* ---- the queue: datagram_queue.c ---- */

void queue_init(struct datagram_queue *queue);
/* Appends a copy. false: out of memory, and nothing has changed. */
bool queue_add(rondo_loop *loop, struct datagram_queue *queue,
               const struct sys_outgoing *out);
/* The same of a message. sent may be NULL. */
bool queue_add_message(rondo_loop *loop, struct datagram_queue *queue,
                       const struct sys_message *m, struct datagram_sent *sent);
/* Lists the first datagrams that are not held, at most `most`, and returns how
 * many. One with an extra is alone. */
unsigned queue_peek(const struct datagram_queue *queue,
                    struct sys_outgoing *list, unsigned most);
/* The extra of the first that is not held; NULL: it has none. */
const struct datagram_extra *queue_extra_odd(
    const struct datagram_queue *queue);
static inline const struct datagram_extra *queue_extra(
    const struct datagram_queue *queue)
{
    return queue->odd ? queue_extra_odd(queue) : NULL;
}
/* Removes the first `count` that are not held: they have been sent (0), or were
 * dropped because of an error. */
void queue_drop(rondo_loop *loop, struct datagram_queue *queue, unsigned count,
                int error);
/* Removes the one of this send. */
void queue_remove(rondo_loop *loop, struct datagram_queue *queue,
                  const struct datagram_sent *sent);
/* Nothing of it will be sent any more. */
void queue_end(const struct datagram_queue *queue, int error);
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
