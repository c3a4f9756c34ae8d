/* embed_main.c - a main loop of somebody else's, with one of ours inside. */
/* SPDX-License-Identifier: MIT */
#include "embed_main.h"

void embed_count(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(unsigned *)arg;
}

void embed_count_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)fd;
    embed_count(loop, arg);
}

static void on_ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct embed *e = arg;

    (void)loop;
    assert_true(fd == e->wait.fd);
    e->ready = true;
}

void embed_need(struct world *w)
{
    if (!rondo_loop_supports(w->loop, RONDO_CAN_EMBED))
        test_skip(w, "RONDO_CAN_EMBED: this backend cannot be embedded");
}

struct embed *embed_in(struct world *w, const char *backend)
{
    struct embed *e = test_alloc(w, sizeof *e);
    rondo_loop_options options = test_loop_options(w);

    embed_need(w);
    options.backend = backend;
    assert_ok(rondo_loop_new(&w->other, &options));
    e->w = w;
    e->inner = w->loop;
    e->outer = w->other;
    e->wait = (rondo_loop_wait)RONDO_LOOP_WAIT_INIT;
    return e;
}

struct embed *embed_new(struct world *w)
{
    return embed_in(w, rondo_loop_backend(w->loop));
}

void embed_prepare(struct embed *e)
{
    assert_ok(rondo_loop_prepare(e->inner, &e->wait));
    assert_true(e->wait.fd != RONDO_NO_FD);
    assert_true(e->wait.timeout_ns >= 0);
    if (e->watched || e->waits)
        return;
    int error = rondo_add_reader(e->outer, e->wait.fd, on_ready, e);

    /* what is no socket is waited for by hand where nothing else is watched */
    if (error != RONDO_ENOTSUP)
        assert_ok(error);
    e->watched = !error;
}

bool embed_wait(struct embed *e, int64_t ns)
{
    e->ready = false;
    e->waits++;
    if (!e->watched)
        return raw_wait_handle(e->wait.fd, ns);
    assert_ok(rondo_loop_run_once(e->outer, ns));
    return e->ready;
}

void embed_turn(struct embed *e)
{
    int64_t most = RONDO_MS(100);

    embed_prepare(e);
    if (e->wait.timeout_ns < most)
        most = e->wait.timeout_ns;
    (void)embed_wait(e, most);
    assert_ok(rondo_loop_run_once(e->inner, 0));
}

void embed_settle(struct embed *e)
{
    for (int i = 0; i < 100; i++) {
        embed_prepare(e);
        if (e->wait.timeout_ns > 0 && !embed_wait(e, 0))
            return;
        assert_ok(rondo_loop_run_once(e->inner, 0));
    }
    test_fail(e->w, "the descriptor is readable for ever");
}

void embed_finish(struct embed *e)
{
    assert_int_equal(rondo_remove_reader(e->outer, e->wait.fd), e->watched);
}
