/* raw_unix_fds.c - the descriptors of raw_net.h that are no sockets, on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#endif

bool raw_wait_handle(raw_fd fd, int64_t timeout_ns)
{
    struct pollfd asked = {.fd = (int)fd, .events = POLLIN};

    return poll(&asked, 1, (int)((timeout_ns + 999999) / 1000000)) > 0;
}

int raw_fifo(raw_fd pair[2])
{
    char folder[] = "/tmp/rondo-test-XXXXXX";
    char path[64];
    int reader = -1;
    int writer = -1;

    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/fifo", folder);
    if (mkfifo(path, 0600) == 0) {
        reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    pair[0] = reader;
    pair[1] = writer;
    if (reader >= 0 && writer >= 0)
        return 0;
    raw_close(reader);
    raw_close(writer);
    return -1;
}

/* no echo and no lines, so that bytes pass as they are */
static void make_raw(int fd)
{
    struct termios t;

    if (tcgetattr(fd, &t) < 0)
        return;
    t.c_iflag = 0;
    t.c_oflag = 0;
    t.c_lflag = 0;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    (void)tcsetattr(fd, TCSANOW, &t);
}

int raw_terminal(raw_fd pair[2])
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int slave = -1;
    const char *name;

    if (master < 0)
        return -1;
    (void)fcntl(master, F_SETFD, FD_CLOEXEC);
    if (grantpt(master) == 0 && unlockpt(master) == 0 &&
        (name = ptsname(master)) != NULL)
        slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        (void)close(master);
        return -1;
    }
    make_raw(slave);
    pair[0] = master;
    pair[1] = slave;
    return 0;
}

raw_fd raw_event(void)
{
#if defined(__linux__)
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
#else
    return RONDO_NO_FD;
#endif
}

raw_fd raw_device(const char *path)
{
    return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

ptrdiff_t raw_read(raw_fd fd, void *data, size_t size)
{
    ssize_t n;

    while ((n = read((int)fd, data, size)) < 0 && errno == EINTR)
        continue;
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? RAW_AGAIN : RAW_FAILED;
}

ptrdiff_t raw_write(raw_fd fd, const void *data, size_t size)
{
    ssize_t n;

    while ((n = write((int)fd, data, size)) < 0 && errno == EINTR)
        continue;
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? RAW_AGAIN : RAW_FAILED;
}

size_t raw_exhaust(raw_fd *fds, size_t room)
{
    size_t n = 0;

    while (n < room) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (fd < 0)
            break;
        fds[n++] = fd;
    }
    return n;
}
