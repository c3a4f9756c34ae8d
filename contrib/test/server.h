/* server.h - the real servers that the adapters' tests talk to: each on a unix
 * socket in the folder of the test's executable. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CONTRIB_SERVER_H
#define RONDO_CONTRIB_SERVER_H

#include <stdbool.h>

/* Each starts one for all tests of the executable; server_stop ends it. false:
 * it could not be started, and the reason has been printed. */
bool server_start_nginx(const char *program);
bool server_start_redis(const char *program);
/* PostgreSQL refuses to run as root: root runs it as "postgres". `programs` is
 * the folder of initdb and postgres. */
bool server_start_postgres(const char *programs);
void server_stop(void);

/* Its socket, and the folder that this, and nginx's files, are in. */
const char *server_socket(void);
const char *server_folder(void);

#endif
