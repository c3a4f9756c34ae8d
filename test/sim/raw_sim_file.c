/* raw_sim_file.c - raw.h's files and folders on a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "../raw_file.h"
#include "../raw_fs.h"
#include "../raw_local.h"
#include "../raw_pipe.h"
#include "../raw_process.h"

#include "rondo_sim.h"

#include <stdio.h>
#include <string.h>

static raw_fd fd_of(rondo_fd fd)
{
    return fd < 0 ? RONDO_NO_FD : fd;
}

/* ---- descriptors ---- */

raw_fd raw_file(void)
{
    rondo_fd fd = rondo_sim_open("/tmp/a-file",
                                 RONDO_FILE_READ | RONDO_FILE_WRITE |
                                     RONDO_FILE_CREATE | RONDO_FILE_EXCLUSIVE);
    (void)rondo_sim_remove("/tmp/a-file");
    return fd_of(fd);
}

raw_fd raw_file_write_only(void)
{
    rondo_fd fd =
        rondo_sim_open("/tmp/a-file", RONDO_FILE_WRITE | RONDO_FILE_CREATE);
    (void)rondo_sim_remove("/tmp/a-file");
    return fd_of(fd);
}

raw_fd raw_file_not_sent(void)
{
    return RONDO_NO_FD;
}

raw_fd raw_directory(void)
{
    return fd_of(
        rondo_sim_open("/tmp", RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY));
}

raw_fd raw_null(void)
{
    return fd_of(
        rondo_sim_open("/dev/null", RONDO_FILE_READ | RONDO_FILE_WRITE));
}

void raw_rewind(raw_fd file)
{
    (void)rondo_sim_seek(file, 0);
}

bool raw_file_resize(raw_fd file, int64_t size)
{
    if (size > INT64_C(1) << 30)
        return false; /* it would be that much memory */
    return rondo_sim_truncate(file, size) == 0;
}

int64_t raw_file_position(raw_fd file)
{
    return rondo_sim_seek(file, -1);
}

/* ---- FIFOs ---- */

static const char fifo[] = "/tmp/a-fifo";

int raw_fifo(raw_fd pair[2])
{
    if (rondo_sim_make_fifo(fifo) < 0)
        return -1;
    pair[0] = fd_of(rondo_sim_open(fifo, RONDO_FILE_READ));
    pair[1] = fd_of(rondo_sim_open(fifo, RONDO_FILE_WRITE));
    (void)rondo_sim_remove(fifo);
    return pair[0] == RONDO_NO_FD || pair[1] == RONDO_NO_FD ? -1 : 0;
}

raw_fd raw_reopen(raw_fd fd, bool to_write)
{
    (void)fd;
    (void)to_write;
    return RONDO_NO_FD;
}

bool raw_fs_fifo(const char *path)
{
    return rondo_sim_make_fifo(path) == 0;
}

/* ---- folders ---- */

static unsigned folders;

bool raw_fs_folder(char *path, size_t size)
{
    (void)snprintf(path, size, "/tmp/folder-%u", ++folders);
    return rondo_sim_make_directory(path) == 0;
}

void raw_fs_folder_remove(const char *path)
{
    (void)rondo_sim_remove(path);
}

bool raw_folder(char *path)
{
    return raw_fs_folder(path, 64);
}

void raw_folder_remove(const char *path)
{
    (void)rondo_sim_remove(path);
}

unsigned raw_fs_count(const char *path)
{
    int count = rondo_sim_count_files(path);
    return count < 0 ? 0 : (unsigned)count;
}

bool raw_fs_fill(const char *path, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[600];
        (void)snprintf(name, sizeof name, "%s/%u", path, i);
        rondo_fd fd =
            rondo_sim_open(name, RONDO_FILE_WRITE | RONDO_FILE_CREATE);
        if (fd < 0)
            return false;
        (void)rondo_sim_close(fd, false);
    }
    return true;
}

bool raw_fs_deep(const char *path, unsigned levels, unsigned size)
{
    static char name[65536];
    size_t at = strlen(path);
    bool made = at + levels * (size + 1) < sizeof name;
    memcpy(name, path, made ? at : 0);
    for (unsigned i = 0; made && i < levels; i++) {
        name[at++] = '/';
        memset(name + at, 'x', size);
        at += size;
        name[at] = '\0';
        made = rondo_sim_make_directory(name) == 0;
    }
    return made;
}

/* ---- names ---- */

bool raw_path_exists(const char *path)
{
    return rondo_sim_count_files(path) >= 0;
}

bool raw_path_make(const char *path, const char *what)
{
    if (strcmp(what, "folder") == 0)
        return rondo_sim_make_directory(path) == 0;
    if (strncmp(what, "link to ", 8) == 0)
        return rondo_sim_make_link(what + 8, path) == 0;
    rondo_fd fd = rondo_sim_open(path, RONDO_FILE_WRITE | RONDO_FILE_CREATE |
                                           RONDO_FILE_EXCLUSIVE);
    return fd >= 0 && rondo_sim_close(fd, false) == 0;
}

bool raw_path_remove(const char *path)
{
    return rondo_sim_remove(path) == 0;
}

/* ---- what there is not ---- */

const char *raw_fs_full(void)
{
    return NULL;
}

bool raw_fs_limit(int64_t bytes)
{
    (void)bytes; /* a disk has a limit, a file has none */
    return false;
}

bool raw_fs_break(int after)
{
    (void)after;
    return false;
}

bool raw_fs_hold(bool on)
{
    (void)on;
    return false;
}

unsigned raw_fs_held(void)
{
    return 0;
}

bool raw_fs_short(size_t most)
{
    (void)most;
    return false;
}

unsigned raw_fs_interrupted(void)
{
    return 0;
}

bool raw_fs_deny(const char *end, bool io)
{
    (void)end;
    (void)io;
    return false;
}

bool raw_kernel_lacks(unsigned what)
{
    return what == RAW_LACKS_NOTHING;
}

bool raw_sendfile_hears_resets(void)
{
    return true;
}

unsigned raw_sendfile_failed(void)
{
    return 0;
}

bool raw_sigpipe_ignore(bool ignore)
{
    (void)ignore;
    return false;
}
