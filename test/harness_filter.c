/* harness_filter.c - a toy cipher, as a filter that writes down what happens.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"

#include "harness_dial.h"

static void append(struct toy *y, char letter)
{
    size_t n = strlen(y->order);

    if (y->lost)
        test_fail(y->w, "toy: '%c' after lost (%s)", letter, y->order);
    if (letter != 'L' && (letter == 's') != !y->started)
        test_fail(y->w, "toy: '%c', start comes first and once (%s)", letter,
                  y->order);
    if (n > 0 && y->order[n - 1] == letter && strchr("rw", letter))
        return;
    if (n < TOY_ORDER)
        y->order[n] = letter;
}

/* the answer of the test's choice, once */
static int chosen(struct toy *y, void (*hook)(struct toy *y))
{
    int answer;

    if (hook)
        hook(y);
    answer = y->answer;
    y->answer = 0;
    return answer;
}

static int start(rondo_layer *layer, void *self)
{
    struct toy *y = self;
    const unsigned char hello[2] = {'H', y->key};
    int answer;

    append(y, 's');
    y->started++;
    y->layer = layer;
    y->transport = rondo_layer_transport(layer);
    answer = chosen(y, y->on_start);
    if (answer)
        return answer;
    if (y->clear)
        return rondo_layer_ready(layer);
    return y->silent ? 0 : rondo_layer_send(layer, hello, sizeof hello);
}

static int frame_complete(struct toy *y, size_t size)
{
    y->have = 0;
    if (size == 0) {
        y->goodbye = true;
        return rondo_layer_deliver_eof(y->layer);
    }
    for (size_t i = 0; i < size; i++)
        y->frame[i + 2] ^= y->peer_key;
    return rondo_layer_deliver(y->layer, y->frame + 2, size);
}

static int take_byte(struct toy *y, unsigned char byte)
{
    size_t size;

    y->frame[y->have++] = byte;
    if (y->frame[0] != 'H' && !y->hello)
        return rondo_set_error(RONDO_EPROTO, "toy: no hello");
    if (y->have < 2)
        return 0;
    if (!y->hello) {
        y->hello = true;
        y->have = 0;
        y->peer_key = byte;
        return y->late ? 0 : rondo_layer_ready(y->layer);
    }
    size = (size_t)(y->frame[0] << 8 | y->frame[1]);
    if (size > TOY_FRAME)
        return rondo_set_error(RONDO_EPROTO, "toy: %zu bytes", size);
    return y->have == size + 2 ? frame_complete(y, size) : 0;
}

static int received(rondo_layer *layer, void *self, const void *data,
                    size_t size)
{
    struct toy *y = self;
    const unsigned char *bytes = data;
    int answer;

    append(y, 'r');
    assert_true(size > 0);
    answer = chosen(y, y->on_received);
    if (y->clear)
        return answer ? answer : rondo_layer_deliver(layer, data, size);
    for (size_t i = 0; i < size && answer >= 0; i++)
        answer = take_byte(y, bytes[i]);
    return answer;
}

static int eof_received(rondo_layer *layer, void *self)
{
    struct toy *y = self;
    int answer;

    append(y, 'e');
    if (++y->ends > 1)
        test_fail(y->w, "toy: eof_received twice (%s)", y->order);
    answer = chosen(y, y->on_eof);
    if (answer)
        return answer;
    if (y->clear || y->no_goodbye)
        return rondo_layer_deliver_eof(layer);
    return y->goodbye ? 0
                      : rondo_set_error(RONDO_ECONNRESET,
                                        "toy: the end, and no goodbye");
}

static int write_frames(rondo_layer *layer, void *self, const void *data,
                        size_t size)
{
    struct toy *y = self;
    const unsigned char *bytes = data;
    unsigned char frame[TOY_FRAME + 2];
    int answer;

    append(y, 'w');
    assert_true(size > 0);
    answer = chosen(y, y->on_write);
    if (y->clear)
        return answer ? answer : rondo_layer_send(layer, data, size);
    while (size > 0 && answer >= 0) {
        size_t n = size < TOY_FRAME ? size : TOY_FRAME;

        frame[0] = (unsigned char)(n >> 8);
        frame[1] = (unsigned char)n;
        for (size_t i = 0; i < n; i++)
            frame[i + 2] = bytes[i] ^ y->key;
        answer = rondo_layer_send(layer, frame, n + 2);
        bytes += n;
        size -= n;
    }
    return answer;
}

static int write_eof(rondo_layer *layer, void *self)
{
    static const unsigned char goodbye[2];
    struct toy *y = self;
    int answer;

    append(y, 'g');
    if (++y->goodbyes > 1)
        test_fail(y->w, "toy: write_eof twice (%s)", y->order);
    answer = chosen(y, y->on_write_eof);
    if (answer || y->clear || y->no_goodbye)
        return answer;
    return rondo_layer_send(layer, goodbye, sizeof goodbye);
}

static void lost(rondo_layer *layer, void *self, int error)
{
    struct toy *y = self;

    (void)layer;
    append(y, 'L');
    y->lost++;
    y->error = error;
    (void)snprintf(y->last_error, sizeof y->last_error, "%s",
                   rondo_last_error());
    if (y->on_lost)
        y->on_lost(y);
    y->layer = NULL;
    y->transport = NULL;
}

const rondo_filter toy_filter = {.start = start,
                                 .received = received,
                                 .eof_received = eof_received,
                                 .write = write_frames,
                                 .write_eof = write_eof,
                                 .lost = lost};

struct toy *test_toy(struct world *w, unsigned char key)
{
    struct toy *y = test_alloc(w, sizeof *y);

    y->w = w;
    y->key = key;
    return y;
}

