/* random_program.c - hosts that do anything at all, by the world's chance. */
/* SPDX-License-Identifier: MIT */
#include "random_program.h"

#include "rondo.h"
#include "rondo_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS = 3, PORT = 1000, CHUNK = 3000, TIME_S = 20, MOST_OPEN = 20 };

struct machine {
    int number;
    rondo_loop *loop;
    rondo_datagram *datagram;
    unsigned open;
    struct random_run *run;
};

static const char *const names[HOSTS] = {"one", "two", "three"};

static unsigned below(unsigned n)
{
    return (unsigned)rondo_sim_random(n);
}

/* ---- a stream: each byte follows from its place ---- */

struct side {
    struct machine *machine;
    uint64_t sent, received;
    unsigned writes_left;
    bool paused;
};

static unsigned char byte_at(uint64_t place)
{
    return (unsigned char)(place * 7 + (place >> 8));
}

static void write_some(rondo_transport *t, struct side *s)
{
    unsigned char bytes[CHUNK];
    unsigned size = 1 + below(below(3) ? 50 : CHUNK);
    for (unsigned i = 0; i < size; i++)
        bytes[i] = byte_at(s->sent + i);
    if (rondo_transport_write(t, bytes, size) == 0)
        s->sent += size;
}

static void end_somehow(rondo_transport *t)
{
    switch (below(4)) {
    case 0:
        rondo_transport_abort(t);
        break;
    case 1:
        rondo_transport_close_now(t);
        break;
    case 2:
        (void)rondo_transport_write_eof(t);
        break;
    default:
        rondo_transport_close(t);
        break;
    }
}

static void act(rondo_transport *t, struct side *s)
{
    if (rondo_transport_is_closing(t))
        return;
    switch (below(8)) {
    case 0:
        if (!s->paused && rondo_transport_pause_reading(t) == 0)
            s->paused = true;
        break;
    case 1:
        end_somehow(t);
        break;
    default:
        if (s->writes_left) {
            s->writes_left--;
            write_some(t, s);
        } else {
            rondo_transport_close(t);
        }
        break;
    }
}

static void side_made(rondo_transport *t, void *self)
{
    struct side *s = self;
    s->machine->open++;
    s->machine->run->connections++;
    (void)rondo_transport_set_timeouts(t, RONDO_SEC(5), RONDO_SEC(5));
    write_some(t, s);
}

static void side_received(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    struct side *s = self;
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        if (!rondo_sim_check(bytes[i] == byte_at(s->received + i),
                             "byte %llu is wrong",
                             (unsigned long long)s->received + i))
            break;
    s->received += size;
    s->machine->run->bytes += size;
    act(t, s);
}

static bool side_eof(rondo_transport *t, void *self)
{
    act(t, self);
    return below(2);
}

static void side_lost(rondo_transport *t, void *self, int error)
{
    struct side *s = self;
    (void)t;
    rondo_sim_log("lost %s", rondo_error_name(error));
    s->machine->open--;
    rondo_sim_free(s);
}

static const rondo_protocol side = {.connection_made = side_made,
                                    .data_received = side_received,
                                    .eof_received = side_eof,
                                    .connection_lost = side_lost};

static struct side *new_side(struct machine *m)
{
    struct side *s = rondo_sim_alloc(sizeof *s);
    if (s) {
        s->machine = m;
        s->writes_left = below(20);
    }
    return s;
}

static int accept_side(rondo_server *server, void *arg, rondo_transport *t,
                       const rondo_protocol **protocol, void **self)
{
    (void)server;
    (void)t;
    *protocol = &side;
    *self = new_side(arg);
    return *self ? 0 : RONDO_ENOMEM;
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)loop;
    (void)t;
    if (error)
        rondo_sim_free(arg);
}

static void connect_somewhere(struct machine *m)
{
    struct side *s = m->open < MOST_OPEN ? new_side(m) : NULL;
    if (!s)
        return;
    rondo_id id;
    if (below(5) == 0)
        id = rondo_create_connection(m->loop, RONDO_CONNECT(.path = "/sock"),
                                     &side, s, connected, s);
    else
        id = rondo_create_connection(m->loop,
                                     RONDO_CONNECT(.host = names[below(HOSTS)],
                                                   .port = PORT,
                                                   .timeout_ns = RONDO_SEC(3)),
                                     &side, s, connected, s);
    if (id < 0)
        rondo_sim_free(s);
    else if (below(10) == 0)
        (void)rondo_cancel(m->loop, id);
}

/* ---- datagrams, jobs, threads ---- */

static void datagram_came(rondo_datagram *d, void *self, const void *data,
                          size_t size, const rondo_address *from,
                          bool truncated)
{
    struct machine *m = self;
    (void)truncated;
    m->run->datagrams++;
    if (size && below(3) == 0)
        (void)rondo_datagram_send(d, data, size - 1, from);
}

static void datagram_lost(rondo_datagram *d, void *self, int error)
{
    struct machine *m = self;
    (void)error;
    if (m->datagram == d)
        m->datagram = NULL;
}

static const rondo_datagram_protocol datagrams = {
    .datagram_received = datagram_came, .connection_lost = datagram_lost};

