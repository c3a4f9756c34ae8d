/* filter.h - the layers under a protocol: a stack between it and the kernel. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_STREAM_FILTER_H
#define RONDO_STREAM_FILTER_H

#include "stream/stream.h"

struct rondo_layer {
    rondo_transport *t;
    const rondo_filter *filter;
    void *self;
    /* the filter's; or, where it has none, bytes pass as they are */
    int (*received)(rondo_layer *layer, void *self, const void *data,
                    size_t size);
    int (*write)(rondo_layer *layer, void *self, const void *data, size_t size);
    rondo_layer *below; /* NULL: the kernel */
    rondo_layer *above; /* NULL: the protocol; set when that one is started */
    rondo_done_fn done; /* NULL once it was called */
    void *arg;
    bool started, ready;
    bool ended; /* it has delivered the end */
};

/* Told once: 0, all layers are ready, or why there is no connection. It makes
 * the connection, or refuses it with stream_fail. */
typedef void (*filters_done_fn)(rondo_transport *t, void *arg, int error);

/* A stream's stack. Bytes that were received go up from `bottom`, bytes to be
 * sent go down from `top`. Both ends are the stream's: held bytes above, the
 * write queue below. */
struct filters {
    rondo_layer *top;    /* the last one pushed */
    rondo_layer *bottom; /* the first one that was started; NULL: none yet */
    struct buf pending;  /* written by the program before all are ready */
    filters_done_fn done;
    void *arg;
    int64_t handshake_ns; /* RONDO_NEVER: no limit */
    rondo_id timer;       /* the handshake's, then the shutdown's */
    size_t unsent;        /* when that timer was started */
    bool start_due;       /* the next layer has to be started */
    bool eof_below;       /* the kernel has told the end */
    bool shutdown_sent;   /* the layers have said that no more is sent */
    bool lingers;         /* closing: what the peer still sends is dropped */
    bool linger_over;     /* ... and that has taken long enough */
    size_t lingered;      /* bytes dropped so */
    bool holds_eof;       /* an end waits behind the held bytes */
    bool writing;         /* the first of pending is being written */
    int why_error;
    char why[256]; /* a layer's own words for that error */
};

static inline struct filters *filters_of(const rondo_transport *t)
{
    return t->extra->filters;
}

enum { FILTER_HANDSHAKE_S = 60 };

/* Whoever makes connections asks this after `setup`; filters there have to get
 * ready before `done` makes a connection of it. */
void filters_wait(rondo_transport *t, int64_t handshake_ns,
                  filters_done_fn done, void *arg);

/* ---- for stream_*.c, where t->filtered is set ---- */

bool filters_read(const rondo_transport *t);
static inline rondo_layer *filters_bottom(const rondo_transport *t)
{
    return t->extra->filters->bottom;
}
void filters_eof_received(rondo_transport *t);
/* The protocol cannot be told of the end yet; and now it can. */
void filters_hold_eof(rondo_transport *t);
void filters_deliver_eof(rondo_transport *t);

/* As the program's calls; the arguments have been checked. */
int filters_take(rondo_transport *t, const void *data, size_t size);
/* The same where all are ready. */
int filters_write(rondo_transport *t, const void *data, size_t size);
int filters_writev(rondo_transport *t, const rondo_buffer *buffers,
                   size_t count);
int filters_write_owned(rondo_transport *t, struct chunk *chunk);
size_t filters_pending(const rondo_transport *t);
void filters_drop_pending(rondo_transport *t);
void filters_release(rondo_transport *t);

/* Before the transport ends, the filters have to end their sending side. */
bool filters_delay_end(const rondo_transport *t);
/* A filter has to be started, or to end its sending side. */
bool filters_owe(const rondo_transport *t);
void filters_deliver_owed(rondo_transport *t);
/* Closing, all is sent: the writing side is shut down, and what the peer's
 * protocol still sends is read, since a socket that is closed before answers by
 * a reset, which throws away what was sent. True until the peer ends, too, or
 * has had its time. */
bool filters_linger(rondo_transport *t);
/* It is as if that time were over; false: it does not linger. */
bool filters_stop_lingering(rondo_transport *t);
/* A read's result while it lingers. */
void filters_linger_read(rondo_transport *t, int64_t count);
/* It is over: tells who waits for a handshake; ends each layer. */
void filters_fail(rondo_transport *t);
void filters_free(rondo_transport *t);
const char *filters_why(const rondo_transport *t);

/* ---- for filter.c ---- */

/* All are ready: writes what has waited for that. */
void filters_write_pending(rondo_transport *t);

/* A callback of a layer answered: an error ends the connection. */
COLD void filters_answer(rondo_transport *t, int result);
int layer_eof_received(rondo_layer *layer);

/* These are on the everyday path of a filtered stream. */
static inline int layer_received(rondo_layer *layer, const void *data,
                                 size_t size)
{
    int result = layer->received(layer, layer->self, data, size);
    if (result < 0)
        filters_answer(layer->t, result);
    return result;
}

static inline int layer_write(rondo_layer *layer, const void *data, size_t size)
{
    int result = layer->write(layer, layer->self, data, size);
    if (result < 0)
        filters_answer(layer->t, result);
    return result;
}

static inline int layer_pass_up(rondo_layer *layer, void *self,
                                const void *data, size_t size)
{
    (void)self;
    return rondo_layer_deliver(layer, data, size);
}

static inline int layer_pass_down(rondo_layer *layer, void *self,
                                  const void *data, size_t size)
{
    (void)self;
    return rondo_layer_send(layer, data, size);
}

#endif
