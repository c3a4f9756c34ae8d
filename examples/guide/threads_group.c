/* threads_group.c - a server on several loops, each on a thread. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

enum { LOOPS = 2, CLIENTS = 6 };

struct state {
    rondo_group *group;
    rondo_group_server *server;
    size_t requests[LOOPS]; /* one for each loop: no lock is needed */
    int clients;            /* of the home loop, that have ended */
};

/* ---- on the group's threads; self is the same for all of them ---- */

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct state *s = self;
    int index = rondo_group_index(s->group, rondo_transport_loop(t));
    s->requests[index]++;
    rondo_transport_write(t, data, size);
}

static const rondo_protocol serving = {.data_received = received};

static int64_t requests_of(rondo_loop *loop, size_t index, void *arg)
{
    const struct state *s = arg;
    (void)loop;
    return (int64_t)s->requests[index];
}

/* ---- on the home loop's thread ---- */

static void closed(rondo_loop *loop, void *arg, int64_t result)
{
    const struct state *s = arg;
    (void)loop;
    for (int i = 0; i < LOOPS; i++) /* the threads have ended */
        printf("loop %d: %zu requests\n", i, s->requests[i]);
    printf("the group has ended: %d\n", (int)result);
}

static void summed(rondo_loop *loop, void *arg, int64_t result)
{
    struct state *s = arg;
    (void)loop;
    printf("%d requests on all loops\n", (int)result);
    /* No new clients; those that are there have 10 s; then the threads end. */
    rondo_group_close(s->group, RONDO_SEC(10), closed, s);
}

static void client_made(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_write(t, "hello", 5);
}

static void client_received(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    (void)self;
    (void)data;
    (void)size;
    rondo_transport_close(t);
}

static void client_lost(rondo_transport *t, void *self, int error)
{
    struct state *s = self;
    (void)t;
    (void)error;
    if (++s->clients == CLIENTS) /* a sum of what each loop's thread says */
        rondo_group_each(s->group, requests_of, s, summed, s);
}

static const rondo_protocol client = {.connection_made = client_made,
                                      .data_received = client_received,
                                      .connection_lost = client_lost};

int main(void)
{
    rondo_group_options options = RONDO_GROUP_OPTIONS_INIT;
    struct state s = {0};
    rondo_loop *home;
    rondo_address address;
    options.loops = LOOPS; /* 0: one for each core */
    if (rondo_loop_new(&home, NULL) < 0 ||
        rondo_create_group(home, &options, &s.group) < 0 ||
        rondo_group_serve(s.group, RONDO_SERVE(.host = "127.0.0.1"),
                          RONDO_SPREAD_IN_TURN, &serving, &s, &s.server) < 0 ||
        rondo_group_server_address(s.server, 0, &address) < 0) {
        fprintf(stderr, "threads_group: %s\n", rondo_last_error());
        return 1;
    }
    for (int i = 0; i < CLIENTS; i++)
        if (rondo_create_connection(home, RONDO_CONNECT(.address = &address),
                                    &client, &s, NULL, NULL) < 0)
            fprintf(stderr, "threads_group: %s\n", rondo_last_error());
    if (rondo_loop_run(home) < 0)
        fprintf(stderr, "threads_group: %s\n", rondo_last_error());
    return rondo_loop_close(home) < 0;
}
