/* reader.c - lines, blocks and pieces: a reader over a transport. */
/* SPDX-License-Identifier: MIT */
#include "stream/reader.h"
#include "base/error.h"
#include "core/observe.h"
#include "stream/stream.h"

#include <string.h>

/* What a read's `done` is told. */
struct reader_answer {
    size_t size;
    int error;
};

/* Room behind the bytes; false: out of memory. What is there is moved to the
 * front only where as much has been taken, so that each byte is
 * moved once. */
static bool reader_make_room(rondo_reader *r, size_t size)
{
    if (r->room - r->start - r->size >= size)
        return true;
    if (r->start >= r->size && r->room - r->size >= size) {
        memmove(r->bytes, r->bytes + r->start, r->size);
        r->start = 0;
        return true;
    }
    size_t room = r->start + r->size + size;
    if (room < 2 * r->room)
        room = 2 * r->room;
    char *bytes = loop_realloc(r->loop, r->bytes, room);
    if (!bytes)
        return false;
    r->bytes = bytes;
    r->room = room;
    return true;
}

static void reader_consume(rondo_reader *r, size_t size)
{
    r->start += size;
    r->size -= size;
    if (!r->size)
        r->start = 0;
}

/* ---- the separator ---- */

/* Knuth, Morris, Pratt: no byte is looked at again, whatever the separator. */
static void reader_learn(rondo_reader *r)
{
    const unsigned char *s = r->separator;
    size_t known = 0;
    r->shorter[0] = 0;
    for (size_t i = 1; i < r->separator_size; i++) {
        while (known && s[i] != s[known])
            known = r->shorter[known - 1];
        if (s[i] == s[known])
            known++;
        r->shorter[i] = known;
    }
}

static bool reader_set_separator(rondo_reader *r, const void *separator,
                                 size_t size)
{
    if (size == r->separator_size && !memcmp(r->separator, separator, size))
        return true;
    if (size > r->separator_room) {
        unsigned char *bytes = loop_realloc(r->loop, r->separator, size);
        if (bytes)
            r->separator = bytes;
        size_t *shorter =
            loop_realloc(r->loop, r->shorter, size * sizeof *shorter);
        if (shorter)
            r->shorter = shorter;
        if (!bytes || !shorter)
            return false;
        r->separator_room = size;
    }
    memcpy(r->separator, separator, size);
    r->separator_size = size;
    reader_learn(r);
    return true;
}

/* True: the separator ends where the search has come to. */
static bool reader_search(rondo_reader *r)
{
    if (r->scanned == r->size)
        return false; /* where there may be no bytes at all */
    const unsigned char *bytes = (unsigned char *)r->bytes + r->start;
    const unsigned char *s = r->separator;
    while (r->scanned < r->size) {
        if (!r->matched) {
            const unsigned char *at =
                memchr(bytes + r->scanned, s[0], r->size - r->scanned);
            r->scanned = at ? (size_t)(at - bytes) : r->size;
            if (!at)
                return false;
        }
        while (r->matched && bytes[r->scanned] != s[r->matched])
            r->matched = r->shorter[r->matched - 1];
        if (bytes[r->scanned] == s[r->matched])
            r->matched++;
        r->scanned++;
        if (r->matched == r->separator_size)
            return true;
    }
    return false;
}

/* ---- what was asked for ---- */

static NOINLINE bool reader_find_until(rondo_reader *r,
                                       struct reader_answer *answer)
{
    bool found = reader_search(r);
    if (r->scanned - r->matched > r->limit) {
        *answer = (struct reader_answer){0, RONDO_ETOOMUCH};
        return true;
    }
    answer->size = r->scanned;
    return found;
}

static bool reader_find(rondo_reader *r, struct reader_answer *answer)
{
    bool found = false;
    *answer = (struct reader_answer){0, 0};
    switch (r->wanted) {
    case NOTHING:
        return false;
    case UNTIL:
        found = reader_find_until(r, answer);
        break;
    case EXACTLY:
        found = r->size >= r->exactly;
        answer->size = r->exactly;
        break;
    case SOME:
        found = r->size > 0;
        answer->size = r->size;
        break;
    }
    if (!found && r->ended)
        *answer = (struct reader_answer){r->size, r->ended};
    return found || r->ended;
}

enum {
    LIMIT_DEFAULT = 65536,
    MOST_READS = 256 /* told in one dispatch */
};

/* ---- telling ---- */

/* Above twice the limit reading pauses, down to the limit it goes on, and
 * whenever a read waits for more, however much is there: a separator may be as
 * long as it likes. */
