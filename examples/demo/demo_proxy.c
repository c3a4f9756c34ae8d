/* demo_proxy.c - a gibibyte from a source through a proxy to a sink. Source and
 * sink are on a loop of their own, in a thread of their own; the sink rests now
 * and then, so flow control must hold back everybody before it. */
/* SPDX-License-Identifier: MIT */
#include "demo_relay.h"
#include "demo_thread.h"

#include <string.h>

enum {
    BUFFER_MOST = 256 << 10, /* what a write buffer may come to hold */
    GROWTH_MOST_KIB = 16 << 10
};

void relay_see_peak(size_t *peak, const rondo_transport *t)
{
    size_t size = rondo_transport_get_write_buffer_size(t);
    if (size > *peak)
        *peak = size;
}

int relay_listen(rondo_loop *loop, const rondo_server_options *options,
                 const rondo_protocol *protocol, struct relay *relay,
                 rondo_server **server, rondo_address *address)
{
    rondo_server_options here = *options;
    here.host = "127.0.0.1";
    if (rondo_create_server(loop, &here, protocol, relay, server) < 0 ||
        rondo_server_address(*server, 0, address) < 0)
        return demo_fail("%s", rondo_last_error());
    return 0;
}

void relay_ends_ended(rondo_loop *loop, void *arg)
{
    struct relay *relay = arg;
    rondo_cancel(loop, relay->deadline);
    if (relay->proxy_server)
        rondo_server_close(relay->proxy_server);
}

static void pass(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct relay_side *s = self;
    struct relay *relay = s->relay;
    (void)t;
    if (!s->other->t)
        return;
    rondo_transport_write(s->other->t, data, size);
    relay_see_peak(&relay->proxy_peak, s->other->t);
    relay->passed += (int64_t)size;
}

static bool pass_eof(rondo_transport *t, void *self)
{
    struct relay_side *s = self;
    (void)t;
    return s->other->t && rondo_transport_write_eof(s->other->t) == 0;
}

static void pause_other(rondo_transport *t, void *self)
{
    struct relay_side *s = self;
    (void)t;
    s->relay->pauses++;
    if (s->other->t)
        rondo_transport_pause_reading(s->other->t);
}

static void resume_other(rondo_transport *t, void *self)
{
    struct relay_side *s = self;
    (void)t;
    if (s->other->t)
        rondo_transport_resume_reading(s->other->t);
}

static void side_made(rondo_transport *t, void *self)
{
    struct relay_side *s = self;
    s->t = t;
    if (s->other->t)
        rondo_transport_resume_reading(s->other->t);
}

static void side_lost(rondo_transport *t, void *self, int error)
{
    struct relay_side *s = self;
    (void)t;
    s->t = NULL;
    if (s->other->t && error)
        rondo_transport_abort(s->other->t);
    else if (s->other->t)
        rondo_transport_close(s->other->t);
}

static const rondo_protocol proxy_protocol = {
    .connection_made = side_made,
    .data_received = pass,
    .eof_received = pass_eof,
    .pause_writing = pause_other,
    .resume_writing = resume_other,
    .connection_lost = side_lost,
};

static void proxy_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                            int error)
{
    struct relay *relay = arg;
    (void)loop, (void)t;
    if (!error)
        return;
    relay->failed = demo_fail("%s", rondo_last_error());
    if (relay->in.t)
        rondo_transport_abort(relay->in.t);
}

static int proxy_accepts(rondo_server *server, void *arg, rondo_transport *t,
                         const rondo_protocol **protocol, void **self)
{
    struct relay *relay = arg;
    (void)protocol;
    *self = &relay->in;
    rondo_id id = rondo_create_connection(
        rondo_transport_loop(t), RONDO_CONNECT(.address = &relay->sink_address),
        &proxy_protocol, &relay->out, proxy_connected, relay);
    if (id < 0) {
        relay->failed = demo_fail("%s", rondo_last_error());
        return (int)id;
    }
    rondo_server_close(server);
    return rondo_transport_pause_reading(t);
}