static void send_datagram(struct machine *m)
{
    rondo_address to;
    char ip[32];
    snprintf(ip, sizeof ip, "10.0.0.%u", 1 + below(HOSTS));
    if (m->datagram && rondo_address_parse(&to, ip, PORT) == 0)
        (void)rondo_datagram_send(m->datagram, ip, below(30), &to);
}

static int64_t work(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    if (below(2))
        (void)rondo_sim_sleep((int64_t)below(1000000));
    return below(100);
}

static void worked(rondo_loop *loop, void *arg, int64_t result)
{
    struct machine *m = arg;
    (void)loop;
    (void)result;
    m->run->jobs++;
}

static void nothing(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
}

static void post(void *arg)
{
    rondo_remote *remote = arg;
    (void)rondo_remote_call(remote, nothing, NULL);
    rondo_remote_release(remote);
}

static void start_thread(struct machine *m)
{
    rondo_remote *remote = rondo_loop_remote(m->loop);
    if (remote && rondo_sim_thread(post, remote) != 0)
        rondo_remote_release(remote);
}

static void tick(rondo_loop *loop, void *arg)
{
    struct machine *m = arg;
    switch (below(6)) {
    case 0:
    case 1:
        connect_somewhere(m);
        break;
    case 2:
        send_datagram(m);
        break;
    case 3:
        (void)rondo_run_in_executor(loop, NULL, work, worked, m);
        break;
    case 4:
        start_thread(m);
        break;
    default:
        (void)rondo_call_soon(loop, nothing, NULL);
        break;
    }
    if (rondo_sim_now() > RONDO_SEC(TIME_S) / 2)
        rondo_loop_stop(loop);
    else
        (void)rondo_call_later(loop, RONDO_MS(1 + below(300)), tick, m);
}

static void quiet(rondo_loop *loop, void *arg, const rondo_exception *e)
{
    (void)loop;
    (void)arg;
    (void)e;
}

static void machine_main(void *arg)
{
    struct machine *m = arg;
    rondo_address any;
    m->open = 0;
    m->datagram = NULL;
    if (rondo_loop_new(&m->loop, NULL) != 0)
        return;
    rondo_loop_set_exception_handler(m->loop, quiet, NULL);
    (void)rondo_create_server(
        m->loop, RONDO_SERVE(.port = PORT, .protocol_factory = accept_side),
        NULL, m, NULL);
    (void)rondo_create_server(
        m->loop, RONDO_SERVE(.path = "/sock", .protocol_factory = accept_side),
        NULL, m, NULL);
    if (rondo_address_parse(&any, "0.0.0.0", PORT) == 0)
        (void)rondo_create_datagram_endpoint(
            m->loop, RONDO_DATAGRAM(.local_address = &any), &datagrams, m,
            &m->datagram);
    tick(m->loop, m);
    (void)rondo_loop_run_forever(m->loop);
    rondo_loop *loop = m->loop;
    (void)rondo_loop_close(loop);
}

/* ---- the world ---- */

static rondo_sim_faults some_faults(void)
{
    return (rondo_sim_faults){.short_read = 0.05,
                              .short_write = 0.05,
                              .again = 0.05,
                              .spurious = 0.02,
                              .late = 0.02,
                              .early = 0.01,
                              .split = 0.1,
                              .no_descriptor = 0.005,
                              .no_file = 0.005,
                              .no_buffers = 0.003,
                              .no_memory = 0.002,
                              .no_thread = 0.02,
                              .accept_error = 0.02,
                              .reset = 0.003,
                              .refuse = 0.03,
                              .no_name = 0.05,
                              .slow_name = 0.05,
                              .duplicate = 0.1,
                              .reorder = 0.1,
                              .stall = 0.002,
                              .partition = 0.05,
                              .crash = 0.03};
}

int random_program(uint64_t seed, const char *backend, bool faults,
                   const char *trace, struct random_run *run)
{
    struct machine machines[HOSTS];
    FILE *file = trace ? fopen(trace, "w") : NULL;
    memset(run, 0, sizeof *run);
    memset(machines, 0, sizeof machines);
    if (rondo_sim_begin(RONDO_SIM(.seed = seed, .backend = backend,
                                  .trace = file, .give_up_ns = RONDO_SEC(8),
                                  .link = {.latency_ns = RONDO_MS(1),
                                           .jitter_ns = RONDO_MS(5),
                                           .loss = faults ? 0.01 : 0})) != 0)
        return 2;
    if (faults) {
        rondo_sim_faults rates = some_faults();
        (void)rondo_sim_set_faults(&rates);
    }
    for (int i = 0; i < HOSTS; i++) {
        char ip[32];
        snprintf(ip, sizeof ip, "10.0.0.%d", i + 1);
        machines[i].number = i;
        machines[i].run = run;
        (void)rondo_sim_add_host(names[i], ip, machine_main, &machines[i]);
    }
    (void)rondo_sim_run_for(RONDO_SEC(TIME_S));
    run->hash = rondo_sim_hash();
    run->events = rondo_sim_events();
    int failed = rondo_sim_end();
    if (file)
        fclose(file);
    return failed;
}
