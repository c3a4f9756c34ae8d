/* test_poll_source.c - a library that waits by poll(2), and what can go wrong
 * there. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "rondo_poll.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 300 };

struct lib {
    struct world *w;
    rondo_poll *poll;
    struct pollfd wants[MOST];
    int count;
    int timeout_ms;
    unsigned prepared, dispatched;
    short told[MOST]; /* by the last dispatch */
    void (*act)(struct lib *lib);
};

static int prepare(void *arg, struct pollfd *fds, int room, int *timeout_ms)
{
    struct lib *lib = arg;

    lib->prepared++;
    assert_int_equal(*timeout_ms, -1);
    for (int i = 0; i < lib->count && i < room; i++)
        fds[i] = lib->wants[i];
    *timeout_ms = lib->timeout_ms;
    return lib->count;
}

static void dispatch(void *arg, struct pollfd *fds, int count)
{
    struct lib *lib = arg;

    lib->dispatched++;
    assert_int_equal(count, lib->count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(fds[i].fd, lib->wants[i].fd);
        lib->told[i] = fds[i].revents;
    }
    if (lib->act)
        lib->act(lib);
}

static struct lib *lib_new(struct world *w)
{
    struct lib *lib = test_alloc(w, sizeof *lib);
    rondo_poll_source source = {.size = sizeof source,
                                .prepare = prepare,
                                .dispatch = dispatch,
                                .arg = lib};

    lib->w = w;
    lib->timeout_ms = -1;
    assert_ok(rondo_poll_new(w->loop, &source, &lib->poll));
    return lib;
}

static void want(struct lib *lib, int fd, short events)
{
    assert_true(lib->count < MOST);
    lib->wants[lib->count++] = (struct pollfd){.fd = fd, .events = events};
}

static void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static void write_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static void read_byte(int fd)
{
    char byte;

    assert_int_equal(read(fd, &byte, 1), 1);
}

/* The loop has seen what the library wants. */
static void settle(struct world *w)
{
    for (int i = 0; i < 3; i++)
        assert_true(rondo_loop_run_once(w->loop, 0) >= 0);
}

TEST(A1_readable_and_writable_are_told)
{
    struct lib *lib = lib_new(w);
    int fds[2];

    make_pair(fds);
    want(lib, fds[0], POLLIN);
    settle(w);
    assert_int_equal(lib->dispatched, 0);
    write_byte(fds[1]);
    test_run_until(w, lib->dispatched > 0);
    assert_int_equal(lib->told[0], POLLIN);
    read_byte(fds[0]);
    lib->wants[0].events = POLLIN | POLLOUT;
    lib->told[0] = 0;
    test_run_until(w, lib->told[0] == POLLOUT);
    rondo_poll_free(lib->poll);
    close_pair(fds);
}

TEST(A1_nothing_is_told_while_nothing_happens)
{
    struct lib *lib = lib_new(w);
    int fds[2];

    make_pair(fds);
    want(lib, fds[0], POLLIN);
    for (int i = 0; i < 20; i++)
        assert_ok(rondo_loop_run_once(w->loop, 0));
    assert_int_equal(lib->dispatched, 0);
    assert_true(lib->prepared >= 20);
    rondo_poll_free(lib->poll);
    close_pair(fds);
}

TEST(A1_a_descriptor_may_be_in_several_entries)
{
    struct lib *lib = lib_new(w);
    int fds[2];

    make_pair(fds);
    want(lib, fds[0], POLLIN);
    want(lib, -1, POLLIN);
    want(lib, fds[0], POLLOUT);
    write_byte(fds[1]);
    test_run_until(w, lib->told[0] == POLLIN);
    assert_int_equal(lib->told[1], 0);
    assert_int_equal(lib->told[2], POLLOUT);
    rondo_poll_free(lib->poll);
    close_pair(fds);
}

TEST(A1_the_time_is_up)
{
    struct lib *lib = lib_new(w);
    int64_t start = rondo_loop_time(w->loop);

    lib->timeout_ms = 20;
    test_run_until(w, lib->dispatched > 0);
    assert_true(rondo_loop_time(w->loop) - start >= RONDO_MS(20));
    lib->timeout_ms = 0;
    test_run_until(w, lib->dispatched > 10);
    assert_true(lib->prepared >= 11);
    rondo_poll_free(lib->poll);
}

/* The loop has other things to do all the time. */
TEST(A1_other_iterations_do_not_put_the_time_off)
{
    struct lib *lib = lib_new(w);

    lib->timeout_ms = 20;
    while (!lib->dispatched)
        assert_ok(rondo_loop_run_once(w->loop, RONDO_MS(1)));
    rondo_poll_free(lib->poll);
}

TEST(A1_without_descriptors_and_timeout_the_loop_ends)
{
    struct lib *lib = lib_new(w);

    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(lib->dispatched, 0);
    lib->timeout_ms = 1;
    assert_true(rondo_loop_run_once(w->loop, 0) >= 0);
    assert_true(rondo_loop_run_once(w->loop, 0) > 0); /* it waits for that */
    rondo_poll_free(lib->poll);
}

