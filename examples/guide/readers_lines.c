/* readers_lines.c - a server of lines, its client, and what goes wrong. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT = 80 }; /* bytes of the longest line */

/* ---- the server: one answer a line ---- */

static void answer(rondo_reader *reader, void *arg, const void *line,
                   size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    if (error == RONDO_ETOOMUCH)
        rondo_transport_printf(t, "that is too long\n");
    else if (error == RONDO_EOF && size > 0) /* half a line, then the end */
        rondo_transport_printf(t, "%zu bytes, and no line\n", size);
    if (error) {
        rondo_reader_free(reader); /* closes, once the answer is out */
        return;
    }
    rondo_transport_printf(t, "%zu ", size - 1); /* "\n" is a part of it */
    rondo_transport_write(t, line, size);
    rondo_read_line(reader, answer, arg);
}

static void welcome(rondo_reader *reader, void *arg)
{
    rondo_reader_set_drain(reader, true); /* waits for who does not read */
    rondo_read_line(reader, answer, arg);
}

/* ---- the client: sends a text, shows the lines that come ---- */

struct client {
    rondo_server *server;
    const char *text;
    size_t size;
    rondo_reader *reader;
};

static const char long_line[LIMIT + 2] =
    "--------------------------------------------------------------------"
    "------------";

static void show(rondo_reader *reader, void *arg, const void *line, size_t size,
                 int error)
{
    struct client *c = arg;
    if (error) {
        printf("end: %s\n", rondo_error_name(error));
        rondo_reader_free(reader);
        rondo_server_close(c->server);
        return;
    }
    printf("  %.*s", (int)size, (const char *)line);
    rondo_read_line(reader, show, arg);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct client *c = arg;
    (void)loop;
    if (error) {
        fprintf(stderr, "readers_lines: %s\n", rondo_last_error());
        rondo_reader_free(c->reader); /* it was never given a connection */
        rondo_server_close(c->server);
        return;
    }
    rondo_transport_write(t, c->text, c->size);
    rondo_transport_write_eof(t);
    rondo_read_line(c->reader, show, c);
}

static int ask(rondo_loop *loop, const char *text, size_t size)
{
    struct client c = {.text = text, .size = size};
    rondo_address address;
    if (rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1"), LIMIT,
                           welcome, NULL, &c.server) < 0 ||
        rondo_server_address(c.server, 0, &address) < 0 ||
        rondo_reader_new(loop, 0, NULL, NULL, &c.reader) < 0)
        return -1;
    if (rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                rondo_reader_protocol(), c.reader, connected,
                                &c) < 0) {
        rondo_reader_free(c.reader);
        return -1;
    }
    return rondo_loop_run(loop);
}

int main(void)
{
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0 || ask(loop, "one\nthree\n", 10) < 0 ||
        ask(loop, "one\nhalf a li", 13) < 0 ||
        ask(loop, long_line, sizeof long_line) < 0) {
        fprintf(stderr, "readers_lines: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
