/* tls_load.c - loads an echo server over TLS and checks what comes back. */
/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { CONNECTIONS = 16, SIZE_MOST = 65536 };

static SSL *connections[CONNECTIONS];
static char request[SIZE_MOST], answer[SIZE_MOST];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "tls_load: %s: not as expected, or too late\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL *connect_to(SSL_CTX *context, const struct load_address *address)
{
    int fd = load_connect(address);
    SSL *ssl = SSL_new(context);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
        die("connect");
    }
    return ssl;
}

/* Its number in the first eight bytes, then bytes that depend on it. */
static void compose(uint64_t number, size_t size)
{
    memset(request, (char)(number + 1), size);
    memcpy(request, &number, size < sizeof number ? size : sizeof number);
}

static void take_answer(SSL *ssl, int size)
{
    for (int got = 0; got < size;) {
        int n = SSL_read(ssl, answer + got, size - got);
        if (n <= 0) {
            die("read");
        }
        got += n;
    }
    if (memcmp(answer, request, (size_t)size) != 0) {
        die("the answer");
    }
}

/* Each connection has one request on its way, then each gets its answer. */
static void round_trip(int size)
{
    static uint64_t first;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        compose(first + i, (size_t)size);
        if (SSL_write(connections[i], request, size) != size) {
            die("write");
        }
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        compose(first + i, (size_t)size);
        take_answer(connections[i], size);
    }
    first += CONNECTIONS;
}

/* After the last answer nothing more may come: of the server's records a
 * session ticket at most, which SSL_read takes for itself. */
static void leave(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    struct timeval at_once = {.tv_usec = 1};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &at_once, sizeof at_once) < 0 ||
        SSL_read(ssl, answer, 1) > 0) {
        die("bytes after the last answer");
    }
    ERR_clear_error();
    SSL_shutdown(ssl);
    close(fd);
    SSL_free(ssl);
}

static long request_count = 10000, size_option = 64;

static const struct option options[] = {
    {.name = "--requests",
     .number = &request_count,
     .least = 1,
     .most = 1L << 40},
    {.name = "--size", .number = &size_option, .least = 1, .most = SIZE_MOST},
    LOAD_PATIENCE_OPTION,
    {0}};

static const char usage[] =
    "[--requests N] [--size N] " LOAD_PATIENCE " 127.0.0.1:PORT";

int main(int argc, char **argv)
{
    struct load_address address;
    int word = options_read(argc, argv, options, 1, usage);
    if (!load_parse(argv[word], &address)) {
        options_wrong(argv[0], usage);
    }
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    for (int i = 0; i < CONNECTIONS; i++) {
        connections[i] = connect_to(context, &address);
    }
    for (long done = 0; done < request_count; done += CONNECTIONS) {
        round_trip((int)size_option);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        leave(connections[i]);
    }
    SSL_CTX_free(context);
    return 0;
}
