/* local.c - unix sockets: their files, credentials and descriptors. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "core/loop.h"
#include "unix/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { MODE_BITS = 07777, LOCK_TRIES = 100 };

#ifdef __APPLE__
#define STATUS_CHANGED st_ctimespec
#else
#define STATUS_CHANGED st_ctim
#endif

static int unix_local_fail(void)
{
    return error_from_os(errno);
}

/* ---- names ---- */

int sys_path_address(rondo_address *a, const char *path)
{
    size_t size = strlen(path);
#ifdef __linux__
    char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
    if (*path == '@') {
        if (size == 1)
            return RONDO_EINVAL;
        if (size >= sizeof name)
            return RONDO_ENAMETOOLONG;
        memcpy(name, path, size);
        name[0] = '\0';
        return sys_address_unix(a, name, size);
    }
#endif
    return sys_address_unix(a, path, size);
}

/* ---- the file ---- */

/* Copies the path, with a NUL byte; false: unnamed or abstract, so no file. */
static bool unix_local_path_of(const rondo_address *a, char *path, size_t room)
{
    const char *bytes;
    size_t size = sys_address_path(a, &bytes);
    if (!size || !*bytes || size >= room)
        return false;
    memcpy(path, bytes, size);
    path[size] = '\0';
    return true;
}

/* Only while that socket is open does no other file get its number. */
static bool unix_local_is_at(const char *path, const struct sys_file *file)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
           (uint64_t)status.st_dev == file->device &&
           (uint64_t)status.st_ino == file->number;
}

static int unix_local_identify(const char *path, struct sys_file *file,
                               unsigned *mode)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return unix_local_fail();
    if (!S_ISSOCK(status.st_mode))
        return RONDO_EEXIST;
    *file = (struct sys_file){(uint64_t)status.st_dev, (uint64_t)status.st_ino};
    *mode = (unsigned)status.st_mode & MODE_BITS;
    return 0;
}

/* Connects a datagram socket. An open stream socket refuses it because of its
 * type (EPROTOTYPE), so its server does not see a client, and a full backlog is
 * not mistaken for a dead server (the BSDs answer both with ECONNREFUSED). */
static int unix_local_check_held(const rondo_address *a)
{
    int fd = unix_socket(AF_UNIX, SOCK_DGRAM);
    if (fd < 0)
        return unix_local_fail();
    bool refused =
        connect(fd, (const void *)&a->native, (socklen_t)a->native_size) != 0 &&
        errno == ECONNREFUSED;
    sys_close(fd);
    return refused ? 0 : error_from_os(EADDRINUSE);
}

/* 0: the file of a socket that is no longer open. RONDO_ENOENT, RONDO_EEXIST,
 * RONDO_EADDRINUSE. */
static int unix_local_check_stale(const rondo_address *a, const char *path,
                                  struct stat *status)
{
    if (lstat(path, status) != 0)
        return unix_local_fail();
    return S_ISSOCK(status->st_mode) ? unix_local_check_held(a) : RONDO_EEXIST;
}

/* Removes the file of a socket that is no longer open. Its number alone does
 * not tell it from a new one, which gets the number of a file that is gone: the
 * time of its last change does. */
static int unix_local_remove_stale(const rondo_address *a, const char *path)
{
    struct stat before, now;
    int error = unix_local_check_stale(a, path, &before);
    if (error)
        return error == RONDO_ENOENT ? 0 : error;
    if (lstat(path, &now) != 0)
        return errno == ENOENT ? 0 : unix_local_fail();
    if (now.st_dev != before.st_dev || now.st_ino != before.st_ino ||
        now.STATUS_CHANGED.tv_sec != before.STATUS_CHANGED.tv_sec ||
        now.STATUS_CHANGED.tv_nsec != before.STATUS_CHANGED.tv_nsec)
        return error_from_os(EADDRINUSE);
    return unlink(path) == 0 || errno == ENOENT ? 0 : unix_local_fail();
}

/* The umask belongs to the whole process, so it is not changed. Linux takes the
 * mode of the file from the socket (fchmod) and removes the bits of the umask;
 * chmod adds them again. No client can connect before listen. */
