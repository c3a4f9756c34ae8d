/* test_sim_passing.c - descriptors travel between processes of a host. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

struct told {
    int64_t result[8];
    size_t count[4];
    char bytes[16];
    unsigned most; /* descriptors */
};

static int play(const rondo_sim_options *options, rondo_sim_main fn, void *arg)
{
    sim_test_must(rondo_sim_begin(options));
    int host = rondo_sim_add_host("host", NULL, fn, arg);
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(1000)), RONDO_SIM_QUIET);
    return host;
}

static void close_all(const rondo_fd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sim_test_must(rondo_sim_close(fds[i], false));
}

/* The writer's end of a pipe is open only while it travels. */
static void send_an_end(void *arg)
{
    struct told *t = arg;
    rondo_fd pair[2], pipe[2], came[4];
    sim_test_must(rondo_sim_pair(pair));
    sim_test_must(rondo_sim_pipe(pipe));
    t->result[0] = rondo_sim_send_fds(pair[0], "ab", 2, &pipe[1], 1);
    sim_test_must(rondo_sim_close(pipe[1], false));
    t->result[1] = rondo_sim_read(pipe[0], t->bytes, 1, RONDO_MS(1));
    t->result[2] = rondo_sim_send(pair[0], "cd", 2, 0);
    t->count[0] = 4;
    t->result[3] = rondo_sim_recv_fds(pair[1], t->bytes, 16, came, &t->count[0],
                                      RONDO_MS(1));
    t->count[1] = 4;
    t->result[4] = rondo_sim_recv_fds(pair[1], t->bytes, 16, came + 1,
                                      &t->count[1], RONDO_MS(1));
    t->result[5] = rondo_sim_write(came[0], "x", 1, 0);
    close_all(came, t->count[0]);
    t->result[6] = rondo_sim_read(pipe[0], t->bytes, 8, 0);
    t->result[7] = rondo_sim_read(pipe[0], t->bytes, 8, 0);
    close_all(pair, 2);
    close_all(pipe, 1);
}

TEST(what_travels_is_open)
{
    static const int64_t wanted[] = {2, RONDO_EAGAIN, 2, 2, 2, 1, 1, 0};
    struct told t = {.bytes = ""};
    int host = play(WORLD(), send_an_end, &t);
    for (int i = 0; i < 8; i++)
        assert_int_equal(t.result[i], wanted[i]);
    assert_int_equal(t.count[0], 1);
    assert_int_equal(t.count[1], 0);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

/* Nobody asks for them, or there is no room: all are closed. */
static void lose_an_end(void *arg)
{
    struct told *t = arg;
    rondo_fd pair[2], pipe[2], twice[2], came[4];
    sim_test_must(rondo_sim_pair(pair));
    sim_test_must(rondo_sim_pipe(pipe));
    twice[0] = twice[1] = pipe[1];
    sim_test_must(rondo_sim_send_fds(pair[0], "ab", 2, twice, 2));
    sim_test_must(rondo_sim_close(pipe[1], false));
    t->count[0] = 4;
    if (t->most)
        sim_test_must(rondo_sim_set_descriptors(rondo_sim_self(), t->most));
    t->result[0] = t->most ? rondo_sim_recv_fds(pair[1], t->bytes, 16, came,
                                                &t->count[0], RONDO_MS(1))
                           : rondo_sim_recv(pair[1], t->bytes, 16, RONDO_MS(1));
    t->result[1] = rondo_sim_read(pipe[0], t->bytes, 8, 0);
    t->result[2] = rondo_sim_recv(pair[1], t->bytes, 16, 0);
    close_all(pair, 2);
    close_all(pipe, 1);
}

TEST(descriptors_that_have_no_room_are_lost)
{
    struct told t = {.most = 4, .bytes = ""}; /* room for one of them */
    int host = play(WORLD(), lose_an_end, &t);
    assert_int_equal(t.result[0], RONDO_EMFILE);
    assert_int_equal(t.count[0], 0);
    assert_int_equal(t.result[1], 0);
    assert_int_equal(t.result[2], RONDO_EAGAIN);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

TEST(descriptors_that_nobody_asks_for_are_closed)
{
    struct told t = {.bytes = ""};
    int host = play(WORLD(), lose_an_end, &t);
    assert_int_equal(t.result[0], 2);
    assert_int_equal(t.result[1], 0);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

/* A socket on its way to itself is open by that alone. */
static void send_to_itself(void *arg)
{
    rondo_fd pair[2];
    (void)arg;
    sim_test_must(rondo_sim_pair(pair));
    sim_test_must(rondo_sim_send_fds(pair[0], "x", 1, &pair[1], 1));
    (void)rondo_sim_sleep(RONDO_US(1));
    sim_test_must(rondo_sim_send_fds(pair[0], "x", 1, pair, 2));
    close_all(pair, 2);
}

TEST(a_circle_ends_with_its_host)
{
    int host = play(WORLD(), send_to_itself, NULL);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
    sim_test_must(rondo_sim_crash(host)); /* the sanitizer sees what is left */
}

static void send_wrong(void *arg)
{
    struct told *t = arg;
    rondo_fd pair[2], dead = 1999999;
    rondo_fd tcp = rondo_sim_socket(RONDO_FAMILY_INET, false);
    sim_test_must(rondo_sim_pair(pair));
    t->result[0] = rondo_sim_send_fds(tcp, "x", 1, pair, 2);
    t->result[1] = rondo_sim_send_fds(pair[0], "x", 1, &dead, 1);
    t->result[2] = rondo_sim_send_fds(pair[0], "x", 1, pair, 254);
    close_all(pair, 2);
    close_all(&tcp, 1);
}

TEST(what_cannot_travel)
{
    struct told t = {.bytes = ""};
    (void)play(WORLD(), send_wrong, &t);
    assert_int_equal(t.result[0], RONDO_EINVAL);
    assert_int_equal(t.result[1], RONDO_EBADF);
    assert_int_equal(t.result[2], RONDO_ETOOMUCH);
}
