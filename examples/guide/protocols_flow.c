/* protocols_flow.c - a sender that waits for a slow receiver. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 16 << 10, TOTAL = 64 << 20 };

struct sender {
    size_t written, most; /* bytes; the most that ever waited */
    unsigned pauses;
    bool paused;
    rondo_transport *peer; /* the receiver, who begins paused */
};

/* Writes until the buffer is full or all is written. */
static void produce(struct sender *s, rondo_transport *t)
{
    static char piece[PIECE];
    while (!s->paused && s->written < TOTAL) {
        int result = rondo_transport_write(t, piece, PIECE);
        if (result < 0)
            return; /* connection_lost follows */
        s->written += PIECE;
        s->paused = result == 1; /* resume_writing will come */
        size_t waits = rondo_transport_get_write_buffer_size(t);
        if (waits > s->most)
            s->most = waits;
    }
    if (s->written == TOTAL)
        rondo_transport_close(t);
}

static void made(rondo_transport *t, void *self)
{
    produce(self, t);
}

static void pause_writing(rondo_transport *t, void *self)
{
    struct sender *s = self;
    (void)t;
    s->pauses++;
    if (s->peer)
        rondo_transport_resume_reading(s->peer);
}

static void resume_writing(rondo_transport *t, void *self)
{
    struct sender *s = self;
    s->paused = false;
    produce(s, t);
}

static const rondo_protocol sender = {.connection_made = made,
                                      .pause_writing = pause_writing,
                                      .resume_writing = resume_writing};

struct receiver {
    size_t received;
    struct sender *sender;
};

static void receiver_made(rondo_transport *t, void *self)
{
    struct receiver *r = self;
    r->sender->peer = t;
    if (r->sender->pauses) /* it has filled its buffer already */
        rondo_transport_resume_reading(t);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct receiver *r = self;
    (void)t;
    (void)data;
    r->received += size;
}

static void receiver_lost(rondo_transport *t, void *self, int error)
{
    struct receiver *r = self;
    r->sender->peer = NULL;
    printf("received %zu MiB, error %d\n", r->received >> 20, error);
    rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol receiver = {.connection_made = receiver_made,
                                        .data_received = received,
                                        .connection_lost = receiver_lost};

int main(void)
{
    struct sender s = {0};
    struct receiver r = {0, &s};
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop, RONDO_SERVE(.host = "127.0.0.1", .start_reading = RONDO_OFF),
            &receiver, &r, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &sender, &s, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "protocols_flow: %s\n", rondo_last_error());
        return 1;
    }
    printf("the sender has paused: %s\n", s.pauses ? "yes" : "no");
    printf("more than 64 KiB + one piece waited: %s\n",
           s.most > (64 << 10) + PIECE ? "yes" : "no");
    return rondo_loop_close(loop) < 0;
}
