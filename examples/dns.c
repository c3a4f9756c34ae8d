/* dns.c - a name server that says 127.0.0.1 to everybody: dig @127.0.0.1 -p
 * 5353 any.name. */
/* SPDX-License-Identifier: MIT */
/* Build: cc dns.c -o dns $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* See RFC 1035, section 4. */
enum {
    HEADER = 12,
    LABEL_MOST = 63,
    NAME_MOST = 255,
    QUESTION_MOST = NAME_MOST + 4,
    ANSWER = 16,
    TYPE_A = 1,
    CLASS_IN = 1
};
enum { OK = 0, FORMAT_ERROR = 1, NOT_IMPLEMENTED = 4 };

static unsigned get16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(unsigned char *p, unsigned value)
{
    p[0] = (unsigned char)(value >> 8);
    p[1] = (unsigned char)value;
}

/* The size of the first question, its type and class included; 0: it is not
 * one. A question's name has nothing to be compressed against. */
static size_t question_size(const unsigned char *p, size_t size)
{
    size_t at = 0;
    while (at < size && p[at] != 0) {
        if (p[at] > LABEL_MOST)
            return 0;
        at += 1U + p[at];
    }
    at++; /* the name's end */
    return at <= NAME_MOST && at + 4 <= size ? at + 4 : 0;
}

/* Fills in the header of the answer, without answers so far. */
static void begin(unsigned char *out, const unsigned char *query, unsigned code)
{
    memcpy(out, query, HEADER);
    out[2] = (unsigned char)(0x84 | (query[2] & 0x79)); /* ours, as asked */
    out[3] = (unsigned char)code;
    put16(out + 4, 0);
    put16(out + 6, 0);
    put16(out + 8, 0);
    put16(out + 10, 0);
}

/* The answer's size. */
static size_t answer(const unsigned char *query, size_t size,
                     unsigned char *out)
{
    static const unsigned char localhost[ANSWER] = {
        0xc0, HEADER, 0, TYPE_A, 0, CLASS_IN, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
    const unsigned char *question = query + HEADER;
    if (query[2] & 0x78) {
        begin(out, query, NOT_IMPLEMENTED);
        return HEADER;
    }
    size_t asked = question_size(question, size - HEADER);
    if (get16(query + 4) != 1 || !asked) {
        begin(out, query, FORMAT_ERROR);
        return HEADER;
    }
    begin(out, query, OK);
    put16(out + 4, 1);
    memcpy(out + HEADER, question, asked);
    if (get16(question + asked - 4) != TYPE_A ||
        get16(question + asked - 2) != CLASS_IN)
        return HEADER + asked; /* there is such a name, but nothing of that */
    put16(out + 6, 1);
    memcpy(out + HEADER + asked, localhost, ANSWER);
    return HEADER + asked + ANSWER;
}

static void asked(rondo_datagram *d, void *self, const void *data, size_t size,
                  const rondo_address *from, bool truncated)
{
    unsigned char out[HEADER + QUESTION_MOST + ANSWER];
    const unsigned char *query = data;
    unsigned long *dropped = self;
    /* neither a query nor something to answer to */
    if (truncated || size < HEADER || query[2] & 0x80)
        return;
    if (rondo_datagram_send(d, out, answer(query, size, out), from) < 0)
        ++*dropped;
}

static void trouble(rondo_datagram *d, void *self, int error)
{
    (void)d;
    (void)self;
    (void)error;
    fprintf(stderr, "dns: %s\n", rondo_last_error());
}

static const rondo_datagram_protocol dns = {.datagram_received = asked,
                                            .error_received = trouble};

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

/* Until nothing is left, or Ctrl-C. */
static int run(rondo_loop *loop)
{
    if (rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0 ||
        rondo_loop_run(loop) < 0)
        return failed(loop);
    rondo_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 5353);
    rondo_loop *loop = NULL;
    rondo_datagram *d;
    rondo_address local;
    char text[RONDO_ADDRESS_TEXT];
    unsigned long dropped = 0;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_address_parse(&local, "127.0.0.1", port) < 0 ||
        rondo_create_datagram_endpoint(loop,
                                       RONDO_DATAGRAM(.local_address = &local),
                                       &dns, &dropped, &d) < 0 ||
        rondo_datagram_local_address(d, &local) < 0 ||
        rondo_address_text(&local, text, sizeof text) < 0)
        return failed(loop);
    printf("listening on %s\n", text);
    fflush(stdout);
    int result = run(loop);
    if (dropped)
        printf("%lu answers dropped\n", dropped);
    return result;
}
