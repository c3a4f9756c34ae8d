/* raw_make.h - counts the descriptors that a new program could inherit.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_MAKE_H
#define RONDO_TEST_RAW_MAKE_H

#include "raw.h"

/* How many descriptors this process has made without close-on-exec, by calls
 * that can make them with it. -1: no such calls here. */
int raw_made_inheritable(void);

#endif
