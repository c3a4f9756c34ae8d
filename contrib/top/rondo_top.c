/* rondo_top.c - shows a running program's loop to rondo-top. */
/* SPDX-License-Identifier: MIT */
#include "rondo_top.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MOST = 200, ASKED_MOST = 64 };

/* Freed when its server has ended. */
struct rondo_top {
    rondo_loop *loop;
    rondo_server *server;
};

/* ---- a snapshot ---------------------------------------------------------- */

struct snapshot {
    rondo_line_fn line;
    void *arg;
    int lines; /* of the dump */
};

static void top_say(const struct snapshot *s, const char *format, ...)
    RONDO_PRINTF(2, 3);

static void top_say(const struct snapshot *s, const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > 0)
        s->line(s->arg, text,
                (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static void top_on_line(void *arg, const char *line, size_t size)
{
    struct snapshot *s = arg;
    if (++s->lines <= LINES_MOST)
        top_say(s, "- %.*s", (int)size, line);
}

static void top_say_many(const struct snapshot *s, const char *name,
                         const int64_t *values, int count)
{
    char text[768];
    int used = snprintf(text, sizeof text, "%s", name);
    for (int i = 0; i < count && used < (int)sizeof text - 24; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, " %lld",
                         (long long)values[i]);
    s->line(s->arg, text, (size_t)used);
}

static void top_say_metrics(const struct snapshot *s,
                            const rondo_loop_metrics *m)
{
    int64_t lag[RONDO_LAG_BUCKETS];
    const int64_t live[] = {
        (int64_t)m->live_timers,     (int64_t)m->live_watchers,
        (int64_t)m->live_transports, (int64_t)m->live_servers,
        (int64_t)m->live_datagrams,  (int64_t)m->live_processes,
        (int64_t)m->live_operations, (int64_t)m->live_jobs};
    for (int i = 0; i < RONDO_LAG_BUCKETS; i++)
        lag[i] = (int64_t)m->lag[i];
    top_say(s, "iterations %llu", (unsigned long long)m->iterations);
    top_say(s, "events %llu", (unsigned long long)m->events);
    top_say(s, "callbacks %llu", (unsigned long long)m->callbacks);
    top_say(s, "allocations %llu", (unsigned long long)m->allocations);
    top_say(s, "received %llu", (unsigned long long)m->bytes_received);
    top_say(s, "sent %llu", (unsigned long long)m->bytes_sent);
    top_say(s, "idle %lld", (long long)m->idle_ns);
    top_say(s, "lag_most %lld", (long long)m->lag_most_ns);
    top_say_many(s, "live", live, sizeof live / sizeof *live);
    top_say_many(s, "time", m->time_ns, RONDO_DOES_OPERATION + 1);
    top_say_many(s, "lag", lag, RONDO_LAG_BUCKETS);
}

int rondo_top_snapshot(rondo_loop *loop, rondo_line_fn line, void *arg)
{
    struct snapshot s = {line, arg, 0};
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    int error = rondo_loop_get_metrics(loop, &m);
    if (error)
        return error;
    top_say(&s, "rondo-top 1");
    top_say(&s, "backend %s", rondo_loop_backend(loop));
    top_say(&s, "now %lld", (long long)rondo_loop_time(loop));
    top_say_metrics(&s, &m);
    (void)rondo_loop_dump(loop, top_on_line, &s);
    top_say(&s, "lines %d", s.lines);
    top_say(&s, ".");
    return 0;
}

/* ---- serving ------------------------------------------------------------- */

static void top_write_line(void *arg, const char *line, size_t size)
{
    rondo_buffer pieces[] = {{line, size}, {"\n", 1}};
    (void)rondo_transport_writev(arg, pieces, 2);
}

/* Each line that comes asks for a snapshot. Who does not take them gets no
 * more. */
static void top_asked(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    const struct rondo_top *top = self;
    if (size > ASKED_MOST)
        rondo_transport_abort(t);
    else if (memchr(data, '\n', size) && !rondo_transport_is_writing_paused(t))
        (void)rondo_top_snapshot(top->loop, top_write_line, t);
}

static void top_made(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_set_background(t, true);
}

static const rondo_protocol top_protocol = {.connection_made = top_made,
                                            .data_received = top_asked};

static int top_factory(rondo_server *server, void *arg, rondo_transport *t,
                       const rondo_protocol **protocol, void **self)
{
    (void)server, (void)t;
    *protocol = &top_protocol;
    *self = arg;
    return 0;
}

static void top_closed(rondo_server *server, void *arg)
{
    (void)server;
    free(arg);
}

int rondo_top_serve(rondo_loop *loop, const char *path, rondo_top **top)
{
    struct rondo_top *made = calloc(1, sizeof *made);
    if (top)
        *top = NULL;
    if (!made)
        return RONDO_ENOMEM;
    made->loop = loop;
    int error = rondo_create_server(loop,
                                    RONDO_SERVE(.path = path,
                                                .protocol_factory = top_factory,
                                                .closed = top_closed),
                                    NULL, made, &made->server);
    if (!error)
        rondo_server_set_background(made->server, true);
    if (!error) {
        error = rondo_loop_set_metering(loop, true);
        if (error)
            rondo_server_close(made->server);
    } else {
        free(made);
    }
    if (top && !error)
        *top = made;
    return error;
}

void rondo_top_close(rondo_top *top)
{
    if (!top)
        return;
    (void)rondo_loop_set_metering(top->loop, false);
    rondo_server_close_clients(top->server);
    rondo_server_close(top->server);
}
