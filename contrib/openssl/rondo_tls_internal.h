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
/* The same with better words; NULL: there are none. */
int tls_fail_with(int error, const char *what, const char *words);
enum tls_file { TLS_CERTIFICATE, TLS_KEY, TLS_TRUSTED };
/* Of a file: RONDO_ENOENT, RONDO_EACCES, RONDO_EIO, or RONDO_EPROTO for what is
 * in it. `what` it is to the program. */
int tls_fail_file(const char *what, const char *name, enum tls_file file);
/* What an error of a connection means; NULL: nothing better is known. */
const char *tls_words_of_peer(unsigned long code);
/* What to do about a refused certificate, behind OpenSSL's words for it. */
const char *tls_advice_on_certificate(long verdict);
/* Before a call whose outcome SSL_get_error is asked. */
void tls_forget_errors(void);
/* What connects OpenSSL with a layer; NULL: no memory. */
BIO_METHOD *tls_make_between(void);

#endif
