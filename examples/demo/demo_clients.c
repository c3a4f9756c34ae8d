/* demo_clients.c - as many clients as the backend takes, up to a thousand, each
 * asking an echo server on the same loop a hundred times. */
/* SPDX-License-Identifier: MIT */
#include "demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 1000, REQUESTS = 100, SIZE = 64, OTHERS = 64 };

struct client {
    struct clients *clients;
    int number, answered;
    size_t used;
    char asked[SIZE], answer[SIZE];
};

struct clients {
    struct client *client;
    rondo_server *server;
    int count, connected, left;
    int64_t answered, all, connected_ns;
    int failed;
};

static void echo(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

static const rondo_protocol echo_protocol = {.data_received = echo};

static void ask(rondo_transport *t, struct client *client)
{
    memset(client->asked, '.', SIZE);
    snprintf(client->asked, SIZE, "client %d, request %d", client->number,
             client->answered);
    client->used = 0;
    rondo_transport_write(t, client->asked, SIZE);
}

static void fail(struct clients *clients, const char *why)
{
    if (!clients->failed)
        clients->failed = demo_fail("%s", why);
}

static void made(rondo_transport *t, void *self)
{
    struct client *client = self;
    if (++client->clients->connected == client->clients->count)
        client->clients->connected_ns = demo_now();
    ask(t, client);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *client = self;
    struct clients *clients = client->clients;
    if (size > SIZE - client->used) {
        fail(clients, "an answer is longer than its question");
        rondo_transport_abort(t);
        return;
    }
    memcpy(client->answer + client->used, data, size);
    client->used += size;
    if (client->used < SIZE)
        return;
    if (memcmp(client->asked, client->answer, SIZE) != 0)
        fail(clients, "an answer differs from its question");
    if (++clients->answered % 1024 == 0)
        demo_progress("requests answered", clients->answered, clients->all);
    if (++client->answered < REQUESTS)
        ask(t, client);
    else
        rondo_transport_close(t);
}

static void gone(struct clients *clients, int error)
{
    if (error)
        fail(clients, rondo_last_error());
    if (--clients->left == 0)
        rondo_server_close(clients->server);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *client = self;
    (void)t;
    gone(client->clients, error);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct client *client = arg;
    (void)loop, (void)t;
    if (error)
        gone(client->clients, error);
}

static const rondo_protocol client_protocol = {
    .connection_made = made,
    .data_received = received,
    .connection_lost = lost,
};

/* Two descriptors a client, and some for everything else. */
static int how_many(const rondo_loop *loop, const struct demo *demo)
{
    int64_t count = CLIENTS / demo->divisor + 1;
    int64_t limit = rondo_loop_limit(loop, RONDO_LIMIT_DESCRIPTORS);
    int64_t number = rondo_loop_limit(loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    if (number < limit)
        limit = number;
    if (count > CLIENTS)
        count = CLIENTS;
    return (int)(count < (limit - OTHERS) / 2 ? count : (limit - OTHERS) / 2);
}

static void too_long(rondo_loop *loop, void *arg)
{
    fail(arg, "the clients have not finished after a minute");
    rondo_loop_stop(loop);
}

static int connect_all(rondo_loop *loop, struct clients *clients)
{
    rondo_address address;
    if (rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                            &echo_protocol, NULL, &clients->server) < 0 ||
        rondo_server_address(clients->server, 0, &address) < 0)
        return demo_fail("%s", rondo_last_error());
    for (int i = 0; i < clients->count; i++) {
        struct client *client = &clients->client[i];
        client->clients = clients;
        client->number = i;
        if (rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                    &client_protocol, client, connected,
                                    client) < 0)
            return demo_fail("%s", rondo_last_error());
    }
    return 0;
}

static int run(rondo_loop *loop, struct clients *clients)
{
    int64_t before = demo_now();
    rondo_id deadline =
        rondo_call_later(loop, RONDO_SEC(60), too_long, clients);
    if (deadline < 0)
        return demo_fail("%s", rondo_last_error());
    rondo_set_background(loop, deadline, true);
    if (connect_all(loop, clients) < 0)
        return -1;
    if (rondo_loop_run(loop) < 0)
        return demo_fail("%s", rondo_last_error());
    if (clients->failed)
        return -1;
    if (clients->answered != clients->all)
        return demo_fail("%s requests were answered instead of %s",
                         demo_count(clients->answered),
                         demo_count(clients->all));
    demo_say("  %s clients, connected in %.0f ms; %s requests answered, %s a "
             "second",
             demo_count(clients->count),
             (double)(clients->connected_ns - before) / 1e6,
             demo_count(clients->answered),
             demo_count(demo_rate(clients->answered, demo_now() - before)));
    return 0;
}

int demo_clients(struct demo *demo)
{
    rondo_loop *loop = demo_loop(demo);
    if (!loop)
        return -1;
    demo_say("clients");
    struct clients clients = {.count = how_many(loop, demo)};
    clients.left = clients.count;
    clients.all = (int64_t)clients.count * REQUESTS;
    clients.client = calloc((size_t)clients.count, sizeof *clients.client);
    int result = clients.count <= 0 ? demo_fail("no descriptors to be had")
                 : !clients.client  ? demo_fail("no memory")
                                    : run(loop, &clients);
    clients.left = 0; /* closing the loop tells those that are left */
    clients.failed = -1;
    rondo_loop_close(loop);
    free(clients.client);
    return result;
}