static void free_it(struct lib *lib)
{
    rondo_poll_free(lib->poll);
    lib->poll = NULL;
}

TEST(A1_freed_while_it_is_told)
{
    struct lib *lib = lib_new(w);

    lib->act = free_it;
    lib->timeout_ms = 0;
    test_run_until(w, !lib->poll);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(lib->dispatched, 1);
}

/* The kernel has forgotten the old socket, and the number is another one's. */
TEST(A1_a_number_that_comes_again)
{
    struct lib *lib = lib_new(w);
    int fds[2], others[2];

    make_pair(fds);
    want(lib, fds[0], POLLIN);
    settle(w);
    make_pair(others);
    assert_int_equal(dup2(others[0], fds[0]), fds[0]);
    close(others[0]);
    write_byte(others[1]);
    test_run_until(w, lib->dispatched > 0);
    assert_int_equal(lib->told[0], POLLIN);
    rondo_poll_free(lib->poll);
    close(fds[0]);
    close(fds[1]);
    close(others[1]);
}

TEST(A1_one_that_is_not_open_is_invalid)
{
    struct lib *lib = lib_new(w);
    int fds[2];

    make_pair(fds);
    want(lib, fds[0], POLLIN);
    want(lib, fds[1], POLLIN);
    settle(w);
    close(fds[0]);
    test_run_until(w, lib->dispatched > 0);
    assert_int_equal(lib->told[0], POLLNVAL);
    assert_true(lib->told[1] & POLLHUP || lib->told[1] & POLLIN);
    rondo_poll_free(lib->poll);
    close(fds[1]);
}

TEST(A1_the_end_is_told)
{
    struct lib *lib = lib_new(w);
    int fds[2];

    make_pair(fds);
    want(lib, fds[0], POLLIN);
    settle(w);
    close(fds[1]);
    test_run_until(w, lib->dispatched > 0);
    assert_true(lib->told[0] & POLLIN);
    rondo_poll_free(lib->poll);
    close(fds[0]);
}

TEST(A1_a_file_is_always_ready)
{
    struct lib *lib = lib_new(w);
    int fd = open("/", O_RDONLY);

    assert_true(fd >= 0);
    want(lib, fd, POLLIN);
    test_run_until(w, lib->dispatched > 3);
    assert_int_equal(lib->told[0], POLLIN);
    rondo_poll_free(lib->poll);
    close(fd);
}

static void drop_ready(struct lib *lib)
{
    int kept = 0;

    for (int i = 0; i < lib->count; i++)
        if (lib->told[i])
            read_byte(lib->wants[i].fd);
        else
            lib->wants[kept++] = lib->wants[i];
    lib->count = kept;
}

/* They leave in any order, from the highest to the lowest and back. */
TEST(A1_many_descriptors)
{
    struct lib *lib = lib_new(w);
    int fds[MOST / 2][2];

    for (int i = 0; i < MOST / 2; i++)
        make_pair(fds[i]);
    for (int i = 0; i < MOST / 2; i++)
        want(lib, fds[(i * 37) % (MOST / 2)][0], POLLIN);
    lib->act = drop_ready;
    for (int i = 0; i < MOST / 2; i++) {
        int at = i % 2 ? i / 2 : MOST / 2 - 1 - i / 2;
        int before = lib->count;

        write_byte(fds[at][1]);
        test_run_until(w, lib->count < before);
        assert_int_equal(lib->count, before - 1);
    }
    rondo_poll_free(lib->poll);
    for (int i = 0; i < MOST / 2; i++)
        close_pair(fds[i]);
}

TEST(A1_bad_arguments)
{
    rondo_poll *made;
    rondo_poll_source source = {
        .size = sizeof source, .prepare = prepare, .dispatch = dispatch};

    assert_error(rondo_poll_new(NULL, &source, &made), RONDO_EINVAL);
    assert_error(rondo_poll_new(w->loop, NULL, &made), RONDO_EINVAL);
    assert_error(rondo_poll_new(w->loop, &source, NULL), RONDO_EINVAL);
    source.dispatch = NULL;
    assert_error(rondo_poll_new(w->loop, &source, &made), RONDO_EINVAL);
    source.size = 0;
    assert_error(rondo_poll_new(w->loop, &source, &made), RONDO_EINVAL);
    rondo_poll_free(NULL);
}

TEST(A1_no_memory_for_the_hook_or_the_timer)
{
    rondo_poll *made;
    rondo_poll_source source = {
        .size = sizeof source, .prepare = prepare, .dispatch = dispatch};

    for (unsigned n = 1; n <= 2; n++) {
        test_fail_allocation(w, n);
        int error = rondo_poll_new(w->loop, &source, &made);
        test_fail_allocation(w, 0);
        if (error == 0)
            rondo_poll_free(made);
        else
            assert_int_equal(error, RONDO_ENOMEM);
    }
}
