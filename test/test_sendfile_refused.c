/* test_sendfile_refused.c - files through transports: what cannot be. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

/* ---- S15: what is refused ----------------------------------------------- */

static void refused(struct peer *p, raw_fd file, int64_t offset, int64_t size,
                    int error, const char *words)
{
    struct call *c = call_new(p->w);

    assert_error(rondo_transport_sendfile(p->transport, file, offset, size,
                                          call_done, c),
                 error);
    if (!strstr(rondo_last_error(), words) ||
        strncmp(rondo_last_error(), "transport_sendfile: ", 20) != 0)
        test_fail(p->w, "no \"%s\" in: %s", words, rondo_last_error());
    test_spin(p->w, 2);
    assert_int_equal(c->calls, 0);
}

TEST(S15_what_cannot_be_sent)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(100), directory = raw_directory(),
           write_only = raw_file_write_only();

    refused(p, file, -1, 10, RONDO_EINVAL, "negative offset");
    refused(p, file, 0, -1, RONDO_EINVAL, "negative size");
    refused(p, file, INT64_MIN, INT64_MIN, RONDO_EINVAL, "negative");
    refused(p, other, 0, 10, RONDO_EINVAL, "is not a file");
    refused(p, RONDO_NO_FD, 0, 10, RONDO_EBADF, "not open");
    refused(p, raw_dead_fd(), 0, 10, RONDO_EBADF, "not open");
    if (directory != RONDO_NO_FD) {
        refused(p, directory, 0, 10, RONDO_EINVAL, "is not a file");
        raw_close(directory);
    }
    if (write_only != RONDO_NO_FD) {
        refused(p, write_only, 0, 10, RONDO_EBADF, "not open for reading");
        raw_close(write_only);
    }
    assert_einval(
        rondo_transport_sendfile(p->transport, file, 0, 1, NULL, NULL));
    assert_einval(rondo_transport_sendfile(NULL, file, 0, 1, call_done, NULL));
    /* and nothing of it has stayed */
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    raw_close(file);
    raw_close(other);
}

TEST(S15_after_the_end)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(100);

    p->keep_open = true;
    assert_ok(rondo_transport_write_eof(p->transport));
    refused(p, file, 0, 10, RONDO_EPIPE, "after write_eof");
    rondo_transport_pause_reading(p->transport);
    rondo_transport_close(p->transport);
    {
        struct call *c = call_new(w);

        assert_error(
            rondo_transport_sendfile(p->transport, file, 0, 10, call_done, c),
            RONDO_ECLOSED);
    }
    raw_close(file);
    raw_close(other);
}

TEST(S15_out_of_memory)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(100);
    unsigned failed = 0;
    rondo_id id = 0;

    for (uint64_t n = 1; n < 20 && id <= 0; n++) {
        test_fail_allocation(w, n);
        id = rondo_transport_sendfile(p->transport, file, 0, 100, call_done, c);
        test_fail_allocation(w, 0);
        if (id > 0)
            break;
        assert_error(id, RONDO_ENOMEM);
        failed++;
    }
    assert_true(failed > 0);
    assert_int_equal(call_wait(w, c), 100);
    raw_close(file);
    raw_close(other);
}

TEST(S15_nothing_is_allocated_for_each)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(100);
    uint64_t before = 0;

    for (int i = 0; i < 200; i++) {
        if (i == 5)
            before = test_allocations(w);
        c->calls = 0;
        assert_ok(
            rondo_transport_sendfile(p->transport, file, 0, 100, call_done, c));
        assert_int_equal(call_wait(w, c), 100);
        assert_int_equal(test_drain_raw_some(w, other, 0, 100), 100);
    }
    /* what a thread reads is written, through the buffer where it must */
    assert_true(test_allocations(w) - before < 10);
    raw_close(file);
    raw_close(other);
}
