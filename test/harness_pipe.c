/* harness_pipe.c - half transports for tests. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"

void test_need_pipes(struct world *w)
{
    if (!rondo_loop_supports(w->loop, RONDO_CAN_PIPES))
        test_skip(w, "the backend has no RONDO_CAN_PIPES");
}

static const struct kind {
    const char *name, *lacking;
    int (*open)(raw_fd pair[2]);
} kinds[] = {
    {"pipe", "no pipes as descriptors on this system", raw_pipe},
    {"overlapped pipe", "no overlapped handles on this system",
     raw_overlapped_pipe},
    {"FIFO", "no FIFOs on this system", raw_fifo},
    {"unix socket", "no unix sockets on this system", raw_local_pair},
    {"TCP socket", "no TCP sockets on this system", raw_pair},
    {"terminal", "no pseudo terminals on this system", raw_terminal},
};

static void open_kind(struct world *w, const struct kind *kind, raw_fd pair[2])
{
    test_need_pipes(w);
    test_skip_if(w, kind->open(pair) != 0, kind->lacking);
}

void test_pipe(struct world *w, raw_fd pair[2])
{
    open_kind(w, &kinds[0], pair);
}

void test_overlapped_pipe(struct world *w, raw_fd pair[2])
{
    open_kind(w, &kinds[1], pair);
}

void test_fifo(struct world *w, raw_fd pair[2])
{
    open_kind(w, &kinds[2], pair);
}

void test_terminal(struct world *w, raw_fd pair[2])
{
    open_kind(w, &kinds[5], pair);
}

void test_each_pipe(struct world *w, unsigned wanted,
                    void (*scene)(struct world *w, raw_fd pair[2]))
{
    static unsigned told; /* which are lacking, once */
    const char *lacking = NULL;
    raw_fd pair[2];
    int played = 0;

    test_need_pipes(w);
    for (EACH_ROW(w, kind, kinds)) {
        unsigned bit = 1u << (kind - kinds);

        if (!(wanted & bit))
            continue;
        if (kind->open(pair) == 0) {
            scene(w, pair);
            played++;
            continue;
        }
        lacking = kind->lacking;
        if (!(told & bit))
            print_message("%s\n", lacking);
        told |= bit;
    }
    test_skip_if(w, played == 0, lacking);
}

raw_fd test_file(struct world *w, size_t size)
{
    unsigned char *bytes = test_alloc(w, size ? size : 1);
    raw_fd fd;

    test_need_pipes(w);
    fd = raw_file();
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

struct peer *test_pipe_reader(struct world *w, raw_fd *to_write)
{
    raw_fd pair[2];

    test_pipe(w, pair);
    *to_write = pair[1];
    return test_reader(w, pair[0], RONDO_PIPE_OWN);
}

struct peer *test_pipe_writer(struct world *w, raw_fd *to_read)
{
    raw_fd pair[2];

    test_pipe(w, pair);
    *to_read = pair[0];
    return test_writer(w, pair[1], RONDO_PIPE_OWN);
}

void test_both(struct world *w, const raw_fd pair[2], struct peer **reader,
               struct peer **writer)
{
    *reader = test_reader(w, pair[0], RONDO_PIPE_OWN);
    *writer = test_writer(w, pair[1], RONDO_PIPE_OWN);
    test_run_until(w, (*reader)->made && (*writer)->made);
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
