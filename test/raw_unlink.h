/* raw_unlink.h - something happens just before a file is removed.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_UNLINK_H
#define RONDO_TEST_RAW_UNLINK_H

#include "raw.h"

/* Calls fn once, inside this process's next removal of the file of that name
 * and before it happens. false: cannot be done on this system. */
bool raw_before_unlink(const char *path, void (*fn)(void *arg), void *arg);
bool raw_unlink_was_met(void);

#endif
