/* harness_datagram.c - an endpoint whose protocol writes down what happens. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

static void append(struct endpoint *e, rondo_datagram *d, char letter)
{
    size_t n = strlen(e->order);

    if (n == 0 && letter != 'M')
        test_fail(e->w, "endpoint: '%c' before connection_made", letter);
    if (e->lost)
        test_fail(e->w, "endpoint: '%c' after connection_lost (%s)", letter,
                  e->order);
    e->d = d;
    if (n > 0 && letter == 'd' && e->order[n - 1] == letter)
        return;
    if (n < ENDPOINT_ORDER)
        e->order[n] = letter;
}

static void on_made(rondo_datagram *d, void *self)
{
    struct endpoint *e = self;

    append(e, d, 'M');
    if (++e->made > 1)
        test_fail(e->w, "endpoint: connection_made twice (%s)", e->order);
    if (e->on_made)
        e->on_made(e);
}

static void on_received(rondo_datagram *d, void *self, const void *data,
                        size_t size, const rondo_address *from, bool truncated)
{
    struct endpoint *e = self;

    append(e, d, 'd');
    if (!from || !data)
        test_fail(e->w, "endpoint: a datagram at NULL, or from NULL");
    e->received++;
    e->bytes += size;
    e->size = size;
    memcpy(e->data, data, size < sizeof e->data ? size : sizeof e->data);
    e->from = *from;
    e->truncated = truncated;
    e->lent = data;
    if (e->on_data)
        e->on_data(e);
}

static void keep_error(struct endpoint *e, int error)
{
    e->error = error;
    (void)snprintf(e->last_error, sizeof e->last_error, "%s",
                   rondo_last_error());
}

static void on_error(rondo_datagram *d, void *self, int error)
{
    struct endpoint *e = self;

    append(e, d, 'X');
    if (error >= 0)
        test_fail(e->w, "endpoint: error %d", error);
    e->errors++;
    keep_error(e, error);
    if (e->on_error)
        e->on_error(e);
}

static void on_pause(rondo_datagram *d, void *self)
{
    struct endpoint *e = self;

    append(e, d, 'P');
    if (++e->pauses != e->resumes + 1)
        test_fail(e->w, "endpoint: pause_writing twice (%s)", e->order);
    if (e->on_pause)
        e->on_pause(e);
}

static void on_resume(rondo_datagram *d, void *self)
{
    struct endpoint *e = self;

    append(e, d, 'R');
    if (++e->resumes != e->pauses)
        test_fail(e->w, "endpoint: resume_writing without pause (%s)",
                  e->order);
    if (e->on_resume)
        e->on_resume(e);
}

static void on_lost(rondo_datagram *d, void *self, int error)
{
    struct endpoint *e = self;

    append(e, d, 'L');
    e->lost++;
    keep_error(e, error);
    if (e->on_lost)
        e->on_lost(e);
    e->d = NULL;
}

const rondo_datagram_protocol datagram_recorder = {.connection_made = on_made,
                                                   .datagram_received =
                                                       on_received,
                                                   .error_received = on_error,
                                                   .pause_writing = on_pause,
                                                   .resume_writing = on_resume,
                                                   .connection_lost = on_lost};

/* ---- making ------------------------------------------------------------- */

struct endpoint *endpoint_new(struct world *w)
{
    struct endpoint *e = test_alloc(w, sizeof *e);

    e->w = w;
    return e;
}

int endpoint_create(struct endpoint *e, const rondo_datagram_options *options)
{
    int error = rondo_create_datagram_endpoint(e->w->loop, options,
                                               &datagram_recorder, e, &e->d);

    if (error == 0)
        (void)rondo_datagram_local_address(e->d, &e->local);
    return error;
}

struct endpoint *endpoint_open(struct world *w,
                               const rondo_datagram_options *options)
{
    struct endpoint *e = endpoint_new(w);

    assert_ok(endpoint_create(e, options));
    return e;
}

static struct endpoint *open_made(struct world *w,
                                  const rondo_datagram_options *options)
{
    struct endpoint *e = endpoint_open(w, options);

    test_run_until(w, e->made);
    return e;
}

struct endpoint *endpoint_at(struct world *w, const char *ip)
{
    rondo_address a = endpoint_address(ip, 0);

    test_skip_if(w, strchr(ip, ':') && !raw_has_inet6(),
                 "no IPv6 on this machine");
    return open_made(w, RONDO_DATAGRAM(.local_address = &a));
}

struct endpoint *endpoint_bound(struct world *w)
{
    return endpoint_at(w, "127.0.0.1");
}

