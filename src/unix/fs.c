/* fs.c - files on a thread, as sys.h asks for them: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PARTS = 64,
    MOVE_MOST = 1 << 30 /* macOS refuses more than INT_MAX in one call */
};

/* The threads block all signals, but a debugger or a stopped process can still
 * interrupt a call. */
#define AGAIN(result, call)                                                    \
    do {                                                                       \
        (result) = (call);                                                     \
    } while ((result) < 0 && errno == EINTR)

static int unix_fs_result(int result)
{
    return result < 0 ? unix_fail() : 0;
}

/* ---- open, close ---- */

static int unix_fs_flags(unsigned flags)
{
    bool reads = flags & RONDO_FILE_READ;
    bool writes = flags & (RONDO_FILE_WRITE | RONDO_FILE_APPEND);
    int how = !writes ? O_RDONLY : reads ? O_RDWR : O_WRONLY;
    if (flags & RONDO_FILE_APPEND)
        how |= O_APPEND;
    if (flags & RONDO_FILE_CREATE)
        how |= O_CREAT;
    if (flags & RONDO_FILE_EXCLUSIVE)
        how |= O_EXCL;
    if (flags & RONDO_FILE_TRUNCATE)
        how |= O_TRUNC;
    return how;
}

static bool unix_fs_flows(mode_t mode)
{
    return S_ISFIFO(mode) || S_ISSOCK(mode);
}

/* Our own refusal. */
static int unix_fs_refuse(int error)
{
    error_no_os();
    return error;
}

static int unix_fs_open_failed(const char *path)
{
    struct stat s;
    int error = unix_fail(), number = errno;
    /* a FIFO without a reader, a socket */
    if ((number == ENXIO || number == EOPNOTSUPP) && stat(path, &s) == 0 &&
        unix_fs_flows(s.st_mode))
        return unix_fs_refuse(RONDO_ENOTSUP);
    return error;
}

/* O_NONBLOCK: to open a FIFO, and to read a terminal, would block. It does
 * nothing for other files. */
int sys_fs_open(const char *path, unsigned flags, unsigned mode, sys_fd *file,
                bool *seeks)
{
    struct stat s;
    int fd;
    *file = SYS_NO_FD;
    AGAIN(fd,
          open(path, unix_fs_flags(flags) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
               (mode_t)(mode ? mode : 0666)));
    if (fd < 0)
        return unix_fs_open_failed(path);
    fd = unix_keep(fd);
    if (fd < 0)
        return unix_fail();
    int error = fstat(fd, &s) < 0 ? unix_fail() : 0;
    if (!error && S_ISDIR(s.st_mode))
        error = unix_fs_refuse(RONDO_EISDIR);
    else if (!error && unix_fs_flows(s.st_mode))
        error = unix_fs_refuse(RONDO_ENOTSUP);
    if (error) {
        sys_close(fd);
        return error;
    }
    /* the BSDs and macOS let a terminal seek */
    *seeks = lseek(fd, 0, SEEK_CUR) >= 0 && !isatty(fd);
    *file = fd;
    return 0;
}

/* No second call after EINTR: Linux and the BSDs have closed it. */
int sys_fs_close(sys_fd file)
{
    return close(file) < 0 && errno != EINTR ? unix_fail() : 0;
}

/* ---- read, write ---- */

static int unix_fs_parts(struct iovec *iov, const rondo_buffer *parts,
                         size_t count)
{
    size_t left = MOVE_MOST;
    int n = 0;
    for (size_t i = 0; i < count && n < PARTS && left; i++) {
        size_t size = parts[i].size < left ? parts[i].size : left;
        if (!size)
            continue;
        iov[n].iov_base = (void *)(uintptr_t)parts[i].data;
        iov[n].iov_len = size;
        left -= size;
        n++;
    }
    return n;
}

static ssize_t unix_fs_read(sys_fd file, const struct iovec *iov, int n,
                            int64_t offset)
{
    if (offset < 0)
        return readv(file, iov, n);
#ifdef __APPLE__ /* preadv came with macOS 11 */
    return pread(file, iov->iov_base, iov->iov_len, (off_t)offset);
#else
    return preadv(file, iov, n, (off_t)offset);
#endif
}

static ssize_t unix_fs_write(sys_fd file, const struct iovec *iov, int n,
                             int64_t offset)
{
    if (offset < 0)
        return writev(file, iov, n);
#ifdef __APPLE__
    return pwrite(file, iov->iov_base, iov->iov_len, (off_t)offset);
#else
    return pwritev(file, iov, n, (off_t)offset);
#endif
}

