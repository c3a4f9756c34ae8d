/* raw_wait.h - waits of the kernel that fail.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_WAIT_H
#define RONDO_TEST_RAW_WAIT_H

#include "raw.h"

enum raw_wait_error { RAW_NO_MEMORY, RAW_NOT_OPEN };

/* The next `times` waits of this process fail with that error; 0: none. false:
 * no wait of this system can be made to fail. */
bool raw_wait_fails(unsigned times, enum raw_wait_error error);
unsigned raw_waits_failed(void); /* since */

#endif
