/* counter.c - a counter that is kept twice, and its client. */
/* SPDX-License-Identifier: MIT */
/* All that goes over the wire are numbers of four bytes: to a server the number
 * of the request, to a copy the value; the answer is the same number. */
#include "counter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 4000, ANSWER_S = 1, AGAIN_MS = 500 };

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s\n", rondo_last_error());
    abort();
}

static void send_number(rondo_transport *t, unsigned number)
{
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    (void)rondo_transport_write(t, bytes, sizeof bytes);
}

/* Takes one number off the beginning. A part of one stays for the next time. */
static bool take_number(rondo_transport *t, const unsigned char **bytes,
                        size_t *size, unsigned *number)
{
    if (*size < 4) {
        if (*size)
            (void)rondo_transport_unread(t, *bytes, *size);
        return false;
    }
    *number = 0;
    for (int i = 0; i < 4; i++)
        *number |= (unsigned)(*bytes)[i] << 8 * i;
    *bytes += 4;
    *size -= 4;
    return true;
}

/* ---- the server, towards its copy ---- */

static void connect_copy(rondo_loop *loop, void *arg);

static void copy_made(rondo_transport *t, void *self)
{
    struct counter *c = self;
    c->copy = t;
    send_number(t, c->value); /* it may have missed some */
}

static void copy_answers(rondo_transport *t, void *self, const void *data,
                         size_t size)
{
    struct counter *c = self;
    const unsigned char *bytes = data;
    unsigned value;
    while (take_number(t, &bytes, &size, &value))
        if (c->client && value == c->value)
            send_number(c->client, c->last_request);
}

static void copy_lost(rondo_transport *t, void *self, int error)
{
    struct counter *c = self;
    (void)t;
    (void)error;
    c->copy = NULL;
    (void)rondo_call_later(c->loop, RONDO_MS(AGAIN_MS), connect_copy, c);
}

static const rondo_protocol copy_protocol = {.connection_made = copy_made,
                                             .data_received = copy_answers,
                                             .connection_lost = copy_lost};

static void copy_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                           int error)
{
    (void)t;
    if (error)
        (void)rondo_call_later(loop, RONDO_MS(AGAIN_MS), connect_copy, arg);
}

static void connect_copy(rondo_loop *loop, void *arg)
{
    const struct counter *c = arg;
    must(rondo_create_connection(
        loop,
        RONDO_CONNECT(.host = c->copy_host, .port = PORT,
                      .timeout_ns = RONDO_SEC(ANSWER_S)),
        &copy_protocol, arg, copy_connected, arg));
}

/* ---- the server, towards its client ---- */

static void client_made(rondo_transport *t, void *self)
{
    struct counter *c = self;
    c->client = t;
}

static void count(struct counter *c, unsigned request)
{
    if (!c->checks_requests || request != c->last_request)
        c->value++;
    c->last_request = request;
    if (c->copy)
        send_number(c->copy, c->value);
}

static void client_asks(rondo_transport *t, void *self, const void *data,
                        size_t size)
{
    struct counter *c = self;
    const unsigned char *bytes = data;
    unsigned number;
    while (take_number(t, &bytes, &size, &number)) {
        if (c->copy_host) {
            count(c, number);
        } else {
            c->value = number;
            send_number(t, number);
        }
    }
}

static void client_lost(rondo_transport *t, void *self, int error)
{
    struct counter *c = self;
    (void)error;
    if (c->client == t)
        c->client = NULL;
}

static const rondo_protocol client_protocol = {.connection_made = client_made,
                                               .data_received = client_asks,
                                               .connection_lost = client_lost};

void counter_main(void *arg)
{
    struct counter *c = arg;
    must(rondo_loop_new(&c->loop, NULL));
    must(rondo_create_server(c->loop, RONDO_SERVE(.port = PORT),
                             &client_protocol, c, NULL));
    if (c->copy_host)
        connect_copy(c->loop, c);
    (void)rondo_loop_run_forever(c->loop);
    (void)rondo_loop_close(c->loop);
}

/* ---- the client ---- */

static void connect_server(rondo_loop *loop, void *arg);

static void adder_asks(rondo_transport *t, const struct adder *a)
{
    send_number(t, a->answered + 1);
}

static void adder_made(rondo_transport *t, void *self)
{
    must(rondo_transport_set_timeouts(t, RONDO_SEC(ANSWER_S), 0));
    adder_asks(t, self);
}

static void adder_answered(rondo_transport *t, void *self, const void *data,
                           size_t size)
{
    struct adder *a = self;
    const unsigned char *bytes = data;
    unsigned request;
    while (take_number(t, &bytes, &size, &request)) {
        if (request != a->answered + 1)
            continue;
        if (++a->answered == a->wanted)
            rondo_transport_close(t);
        else
            adder_asks(t, a);
    }
}

static void adder_lost(rondo_transport *t, void *self, int error)
{
    const struct adder *a = self;
    (void)t;
    (void)error;
    if (a->answered < a->wanted)
        connect_server(a->loop, self);
}

static const rondo_protocol adder_protocol = {.connection_made = adder_made,
                                              .data_received = adder_answered,
                                              .connection_lost = adder_lost};

static void adder_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                            int error)
{
    (void)t;
    if (error)
        (void)rondo_call_later(loop, RONDO_MS(AGAIN_MS), connect_server, arg);
}

static void connect_server(rondo_loop *loop, void *arg)
{
    const struct adder *a = arg;
    must(rondo_create_connection(
        loop,
        RONDO_CONNECT(.host = a->host, .port = PORT,
                      .timeout_ns = RONDO_SEC(ANSWER_S)),
        &adder_protocol, arg, adder_connected, arg));
}

void adder_main(void *arg)
{
    struct adder *a = arg;
    must(rondo_loop_new(&a->loop, NULL));
    connect_server(a->loop, a);
    (void)rondo_loop_run(a->loop);
    (void)rondo_loop_close(a->loop);
}
