/* harness_calls.c - operations that call back once, and files of the pattern.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"

#include "raw_net.h"

struct call *call_new(struct world *w)
{
    struct call *c = test_alloc(w, sizeof *c);

    c->socket = RONDO_NO_FD;
    return c;
}

static void note(struct call *c, rondo_loop *loop, int64_t result)
{
    assert_int_equal(c->calls++, 0);
    c->result = result;
    if (result < 0)
        (void)snprintf(c->last_error, sizeof c->last_error, "%s",
                       rondo_last_error());
    if (c->then)
        c->then(c, loop);
}

void call_done(rondo_loop *loop, void *arg, int64_t result)
{
    note(arg, loop, result);
}

void call_received(rondo_loop *loop, void *arg, int64_t result,
                   const rondo_address *from)
{
    struct call *c = arg;

    assert_int_equal(from == NULL, result < 0);
    if (from)
        c->address = *from;
    note(c, loop, result);
}

void call_accepted(rondo_loop *loop, void *arg, rondo_fd socket,
                   const rondo_address *peer, int error)
{
    struct call *c = arg;

    assert_int_equal(peer == NULL, error < 0);
    assert_int_equal(socket == RONDO_NO_FD, error < 0);
    if (peer)
        c->address = *peer;
    c->socket = socket;
    note(c, loop, error);
}

int64_t call_wait(struct world *w, struct call *c)
{
    test_run_until(w, c->calls);
    return c->result;
}

void call_fails(struct world *w, struct call *c, int error, const char *words)
{
    int64_t result = call_wait(w, c);

    if (result != error)
        test_fail(w, "%s instead of %s: %s", rondo_error_name((int)result),
                  rondo_error_name(error), c->last_error);
    if (!strstr(c->last_error, words))
        test_fail(w, "no \"%s\" in: %s", words, c->last_error);
}

void call_pair(raw_fd pair[2], int bytes)
{
    assert_int_equal(bytes ? raw_pair_small(pair, bytes) : raw_pair(pair), 0);
    raw_set_nonblocking(pair[0]);
    raw_set_nonblocking(pair[1]);
}

void call_descriptors_back(struct world *w, size_t before)
{
    int64_t end = raw_now_ns() + RONDO_SEC(5) * test_slowness();

    while (raw_count_descriptors() > before) {
        if (raw_now_ns() > end)
            test_fail(w, "%zu descriptors instead of %zu",
                      raw_count_descriptors(), before);
        raw_sleep_ms(1);
    }
}

struct call *call_sendfile(struct peer *p, raw_fd file, int64_t offset,
                           int64_t size)
{
    struct call *c = call_new(p->w);

    c->id = rondo_transport_sendfile(p->transport, file, offset, size,
                                     call_done, c);
    assert_ok(c->id);
    return c;
}

void call_sends(struct peer *p, raw_fd file, int64_t offset, int64_t size)
{
    struct call *c = call_sendfile(p, file, offset, size);

    plain_takes(p, (uint64_t)offset, (uint64_t)size);
    assert_int_equal(call_wait(p->w, c), size);
}

size_t call_beginning(struct world *w, raw_fd fd)
{
    static const char end[8] = {'t', 'h', 'e', ' ', 'e', 'n', 'd', '.'};
    enum { MOST = 2 << 20 };
    char *got = test_alloc(w, MOST);
    size_t size = 0;
    ptrdiff_t n = 0;

    while (size < sizeof end ||
           memcmp(got + size - sizeof end, end, sizeof end) != 0) {
        test_run_until(w, (n = raw_recv(fd, got + size, MOST - size, 0)) !=
                              RAW_AGAIN);
        assert_true(n > 0);
        size += (size_t)n;
    }
    size -= sizeof end;
    assert_true(test_matches(got, 0, size));
    return size;
}

void call_need_failure(struct world *w, enum raw_sendfile_failure how,
                       unsigned after)
{
    test_skip_if(w, !raw_sendfile_fails(how, after, 1),
                 "sendfile cannot be made to fail on this system");
}

raw_fd call_file(size_t size)
{
    unsigned char piece[16384];
    raw_fd file = raw_file();

    assert_true(file != RONDO_NO_FD);
    for (size_t at = 0; at < size;) {
        size_t part = size - at < sizeof piece ? size - at : sizeof piece;

        test_fill(piece, at, part);
        assert_int_equal(raw_write(file, piece, part), part);
        at += part;
    }
    return file;
}

raw_fd call_kept_file(struct world *w, size_t size)
{
    return test_own(w, call_file(size));
}