static void reader_watch_size(rondo_reader *r, bool waits)
{
    if (!r->t)
        return;
    if (!r->paused && !waits && r->size > 2 * r->limit) {
        r->paused = true;
        (void)rondo_transport_pause_reading(r->t);
    } else if (r->paused && (waits || r->size <= r->limit)) {
        r->paused = false;
        (void)rondo_transport_resume_reading(r->t);
    }
}

static COLD void reader_describe(const rondo_reader *r, int error)
{
    if (error == RONDO_ETOOMUCH)
        error_set(error, "read_until: no separator within %zu bytes", r->limit);
    else if (error == RONDO_EOF)
        error_set(error, "read: the end came first, after %zu bytes", r->size);
    else if (r->losing)
        stream_describe_loss(r->losing);
    else
        error_set(error, "read: the connection is lost: %s (%s)",
                  rondo_strerror(error), rondo_error_name(error));
}

static void reader_tell_later(rondo_reader *r)
{
    if (r->task.state != TASK_IDLE)
        return;
    loop_push(r->loop, &r->task);
    loop_nudge(r->loop);
}

static void reader_destroy(rondo_reader *r)
{
    rondo_allocator a = r->allocator;
    void *parts[] = {r->bytes, r->separator, r->shorter, r};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i])
            a.free_fn(parts[i], a.context);
}

/* The bytes stay where they are until `done` returns. */
static void reader_tell(rondo_reader *r, struct reader_answer answer)
{
    rondo_read_fn done = r->done;
    const char *data = r->size ? r->bytes + r->start : "";
    if (answer.error)
        reader_describe(r, answer.error);
    reader_consume(r, answer.size);
    r->wanted = NOTHING;
    r->busy = true;
    OBSERVE_DONE(r->loop, "read", done, r, r->arg, data, answer.size,
                 answer.error);
    r->busy = false;
    if (!r->freed && answer.error == RONDO_EOF && r->closing && r->t)
        rondo_transport_close(r->t);
}

static bool reader_may_tell(const rondo_reader *r)
{
    return !r->drains || !rondo_transport_is_writing_paused(r->t);
}

/* Tells what can be told; false: it was freed meanwhile, and is gone. Before
 * connection_lost that is all there is: no more bytes come. */
static bool reader_pump(rondo_reader *r)
{
    struct reader_answer answer;
    int told = 0;
    while (told < MOST_READS && reader_may_tell(r) && reader_find(r, &answer)) {
        told += !r->losing || !answer.size;
        reader_tell(r, answer);
        if (r->freed) {
            if (r->task.state == TASK_IDLE)
                reader_destroy(r);
            return false;
        }
    }
    bool more = told == MOST_READS && r->wanted != NOTHING;
    reader_watch_size(r, r->wanted != NOTHING && !more && reader_may_tell(r));
    if (more)
        reader_tell_later(r);
    return true;
}

static void reader_run_task(rondo_loop *loop, struct task *task)
{
    rondo_reader *r =
        (rondo_reader *)(void *)((char *)task - offsetof(rondo_reader, task));
    (void)loop;
    if (r->freed)
        reader_destroy(r);
    else
        (void)reader_pump(r);
}

/* ---- its protocol ---- */

static const rondo_protocol nobody;

static void reader_on_made(rondo_transport *t, void *self)
{
    rondo_reader *r = self;
    r->t = t;
    if (r->connected)
        OBSERVE_DONE(r->loop, "connected", r->connected, r, r->connected_arg);
    else if (r->protocol->connection_made)
        OBSERVE_MEMBER(r->loop, t, r->protocol, connection_made, t, r->self);
}

/* Something may be told without more bytes. */
static inline bool reader_may_find(const rondo_reader *r)
{
    return r->size || r->ended || (r->wanted == EXACTLY && !r->exactly);
}

/* Nothing is kept, and what has come is what the read asks for. */
static inline bool reader_asks_for(const rondo_reader *r, size_t size)
{
    return !r->size &&
           (r->wanted == SOME ||
            (r->wanted == EXACTLY && r->exactly == size)) &&
           reader_may_tell(r);
}

/* It is told where the bytes lie, which are lent until `done` returns. */
static void reader_lend(rondo_reader *r, const void *data, size_t size)
{
    assert(!r->paused && !r->ended);
    r->wanted = NOTHING;
    r->busy = true;
    OBSERVE_DONE(r->loop, "read", r->done, r, r->arg, data, size, 0);
    r->busy = false;
    if (r->freed) {
        if (r->task.state == TASK_IDLE)
            reader_destroy(r);
    } else if (reader_may_find(r)) {
        (void)reader_pump(r);
    }
}

