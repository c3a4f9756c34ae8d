/* test_sim_faults.c - what campaigns have found: small programs with a fault. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

/* ---- a loop whose allocator can be told to fail ---- */

static bool no_memory;

static void *take(size_t size, void *context)
{
    (void)context;
    return no_memory ? NULL : malloc(size);
}

static void *change(void *p, size_t size, void *context)
{
    (void)context;
    return no_memory ? NULL : realloc(p, size);
}

static void give(void *p, void *context)
{
    (void)context;
    free(p);
}

static rondo_loop *poor_loop(void)
{
    rondo_loop *loop;
    const rondo_allocator allocator = {take, change, give, NULL};
    const rondo_loop_options o = {.size = sizeof o, .allocator = &allocator};
    no_memory = false;
    sim_test_must(rondo_loop_new(&loop, &o));
    return loop;
}

/* ---- a filter that sends from a callback of the loop's ---- */

struct sender {
    rondo_layer *layer;
    int result, lost;
    bool is_lost;
};

static int sender_start(rondo_layer *layer, void *self)
{
    struct sender *s = self;
    s->layer = layer;
    return rondo_layer_ready(layer);
}

static const rondo_filter sends = {.start = sender_start};

static int push(rondo_transport *t, void *arg)
{
    return rondo_transport_push_filter(t, &sends, arg, NULL, NULL);
}

/* The peer reads nothing: what the kernel does not take has to be kept. */
static void send_without_memory(rondo_loop *loop, void *arg)
{
    static const char bytes[200000];
    struct sender *s = arg;
    (void)loop;
    (void)rondo_layer_send(s->layer, bytes, sizeof bytes);
    no_memory = true;
    s->result = rondo_layer_send(s->layer, bytes, sizeof bytes);
    no_memory = false;
}

static void send_soon(rondo_transport *t, void *self)
{
    sim_test_must(
        rondo_call_soon(rondo_transport_loop(t), send_without_memory, self));
}

static void sender_lost(rondo_transport *t, void *self, int error)
{
    struct sender *s = self;
    (void)t;
    s->is_lost = true;
    s->lost = error;
}

static const rondo_protocol sender = {.connection_made = send_soon,
                                      .connection_lost = sender_lost};

static void sender_main(void *arg)
{
    rondo_loop *loop = poor_loop();
    sim_test_must(
        rondo_create_connection(loop,
                                RONDO_CONNECT(.host = "server", .port = 7,
                                              .setup = push, .setup_arg = arg),
                                &sender, arg, NULL, NULL));
    (void)rondo_loop_run(loop);
    sim_test_must(rondo_loop_close(loop));
}

/* Bytes of a filter's that are not taken are missing in the middle of all that
 * it sends: the connection has to end. */
TEST(S13_bytes_of_a_filter_without_memory_end_the_connection)
{
    struct sender s = {.result = 1};
    struct echo e = {0};
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend())));
    sim_test_must(rondo_sim_add_host("server", NULL, echo_server, &e));
    sim_test_must(rondo_sim_add_host("client", NULL, sender_main, &s));
    (void)rondo_sim_run_for(RONDO_SEC(10));
    assert_int_equal(s.result, RONDO_ENOMEM);
    assert_true(s.is_lost);
    assert_int_equal(s.lost, RONDO_ENOMEM);
}

/* ---- a pump's done, and the bytes behind those of the pump ---- */

struct pumped {
    rondo_transport *from, *to;
    char told[40]; /* what came, in this order: bytes, and ! for done */
};

static void tells(struct pumped *p, const char *text, size_t size)
{
    size_t used = strlen(p->told);
    if (used + size < sizeof p->told)
        memcpy(p->told + used, text, size);
}

static void pump_done(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    (void)loop;
    assert_int_equal(moved, 4);
    assert_int_equal(error, 0);
    tells(arg, "!", 1);
}

static void pump_made(rondo_transport *t, void *self)
{
    struct pumped *p = self;
    if (!p->to) {
        p->to = t;
        return;
    }
    p->from = t;
    sim_test_must(rondo_pump(p->from, p->to, 4, 0, pump_done, p));
    sim_test_must(rondo_transport_write(t, "12345678", 8));
}

static void pump_rest(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    struct pumped *p = self;
    if (t != p->from)
        return;
    tells(p, data, size);
    rondo_transport_close(p->from);
    rondo_transport_close(p->to);
}

static const rondo_protocol pump_ends = {.connection_made = pump_made,
                                         .data_received = pump_rest};

static void pump_main(void *arg)
{
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    for (int i = 0; i < 2; i++)
        sim_test_must(rondo_create_connection(
            loop, RONDO_CONNECT(.host = "server", .port = 7), &pump_ends, arg,
            NULL, NULL));
    (void)rondo_loop_run(loop);
    sim_test_must(rondo_loop_close(loop));
}

TEST(J3_done_comes_before_the_bytes_behind_the_pump)
{
    struct pumped p = {0};
    struct echo e = {0};
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend())));
    sim_test_must(rondo_sim_add_host("server", NULL, echo_server, &e));
    sim_test_must(rondo_sim_add_host("client", NULL, pump_main, &p));
    (void)rondo_sim_run_for(RONDO_SEC(10));
    assert_string_equal(p.told, "!5678");
}

/* ---- a connection with a pump stays with its loop ---- */

struct mover {
    rondo_group *group;
    int result;
};

static void nothing(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    (void)loop;
    (void)arg;
    (void)moved;
    (void)error;
}

static void mover_made(rondo_transport *t, void *self)
{
    struct mover *m = self;
    int index = rondo_group_index(m->group, rondo_transport_loop(t));
    sim_test_must(rondo_pump(t, t, -1, 0, nothing, NULL));
    m->result = rondo_group_move(m->group, t, (size_t)!index, NULL, NULL);
    rondo_transport_close(t);
}

static const rondo_protocol moves = {.connection_made = mover_made};

static void mover_main(void *arg)
{
    rondo_loop *loop;
    struct mover *m = arg;
    const rondo_group_options two = {.size = sizeof two, .loops = 2};
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_create_group(loop, &two, &m->group));
    sim_test_must(rondo_group_serve(m->group, RONDO_SERVE(.port = 7),
                                    RONDO_SPREAD_IN_TURN, &moves, m, NULL));
    (void)rondo_loop_run_forever(loop);
}

TEST(M7_a_connection_with_a_pump_does_not_move)
{
    struct mover m = {0};
    struct echo e = {.host = "server", .rounds = 1, .clients = 1, .size = 1};
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend())));
    sim_test_must(rondo_sim_add_host("server", NULL, mover_main, &m));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    (void)rondo_sim_run_for(RONDO_SEC(10));
    assert_int_equal(m.result, RONDO_EBUSY);
}
