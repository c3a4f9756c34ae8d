/* recipe_reconnect.c - a client that connects again, less and less often. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

#define SHORTEST_NS RONDO_MS(5) /* of a real program: 500 ms to 60 s */
#define LONGEST_NS  RONDO_MS(20)

struct client {
    rondo_loop *loop;
    rondo_address at;
    rondo_id next; /* > 0: the timer, or the connect that is under way */
    int64_t most;  /* the next delay is a random part of this */
    rondo_server *server;
    int refused;
};

static void attempt(rondo_loop *loop, void *arg);
static void open_server(struct client *c);

/* "Full jitter": clients that lost the same server come back one by one. */
static void attempt_later(struct client *c)
{
    uint32_t random = 0;
    if (rondo_random(&random, sizeof random) < 0)
        random = UINT32_MAX;
    int64_t delay = c->most / UINT32_MAX * random;
    printf("again within %d ms\n", (int)(c->most / RONDO_MS(1)));
    c->next = rondo_call_later(c->loop, delay, attempt, c);
    c->most = c->most < LONGEST_NS / 2 ? c->most * 2 : LONGEST_NS;
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct client *c = arg;
    (void)loop;
    c->next = 0;
    if (t)
        return;
    printf("%s, ", rondo_error_name(error));
    attempt_later(c);
    if (++c->refused == 4)
        open_server(c); /* which was missing until now */
}

/* Only now is the server known to work: one that accepts and then fails is
 * not to be asked as often as possible. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    (void)t;
    printf("received: %.*s\n", (int)size, (const char *)data);
    c->most = SHORTEST_NS;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t;
    printf("lost (%s), ", error ? rondo_error_name(error) : "closed");
    attempt_later(c);
    rondo_cancel(c->loop, c->next); /* here it ends */
}

static const rondo_protocol protocol = {.data_received = received,
                                        .connection_lost = lost};

static void attempt(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    c->next = rondo_create_connection(
        loop, RONDO_CONNECT(.address = &c->at, .timeout_ns = RONDO_SEC(5)),
        &protocol, c, connected, c);
    if (c->next < 0) { /* no descriptor, no memory: that may pass, too */
        fprintf(stderr, "%s\n", rondo_last_error());
        attempt_later(c);
    }
}

/* ---- the server ---- */

static void greet(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_write(t, "hello", 5);
    rondo_transport_close(t);
    rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol greeting = {.connection_made = greet};

static void open_server(struct client *c)
{
    if (rondo_create_server(
            c->loop, RONDO_SERVE(.addresses = &c->at, .address_count = 1),
            &greeting, NULL, NULL) < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

int main(void)
{
    struct client c = {.most = SHORTEST_NS};
    if (rondo_loop_new(&c.loop, NULL) < 0 ||
        rondo_create_server(c.loop, RONDO_SERVE(.host = "127.0.0.1"), &greeting,
                            NULL, &c.server) < 0 ||
        rondo_server_address(c.server, 0, &c.at) < 0)
        goto failed;
    rondo_server_close(c.server); /* a port where nobody listens */
    attempt(c.loop, &c);
    if (rondo_loop_run(c.loop) < 0)
        goto failed;
    return rondo_loop_close(c.loop) < 0;
failed:
    fprintf(stderr, "recipe_reconnect: %s\n", rondo_last_error());
    return 1;
}
