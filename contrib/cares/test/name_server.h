/* name_server.h - a name server on a thread: over UDP, on 127.0.0.1.
 * SPDX-License-Identifier: MIT
 *
 * Knows one.test (127.0.0.1 and ::1), two.test (127.0.0.2 and 127.0.0.1),
 * fails at fail.test, never answers for silent.test, and says of any other
 * name that it does not exist.
 */
#ifndef NAME_SERVER_H
#define NAME_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct name_server;

struct name_server *name_server_start(uint16_t *port); /* NULL: cannot */
unsigned name_server_questions(struct name_server *server);
void name_server_stop(struct name_server *server);

#endif
