/* demo_ends.c - source and sink of demo_proxy.c, on a loop and thread of their
 * own. */
/* SPDX-License-Identifier: MIT */
#include "demo_relay.h"

#include <string.h>

enum { REST_EVERY = 32 << 20 };

static void go_on_reading(rondo_loop *loop, void *arg)
{
    struct relay *relay = arg;
    (void)loop;
    if (relay->sink)
        rondo_transport_resume_reading(relay->sink);
}

static void sink_made(rondo_transport *t, void *self)
{
    struct relay *relay = self;
    relay->sink = t;
    rondo_server_close(relay->sink_server);
}

static bool as_sent(const struct relay *relay, const unsigned char *data,
                    size_t size)
{
    for (int64_t at = relay->received; size > 0;) {
        size_t from = (size_t)(at % RELAY_PERIOD);
        size_t n = size < RELAY_PERIOD - from ? size : RELAY_PERIOD - from;
        if (memcmp(data, relay->content + from, n) != 0)
            return false;
        at += (int64_t)n;
        data += n;
        size -= n;
    }
    return true;
}

static void sink_received(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    struct relay *relay = self;
    int64_t before = relay->received;
    if (!as_sent(relay, data, size)) {
        relay->ends_failed = demo_fail("the content differs after byte %s",
                                       demo_count(relay->received));
        rondo_transport_abort(t);
        return;
    }
    relay->received += (int64_t)size;
    if (before / REST_EVERY != relay->received / REST_EVERY) {
        relay->rests++;
        rondo_transport_pause_reading(t);
        rondo_call_later(rondo_transport_loop(t), RONDO_MS(5), go_on_reading,
                         relay);
    }
}

static void sink_lost(rondo_transport *t, void *self, int error)
{
    struct relay *relay = self;
    (void)t;
    relay->sink = NULL;
    if (relay->ends_failed)
        return;
    if (error)
        relay->ends_failed =
            demo_fail("the sink lost its connection: %s", rondo_last_error());
    else if (relay->received != relay->total)
        relay->ends_failed =
            demo_fail("%s bytes arrived instead of %s",
                      demo_count(relay->received), demo_count(relay->total));
}

static void keep(void *arg)
{
    (void)arg; /* the content lives longer than any write of it */
}

static void source_write(rondo_transport *t, void *self)
{
    struct relay *relay = self;
    int result = 0;
    while (result == 0 && relay->sent < relay->total) {
        int64_t left = relay->total - relay->sent;
        size_t size = left < RELAY_CHUNK ? (size_t)left : RELAY_CHUNK;
        result = rondo_transport_write_owned(
            t, relay->content + relay->sent % RELAY_PERIOD, size, keep, NULL);
        if (result >= 0)
            relay->sent += (int64_t)size;
        relay_see_peak(&relay->source_peak, t);
    }
    if (result >= 0 && relay->sent == relay->total)
        rondo_transport_write_eof(t);
}

static void source_lost(rondo_transport *t, void *self, int error)
{
    struct relay *relay = self;
    (void)t;
    rondo_server_close(relay->sink_server);
    if (error && !relay->ends_failed)
        relay->ends_failed =
            demo_fail("the source lost its connection: %s", rondo_last_error());
}

static bool source_eof(rondo_transport *t, void *self)
{
    (void)t, (void)self;
    return true;
}

static void source_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                             int error)
{
    struct relay *relay = arg;
    (void)loop, (void)t;
    if (!error)
        return;
    relay->ends_failed = demo_fail("%s", rondo_last_error());
    rondo_server_close(relay->sink_server);
}

static const rondo_protocol sink_protocol = {
    .connection_made = sink_made,
    .data_received = sink_received,
    .connection_lost = sink_lost,
};

static const rondo_protocol source_protocol = {
    .connection_made = source_write,
    .eof_received = source_eof,
    .resume_writing = source_write,
    .connection_lost = source_lost,
};

void relay_proxy_listens(rondo_loop *loop, void *arg)
{
    struct relay *relay = arg;
    rondo_id id = rondo_create_connection(
        loop, RONDO_CONNECT(.address = &relay->proxy_address), &source_protocol,
        relay, source_connected, relay);
    if (id < 0)
        source_connected(loop, relay, NULL, (int)id);
}

void relay_proxy_gave_up(rondo_loop *loop, void *arg)
{
    struct relay *relay = arg;
    (void)loop;
    rondo_server_close(relay->sink_server);
}

void relay_ends_thread(void *arg)
{
    struct relay *relay = arg;
    rondo_loop *loop = demo_loop(relay->demo);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    relay->ends_failed = -1;
    if (loop && (relay->ends_remote = rondo_loop_remote(loop)) != NULL)
        relay->ends_failed =
            relay_listen(loop, &options, &sink_protocol, relay,
                         &relay->sink_server, &relay->sink_address);
    if (relay->ends_failed == 0) {
        rondo_remote_call(relay->proxy_remote, relay_sink_listens, relay);
        if (rondo_loop_run(loop) < 0)
            relay->ends_failed = demo_fail("%s", rondo_last_error());
    }
    if (loop)
        rondo_loop_close(loop);
    rondo_remote_call(relay->proxy_remote, relay_ends_ended, relay);
}
