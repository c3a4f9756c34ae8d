/* tls_serve.h - what the TLS servers that use OpenSSL by hand have in common: a
 * context, of the file that --mode names: its certificate and key. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TLS_SERVE_H
#define BENCH_TLS_SERVE_H

#include "serve.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void tls_die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static inline SSL_CTX *tls_context(const char *file)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, file) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) != 1) {
        tls_die(file);
    }
    return context;
}

#endif
