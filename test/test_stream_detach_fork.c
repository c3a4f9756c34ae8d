/* test_stream_detach_fork.c - a descriptor taken out of a forked loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

/* Both processes have the transport; `p` is it. */
struct family {
    struct world *w;
    struct peer *p;
    bool paused; /* something waits to be read, in the kernel */
    int refused; /* detach before rondo_loop_after_fork */
};

static int to_child(struct family *f, int (*fn)(void *arg))
{
    int status = raw_fork_run(fn, f);

    test_skip_if(f->w, status < 0, "no fork on this system");
    return status;
}

static struct family *family_new(struct world *w, bool paused)
{
    struct family *f = test_alloc(w, sizeof *f);

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "a completion port keeps its handles");
    f->w = w;
    f->paused = paused;
    f->p = plain_peer(w, &recorder, 0);
    if (paused) {
        act_pause(f->p);
        plain_send(f->p, "there");
    }
    return f;
}

static bool speaks(raw_fd fd, bool waits)
{
    char got[5];

    return (!waits || (raw_recv_exact(fd, got, 5, 1000) &&
                       memcmp(got, "there", 5) == 0)) &&
           raw_send_all(fd, "child", 5, 1000);
}

/* 0, or the step that did not work: a child has no assertions. */
static int detach_in_child(void *arg)
{
    struct family *f = arg;
    rondo_transport *t = f->p->transport;
    rondo_detached out = RONDO_DETACHED_INIT;
    raw_fd fd;

    if (rondo_transport_detach(t, &out) != RONDO_EFORKED)
        return 1;
    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 2;
    fd = (raw_fd)rondo_transport_fd(t);
    if (rondo_transport_detach(t, &out) != 0 || (raw_fd)out.fd != fd ||
        out.unread_size)
        return 3;
    for (int i = 0; i < 100 && !f->p->lost; i++)
        (void)rondo_loop_run_once(f->w->loop, RONDO_MS(100));
    if (f->p->lost != 1 || f->p->error != 0)
        return 4;
    return speaks(fd, f->paused) ? 0 : 5;
}

/* The parent's transport is as it was: the child has neither ended nor reset
 * the connection. */
static void check_parent(struct family *f)
{
    struct peer *p = f->p;

    plain_hears(p, "child");
    assert_false(rondo_transport_is_closing(p->transport));
    if (f->paused)
        act_resume(p);
    plain_send(p, "parent");
    assert_hears(f->w, p, "parent");
    act_hello(p);
    plain_hears(p, "hello");
    plain_close(p);
    assert_lost(f->w, p, NULL, 0);
}

TEST(S21_in_a_forked_child)
{
    struct family *f = family_new(w, false);

    assert_int_equal(to_child(f, detach_in_child), 0);
    check_parent(f);
}

TEST(S21_in_a_forked_child_with_bytes_to_read)
{
    struct family *f = family_new(w, true);

    assert_int_equal(to_child(f, detach_in_child), 0);
    check_parent(f);
}

static int close_in_child(void *arg)
{
    const struct family *f = arg;

    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 1;
    rondo_transport_abort(f->p->transport);
    for (int i = 0; i < 100 && !f->p->lost; i++)
        (void)rondo_loop_run_once(f->w->loop, RONDO_MS(100));
    return f->p->lost == 1 ? 0 : 2;
}

/* The parent detaches; that the child ends its transport changes nothing. */
TEST(S21_detached_in_the_parent)
{
    struct family *f = family_new(w, false);
    struct peer *p = f->p;
    rondo_detached out = RONDO_DETACHED_INIT;
    raw_fd fd;

    assert_int_equal(to_child(f, close_in_child), 0);
    assert_ok(rondo_transport_detach(p->transport, &out));
    fd = test_own(w, (raw_fd)out.fd);
    assert_lost(w, p, NULL, 0);
    plain_send(p, "there");
    assert_true(speaks(fd, true));
    plain_hears(p, "child");
}
