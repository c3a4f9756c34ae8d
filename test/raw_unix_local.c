/* raw_unix_local.c - the unix sockets of raw_local.h on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* ---- sockets ------------------------------------------------------------ */

static int local_socket(int type)
{
    int fd = socket(AF_UNIX, type, 0);

    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un a;

    memset(&a, 0, sizeof a);
    a.sun_family = AF_UNIX;
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

static raw_fd bound(const char *path, int type)
{
    struct sockaddr_un a = address_of(path);
    int fd = local_socket(type);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_local_bind(const char *path)
{
    return bound(path, SOCK_STREAM);
}

raw_fd raw_local_datagram(const char *path)
{
    return bound(path, SOCK_DGRAM);
}

raw_fd raw_local_listen(const char *path, int backlog)
{
    raw_fd fd = raw_local_bind(path);

    if (fd == RONDO_NO_FD || listen((int)fd, backlog) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

static raw_fd connect_to(const char *path, bool blocking)
{
    struct sockaddr_un a = address_of(path);
    int fd = local_socket(SOCK_STREAM);

    if (fd >= 0 && !blocking)
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_local_connect(const char *path)
{
    return connect_to(path, true);
}

int raw_local_pair(raw_fd pair[2])
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        pair[i] = fds[i];
    }
    return 0;
}

size_t raw_local_fill(const char *path, raw_fd *clients, size_t room)
{
    size_t count = 0;

    while (count < room) {
        clients[count] = connect_to(path, false);
        if (clients[count] == RONDO_NO_FD)
            return errno == EAGAIN ? count : 0;
        count++;
    }
    return 0;
}

/* ---- descriptors -------------------------------------------------------- */

static ptrdiff_t failure(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return RAW_AGAIN;
    return errno == ECONNRESET || errno == EPIPE ? RAW_RESET : RAW_FAILED;
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(RAW_PASS_MOST * sizeof(int))];
};

ptrdiff_t raw_send_fds(raw_fd fd, const void *data, size_t size,
                       const raw_fd *fds, size_t count)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    union control control;
    struct msghdr m = {.msg_iov = &part};
    struct cmsghdr *c;
    ssize_t n;

    m.msg_iovlen = 1;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        m.msg_control = control.bytes;
        m.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
        for (size_t i = 0; i < count; i++) {
            int number = (int)fds[i];

            memcpy(CMSG_DATA(c) + i * sizeof number, &number, sizeof number);
        }
    }
    n = sendmsg((int)fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? failure() : n;
}

/* musl's macro compares a signed number with an unsigned one */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
static struct cmsghdr *next_control(struct msghdr *m, struct cmsghdr *c)
{
    return CMSG_NXTHDR(m, c);
}
#pragma GCC diagnostic pop

ptrdiff_t raw_recv_fds(raw_fd fd, void *data, size_t size, raw_fd *fds,
                       size_t *count, int timeout_ms)
{
    struct iovec part = {data, size};
    struct pollfd p = {.fd = (int)fd, .events = POLLIN, .revents = 0};
    union control control;
    struct msghdr m = {.msg_iov = &part};
    size_t room = *count;
    ssize_t n;

    *count = 0;
    m.msg_iovlen = 1;
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control;
    if (poll(&p, 1, timeout_ms) <= 0)
        return RAW_AGAIN;
    n = recvmsg((int)fd, &m, MSG_DONTWAIT);
    if (n < 0)
        return failure();
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = next_control(&m, c)) {
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        for (size_t i = 0; i < here && c->cmsg_type == SCM_RIGHTS; i++) {
            int number;

            memcpy(&number, CMSG_DATA(c) + i * sizeof number, sizeof number);
            if (*count < room)
                fds[(*count)++] = number;
            else
                raw_close(number);
        }
    }
    return n;
}

bool raw_same_file(raw_fd a, raw_fd b)
{
    struct stat one, two;

    return fstat((int)a, &one) == 0 && fstat((int)b, &two) == 0 &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* ---- files -------------------------------------------------------------- */

bool raw_folder(char *path)
{
    (void)snprintf(path, 64, "/tmp/rondo-test-XXXXXX");
    return mkdtemp(path) != NULL;
}

void raw_folder_remove(const char *path)
{
    char name[512];
    DIR *folder = opendir(path);
    const struct dirent *e;

    while (folder && (e = readdir(folder))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        (void)remove(name);
    }
    if (folder)
        (void)closedir(folder);
    (void)rmdir(path);
}

bool raw_path_exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

int raw_path_mode(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 ? (int)(status.st_mode & 07777) : -1;
}

bool raw_path_make(const char *path, const char *what)
{
    int fd;

    if (strcmp(what, "folder") == 0)
        return mkdir(path, 0700) == 0;
    if (strncmp(what, "link to ", 8) == 0)
        return symlink(what + 8, path) == 0;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    raw_close(fd);
    return fd >= 0;
}

bool raw_path_remove(const char *path)
{
    return remove(path) == 0;
}

bool raw_path_rename(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

bool raw_path_chdir(const char *path)
{
    return chdir(path) == 0;
}

int raw_umask(int mask)
{
    return (int)umask((mode_t)mask);
}

bool raw_pass_pidfds(raw_fd fd)
{
#ifdef __linux__
    enum { PASS_PIDFD = 76 }; /* SO_PASSPIDFD, which glibc 2.36 does not have */
    const int on = 1;

    return setsockopt((int)fd, SOL_SOCKET, PASS_PIDFD, &on, sizeof on) == 0;
#else
    (void)fd;
    return false;
#endif
}

/* ---- the process -------------------------------------------------------- */

int64_t raw_pid(void)
{
    return getpid();
}

int64_t raw_uid(void)
{
    return (int64_t)getuid();
}

int64_t raw_gid(void)
{
    return (int64_t)getgid();
}
