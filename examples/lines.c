/* lines.c - a line server: each line comes back with its length. */
/* SPDX-License-Identifier: MIT */
/* Build: cc lines.c -o lines $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void answer(rondo_reader *reader, void *arg, const void *line,
                   size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    if (error) { /* the end, too long a line, a lost connection */
        rondo_reader_free(reader); /* and closes it */
        return;
    }
    rondo_transport_printf(t, "%zu ", size - 1);
    rondo_transport_write(t, line, size); /* which may hold any byte */
    rondo_read_line(reader, answer, arg);
}

static void welcome(rondo_reader *reader, void *arg)
{
    rondo_reader_set_drain(reader, true); /* who reads nothing has to wait */
    rondo_read_line(reader, answer, arg);
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

static int failed(rondo_loop *loop)
{
    fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return 1;
}

/* Until Ctrl-C. Whoever reads that it listens may press that at once. */
static int serve(rondo_loop *loop, rondo_server *server)
{
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    if (rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0)
        return failed(loop);
    for (size_t i = 0; rondo_server_address(server, i, &address) == 0; i++)
        if (rondo_address_text(&address, text, sizeof text) > 0)
            printf("listening on %s\n", text);
    fflush(stdout);
    if (rondo_loop_run(loop) < 0)
        return failed(loop);
    rondo_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7000);
    rondo_loop *loop = NULL;
    rondo_server *server;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1", .port = port),
                           0, welcome, NULL, &server) < 0)
        return failed(loop);
    return serve(loop, server);
}