void relay_sink_listens(rondo_loop *loop, void *arg)
{
    struct relay *relay = arg;
    relay->failed = relay_listen(
        loop, RONDO_SERVE(.protocol_factory = proxy_accepts), &proxy_protocol,
        relay, &relay->proxy_server, &relay->proxy_address);
    rondo_remote_call(relay->ends_remote,
                      relay->failed ? relay_proxy_gave_up : relay_proxy_listens,
                      relay);
}

static void look(rondo_loop *loop, void *arg)
{
    struct relay *relay = arg;
    long kib = demo_memory_kib();
    (void)loop;
    if (kib > relay->memory_peak_kib)
        relay->memory_peak_kib = kib;
    demo_progress("bytes through the proxy", relay->passed, relay->total);
}

/* The other thread may be stuck, so there is nobody to clean up with. */
static void too_long(rondo_loop *loop, void *arg)
{
    (void)loop, (void)arg;
    demo_fail("the transfer has not ended after a minute");
    exit(1);
}

static int run_both(rondo_loop *loop, struct relay *relay)
{
    demo_thread thread;
    rondo_id looking = rondo_call_every(loop, RONDO_MS(50), look, relay);
    relay->deadline = rondo_call_later(loop, RONDO_SEC(60), too_long, relay);
    if (looking < 0 || relay->deadline < 0)
        return demo_fail("%s", rondo_last_error());
    rondo_set_background(loop, looking, true);
    if (demo_thread_start(&thread, relay_ends_thread, relay) < 0)
        return demo_fail("no thread");
    int result = rondo_loop_run(loop);
    demo_thread_join(thread);
    rondo_remote_release(relay->ends_remote);
    if (result < 0)
        return demo_fail("%s", rondo_last_error());
    return relay->failed ? relay->failed : relay->ends_failed;
}

static int account(const struct relay *relay, int64_t took_ns)
{
    long growth = relay->memory_peak_kib - relay->memory_first_kib;
    demo_say("  %s bytes from a source through a proxy to a sink, on two loops "
             "in two threads: all as sent, %s MiB a second",
             demo_count(relay->received),
             demo_count(demo_rate(relay->received, took_ns) >> 20));
    demo_say("  the sink rested %s times, the proxy was paused %s times; most "
             "ever buffered: source %s bytes, proxy %s bytes",
             demo_count(relay->rests), demo_count(relay->pauses),
             demo_count((int64_t)relay->source_peak),
             demo_count((int64_t)relay->proxy_peak));
    if (relay->memory_first_kib)
        demo_say("  the process grew by %s KiB meanwhile", demo_count(growth));
    if (relay->source_peak > BUFFER_MOST || relay->proxy_peak > BUFFER_MOST)
        return demo_fail("a write buffer grew over %s bytes",
                         demo_count(BUFFER_MOST));
    if (relay->memory_first_kib && growth > GROWTH_MOST_KIB)
        return demo_fail("the process grew by more than %s KiB",
                         demo_count(GROWTH_MOST_KIB));
    return 0;
}

static unsigned char *make_content(void)
{
    unsigned char *content = malloc(RELAY_PERIOD + RELAY_CHUNK);
    uint32_t random = 2463534242;
    for (size_t i = 0; content && i < RELAY_PERIOD; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        content[i] = (unsigned char)random;
    }
    if (content)
        memcpy(content + RELAY_PERIOD, content, RELAY_CHUNK);
    return content;
}

int demo_proxy(struct demo *demo)
{
    unsigned char *content = make_content();
    struct relay relay = {.demo = demo,
                          .content = content,
                          .total = (INT64_C(1) << 30) / demo->divisor,
                          .in = {&relay, &relay.out, NULL},
                          .out = {&relay, &relay.in, NULL}};
    rondo_loop *loop = demo_loop(demo);
    int result = -1;
    if (loop)
        relay.proxy_remote = rondo_loop_remote(loop);
    if (relay.proxy_remote && content) {
        demo_say("proxy");
        relay.memory_first_kib = relay.memory_peak_kib = demo_memory_kib();
        int64_t before = demo_now();
        result = run_both(loop, &relay);
        if (result == 0)
            result = account(&relay, demo_now() - before);
    }
    rondo_remote_release(relay.proxy_remote);
    if (loop)
        rondo_loop_close(loop);
    free(content);
    return result;
}
