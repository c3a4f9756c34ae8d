/* model_side.c - one side of a stream: what it hears, and when it may. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 8, SIDES_MOST = 4096 };

unsigned char side_byte(const struct side *s, uint64_t place)
{
    uint64_t number = s->actor.number + 1;
    if (place < HEAD)
        return (unsigned char)(number >> (8 * place));
    return (unsigned char)(number * 31 + place * 7 + (place >> 8));
}

void side_fill(struct side *s, char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)side_byte(s, s->sent + i);
}

struct side *side_new(struct place *p, enum side_kind kind, struct step *step)
{
    static const char *const kinds[SIDE_KINDS] = {
        "client",       "server side",   "unix client", "unix server",
        "group's side", "accepted side", "pipe reader", "pipe writer"};
    struct side *s = model_alloc(sizeof *s);
    if (model.sides == SIDES_MOST)
        abort();
    s->actor = actor_child(step, kinds[kind]);
    s->actor.number = model.sides;
    s->place = p;
    s->kind = kind;
    s->high = 65536;
    s->steps_left = 1 + step_below(step, 14);
    s->protocol = step_below(step, 4);
    model.all_sides[model.sides++] = s;
    return s;
}

/* ---- what is received ---- */

static void side_find_peer(struct side *s)
{
    uint64_t number = 0;
    for (int i = 0; i < HEAD; i++)
        number |= (uint64_t)s->head[i] << (8 * i);
    if (!must(number && number <= model.sides, "side %u: a head of no side",
              s->actor.number))
        return;
    struct side *peer = model.all_sides[number - 1];
    must(peer != s && !s->peer && (!peer->peer || peer->peer == s),
         "side %u hears side %u, which has another peer", s->actor.number,
         peer->actor.number);
    s->peer = peer;
    s->relayed |= peer->relayed;
    if (s->relayed)
        side_has(s, TRAIT_RELAYED);
}

void side_received(struct side *s, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    if (!bytes || !must(size > 0, "no bytes received"))
        return;
    must(!s->eof, "%s %u: bytes after the end", s->actor.kind, s->actor.number);
    for (size_t i = 0; i < size; i++) {
        uint64_t at = s->received++;
        if (at < HEAD) {
            s->head[at] = bytes[i];
            if (at == HEAD - 1)
                side_find_peer(s);
        } else if (s->peer && !must(bytes[i] == side_byte(s->peer, at),
                                    "%s %u: byte %llu is wrong", s->actor.kind,
                                    s->actor.number, (unsigned long long)at)) {
            return;
        }
    }
    /* a write that fails behind a part of its bytes breaks the connection */
    must(!s->peer || model.faults || s->received <= s->peer->sent,
         "%s %u has more than was sent", s->actor.kind, s->actor.number);
}

/* An end in order comes behind all bytes. */
void side_ended(struct side *s)
{
    const struct side *peer = s->peer;
    must(!s->eof, "%s %u: two ends", s->actor.kind, s->actor.number);
    s->eof = true;
    if (!peer || peer->cut || s->resets || model.faults ||
        (s->relayed && model.relays_break))
        return;
    if (peer->filtered && (peer->fails || s->wrote_end))
        return; /* before the filter is ready: it ends without a reset */
    if (s->kind == SIDE_PIPE_READER && (peer->within || peer->fails))
        return; /* a pipe knows no reset */
    must(peer->wrote_end || peer->closed || peer->aborted || peer->resets ||
             peer->place->closing || peer->eof || peer->heard_end ||
             peer->timeouts || peer->leaves,
         "%s %u: the end of %s %u, which has not ended", s->actor.kind,
         s->actor.number, peer->actor.kind, peer->actor.number);
    if (peer->place->closing || peer->timeouts ||
        (peer->aborted && s->kind >= SIDE_UNIX_CLIENT))
        return;
    must(s->received == peer->sent || peer->aborted || peer->resets,
         "%s %u: the end after %llu bytes of %llu of %s %u", s->actor.kind,
         s->actor.number, (unsigned long long)s->received,
         (unsigned long long)peer->sent, peer->actor.kind, peer->actor.number);
}

