/* raw_watch.h - a kernel that has no room to watch one more descriptor.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_WATCH_H
#define RONDO_TEST_RAW_WATCH_H

#include "raw.h"

/* As long as it is on, no descriptor is watched for writing (ENOSPC). false: no
 * such thing here. */
bool raw_watches_no_writers(bool on);
unsigned raw_watches_refused(void); /* so far */

#endif