static int64_t unix_fs_move(ssize_t (*call)(sys_fd file,
                                            const struct iovec *iov, int n,
                                            int64_t offset),
                            sys_fd file, const rondo_buffer *parts,
                            size_t count, int64_t offset)
{
    struct iovec iov[PARTS];
    int n = unix_fs_parts(iov, parts, count);
    ssize_t moved;
    AGAIN(moved, call(file, iov, n, offset));
    return moved < 0 ? unix_fail() : moved;
}

int64_t sys_fs_read(sys_fd file, const rondo_buffer *parts, size_t count,
                    int64_t offset)
{
    return unix_fs_move(unix_fs_read, file, parts, count, offset);
}

int64_t sys_fs_write(sys_fd file, const rondo_buffer *parts, size_t count,
                     int64_t offset)
{
    return unix_fs_move(unix_fs_write, file, parts, count, offset);
}

/* ---- sync, truncate ---- */

/* macOS: fsync leaves the bytes in the disk's cache. Not every file system there
 * has F_FULLFSYNC. */
int sys_fs_sync(sys_fd file, bool only_data)
{
    int result;
#ifdef __APPLE__
    (void)only_data;
    AGAIN(result, fcntl(file, F_FULLFSYNC));
    if (result >= 0)
        return 0;
    AGAIN(result, fsync(file));
#elif defined(__DragonFly__)
    (void)only_data;
    AGAIN(result, fsync(file));
#else
    AGAIN(result, only_data ? fdatasync(file) : fsync(file));
#endif
    return unix_fs_result(result);
}

int sys_fs_truncate(sys_fd file, int64_t size)
{
    int result;
    AGAIN(result, ftruncate(file, (off_t)size));
    return unix_fs_result(result);
}

/* ---- stat ---- */

#if defined(__APPLE__) || defined(__NetBSD__)
#define TIME(s, which) (&(s)->st_##which##timespec)
#else
#define TIME(s, which) (&(s)->st_##which##tim)
#endif

static int64_t unix_fs_time(const struct timespec *time)
{
    const int64_t second = 1000000000, most = INT64_MAX / second - 1;
    int64_t s = (int64_t)time->tv_sec;
    s = s > most ? most : s < -most ? -most : s;
    return s * second + time->tv_nsec;
}

static void unix_fs_tell(const struct stat *s, rondo_file_info *info)
{
    info->type = S_ISREG(s->st_mode)   ? RONDO_FILE_REGULAR
                 : S_ISDIR(s->st_mode) ? RONDO_FILE_DIRECTORY
                 : S_ISLNK(s->st_mode) ? RONDO_FILE_SYMLINK
                                       : RONDO_FILE_OTHER;
    info->mode = (unsigned)s->st_mode & 07777;
    info->bytes = (int64_t)s->st_size;
    info->accessed_ns = unix_fs_time(TIME(s, a));
    info->modified_ns = unix_fs_time(TIME(s, m));
    info->changed_ns = unix_fs_time(TIME(s, c));
    info->device = (uint64_t)s->st_dev;
    info->number = (uint64_t)s->st_ino;
    info->links = (uint64_t)s->st_nlink;
    info->uid = (int64_t)s->st_uid;
    info->gid = (int64_t)s->st_gid;
}

int sys_fs_stat(sys_fd file, rondo_file_info *info)
{
    struct stat s;
    if (fstat(file, &s) < 0)
        return unix_fail();
    unix_fs_tell(&s, info);
    return 0;
}

int sys_fs_stat_path(const char *path, bool follow, rondo_file_info *info)
{
    struct stat s;
    int result;
    AGAIN(result, follow ? stat(path, &s) : lstat(path, &s));
    if (result < 0)
        return unix_fail();
    unix_fs_tell(&s, info);
    return 0;
}

/* ---- by path ---- */

int sys_fs_rename(const char *from, const char *to)
{
    return unix_fs_result(rename(from, to));
}

/* Only Linux has an error of its own for directories. */
int sys_fs_unlink(const char *path)
{
    struct stat s;
    if (unlink(path) == 0)
        return 0;
    int error = unix_fail();
    if (error == RONDO_EPERM && lstat(path, &s) == 0 && S_ISDIR(s.st_mode))
        return unix_fs_refuse(RONDO_EISDIR);
    return error;
}

int sys_fs_mkdir(const char *path, unsigned mode)
{
    return unix_fs_result(mkdir(path, (mode_t)(mode ? mode : 0777)));
}

int sys_fs_rmdir(const char *path)
{
    return unix_fs_result(rmdir(path));
}

int sys_fs_symlink(const char *target, const char *path)
{
    return unix_fs_result(symlink(target, path));
}

int64_t sys_fs_readlink(const char *path, char *text, size_t room)
{
    ssize_t size = readlink(path, text, room < INT_MAX ? room : INT_MAX);
    if (size < 0)
        return unix_fail();
    return (size_t)size < room ? size : unix_fs_refuse(RONDO_ETOOMUCH);
}
#endif
