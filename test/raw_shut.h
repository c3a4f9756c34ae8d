/* raw_shut.h - ends the reading side of a socket.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_SHUT_H
#define RONDO_TEST_RAW_SHUT_H

#include "raw.h"

bool raw_shutdown_read(raw_fd fd); /* false: the system refuses it */
/* A socket does not hear the groups that others of the machine have joined. */
bool raw_hears_own_groups_only(void);
int raw_receive_buffer(raw_fd fd); /* SO_RCVBUF */
int raw_send_buffer(raw_fd fd);    /* SO_SNDBUF */

#endif
