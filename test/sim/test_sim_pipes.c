/* test_sim_pipes.c - pipes and FIFOs of a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

/* Runs fn on a host, to its end. */
static int play(const rondo_sim_options *options, rondo_sim_main fn, void *arg)
{
    sim_test_must(rondo_sim_begin(options));
    int host = rondo_sim_add_host("host", NULL, fn, arg);
    sim_test_must(host);
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(1000)), RONDO_SIM_QUIET);
    return host;
}

struct told {
    int64_t result[8];
    char bytes[16];
};

/* ---- what a kernel promises ---- */

static void fill_and_empty(void *arg)
{
    static char bytes[70000];
    struct told *t = arg;
    rondo_fd ends[2];
    sim_test_must(rondo_sim_pipe(ends));
    t->result[0] = rondo_sim_write(ends[1], bytes, sizeof bytes, 0);
    t->result[1] = rondo_sim_write(ends[1], bytes, 1, 0);
    t->result[2] = rondo_sim_read(ends[0], bytes, 100, 0);
    /* up to 4,096 bytes go whole, or not */
    t->result[3] = rondo_sim_write(ends[1], bytes, 101, 0);
    t->result[4] = rondo_sim_write(ends[1], bytes, 5000, 0);
    t->result[5] = rondo_sim_write(ends[0], bytes, 1, 0);
    sim_test_must(rondo_sim_close(ends[1], false));
    t->result[6] = rondo_sim_read(ends[0], bytes, sizeof bytes, 0);
    t->result[7] = rondo_sim_read(ends[0], bytes, sizeof bytes, 0);
    sim_test_must(rondo_sim_close(ends[0], false));
}

TEST(a_pipe_has_room_and_an_end)
{
    static const int64_t wanted[] = {65536, RONDO_EAGAIN, 100,   RONDO_EAGAIN,
                                     100,   RONDO_EBADF,  65536, 0};
    struct told t = {{0}, ""};
    int host = play(WORLD(), fill_and_empty, &t);
    for (int i = 0; i < 8; i++)
        assert_int_equal(t.result[i], wanted[i]);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

static void leave_the_reader(void *arg)
{
    struct told *t = arg;
    rondo_fd ends[2];
    sim_test_must(rondo_sim_pipe(ends));
    rondo_fd copy = rondo_sim_duplicate(ends[0]);
    t->result[0] = rondo_sim_same(copy, ends[0]);
    t->result[1] = rondo_sim_same(ends[1], ends[0]);
    sim_test_must(rondo_sim_close(ends[0], false));
    t->result[2] = rondo_sim_write(ends[1], "x", 1, 0);
    sim_test_must(rondo_sim_close(copy, false));
    t->result[3] = rondo_sim_write(ends[1], "x", 1, 0);
}

TEST(a_pipe_without_a_reader_is_broken)
{
    struct told t = {{0}, ""};
    (void)play(WORLD(), leave_the_reader, &t);
    assert_int_equal(t.result[0], 1);
    assert_int_equal(t.result[1], 0);
    assert_int_equal(t.result[2], 1);
    assert_int_equal(t.result[3], RONDO_EPIPE);
}

/* ---- FIFOs ---- */

static void use_a_fifo(void *arg)
{
    struct told *t = arg;
    sim_test_must(rondo_sim_make_fifo("/tmp/f"));
    t->result[0] = rondo_sim_make_fifo("/tmp/f");
    t->result[1] = rondo_sim_open("/tmp/f", RONDO_FILE_WRITE) < 0;
    rondo_fd reads = rondo_sim_open("/tmp/f", RONDO_FILE_READ);
    sim_test_must(reads);
    for (int i = 0; i < 2; i++) { /* a second writer after the first one */
        rondo_fd writes = rondo_sim_open("/tmp/f", RONDO_FILE_WRITE);
        sim_test_must(writes);
        sim_test_must(rondo_sim_write(writes, "abc", 3, 0));
        sim_test_must(rondo_sim_close(writes, false));
        t->result[2 + 2 * i] = rondo_sim_read(reads, t->bytes, 8, 0);
        t->result[3 + 2 * i] = rondo_sim_read(reads, t->bytes, 8, 0);
    }
    sim_test_must(rondo_sim_close(reads, false));
}

TEST(a_fifo_is_opened_again_and_again)
{
    static const int64_t wanted[] = {RONDO_EEXIST, 1, 3, 0, 3, 0};
    struct told t = {{0}, ""};
    int host = play(WORLD(), use_a_fifo, &t);
    for (int i = 0; i < 6; i++)
        assert_int_equal(t.result[i], wanted[i]);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

/* ---- a loop's ends, with faults ---- */

enum { VOLUME = 300000 };

struct carried {
    uint64_t received, wrong;
    int lost, error;
    rondo_fd ends[2];
};

static void count_bytes(rondo_transport *t, void *self, const void *data,
                        size_t size)
{
    struct carried *c = self;
    const unsigned char *bytes = data;
    (void)t;
    for (size_t i = 0; i < size; i++)
        c->wrong += bytes[i] != (unsigned char)((c->received + i) % 251);
    c->received += size;
}

static void count_end(rondo_transport *t, void *self, int error)
{
    struct carried *c = self;
    (void)t;
    c->lost++;
    c->error = error ? error : c->error;
}

static const rondo_protocol counting = {.data_received = count_bytes,
                                        .connection_lost = count_end};

static void carry(void *arg)
{
    struct carried *c = arg;
    static unsigned char bytes[VOLUME];
    rondo_loop *loop;
    rondo_transport *t;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i % 251);
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_sim_pipe(c->ends));
    sim_test_must(rondo_connect_read_pipe(loop, c->ends[0], RONDO_PIPE_OWN,
                                          &counting, c, NULL));
    sim_test_must(rondo_connect_write_pipe(loop, c->ends[1], RONDO_PIPE_OWN,
                                           &counting, c, &t));
    sim_test_must(rondo_transport_write(t, bytes, sizeof bytes));
    rondo_transport_close(t);
    sim_test_must(rondo_loop_run(loop));
    sim_test_must(rondo_loop_close(loop));
}

