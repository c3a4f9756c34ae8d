/* rondo_tls_internal.h - what the files of the filter share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TLS_INTERNAL_H
#define RONDO_TLS_INTERNAL_H

#include "rondo_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

struct rondo_tls_context {
    SSL_CTX *native;
    BIO_METHOD *between; /* OpenSSL and a layer */
    atomic_uint users;   /* the program, and each connection */
    bool server, verify;
    size_t alpn_size;
    unsigned char alpn[]; /* as on the wire: a length before each name */
};

/* Sets the sentence, with OpenSSL's reason, and returns the error. */
int tls_fail(int error, const char *what);
/* Before a call whose outcome SSL_get_error is asked. */
void tls_forget_errors(void);
/* What connects OpenSSL with a layer; NULL: no memory. */
BIO_METHOD *tls_make_between(void);

#endif