static int unix_local_bind_file(sys_fd fd, const rondo_address *a,
                                const char *path, unsigned mode,
                                struct sys_file *file)
{
    unsigned has = 0;
    if (mode)
        (void)fchmod(fd, (mode_t)mode);
    int error = sys_bind(fd, a);
    if (error)
        return error;
    error = unix_local_identify(path, file, &has);
    if (!error && mode && has != mode && chmod(path, (mode_t)mode) != 0) {
        error = unix_local_fail();
        sys_path_remove(a, file);
    }
    return error;
}

/* Opens and locks the file beside the socket's. Whoever had it before may have
 * removed it meanwhile: then the lock is one of nothing. Its descriptor, or an
 * error; RONDO_EADDRINUSE: for all these tries another process has had it. */
static int unix_local_lock(const char *name)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        struct stat opened, named;
        int fd = open(
            name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0)
            return unix_local_fail();
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            if (fstat(fd, &opened) == 0 && lstat(name, &named) == 0 &&
                opened.st_dev == named.st_dev &&
                opened.st_ino == named.st_ino) {
                return fd;
            }
        } else {
            sys_sleep(1000000);
        }
        sys_close(fd);
    }
    return error_from_os(EADDRINUSE);
}

/* Looking, removing and binding are one step to all that take a path over in
 * this way: else two that have seen the same old file would remove each other's
 * new one. A lock of the folder, or of a name like that of the socket, may be
 * the program's. */
static int unix_local_take_over(sys_fd fd, const rondo_address *a,
                                const char *path, unsigned mode,
                                struct sys_file *file)
{
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
    struct stat status;
    int error = unix_local_check_stale(a, path, &status);
    if (error && error != RONDO_ENOENT)
        return error;
    snprintf(name, sizeof name, "%s.rondo", path);
    int lock = unix_local_lock(name);
    if (lock < 0)
        return lock;
    error = unix_local_remove_stale(a, path);
    if (!error)
        error = unix_local_bind_file(fd, a, path, mode, file);
    (void)unlink(name);
    sys_close(lock);
    return error;
}

int sys_path_bind(sys_fd fd, const rondo_address *a, unsigned mode,
                  struct sys_file *file)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    *file = (struct sys_file){0, 0};
    if (!unix_local_path_of(a, path, sizeof path))
        return sys_bind(fd, a);
    int error = unix_local_bind_file(fd, a, path, mode, file);
    if (error != RONDO_EADDRINUSE)
        return error;
    return unix_local_take_over(fd, a, path, mode, file);
}

void sys_path_remove(const rondo_address *a, const struct sys_file *file)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    int before = errno;
    if (file->number && unix_local_path_of(a, path, sizeof path) &&
        unix_local_is_at(path, file))
        (void)unlink(path);
    errno = before;
}

/* ---- credentials ---- */

int sys_peer_credentials(sys_fd fd, int64_t *pid, int64_t *uid, int64_t *gid)
{
#ifdef __linux__
    struct ucred who;
    socklen_t size = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return unix_local_fail();
    *pid = who.pid > 0 ? who.pid : -1; /* 0: another pid namespace */
    *uid = who.uid == (uid_t)-1 ? -1 : (int64_t)who.uid;
    *gid = who.gid == (gid_t)-1 ? -1 : (int64_t)who.gid;
#else
    uid_t user;
    gid_t group;
    if (getpeereid(fd, &user, &group) != 0)
        return unix_local_fail();
    *pid = -1;
    *uid = (int64_t)user;
    *gid = (int64_t)group;
#ifdef LOCAL_PEERPID
    pid_t process;
    socklen_t size = sizeof process;
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &process, &size) == 0)
        *pid = process;
#endif
#endif
    return 0;
}

/* ---- descriptors ---- */

#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0 /* unix_keep marks each descriptor instead */
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set on every socket instead */
#endif