TEST(all_bytes_go_through_a_pipe_under_faults)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct carried c = {0};
        int host = play(WORLD(.seed = seed, .window = seed % 2 ? 0 : 5000,
                              .faults = {.again = 0.3,
                                         .short_read = 0.3,
                                         .short_write = 0.3,
                                         .spurious = 0.1,
                                         .late = 0.2}),
                        carry, &c);
        assert_int_equal(c.received, VOLUME);
        assert_int_equal(c.wrong, 0);
        assert_int_equal(c.lost, 2);
        assert_int_equal(c.error, 0);
        assert_int_equal(rondo_sim_count_descriptors(host), 0);
        (void)rondo_sim_end();
    }
}

/* A crash leaves no pipe, whatever was in it. */
static void hold_pipes(void *arg)
{
    rondo_fd ends[2];
    (void)arg;
    for (int i = 0; i < 5; i++) {
        sim_test_must(rondo_sim_pipe(ends));
        sim_test_must(rondo_sim_write(ends[1], "lost", 4, 0));
    }
    (void)rondo_sim_sleep(RONDO_SEC(100));
}

TEST(a_crash_takes_the_pipes)
{
    sim_test_must(rondo_sim_begin(WORLD()));
    int host = rondo_sim_add_host("host", NULL, hold_pipes, NULL);
    (void)rondo_sim_run_for(RONDO_SEC(1));
    assert_int_equal(rondo_sim_count_descriptors(host), 10);
    sim_test_must(rondo_sim_crash(host));
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

/* An idle writer hears of its reader's end, also when a wait has reported it
 * without a reason before. */
struct idle {
    struct carried c;
    rondo_loop *loop;
};

static void close_reader(void *arg)
{
    struct idle *i = arg;
    (void)rondo_sim_sleep(RONDO_SEC(1));
    sim_test_must(rondo_sim_close(i->c.ends[0], false));
}

static void tick(rondo_loop *loop, void *arg)
{
    const struct idle *i = arg;
    if (!i->c.lost)
        (void)rondo_call_later(loop, RONDO_MS(1), tick, arg);
}

static void wait_for_reader(void *arg)
{
    struct idle *i = arg;
    sim_test_must(rondo_loop_new(&i->loop, NULL));
    sim_test_must(rondo_sim_pipe(i->c.ends));
    sim_test_must(rondo_connect_write_pipe(
        i->loop, i->c.ends[1], RONDO_PIPE_OWN, &counting, &i->c, NULL));
    sim_test_must(rondo_sim_thread(close_reader, i));
    (void)rondo_call_later(i->loop, RONDO_MS(1), tick, i);
    sim_test_must(rondo_loop_run(i->loop));
    sim_test_must(rondo_loop_close(i->loop));
}

TEST(an_idle_writer_hears_that_its_reader_has_left)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct idle i = {0};
        (void)play(WORLD(.seed = seed, .faults = {.spurious = 0.1}),
                   wait_for_reader, &i);
        assert_int_equal(i.c.lost, 1);
        assert_int_equal(i.c.error, 0);
        assert_true(rondo_sim_now() < RONDO_SEC(2));
        (void)rondo_sim_end();
    }
}

/* ---- who may call ---- */

TEST(calls_of_the_driver_are_refused)
{
    rondo_fd ends[2];
    sim_test_must(rondo_sim_begin(WORLD()));
    assert_refused(rondo_sim_pipe(ends), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_pair(ends), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_read(1000000, ends, 1, 0), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_open("/x", RONDO_FILE_READ), RONDO_EINVAL,
                   "driver");
}
