/* readers_frames.c - frames: four bytes of length, then so many bytes. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

enum { LIMIT = 1000 }; /* bytes of the longest frame */

static uint32_t length_of(const unsigned char *head)
{
    return (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 |
           (uint32_t)head[2] << 8 | head[3];
}

static void body(rondo_reader *reader, void *arg, const void *data, size_t size,
                 int error);

static void end(rondo_reader *reader, rondo_server *server)
{
    rondo_reader_free(reader); /* and closes the connection */
    rondo_server_close(server);
}

static void head(rondo_reader *reader, void *arg, const void *data, size_t size,
                 int error)
{
    if (error == RONDO_EOF && size == 0) {
        printf("the end, between two frames\n");
        end(reader, arg);
        return;
    }
    if (error) { /* a part of a length, or a lost connection */
        printf("cut in a length: %s\n", rondo_error_name(error));
        end(reader, arg);
        return;
    }
    uint32_t length = length_of(data);
    if (length > LIMIT) { /* before any memory is used for it */
        printf("a frame of %u bytes is refused\n", (unsigned)length);
        rondo_transport_abort_with(rondo_reader_transport(reader),
                                   RONDO_EPROTO);
        end(reader, arg);
        return;
    }
    rondo_read_exactly(reader, length, body, arg);
}

static void body(rondo_reader *reader, void *arg, const void *data, size_t size,
                 int error)
{
    if (error) {
        printf("cut after %zu bytes of a frame: %s\n", size,
               rondo_error_name(error));
        end(reader, arg);
        return;
    }
    printf("frame: \"%.*s\"\n", (int)size, (const char *)data);
    rondo_read_exactly(reader, 4, head, arg);
}

static void welcome(rondo_reader *reader, void *arg)
{
    rondo_server **server = arg;
    rondo_read_exactly(reader, 4, head, *server);
}

struct text {
    const char *bytes;
    size_t size;
};

static void client_made(rondo_transport *t, void *self)
{
    const struct text *text = self;
    rondo_transport_write(t, text->bytes, text->size);
    rondo_transport_close(t);
}

static const rondo_protocol client = {.connection_made = client_made};

static int serve(rondo_loop *loop, struct text *text)
{
    rondo_server *server;
    rondo_address address;
    if (rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1"), LIMIT,
                           welcome, &server, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &client, text, NULL, NULL) < 0)
        return -1;
    return rondo_loop_run(loop);
}

#define TEXT(bytes)                                                            \
    {                                                                          \
        (bytes), sizeof(bytes) - 1                                             \
    }

int main(void)
{
    struct text texts[] = {TEXT("\0\0\0\5hello\0\0\0\0\0\0\0\2hi"),
                           TEXT("\0\0\0\5hel"), TEXT("\0\0"),
                           TEXT("\377\377\377\377")};
    rondo_loop *loop = NULL;
    int result = rondo_loop_new(&loop, NULL);
    for (size_t i = 0; result == 0 && i < sizeof texts / sizeof *texts; i++)
        result = serve(loop, &texts[i]);
    if (result < 0)
        fprintf(stderr, "readers_frames: %s\n", rondo_last_error());
    return rondo_loop_close(loop) < 0 || result < 0;
}
