/* test_top.c - what rondo-top is sent, and what it shows of it. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_local.h"
#include "rondo_top.h"
#include "top_view.h"

/* A client that reads snapshots. */
struct viewer {
    struct peer *peer;
    char line[1024];
    size_t used;
    unsigned taken;
    struct view coming, now;
};

static void take_bytes(struct peer *p, const void *data, size_t size)
{
    struct viewer *v = p->user;
    const char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            assert_true(v->used < sizeof v->line);
            v->line[v->used++] = bytes[i];
            continue;
        }
        if (view_take(&v->coming, v->line, v->used)) {
            v->now = v->coming;
            v->taken++;
        }
        v->used = 0;
    }
}

static struct viewer *viewer_new(struct world *w, const char *path)
{
    struct viewer *v = test_alloc(w, sizeof *v);

    v->peer = local_connect(w, path);
    v->peer->user = v;
    v->peer->on_data = take_bytes;
    test_run_until(w, v->peer->made);
    return v;
}

static void viewer_asks(struct world *w, struct viewer *v)
{
    unsigned before = v->taken;

    assert_ok(rondo_transport_write(v->peer->transport, "\n", 1));
    test_run_until(w, v->taken > before);
}

/* What it shows, in the world's memory. */
static const char *shown(struct world *w, const struct view *before,
                         const struct view *now, int lines)
{
    char *text = test_alloc(w, 8192);
    FILE *file = tmpfile();
    size_t size;

    assert_non_null(file);
    view_show(file, "program", before, now, lines);
    rewind(file);
    size = fread(text, 1, 8191, file);
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

TEST(B7_a_loop_is_shown)
{
    const char *path = local_path(w, "top");
    rondo_top *top;
    struct viewer *v;
    const char *text;

    rondo_id timer = rondo_call_later(w->loop, RONDO_SEC(1000), count_call, w);

    assert_ok(timer);
    assert_ok(rondo_top_serve(w->loop, path, &top));
    v = viewer_new(w, path);
    viewer_asks(w, v);
    assert_string_equal(v->now.backend, rondo_loop_backend(w->loop));
    assert_true(v->now.now > 0);
    assert_int_equal(v->now.live[0], 1); /* the timer */
    assert_int_equal(v->now.live[2], 2); /* both ends of this connection */
    assert_int_equal(v->now.line_count, v->now.all_lines);
    struct view first = v->now;
    viewer_asks(w, v);
    assert_true(v->now.received > first.received);
    assert_true(v->now.sent > first.sent);
    text = shown(w, &first, &v->now, 2);
    assert_has(text, "program: ");
    assert_has(text, "B/s out");
    assert_has(text, "1 timers");
    assert_has(text, "transport fd ");
    assert_has(text, "... and 2 more"); /* the server, the timer */
    rondo_top_close(top);
    test_run_until(w, v->peer->lost);
    assert_ok(rondo_cancel(w->loop, timer));
}

TEST(B7_it_keeps_nothing_running)
{
    const char *path = local_path(w, "top");
    rondo_top *top;

    assert_ok(rondo_top_serve(w->loop, path, &top));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_top_close(top);
    test_spin(w, 3);
}

TEST(B7_a_path_that_is_taken)
{
    const char *path = local_path(w, "top");
    struct listener *l = local_serve(w, path);
    rondo_top *top = (rondo_top *)w;

    assert_true(rondo_top_serve(w->loop, path, &top) < 0);
    assert_null(top);
    test_stop(l);
}

/* A client that only asks, and reads nothing, gets no more. */
TEST(B7_who_does_not_read_is_not_written_to)
{
    const char *path = local_path(w, "top");
    rondo_top *top;
    struct viewer *v;

    assert_ok(rondo_top_serve(w->loop, path, &top));
    v = viewer_new(w, path);
    assert_ok(rondo_transport_pause_reading(v->peer->transport));
    for (int i = 0; i < 2000; i++) {
        assert_true(rondo_transport_write(v->peer->transport, "\n", 1) >= 0);
        test_spin(w, 1);
    }
    assert_true(test_live_bytes(w) < 4 << 20);
    rondo_transport_abort(v->peer->transport);
    test_run_until(w, v->peer->lost);
    rondo_top_close(top);
    test_spin(w, 5);
}

/* ---- the numbers -------------------------------------------------------- */

TEST(B7_rates_and_percentiles)
{
    struct view a = {.now = 1000000000}, b = {.now = 2000000000};
    const char *text;

    snprintf(b.backend, sizeof b.backend, "epoll");
    a.idle = 5;
    b.idle = 750000005;
    b.received = 2500000;
    b.lag[4] = 980; /* below 16 us */
    b.lag[11] = 20; /* below 2,048 us */
    b.lag_most = 1500000;
    b.time[RONDO_DOES_PROTOCOL] = 125000000;
    text = shown(w, &a, &b, 20);
    assert_has(text, "program: epoll, load 25.0%");
    assert_has(text, "2.5 MB/s in");
    assert_has(text, "50% below 16 us, 99% below 2 ms");
    assert_has(text, "longest ever 2 ms");
    assert_has(text, "protocols 12.5%");
}
