/* datagram.h - a datagram endpoint's parts, shared by datagram*.c. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_DATAGRAM_H
#define RONDO_NET_DATAGRAM_H

#include "core/dispatch.h"
#include "core/op.h"
#include "core/part.h"

/* The callbacks that are due, in the order in which they are told. */
enum datagram_owed {
    DATAGRAM_OWED_MADE,
    DATAGRAM_OWED_ERROR, /* error_received: owed_error */
    DATAGRAM_OWED_PAUSE,
    DATAGRAM_OWED_RESUME,
    DATAGRAM_OWED_LOST,
    DATAGRAM_OWED
};

/* One that waits; its bytes follow the address's, and never move. */
struct datagram_record {
    size_t size;
    size_t to_size;
};

struct datagram_block {
    struct datagram_block *next;
    size_t begin, end, room; /* of the bytes behind this */
};

/* What waits to be sent, in order. A block that is used up is kept for the
 * next one, so that a queue that fills and empties allocates nothing. */
struct datagram_queue {
    struct datagram_block *first, **last, *spare;
    size_t count;
    size_t size; /* bytes, with DATAGRAM_OVERHEAD for each */
};

enum { DATAGRAM_OVERHEAD = 32 };

/* Where datagrams are received into, one batch at a time. */
struct datagram_room {
    struct sys_received slot[SYS_BATCH];
};

/* PART_DATAGRAM's state. */
struct datagram_state {
    struct datagram_room *room; /* made with the first datagram that comes */
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
    struct sys_outgoing under_way; /* send's, while it is pending */
    size_t high, low;
    struct datagram_room *room; /* its own; NULL: the loop's will do */
    size_t receive_size;
    size_t most;         /* bytes that one can have */
    unsigned batch;      /* how many it asks for at a time */
    unsigned char phase; /* enum phase */
    unsigned char made;  /* enum made */
    unsigned char flow;  /* enum flow */
    bool gathers;        /* what is sent now leaves at the dispatch's end */
    bool connected;
    rondo_id retry;        /* sending waits for this timer */
    int error, owed_error; /* connection_lost's; error_received's */
    int64_t os_error, owed_os_error;
    rondo_address local, peer;
    struct sys_file file; /* of a unix socket, ours to remove */
};

/* ---- life: datagram.c ---- */

/* An endpoint without a socket. NULL: out of memory. */
rondo_datagram *datagram_new(rondo_loop *loop,
                             const rondo_datagram_protocol *protocol,
                             void *self);
/* It never came to life; its socket is not its. */
void datagram_discard(rondo_datagram *d);
/* From now on it is a live handle; connection_made comes from the loop. */
void datagram_begin(rondo_datagram *d);
/* Decides what is outstanding; runs no code of the program's. Every public
 * call ends with it. */
void datagram_settle(rondo_datagram *d);
/* The dispatch is over: runs the callbacks that are owed, may free d. */
void datagram_finish(rondo_datagram *d);
/* Something failed and the endpoint lives: error_received, now or, from within
 * a call of the program's, later. The system's code is the thread's last. */
void datagram_tell(rondo_datagram *d, int error, bool now);
/* Ends it with an error. */
void datagram_fail(rondo_datagram *d, int error);
/* Is it an error of the descriptor or the process, that no waiting ends? */
bool datagram_is_fatal(int error);

/* ---- receiving: datagram_receive.c, sending: datagram_send.c ---- */

void datagram_receive_done(rondo_loop *loop, struct task *task);
void datagram_send_done(rondo_loop *loop, struct task *task);
/* Sends what waits, as much as one dispatch may; whether anything has left the
 * queue. `now` as of datagram_tell. */
bool datagram_flush(rondo_datagram *d, bool now);
/* What a callback has sent so far leaves before the call goes on. */
void datagram_commit(rondo_datagram *d);

static inline bool datagram_receives(const rondo_datagram *d)
{
    return d->made == MADE_TOLD && d->phase == PHASE_OPEN;
}

/* ---- the queue: datagram_queue.c ---- */

void queue_init(struct datagram_queue *queue);
/* Copies to the end; false: out of memory, and nothing has changed. */
bool queue_add(rondo_loop *loop, struct datagram_queue *queue,
               const struct sys_outgoing *out);
/* The first ones, at most `most`; how many there are. */
unsigned queue_peek(const struct datagram_queue *queue,
                    struct sys_outgoing *list, unsigned most);
/* These many have left. */
void queue_drop(rondo_loop *loop, struct datagram_queue *queue, unsigned count);
void queue_free(rondo_loop *loop, struct datagram_queue *queue);

#endif