/* ---- the callbacks ---- */

/* Any callback: may it come now? */
static struct side *side_called(rondo_transport *t, void *self,
                                const char *what)
{
    struct side *s = self;
    must(!s->lost, "%s %u: %s after connection_lost", s->actor.kind,
         s->actor.number, what);
    must(s->made && s->t == t, "%s %u: %s before connection_made",
         s->actor.kind, s->actor.number, what);
    must(rondo_transport_loop(t) == s->place->loop, "%s on another loop", what);
    place_calls(s->place, what, -1);
    return s;
}

/* A callback of what was received. */
static struct side *side_reads(rondo_transport *t, void *self, const char *what)
{
    struct side *s = side_called(t, self, what);
    must(!s->paused, "%s %u: %s while paused", s->actor.kind, s->actor.number,
         what);
    must(!s->closed && !s->cut && !s->aborted, "%s %u: %s after its close",
         s->actor.kind, s->actor.number, what);
    return s;
}

static void tick(struct timer *timer)
{
    struct side *s = timer->arg;
    s->tick = NULL;
    must(!s->lost, "a cancelled timer fires");
    if (!s->moving && s->t) {
        side_act(s, "timer");
        if (!s->lost && !s->tick && s->t && !s->raw && !s->moving)
            side_tick(s);
    }
}

void side_tick(struct side *s)
{
    struct step step;
    (void)step_begin(&step, &s->actor, "tick");
    s->tick =
        timer_start(s->place, RONDO_US(step_below(&step, 20000)), tick, s);
}

static void side_write_head(struct side *s, rondo_transport *t)
{
    char head[HEAD];
    if (s->sent || s->raw)
        return;
    side_fill(s, head, HEAD);
    if (rondo_transport_write(t, head, HEAD) >= 0)
        s->sent = HEAD;
}

void side_writes_early(struct side *s, rondo_transport *t)
{
    side_write_head(s, t);
}

static void made(rondo_transport *t, void *self)
{
    struct side *s = self;
    must(!s->made, "connection_made twice");
    s->made = true;
    s->t = t;
    s->place->open++;
    (void)side_called(t, self, "connection_made");
    side_write_head(s, t);
    side_tick(s);
    side_act(s, "connection_made");
}

static void data(rondo_transport *t, void *self, const void *bytes, size_t size)
{
    struct side *s = side_reads(t, self, "data_received");
    struct step step;
    bool takes = step_begin(&step, &s->actor, "unread");
    if (takes && size > 1 && step_below(&step, 10) == 0) {
        size_t back = 1 + step_below(&step, (unsigned)size - 1);
        if (rondo_transport_unread(t, (const char *)bytes + size - back,
                                   back) == 0) {
            size -= back;
            side_has(s, TRAIT_UNREAD);
        }
    }
    side_received(s, bytes, size);
    side_takes_fds(s, t);
    side_act(s, "data_received");
}

static void *get_buffer(rondo_transport *t, void *self, size_t hint,
                        size_t *size)
{
    struct side *s = side_reads(t, self, "get_buffer");
    struct step step;
    bool acts = step_begin(&step, &s->actor, "get_buffer");
    (void)hint;
    rondo_sim_free(s->room);
    s->room = NULL;
    if (acts && step_below(&step, 8) == 0) {
        side_act(s, "get_buffer");
        if (s->lost || s->detached || s->moving)
            return NULL;
    }
    s->room_size = 1 + step_below(&step, step_below(&step, 2) ? 60 : 9000);
    s->room = host_alloc(s->room_size);
    side_has(s, TRAIT_GET_BUFFER);
    *size = s->room_size;
    return s->room;
}

