/* raw_file.h - files for tests, and how the kernel sends them.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_FILE_H
#define RONDO_TEST_RAW_FILE_H

#include "raw.h"

bool raw_file_resize(raw_fd file, int64_t size); /* what is new is zeros */
int64_t raw_file_position(raw_fd file);
/* false: the system's call for files may wait for ever when the peer has reset */
bool raw_sendfile_hears_resets(void);
raw_fd raw_file_write_only(void);
/* One that the kernel does not send though it can be read, or RONDO_NO_FD. */
raw_fd raw_file_not_sent(void);

enum raw_sendfile_failure {
    RAW_SENDFILE_INVALID, /* EINVAL: not this file */
    RAW_SENDFILE_MISSING, /* ENOSYS */
    RAW_SENDFILE_IO       /* EIO */
};

/* After so many calls of sendfile(2) the next `times` fail; false: no call of
 * that kind can be made to fail here. */
bool raw_sendfile_fails(enum raw_sendfile_failure how, unsigned after,
                        unsigned times);
unsigned raw_sendfile_failed(void); /* how many have */
/* SIGPIPE is ignored by the program from now on, or as it was; false: there is
 * none. */
bool raw_sigpipe_ignore(bool ignore);

#endif
