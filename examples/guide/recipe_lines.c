/* recipe_lines.c - a line protocol: a server that adds, and its client. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_LINE 64

/* ---- the server ---- */

static void request(rondo_reader *reader, void *arg, const void *line,
                    size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    char text[LONGEST_LINE + 2];
    int a, b;
    if (error == RONDO_ETOOMUCH)
        rondo_transport_printf(t, "error: the line is too long\n");
    if (error) { /* also RONDO_EOF: the client has ended */
        rondo_reader_free(reader);
        return;
    }
    memcpy(text, line, size); /* which is lent, and has no NUL byte */
    text[size] = 0;
    if (sscanf(text, "add %d %d", &a, &b) == 2)
        rondo_transport_printf(t, "%lld\n", (long long)a + b);
    else
        rondo_transport_printf(t, "error: no such request\n");
    rondo_read_line(reader, request, arg); /* the next one */
}

static void accepted(rondo_reader *reader, void *arg)
{
    rondo_reader_set_drain(reader, true); /* answers are taken, or no more */
    rondo_read_line(reader, request, arg);
}

/* ---- the client ---- */

static void answer(rondo_reader *reader, void *arg, const void *line,
                   size_t size, int error)
{
    if (error) {
        printf("%s\n", rondo_error_name(error));
        rondo_server_close(arg);
        rondo_reader_free(reader);
        return;
    }
    printf("%.*s", (int)size, (const char *)line);
    rondo_read_line(reader, answer, arg);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    static const char pieces[] = "add 1 2\nadd 20 2\r\nsubtract 1 2\n";
    char zeros[LONGEST_LINE + 1];
    (void)loop, (void)arg;
    if (error)
        return; /* the reader's read gets it, too */
    memset(zeros, '0', sizeof zeros);
    rondo_transport_write(t, pieces, 5); /* lines and writes are not the same */
    rondo_transport_write(t, pieces + 5, sizeof pieces - 6);
    rondo_transport_write(t, zeros, sizeof zeros);
}

int main(void)
{
    rondo_loop *loop = NULL;
    rondo_server *server;
    rondo_reader *reader;
    rondo_address at;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1"), LONGEST_LINE,
                           accepted, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &at) < 0 ||
        rondo_reader_new(loop, 0, NULL, NULL, &reader) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &at),
                                rondo_reader_protocol(), reader, connected,
                                NULL) < 0 ||
        rondo_read_line(reader, answer, server) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_lines: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