static void reader_on_data(rondo_transport *t, void *self, const void *data,
                           size_t size)
{
    rondo_reader *r = self;
    r->t = t;
    if (r->busy) {
        /* a filter that delivers inside the callback's write: what is lent
         * there must not move */
        (void)rondo_transport_unread(t, data, size);
        return;
    }
    if (reader_asks_for(r, size)) {
        reader_lend(r, data, size);
        return;
    }
    if (!reader_make_room(r, size)) {
        error_set(RONDO_ENOMEM, "reader: out of memory");
        rondo_transport_abort_with(t, RONDO_ENOMEM);
        return;
    }
    memcpy(r->bytes + r->start + r->size, data, size);
    r->size += size;
    (void)reader_pump(r);
}

/* The peer has ended its side, but what it has sent may still have to be read
 * and answered: without an eof_received of the program's the connection is
 * closed when the end has been read. */
static bool reader_on_eof(rondo_transport *t, void *self)
{
    rondo_reader *r = self;
    struct reader_hearer last = {r->protocol, r->self};
    r->t = t;
    r->ended = RONDO_EOF;
    r->closing = !last.protocol->eof_received;
    r->last = &last;
    bool alive = reader_pump(r);
    if (alive)
        r->last = NULL;
    if (stream_is_closing(t)) /* the program has heard of it, and ended it */
        return false;
    if (last.protocol->eof_received)
        OBSERVE(t->loop, RONDO_DOES_PROTOCOL, "eof_received",
                last.protocol->eof_received, t,
                alive = last.protocol->eof_received(t, last.self));
    return alive;
}

static void reader_on_pause(rondo_transport *t, void *self)
{
    rondo_reader *r = self;
    if (r->protocol->pause_writing)
        OBSERVE_MEMBER(r->loop, t, r->protocol, pause_writing, t, r->self);
}

static void reader_on_resume(rondo_transport *t, void *self)
{
    rondo_reader *r = self;
    if (r->drains && r->wanted != NOTHING)
        reader_tell_later(r); /* first, since the program may free it */
    if (r->protocol->resume_writing)
        OBSERVE_MEMBER(r->loop, t, r->protocol, resume_writing, t, r->self);
}

static bool reader_on_time(rondo_transport *t, void *self,
                           rondo_direction direction)
{
    rondo_reader *r = self;
    return r->protocol->timed_out &&
           r->protocol->timed_out(t, r->self, direction);
}

/* The read under way hears of it first; connection_lost is the last. */
static void reader_on_lost(rondo_transport *t, void *self, int error)
{
    rondo_reader *r = self;
    struct reader_hearer last = {r->protocol, r->self};
    r->t = NULL;
    r->ended = error ? error : RONDO_EOF;
    r->losing = t;
    r->last = &last;
    if (reader_pump(r)) {
        r->losing = NULL;
        r->last = NULL;
    }
    if (error)
        stream_describe_loss(t);
    if (last.protocol->connection_lost)
        OBSERVE_MEMBER(t->loop, t, last.protocol, connection_lost, t, last.self,
                       error);
}

static const rondo_protocol reader_protocol = {
    .connection_made = reader_on_made,
    .data_received = reader_on_data,
    .eof_received = reader_on_eof,
    .pause_writing = reader_on_pause,
    .resume_writing = reader_on_resume,
    .connection_lost = reader_on_lost,
    .timed_out = reader_on_time};

const rondo_protocol *rondo_reader_protocol(void)
{
    return &reader_protocol;
}

/* ---- the program's calls ---- */

int rondo_reader_new(rondo_loop *loop, size_t limit,
                     const rondo_protocol *protocol, void *self,
                     rondo_reader **reader)
{
    int error = loop_check_create(loop, "reader_new");
    if (error)
        return error;
    if (!reader || limit > READER_LIMIT_MAX)
        return error_set(RONDO_EINVAL, "reader_new: %s",
                         reader ? "an absurd limit" : "nowhere to put it");
    error = LOOP_CHECK_TABLE_OR_NULL(protocol, "reader_new", "protocol");
    if (error)
        return error;
    rondo_reader *r = loop_alloc(loop, sizeof *r);
    *reader = r;
    if (!r)
        return error_set(RONDO_ENOMEM, "reader_new: out of memory");
    *r = (rondo_reader){.task.done = reader_run_task,
                        .loop = loop,
                        .allocator = loop->allocator,
                        .protocol = protocol ? protocol : &nobody,
                        .self = self,
                        .limit = limit ? limit : LIMIT_DEFAULT};
    return 0;
}

/* The transport goes on with the program's protocol, which gets the rest;
 * where there is none, nobody else would ever close it. */
static void reader_leave(rondo_reader *r)
{
    rondo_transport *t = r->t;
    bool alone = r->protocol == &nobody;
    bool kept = !r->size || alone ||
                stream_hold_before(t, r->bytes + r->start, r->size);
    if (r->closing)
        stream_end_again(t);
    stream_set_protocol(t, r->protocol, r->self, true);
    if (alone)
        rondo_transport_close(t);
    else if (r->paused)
        (void)rondo_transport_resume_reading(t);
    if (!kept)
        rondo_transport_abort_with(t, RONDO_ENOMEM);
}

