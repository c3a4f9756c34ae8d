/* test_memory.c - a life of a loop in which the n-th allocation fails. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

/*
 * The scene: a loop starts, schedules, serves, connects, echoes more than the
 * kernel takes, closes. It is played with the first allocation failing, then
 * with the second, until no more fails. Each time somebody hears of
 * RONDO_ENOMEM, and the loop then does all it is asked for.
 */
enum { CROWD = 20, EACH = 200, PIECES = 40, PIECE = 16384 };
enum { OWNED = 5, PATIENCE = 50 };

struct scene {
    struct world *w;
    rondo_server *server;
    uint16_t port;
    unsigned closed, told;        /* exceptions */
    unsigned accepted[3], ran[3]; /* callbacks, timers, posts */
    struct peer *a, *b, *crowd[CROWD];
    uint64_t sent, echoed;
    unsigned owned, released;
    raw_fd fds[2];
    unsigned readable;
    bool gave_back;
};

/* Once something has failed there is memory again. */
static bool failed(struct scene *s, int64_t result)
{
    if (result >= 0)
        return false;
    assert_error(result, RONDO_ENOMEM);
    assert_true(test_failed_allocations(s->w) > 0);
    test_fail_allocation(s->w, 0);
    return true;
}

/* A connection that bytes have left ends with the failure: after that neither
 * end can write. */
static bool refused(struct scene *s, int result)
{
    if (result != RONDO_ECLOSED && result != RONDO_ECONNRESET &&
        result != RONDO_EPIPE)
        return failed(s, result);
    assert_true(test_failed_allocations(s->w) > 0);
    return true;
}

/* It may fail once. */
#define AGAIN(s, call)                                                         \
    do {                                                                       \
        if (failed(s, call))                                                   \
            assert_ok(call);                                                   \
    } while (0)

/* Runs; where nothing more comes of it, memory is back before long. */
#define RUN_UNTIL(s, condition)                                                \
    do {                                                                       \
        uint64_t end_ = test_iterations((s)->w) + PATIENCE;                    \
        test_run_until((s)->w, (condition) || test_iterations((s)->w) > end_); \
        if (!(condition)) {                                                    \
            test_fail_allocation((s)->w, 0);                                   \
            test_run_until((s)->w, condition);                                 \
        }                                                                      \
    } while (0)

/* ---- callbacks ---------------------------------------------------------- */

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    struct scene *s = arg;

    (void)loop;
    assert_int_equal(what->error, RONDO_ENOMEM);
    s->told++;
}

static void on_readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    assert_int_equal(rondo_remove_reader(loop, fd), 1);
    ((struct scene *)arg)->readable++;
}

/* Once, half of the data is given back first. */
static size_t give_back_half(struct peer *p, const char *data, size_t size)
{
    struct scene *s = p->user;
    size_t half = s->gave_back ? 0 : size / 2;

    s->gave_back = true;
    if (half == 0 || refused(s, rondo_transport_unread(
                                    p->transport, data + size - half, half)))
        return size;
    p->bytes -= half; /* they will be counted again */
    return size - half;
}

static void echo(struct peer *p, const void *data, size_t size)
{
    struct scene *s = p->user;

    size = give_back_half(p, data, size);
    if (!refused(s, rondo_transport_write(p->transport, data, size)))
        s->echoed += size;
}

static int factory(rondo_server *server, void *arg, rondo_transport *t,
                   const rondo_protocol **protocol, void **self)
{
    struct scene *s = arg;
    struct peer *p = test_peer(s->w);

    (void)server;
    p->user = s;
    p->transport = t;
    p->no_checksum = true;
    p->on_data = echo;
    if (!s->b)
        s->b = p;
    *protocol = &recorder;
    *self = p;
    return 0;
}

static void on_closed(rondo_server *server, void *arg)
{
    struct scene *s = arg;

    (void)server;
    s->server = NULL;
    s->closed++;
}

static void on_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                         int error)
{
    struct peer *p = arg;

    (void)loop;
    assert_int_equal(error == 0, t != NULL);
    p->connected++;
    p->connect_error = error;
    if (error)
        (void)failed(p->user, error);
}

