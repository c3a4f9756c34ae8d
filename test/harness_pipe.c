/* harness_pipe.c - half transports for tests. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"

void test_need_pipes(struct world *w)
{
    if (!rondo_loop_supports(w->loop, RONDO_CAN_PIPES))
        test_skip(w, "the backend has no RONDO_CAN_PIPES");
}

static void need(struct world *w, int result, const char *what)
{
    test_skip_if(w, result != 0, what);
}

void test_pipe(struct world *w, raw_fd pair[2])
{
    test_need_pipes(w);
    need(w, raw_pipe(pair), "no pipes as descriptors on this system");
}

void test_overlapped_pipe(struct world *w, raw_fd pair[2])
{
    test_need_pipes(w);
    need(w, raw_overlapped_pipe(pair), "no overlapped handles on this system");
}

void test_fifo(struct world *w, raw_fd pair[2])
{
    test_need_pipes(w);
    need(w, raw_fifo(pair), "no FIFOs on this system");
}

void test_terminal(struct world *w, raw_fd pair[2])
{
    test_need_pipes(w);
    need(w, raw_terminal(pair), "no pseudo terminals on this system");
}

void test_local_pair(struct world *w, raw_fd pair[2])
{
    test_need_pipes(w);
    need(w, raw_local_pair(pair), "no unix sockets on this system");
}

raw_fd test_file(struct world *w, size_t size)
{
    raw_fd fd = raw_file();
    unsigned char *bytes = test_alloc(w, size ? size : 1);

    assert_true(fd != RONDO_NO_FD);
    test_fill(bytes, 0, size);
    assert_int_equal(raw_write(fd, bytes, size), size);
    raw_rewind(fd);
    return fd;
}

struct peer *test_reader(struct world *w, raw_fd fd, unsigned flags)
{
    struct peer *p = test_peer(w);

    assert_ok(rondo_connect_read_pipe(w->loop, fd, flags, &recorder, p,
                                      &p->transport));
    return p;
}

struct peer *test_writer(struct world *w, raw_fd fd, unsigned flags)
{
    struct peer *p = test_peer(w);

    assert_ok(rondo_connect_write_pipe(w->loop, fd, flags, &recorder, p,
                                       &p->transport));
    return p;
}

void test_refused(struct world *w, raw_fd fd, unsigned flags, int error)
{
    struct peer *p = test_peer(w);
    bool open = raw_fd_valid(fd);

    assert_error(rondo_connect_read_pipe(w->loop, fd, flags, &recorder, p,
                                         &p->transport),
                 error);
    assert_non_null(strstr(rondo_last_error(), "connect_read_pipe: "));
    assert_error(rondo_connect_write_pipe(w->loop, fd, flags, &recorder, p,
                                          &p->transport),
                 error);
    assert_non_null(strstr(rondo_last_error(), "connect_write_pipe: "));
    assert_null(p->transport);
    test_spin(w, 3);
    assert_string_equal(p->order, "");
    assert_int_equal(raw_fd_valid(fd), open);
}

void test_write_pattern(struct world *w, struct peer *p, uint64_t size,
                        size_t piece)
{
    unsigned char *bytes = test_alloc(w, piece);

    for (uint64_t sent = 0; sent < size;) {
        size_t n = size - sent < piece ? (size_t)(size - sent) : piece;

        test_fill(bytes, sent, n);
        assert_true(assert_ok(rondo_transport_write(p->transport, bytes, n)) <=
                    1);
        sent += n;
        test_run_until(w, !rondo_transport_is_writing_paused(p->transport));
    }
}
