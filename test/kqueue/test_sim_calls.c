/* test_sim_calls.c - poll, options and SIGPIPE of the BSDs for tests. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim_test.h"

#include "bsd.h"
#undef fcntl
#undef setsockopt
#undef write

#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>

/* ---- poll --------------------------------------------------------------- */

/* What one descriptor has, asked for these events. */
static int ask(int fd, int events)
{
    struct pollfd asked = {.fd = fd, .events = (short)events};

    assert_in_range(sim_poll(&asked, 1, 0), 0, 1);
    return asked.revents;
}

static bool is_kqueue(void)
{
    return sim_profile()->poll == SIM_POLL_IS_KQUEUE;
}

static void poll_for_nothing(void **state)
{
    int fds[2];

    (void)state;
    make_pipe(fds);
    assert_int_equal(ask(fds[1], 0), 0);
    (void)close(fds[0]);
    assert_int_equal(ask(fds[1], 0) == 0, is_kqueue());
    /* asked for bytes, the writing end of a pipe tells of its reader */
    assert_true(ask(fds[1], POLLIN) & (POLLHUP | POLLERR));
    assert_int_equal(ask(-1, POLLIN), 0);
}

static void poll_of_a_fifo(void **state)
{
    int fds[2];

    (void)state;
    make_fifo(fds);
    assert_int_equal(ask(fds[0], POLLIN), 0);
    (void)close(fds[1]);
    assert_int_equal(ask(fds[0], POLLIN) == 0, is_kqueue());
    make_fifo(fds);
    (void)close(fds[0]);
    if (sim_profile()->fifo == SIM_FIFO_PIPE)
        assert_true(ask(fds[1], POLLOUT) & (POLLHUP | POLLERR));
    else
        assert_int_equal(ask(fds[1], POLLOUT), POLLOUT);
}

/* NetBSD: asked for both, the reading side answers for writing as well */
static void poll_of_both_sides_of_a_full_fifo(void **state)
{
    bool wrong = sim_profile()->fifo == SIM_FIFO_WRONG_SIDE;
    char bytes[4096] = {0};
    int fds[2];

    (void)state;
    make_fifo(fds);
    while (write(fds[1], bytes, sizeof bytes) > 0)
        continue;
    assert_int_equal(ask(fds[1], POLLOUT), 0);
    assert_int_equal(ask(fds[1], POLLIN | POLLOUT) & POLLOUT,
                     wrong ? POLLOUT : 0);
}

static void poll_of_sockets(void **state)
{
    bool told = sim_profile()->poll != SIM_POLL_READY;
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(ask(fds[0], POLLIN | POLLOUT), POLLOUT);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_true(ask(fds[0], POLLIN) & POLLIN);
    assert_int_equal(ask(fds[0], POLLOUT) & POLLHUP, 0);
    (void)close(fds[1]);
    assert_int_equal(ask(fds[0], POLLOUT) & POLLHUP, told ? POLLHUP : 0);
}

static void poll_of_a_device(void **state)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    assert_int_equal(ask(null, POLLIN), is_kqueue() ? POLLNVAL : POLLIN);
    (void)close(null);
    assert_int_equal(ask(null, POLLIN), POLLNVAL);
}

/* ---- SIGPIPE ------------------------------------------------------------ */

static volatile sig_atomic_t signals;

static void count(int signum)
{
    (void)signum;
    signals++;
}

static void begin_counting(struct sigaction *before)
{
    struct sigaction action = {.sa_handler = count};

    signals = 0;
    assert_int_equal(sigaction(SIGPIPE, &action, before), 0);
}

static int set_quiet(int fd)
{
    static const int on = 1;

    return sim_setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
}

static void a_send_to_nobody(void **state)
{
    struct sigaction before;
    int fds[2];

    (void)state;
    begin_counting(&before);
    make_pair(fds);
    (void)close(fds[1]);
    assert_int_equal(sim_send(fds[0], "x", 1, 0), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(signals, 1);
    assert_int_equal(sim_send(fds[0], "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(signals, sim_profile()->ignores_flag ? 2 : 1);
    assert_int_equal(sim_profile()->shut_refuses, set_quiet(fds[0]) < 0);
    make_pair(fds);
    signals = 0;
    assert_int_equal(set_quiet(fds[0]), 0);
    (void)close(fds[1]);
    assert_int_equal(sim_send(fds[0], "x", 1, 0), -1);
    assert_int_equal(signals, 0);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

/* of macOS and NetBSD the process gets the signal, whoever blocks it */
static void a_write_to_nobody(void **state)
{
    struct sigaction before;
    int fds[2];

    (void)state;
    begin_counting(&before);
    for (int named = 0; named < 2; named++) {
        struct iovec byte = {(char[]){"x"}, 1};
        bool quiet = sim_profile()->quiet_pipes;

        named ? make_fifo(fds) : make_pipe(fds);
        assert_int_equal(sim_write(fds[1], "", 0), 0);
        (void)close(fds[0]);
        signals = 0;
        assert_int_equal(sim_write(fds[1], "", 0), -1);
        assert_int_equal(errno, EPIPE);
        assert_int_equal(sim_writev(fds[1], &byte, 1), -1);
        assert_int_equal(signals, 2);
        assert_int_equal(sim_fcntl(fds[1], F_SETNOSIGPIPE, 1), quiet ? 0 : -1);
        assert_int_equal(sim_fcntl(fds[1], F_GETNOSIGPIPE), quiet ? 1 : -1);
        assert_int_equal(sim_write(fds[1], "", 0), -1);
        assert_int_equal(sim_writev(fds[1], &byte, 1), -1);
        assert_int_equal(signals, quiet ? 2 : 4);
    }
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

/* ---- options ------------------------------------------------------------ */

static socklen_t listen_on(int *listener, struct sockaddr_un *where)
{
    socklen_t size = sizeof *where;

    *where = (struct sockaddr_un){.sun_family = AF_UNIX};
    *listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*listener, (void *)where, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(*listener, (void *)where, &size), 0);
    assert_int_equal(listen(*listener, 1), 0);
    return size;
}

/* The client has left: its bytes are there, and options cannot be set; what
 * the listener had stays. */
static void an_accepted_socket_whose_client_left(void **state)
{
    struct sockaddr_un where;
    struct sigaction before;
    int listener, client, accepted;
    socklen_t size;
    char bytes[8];

    (void)state;
    begin_counting(&before);
    size = listen_on(&listener, &where);
    assert_int_equal(set_quiet(listener), 0);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (void *)&where, size), 0);
    assert_int_equal(write(client, "last", 4), 4);
    (void)close(client);
    accepted = sim_accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(set_quiet(accepted) < 0, sim_profile()->shut_refuses);
    assert_int_equal(read(accepted, bytes, sizeof bytes), 4);
    assert_int_equal(sim_send(accepted, "x", 1, 0), -1);
    assert_int_equal(signals, 0);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SIM_TEST(poll_for_nothing),
        SIM_TEST(poll_of_a_fifo),
        SIM_TEST(poll_of_both_sides_of_a_full_fifo),
        SIM_TEST(poll_of_sockets),
        SIM_TEST(poll_of_a_device),
        SIM_TEST(a_send_to_nobody),
        SIM_TEST(a_write_to_nobody),
        SIM_TEST(an_accepted_socket_whose_client_left)};

    return cmocka_run_group_tests_name(sim_profile()->name, tests, NULL, NULL);
}
