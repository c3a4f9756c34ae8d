/* tls_load.c - loads an echo server over TLS and checks what comes back. */
/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 16, SIZE_MOST = 65536, PATIENCE_SECONDS = 120 };

static SSL *connections[CONNECTIONS];
static char request[SIZE_MOST], answer[SIZE_MOST];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "tls_load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL *connect_to(SSL_CTX *context, const struct sockaddr_in *address)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(context);
    if (fd < 0 || !ssl ||
        connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
        SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
        die("connect");
    }
    return ssl;
}

/* Each connection has one request on its way, then each gets its answer. */
static void round_trip(int size)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        request[0]++;
        if (SSL_write(connections[i], request, size) != size) {
            die("write");
        }
    }
    char first = (char)(request[0] - CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++) {
        int got = 0, n = 0;
        do {
            n = SSL_read(connections[i], answer + got, size - got);
            got += n;
        } while (n > 0 && got < size);
        first++;
        if (n <= 0 || answer[0] != first ||
            memcmp(answer + 1, request + 1, (size_t)size - 1) != 0) {
            die("read");
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    long requests = 10000, size = 64;
    const char *where = "";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--requests") == 0 && i + 1 < argc) {
            requests = atol(argv[++i]);
        } else if (strcmp(argv[i], "--size") == 0 && i + 1 < argc) {
            size = atol(argv[++i]);
        } else {
            where = argv[i];
        }
    }
    if (strncmp(where, "127.0.0.1:", 10) != 0 || size < 1 || size > SIZE_MOST) {
        die("usage: tls_load [--requests N] [--size N] 127.0.0.1:PORT");
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(where + 10));
    alarm(PATIENCE_SECONDS);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    for (int i = 0; i < CONNECTIONS; i++) {
        connections[i] = connect_to(context, &address);
    }
    for (long done = 0; done < requests; done += CONNECTIONS) {
        round_trip((int)size);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        SSL_shutdown(connections[i]);
        close(SSL_get_fd(connections[i]));
        SSL_free(connections[i]);
    }
    SSL_CTX_free(context);
    return 0;
}
