/* simulation_sim.c - a client that comes back: tested over an hour, in which
 * its server fails, in milliseconds. simulation bug: with one that does not. */
/* SPDX-License-Identifier: MIT */
#include <rondo_sim.h>
#include <string.h>

enum { PORT = 4000 };

struct client {
    rondo_loop *loop;
    rondo_transport *t; /* NULL: not connected */
    int answers;
    bool tries_once; /* the bug: a connect that fails was the last one */
};

static void must(int64_t result)
{
    rondo_sim_check(result >= 0, "%s", rondo_last_error());
}

/* ---- the program under test: one function runs one host ------------------ */

static void echo(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)self;
    (void)rondo_transport_write(t, data, size);
}

static void server_main(void *arg)
{
    static const rondo_protocol echoing = {.data_received = echo};
    rondo_loop *loop;
    (void)arg;
    must(rondo_loop_new(&loop, NULL));
    must(rondo_create_server(loop, RONDO_SERVE(.port = PORT), &echoing, NULL,
                             NULL));
    (void)rondo_loop_run_forever(loop);
    must(rondo_loop_close(loop));
}

static void ask(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    (void)loop;
    if (c->t)
        (void)rondo_transport_write(c->t, "?", 1);
}

static void made(rondo_transport *t, void *self)
{
    struct client *c = self;
    c->t = t;
    must(rondo_transport_set_timeouts(t, RONDO_SEC(3), 0));
}

static void answered(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)t, (void)data;
    ((struct client *)self)->answers += (int)size;
}

static void connect_again(rondo_loop *loop, void *arg);

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t, (void)error;
    c->t = NULL;
    must(rondo_call_later(c->loop, RONDO_SEC(1), connect_again, c));
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    const struct client *c = arg;
    (void)t;
    if (error && !c->tries_once)
        must(rondo_call_later(loop, RONDO_SEC(1), connect_again, arg));
}

static void connect_again(rondo_loop *loop, void *arg)
{
    static const rondo_protocol asking = {.connection_made = made,
                                          .data_received = answered,
                                          .connection_lost = lost};
    must(rondo_create_connection(loop,
                                 RONDO_CONNECT(.host = "server", .port = PORT,
                                               .timeout_ns = RONDO_SEC(5)),
                                 &asking, arg, connected, arg));
}

static void client_main(void *arg)
{
    struct client *c = arg;
    must(rondo_loop_new(&c->loop, NULL));
    must(rondo_call_every(c->loop, RONDO_SEC(1), ask, c));
    connect_again(c->loop, c);
    (void)rondo_loop_run_forever(c->loop);
    must(rondo_loop_close(c->loop));
}

/* ---- the test ------------------------------------------------------------ */

static int scenario(uint64_t seed, void *bug)
{
    struct client c = {.tries_once = *(bool *)bug};
    rondo_sim_begin(RONDO_SIM(.seed = seed, .link = {.latency_ns = RONDO_MS(5),
                                                     .loss = 0.01}));
    int server = rondo_sim_add_host("server", NULL, server_main, NULL);
    (void)rondo_sim_add_host("client", NULL, client_main, &c);

    rondo_sim_run_for((int64_t)rondo_sim_random(RONDO_SEC(1800)));
    rondo_sim_crash(server); /* its power fails: it says no goodbye */
    rondo_sim_run_for(RONDO_SEC(60));
    rondo_sim_restart(server);
    rondo_sim_run_for(RONDO_SEC(30));

    int before = c.answers;
    rondo_sim_run_for(RONDO_SEC(1800));
    rondo_sim_check(c.answers > before + 1700, "%d answers in half an hour",
                    c.answers - before);
    return rondo_sim_end();
}

int main(int argc, char **argv)
{
    bool bug = argc > 1 && strcmp(argv[1], "bug") == 0;
    return rondo_sim_try(20, scenario, &bug);
}
