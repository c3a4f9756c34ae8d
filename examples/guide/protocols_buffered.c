/* protocols_buffered.c - the kernel writes into the program's own memory. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

enum { RECORD = 32 << 10, RECORDS = 3 };

struct sink {
    unsigned char record[RECORD];
    size_t filled;
};

/* Where the next bytes go: behind those that are there. */
static void *get_buffer(rondo_transport *t, void *self, size_t hint,
                        size_t *size)
{
    struct sink *s = self;
    (void)t;
    (void)hint;
    *size = RECORD - s->filled; /* never 0 here: that pauses reading */
    return s->record + s->filled;
}

static void buffer_updated(rondo_transport *t, void *self, size_t size)
{
    struct sink *s = self;
    (void)t;
    s->filled += size;
    if (s->filled == RECORD) { /* all of a record is there, at one place */
        printf("a record of %c\n", s->record[RECORD - 1]);
        s->filled = 0;
    }
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct sink *s = self;
    if (error || s->filled)
        printf("cut: %zu bytes of a record, error %d\n", s->filled, error);
    rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol records = {.get_buffer = get_buffer,
                                       .buffer_updated = buffer_updated,
                                       .connection_lost = lost};

static void client_made(rondo_transport *t, void *self)
{
    char record[RECORD];
    (void)self;
    for (int i = 0; i < RECORDS; i++) {
        memset(record, 'a' + i, sizeof record);
        rondo_transport_write(t, record, sizeof record);
    }
    rondo_transport_write(t, record, 100); /* and it breaks off */
    rondo_transport_close(t);
}

static const rondo_protocol client = {.connection_made = client_made};

int main(void)
{
    static struct sink sink;
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &records,
                            &sink, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &client, NULL, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "protocols_buffered: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
