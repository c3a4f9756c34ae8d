/* name_server.c - a name server on a thread: over UDP, on 127.0.0.1. */
/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "name_server.h"

#include "raw.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    HEADER = 12,
    TYPE_A = 1,
    TYPE_AAAA = 28,
    SERVER_FAILED = 2,
    NO_NAME = 3
};

struct name_server {
    int fd;
    struct raw_thread *thread;
    atomic_bool stop;
    atomic_uint questions;
};

struct message {
    unsigned char bytes[512];
    size_t size;
};

/* The name of the first question as text, and where it ends; 0: broken. */
static size_t read_name(const struct message *m, char name[256])
{
    size_t at = HEADER, used = 0;

    while (at < m->size && m->bytes[at] > 0) {
        size_t size = m->bytes[at++];

        if (size > 63 || at + size > m->size || used + size + 2 > 256)
            return 0;
        if (used > 0)
            name[used++] = '.';
        memcpy(name + used, m->bytes + at, size);
        used += size;
        at += size;
    }
    name[used] = '\0';
    return at + 5 <= m->size ? at + 1 : 0;
}

static void add_record(struct message *m, unsigned type, const void *address,
                       size_t size)
{
    unsigned char record[12] = {0xc0, HEADER, 0, (unsigned char)type,
                                0,    1,      0, 0,
                                0,    0,      0, (unsigned char)size};

    memcpy(m->bytes + m->size, record, sizeof record);
    memcpy(m->bytes + m->size + sizeof record, address, size);
    m->size += sizeof record + size;
    m->bytes[7]++; /* answers */
}

static void add_text(struct message *m, unsigned type, const char *address)
{
    unsigned char bytes[16];
    int family = type == TYPE_A ? AF_INET : AF_INET6;

    if (inet_pton(family, address, bytes) == 1)
        add_record(m, type, bytes, type == TYPE_A ? 4 : 16);
}

/* false: no answer. */
static bool answer(struct message *m)
{
    char name[256];
    size_t end = read_name(m, name);

    if (!end || strcasecmp(name, "silent.test") == 0)
        return false;
    unsigned type = (unsigned)m->bytes[end] << 8 | m->bytes[end + 1];

    m->size = end + 4;                      /* no more than the question */
    m->bytes[2] = 0x84 | (m->bytes[2] & 1); /* an answer, authoritative */
    m->bytes[3] = 0;
    memset(m->bytes + 6, 0, 6);
    if (strcasecmp(name, "fail.test") == 0) {
        m->bytes[3] = SERVER_FAILED;
    } else if (strcasecmp(name, "one.test") == 0) {
        if (type == TYPE_A)
            add_text(m, TYPE_A, "127.0.0.1");
        if (type == TYPE_AAAA)
            add_text(m, TYPE_AAAA, "::1");
    } else if (strcasecmp(name, "two.test") == 0) {
        if (type == TYPE_A) {
            add_text(m, TYPE_A, "127.0.0.2");
            add_text(m, TYPE_A, "127.0.0.1");
        }
    } else {
        m->bytes[3] = NO_NAME;
    }
    return true;
}

/* One that a failed test has left must not answer, since its descriptor's
 * number is a later one's. */
static struct name_server *_Atomic latest;

static void serve(void *arg)
{
    struct name_server *server = arg;

    while (!atomic_load(&server->stop) && atomic_load(&latest) == server) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        struct message m;
        ssize_t count = recvfrom(server->fd, m.bytes, 256, 0,
                                 (struct sockaddr *)&from, &size);

        if (count < HEADER)
            continue;
        atomic_fetch_add(&server->questions, 1);
        m.size = (size_t)count;
        if (answer(&m))
            (void)sendto(server->fd, m.bytes, m.size, 0,
                         (struct sockaddr *)&from, size);
    }
}

struct name_server *name_server_start(uint16_t *port)
{
    struct name_server *server = calloc(1, sizeof *server);
    struct timeval soon = {.tv_usec = 20000}; /* looks at stop */

    if (!server)
        return NULL;
    server->fd = (int)raw_udp();
    *port = raw_local_port(server->fd);
    (void)setsockopt(server->fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    atomic_store(&latest, server);
    server->thread = raw_thread_start(serve, server);
    return server;
}

unsigned name_server_questions(struct name_server *server)
{
    return atomic_load(&server->questions);
}

void name_server_stop(struct name_server *server)
{
    atomic_store(&server->stop, true);
    raw_thread_join(server->thread);
    (void)close(server->fd);
    free(server);
}