static void done(rondo_loop *loop, void *arg, int64_t result)
{
    struct toy *y = arg;

    assert_ptr_equal(loop, y->w->loop);
    if (++y->done > 1 || y->lost)
        test_fail(y->w, "toy: done twice, or after lost");
    y->result = result;
    if (result < 0)
        (void)snprintf(y->last_error, sizeof y->last_error, "%s",
                       rondo_last_error());
    if (y->on_done)
        y->on_done(y);
}

void toy_push(rondo_transport *t, struct toy *y)
{
    y->transport = t;
    assert_ok(rondo_transport_push_filter(t, &toy_filter, y, done, y));
}

void toy_check_whole(const struct toy *y)
{
    size_t n = strlen(y->order);

    assert_true(n >= 3 && y->order[0] == 's');
    assert_string_equal(y->order + n - 2, "gL");
    assert_int_equal(y->lost, 1);
    assert_int_equal(y->error, 0);
}

int toy_setup(rondo_transport *t, void *arg)
{
    toy_push(t, arg);
    return 0;
}

int toy_setup_copy(rondo_transport *t, void *arg)
{
    struct toy *model = arg;
    struct toy *y = test_toy(model->w, model->key);

    *y = *model;
    model->user = y;
    toy_push(t, y);
    return 0;
}

struct toy_pair toy_pair(struct world *w, int buffer_bytes)
{
    struct toy_pair p = {test_peer(w), test_peer(w), test_toy(w, 42),
                         test_toy(w, 99)};
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    p.a->other = p.b;
    p.b->other = p.a;
    test_adopt(w, fds[0], &recorder, p.a);
    test_adopt(w, fds[1], &recorder, p.b);
    toy_push(p.a->transport, p.ya);
    toy_push(p.b->transport, p.yb);
    return p;
}

struct toy_pair toy_pair_ready(struct world *w, int buffer_bytes)
{
    struct toy_pair p = toy_pair(w, buffer_bytes);

    test_run_until(w, p.a->made && p.b->made);
    return p;
}

struct toy_side toy_side(struct world *w, int buffer_bytes)
{
    struct toy_side s = {.p = test_peer(w), .y = test_toy(w, 7)};

    s.fd = test_own(w, test_raw_peer(w, &recorder, s.p, buffer_bytes));
    return s;
}

struct toy_side toy_side_pushed(struct world *w)
{
    struct toy_side s = toy_side(w, 0);

    toy_push(s.p->transport, s.y);
    return s;
}

struct toy_side toy_side_new(struct world *w)
{
    struct toy_side s = {.p = test_peer(w), .y = test_toy(w, 7)};
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, s.p);
    s.fd = test_own(w, fds[1]);
    toy_push(s.p->transport, s.y);
    return s;
}

struct toy_side toy_side_ready(struct world *w, int buffer_bytes)
{
    struct toy_side s = toy_side(w, buffer_bytes);
    unsigned char hello[2];

    toy_push(s.p->transport, s.y);
    toy_raw_hello(s.fd, 1);
    test_run_until(w, s.y->done);
    toy_raw_take(w, s.fd, hello, 2);
    return s;
}

/* ---- servers and connects ---------------------------------------------- */

struct listener *toy_serve(struct world *w, struct toy *model)
{
    return test_serve_with(
        w, &recorder, RONDO_SERVE(.setup = toy_setup_copy, .setup_arg = model));
}

raw_fd toy_raw_client(struct world *w, const struct listener *l)
{
    return test_own(w, raw_connect(l->port));
}

rondo_id toy_connect(struct world *w, uint16_t port, struct toy *y,
                     struct peer *p, int64_t timeout_ns)
{
    return dial(w,
                RONDO_CONNECT(.host = "127.0.0.1", .port = port,
                              .setup = toy_setup, .setup_arg = y,
                              .timeout_ns = timeout_ns),
                p);
}

/* ---- a plain socket that knows the cipher ------------------------------- */

void toy_raw_hello(raw_fd fd, unsigned char key)
{
    const unsigned char hello[2] = {'H', key};

    assert_true(raw_send_all(fd, hello, sizeof hello, 1000));
}

void toy_raw_send(raw_fd fd, unsigned char key, const void *data, size_t size)
{
    unsigned char frame[TOY_FRAME + 2];
    const unsigned char *bytes = data;

    assert_true(size <= TOY_FRAME);
    frame[0] = (unsigned char)(size >> 8);
    frame[1] = (unsigned char)size;
    for (size_t i = 0; i < size; i++)
        frame[i + 2] = bytes[i] ^ key;
    assert_true(raw_send_all(fd, frame, size + 2, 1000));
}

void toy_raw_goodbye(raw_fd fd)
{
    toy_raw_send(fd, 0, NULL, 0);
}

void toy_raw_take(struct world *w, raw_fd fd, void *data, size_t size)
{
    unsigned char *bytes = data;
    ptrdiff_t n = RAW_AGAIN;

    while (size > 0) {
        test_run_until(w, (n = raw_recv(fd, bytes, size, 0)) != RAW_AGAIN);
        if (n <= 0)
            test_fail(w, "the plain socket got %d, %zu bytes are missing",
                      (int)n, size);
        bytes += n;
        size -= (size_t)n;
    }
}

void toy_raw_hears(struct world *w, raw_fd fd, const char *bytes, size_t size)
{
    char got[64];

    assert_true(size <= sizeof got);
    toy_raw_take(w, fd, got, size);
    assert_memory_equal(got, bytes, size);
}

void toy_raw_ends(raw_fd fd)
{
    char byte;

    assert_int_equal(raw_recv(fd, &byte, 1, 1000), 0);
}
