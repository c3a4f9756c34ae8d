/* fs_call.c - attributes, space and locks of files: Unix. */
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
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int unix_call_result(int result)
{
    return result < 0 ? unix_fail() : 0;
}

#if !defined(__APPLE__) && !defined(__OpenBSD__)
/* For those that return the number of the error. */
static int unix_call_number(int number)
{
    errno = number;
    return number ? unix_fail() : 0;
}
#endif

/* ---- mode, owner, times ---- */

static struct timespec unix_call_time(int64_t ns)
{
    const int64_t second = 1000000000;
    struct timespec time = {.tv_nsec = UTIME_NOW};
    if (ns == RONDO_TIME_KEEP)
        time.tv_nsec = UTIME_OMIT;
    if (ns == RONDO_TIME_KEEP || ns == RONDO_TIME_NOW)
        return time;
    int64_t seconds = ns / second, rest = ns % second;
    if (rest < 0) { /* before 1970 */
        seconds--;
        rest += second;
    }
    time.tv_sec = (time_t)seconds;
    time.tv_nsec = (long)rest;
    return time;
}

static int unix_call_change_file(int fd, const rondo_file_changes *c)
{
    struct timespec times[] = {unix_call_time(c->accessed_ns),
                               unix_call_time(c->modified_ns)};
    int result = 0;
    if (c->changes & RONDO_CHANGE_OWNER)
        UNIX_AGAIN(result, fchown(fd, (uid_t)c->uid, (gid_t)c->gid));
    if (result == 0 && c->changes & RONDO_CHANGE_MODE)
        UNIX_AGAIN(result, fchmod(fd, (mode_t)c->mode));
    if (result == 0 && c->changes & RONDO_CHANGE_TIMES)
        UNIX_AGAIN(result, futimens(fd, times));
    return unix_call_result(result);
}

static int unix_call_change_at(const struct unix_at *at,
                               const rondo_file_changes *c)
{
    struct timespec times[] = {unix_call_time(c->accessed_ns),
                               unix_call_time(c->modified_ns)};
    int flags = c->changes & RONDO_CHANGE_LINK ? AT_SYMLINK_NOFOLLOW : 0;
    int result = 0;
    if (c->changes & RONDO_CHANGE_OWNER)
        UNIX_AGAIN(result, fchownat(at->fd, at->path, (uid_t)c->uid,
                                    (gid_t)c->gid, flags));
    if (result == 0 && c->changes & RONDO_CHANGE_MODE)
        UNIX_AGAIN(result, fchmodat(at->fd, at->path, (mode_t)c->mode, flags));
    if (result == 0 && c->changes & RONDO_CHANGE_TIMES)
        UNIX_AGAIN(result, utimensat(at->fd, at->path, times, flags));
    return unix_call_result(result);
}

int sys_fs_change(sys_fd file, const char *path, const rondo_file_changes *c)
{
    struct unix_at at;
    if (!path)
        return unix_call_change_file(file, c);
    int error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    error = unix_call_change_at(&at, c);
    unix_at_end(&at);
    return error;
}

/* ---- by path ---- */

int sys_fs_link(const char *path, const char *name)
{
    struct unix_at source, target;
    int error = unix_at_begin(&source, SYS_NO_FD, path);
    if (error)
        return error;
    error = unix_at_begin(&target, SYS_NO_FD, name);
    if (!error) {
        error = unix_call_result(
            linkat(source.fd, source.path, target.fd, target.path, 0));
        unix_at_end(&target);
    }
    unix_at_end(&source);
    return error;
}

int sys_fs_access(const char *path, unsigned access)
{
    struct unix_at at;
    int how = (access & RONDO_ACCESS_READ ? R_OK : 0) |
              (access & RONDO_ACCESS_WRITE ? W_OK : 0) |
              (access & RONDO_ACCESS_EXECUTE ? X_OK : 0);
    int result, error = unix_at_begin(&at, SYS_NO_FD, path);
    if (error)
        return error;
    UNIX_AGAIN(result, faccessat(at.fd, at.path, how ? how : F_OK, 0));
    error = unix_call_result(result);
    unix_at_end(&at);
    return error;
}

/* realpath(3) for a path, or an answer, that is longer than PATH_MAX. */
struct unix_real {
    char *text; /* what was found, without links; "": the root */
    size_t used, room;
    char *rest; /* malloc's: what is still to be looked at */
    int links;
};

enum { LINKS_MOST = 40 /* as Linux */ };