struct endpoint *endpoint_to(struct world *w, const rondo_address *to)
{
    return open_made(w, RONDO_DATAGRAM(.remote_address = to));
}

void endpoint_refused(struct world *w, const rondo_datagram_options *options,
                      int error, const char *words)
{
    struct endpoint *e = endpoint_new(w);
    size_t descriptors = raw_count_descriptors();
    size_t blocks = test_live_blocks(w);

    assert_refused(rondo_create_datagram_endpoint(w->loop, options,
                                                  &datagram_recorder, e, &e->d),
                   error, words);
    assert_null(e->d);
    assert_int_equal(raw_count_descriptors(), descriptors);
    assert_true(test_live_blocks(w) <= blocks + 1); /* a table may grow */
    assert_int_equal(e->made, 0);
}

size_t endpoint_buffered(const struct endpoint *e)
{
    return rondo_datagram_get_write_buffer_size(e->d);
}

void endpoint_hears(struct endpoint *e, const char *text)
{
    test_run_until(e->w, e->received);
    assert_int_equal(e->size, strlen(text));
    assert_memory_equal(e->data, text, e->size);
}

void endpoint_lost(struct endpoint *e, const char *order, int error)
{
    test_run_until(e->w, e->lost);
    assert_int_equal(e->error, error);
    if (order)
        assert_string_equal(e->order, order);
}

void endpoint_end(struct endpoint *e)
{
    rondo_datagram_close(e->d);
    test_run_until(e->w, e->lost);
}

/* ---- hooks -------------------------------------------------------------- */

void endpoint_count_up(struct endpoint *e)
{
    uint64_t number;

    assert_int_equal(e->size, sizeof number);
    memcpy(&number, e->data, sizeof number);
    if (number != e->number)
        test_fail(e->w, "endpoint: number %llu, expected %llu",
                  (unsigned long long)number, (unsigned long long)e->number);
    e->number++;
}

void endpoint_echo(struct endpoint *e)
{
    assert_ok(rondo_datagram_send(e->d, e->lent, e->size, &e->from));
}

void endpoint_close_it(struct endpoint *e)
{
    rondo_datagram_close(e->d);
    rondo_datagram_close(e->d);
}

void endpoint_abort_it(struct endpoint *e)
{
    rondo_datagram_abort(e->d);
    rondo_datagram_abort(e->d);
}

void (*const endpoint_ends[2])(struct endpoint *e) = {endpoint_close_it,
                                                      endpoint_abort_it};

void endpoint_block(struct world *w)
{
    test_skip_if(w, !raw_sends_fail(RAW_SEND_BLOCKED, 0, UINT32_MAX),
                 "sends cannot be made to block on this system");
}

void endpoint_unblock(void)
{
    (void)raw_sends_fail(RAW_SEND_BLOCKED, 0, 0);
}

raw_fd test_udp(struct world *w)
{
    return test_own(w, raw_udp());
}

void endpoint_feed(struct endpoint *e, raw_fd from, uint64_t first,
                   uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++)
        assert_int_equal(raw_send_to(from, &i, sizeof i, &e->local), sizeof i);
}

uint64_t endpoint_answer(struct world *w, raw_fd fd)
{
    uint64_t got = 0;

    while (raw_recv_from(fd, &got, sizeof got, NULL, 0) < 0)
        test_spin(w, 1);
    return got;
}

/* ---- addresses ---------------------------------------------------------- */

rondo_address endpoint_address(const char *ip, uint16_t port)
{
    rondo_address a;

    assert_ok(rondo_address_parse(&a, ip, port));
    return a;
}

const rondo_address *endpoint_here(struct world *w)
{
    rondo_address *a = test_alloc(w, sizeof *a);

    *a = endpoint_address("127.0.0.1", 0);
    return a;
}

rondo_address endpoint_dead(struct world *w)
{
    raw_fd fd = raw_udp();
    rondo_address a;

    if (fd == RONDO_NO_FD)
        test_fail(w, "no datagram socket");
    raw_datagram_address(fd, &a);
    raw_close(fd);
    return a;
}

bool endpoint_path(char *path, size_t size)
{
    rondo_address a;

    return rondo_address_unix(&a, "x", 1) == 0 && raw_path_new(path, size);
}

bool test_tells_unreachable(void)
{
    raw_fd here = raw_udp(), there = raw_udp();
    rondo_address a;
    char got;
    bool tells;

    raw_datagram_address(there, &a);
    raw_close(there);
    tells = raw_datagram_connect(here, &a) &&
            raw_send_to(here, "x", 1, NULL) == 1 &&
            raw_recv_from(here, &got, 1, NULL, 1000) == RAW_FAILED;
    raw_close(here);
    return tells;
}
