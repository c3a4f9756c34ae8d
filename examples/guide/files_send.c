/* files_send.c - an upload, stored by a pump; a download, sent by sendfile. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 20 };

struct state {
    rondo_server *server;
    rondo_file *file;
    rondo_transport *peer; /* the server's end of the connection */
    size_t received;       /* by the client */
    char path[500];
};

/* ---- the end: the file is closed when nobody uses it any more ---- */

static void removed(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)arg;
    printf("removed: %s\n", rondo_error_name((int)result));
}

static void closed(rondo_loop *loop, void *arg, int64_t result)
{
    struct state *s = arg;
    (void)result;
    rondo_fs_unlink(loop, s->path, removed, s);
}

/* ---- the server: stores what comes, then sends the file back ---- */

static void sent(rondo_loop *loop, void *arg, int64_t result)
{
    struct state *s = arg;
    (void)loop;
    if (result < 0)
        printf("server: %s\n", rondo_last_error());
    else
        printf("server: sent %d KiB\n", (int)(result / 1024));
    rondo_transport_close(s->peer);
    rondo_file_close(s->file, closed, s);
}

static void pumped(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    (void)loop;
    (void)arg;
    printf("server: received %d KiB, error %d\n", (int)(moved / 1024), error);
}

/* The sink writes the file, on a thread; the pump has begun to fill it. */
static void sink_made(rondo_transport *sink, void *self)
{
    struct state *s = self;
    if (rondo_pump(s->peer, sink, -1, 0, pumped, s) < 0)
        rondo_transport_abort(sink);
    rondo_transport_resume_reading(s->peer);
}

/* It has ended, so the file has all of it. From byte 0 on, all there is: */
static void sink_lost(rondo_transport *sink, void *self, int error)
{
    struct state *s = self;
    (void)sink;
    if (error || rondo_transport_sendfile(s->peer, rondo_file_fd(s->file), 0,
                                          INT64_MAX, sent, s) < 0) {
        printf("server: %s\n", rondo_last_error());
        rondo_transport_abort(s->peer);
        rondo_file_close(s->file, closed, s);
    }
}

static const rondo_protocol sink = {.connection_made = sink_made,
                                    .connection_lost = sink_lost};

static void peer_made(rondo_transport *t, void *self)
{
    struct state *s = self;
    s->peer = t;
    if (rondo_connect_write_pipe(
            rondo_transport_loop(t), rondo_file_fd(s->file),
            RONDO_PIPE_FILE | RONDO_PIPE_BORROW, &sink, s, NULL) < 0) {
        printf("server: %s\n", rondo_last_error());
        rondo_transport_abort(t);
    }
}

static void peer_lost(rondo_transport *t, void *self, int error)
{
    (void)self;
    (void)error;
    rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol serving = {.connection_made = peer_made,
                                       .connection_lost = peer_lost};

/* ---- the client: sends 1 MiB and the end, counts what comes back ---- */

static void client_made(rondo_transport *t, void *self)
{
    static char bytes[SIZE];
    (void)self;
    rondo_transport_write(t, bytes, sizeof bytes);
    rondo_transport_write_eof(t);
}

static void client_received(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    struct state *s = self;
    (void)t;
    (void)data;
    s->received += size;
}

static const rondo_protocol client = {.connection_made = client_made,
                                      .data_received = client_received};

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct state *s = arg;
    rondo_address address;
    if (error) {
        printf("%s\n", rondo_last_error());
        return;
    }
    s->file = file;
    snprintf(s->path, sizeof s->path, "%s", rondo_file_path(file));
    /* Not a byte is read before the pump has begun. */
    if (rondo_create_server(
            loop, RONDO_SERVE(.host = "127.0.0.1", .start_reading = RONDO_OFF),
            &serving, s, &s->server) < 0 ||
        rondo_server_address(s->server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &client, s, NULL, NULL) < 0)
        printf("%s\n", rondo_last_error());
}

int main(void)
{
    const char *folder = getenv("TEMP"); /* Windows */
    char prefix[300];
    static struct state s;
    rondo_loop *loop;
    snprintf(prefix, sizeof prefix, "%s/guide-", folder ? folder : "/tmp");
    if (rondo_loop_new(&loop, NULL) == 0 &&
        !rondo_loop_supports(loop, RONDO_CAN_PIPES))
        return 77; /* skipped: Windows with "select" */
    if (!loop || rondo_file_open_temporary(loop, prefix, 0, opened, &s) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "files_send: %s\n", rondo_last_error());
        return 1;
    }
    printf("client: %zu KiB came back\n", s.received / 1024);
    return rondo_loop_close(loop) < 0;
}
