/* test_connect_factory.c - a connect's protocol_factory, and starting paused. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_filter.h"

struct factory {
    struct world *w;
    struct peer *p; /* who gets the connection */
    unsigned calls;
    int answer;
    rondo_id cancels; /* this connect, inside */
    bool closes, no_protocol;
    const rondo_protocol *seen_protocol;
    void *seen_self;
};

static int make(rondo_loop *loop, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    struct factory *f = arg;

    assert_ptr_equal(loop, f->w->loop);
    f->calls++;
    f->seen_protocol = *protocol;
    f->seen_self = *self;
    *protocol = f->no_protocol ? NULL : &buffered_recorder;
    *self = f->p;
    f->p->transport = t;
    assert_ok(rondo_transport_write(t, "hello ", 6));
    if (f->cancels)
        assert_ok(rondo_cancel(loop, f->cancels));
    if (f->closes)
        rondo_transport_close(t);
    return f->answer;
}

static struct factory *factory_new(struct world *w)
{
    struct factory *f = test_alloc(w, sizeof *f);

    f->w = w;
    f->p = test_peer(w);
    return f;
}

static rondo_id begin(struct factory *f, uint16_t port, struct toy *y)
{
    struct peer *p = f->p;

    p->id = rondo_create_connection(
        f->w->loop,
        RONDO_CONNECT(.host = "127.0.0.1", .port = port,
                      .setup = y ? toy_setup : NULL, .setup_arg = y,
                      .protocol_factory = make, .factory_arg = f),
        NULL, &f->answer, peer_connected, p);
    return p->id;
}

TEST_LEAVES(C6_the_factory_chooses)
{
    struct listener *l = test_serve(w);
    struct factory *f = factory_new(w);

    l->model.on_data = act_echo;
    assert_ok(begin(f, l->port, NULL));
    assert_int_equal(f->calls, 0); /* from the loop */
    test_run_until(w, f->p->bytes == 6);
    assert_int_equal(f->calls, 1);
    assert_null(f->seen_protocol);
    assert_ptr_equal(f->seen_self, &f->answer);
    assert_string_equal(f->p->order, "Mb");
    assert_int_equal(f->p->connect_error, 0);
}

TEST(C6_the_factory_refuses)
{
    static const struct {
        const char *name;
        int answer, error;
        bool no_protocol;
    } rows[] = {
        {"an error", RONDO_EACCES, RONDO_EACCES, false},
        {"above 0", 1, RONDO_ECANCELED, false},
        {"no protocol", 0, RONDO_EINVAL, true},
    };
    struct listener *l = test_serve(w);

    for (EACH_ROW(w, row, rows)) {
        for (int filtered = 0; filtered < 2; filtered++) {
            struct factory *f = factory_new(w);
            struct listener *to = l;
            struct toy *y = NULL, *model;

            if (filtered) {
                y = test_toy(w, 3);
                model = test_toy(w, 5);
                to = toy_serve(w, model);
            }
            f->answer = row->answer;
            f->no_protocol = row->no_protocol;
            assert_ok(begin(f, to->port, y));
            test_run_until(w, f->p->connected);
            assert_int_equal(f->p->connect_error, row->error);
            assert_string_equal(f->p->order, "");
            test_run_until(w, to->count && to->first->lost);
            if (filtered)
                test_stop(to);
        }
    }
    test_stop(l);
}

TEST_LEAVES(C6_after_the_handshake)
{
    struct toy *model = test_toy(w, 5), *y = test_toy(w, 3);
    struct listener *l = toy_serve(w, model);
    struct factory *f = factory_new(w);

    l->model.on_data = act_echo;
    assert_ok(begin(f, l->port, y));
    test_run_until(w, f->calls);
    assert_true(y->hello);
    test_run_until(w, f->p->bytes == 6);
    assert_string_equal(f->p->order, "Mb");
}

TEST(C6_cancelling_inside_the_factory)
{
    struct listener *l = test_serve(w);
    struct factory *f = factory_new(w);

    f->cancels = begin(f, l->port, NULL);
    assert_ok(f->cancels);
    test_run_until(w, f->p->connected);
    assert_int_equal(f->p->connect_error, RONDO_ECANCELED);
    assert_string_equal(f->p->order, "");
    test_run_until(w, l->count && l->first->lost);
    test_stop(l);
}

TEST(C6_closing_inside_the_factory)
{
    struct listener *l = test_serve(w);
    struct factory *f = factory_new(w);

    f->closes = true;
    assert_ok(begin(f, l->port, NULL));
    test_run_until(w, f->p->lost);
    assert_string_equal(f->p->order, "ML");
    test_run_until(w, l->count && l->first->lost);
    assert_int_equal(l->first->bytes, 6);
    test_stop(l);
}

TEST(C6_neither_protocol_nor_factory)
{
    assert_refused(rondo_create_connection(
                       w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = 1),
                       NULL, NULL, NULL, NULL),
                   RONDO_EINVAL, "protocol");
}

/* ---- S22: starting paused ------------------------------------------------- */

static void check_starts_paused(struct world *w, struct peer *p,
                                struct peer *from)
{
    assert_false(rondo_transport_is_reading(p->transport));
    assert_ok(rondo_transport_write(from->transport, "early", 5));
    test_spin(w, 30);
    assert_int_equal(p->bytes, 0);
    act_resume(p);
    assert_hears(w, p, "early");
}

TEST_LEAVES(S22_a_connect_that_starts_paused)
{
    struct listener *l = test_serve(w);
    struct peer *p = dial_to(w,
                             RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                                           .start_reading = RONDO_OFF),
                             0);

    test_run_until(w, l->count && l->first->made);
    check_starts_paused(w, p, l->first);
    p = dial_to(w,
                RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                              .start_reading = RONDO_ON),
                0);
    assert_true(rondo_transport_is_reading(p->transport));
}

TEST_LEAVES(S22_clients_that_start_paused)
{
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.start_reading = RONDO_OFF));

    for (int i = 0; i < 3; i++) {
        struct peer *c = test_client(w, l);

        check_starts_paused(w, c->other, c);
    }
}

/* the handshake reads all the same */
TEST_LEAVES(S22_paused_through_filters)
{
    struct toy *model = test_toy(w, 5), *y = test_toy(w, 3);
    struct listener *l = toy_serve(w, model);
    struct peer *p = test_peer(w);

    p->id = dial(w,
                 RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                               .setup = toy_setup, .setup_arg = y,
                               .start_reading = RONDO_OFF),
                 p);
    test_run_until(w, p->made && l->count && l->first->made);
    assert_true(y->hello);
    check_starts_paused(w, p, l->first);
}

static const rondo_protocol *const protocols[] = {&recorder,
                                                  &buffered_recorder};

/* An adopted one is paused by the call, before connection_made. */
TEST_LEAVES(S22_pausing_before_connection_made)
{
    for (int i = 0; i < 2; i++) {
        struct peer *p = test_peer(w);
        raw_fd *fds = test_sockets(w);
        raw_fd fd = fds[0];

        assert_true(raw_send_all(fds[1], "early", 5, 1000));
        fds[0] = RONDO_NO_FD;
        test_adopt(w, fd, protocols[i], p);
        act_pause(p);
        test_run_until(w, p->made);
        test_spin(w, 30);
        assert_int_equal(p->bytes, 0);
        assert_int_equal(p->buffers, 0);
        act_resume(p);
        assert_hears(w, p, "early");
    }
}
