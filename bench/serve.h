/* serve.h - what the echo servers have in common: options, counts, report. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECEIVE_SIZE = 65536 };

/* A server's account of one run. The servers touch only `bytes` for each
 * request; all else happens when a client comes or goes. */
struct serve {
    uint64_t bytes;        /* echoed */
    size_t size;           /* --size: of one request */
    long idle;             /* --idle: connections to measure the memory of */
    const char *mode;      /* --mode: what it means is up to the server */
    bool unix_socket;      /* --unix: listens there */
    const char *library;   /* what serves, with its version, or NULL */
    long accepted;         /* clients so far */
    long clients;          /* clients now */
    size_t memory[2];      /* malloc'ed, before and after the idle ones */
    size_t (*exact)(void); /* the library's own count of bytes, or NULL */
    size_t exact_memory[2];
};

/* Reads the command line and raises the limit of descriptors; exits with a
 * message when it cannot. `modes` are those that there are, with spaces between
 * them; "FILE": the mode is the name of one. */
void serve_options(struct serve *s, int argc, char **argv, const char *modes);

/* A non-blocking socket that listens on 127.0.0.1, or on an abstract unix
 * socket with --unix, announced. */
int serve_listen(const struct serve *s);

/* Tells the world where a socket listens. */
void serve_announce(int fd);

/* The abstract name of a unix socket of this process: "@...". */
const char *serve_unix_name(void);

/* Bulk one way: bytes that came from a client, of which it has sent `total` so
 * far. True: they end a message of --size, and the client waits for the new
 * total. */
static inline bool serve_sink(struct serve *s, uint64_t *total, size_t got)
{
    s->bytes += got;
    *total += got;
    return *total % s->size == 0;
}

/* One more client. Every server calls it at the same point, so that what it
 * finds allocated can be compared. */
void serve_accepted(struct serve *s);

/* One less; true: it was the last, the server's work is done. */
bool serve_left(struct serve *s);

/* Prints the account on one line. */
void serve_report(const struct serve *s);

/* Says what failed, with errno's text, and exits. */
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
void serve_die(const char *what);

#endif
