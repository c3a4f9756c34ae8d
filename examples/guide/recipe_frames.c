/* recipe_frames.c - frames with their length in front. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_FRAME 1000 /* of the payload */

static void put_length(unsigned char *p, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(n >> (24 - 8 * i)); /* in network order */
}

static uint32_t get_length(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* One write: the header and the payload leave together. */
static int send_frame(rondo_transport *t, const void *data, size_t size)
{
    unsigned char header[4];
    put_length(header, (uint32_t)size);
    return rondo_transport_writev(
        t, (rondo_buffer[]){{header, sizeof header}, {data, size}}, 2);
}

static void on_header(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error);

/* ---- the server sends each frame back ---- */

static void on_payload(rondo_reader *reader, void *arg, const void *data,
                       size_t size, int error)
{
    if (error) { /* RONDO_EOF: in the middle of a frame */
        printf("server: %s inside a frame\n", rondo_error_name(error));
        rondo_reader_free(reader);
        return;
    }
    printf("server: a frame of %zu bytes\n", size);
    send_frame(rondo_reader_transport(reader), data, size);
    rondo_read_exactly(reader, 4, on_header, arg);
}

static void on_header(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    if (error) {
        printf("server: %s%s\n", rondo_error_name(error),
               size ? " inside a header" : "");
        rondo_reader_free(reader);
        return;
    }
    uint32_t length = get_length(data);
    if (length > LONGEST_FRAME) { /* before any memory is used for it */
        printf("server: %lu bytes are too many\n", (unsigned long)length);
        rondo_transport_abort_with(rondo_reader_transport(reader),
                                   RONDO_EPROTO);
        rondo_reader_free(reader);
        return;
    }
    rondo_read_exactly(reader, length, on_payload, arg); /* 0 bytes, too */
}

static void accepted(rondo_reader *reader, void *arg)
{
    rondo_reader_set_drain(reader, true);
    rondo_read_exactly(reader, 4, on_header, arg);
}

/* ---- the client ---- */

static void made(rondo_transport *t, void *self)
{
    unsigned char large[4];
    (void)self;
    send_frame(t, "hello", 5);
    send_frame(t, "", 0);
    put_length(large,
               0x48545450); /* "HTTP": somebody speaks another protocol */
    rondo_transport_write(t, large, sizeof large);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    printf("client: %s\n", rondo_error_name(error));
    rondo_server_close(self);
}

static const rondo_protocol client = {.connection_made = made,
                                      .connection_lost = lost};

int main(void)
{
    rondo_loop *loop = NULL;
    rondo_server *server;
    rondo_address at;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                           LONGEST_FRAME, accepted, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &at) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &at), &client,
                                server, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_frames: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