/* ---- the scene's parts -------------------------------------------------- */

static void schedule(struct scene *s)
{
    rondo_loop *loop = s->w->loop;

    for (int i = 0; i < EACH; i++) {
        s->accepted[0] +=
            !failed(s, rondo_call_soon(loop, count_call, &s->ran[0]));
        s->accepted[1] +=
            !failed(s, rondo_call_later(loop, i, count_call, &s->ran[1]));
        s->accepted[2] += !failed(
            s, rondo_call_soon_threadsafe(loop, count_call, &s->ran[2]));
    }
    assert_in_range(s->accepted[0] + s->accepted[1] + s->accepted[2],
                    3 * EACH - 1, 3 * EACH);
    assert_int_equal(raw_pair(s->fds), 0);
    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    AGAIN(s, rondo_add_reader(loop, s->fds[0], on_readable, s));
}

static void serve(struct scene *s)
{
    const rondo_server_options *options =
        RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = factory,
                    .closed = on_closed);
    rondo_address a;

    AGAIN(s, rondo_create_server(s->w->loop, options, NULL, s, &s->server));
    assert_ok(rondo_server_address(s->server, 0, &a));
    s->port = rondo_address_port(&a);
}

static rondo_id start_connect(struct scene *s, struct peer *p)
{
    const rondo_connect_options *options =
        RONDO_CONNECT(.host = "127.0.0.1", .port = s->port);

    return rondo_create_connection(s->w->loop, options, &recorder, p,
                                   on_connected, p);
}

/* A connect that fails for want of memory is made again. */
static struct peer *connect_one(struct scene *s)
{
    struct peer *p = test_peer(s->w);

    p->user = s;
    p->no_checksum = true;
    AGAIN(s, start_connect(s, p));
    return p;
}

static struct peer *connected(struct scene *s, struct peer *p)
{
    RUN_UNTIL(s, p->connected);
    if (p->connect_error == 0)
        return p;
    assert_int_equal(p->connect_error, RONDO_ENOMEM);
    assert_int_equal(p->made, 0);
    p = connect_one(s);
    RUN_UNTIL(s, p->connected);
    assert_int_equal(p->connect_error, 0);
    return p;
}

/* More than the kernel takes, of a copy and of data that stays the scene's. */
static void send_all(struct scene *s)
{
    static const char piece[PIECE];
    rondo_transport *t = s->a->transport;

    raw_set_buffers(rondo_transport_fd(t), 65536);
    for (int i = 0; i < PIECES; i++)
        if (!refused(s, rondo_transport_write(t, piece, PIECE)))
            s->sent += PIECE;
    for (int i = 0; i < OWNED; i++)
        if (!refused(s, rondo_transport_write_owned(
                            t, piece, PIECE, count_release, &s->released))) {
            s->sent += PIECE;
            s->owned++;
        }
}

static bool exchange_is_over(const struct scene *s)
{
    if (s->a->lost && s->b && s->b->lost)
        return true;
    return s->b && s->b->bytes == s->sent && s->a->bytes == s->echoed &&
           s->echoed > 0;
}

/* Whoever ran out of memory says so; the other end may see a reset. */
static void check_exchange(struct scene *s)
{
    const struct peer *a = s->a;
    const struct peer *b = s->b;

    if (!a->lost && !b->lost)
        return;
    assert_true(test_failed_allocations(s->w) > 0);
    if (a->error != RONDO_ENOMEM && b->error != RONDO_ENOMEM)
        test_fail(s->w, "lost with %s and %s", rondo_error_name(a->error),
                  rondo_error_name(b->error));
}

/* A client for whom the server has no memory is dropped, and that is told. */
static void meet(struct scene *s)
{
    for (int i = 0; i < 2; i++) {
        s->a = connected(s, connect_one(s));
        RUN_UNTIL(s, (s->b && s->b->made) || s->a->lost);
        if (s->b && s->b->made)
            return;
        assert_int_equal(s->told, 1);
        test_fail_allocation(s->w, 0);
    }
    test_fail(s->w, "dropped twice");
}

