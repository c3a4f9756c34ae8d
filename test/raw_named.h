/* raw_named.h - raw.h's pipes by name, both ways.
 * SPDX-License-Identifier: MIT
 *
 * A system without them answers RONDO_NO_FD, RAW_FAILED or false.
 */
#ifndef RONDO_TEST_RAW_NAMED_H
#define RONDO_TEST_RAW_NAMED_H

#include "raw.h"

/* One more instance, of `most` at most; RONDO_NO_FD: refused. Its first client
 * need not be waited for. */
raw_fd raw_named_serve(const char *name, unsigned most);
/* A client; RONDO_NO_FD: nobody serves it, or each instance has one. */
raw_fd raw_named_dial(const char *name);
/* Are all its instances taken? */
bool raw_named_is_busy(const char *name);
/* As raw_recv with no timeout; a pipe's end is 0, RAW_RESET that its server has
 * cut it off. */
ptrdiff_t raw_named_recv(raw_fd fd, void *data, size_t size);
/* What fits into the pipe's buffer is taken; else it waits for the reader. */
ptrdiff_t raw_named_send(raw_fd fd, const void *data, size_t size);
/* Closes an instance so that its client sees a cut. */
void raw_named_cut(raw_fd fd);

#endif