static size_t get_buffers(rondo_transport *t, void *self, size_t hint,
                          rondo_room *rooms, size_t most)
{
    size_t size;
    char *room = get_buffer(t, self, hint, &size);
    struct side *s = self;
    if (!room)
        return 0;
    must(most >= RONDO_ROOMS, "too few rooms");
    size_t first = size / 3;
    rooms[0] = (rondo_room){room, first};
    rooms[1] = (rondo_room){room + first, size - first};
    side_has(s, TRAIT_GET_BUFFERS);
    return 2;
}

static void updated(rondo_transport *t, void *self, size_t size)
{
    struct side *s = side_called(t, self, "buffer_updated");
    if (!must(s->room && size <= s->room_size, "more than there is room for"))
        return;
    char *room = s->room;
    s->room = NULL;
    side_received(s, room, size);
    rondo_sim_free(room);
    side_takes_fds(s, t);
    side_act(s, "buffer_updated");
}

static bool eof(rondo_transport *t, void *self)
{
    struct side *s = side_reads(t, self, "eof_received");
    struct step step;
    must(!s->heard_end, "two ends");
    s->heard_end = true;
    if (!s->reader && !s->had_reader) /* which tells the end behind its bytes */
        side_ended(s);
    side_act(s, "eof_received");
    if (!step_begin(&step, &s->actor, "eof_received"))
        return false;
    bool goes_on = step_below(&step, 2);
    step_did(&step, "answer", goes_on);
    return goes_on;
}

/* Who goes on has no more than the high limit. (Who hears pause_writing may have
 * less meanwhile: what a callback writes leaves at its end.) */
static void side_check_limits(const struct side *s, const rondo_transport *t)
{
    size_t high, size = rondo_transport_get_write_buffer_size(t);
    rondo_transport_get_write_buffer_limits(t, &high, NULL);
    must(size <= high, "%s %u goes on with %zu bytes, the high limit is %zu",
         s->actor.kind, s->actor.number, size, high);
}

static void pauses(rondo_transport *t, void *self)
{
    struct side *s = side_called(t, self, "pause_writing");
    must(!s->writing_paused, "%s %u: two pause_writing", s->actor.kind,
         s->actor.number);
    s->writing_paused = true;
    must(rondo_transport_is_writing_paused(t), "paused, and not paused");
    side_act(s, "pause_writing");
}

static void resumes(rondo_transport *t, void *self)
{
    struct side *s = side_called(t, self, "resume_writing");
    must(s->writing_paused, "%s %u: resume_writing alone", s->actor.kind,
         s->actor.number);
    s->writing_paused = false;
    must(!rondo_transport_is_writing_paused(t), "resumed, and paused");
    side_check_limits(s, t);
    side_act(s, "resume_writing");
}

static bool timed_out(rondo_transport *t, void *self, rondo_direction direction)
{
    struct side *s = side_called(t, self, "timed_out");
    struct step step;
    (void)direction;
    must(s->timeouts, "timed_out without timeouts");
    side_act(s, "timed_out");
    return step_begin(&step, &s->actor, "timed_out") && step_below(&step, 3);
}

/* ---- the end ---- */

static enum side_ending side_how(const struct side *s, int error)
{
    if (error == RONDO_ECLOSED)
        return ENDED_loop_closed;
    if (error == RONDO_ETIMEDOUT)
        return ENDED_timed_out;
    if (s->by_server)
        return ENDED_by_server;
    if (error == RONDO_ECANCELED)
        return s->cut ? ENDED_close_now : ENDED_abort;
    if (error == 0 && s->closed)
        return s->within ? ENDED_close_within : ENDED_close;
    if (error == 0)
        return ENDED_both_ended;
    return s->aborted && error == s->abort_error ? ENDED_abort_with
                                                 : ENDED_reset;
}

/* A relay ends with its host, which may do so before the sides' own. */
static bool side_relay_may_end(void)
{
    for (unsigned i = 0; i < model.place_count; i++)
        if (model.places[i].ending)
            return true;
    return false;
}

