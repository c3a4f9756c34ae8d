/* sim_test.c - what the tests of the kqueue for tests share. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int kq;
struct kevent got[8];
static int first_free;

int sim_setup(void **state)
{
    (void)state;
    first_free = dup(2);
    (void)close(first_free);
    kq = kqueue();
    return kq < 0 ? -1 : 0;
}

int sim_teardown(void **state)
{
    (void)state;
    for (int fd = first_free; fd < first_free + 64; fd++)
        (void)close(fd);
    return 0;
}

struct kevent event_of(int ident, uint32_t filter, uint32_t flags)
{
    struct kevent e;

    EV_SET(&e, ident, filter, flags, 0, 0, NULL);
    return e;
}

int change(int ident, uint32_t filter, uint32_t flags)
{
    struct kevent e = event_of(ident, filter, flags);

    return kevent(kq, &e, 1, NULL, 0, NULL) < 0 ? errno : 0;
}

int look(void)
{
    static const struct timespec now = {0, 0};

    return kevent(kq, NULL, 0, got, 8, &now);
}

int await(void)
{
    static const struct timespec while_ = {20, 0};

    return kevent(kq, NULL, 0, got, 8, &while_);
}

void make_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
}

void make_fifo(int fds[2])
{
    char folder[] = "/tmp/rondo-kqueue-XXXXXX", path[64];

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    fds[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    fds[1] = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fds[0] >= 0 && fds[1] >= 0);
    (void)unlink(path);
    (void)rmdir(folder);
}
