/* fuzz_tls.c - TLS over a relay that cuts, changes and adds what it passes on. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "rondo_tls.h"

#include <sys/socket.h>
#include <unistd.h>

enum { CLIENT, SERVER, SIDES };

struct side {
    struct play *play;
    rondo_transport *t;
    rondo_tls_client tls;
    int fd; /* the relay's end of its connection */
    int made, lost;
    size_t received;
};

struct play {
    rondo_loop *loop;
    struct input in;
    struct side side[SIDES];
    bool harmed; /* not passed on as it was */
};

static rondo_loop *loop;
static rondo_tls_context *contexts[SIDES];
static const char words[] = "what is said over TLS";

/* ---- the two ends ------------------------------------------------------- */

static void made(rondo_transport *t, void *self)
{
    struct side *s = self;
    CHECK(s->made++ == 0 && !s->lost);
    s->t = t;
    (void)rondo_transport_write(t, words, sizeof words);
}

/* Whatever arrives has been said, and in this order. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct side *s = self;
    (void)t;
    CHECK(s->made == 1 && !s->lost && s->received + size <= sizeof words);
    CHECK(memcmp(data, words + s->received, size) == 0);
    s->received += size;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct side *s = self;
    (void)t;
    (void)error;
    CHECK(s->made == 1 && s->lost++ == 0);
    s->t = NULL;
}

static const rondo_protocol protocol = {.connection_made = made,
                                        .data_received = received,
                                        .connection_lost = lost};

static void connected(rondo_loop *l, void *arg, rondo_transport *t, int error)
{
    struct side *s = arg;
    (void)l;
    CHECK(!t == (error < 0));
    if (error)
        s->lost++; /* without having been made */
}

static void begin(struct side *s, int which)
{
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    s->fd = fds[0];
    s->tls = (rondo_tls_client){contexts[which], "localhost"};
    rondo_fd fd = fds[1];
    rondo_connect_options o = RONDO_CONNECT_OPTIONS_INIT;
    o.socket = &fd;
    o.setup = which == CLIENT ? rondo_tls_client_setup : rondo_tls_server_setup;
    o.setup_arg = which == CLIENT ? (void *)&s->tls : contexts[which];
    CHECK(rondo_create_connection(loop, &o, &protocol, s, connected, s) > 0);
}

/* ---- the relay ---------------------------------------------------------- */

static void say(struct side *to, const void *bytes, size_t size)
{
    if (to->fd >= 0 && size)
        (void)!send(to->fd, bytes, size, MSG_NOSIGNAL);
}

static void hang_up(struct side *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static void harm(struct play *p, struct side *to, uint8_t *bytes, size_t size)
{
    size_t n, at = input_number(&p->in, size ? size - 1 : 0);
    const uint8_t *more;
    p->harmed = true;
    switch (input_byte(&p->in) % 4) {
    case 0: /* one byte is another one */
        if (size)
            bytes[at] ^= (uint8_t)(1 + input_byte(&p->in) % 255);
        say(to, bytes, size);
        break;
    case 1: /* the rest is missing */
        say(to, bytes, at);
        hang_up(to);
        break;
    case 2: /* something in between */
        say(to, bytes, at);
        more = input_take(&p->in, input_byte(&p->in), &n);
        say(to, more, n);
        say(to, bytes + at, size - at);
        break;
    default: /* twice */
        say(to, bytes, size);
        say(to, bytes, size);
        break;
    }
}

static void pass_on(struct play *p, struct side *from, struct side *to)
{
    uint8_t bytes[20000];
    if (from->fd < 0)
        return;
    ssize_t got = recv(from->fd, bytes, sizeof bytes, 0);
    if (got > 0 && input_byte(&p->in) % 4 == 1) {
        harm(p, to, bytes, (size_t)got);
    } else if (got > 0) {
        /* in two pieces */
        size_t first = input_number(&p->in, (size_t)got);
        say(to, bytes, first);
        if (input_byte(&p->in) % 2)
            CHECK(rondo_loop_run_once(loop, 0) >= 0);
        say(to, bytes + first, (size_t)got - first);
    } else if (got == 0) {
        hang_up(from);
        hang_up(to);
    }
}

/* ---- one play ----------------------------------------------------------- */

static void make_contexts(void)
{
    CHECK(rondo_loop_new(&loop, NULL) == 0);
    CHECK(rondo_tls_context_new(
              &contexts[CLIENT],
              RONDO_TLS(.ca_file = TLS_CERTIFICATES "/ca.pem")) == 0);
    CHECK(rondo_tls_context_new(&contexts[SERVER],
                                RONDO_TLS(.server = true, .certificate_file =
                                                              TLS_CERTIFICATES
                                                          "/valid.pem")) == 0);
}

static void finish(struct play *p)
{
    for (int i = 0; i < SIDES; i++)
        if (!p->harmed) {
            CHECK(p->side[i].made == 1 && !p->side[i].lost);
            CHECK(p->side[i].received == sizeof words);
        }
    for (int i = 0; i < SIDES; i++) {
        hang_up(&p->side[i]);
        if (p->side[i].t)
            rondo_transport_abort(p->side[i].t);
    }
    CHECK(rondo_loop_run(loop) == 0);
    for (int i = 0; i < SIDES; i++)
        CHECK(p->side[i].lost == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct play p = {.in = {bytes, size}};
    if (!loop)
        make_contexts();
    for (int i = 0; i < SIDES; i++) {
        p.side[i].play = &p;
        begin(&p.side[i], i);
    }
    for (int i = 0; i < 30; i++) {
        CHECK(rondo_loop_run_once(loop, 0) >= 0);
        pass_on(&p, &p.side[i % 2], &p.side[!(i % 2)]);
    }
    finish(&p);
    return 0;
}
