/* hello.c - an HTTP/1.1 server that says hello: keep-alive, pipelining, heads
 * that arrive in any pieces. An example, not an HTTP library. */
/* SPDX-License-Identifier: MIT */
/* Build: cc hello.c -o hello $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_LIMIT = 8192, LINGER_LIMIT = 1 << 20 };

struct client {
    rondo_transport *t;
    size_t head;    /* bytes of this head so far; once ended, ignored bytes */
    size_t used;    /* of those, the bytes of the line that is not whole yet */
    unsigned hosts; /* Host lines: there must be exactly one */
    bool requested; /* the request line is there */
    bool head_only, old, last, ended;
    char line[HEAD_LIMIT + 1];
};

/* After the last answer the peer's data is read and ignored for a while:
 * closing with unread data would be a reset, which can overtake the answer. */
static void answer(struct client *c, const char *status, const char *more,
                   const char *body)
{
    c->ended = c->last || status[0] != '2';
    rondo_transport_printf(c->t,
                           "HTTP/1.1 %s\r\n"
                           "Content-Type: text/plain\r\n"
                           "Content-Length: %u\r\n%s%s\r\n%s",
                           status, (unsigned)strlen(body), more,
                           c->ended ? "Connection: close\r\n" : "",
                           c->head_only ? "" : body);
    c->head = c->used = c->hosts = 0;
    c->requested = false;
    if (c->ended)
        rondo_transport_write_eof(c->t);
}

static bool same(const char *a, const char *b, size_t size)
{
    for (; size; size--, a++, b++)
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
    return true;
}

static void request_line(struct client *c)
{
    char *target = strchr(c->line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version || target == c->line || version == target + 1 ||
        strncmp(version, " HTTP/1.", 8) != 0 ||
        !isdigit((unsigned char)version[8]) || version[9]) {
        answer(c, "400 Bad Request", "", "");
        return;
    }
    *target = 0;
    c->requested = true;
    c->head_only = strcmp(c->line, "HEAD") == 0;
    c->old = c->last = version[8] == '0';
    if (!c->head_only && strcmp(c->line, "GET") != 0)
        answer(c, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "");
}

/* A body is refused: nothing here wants one, and what follows it would have to
 * be found. */
static void header_line(struct client *c)
{
    size_t name = strcspn(c->line, ": \t");
    const char *value = c->line + name + (c->line[name] == ':');
    value += strspn(value, " \t");
    if (name == 0 || c->line[name] != ':' ||
        (name == 17 && same(c->line, "transfer-encoding", name)) ||
        (name == 14 && same(c->line, "content-length", name) &&
         strcmp(value, "0") != 0))
        answer(c, "400 Bad Request", "", "");
    else if (name == 10 && same(c->line, "connection", name))
        c->last = c->last || same(value, "close", 5);
    else if (name == 4 && same(c->line, "host", name))
        c->hosts++;
}

static void line(struct client *c)
{
    size_t size = c->used;
    if (size && c->line[size - 1] == '\r')
        size--;
    c->line[size] = 0;
    c->used = 0;
    if (strlen(c->line) != size)
        answer(c, "400 Bad Request", "", "");
    else if (!c->requested && size) /* empty lines before it are allowed */
        request_line(c);
    else if (size)
        header_line(c);
    else if (c->requested && !c->old && c->hosts != 1)
        answer(c, "400 Bad Request", "", "");
    else if (c->requested)
        answer(c, "200 OK", "", "hello\n");
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    const char *p = data, *end = p + size;
    while (p < end && !c->ended && !rondo_transport_is_closing(t)) {
        if (++c->head > HEAD_LIMIT)
            answer(c, "431 Request Header Fields Too Large", "", "");
        else if (*p == '\n')
            line(c);
        else
            c->line[c->used++] = *p;
        p++;
    }
    if (c->ended && (c->head += (size_t)(end - p)) > LINGER_LIMIT)
        rondo_transport_abort(t);
}

/* An idle client is let go in peace, one that does not read is dropped. */
static bool timed_out(rondo_transport *t, void *self, rondo_direction which)
{
    (void)self;
    if (which == RONDO_READING)
        rondo_transport_close(t);
    return which == RONDO_READING;
}

static void pause_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    free(self);
}

static const rondo_protocol http = {
    .data_received = received,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .connection_lost = lost,
    .timed_out = timed_out,
};

static int made(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    struct client *c = calloc(1, sizeof *c);
    (void)server, (void)arg, (void)protocol;
    if (!c)
        return RONDO_ENOMEM;
    c->t = t;
    *self = c;
    return rondo_transport_set_timeouts(t, RONDO_SEC(60), RONDO_SEC(10));
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
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 8000);
    rondo_loop *loop = NULL;
    rondo_server *server;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port,
                                        .protocol_factory = made),
                            &http, NULL, &server) < 0)
        return failed(loop);
    return serve(loop, server);
}