void rondo_reader_free(rondo_reader *reader)
{
    if (!reader || reader->freed)
        return;
    if (reader->t) {
        if (loop_check(reader->loop, "reader_free"))
            return;
        reader_leave(reader);
    }
    reader->freed = true;
    if (!reader->busy && reader->task.state == TASK_IDLE)
        reader_destroy(reader);
}

void rondo_reader_set_drain(rondo_reader *reader, bool on)
{
    if (loop_check(reader ? reader->loop : NULL, "reader_set_drain"))
        return;
    reader->drains = on;
    if (reader->wanted != NOTHING && !reader->busy)
        reader_tell_later(reader);
}

/* A closing loop tells one read; a next one in it would be told for ever. */
static COLD int reader_refuse(const rondo_reader *r, rondo_read_fn done,
                              const char *what)
{
    int error = loop_check_create(r ? r->loop : NULL, what);
    if (error)
        return error;
    if (!done)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    if (r->wanted != NOTHING || r->freed)
        return error_set(RONDO_EBUSY, "%s: a read is under way", what);
    return 0;
}

/* May a read begin? */
static inline int reader_check(const rondo_reader *r, rondo_read_fn done,
                               const char *what)
{
    bool fine = r && loop_is_plain(r->loop) && done && r->wanted == NOTHING &&
                !r->freed;
    return fine ? 0 : reader_refuse(r, done, what);
}

/* Never tells inside this call: what is there already is told from the loop,
 * and inside a `done` right after it. */
static int reader_begin(rondo_reader *r, enum wanted wanted, rondo_read_fn done,
                        void *arg)
{
    r->wanted = wanted;
    r->done = done;
    r->arg = arg;
    r->scanned = r->matched = 0;
    if (reader_may_find(r) && !r->busy)
        reader_tell_later(r);
    return 0;
}

int rondo_read_until(rondo_reader *reader, const void *separator, size_t size,
                     rondo_read_fn done, void *arg)
{
    int error = reader_check(reader, done, "read_until");
    if (error)
        return error;
    if (!separator || !size)
        return error_set(RONDO_EINVAL, "read_until: no separator");
    if (!reader_set_separator(reader, separator, size))
        return error_set(RONDO_ENOMEM, "read_until: out of memory");
    return reader_begin(reader, UNTIL, done, arg);
}

int rondo_read_line(rondo_reader *reader, rondo_read_fn done, void *arg)
{
    int error = reader_check(reader, done, "read_line");
    return error ? error : rondo_read_until(reader, "\n", 1, done, arg);
}

int rondo_read_exactly(rondo_reader *reader, size_t size, rondo_read_fn done,
                       void *arg)
{
    int error = reader_check(reader, done, "read_exactly");
    if (error)
        return error;
    if (size > reader->limit)
        return error_set(RONDO_ETOOMUCH,
                         "read_exactly: %zu bytes, the limit is %zu", size,
                         reader->limit);
    reader->exactly = size;
    return reader_begin(reader, EXACTLY, done, arg);
}

int rondo_read_some(rondo_reader *reader, rondo_read_fn done, void *arg)
{
    int error = reader_check(reader, done, "read_some");
    return error ? error : reader_begin(reader, SOME, done, arg);
}

int rondo_reader_set_protocol(rondo_reader *reader,
                              const rondo_protocol *protocol, void *self)
{
    int error = loop_check(reader ? reader->loop : NULL, "reader_set_protocol");
    if (error)
        return error;
    if (reader->freed)
        return error_set(RONDO_ECLOSED, "reader_set_protocol: it is freed");
    error =
        LOOP_CHECK_TABLE_OR_NULL(protocol, "reader_set_protocol", "protocol");
    if (error)
        return error;
    bool changes = reader->protocol != protocol || reader->self != self;
    rondo_transport *t = reader->t;
    reader->protocol = protocol ? protocol : &nobody;
    reader->self = self;
    if (changes && t && t->flow == FLOW_PAUSED) { /* it hears that, too */
        stream_set_flow(t, FLOW_PAUSE_DUE);
        stream_settle(t);
    }
    if (reader->last)
        *reader->last = (struct reader_hearer){reader->protocol, self};
    return 0;
}

rondo_loop *rondo_reader_loop(const rondo_reader *reader)
{
    return reader ? reader->loop : NULL;
}

rondo_transport *rondo_reader_transport(const rondo_reader *reader)
{
    return reader ? reader->t : NULL;
}

size_t rondo_reader_buffered(const rondo_reader *reader)
{
    return reader ? reader->size : 0;
}
