/* test_sim_faults_reader.c - what campaigns have found in readers. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

/* ---- who hears the end beside a reader ---- */

struct heard {
    rondo_reader *reader;
    void (*when_read)(struct heard *h);
    unsigned first, second; /* ends that the two protocols have heard */
    int lost_second;
};

static bool first_eof(rondo_transport *t, void *self)
{
    (void)t;
    ((struct heard *)self)->first++;
    return true;
}

static bool second_eof(rondo_transport *t, void *self)
{
    (void)t;
    ((struct heard *)self)->second++;
    return false;
}

static void first_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    ((struct heard *)self)->first += 100;
}

static void second_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    ((struct heard *)self)->lost_second++;
}

static const rondo_protocol hears_first = {.eof_received = first_eof,
                                           .connection_lost = first_lost};
static const rondo_protocol hears_second = {.eof_received = second_eof,
                                            .connection_lost = second_lost};

static void read_ends(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    struct heard *h = arg;
    (void)reader;
    (void)data;
    (void)size;
    if (error)
        h->when_read(h);
}

static void set_second(struct heard *h)
{
    sim_test_must(rondo_reader_set_protocol(h->reader, &hears_second, h));
}

static void close_it(struct heard *h)
{
    rondo_transport_close(rondo_reader_transport(h->reader));
}

static void reader_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                             int error)
{
    struct heard *h = arg;
    (void)loop;
    (void)t;
    sim_test_must(error);
    sim_test_must(rondo_read_exactly(h->reader, 100, read_ends, h));
}

static void reader_main(void *arg)
{
    rondo_loop *loop;
    struct heard *h = arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_reader_new(loop, 0, &hears_first, h, &h->reader));
    sim_test_must(rondo_create_connection(
        loop, RONDO_CONNECT(.host = "server", .port = 7),
        rondo_reader_protocol(), h->reader, reader_connected, h));
    (void)rondo_loop_run(loop);
    rondo_reader_free(h->reader);
    sim_test_must(rondo_loop_close(loop));
}

static void end_at_once(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_close(t);
}

static const rondo_protocol ends_at_once = {.connection_made = end_at_once};

static void ending_server(void *arg)
{
    rondo_loop *loop;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_create_server(loop, RONDO_SERVE(.port = 7),
                                      &ends_at_once, NULL, NULL));
    (void)rondo_loop_run_forever(loop);
}

static void hear(struct heard *h)
{
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend())));
    sim_test_must(rondo_sim_add_host("server", NULL, ending_server, NULL));
    sim_test_must(rondo_sim_add_host("client", NULL, reader_main, h));
    (void)rondo_sim_run_for(RONDO_SEC(10));
}

TEST(S14_who_is_set_in_the_last_read_hears_the_end)
{
    struct heard h = {.when_read = set_second};
    hear(&h);
    assert_int_equal(h.first, 0);
    assert_int_equal(h.second, 1);
    assert_int_equal(h.lost_second, 1);
}

TEST(S14_a_close_in_the_last_read_is_the_end)
{
    struct heard h = {.when_read = close_it};
    hear(&h);
    assert_int_equal(h.first, 100); /* its connection_lost alone */
}

/* ---- who hears that writing is paused beside a reader ---- */

struct flow {
    rondo_reader *reader;
    int paused, resumed;
    bool exchanges; /* else it frees the reader */
    bool is_second; /* ... or does nothing */
    struct flow *next;
};

static void flow_made(rondo_transport *t, void *self)
{
    static const char bytes[400000];
    (void)self;
    sim_test_must(rondo_transport_write(t, bytes, sizeof bytes));
}

static void flow_resumes(rondo_transport *t, void *self)
{
    struct flow *f = self;
    f->resumed++;
    rondo_transport_abort(t);
}

static const rondo_protocol flows;

static void flow_pauses(rondo_transport *t, void *self)
{
    struct flow *f = self;
    (void)t;
    f->paused++;
    if (f->exchanges)
        sim_test_must(rondo_reader_set_protocol(f->reader, &flows, f->next));
    else if (!f->is_second)
        rondo_reader_free(f->reader);
}

static const rondo_protocol flows = {.connection_made = flow_made,
                                     .pause_writing = flow_pauses,
                                     .resume_writing = flow_resumes};