static void exchange(struct scene *s)
{
    meet(s);
    AGAIN(s, rondo_transport_set_timeouts(s->a->transport, RONDO_SEC(1000),
                                          RONDO_SEC(1000)));
    send_all(s);
    RUN_UNTIL(s, exchange_is_over(s));
    check_exchange(s);
}

static void crowd(struct scene *s)
{
    for (int i = 0; i < CROWD; i++)
        s->crowd[i] = connect_one(s);
    for (int i = 0; i < CROWD; i++)
        s->crowd[i] = connected(s, s->crowd[i]);
}

static bool is_over(const struct scene *s)
{
    rondo_loop_metrics m = test_metrics(s->w);

    return s->closed && m.live_timers + m.live_watchers + m.live_transports +
                                m.live_servers + m.live_operations ==
                            0;
}

/* What was accepted has run, once. */
static void end(struct scene *s)
{
    rondo_transport_close(s->a->transport);
    for (int i = 0; i < CROWD; i++)
        rondo_transport_close(s->crowd[i]->transport);
    rondo_server_close(s->server);
    RUN_UNTIL(s, is_over(s));
    for (int i = 0; i < 3; i++)
        assert_int_equal(s->ran[i], s->accepted[i]);
    assert_int_equal(s->readable, 1);
    assert_int_equal(s->released, s->owned);
    assert_int_equal(s->closed, 1);
    assert_int_equal(s->a->made, s->a->lost);
    assert_int_equal(s->b->made, s->b->lost);
    raw_close_pair(s->fds);
}

/* ---- the play ----------------------------------------------------------- */

static bool start(struct scene *s)
{
    struct world *w = s->w;
    rondo_loop_options options = test_loop_options(w);
    int result = rondo_loop_new(&w->loop, &options);

    if (!failed(s, result))
        return true;
    assert_null(w->loop);
    assert_int_equal(test_live_blocks(w), 0);
    return false;
}

/* true: something failed on the way */
static bool play(struct world *w, uint64_t n,
                 void (*fail_at)(struct world *w, uint64_t n))
{
    struct scene *s = test_alloc(w, sizeof *s);

    s->w = w;
    fail_at(w, n);
    if (start(s)) {
        assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, s));
        schedule(s);
        serve(s);
        exchange(s);
        crowd(s);
        end(s);
        test_close_loop(w);
    }
    test_fail_allocation(w, 0);
    assert_int_equal(test_live_blocks(w), 0);
    return test_failed_allocations(w) > 0;
}

static void play_all(struct world *w,
                     void (*fail_at)(struct world *w, uint64_t n))
{
    uint64_t n = 1;

    test_close_loop(w);
    while (play(w, n, fail_at))
        n += test_slowness() > 1 ? 3 : 1;
    assert_in_range(n, 80, 5000); /* one after another has failed */
}

TEST_CASE(G8_the_nth_allocation_fails, play_all(w, test_fail_allocation));

TEST_CASE(G8_all_fail_from_the_nth_on, play_all(w, test_fail_allocations_from));

/* ---- closing with no memory at all -------------------------------------- */

TEST(G8_closing_needs_no_memory)
{
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);
    struct peer *p = plain_peer(w, &recorder, 8192);

    test_run_until(w, c->made && l->first && l->first->made);
    test_fill_transport(w, p);
    (void)test_connect(w, l->port);
    test_fail_allocations_from(w, 1);
    test_close_loop(w);
    assert_int_equal(test_failed_allocations(w), 0);
    test_fail_allocation(w, 0);
    assert_string_equal(c->order, "ML");
    assert_lost(w, p, "ML", RONDO_ECLOSED);
}

/* What exists goes on where there is no memory for anything new. */
TEST(G8_what_exists_goes_on)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    test_spin(w, 5);
    test_fail_allocations_from(w, 1);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(rondo_transport_write(a->transport, "hello", 5), 0);
        test_run_until(w, b->bytes == 5 * i);
    }
    rondo_transport_close(a->transport);
    test_run_until(w, a->lost && b->lost);
    test_fail_allocation(w, 0);
    assert_int_equal(a->error, 0);
    assert_int_equal(b->error, 0);
}
