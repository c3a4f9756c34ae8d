/* raw_refuse.h - threads that the system does not start.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_REFUSE_H
#define RONDO_TEST_RAW_REFUSE_H

#include "raw.h"

/* The next `after` threads of this process are started, and then none until
 * raw_threads_start again. false: cannot be done here. */
bool raw_threads_fail(unsigned after);
void raw_threads_start(void);

#endif