static void flow_main(void *arg)
{
    rondo_loop *loop;
    struct flow *f = arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_reader_new(loop, 0, &flows, f, &f->reader));
    if (f->next)
        f->next->reader = f->reader;
    sim_test_must(rondo_create_connection(
        loop, RONDO_CONNECT(.host = "server", .port = 7),
        rondo_reader_protocol(), f->reader, NULL, NULL));
    (void)rondo_loop_run(loop);
    if (f->exchanges)
        rondo_reader_free(f->reader);
    sim_test_must(rondo_loop_close(loop));
}

static void silence(rondo_transport *t, void *self, const void *data,
                    size_t size)
{
    (void)t;
    (void)self;
    (void)data;
    (void)size;
}

static const rondo_protocol silent = {.data_received = silence};

static void silent_server(void *arg)
{
    rondo_loop *loop;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(
        rondo_create_server(loop, RONDO_SERVE(.port = 7), &silent, NULL, NULL));
    (void)rondo_loop_run_forever(loop);
}

static void play_flow(struct flow *f)
{
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend())));
    sim_test_must(rondo_sim_add_host("server", NULL, silent_server, NULL));
    sim_test_must(rondo_sim_add_host("client", NULL, flow_main, f));
    (void)rondo_sim_run_for(RONDO_SEC(10));
}

TEST(S14_a_reader_that_is_freed_leaves_a_protocol_that_knows_of_the_pause)
{
    struct flow f = {0};
    play_flow(&f);
    assert_int_equal(f.paused, 1);
    assert_int_equal(f.resumed, 1);
}

TEST(S14_a_protocol_that_a_reader_gets_hears_of_the_pause)
{
    struct flow second = {.is_second = true},
                first = {.exchanges = true, .next = &second};
    play_flow(&first);
    assert_int_equal(first.paused, 1);
    assert_int_equal(first.resumed, 0);
    assert_int_equal(second.paused, 1);
    assert_int_equal(second.resumed, 1);
}

/* ---- a reader that is freed behind the end ---- */

struct rest {
    rondo_reader *reader;
    size_t bytes;
    int lost, error;
    rondo_setup_fn setup;
};

static void rest_comes(rondo_transport *t, void *self, const void *data,
                       size_t size)
{
    struct rest *r = self;
    (void)t;
    (void)data;
    assert_int_equal(r->lost, 0);
    r->bytes += size;
}

static void rest_lost(rondo_transport *t, void *self, int error)
{
    struct rest *r = self;
    (void)t;
    r->lost++;
    r->error = error;
}

static const rondo_protocol rests = {.data_received = rest_comes,
                                     .connection_lost = rest_lost};

static void free_reader(rondo_loop *loop, void *arg)
{
    struct rest *r = arg;
    (void)loop;
    rondo_reader_free(r->reader);
}

static void rest_main(void *arg)
{
    rondo_loop *loop;
    struct rest *r = arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_reader_new(loop, 0, &rests, r, &r->reader));
    sim_test_must(rondo_create_connection(
        loop, RONDO_CONNECT(.host = "server", .port = 7, .setup = r->setup),
        rondo_reader_protocol(), r->reader, NULL, NULL));
    sim_test_must(rondo_call_later(loop, RONDO_SEC(1), free_reader, r));
    (void)rondo_loop_run(loop);
    sim_test_must(rondo_loop_close(loop));
}

static void say_and_end(rondo_transport *t, void *self)
{
    (void)self;
    sim_test_must(rondo_transport_write(t, "12345678", 8));
    rondo_transport_close(t);
}

static const rondo_protocol says = {.connection_made = say_and_end};

static void saying_server(void *arg)
{
    rondo_loop *loop;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(
        rondo_create_server(loop, RONDO_SERVE(.port = 7), &says, NULL, NULL));
    (void)rondo_loop_run_forever(loop);
}

static int pass(rondo_transport *t, void *arg)
{
    static const rondo_filter filter = {.start = NULL};
    return rondo_transport_push_filter(t, &filter, arg, NULL, NULL);
}

static void leave_rest(struct rest *r)
{
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend())));
    sim_test_must(rondo_sim_add_host("server", NULL, saying_server, NULL));
    sim_test_must(rondo_sim_add_host("client", NULL, rest_main, r));
    (void)rondo_sim_run_for(RONDO_SEC(10));
    assert_int_equal(r->bytes, 8);
    assert_int_equal(r->lost, 1);
    assert_int_equal(r->error, 0);
}

TEST(S14_a_reader_that_is_freed_behind_the_end_leaves_bytes_and_end)
{
    struct rest r = {0};
    leave_rest(&r);
}

TEST(S14_so_it_does_behind_a_filter)
{
    struct rest r = {.setup = pass};
    leave_rest(&r);
}
