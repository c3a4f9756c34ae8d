/* test_sim_ends.c - how the kqueue for tests tells of ends. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim_test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- ends --------------------------------------------------------------- */

static void the_end_comes_with_data_left(void **state)
{
    int fds[2];
    char bytes[8];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(write(fds[1], "last", 4), 4);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
    assert_int_equal(got[0].data, 4);
    assert_int_equal(read(fds[0], bytes, sizeof bytes), 4);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].data, 0);
    /* the writing side goes on */
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, 0);
    (void)close(fds[1]);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void tcp(struct sockaddr_in *where, int *listener)
{
    socklen_t size = sizeof *where;

    *where = (struct sockaddr_in){.sin_family = AF_INET};
    where->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*listener, (void *)where, sizeof *where), 0);
    assert_int_equal(getsockname(*listener, (void *)where, &size), 0);
}

static void an_unconnected_socket_is_silent(void **state)
{
    struct sockaddr_in where;
    int listener, client;

    (void)state;
    tcp(&where, &listener);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(change(client, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(change(client, EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(change(listener, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(connect(client, (void *)&where, sizeof where), 0);
    assert_true(await() > 0);
    (void)look();
    assert_int_equal(got[0].ident, listener);
    assert_int_equal(got[0].data, 1);
    assert_int_equal(got[1].ident, client);
    assert_int_equal(got[1].filter, EVFILT_WRITE);
}

static void a_refused_connect_ends_both(void **state)
{
    struct sockaddr_in where;
    socklen_t size = sizeof(int);
    int listener, client, os_error = 0;

    (void)state;
    tcp(&where, &listener);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(change(client, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(change(client, EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(connect(client, (void *)&where, sizeof where), -1);
    while (look() < 2)
        continue;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(got[i].flags & EV_EOF, EV_EOF);
        assert_true(got[i].fflags != 0);
    }
    /* looking has not taken the socket's error */
    (void)getsockopt(client, SOL_SOCKET, SO_ERROR, &os_error, &size);
    assert_int_equal(os_error, ECONNREFUSED);
    assert_int_equal(look(), 2);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void fill(int fd)
{
    static char bytes[4096];

    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
}

static void a_pipe_without_a_reader(void **state)
{
    int fds[2];

    (void)state;
    make_pipe(fds);
    (void)close(fds[0]);
    assert_int_equal(change(fds[1], EVFILT_WRITE, EV_ADD),
                     sim_profile()->broken_pipe);
    if (!sim_profile()->broken_pipe) {
        assert_int_equal(look(), 1);
        assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
        assert_int_equal(change(fds[1], EVFILT_WRITE, EV_DELETE), 0);
    }
    /* reading it is answered with the end */
    assert_int_equal(change(fds[1], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void a_reader_that_leaves_a_full_pipe(void **state)
{
    int fds[2];

    (void)state;
    make_pipe(fds);
    fill(fds[1]);
    assert_int_equal(change(fds[1], EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(look(), 0);
    (void)close(fds[0]);
    if (sim_profile()->unheard == SIM_ANY_PIPE) {
        assert_int_equal(look(), 0);
        assert_int_equal(look(), 0);
        return;
    }
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void the_last_writer_of_a_fifo(void **state)
{
    bool told = sim_profile()->fifo != SIM_FIFO_VNODE;
    int fds[2];

    (void)state;
    make_fifo(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(look(), 1);
    assert_int_equal(read(fds[0], (char[1]){0}, 1), 1);
    assert_int_equal(look(), 0);
    (void)close(fds[1]);
    assert_int_equal(look(), told);
    /* of a pipe it is always told */
    make_pipe(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), told);
    (void)close(fds[1]);
    assert_int_equal(look(), told ? 2 : 1);
}

/* full, or with room */
static void leave_a_fifo(bool full)
{
    int fds[2];

    make_fifo(fds);
    if (full)
        fill(fds[1]);
    assert_int_equal(change(fds[1], EVFILT_WRITE, EV_ADD), 0);
    if (sim_profile()->fifo == SIM_FIFO_WRONG_SIDE) {
        assert_int_equal(look(), 1); /* always */
    } else {
        assert_int_equal(look(), !full);
        (void)close(fds[0]);
        if (sim_profile()->unheard == SIM_NOBODY) {
            assert_int_equal(look(), 1);
            assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
        } else {
            assert_int_equal(look(), !full);
            assert_int_equal(full ? 0 : got[0].flags & EV_EOF, 0);
        }
    }
    (void)close(fds[1]);
}

static void the_last_reader_of_a_fifo(void **state)
{
    (void)state;
    leave_a_fifo(false);
    leave_a_fifo(true);
}

static void a_fifo_without_a_reader(void **state)
{
    bool told = sim_profile()->unheard == SIM_NOBODY;
    int fds[2];

    (void)state;
    make_fifo(fds);
    (void)close(fds[0]);
    assert_int_equal(change(fds[1], EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, told ? EV_EOF : 0);
}

/* a filter for reading on a descriptor that only writes */
static void the_other_side_of_a_fifo(void **state)
{
    enum sim_fifo is = sim_profile()->fifo;
    bool counts = is == SIM_FIFO_VNODE || is == SIM_FIFO_WRONG_SIDE;
    int fds[2], refused = is == SIM_FIFO_SOCKETS ? EINVAL : 0;

    (void)state;
    make_fifo(fds);
    assert_int_equal(change(fds[1], EVFILT_READ, EV_ADD), refused);
    assert_int_equal(look(), 0);
    (void)close(fds[0]);
    assert_int_equal(look(), 0);
    make_fifo(fds);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(change(fds[1], EVFILT_READ, EV_ADD), refused);
    assert_int_equal(look(), counts); /* its own byte, which nobody has read */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SIM_TEST(the_end_comes_with_data_left),
        SIM_TEST(an_unconnected_socket_is_silent),
        SIM_TEST(a_refused_connect_ends_both),
        SIM_TEST(a_pipe_without_a_reader),
        SIM_TEST(a_reader_that_leaves_a_full_pipe),
        SIM_TEST(the_last_writer_of_a_fifo),
        SIM_TEST(the_last_reader_of_a_fifo),
        SIM_TEST(a_fifo_without_a_reader),
        SIM_TEST(the_other_side_of_a_fifo)};

    return cmocka_run_group_tests_name(sim_profile()->name, tests, NULL, NULL);
}
