/* harness_kinds.c - a transport and its other end: bytes both ways, the end. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds.h"

#include "harness_named.h"
#include "harness_pipe.h"
#include "harness_process.h"

struct rig *rig_open(struct world *w, enum kind_id id)
{
    struct rig *r = test_alloc(w, sizeof *r);

    r->w = w;
    r->id = id;
    r->kind = &kinds[id];
    r->p = test_peer(w);
    r->far = test_peer(w);
    r->copy = r->lent = RONDO_NO_FD;
    return r->kind->open(r) ? r : NULL;
}

struct rig *rig_new(struct world *w, enum kind_id id)
{
    struct rig *r = rig_open(w, id);

    if (r)
        test_run_until(w, r->p->made && (!r->far || r->far->made));
    return r;
}

void rig_use(struct rig *r, const rondo_protocol *protocol)
{
    assert_ok(rondo_transport_set_protocol(r->p->transport, protocol, r->p));
}

/* ---- bytes --------------------------------------------------------------- */

static int write_pattern(struct peer *p, uint64_t position, size_t size)
{
    unsigned char *bytes = malloc(size);
    int result;

    assert_non_null(bytes);
    test_fill(bytes, position, size);
    result = rondo_transport_write(p->transport, bytes, size);
    free(bytes);
    return result;
}

int rig_feed(struct rig *r, size_t size)
{
    int result = 0;

    assert_true(r->kind->reads && r->fed + size <= RIG_SUPPLY);
    if (r->far)
        result = write_pattern(r->far, r->fed, size);
    if (result >= 0)
        r->fed += size;
    return result;
}

void rig_hang_up(struct rig *r)
{
    if (r->far && r->far->transport)
        rondo_transport_close(r->far->transport);
}

int rig_write(struct rig *r, size_t size)
{
    int result = write_pattern(r->p, r->written, size);

    if (result >= 0)
        r->written += size;
    return result;
}

void rig_block(struct rig *r)
{
    if (r->far)
        assert_ok(rondo_transport_pause_reading(r->far->transport));
    assert_int_equal(rig_write(r, RIG_MUCH), 1);
    if (r->far)
        assert_true(test_settle(r->w, r->p) > 0);
}

void rig_unblock(struct rig *r)
{
    if (r->far && r->far->transport)
        assert_ok(rondo_transport_resume_reading(r->far->transport));
}

void rig_arrives(struct rig *r)
{
    if (r->far) {
        test_run_until(r->w, r->far->lost || r->far->bytes >= r->written);
        if (r->far->bytes != r->written)
            test_fail(r->w, "%llu bytes of %llu; %s; %s",
                      (unsigned long long)r->far->bytes,
                      (unsigned long long)r->written, r->far->last_error,
                      r->p->last_error);
        assert_true(r->far->checksum == test_pattern_checksum(r->written));
    } else {
        test_run_until(r->w, r->p->lost || !peer_buffered(r->p));
    }
}

/* ---- the end ------------------------------------------------------------- */

/* A file that was written has the pattern, and all of it unless it was cut. */
static void check_copy(const struct rig *r)
{
    unsigned char piece[4096];
    uint64_t got = 0;
    ptrdiff_t n;

    raw_rewind(r->copy);
    while ((n = raw_read(r->copy, piece, sizeof piece)) > 0) {
        assert_true(test_matches(piece, got, (size_t)n));
        got += (uint64_t)n;
    }
    assert_int_equal(n, 0);
    assert_true(r->torn || (r->cut ? got <= r->written : got == r->written));
    raw_close(r->copy);
}

static void check_far(const struct rig *r)
{
    assert_int_equal(r->far->lost, 1);
    assert_true(r->far->checksum == test_pattern_checksum(r->far->bytes));
    if (r->torn)
        return;
    if (r->far->bytes > r->written || (!r->cut && r->far->bytes < r->written))
        test_fail(r->w, "%llu bytes of %llu; %s; %s",
                  (unsigned long long)r->far->bytes,
                  (unsigned long long)r->written, r->far->last_error,
                  r->p->last_error);
}

void rig_end(struct rig *r)
{
    rig_unblock(r);
    if (r->p->transport)
        rondo_transport_close(r->p->transport);
    test_run_until(r->w, !r->p->transport);
    if (r->far && !r->cut)
        test_run_until(r->w, r->far->lost || r->far->bytes >= r->written);
    rig_hang_up(r);
    if (r->kind->half && r->kind->reads && r->far && r->far->transport)
        rondo_transport_abort(r->far->transport); /* nobody takes the rest */
    test_run_until(r->w, !r->far || r->far->lost);
    if (r->far)
        check_far(r);
    if (r->copy != RONDO_NO_FD)
        check_copy(r);
    if (r->lent != RONDO_NO_FD) {
        assert_true(raw_fd_valid(r->lent) && raw_is_blocking(r->lent));
        raw_close(r->lent);
    }
    if (r->proc)
        proc_wait(r->proc);
    if (r->l)
        test_stop(r->l);
    assert_int_equal(test_metrics(r->w).live_transports, 0);
}

int rig_result(int64_t result, const char *call)
{
    size_t size = strlen(call);
    const char *said = rondo_last_error();

    if (result >= 0)
        return 0;
    if (strncmp(said, call, size) != 0 || strncmp(said + size, ": ", 2) != 0 ||
        strlen(said) < size + 8)
        fail_msg("not a sentence of %s: \"%s\"", call, said);
    return (int)result;
}

/* ---- taking what comes -------------------------------------------------- */

struct taking *taking_new(struct rig *r)
{
    struct taking *t = test_alloc(r->w, sizeof *t);

    t->r = r;
    r->p->user = t;
    r->p->no_checksum = true;
    return t;
}

void take(struct peer *p, const void *data, size_t size, size_t used)
{
    struct taking *t = p->user;

    assert_true(used <= size && test_matches(data, t->position, size));
    t->calls++;
    t->position += used;
    if (used < size)
        assert_ok(rondo_transport_unread(
            p->transport, (const char *)data + used, size - used));
}

void take_all(struct peer *p, const void *data, size_t size)
{
    take(p, data, size, size);
}

void take_and_hold(struct peer *p, const void *data, size_t size)
{
    struct taking *t = p->user;

    take(p, data, size, size / 4);
    assert_ok(rondo_transport_pause_reading(p->transport));
    t->held = true;
}

int read_to_the_end(struct rig *r, const struct taking *t)
{
    assert_ok(rig_feed(r, RIG_SUPPLY - (size_t)r->fed));
    if (r->kind->drops)
        test_run_until(r->w, t->position == RIG_SUPPLY);
    rig_hang_up(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(r->p->eof, 1);
    assert_true(t->position == RIG_SUPPLY);
    return 0;
}

int rig_fills_buffers(struct rig *r, const rondo_protocol *protocol,
                      size_t size)
{
    rig_use(r, protocol);
    r->p->buffer_size = size;
    r->p->buffer = test_alloc(r->w, size);
    if (!r->kind->reads) {
        rondo_transport_close(r->p->transport);
        test_run_until(r->w, r->p->lost);
        assert_string_equal(r->p->order, "ML");
        return 0;
    }
    assert_ok(rig_feed(r, RIG_SUPPLY));
    if (r->kind->drops)
        test_run_until(r->w, r->p->bytes == RIG_SUPPLY);
    rig_hang_up(r);
    test_run_until(r->w, r->p->lost);
    assert_string_equal(r->p->order, "MbEL");
    assert_true(r->p->checksum == test_pattern_checksum(RIG_SUPPLY));
    return 0;
}
