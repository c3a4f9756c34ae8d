/* fetch.h - what https:// takes, for fetch: one of two files has it. */
/* SPDX-License-Identifier: MIT */
/**
 * contrib/openssl/examples/fetch.c has TLS. fetch_plain.c has none and says so;
 * with it fetch needs no library but Rondo.
 */
#ifndef FETCH_H
#define FETCH_H

#include "rondo.h"

/* Once, before the first https_setup. ca_file: who is trusted, NULL: whom the
 * system trusts. 0 or an error, with its sentence. */
int https_open(const char *ca_file);
void https_close(void);

/* A connect's setup: a handshake with that host, a string, whose certificate
 * is checked. */
int https_setup(rondo_transport *t, void *host);

#endif
