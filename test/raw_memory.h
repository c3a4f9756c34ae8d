/* raw_memory.h - a kernel without memory for what a stream socket sends.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_MEMORY_H
#define RONDO_TEST_RAW_MEMORY_H

#include "raw.h"

/* The next `times` sends of that socket find none (ENOBUFS). false: cannot be
 * done here. */
bool raw_sends_lack_memory(raw_fd fd, unsigned times);
unsigned raw_sends_lacked_memory(void); /* how many have */

#endif
