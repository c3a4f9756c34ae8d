/* websocket.c - a WebSocket echo (RFC 6455), and a page that talks to it. */
/* SPDX-License-Identifier: MIT */
/* Build: cc websocket.c -o websocket $(pkg-config --cflags --libs rondo)
 * Try:   ./websocket 8001, then http://127.0.0.1:8001/ in a browser */
#include <rondo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_HEAD = 8192,       /* of the request */
    MOST_MESSAGE = 1 << 20, /* longer ones end the connection (1009) */
    CONTINUATION = 0,
    TEXT = 1,
    CLOSE = 8,
    PING = 9,
    PONG = 10,
    PROTOCOL_ERROR = 1002,
    TOO_BIG = 1009
};

static const char page[] =
    "<!doctype html><meta charset=utf-8><title>waiting</title><pre></pre>\n"
    "<script>\n"
    "const out = document.querySelector('pre');\n"
    "const say = text => out.textContent += text + '\\n';\n"
    "const big = 'x'.repeat(100000);\n"
    "const ws = new WebSocket('ws://' + location.host + '/echo');\n"
    "ws.onopen = () => ['hello', '\\u00e9\\u4e16', big].forEach(s => "
    "ws.send(s));\n"
    "let count = 0;\n"
    "ws.onmessage = m => {\n"
    "  say('echo of ' + m.data.length + ': ' + m.data.slice(0, 20));\n"
    "  if (++count == 3) ws.close(1000, 'done');\n"
    "};\n"
    "ws.onclose = c => { say('closed ' + c.code); document.title = 'ok'; };\n"
    "</script>\n";

/* ---- SHA-1 and base64, of what the handshake takes ---- */

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void sha1_block(uint32_t h[5], const unsigned char *block)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        static const uint32_t k[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                     0xca62c1d6};
        uint32_t f = i < 20   ? (b & c) | (~b & d)
                     : i < 40 ? b ^ c ^ d
                     : i < 60 ? (b & c) | (b & d) | (c & d)
                              : b ^ c ^ d;
        uint32_t next = rotate(a, 5) + f + e + k[i / 20] + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* Of at most 119 bytes: two blocks. */
static void sha1(const void *bytes, size_t size, unsigned char digest[20])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                     0xc3d2e1f0};
    unsigned char block[128] = {0};
    size_t all = size < 56 ? 64 : 128;
    memcpy(block, bytes, size);
    block[size] = 0x80;
    block[all - 2] = (unsigned char)(size * 8 >> 8);
    block[all - 1] = (unsigned char)(size * 8);
    for (size_t at = 0; at < all; at += 64)
        sha1_block(h, block + at);
    for (int i = 0; i < 20; i++)
        digest[i] = (unsigned char)(h[i / 4] >> (24 - i % 4 * 8));
}

/* 28 characters and a zero. */
static void base64_of_20(const unsigned char *bytes, char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
        "uvwxyz0123456789+/";
    for (int i = 0; i < 21; i += 3) {
        unsigned long n = (unsigned long)bytes[i] << 16 |
                          (unsigned long)bytes[i + 1] << 8 |
                          (i < 18 ? bytes[i + 2] : 0U);
        for (int j = 0; j < 4; j++)
            *text++ = letters[n >> (18 - 6 * j) & 63];
    }
    text[-1] = '=';
    *text = '\0';
}

/* ---- one client ---- */

struct client {
    bool open; /* the handshake is done */
    char *in;  /* what has come and is not taken */
    size_t size, room;
    char *message;       /* the fragments so far */
    size_t message_size; /* of them */
    int kind; /* of the first one: TEXT or binary; 0: there is none */
};

static void send_frame(rondo_transport *t, int kind, const void *data,
                       size_t size)
{
    unsigned char head[10] = {(unsigned char)(0x80 | kind)};
    size_t head_size = 2;
    if (size < 126) {
        head[1] = (unsigned char)size;
    } else if (size < 65536) {
        head[1] = 126;
        head_size = 4;
    } else {
        head[1] = 127;
        head_size = 10;
    }
    for (size_t i = 2; i < head_size; i++)
        head[i] = (unsigned char)((uint64_t)size >> (head_size - 1 - i) * 8);
    rondo_transport_writev(t, (rondo_buffer[]){{head, head_size}, {data, size}},
                           2);
}

static void end(rondo_transport *t, int code)
{
    unsigned char bytes[2] = {(unsigned char)(code >> 8), (unsigned char)code};
    send_frame(t, CLOSE, bytes, 2);
    rondo_transport_close(t);
}

/* A whole frame, without its mask. false: the connection ends. */
static bool frame(rondo_transport *t, struct client *c, int head, char *data,
                  size_t size)
{
    int kind = head & 15;
    bool last = head & 0x80;
    if (kind == CLOSE) {
        send_frame(t, CLOSE, data, size < 2 ? 0 : size);
        rondo_transport_close(t);
        return false;
    }
    if (kind == PING)
        send_frame(t, PONG, data, size);
    if (kind == PING || kind == PONG)
        return true;
    if (kind > 2 || (kind == CONTINUATION) != (c->kind != 0)) {
        end(t, PROTOCOL_ERROR);
        return false;
    }
    if (last && kind != CONTINUATION) { /* the usual case: all in one */
        send_frame(t, kind, data, size);
        return true;
    }
    char *more = c->message_size + size > MOST_MESSAGE
                     ? NULL
                     : realloc(c->message, c->message_size + size + 1);
    if (!more) {
        end(t, TOO_BIG);
        return false;
    }
    c->message = more;
    memcpy(more + c->message_size, data, size);
    c->message_size += size;
    if (kind)
        c->kind = kind;
    if (last) {
        send_frame(t, c->kind, c->message, c->message_size);
        c->message_size = 0;
        c->kind = 0;
    }
    return true;
}

