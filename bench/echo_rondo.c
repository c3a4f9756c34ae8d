/* echo_rondo.c - the echo server over Rondo; --mode steady watches what it
 * allocates, --mode buffered reads into its own buffer (get_buffer), --mode embed
 * runs inside a foreign loop of poll(2), --mode sink takes bulk, --mode NAME
 * picks a backend; see `mode_of`. */
/* SPDX-License-Identifier: MIT */
#include "serve_rondo.h"

#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
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

/* ---- with timeouts, as a reader, with a filter ---- */

static void made_timed(rondo_transport *t, void *self)
{
    rondo_transport_set_timeouts(t, RONDO_SEC(60), RONDO_SEC(60));
    made(t, self);
}

static const rondo_protocol echo_timed = {
    .connection_made = made_timed,
    .data_received = echoed,
    .connection_lost = lost,
};

static void read_request(rondo_reader *reader, void *arg, const void *data,
                         size_t size, int error)
{
    if (error < 0) {
        return;
    }
    echoed(rondo_reader_transport(reader), NULL, data, size);
    rondo_read_exactly(reader, serve.size, read_request, arg);
}

static void reader_lost(rondo_transport *t, void *self, int error)
{
    rondo_reader_free(self);
    lost(t, NULL, error);
}

static void connected(rondo_reader *reader, void *arg)
{
    static const rondo_protocol ends = {.connection_lost = reader_lost};
    rondo_reader_set_protocol(reader, &ends, reader);
    made(NULL, NULL);
    rondo_read_exactly(reader, serve.size, read_request, arg);
}

static int push_filter(rondo_transport *t, void *arg)
{
    static const rondo_filter passes = {0};
    (void)arg;
    return rondo_transport_push_filter(t, &passes, NULL, NULL, NULL);
}

/* ---- bulk ---- */

static const rondo_protocol sink;

static void sink_made(rondo_transport *t, void *self)
{
    uint64_t *total = calloc(1, sizeof *total);
    if (!total) {
        serve_die("calloc");
    }
    rondo_transport_set_protocol(t, &sink, total);
    made(t, self);
}

static void sink_received(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    uint64_t *total = self;
    (void)data;
    if (serve_sink(&serve, total, size)) {
        rondo_transport_write(t, total, sizeof *total);
    }
}

static void sink_lost(rondo_transport *t, void *self, int error)
{
    free(self);
    lost(t, NULL, error);
}

static const rondo_protocol sink = {
    .connection_made = sink_made,
    .data_received = sink_received,
    .connection_lost = sink_lost,
};

/* ---- inside a foreign loop ---- */

static int to_ms(int64_t ns)
{
    return ns == RONDO_NEVER      ? -1
           : ns > RONDO_SEC(1000) ? 1000000
                                  : (int)((ns + 999999) / 1000000);
}

static void run_embedded(rondo_loop *loop)
{
    serve_announce((int)rondo_server_fd(server, 0));
    do {
        rondo_loop_wait wait = {.size = sizeof wait};
        if (rondo_loop_prepare(loop, &wait) < 0) {
            fail("loop_prepare");
        }
        struct pollfd p = {.fd = (int)wait.fd, .events = POLLIN};
        (void)poll(&p, 1, to_ms(wait.timeout_ns));
        if (rondo_loop_run_once(loop, 0) < 0) {
            fail("loop_run_once");
        }
    } while (!serve.accepted || serve.clients);
}

/* ---- which of them ---- */

enum mode {
    PLAIN,
    STEADY,
    BUFFERED,
    TIMED,
    READER,
    FILTER,
    EMBED,
    SINK,
    BACKEND
};

static enum mode mode_of(const char *name)
{
    static const char *const names[BACKEND] = {
        [PLAIN] = "",      [STEADY] = "steady", [BUFFERED] = "buffered",
        [TIMED] = "timed", [READER] = "reader", [FILTER] = "filter",
        [EMBED] = "embed", [SINK] = "sink"};
    int mode = PLAIN;
    while (mode < BACKEND && strcmp(names[mode], name) != 0) {
        mode++;
    }
    return (enum mode)mode;
}

static void create_server(rondo_loop *loop, enum mode mode)
{
    static const rondo_protocol *const protocols[] = {[STEADY] = &echo_steady,
                                                      [BUFFERED] =
                                                          &echo_buffered,
                                                      [TIMED] = &echo_timed,
                                                      [SINK] = &sink,
                                                      [BACKEND] = NULL};
    const rondo_protocol *protocol = protocols[mode] ? protocols[mode] : &echo;
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    options.host = "127.0.0.1";
    options.setup = mode == FILTER ? push_filter : NULL;
    if (serve.unix_socket) {
        options.host = NULL;
        options.path = serve_unix_name();
    }
    int error =
        mode == READER
            ? rondo_start_server(loop, &options, 0, connected, NULL, &server)
            : rondo_create_server(loop, &options, protocol, NULL, &server);
    if (error < 0) {
        fail("create_server");
    }
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    serve_options(&serve, argc, argv,
                  "steady buffered timed reader filter embed sink epoll "
                  "io_uring poll select");
    enum mode mode = mode_of(serve.mode);
    options.backend = mode == BACKEND ? serve.mode : NULL;
    if (serve.idle > 0) {
        options.allocator = &counting;
        serve.exact = exact;
    }
    if (rondo_loop_new(&loop, &options) < 0) {
        fail("loop_new");
    }
    create_server(loop, mode);
    if (mode == EMBED) {
        run_embedded(loop);
    } else {
        serve_run(loop, rondo_server_fd(server, 0));
    }
    if (steady_seen) {
        printf("steady_allocations=%" PRIu64 " ",
               steady_allocations[1] - steady_allocations[0]);
    }
    return serve_end(loop);
}
