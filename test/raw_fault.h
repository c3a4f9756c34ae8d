/* raw_fault.h - raw.h's system calls of Windows that fail as a test asks.
 * SPDX-License-Identifier: MIT
 *
 * Elsewhere no call can be made to fail this way: raw_fault answers false, and
 * the test then says so with test_skip.
 */
#ifndef RONDO_TEST_RAW_FAULT_H
#define RONDO_TEST_RAW_FAULT_H

#include "raw.h"

enum raw_fault { RAW_FAULT_NONE };

/* The next `times` such calls of this process fail; false: cannot be done. */
bool raw_fault(enum raw_fault which, unsigned times);
unsigned raw_faults(void); /* how many have failed since */

#endif
