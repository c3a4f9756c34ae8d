/* harness_peer.c - a protocol that writes down, and checks, what happens. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

#include <inttypes.h>

#define CHECKSUM_START UINT64_C(0xcbf29ce484222325)

static void append(struct peer *p, char letter)
{
    size_t n = strlen(p->order);

    if (n == 0 && letter != 'M' && !p->joined)
        test_fail(p->w, "peer: '%c' before connection_made", letter);
    if (p->lost)
        test_fail(p->w, "peer: '%c' after connection_lost (%s)", letter,
                  p->order);
    if (n > 0 && p->order[n - 1] == 'g' && (letter == 'E' || letter == 'L'))
        p->order[--n] = '\0';
    if (n > 0 && p->order[n - 1] == letter && letter == 'd')
        return;
    if (n < PEER_ORDER)
        p->order[n] = letter;
}

static void on_made(rondo_transport *t, void *self)
{
    struct peer *p = self;

    append(p, 'M');
    p->transport = t;
    if (++p->made > 1)
        test_fail(p->w, "peer: connection_made twice (%s)", p->order);
    if (p->on_made)
        p->on_made(p);
}

static void take_bytes(struct peer *p, const void *data, size_t size)
{
    size_t room = PEER_CAPTURED - p->captured_size;

    if (size == 0)
        test_fail(p->w, "peer: no bytes received (%s)", p->order);
    if (p->eof)
        test_fail(p->w, "peer: bytes after EOF (%s)", p->order);
    if (room > size)
        room = size;
    memcpy(p->captured + p->captured_size, data, room);
    p->captured_size += room;
    p->captured[p->captured_size] = '\0';
    if (!p->no_checksum)
        p->checksum = test_checksum(p->checksum, data, size);
    p->bytes += size;
}

static void on_data(rondo_transport *t, void *self, const void *data,
                    size_t size)
{
    struct peer *p = self;

    append(p, 'd');
    p->transport = t;
    p->data++;
    take_bytes(p, data, size);
    if (p->on_data)
        p->on_data(p, data, size);
    if (p->on_bytes)
        p->on_bytes(p);
}

/* nothing came into the one that was lent last, or there was none */
static void take_back_buffer(struct peer *p)
{
    size_t n = strlen(p->order);

    p->unused = p->buffers - p->updates;
    if (n > 0 && p->order[n - 1] == 'g')
        p->order[n - 1] = '\0';
}

static void *on_get_buffer(rondo_transport *t, void *self, size_t hint,
                           size_t *size)
{
    struct peer *p = self;

    if (p->buffers != p->updates + p->unused)
        take_back_buffer(p); /* nothing came */
    append(p, 'g');
    p->transport = t;
    p->buffers++;
    p->last_hint = hint;
    if (!p->buffer) {
        p->buffer_size = 4096;
        p->buffer = test_alloc(p->w, p->buffer_size);
    }
    if (p->on_get_buffer)
        p->on_get_buffer(p);
    *size = p->empty_buffer ? 0 : p->buffer_size;
    return p->no_buffer ? NULL : p->buffer;
}

/* "g" at the end becomes "b", and a run of "b" stays one */
static void pair_buffer(struct peer *p)
{
    size_t n = strlen(p->order);

    if (n == PEER_ORDER)
        return;
    if (n == 0 || p->order[n - 1] != 'g')
        test_fail(p->w, "peer: buffer_updated without get_buffer (%s)",
                  p->order);
    p->order[n - 1] = 'b';
    if (n > 1 && p->order[n - 2] == 'b')
        p->order[n - 1] = '\0';
}

static void on_updated(rondo_transport *t, void *self, size_t size)
{
    struct peer *p = self;

    pair_buffer(p);
    p->transport = t;
    p->updates++;
    if (p->updates + p->unused != p->buffers || size > p->buffer_size)
        test_fail(p->w, "peer: buffer_updated(%zu), %u of %u (%s)", size,
                  p->updates, p->buffers, p->order);
    take_bytes(p, p->buffer, size);
    if (p->on_updated)
        p->on_updated(p, size);
    if (p->on_bytes)
        p->on_bytes(p);
}

static bool on_eof(rondo_transport *t, void *self)
{
    struct peer *p = self;

    append(p, 'E');
    p->transport = t;
    if (++p->eof > 1)
        test_fail(p->w, "peer: eof_received twice (%s)", p->order);
    if (p->on_eof)
        p->on_eof(p);
    return p->keep_open;
}

static void on_pause(rondo_transport *t, void *self)
{
    struct peer *p = self;

    append(p, 'P');
    p->transport = t;
    if (++p->pauses != p->resumes + 1)
        test_fail(p->w, "peer: pause_writing twice (%s)", p->order);
    if (p->on_pause)
        p->on_pause(p);
}

static void on_resume(rondo_transport *t, void *self)
{
    struct peer *p = self;

    append(p, 'R');
    p->transport = t;
    if (++p->resumes != p->pauses)
        test_fail(p->w, "peer: resume_writing without pause (%s)", p->order);
    if (p->on_resume)
        p->on_resume(p);
}

/* The hook sees `transport`, which is still valid; it is NULL afterwards. */
static void on_lost(rondo_transport *t, void *self, int error)
{
    struct peer *p = self;

    append(p, 'L');
    p->transport = t;
    p->lost++;
    p->error = error;
    (void)snprintf(p->last_error, sizeof p->last_error, "%s",
                   rondo_last_error());
    if (p->on_lost)
        p->on_lost(p);
    p->transport = NULL;
}

static bool on_timeout(rondo_transport *t, void *self,
                       rondo_direction direction)
{
    struct peer *p = self;

    append(p, 'T');
    p->transport = t;
    p->timeouts++;
    p->direction = direction;
    if (p->on_timeout)
        p->on_timeout(p);
    return p->go_on;
}