/* The frame at the beginning: its size; 0: it is not all there; -1: the
 * connection ends. */
static long long one_frame(rondo_transport *t, struct client *c,
                           unsigned char *in, size_t size)
{
    size_t head = 2, bytes;
    if (size < 2)
        return 0;
    bytes = in[1] & 127;
    if (bytes > 125)
        head = bytes == 126 ? 4 : 10;
    if (size < head + 4)
        return 0;
    if (head > 2) {
        uint64_t n = 0;
        for (size_t i = 2; i < head; i++)
            n = n << 8 | in[i];
        if (n > MOST_MESSAGE) {
            end(t, TOO_BIG);
            return -1;
        }
        bytes = (size_t)n;
    }
    /* a client's frame has a mask; a control frame is short and whole */
    if ((in[0] & 0x70) || !(in[1] & 0x80) ||
        ((in[0] & 8) && (bytes > 125 || !(in[0] & 0x80)))) {
        end(t, PROTOCOL_ERROR);
        return -1;
    }
    const unsigned char *mask = in + head;
    unsigned char *data = in + head + 4;
    if (size - head - 4 < bytes)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        data[i] ^= mask[i & 3];
    if (!frame(t, c, in[0], (char *)data, bytes))
        return -1;
    return (long long)(head + 4 + bytes);
}

/* ---- the handshake ---- */

static bool same_letters(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((a[i] | 32) != (b[i] | 32))
            return false;
    return true;
}

/* A header's value in the head, without spaces around; its size. */
static size_t header(const char *head, const char *name, const char **value)
{
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line;
         line = strstr(line + 2, "\r\n")) {
        if (!same_letters(line + 2, name, size) || line[2 + size] != ':')
            continue;
        *value = line + 3 + size + strspn(line + 3 + size, " \t");
        return strcspn(*value, " \t\r");
    }
    return 0;
}

static void answer_plain(rondo_transport *t, const char *head)
{
    bool found = strncmp(head, "GET / ", 6) == 0;
    rondo_transport_printf(t,
                           "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
                           "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                           found ? "200 OK" : "404 Not Found",
                           found ? sizeof page - 1 : 0, found ? page : "");
    rondo_transport_close(t);
}

/* The head ends in a zero. false: the connection ends. */
static bool shake_hands(rondo_transport *t, struct client *c, const char *head)
{
    char text[64], accept[32];
    unsigned char digest[21] = {0};
    const char *key;
    size_t size = header(head, "Sec-WebSocket-Key", &key);
    if (size != 24) {
        answer_plain(t, head);
        return false;
    }
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1(text, 60, digest);
    base64_of_20(digest, accept);
    rondo_transport_printf(t,
                           "HTTP/1.1 101 Switching Protocols\r\n"
                           "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: %s\r\n\r\n",
                           accept);
    c->open = true;
    return true;
}

/* As one_frame. */
static long long one_head(rondo_transport *t, struct client *c)
{
    char *head_end = NULL;
    for (size_t i = 3; i < c->size && !head_end; i++)
        if (memcmp(c->in + i - 3, "\r\n\r\n", 4) == 0)
            head_end = c->in + i;
    if (!head_end) {
        if (c->size <= MOST_HEAD)
            return 0;
        rondo_transport_abort(t);
        return -1;
    }
    *head_end = '\0';
    if (!shake_hands(t, c, c->in))
        return -1;
    return head_end + 1 - c->in;
}

/* ---- the protocol ---- */

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    size_t used = 0;
    long long n = 1;
    if (c->room < c->size + size) {
        size_t room = (c->size + size) * 2;
        char *in = realloc(c->in, room);
        if (!in) {
            rondo_transport_abort(t);
            return;
        }
        c->in = in;
        c->room = room;
    }
    memcpy(c->in + c->size, data, size);
    c->size += size;
    while (n > 0 && used < c->size) {
        n = c->open
                ? one_frame(t, c, (unsigned char *)c->in + used, c->size - used)
                : one_head(t, c);
        if (n > 0)
            used += (size_t)n;
    }
    if (n < 0) {
        rondo_transport_pause_reading(t);
        used = c->size;
    }
    memmove(c->in, c->in + used, c->size - used);
    c->size -= used;
}

static void pause(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t, (void)error;
    free(c->in);
    free(c->message);
    free(c);
}

static const rondo_protocol protocol = {.data_received = received,
                                        .pause_writing = pause,
                                        .resume_writing = resume,
                                        .connection_lost = lost};

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **p, void **self)
{
    (void)server, (void)arg, (void)t, (void)p;
    *self = calloc(1, sizeof(struct client));
    return *self ? 0 : RONDO_ENOMEM;
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 8001);
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port,
                                        .protocol_factory = accepted),
                            &protocol, NULL, &server) < 0 ||
        rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    if (rondo_server_address(server, 0, &address) == 0 &&
        rondo_address_text(&address, text, sizeof text) > 0)
        printf("listening on %s\n", text);
    fflush(stdout);
    rondo_loop_run(loop);
    return rondo_loop_close(loop) < 0;
}
