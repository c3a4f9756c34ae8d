/* recipe_pool.c - a pool of connections: few connections, many requests. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST     2
#define IDLE_NS  RONDO_MS(150) /* of a real program: a minute */
#define REQUESTS 6

/* A request is in one of two places: it waits, or a connection is at it. */
struct request {
    struct request *next;
    const char *text;
};

struct connection {
    struct connection *next;
    struct pool *pool;
    rondo_transport *t;      /* NULL: it connects */
    struct request *request; /* NULL: it is idle */
    rondo_id idle_timer;
};

struct pool {
    rondo_loop *loop;
    rondo_address at;
    struct connection *connections;
    struct request *first, **last;
    int open; /* connections; those that connect, too */
    rondo_id retry;
};

static void work(struct pool *p);

static void send_request(struct connection *c)
{
    struct pool *p = c->pool;
    c->request = p->first;
    p->first = p->first->next;
    if (!p->first)
        p->last = &p->first;
    rondo_cancel(p->loop, c->idle_timer);
    c->idle_timer = 0;
    rondo_transport_printf(c->t, "%s", c->request->text);
}

static void too_long_idle(rondo_loop *loop, void *arg)
{
    struct connection *c = arg;
    (void)loop;
    c->idle_timer = 0;
    printf("an idle connection is closed\n");
    rondo_transport_close(c->t);
}

/* An answer is one byte. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct connection *c = self;
    if (!c->request || size != 1) { /* nobody asked: it is out of step */
        rondo_transport_abort_with(t, RONDO_EPROTO);
        return;
    }
    printf("%s: %c\n", c->request->text, *(const char *)data);
    free(c->request);
    c->request = NULL;
    c->idle_timer = rondo_call_later(c->pool->loop, IDLE_NS, too_long_idle, c);
    work(c->pool);
}

static void drop(struct connection *c, int error)
{
    struct pool *p = c->pool;
    struct connection **i = &p->connections;
    while (*i != c)
        i = &(*i)->next;
    *i = c->next;
    p->open--;
    rondo_cancel(p->loop, c->idle_timer);
    if (c->request) /* perhaps the server has carried it out: do not repeat */
        printf("%s: %s\n", c->request->text, rondo_error_name(error));
    free(c->request);
    free(c);
    work(p); /* there is room for a new connection */
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    drop(self, error ? error : RONDO_EOF);
}

static const rondo_protocol protocol = {.data_received = received,
                                        .connection_lost = lost};

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct connection *c = arg;
    (void)loop;
    if (t) {
        c->t = t;
        work(c->pool);
        return;
    }
    struct pool *p = c->pool;
    if (p->first) { /* one of those that wait gets the error */
        c->request = p->first;
        p->first = p->first->next;
        if (!p->first)
            p->last = &p->first;
    }
    drop(c, error);
}

static void again(rondo_loop *loop, void *arg)
{
    struct pool *p = arg;
    (void)loop;
    p->retry = 0;
    work(p);
}

static void open_connection(struct pool *p)
{
    struct connection *c = calloc(1, sizeof *c);
    if (c)
        c->pool = p;
    if (!c || rondo_create_connection(p->loop, RONDO_CONNECT(.address = &p->at),
                                      &protocol, c, connected, c) <
                  0) { /* no descriptor, no memory: later */
        free(c);
        if (p->retry <= 0)
            p->retry = rondo_call_later(p->loop, RONDO_SEC(1), again, p);
        return;
    }
    c->next = p->connections;
    p->connections = c;
    p->open++;
}

/* Gives what waits to who is idle; opens another connection if none is. */
static void work(struct pool *p)
{
    int connecting = 0, waiting = 0;
    for (struct connection *c = p->connections; c && p->first; c = c->next) {
        if (!c->t)
            connecting++;
        else if (!c->request && !rondo_transport_is_closing(c->t))
            send_request(c);
    }
    for (struct request *r = p->first; r; r = r->next)
        waiting++;
    if (waiting > connecting && p->open < MOST)
        open_connection(p);
}

static void pool_request(struct pool *p, const char *text)
{
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return;
    r->text = text;
    *p->last = r;
    p->last = &r->next;
    work(p);
}

/* ---- a server that answers with the number of the connection ---- */

static rondo_server *server;
static int clients, left;

static int accepted(rondo_server *s, void *arg, rondo_transport *t,
                    const rondo_protocol **p, void **self)
{
    static int answers[MOST];
    (void)s, (void)arg, (void)t, (void)p;
    if (clients == MOST)
        return RONDO_ECANCELED;
    *self = &answers[clients++];
    left++;
    return 0;
}

static void answer(rondo_transport *t, void *self, const void *data,
                   size_t size)
{
    (void)data, (void)size;
    ++*(int *)self;
    rondo_transport_write(t, "+", 1);
}

static void left_server(rondo_transport *t, void *self, int error)
{
    (void)t, (void)self, (void)error;
    if (!--left)
        rondo_server_close(server);
}

static const rondo_protocol serving = {.data_received = answer,
                                       .connection_lost = left_server};

int main(void)
{
    struct pool pool = {.last = &pool.first};
    if (rondo_loop_new(&pool.loop, NULL) < 0 ||
        rondo_create_server(
            pool.loop,
            RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = accepted),
            &serving, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &pool.at) < 0)
        goto failed;
    for (int i = 0; i < REQUESTS; i++)
        pool_request(&pool, "a request");
    if (rondo_loop_run(pool.loop) < 0)
        goto failed;
    printf("%d connections\n", clients);
    return rondo_loop_close(pool.loop) < 0;
failed:
    fprintf(stderr, "recipe_pool: %s\n", rondo_last_error());
    return 1;
}