const rondo_protocol recorder = {.connection_made = on_made,
                                 .data_received = on_data,
                                 .eof_received = on_eof,
                                 .pause_writing = on_pause,
                                 .resume_writing = on_resume,
                                 .connection_lost = on_lost,
                                 .timed_out = on_timeout};

const rondo_protocol buffered_recorder = {.connection_made = on_made,
                                          .get_buffer = on_get_buffer,
                                          .buffer_updated = on_updated,
                                          .eof_received = on_eof,
                                          .pause_writing = on_pause,
                                          .resume_writing = on_resume,
                                          .connection_lost = on_lost,
                                          .timed_out = on_timeout};

struct peer *test_peer(struct world *w)
{
    struct peer *p = test_alloc(w, sizeof *p);

    p->w = w;
    p->fd = RONDO_NO_FD;
    p->checksum = CHECKSUM_START;
    return p;
}

void peer_connected(rondo_loop *loop, void *self, rondo_transport *t, int error)
{
    struct peer *p = self;

    assert_non_null(loop);
    if (++p->connected > 1)
        test_fail(p->w, "connect: done twice");
    if ((error == 0) != (t != NULL) || (error == 0) != (p->made == 1))
        test_fail(p->w, "connect: error %d, transport %p, made %u", error,
                  (void *)t, p->made);
    if (t && p->lost == 0)
        assert_ptr_equal(t, p->transport);
    p->connect_error = error;
    if (error) {
        (void)snprintf(p->last_error, sizeof p->last_error, "%s",
                       rondo_last_error());
        assert_true(p->last_error[0] != '\0');
    }
    if (p->on_connected)
        p->on_connected(p);
}

/* ---- the pattern -------------------------------------------------------- */

/* a mixing of bits (the finalizer of 64-bit MurmurHash) a word of the text */
static uint64_t pattern_word(uint64_t index)
{
    uint64_t x = index + UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

unsigned char test_pattern(uint64_t position)
{
    return (unsigned char)(pattern_word(position / 8) >> (position % 8 * 8));
}

void test_fill(void *data, uint64_t position, size_t size)
{
    unsigned char *p = data;
    uint64_t end = position + size;
    uint64_t word = pattern_word(position / 8);

    for (; position < end; position++) {
        if (position % 8 == 0)
            word = pattern_word(position / 8);
        *p++ = (unsigned char)(word >> (position % 8 * 8));
    }
}

bool test_matches(const void *data, uint64_t position, size_t size)
{
    const unsigned char *p = data;
    unsigned char expected[4096];

    while (size > 0) {
        size_t n = size < sizeof expected ? size : sizeof expected;

        test_fill(expected, position, n);
        if (memcmp(p, expected, n) != 0)
            return false;
        p += n;
        position += n;
        size -= n;
    }
    return true;
}

/* FNV-1a, so that it does not matter how the bytes were cut up */
uint64_t test_checksum(uint64_t so_far, const void *data, size_t size)
{
    const unsigned char *p = data;

    while (size-- > 0)
        so_far = (so_far ^ *p++) * UINT64_C(0x100000001b3);
    return so_far;
}

uint64_t test_pattern_checksum(uint64_t size)
{
    uint64_t sum = CHECKSUM_START;
    unsigned char piece[4096];

    for (uint64_t at = 0; at < size; at += sizeof piece) {
        size_t n =
            size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;

        test_fill(piece, at, n);
        sum = test_checksum(sum, piece, n);
    }
    return sum;
}

size_t peer_buffered(const struct peer *p)
{
    return rondo_transport_get_write_buffer_size(p->transport);
}

struct peer *peer_successor(struct world *w, struct peer *of)
{
    struct peer *p = test_peer(w);

    p->joined = true;
    of->other = p;
    return p;
}

void peer_hand_over(struct peer *p, const rondo_protocol *protocol)
{
    assert_ok(rondo_transport_set_protocol(p->transport, protocol, p->other));
}

void test_check_lost(struct world *w, const struct peer *p, const char *order,
                     int error, const char *file, int line)
{
    struct test_wait wait = {
        .what = "connection_lost", .file = file, .line = line};

    while (!p->lost)
        test_wait_step(w, &wait);
    if (order && strcmp(p->order, order) != 0)
        test_fail(w, "%s:%d: order %s, not %s", file, line, p->order, order);
    if (p->error != error)
        test_fail(w, "%s:%d: lost with %s (%s), not %s", file, line,
                  p->error ? rondo_error_name(p->error) : "no error",
                  p->last_error, error ? rondo_error_name(error) : "no error");
}

void test_check_hears(struct world *w, const struct peer *p, const char *text,
                      const char *file, int line)
{
    struct test_wait wait = {.what = text, .file = file, .line = line};

    while (p->bytes < strlen(text) && !p->lost)
        test_wait_step(w, &wait);
    if (p->bytes != strlen(text) || strcmp(p->captured, text) != 0)
        test_fail(w, "%s:%d: heard \"%s\", not \"%s\"", file, line, p->captured,
                  text);
}

void test_check_received(const struct peer *p, uint64_t size, const char *file,
                         int line)
{
    struct test_wait wait = {
        .what = "bytes received", .file = file, .line = line};

    while (p->bytes < size && !p->lost)
        test_wait_step(p->w, &wait);
    if (p->bytes != size)
        test_fail(p->w, "%s:%d: %" PRIu64 " bytes received, not %" PRIu64, file,
                  line, p->bytes, size);
    if (p->checksum != test_pattern_checksum(size))
        test_fail(p->w, "%s:%d: other bytes than were sent", file, line);
}