static int unix_real_put(struct unix_real *r, const char *name, size_t size)
{
    if (r->room - r->used < size + 2) {
        size_t room = 2 * (r->room + size + 2);
        char *grown = realloc(r->text, room);
        if (!grown)
            return unix_fs_refuse(RONDO_ENOMEM);
        r->text = grown;
        r->room = room;
    }
    r->text[r->used++] = '/';
    memcpy(r->text + r->used, name, size);
    r->used += size;
    r->text[r->used] = '\0';
    return 0;
}

static void unix_real_up(struct unix_real *r)
{
    while (r->used && r->text[--r->used] != '/')
        ;
    r->text[r->used] = '\0';
}

/* What was found last is a link: its target comes before the rest. */
static int unix_real_follow(struct unix_real *r, const char *target,
                            const char *rest)
{
    size_t size = strlen(target), more = strlen(rest) + 1;
    char *joined = ++r->links > LINKS_MOST ? NULL : malloc(size + more);
    if (!joined)
        return unix_fs_refuse(r->links > LINKS_MOST ? RONDO_ELOOP
                                                    : RONDO_ENOMEM);
    (void)snprintf(joined, size + more, "%s%s", target, rest);
    unix_real_up(r);
    if (*target == '/') {
        r->used = 0;
        *r->text = '\0';
    }
    free(r->rest);
    r->rest = joined;
    return 0;
}

/* Of the name that was put last; `at` is behind it in the rest. Returns 1 if the
 * rest is another one now. */
static int unix_real_look(struct unix_real *r, const char *at)
{
    char target[PATH_MAX];
    rondo_file_info info = {.size = sizeof info};
    int64_t size = sys_fs_readlink(r->text, target, sizeof target - 1);
    if (size >= 0) {
        target[size] = '\0';
        int error = unix_real_follow(r, target, at);
        return error ? error : 1;
    }
    if (size != RONDO_EINVAL) /* which says that it is no link */
        return (int)size;
    if (!*at)
        return 0;
    int error = sys_fs_stat_path(r->text, true, &info);
    if (!error && info.type != RONDO_FILE_DIRECTORY)
        error = unix_fs_refuse(RONDO_ENOTDIR);
    return error;
}

static int unix_real_all(struct unix_real *r)
{
    const char *at = r->rest;
    int error = 0;
    while (error >= 0 && *(at += strspn(at, "/"))) {
        size_t size = strcspn(at, "/");
        const char *name = at;
        at += size;
        if (size == 1 && *name == '.')
            continue;
        if (size == 2 && name[0] == '.' && name[1] == '.') {
            unix_real_up(r);
            continue;
        }
        error = unix_real_put(r, name, size);
        if (!error && (error = unix_real_look(r, at)) == 1)
            at = r->rest;
    }
    /* NOLINTNEXTLINE: the caller frees the rest */
    return error < 0 ? error : r->used ? 0 : unix_real_put(r, "", 0);
}

static int unix_real_long(const char *path, char **found)
{
    struct unix_real r = {.rest = strdup(path)};
    r.text = *path == '/' ? calloc(1, 1) : getcwd(NULL, 0);
    int error;
    if (r.text && r.rest) {
        r.used = strlen(r.text);
        r.room = r.used + 1;
        if (r.used == 1) /* the root */
            r.used = 0;
        error = unix_real_all(&r);
    } else if (r.rest && *path != '/') {
        error = unix_fail();
    } else {
        error = unix_fs_refuse(RONDO_ENOMEM);
    }
    free(r.rest);
    *found = error ? NULL : r.text;
    if (error)
        free(r.text);
    return error;
}

int64_t sys_fs_realpath(const char *path, char *text, size_t room)
{
    char *found = realpath(path, NULL);
    int error = found ? 0 : unix_fail();
    if (error == RONDO_ENAMETOOLONG)
        error = unix_real_long(path, &found);
    if (error)
        return error;
    assert(found);
    size_t size = strlen(found);
    if (size < room)
        memcpy(text, found, size + 1);
    free(found);
    return size < room ? (int64_t)size : unix_fs_refuse(RONDO_ETOOMUCH);
}

/* There is no statvfsat: what has too long a path is opened. */
static int unix_call_space(const char *path, struct statvfs *s)
{
    int fd, result;
    UNIX_AGAIN(result, statvfs(path, s));
    int error = unix_call_result(result);
    if (error == RONDO_ENAMETOOLONG)
        error = unix_at_look(path, &fd);
    else
        return error;
    if (error)
        return error;
    UNIX_AGAIN(result, fstatvfs(fd, s));
    error = unix_call_result(result);
    sys_close(fd);
    return error;
}

