/* test_server_threads.c - one loop accepts, loops in other threads serve. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

enum { WORKERS = 3, CLIENTS = 30, MESSAGE = 50000 };

/* A thread with a loop of its own. Nothing asserts in there: `failed` tells. */
struct worker {
    struct raw_thread *thread;
    rondo_loop *loop;
    rondo_remote *remote;
    unsigned made, lost, tries;
    bool failed;
};

struct handed {
    struct worker *worker;
    rondo_fd fd;
};

/* ---- in the worker's thread --------------------------------------------- */

static void echo_made(rondo_transport *t, void *self)
{
    struct worker *k = self;

    k->made++;
    k->failed |= rondo_transport_loop(t) != k->loop;
}

static void echo_data(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    ((struct worker *)self)->failed |= rondo_transport_write(t, data, size) < 0;
}

static void echo_lost(rondo_transport *t, void *self, int error)
{
    struct worker *k = self;

    (void)t;
    k->lost++;
    k->failed |= error != 0;
}

static const rondo_protocol echo = {.connection_made = echo_made,
                                    .data_received = echo_data,
                                    .connection_lost = echo_lost};

static void adopt(rondo_loop *loop, void *arg)
{
    struct handed *h = arg;

    h->worker->failed |=
        rondo_connect_accepted_socket(loop, h->fd, &echo, h->worker, NULL) < 0;
}

/* once the last end has been seen here too, and at the latest in 20 s */
static void stop(rondo_loop *loop, void *arg)
{
    struct worker *k = arg;

    if (k->lost == CLIENTS / WORKERS || k->tries++ == 20000)
        rondo_loop_stop(loop);
    else if (rondo_call_later(loop, RONDO_MS(1), stop, k) < 0)
        k->failed = true;
}

static void worker_main(void *arg)
{
    struct worker *k = arg;

    k->failed |=
        rondo_loop_take(k->loop) < 0 || rondo_loop_run_forever(k->loop) != 1;
    k->failed |= rondo_loop_close(k->loop) < 0;
}

/* ---- in the test's thread ----------------------------------------------- */

struct dispatcher {
    struct world *w;
    struct worker workers[WORKERS];
    unsigned next, refused;
};

static void hand_on(rondo_server *server, void *arg, rondo_fd socket,
                    const rondo_address *peer)
{
    struct dispatcher *d = arg;
    struct handed *h = test_alloc(d->w, sizeof *h);

    (void)server;
    (void)peer;
    h->worker = &d->workers[d->next++ % WORKERS];
    h->fd = socket;
    if (rondo_remote_call(h->worker->remote, adopt, h) < 0) {
        d->refused++;
        raw_close(socket);
    }
}

static void start_workers(struct world *w, struct dispatcher *d)
{
    for (int i = 0; i < WORKERS; i++) {
        struct worker *k = &d->workers[i];
        rondo_loop_options options = test_loop_options(w);

        assert_ok(rondo_loop_new(&k->loop, &options));
        k->remote = rondo_loop_remote(k->loop);
        k->thread = raw_thread_start(worker_main, k);
        assert_true(k->remote && k->thread);
    }
}

static void end_workers(struct dispatcher *d)
{
    for (int i = 0; i < WORKERS; i++) {
        assert_ok(
            rondo_remote_call(d->workers[i].remote, stop, &d->workers[i]));
        raw_thread_join(d->workers[i].thread);
    }
}

static void finish_writing(struct peer *p)
{
    static unsigned char message[MESSAGE];

    test_fill(message, 0, sizeof message);
    assert_ok(rondo_transport_write(p->transport, message, sizeof message));
}

static void close_when_back(struct peer *p, const void *data, size_t size)
{
    (void)data, (void)size;
    if (p->bytes == MESSAGE)
        rondo_transport_close(p->transport);
}

TEST_LEAVES(V4_another_threads_loop_takes_the_sockets)
{
    struct dispatcher *d = test_alloc(w, sizeof *d);
    struct peer *c[CLIENTS];
    rondo_server *s = NULL;
    unsigned made = 0;

    d->w = w;
    start_workers(w, d);
    assert_ok(rondo_create_server(
        w->loop, RONDO_SERVE(.host = "127.0.0.1", .accepted = hand_on), NULL, d,
        &s));
    for (int i = 0; i < CLIENTS; i++) {
        c[i] = test_connect(w, raw_local_port(rondo_server_fd(s, 0)));
        c[i]->on_made = finish_writing;
        c[i]->on_data = close_when_back;
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_lost(w, c[i], NULL, 0);
        assert_true(c[i]->checksum == test_pattern_checksum(MESSAGE));
    }
    rondo_server_close(s);
    end_workers(d);
    for (int i = 0; i < WORKERS; i++) {
        struct worker *k = &d->workers[i];

        made += k->made;
        assert_int_equal(k->made, k->lost);
        assert_false(k->failed);
        assert_error(rondo_remote_call(k->remote, stop, k), RONDO_ECLOSED);
        rondo_remote_release(k->remote);
    }
    assert_int_equal(made, CLIENTS);
    assert_int_equal(d->refused, 0);
}
