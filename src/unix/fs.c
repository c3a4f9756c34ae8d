/* fs.c - files on a thread, as sys.h asks for them: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/fs.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

enum {
    PARTS = 64,
    MOVE_MOST = 1 << 30 /* macOS refuses more than INT_MAX in one call */
};

static int unix_fs_result(int result)
{
    return result < 0 ? unix_fail() : 0;
}

/* ---- paths of any length ---- */

enum { PIECE = 1024 }; /* POSIX promises no more than that: _XOPEN_PATH_MAX */

#ifdef O_PATH /* needs no permission to read */
#define PASS_THROUGH O_PATH
#elif defined(O_SEARCH)
#define PASS_THROUGH O_SEARCH
#else
#define PASS_THROUGH O_RDONLY
#endif

/* How long the first piece is, to its last separator; 0: there is none. */
static size_t unix_at_piece(const char *path)
{
    size_t size = PIECE - 1;
    while (size && path[size - 1] != '/')
        size--;
    return size;
}

static int unix_at_step(struct unix_at *at)
{
    char piece[PIECE];
    size_t size = unix_at_piece(at->path);
    int fd;
    if (!size) {
        errno = ENAMETOOLONG;
        return unix_fail();
    }
    memcpy(piece, at->path, size);
    piece[size] = '\0';
    UNIX_AGAIN(fd,
               openat(at->fd, piece, PASS_THROUGH | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0)
        return unix_fail();
    if (at->opened)
        sys_close(at->fd);
    at->fd = fd;
    at->opened = true;
    at->path += size;
    while (*at->path == '/')
        at->path++;
    return 0;
}

/* The separators at its end are left with the last name. */
int unix_at_begin(struct unix_at *at, sys_fd base, const char *path)
{
    const char *end = path + strlen(path);
    at->fd = base == SYS_NO_FD ? AT_FDCWD : base;
    at->path = path;
    at->opened = false;
    while (end > path && end[-1] == '/')
        end--;
    while (end - at->path >= PIECE) {
        int error = unix_at_step(at);
        if (error) {
            unix_at_end(at);
            return error;
        }
    }
    return 0;
}

void unix_at_end(const struct unix_at *at)
{
    int number = errno;
    if (at->opened)
        sys_close(at->fd);
    errno = number;
}

int unix_at_open(const char *path, int flags, unsigned mode, int *opened)
{
    struct unix_at at;
    int fd, error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    UNIX_AGAIN(fd,
               openat(at.fd, at.path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                      (mode_t)mode));
    *opened = unix_keep(fd);
    error = *opened < 0 ? unix_fail() : 0;
    unix_at_end(&at);
    return error;
}

int unix_at_look(const char *path, int *opened)
{
    return unix_at_open(path, PASS_THROUGH, 0, opened);
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
    if (flags & RONDO_FILE_AS_DIRECTORY)
        how |= O_DIRECTORY;
    if (flags & RONDO_FILE_NO_FOLLOW)
        how |= O_NOFOLLOW;
    return how;
}

static bool unix_fs_flows(mode_t mode)
{
    return S_ISFIFO(mode) || S_ISSOCK(mode);
}

/* Our own refusal. */
int unix_fs_refuse(int error)
{
    error_no_os();
    return error;
}

static int unix_fs_open_failed(const struct unix_at *at, unsigned flags)
{
    struct stat s;
    int error = unix_fail(), number = errno;
    /* a FIFO without a reader, a socket */
    if ((number == ENXIO || number == EOPNOTSUPP) &&
        fstatat(at->fd, at->path, &s, 0) == 0 && unix_fs_flows(s.st_mode))
        return unix_fs_refuse(RONDO_ENOTSUP);
    /* each system has a number of its own for that */
    if (flags & RONDO_FILE_NO_FOLLOW &&
        fstatat(at->fd, at->path, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(s.st_mode))
        return unix_fs_refuse(RONDO_ELOOP);
    return error;
}

/* O_NONBLOCK: to open a FIFO, and to read a terminal, would block. It does
 * nothing for other files. */
static int unix_fs_open_at(const struct unix_at *at, unsigned flags,
                           unsigned mode, sys_fd *file)
{
    int fd, how = unix_fs_flags(flags) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    UNIX_AGAIN(fd, openat(at->fd, at->path, how, (mode_t)(mode ? mode : 0666)));
    if (fd < 0)
        return unix_fs_open_failed(at, flags);
    *file = unix_keep(fd);
    return *file < 0 ? unix_fail() : 0;
}

static int unix_fs_opened(int fd, unsigned flags, bool *seeks)
{
    struct stat s;
    if (fstat(fd, &s) < 0)
        return unix_fail();
    if (flags & RONDO_FILE_AS_DIRECTORY)
        return 0; /* O_DIRECTORY has made sure */
    if (S_ISDIR(s.st_mode))
        return unix_fs_refuse(RONDO_EISDIR);
    if (unix_fs_flows(s.st_mode))
        return unix_fs_refuse(RONDO_ENOTSUP);
    /* the BSDs and macOS let a terminal seek */
    *seeks = lseek(fd, 0, SEEK_CUR) >= 0 && !isatty(fd);
    return 0;
}

int sys_fs_open(sys_fd directory, const char *path, unsigned flags,
                unsigned mode, sys_fd *file, bool *seeks)
{
    struct unix_at at;
    int error = unix_at_begin(&at, directory, path);
    *file = SYS_NO_FD;
    if (error)
        return error;
    error = unix_fs_open_at(&at, flags, mode, file);
    unix_at_end(&at);
    if (error)
        return error;
    error = unix_fs_opened(*file, flags, seeks);
    if (error) {
        sys_close(*file);
        *file = SYS_NO_FD;
    }
    return error;
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
    UNIX_AGAIN(moved, call(file, iov, n, offset));
    return moved < 0 ? unix_fail() : moved;
}

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008 /* since Linux 4.14 */
#endif

int64_t sys_fs_read_now(sys_fd file, void *data, size_t size, int64_t offset)
{
    assert(offset >= 0);
#if defined(__linux__) && defined(SYS_preadv2)
    struct iovec part = {data, size};
    long high = (long)(offset >> 16 >> 16); /* of no meaning to 64 bits */
    long moved =
        syscall(SYS_preadv2, file, &part, 1L, (long)offset, high, RWF_NOWAIT);
    return moved >= 0 ? moved : errno == EAGAIN ? RONDO_EAGAIN : RONDO_ENOTSUP;
#else
    (void)file;
    (void)data;
    (void)size;
    return RONDO_ENOTSUP;
#endif
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
    UNIX_AGAIN(result, fcntl(file, F_FULLFSYNC));
    if (result >= 0)
        return 0;
    UNIX_AGAIN(result, fsync(file));
#elif defined(__DragonFly__)
    (void)only_data;
    UNIX_AGAIN(result, fsync(file));
#else
    UNIX_AGAIN(result, only_data ? fdatasync(file) : fsync(file));
#endif
    return unix_fs_result(result);
}

int sys_fs_truncate(sys_fd file, int64_t size)
{
    int result;
    UNIX_AGAIN(result, ftruncate(file, (off_t)size));
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

void unix_fs_tell(const struct stat *s, rondo_file_info *info)
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
    struct unix_at at;
    int result, error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    UNIX_AGAIN(result,
               fstatat(at.fd, at.path, &s, follow ? 0 : AT_SYMLINK_NOFOLLOW));
    error = unix_fs_result(result);
    unix_at_end(&at);
    if (!error)
        unix_fs_tell(&s, info);
    return error;
}

/* ---- by path ---- */

int sys_fs_rename(const char *from, const char *to)
{
    struct unix_at source, target;
    int error = unix_at_begin(&source, SYS_NO_FD, from);
    if (error)
        return error;
    error = unix_at_begin(&target, SYS_NO_FD, to);
    if (!error) {
        error = unix_fs_result(
            renameat(source.fd, source.path, target.fd, target.path));
        unix_at_end(&target);
    }
    unix_at_end(&source);
    return error;
}

/* Only Linux has an error of its own for directories. */
int sys_fs_unlink(const char *path)
{
    struct stat s;
    struct unix_at at;
    int error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    error = unix_fs_result(unlinkat(at.fd, at.path, 0));
    if (error == RONDO_EPERM &&
        fstatat(at.fd, at.path, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(s.st_mode))
        error = unix_fs_refuse(RONDO_EISDIR);
    unix_at_end(&at);
    return error;
}

int sys_fs_mkdir(const char *path, unsigned mode)
{
    struct unix_at at;
    int error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    error =
        unix_fs_result(mkdirat(at.fd, at.path, (mode_t)(mode ? mode : 0777)));
    unix_at_end(&at);
    return error;
}

int sys_fs_rmdir(const char *path)
{
    struct unix_at at;
    int error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    error = unix_fs_result(unlinkat(at.fd, at.path, AT_REMOVEDIR));
    unix_at_end(&at);
    return error;
}

int sys_fs_symlink(const char *target, const char *path)
{
    struct unix_at at;
    int error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    error = unix_fs_result(symlinkat(target, at.fd, at.path));
    unix_at_end(&at);
    return error;
}

int64_t sys_fs_readlink(const char *path, char *text, size_t room)
{
    struct unix_at at;
    int64_t size = unix_at_begin(&at, SYS_NO_FD, path);
    if (size)
        return size;
    size = readlinkat(at.fd, at.path, text, room < INT_MAX ? room : INT_MAX);
    if (size < 0)
        size = unix_fail();
    unix_at_end(&at);
    return size < (int64_t)room ? size : unix_fs_refuse(RONDO_ETOOMUCH);
}
#endif