int sys_fs_space(const char *path, rondo_space_info *space)
{
    struct statvfs s;
    int error = unix_call_space(path, &s);
    if (error)
        return error;
    uint64_t unit = s.f_frsize ? s.f_frsize : s.f_bsize;
    space->block_bytes = unit;
    space->total_bytes = (uint64_t)s.f_blocks * unit;
    space->free_bytes = (uint64_t)s.f_bfree * unit;
    space->usable_bytes = (uint64_t)s.f_bavail * unit;
    space->files = s.f_files;
    space->free_files = s.f_ffree;
    return 0;
}

bool sys_fs_separates(char c)
{
    return c == '/';
}

/* ---- room, advice ---- */

int sys_fs_allocate(sys_fd file, int64_t position, int64_t size)
{
#if defined(__APPLE__)
    struct stat s;
    fstore_t room = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE};
    if (fstat(file, &s) < 0)
        return unix_fail();
    if (position + size <= s.st_size)
        return 0; /* holes stay: nothing fills them */
    room.fst_length = position + size - s.st_size;
    if (fcntl(file, F_PREALLOCATE, &room) < 0)
        return unix_fail();
    return unix_call_result(ftruncate(file, (off_t)(position + size)));
#elif defined(__OpenBSD__)
    (void)file;
    (void)position;
    (void)size;
    return unix_fs_refuse(RONDO_ENOTSUP);
#else
    int number;
    do
        number = posix_fallocate(file, (off_t)position, (off_t)size);
    while (number == EINTR);
    /* POSIX has EINVAL for a file system that cannot */
    if (number == EINVAL)
        return unix_fs_refuse(RONDO_ENOTSUP);
    return unix_call_number(number);
#endif
}

int sys_fs_advise(sys_fd file, int64_t position, int64_t size,
                  rondo_advice advice)
{
#ifdef POSIX_FADV_NORMAL
    static const int numbers[] = {
        [RONDO_ADVICE_NORMAL] = POSIX_FADV_NORMAL,
        [RONDO_ADVICE_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [RONDO_ADVICE_RANDOM] = POSIX_FADV_RANDOM,
        [RONDO_ADVICE_WILL_NEED] = POSIX_FADV_WILLNEED,
        [RONDO_ADVICE_DONT_NEED] = POSIX_FADV_DONTNEED};
    return unix_call_number(
        posix_fadvise(file, (off_t)position, (off_t)size, numbers[advice]));
#else
    (void)file;
    (void)position;
    (void)size;
    (void)advice;
    return 0;
#endif
}

/* ---- locks ---- */

/* Of the opened file, and not of the process as F_SETLK's, which would end when
 * any descriptor of the file is closed. */
#ifdef F_OFD_SETLK
static int unix_call_lock(int fd, int64_t position, int64_t size, short type)
{
    struct flock lock = {.l_type = type,
                         .l_whence = SEEK_SET,
                         .l_start = (off_t)position,
                         .l_len = (off_t)size};
    int result;
    UNIX_AGAIN(result, fcntl(fd, F_OFD_SETLK, &lock));
    if (result < 0 && (errno == EAGAIN || errno == EACCES))
        return unix_fs_refuse(RONDO_EBUSY);
    return unix_call_result(result);
}

bool unix_fs_locks_ranges(void)
{
    return true;
}
#else
static int unix_call_lock(int fd, int64_t position, int64_t size, short type)
{
    int how = type == F_UNLCK ? LOCK_UN
              : type == F_RDLCK ? LOCK_SH | LOCK_NB
                                : LOCK_EX | LOCK_NB;
    int result;
    if (position || size)
        return unix_fs_refuse(RONDO_ENOTSUP);
    UNIX_AGAIN(result, flock(fd, how));
    if (result < 0 && errno == EWOULDBLOCK)
        return unix_fs_refuse(RONDO_EBUSY);
    return unix_call_result(result);
}

bool unix_fs_locks_ranges(void)
{
    return false;
}
#endif

int sys_fs_lock(sys_fd file, int64_t position, int64_t size, unsigned flags)
{
    return unix_call_lock(file, position, size,
                          flags & RONDO_LOCK_SHARED ? F_RDLCK : F_WRLCK);
}

int sys_fs_unlock(sys_fd file, int64_t position, int64_t size)
{
    return unix_call_lock(file, position, size, F_UNLCK);
}
#endif
