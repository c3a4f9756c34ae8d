/* debugging.c - why does the loop not end, who is slow, which thread was it? */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "debugging: %s\n", rondo_last_error());
    exit(1);
}

/* ---- what keeps it running ---------------------------------------------- */

static void print_line(void *arg, const char *line, size_t size)
{
    printf("%s%.*s\n", (const char *)arg, (int)size, line);
}

static void what_keeps_it(rondo_loop *loop)
{
    static char prefix[] = "  by ";
    int reasons = rondo_loop_explain(loop, print_line, prefix);
    must(reasons);
    printf("  %d reasons\n", reasons);
}

static void how_many(rondo_loop *loop)
{
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    must(rondo_loop_get_metrics(loop, &m));
    printf("  %zu timers, %zu watchers, %zu transports, %zu servers\n",
           m.live_timers, m.live_watchers, m.live_transports, m.live_servers);
}

static void look(rondo_loop *loop, void *arg)
{
    (void)arg;
    what_keeps_it(loop);
    how_many(loop);
    rondo_loop_stop(loop);
}

static void never(rondo_loop *loop, void *arg)
{
    (void)loop, (void)arg;
}

/* Both ends are there: the moment to look. */
static void made(rondo_transport *t, void *self)
{
    static int ends;
    (void)self;
    if (++ends == 2)
        must(rondo_call_soon(rondo_transport_loop(t), look, NULL));
}

static const rondo_protocol quiet = {.connection_made = made};

static void does_not_end(rondo_loop *loop)
{
    rondo_server *server;
    rondo_address address;
    must(rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &quiet,
                             NULL, &server));
    must(rondo_server_address(server, 0, &address));
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &quiet, NULL, NULL, NULL));
    rondo_id hourly = rondo_call_every(loop, RONDO_SEC(3600), never, NULL);
    must(hourly);
    printf("it runs:\n");
    must(rondo_loop_run(loop));

    rondo_server_close_clients(server);
    rondo_server_close(server);
    must(rondo_set_background(loop, hourly, true));
    printf("it ends: %d\n", rondo_loop_run(loop));
    printf("afterwards:\n");
    what_keeps_it(loop);
    how_many(loop);
}

/* ---- debug mode ---------------------------------------------------------- */

static void report(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    (void)loop, (void)arg;
    printf("  %s\n", what->message);
}

static void slow(rondo_loop *loop, void *arg)
{
    int64_t until = rondo_loop_time(loop) + RONDO_MS(20);
    (void)arg;
    while (rondo_loop_time(loop) < until) /* as a long computation does */
        ;
}

static int64_t wrong_thread(rondo_job *job, void *loop)
{
    (void)job;
    int64_t result = rondo_call_soon(loop, never, NULL); /* not from here */
    if (result < 0)
        printf("  %s\n", rondo_last_error());
    return result < 0 ? 0 : result;
}

static void debug_mode(rondo_loop *loop)
{
    must(rondo_loop_set_debug(loop, true, RONDO_MS(10)));
    must(rondo_loop_set_exception_handler(loop, report, NULL));
    printf("a slow callback:\n");
    must(rondo_call_soon(loop, slow, NULL));
    must(rondo_loop_run(loop));
    must(rondo_loop_set_debug(loop, true, RONDO_SEC(10)));
    printf("a wrong thread:\n");
    must(rondo_run_in_executor(loop, NULL, wrong_thread, NULL, loop));
    must(rondo_loop_run(loop));
}

static void open_at_close(rondo_loop *loop)
{
    must(rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &quiet,
                             NULL, NULL));
    printf("open at close:\n");
    must(rondo_loop_close(loop));
}

int main(void)
{
    rondo_loop *loop;
    must(rondo_loop_new(&loop, NULL));
    does_not_end(loop);
    debug_mode(loop);
    open_at_close(loop);
    return 0;
}
