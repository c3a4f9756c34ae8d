/* mail.c - a mail server's conversation: lines, idle timeouts, STARTTLS. */
/* SPDX-License-Identifier: MIT */
/* Build: cc mail.c -o mail $(pkg-config --cflags --libs rondo-tls) */
/**
 * mail CERTIFICATE [PORT [SILENCE]]: speaks as much of SMTP (RFC 5321, RFC
 * 3207) as a client needs to hand over a message, which is thrown away. Who is
 * silent for SILENCE seconds (300) is told so and sent away.
 */
#include <rondo_tls.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MOST = 1000 };

struct server {
    rondo_tls_context *tls;
    int64_t patience_ns;
};

struct client {
    struct server *server;
    rondo_reader *reader;
    rondo_transport *t;
    bool secure, in_message;
    size_t lines; /* of the message */
};

static void got_line(rondo_reader *reader, void *arg, const void *line,
                     size_t size, int error);

static void say(struct client *c, const char *text)
{
    rondo_transport_printf(c->t, "%s\r\n", text);
}

/* ---- commands ----------------------------------------------------------- */

static void secured(rondo_loop *loop, void *arg, int64_t result)
{
    struct client *c = arg;
    (void)loop;
    c->secure = result == 0; /* else connection_lost follows */
}

/* Whatever came with the command came in clear, so it may be somebody
 * else's: it must not be taken for what the client says behind TLS. */
static void start_tls(struct client *c)
{
    if (c->secure) {
        say(c, "503 5.5.1 TLS is active");
    } else if (rondo_reader_buffered(c->reader)) {
        say(c, "554 5.7.0 Commands behind STARTTLS");
        rondo_transport_close(c->t);
    } else {
        say(c, "220 2.0.0 Ready to start TLS");
        if (rondo_tls_start(c->t, c->server->tls, NULL, secured, c) < 0)
            rondo_transport_abort(c->t);
    }
}

static void hello(struct client *c)
{
    rondo_transport_printf(c->t, "250-localhost\r\n%s250 8BITMIME\r\n",
                           c->secure ? "" : "250-STARTTLS\r\n");
}

static void message_line(struct client *c, const char *line)
{
    if (strcmp(line, ".") != 0) {
        c->lines++;
        return;
    }
    c->in_message = false;
    rondo_transport_printf(c->t, "250 2.0.0 %zu lines, %s\r\n", c->lines,
                           c->secure ? "by TLS" : "in clear");
}

static bool is(const char *line, const char *command)
{
    for (; *command; line++, command++)
        if ((*line & ~0x20) != (*command & ~0x20))
            return false;
    return true;
}

static void obey(struct client *c, const char *line)
{
    if (c->in_message) {
        message_line(c, line);
    } else if (is(line, "EHLO") || is(line, "HELO")) {
        hello(c);
    } else if (is(line, "STARTTLS")) {
        start_tls(c);
    } else if (is(line, "DATA")) {
        c->in_message = true;
        c->lines = 0;
        say(c, "354 End with a dot");
    } else if (is(line, "QUIT")) {
        say(c, "221 2.0.0 Goodbye");
        rondo_transport_close(c->t);
    } else if (is(line, "MAIL") || is(line, "RCPT") || is(line, "NOOP") ||
               is(line, "RSET")) {
        say(c, "250 2.0.0 OK");
    } else {
        say(c, "500 5.5.2 What?");
    }
}

static void got_line(rondo_reader *reader, void *arg, const void *line,
                     size_t size, int error)
{
    struct client *c = arg;
    char text[LINE_MOST + 1];
    if (error == RONDO_ETOOMUCH)
        say(c, "500 5.5.2 Too long a line");
    if (error) {
        rondo_transport_close(c->t);
        return;
    }
    size -= size > 1 && ((const char *)line)[size - 2] == '\r' ? 2 : 1;
    memcpy(text, line, size);
    text[size] = '\0';
    obey(c, text);
    rondo_read_line(reader, got_line, c);
}

/* ---- connections -------------------------------------------------------- */

static void made(rondo_transport *t, void *self)
{
    struct client *c = self;
    c->t = t;
    rondo_transport_set_timeouts(t, c->server->patience_ns, RONDO_SEC(60));
    say(c, "220 localhost ESMTP");
    rondo_read_line(c->reader, got_line, c);
}

static bool timed_out(rondo_transport *t, void *self, rondo_direction direction)
{
    if (direction == RONDO_READING) {
        say(self, "421 4.4.2 Too long a silence");
        rondo_transport_close(t);
    }
    return direction == RONDO_READING; /* who does not read is dropped */
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t;
    (void)error;
    rondo_reader_free(c->reader);
    free(c);
}

static const rondo_protocol smtp = {
    .connection_made = made, .timed_out = timed_out, .connection_lost = lost};

static int accept_client(rondo_server *server, void *arg, rondo_transport *t,
                         const rondo_protocol **protocol, void **self)
{
    struct client *c = calloc(1, sizeof *c);
    (void)t;
    if (!c || rondo_reader_new(rondo_server_loop(server), LINE_MOST, &smtp, c,
                               &c->reader) < 0) {
        free(c);
        return RONDO_ENOMEM;
    }
    c->server = arg;
    rondo_reader_set_drain(c->reader, true); /* who reads nothing has to wait */
    *protocol = rondo_reader_protocol();
    *self = c->reader;
    return 0;
}

/* A word as a number in that range, or the end of the program: "70000 is not
 * from 0 to 65535". */
static int number(const char *word, int from, int to)
{
    char *end;
    long n = strtol(word, &end, 10);
    if (end == word || *end || n < from || n > to) {
        fprintf(stderr, "%s is not from %d to %d\n", word, from, to);
        exit(2);
    }
    return (int)n;
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
    struct server s = {0};
    rondo_loop *loop = NULL;
    rondo_server *server;
    if (argc < 2) {
        fprintf(stderr, "usage: %s CERTIFICATE [PORT [SILENCE]]\n", argv[0]);
        return 2;
    }
    uint16_t port = (uint16_t)(argc > 2 ? number(argv[2], 0, 65535) : 2525);
    s.patience_ns = RONDO_SEC(argc > 3 ? number(argv[3], 1, 86400) : 300);
    bool started =
        rondo_tls_context_new(
            &s.tls, RONDO_TLS(.server = true, .certificate_file = argv[1])) ==
            0 &&
        rondo_loop_new(&loop, NULL) == 0 &&
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port,
                                        .protocol_factory = accept_client),
                            NULL, &s, &server) == 0;
    int result = started ? serve(loop, server) : failed(loop);
    rondo_tls_context_free(s.tls);
    return result;
}
