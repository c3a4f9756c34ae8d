/* sendfile.c - files to send: reading them, and sendfile(2): Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/sendfile.h>
#endif

/* Three different calls have this name. The tests compile those of FreeBSD and
 * macOS on Linux. */
#if defined(__FreeBSD__) || defined(__DragonFly__)
#define SENDFILE_FREEBSD
#elif defined(__APPLE__)
#define SENDFILE_MACOS
#endif

enum { FLOW_WAIT_MS = 50 };

_Static_assert(sizeof(off_t) == 8, "needs _FILE_OFFSET_BITS=64");

/* ---- files ---- */

enum sys_source sys_source(sys_fd file)
{
    struct stat status;
    int flags = file < 0 ? -1 : fcntl(file, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY ||
        fstat(file, &status) != 0)
        return SYS_SOURCE_BAD;
    if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))
        return SYS_SOURCE_FILE;
    return S_ISDIR(status.st_mode) || S_ISSOCK(status.st_mode)
               ? SYS_SOURCE_NONE
               : SYS_SOURCE_FLOW;
}

int64_t sys_file_size(sys_fd file)
{
    struct stat status;
    return fstat(file, &status) != 0 ? unix_fail() : (int64_t)status.st_size;
}

void sys_file_seek(sys_fd file, int64_t offset)
{
    (void)lseek(file, (off_t)offset, SEEK_SET);
}

int64_t sys_file_read(sys_fd file, void *data, size_t size, int64_t offset)
{
    ssize_t count;
    if (offset < 0 && !unix_ready(file, SIDE_READ, -1, FLOW_WAIT_MS))
        return RONDO_EAGAIN;
    do {
        count = offset < 0 ? read(file, data, size)
                           : pread(file, data, size, (off_t)offset);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? unix_fail() : count;
}

int sys_file_copy(sys_fd file, sys_fd *copy)
{
    *copy = fcntl(file, F_DUPFD_CLOEXEC, 3);
    return *copy < 0 ? unix_fail() : 0;
}

void sys_file_close(sys_fd file)
{
    sys_close(file);
}

/* ---- sendfile ---- */

#ifdef __linux__

bool sys_is_quiet(void)
{
    struct sigaction action;
    return sigaction(SIGPIPE, NULL, &action) == 0 &&
           !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN;
}

int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet)
{
    struct unix_quiet guard;
    off_t offset = (off_t)part->offset;
    if (!quiet)
        unix_quiet_begin(&guard);
    ssize_t count = sendfile(to, part->file, &offset, part->size);
    if (!quiet)
        unix_quiet_end(&guard, count == (ssize_t)part->size);
    return count < 0 ? unix_fail() : count;
}

#elif defined(SENDFILE_FREEBSD) || defined(SENDFILE_MACOS)

bool sys_is_quiet(void)
{
    return true; /* FreeBSD's and macOS's sendfile raise no SIGPIPE */
}

/* Returns 0 or -1, and sets *sent in both cases. The size is not 0, which would
 * mean the whole file. */
static int unix_sendfile_send_part(sys_fd to, const struct sys_part *part,
                                   off_t *sent)
{
    off_t offset = (off_t)part->offset;
#ifdef SENDFILE_FREEBSD
    *sent = 0;
    return sendfile(part->file, to, offset, part->size, NULL, sent, 0);
#else
    *sent = (off_t)part->size;
    return sendfile(part->file, to, offset, sent, NULL, 0);
#endif
}

int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet)
{
    off_t sent;
    (void)quiet;
    int result = unix_sendfile_send_part(to, part, &sent);
    /* after some bytes an error is forgotten: the next call returns it again */
    if (result == 0 || sent > 0)
        return (int64_t)sent;
    /* ENOTCONN also means that the peer has left: an empty send says why */
    if (errno == ENOTCONN) {
        int64_t why = sys_send(to, "", 0);
        return why < 0 ? why : error_from_os(ENOTCONN);
    }
    return unix_send_fail();
}

#else /* NetBSD and OpenBSD have no sendfile */

bool sys_is_quiet(void)
{
    return true;
}

int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet)
{
    (void)to;
    (void)part;
    (void)quiet;
    error_no_os();
    return RONDO_ENOTSUP;
}

#endif

/* ---- from socket to socket ---- */

#ifdef __linux__
int sys_splice_pipe(sys_fd fds[2], size_t size)
{
    if (unix_pipe(fds) < 0) {
        fds[0] = fds[1] = SYS_NO_FD;
        return unix_fail();
    }
    /* a user may have only so much; the usual 64 KiB do, too */
    (void)fcntl(fds[1], F_SETPIPE_SZ, (int)size);
    return 0;
}

int64_t sys_splice(sys_fd from, sys_fd to, size_t size, bool quiet)
{
    struct unix_quiet guard;
    if (!quiet)
        unix_quiet_begin(&guard);
    ssize_t count =
        splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (!quiet)
        unix_quiet_end(&guard, count == (ssize_t)size);
    return count < 0 ? unix_fail() : count;
}

int64_t sys_splice_copy(sys_fd from, sys_fd to, size_t size)
{
    int inside = 0;
    if (ioctl(from, FIONREAD, &inside) < 0)
        return unix_fail();
    if ((size_t)inside != size)
        return 0;
    ssize_t count = tee(from, to, size, SPLICE_F_NONBLOCK);
    return count < 0 ? unix_fail() : count;
}
#else
int sys_splice_pipe(sys_fd fds[2], size_t size)
{
    (void)size;
    fds[0] = fds[1] = SYS_NO_FD;
    error_no_os();
    return RONDO_ENOTSUP;
}

int64_t sys_splice(sys_fd from, sys_fd to, size_t size, bool quiet)
{
    (void)from;
    (void)to;
    (void)size;
    (void)quiet;
    error_no_os();
    return RONDO_ENOTSUP;
}

int64_t sys_splice_copy(sys_fd from, sys_fd to, size_t size)
{
    (void)from;
    (void)to;
    (void)size;
    error_no_os();
    return RONDO_ENOTSUP;
}
#endif
#endif
