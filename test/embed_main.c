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
    if (!rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        test_skip(w, "RONDO_CAN_EMBED_FD: this backend cannot be embedded");
}

/* Its main loop need not hear that a listed descriptor was closed. */
static void ignore(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    (void)loop;
    (void)arg;
    assert_int_equal(what->error, RONDO_EBADF);
}

struct embed *embed_in(struct world *w, const char *backend)
{
    struct embed *e = test_alloc(w, sizeof *e);
    rondo_loop_options options = test_loop_options(w);

    options.backend = backend;
    assert_ok(rondo_loop_new(&w->other, &options));
    assert_ok(rondo_loop_set_exception_handler(w->other, ignore, NULL));
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

static void on_entry(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    (void)loop;
    (void)fd;
    assert_true(events != 0);
    ((struct embed *)arg)->ready = true;
}

static void unwatch_list(struct embed *e)
{
    for (int i = 0; i < e->listed; i++)
        (void)rondo_unwatch(e->outer, e->list[i].fd);
    e->listed = 0;
}

/* A change of the list costs the outer loop an iteration that does not wait. */
void embed_list(struct embed *e)
{
    rondo_poll_entry list[EMBED_MOST] = {{0}};
    int count = rondo_loop_prepare_poll(e->inner, NULL, 0, &e->wait.timeout_ns);

    assert_in_range(count, 1, EMBED_MOST);
    assert_int_equal(rondo_loop_prepare_poll(e->inner, list, EMBED_MOST,
                                             &e->wait.timeout_ns),
                     count);
    assert_true(e->wait.timeout_ns >= 0);
    if (count == e->listed &&
        memcmp(list, e->list, (size_t)count * sizeof *list) == 0)
        return;
    unwatch_list(e);
    memcpy(e->list, list, sizeof list);
    for (; e->listed < count; e->listed++)
        assert_ok(rondo_watch(e->outer, list[e->listed].fd,
                              list[e->listed].events, on_entry, e));
}

void embed_prepare(struct embed *e)
{
    if (!rondo_loop_supports(e->inner, RONDO_CAN_EMBED_FD)) {
        embed_list(e);
        return;
    }
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
    if (!e->watched && !e->listed)
        return raw_wait_handle(e->wait.fd, ns);
    assert_ok(rondo_loop_run_once(e->outer, ns));
    if (e->listed && !e->ready) /* one that is closed may have ended the wait */
        assert_ok(rondo_loop_run_once(e->outer, 0));
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
    if (e->listed) {
        unwatch_list(e);
        return;
    }
    assert_int_equal(rondo_remove_reader(e->outer, e->wait.fd), e->watched);
}
