/* test_sim_urgent.c - how the kqueue for tests tells of urgent data. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim_test.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two ends of a TCP connection, away from 0, 1 and 2. */
static void make_tcp(int fds[2])
{
    struct sockaddr_in where = {.sin_family = AF_INET};
    socklen_t size = sizeof where;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (void *)&where, sizeof where), 0);
    assert_int_equal(getsockname(listener, (void *)&where, &size), 0);
    assert_int_equal(listen(listener, 1), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[1], (void *)&where, sizeof where), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fds[0] > 2);
    (void)close(listener);
}

/* false: this system has no such filter. */
static bool watch(int fd, uint32_t flags, uint32_t fflags, int64_t data)
{
    struct kevent event = event_of(fd, EVFILT_EXCEPT, flags);
    int result;

    event.fflags = fflags;
    event.data = data;
    result = kevent(kq, &event, 1, NULL, 0, NULL);
    if (sim_profile()->except != SIM_NO_FILTER) {
        assert_int_equal(result, 0);
        return true;
    }
    assert_int_equal(result, -1);
    assert_int_equal(errno, EINVAL);
    return false;
}

static bool reads(void)
{
    return sim_profile()->except == SIM_EXCEPT_READS;
}

static void urgent_data_is_reported_until_it_is_read(void **state)
{
    char bytes[8];
    int fds[2];

    (void)state;
    make_tcp(fds);
    if (!watch(fds[0], EV_ADD, NOTE_OOB, 0))
        return;
    assert_int_equal(look(), 0);
    assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
    assert_int_equal(await(), 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look(), 1);
        assert_int_equal(got[0].filter, EVFILT_EXCEPT);
        assert_int_equal(got[0].fflags, NOTE_OOB);
        assert_int_equal(got[0].flags & EV_EOF, 0);
    }
    assert_int_equal(recv(fds[0], bytes, 1, MSG_OOB), 1);
    assert_int_equal(look(), 0);
}

/* xnu's filter is that of reading: data and the end are reported, too. */
static void data_and_the_end(void **state)
{
    int fds[2];

    (void)state;
    make_tcp(fds);
    if (!watch(fds[0], EV_ADD, NOTE_OOB, 0))
        return;
    assert_int_equal(send(fds[1], "data", 4, 0), 4);
    if (reads()) {
        assert_int_equal(await(), 1);
        assert_int_equal(got[0].fflags, 0);
        assert_int_equal(got[0].flags & EV_EOF, 0);
    }
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    while (reads() && !(got[0].flags & EV_EOF))
        assert_int_equal(await(), 1);
    assert_int_equal(look(), reads());
}

/* With a mark that no buffer reaches, and EV_CLEAR, it is quiet about data and
 * tells the end once. */
static void a_high_mark(void **state)
{
    int fds[2];

    (void)state;
    make_tcp(fds);
    if (!watch(fds[0], EV_ADD | EV_CLEAR, NOTE_OOB | NOTE_LOWAT, INT_MAX))
        return;
    assert_int_equal(send(fds[1], "data", 4, 0), 4);
    assert_int_equal(look(), 0);
    assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
    assert_int_equal(await(), 1);
    assert_int_equal(got[0].fflags, NOTE_OOB);
    assert_int_equal(look(), 0);
    assert_int_equal(kevent(kq,
                            &(struct kevent){.ident = (uintptr_t)fds[0],
                                             .filter = EVFILT_EXCEPT,
                                             .flags = EV_DELETE},
                            1, NULL, 0, NULL),
                     0);
    assert_true(
        watch(fds[0], EV_ADD | EV_CLEAR, NOTE_OOB | NOTE_LOWAT, INT_MAX));
    assert_int_equal(look(), 1); /* registered anew it reports it again */
    assert_int_equal(got[0].fflags, NOTE_OOB);
}

static void what_is_no_socket(void **state)
{
    int fds[2];

    (void)state;
    make_pipe(fds);
    assert_int_equal(change(fds[0], EVFILT_EXCEPT, EV_ADD), EINVAL);
}

static void a_closed_socket_is_forgotten(void **state)
{
    int fds[2];

    (void)state;
    make_tcp(fds);
    if (!watch(fds[0], EV_ADD, NOTE_OOB, 0))
        return;
    assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
    assert_int_equal(await(), 1);
    (void)close(fds[0]);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_EXCEPT, EV_DELETE),
                     sim_profile()->delete_closed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SIM_TEST(urgent_data_is_reported_until_it_is_read),
        SIM_TEST(data_and_the_end),
        SIM_TEST(a_high_mark),
        SIM_TEST(what_is_no_socket),
        SIM_TEST(a_closed_socket_is_forgotten),
    };

    return cmocka_run_group_tests_name(sim_profile()->name, tests, NULL, NULL);
}