/* Has the side or its peer given reason for that error? */
static bool side_has_reason(const struct side *s, int error)
{
    const struct side *peer = s->peer;
    switch (error) {
    case 0:
        if (s->kind == SIDE_PIPE_WRITER)
            return s->closed || s->wrote_end || peer->leaves || peer->closed ||
                   peer->cut || peer->aborted || peer->timeouts;
        return s->closed || s->eof || s->detached || s->by_server ||
               s->had_reader;
    case RONDO_ECANCELED:
        return s->cut || s->aborted || s->by_server;
    case RONDO_ECLOSED:
        return s->place->closing;
    case RONDO_ETIMEDOUT:
        return s->timeouts || s->within || s->kind == SIDE_GROUP ||
               (s->aborted && s->abort_error == error);
    case RONDO_ECONNRESET:
    case RONDO_EPIPE:
        if (s->aborted && s->abort_error == error)
            return true;
        if (s->relayed && (model.relays_break || side_relay_may_end()))
            return true;
        if (s->adopted && s->wrote_end)
            return true; /* the new transport did not know of it */
        if (s->filtered && (s->eof || s->heard_end || !peer || peer->wrote_end))
            return true; /* a filter that was not ready meets the end */
        return !peer || peer->leaves || peer->timeouts || peer->closed ||
               peer->cut || peer->aborted || peer->resets ||
               peer->place->closing || peer->by_server;
    default:
        return s->aborted && s->abort_error == error;
    }
}

void side_over(struct side *s, int error)
{
    must(!s->lost, "%s %u: connection_lost twice", s->actor.kind,
         s->actor.number);
    s->lost = true;
    s->ending = side_how(s, error);
    if (error && error != RONDO_ETIMEDOUT)
        s->resets = true;
    if (s->over_by && !s->place->closing && model.exact)
        must(rondo_sim_now() <= s->over_by ||
                 rondo_sim_now() <= s->place->awake_at,
             "%s %u is lost %lld ns late", s->actor.kind, s->actor.number,
             (long long)(rondo_sim_now() - s->over_by));
    must(!s->ops, "%s %u: connection_lost before %u dones", s->actor.kind,
         s->actor.number, s->ops);
    must(model.faults || side_has_reason(s, error),
         "%s %u is lost for no reason: %s", s->actor.kind, s->actor.number,
         rondo_error_name(error));
    must(s->place->open > 0, "more ends than connections");
    s->place->open--;
    timer_cancel(s->tick);
    s->tick = NULL;
    rondo_sim_free(s->room);
    s->room = NULL;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct side *s = side_called(t, self, "connection_lost");
    struct step step;
    s->fails = error;
    s->leaves = true;
    must(rondo_transport_is_closing(t), "lost, and not closing");
    must(rondo_transport_fd(t) == RONDO_NO_FD, "lost, and with a descriptor");
    rondo_sim_log("%s %u is lost: %s", s->actor.kind, s->actor.number,
                  rondo_error_name(error));
    if (s->detached && s->raw && error != RONDO_ECLOSED)
        must(error == 0, "lost after detach: %s", rondo_error_name(error));
    if (s->detached) { /* the side goes on with its descriptor */
        must(!s->ops, "dones after detach");
        s->t = NULL;
        return;
    }
    if (step_begin(&step, &s->actor, "connection_lost"))
        side_act(s, "connection_lost");
    side_over(s, error);
    s->t = NULL;
}

#define ALL_BUT_READING                                                        \
    .connection_made = made, .eof_received = eof, .pause_writing = pauses,     \
    .resume_writing = resumes, .connection_lost = lost, .timed_out = timed_out
static const rondo_protocol protocols[] = {
    {ALL_BUT_READING, .data_received = data},
    {ALL_BUT_READING, .get_buffer = get_buffer, .buffer_updated = updated},
    {ALL_BUT_READING, .get_buffers = get_buffers, .buffer_updated = updated},
};

const rondo_protocol *side_protocol(struct side *s)
{
    return &protocols[s->protocol % 3];
}