/* Has room for more than descriptors: the program may have set SO_PASSCRED. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(SYS_FDS_MOST * sizeof(int)) + 256];
};

/* musl's CMSG_NXTHDR compares a signed number with an unsigned one. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
struct cmsghdr *unix_next_control(struct msghdr *message, struct cmsghdr *c)
{
    return CMSG_NXTHDR(message, c);
}
#pragma GCC diagnostic pop

/* Linux 6.5: with SO_PASSPIDFD, which the program can set, each message brings
 * a pidfd of its sender. glibc 2.36 does not have the number. */
#if defined(__linux__) && !defined(SCM_PIDFD)
#define SCM_PIDFD 4
#endif

/* Has descriptors of that kind come? All others bring none. */
static bool unix_local_is_pidfd(const struct cmsghdr *c)
{
#ifdef SCM_PIDFD
    return c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_PIDFD;
#else
    (void)c;
    return false;
#endif
}

/* Takes the descriptors of one control message, or closes those that nobody can
 * be given; false: some are lost. */
static bool unix_local_take(struct cmsghdr *c, sys_fd *fds, size_t *count)
{
    bool all = true, pidfd = unix_local_is_pidfd(c);
    if (!pidfd && (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS))
        return true;
    size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        if (pidfd) {
            sys_close(fd);
            continue;
        }
        fd = unix_keep(fd);
        if (fd >= 0 && *count < SYS_FDS_MOST) {
            fds[(*count)++] = fd;
        } else {
            sys_close(fd);
            all = false;
        }
    }
    return all;
}

/* Something has come with the bytes, or was lost. */
static COLD int64_t unix_local_take_all(struct msghdr *message,
                                        int64_t received, sys_fd *fds,
                                        size_t *count)
{
    bool all = !(message->msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c;
         c = unix_next_control(message, c))
        if (!unix_local_take(c, fds, count))
            all = false;
    if (all)
        return received;
    while (*count)
        sys_close(fds[--*count]);
    return error_from_os(EMFILE);
}

int64_t sys_recv_fds(sys_fd fd, void *data, size_t size, sys_fd *fds,
                     size_t *count)
{
    struct iovec part = {data, size};
    union control control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    message.msg_iovlen = 1;
    *count = 0;
    ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received < 0)
        return unix_fail();
    return message.msg_controllen || message.msg_flags & MSG_CTRUNC
               ? unix_local_take_all(&message, received, fds, count)
               : received;
}

int64_t sys_send_fds(sys_fd fd, const rondo_buffer *buffers, size_t count,
                     const sys_fd *fds, size_t fds_count)
{
    struct iovec parts[64];
    union control control;
    struct msghdr message = {.msg_iov = parts, .msg_control = control.bytes};
    message.msg_iovlen = unix_parts(parts, 64, buffers, count);
    memset(&control, 0, sizeof control);
    message.msg_controllen = (socklen_t)CMSG_SPACE(fds_count * sizeof *fds);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = (socklen_t)CMSG_LEN(fds_count * sizeof *fds);
    memcpy(CMSG_DATA(c), fds, fds_count * sizeof *fds);
    ssize_t sent = -1; /* a borrowed socket may block */
    if (unix_may_send(fd))
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? unix_send_fail() : sent;
}

int sys_duplicate(sys_fd fd, sys_fd *copy)
{
    *copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return *copy < 0 ? unix_local_fail() : 0;
}

/* ---- named pipes: none, a path names a unix socket ---- */

bool sys_is_pipe_name(const char *path)
{
    (void)path;
    return false;
}

int sys_pipe_check(const char *name)
{
    (void)name;
    return RONDO_ENOTSUP;
}

int sys_pipe_connect(const char *name, sys_fd *fd)
{
    (void)name;
    *fd = SYS_NO_FD;
    return RONDO_ENOTSUP;
}

int sys_pipe_listen(const char *name, bool first, sys_fd *fd)
{
    (void)name;
    (void)first;
    *fd = SYS_NO_FD;
    return RONDO_ENOTSUP;
}

void sys_pipe_discard(sys_fd fd)
{
    sys_close(fd);
}

void sys_pipe_cut(sys_fd fd)
{
    (void)fd;
}
#endif
