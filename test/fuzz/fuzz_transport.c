/* fuzz_transport.c - any calls on two transports that are connected with each
 * other, in and out of their callbacks. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <sys/socket.h>

struct side {
    struct play *play;
    struct side *other;
    rondo_transport *t;
    uint64_t sent, received;
    int made, lost, eofs;
    bool paused, over; /* reading; this side has ended it */
};

struct play {
    rondo_loop *loop;
    struct input in;
    struct side side[2];
    int depth;
    bool harmed; /* what was sent need not arrive any more */
};

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8));
}

static void act(struct side *s);

/* ---- callbacks ---------------------------------------------------------- */

static void now_and_then(struct side *s)
{
    if (s->play->depth < 3 && input_byte(&s->play->in) % 4 == 0)
        act(s);
}

static void made(rondo_transport *t, void *self)
{
    struct side *s = self;
    CHECK(t == s->t && s->made++ == 0 && !s->lost);
    now_and_then(s);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct side *s = self;
    const uint8_t *bytes = data;
    CHECK(t == s->t && s->made == 1 && !s->lost && !s->eofs && size);
    CHECK(!s->paused);
    CHECK(s->received + size <= s->other->sent);
    for (size_t i = 0; i < size; i++)
        CHECK(bytes[i] == pattern(s->received + i));
    if (input_byte(&s->play->in) % 8 == 1) {
        size_t back = input_number(&s->play->in, size);
        if (rondo_transport_unread(t, bytes + size - back, back) == 0)
            size -= back;
    }
    s->received += size;
    now_and_then(s);
}

static bool eof_received(rondo_transport *t, void *self)
{
    struct side *s = self;
    CHECK(t == s->t && s->made == 1 && !s->lost && s->eofs++ == 0);
    now_and_then(s);
    return input_byte(&s->play->in) % 2;
}

static void flow(rondo_transport *t, void *self)
{
    struct side *s = self;
    CHECK(t == s->t && s->made == 1 && !s->lost);
    now_and_then(s);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct side *s = self;
    (void)error;
    CHECK(t == s->t && s->made == 1 && s->lost++ == 0);
    now_and_then(s);
    s->t = NULL;
}

static const rondo_protocol protocol = {
    .connection_made = made,
    .data_received = received,
    .eof_received = eof_received,
    .pause_writing = flow,
    .resume_writing = flow,
    .connection_lost = lost,
};

/* ---- calls -------------------------------------------------------------- */

/* A call that is refused has sent nothing. */
static void write_some(struct side *s, unsigned way)
{
    size_t size = input_number(&s->play->in, way == 2 ? 40000 : 3000);
    uint8_t *bytes = malloc(size + 1);
    int result;
    CHECK(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(s->sent + i);
    const rondo_buffer parts[] = {{bytes, size / 3},
                                  {bytes + size / 3, 0},
                                  {bytes + size / 3, size - size / 3}};
    if (way == 0)
        result = rondo_transport_write(s->t, bytes, size);
    else if (way == 1)
        result = rondo_transport_writev(s->t, parts, 3);
    else
        result = rondo_transport_write_owned(s->t, bytes, size, free, bytes);
    if (result >= 0)
        s->sent += size;
    if (way != 2 || result < 0)
        free(bytes);
}

static void end(struct side *s, unsigned way)
{
    struct play *p = s->play;
    s->over = true;
    if (way == 0) {
        (void)rondo_transport_write_eof(s->t);
        return;
    }
    p->harmed = true; /* the other side may be cut off, too */
    if (way == 1)
        rondo_transport_close(s->t);
    else
        rondo_transport_abort_with(s->t, RONDO_EPROTO);
}

static void act(struct side *s)
{
    struct input *in = &s->play->in;
    if (!s->t)
        return;
    s->play->depth++;
    unsigned what = input_byte(in) % 16;
    if (what < 6)
        write_some(s, what % 3);
    else if (what < 8)
        s->paused = rondo_transport_pause_reading(s->t) == 0 || s->paused;
    else if (what < 11)
        s->paused = rondo_transport_resume_reading(s->t) != 0 && s->paused;
    else if (what == 11)
        (void)rondo_transport_set_write_buffer_limits(
            s->t, input_number(in, 9000), input_number(in, 5000));
    else if (what == 12)
        (void)rondo_transport_set_timeouts(s->t, RONDO_SEC(90), 0);
    else if (what == 13 && input_byte(in) % 8 == 0)
        end(s, input_byte(in) % 3);
    s->play->depth--;
}

/* ---- one play ----------------------------------------------------------- */

static void turn(struct play *p)
{
    CHECK(rondo_loop_run_once(p->loop, 0) >= 0);
}

static void finish(struct play *p)
{
    p->in.size = 0; /* the callbacks do nothing more */
    for (int i = 0; i < 2; i++) {
        struct side *s = &p->side[i];
        if (!s->t)
            continue;
        s->paused = false;
        (void)rondo_transport_resume_reading(s->t);
        (void)rondo_transport_write_eof(s->t);
    }
    CHECK(rondo_loop_run(p->loop) == 0);
    for (int i = 0; i < 2; i++) {
        const struct side *s = &p->side[i];
        CHECK(s->made == 1 && s->lost == 1);
        CHECK(p->harmed || s->received == s->other->sent);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static rondo_loop *loop;
    int fds[2];
    struct play p = {.in = {bytes, size}};
    if (!loop)
        CHECK(rondo_loop_new(&loop, NULL) == 0);
    p.loop = loop;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    for (int i = 0; i < 2; i++) {
        struct side *s = &p.side[i];
        s->play = &p;
        s->other = &p.side[!i];
        CHECK(rondo_connect_accepted_socket(loop, fds[i], &protocol, s,
                                            &s->t) == 0);
    }
    while (p.in.size) {
        unsigned which = input_byte(&p.in);
        if (which % 4 == 3)
            turn(&p);
        else
            act(&p.side[which % 2]);
    }
    finish(&p);
    return 0;
}
