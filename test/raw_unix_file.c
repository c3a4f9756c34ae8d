/* raw_unix_file.c - raw_file.h, for Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

bool raw_file_resize(raw_fd file, int64_t size)
{
    return (off_t)size == size && ftruncate((int)file, (off_t)size) == 0;
}

int64_t raw_file_position(raw_fd file)
{
    return (int64_t)lseek((int)file, 0, SEEK_CUR);
}

bool raw_sendfile_hears_resets(void)
{
    return true;
}

raw_fd raw_file_write_only(void)
{
    char path[] = "/tmp/rondo-test-XXXXXX";
    int first = mkstemp(path);
    int fd = first < 0 ? -1 : open(path, O_WRONLY | O_CLOEXEC);

    if (first < 0)
        return RONDO_NO_FD;
    (void)unlink(path);
    (void)close(first);
    return fd;
}

raw_fd raw_file_not_sent(void)
{
    return open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
}

bool raw_sigpipe_ignore(bool ignore)
{
    return signal(SIGPIPE, ignore ? SIG_IGN : SIG_DFL) != SIG_ERR;
}
