/* echo_rondo.c - the echo server over Rondo; --mode steady watches what it
 * allocates, --mode buffered reads into its own buffer (get_buffer), --mode NAME
 * picks a backend. */
/* SPDX-License-Identifier: MIT */
#include "serve_rondo.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>

/* --mode steady: allocations are looked at after so many requests, and after
 * so many more. */
enum { STEADY_FROM = 100000, STEADY_REQUESTS = 1000000 };

static size_t in_use;
static uint64_t steady_allocations[2];
static bool steady_seen;

static void *count_malloc(size_t size, void *context)
{
    (void)context;
    void *p = malloc(size);
    in_use += p ? malloc_usable_size(p) : 0;
    return p;
}

static void *count_realloc(void *p, size_t size, void *context)
{
    (void)context;
    size_t before = p ? malloc_usable_size(p) : 0;
    void *moved = realloc(p, size);
    if (moved) {
        in_use += malloc_usable_size(moved) - before;
    }
    return moved;
}

static void count_free(void *p, void *context)
{
    (void)context;
    in_use -= p ? malloc_usable_size(p) : 0;
    free(p);
}

static const rondo_allocator counting = {.malloc_fn = count_malloc,
                                         .realloc_fn = count_realloc,
                                         .free_fn = count_free};

static size_t exact(void)
{
    return in_use;
}

static const rondo_protocol echo = {
    .connection_made = made,
    .data_received = echoed,
    .connection_lost = lost,
};

static void received_steady(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    static uint64_t requests;
    echoed(t, self, data, size);
    requests++;
    if (requests == STEADY_FROM || requests == STEADY_FROM + STEADY_REQUESTS) {
        rondo_loop_metrics metrics = RONDO_LOOP_METRICS_INIT;
        rondo_loop_get_metrics(rondo_transport_loop(t), &metrics);
        steady_seen = requests != STEADY_FROM;
        steady_allocations[steady_seen] = metrics.allocations;
    }
}

static const rondo_protocol echo_steady = {
    .connection_made = made,
    .data_received = received_steady,
    .connection_lost = lost,
};

static char room[4 * RECEIVE_SIZE];

static void *lend(rondo_transport *t, void *self, size_t hint, size_t *size)
{
    (void)t;
    (void)self;
    (void)hint;
    *size = sizeof room;
    return room;
}

static void updated(rondo_transport *t, void *self, size_t size)
{
    echoed(t, self, room, size);
}

static const rondo_protocol echo_buffered = {
    .connection_made = made,
    .get_buffer = lend,
    .buffer_updated = updated,
    .connection_lost = lost,
};

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    serve_options(&serve, argc, argv);
    bool steady = strcmp(serve.mode, "steady") == 0;
    bool buffered = strcmp(serve.mode, "buffered") == 0;
    const rondo_protocol *protocol = steady     ? &echo_steady
                                     : buffered ? &echo_buffered
                                                : &echo;
    options.backend = *serve.mode && !steady && !buffered ? serve.mode : NULL;
    if (serve.idle > 0) {
        options.allocator = &counting;
        serve.exact = exact;
    }
    if (rondo_loop_new(&loop, &options) < 0) {
        fail("loop_new");
    }
    if (rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), protocol,
                            NULL, &server) < 0) {
        fail("create_server");
    }
    serve_run(loop, rondo_server_fd(server, 0));
    if (steady_seen) {
        printf("steady_allocations=%" PRIu64 " ",
               steady_allocations[1] - steady_allocations[0]);
    }
    return serve_end(loop);
}
