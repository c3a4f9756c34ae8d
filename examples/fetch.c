/* fetch.c - asks many web servers for their front page, three at a time, with
 * one deadline for all. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

enum { AT_ONCE = 3 };

struct fetch {
    struct all *all;
    const char *host;
    rondo_transport *t;
    rondo_id connecting;
    size_t bytes;
};

struct all {
    rondo_loop *loop;
    struct fetch *fetch;
    size_t count, next, active, failed;
    uint16_t port;
    bool starting;
    rondo_id deadline;
};

static void start_more(struct all *all);

static void ended(struct fetch *f, int error)
{
    printf("%s: %zu bytes, %s\n", f->host, f->bytes,
           error ? rondo_strerror(error) : "complete");
    f->all->active--;
    f->all->failed += error != 0;
    start_more(f->all);
}

static void made(rondo_transport *t, void *self)
{
    struct fetch *f = self;
    f->t = t;
    rondo_transport_printf(t,
                           "GET / HTTP/1.1\r\nHost: %s\r\n"
                           "Connection: close\r\n\r\n",
                           f->host);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct fetch *f = self;
    (void)t, (void)data;
    f->bytes += size;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct fetch *f = self;
    (void)t;
    f->t = NULL;
    ended(f, error);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct fetch *f = arg;
    (void)loop, (void)t;
    f->connecting = 0;
    if (error)
        ended(f, error);
}

static const rondo_protocol http = {
    .connection_made = made,
    .data_received = received,
    .connection_lost = lost,
};

/* Called again by ended for a fetch that fails at once: then the loop that is
 * running already goes on, instead of one inside the other. */
static void start_more(struct all *all)
{
    if (all->starting)
        return;
    all->starting = true;
    while (all->active < AT_ONCE && all->next < all->count) {
        struct fetch *f = &all->fetch[all->next++];
        all->active++;
        f->connecting = rondo_create_connection(
            all->loop, RONDO_CONNECT(.host = f->host, .port = all->port), &http,
            f, connected, f);
        if (f->connecting < 0)
            ended(f, (int)f->connecting);
    }
    all->starting = false;
    if (all->active == 0)
        rondo_cancel(all->loop, all->deadline);
}

static void too_late(rondo_loop *loop, void *arg)
{
    struct all *all = arg;
    all->failed += all->count - all->next;
    all->next = all->count;
    for (size_t i = 0; i < all->count; i++) {
        struct fetch *f = &all->fetch[i];
        if (f->t)
            rondo_transport_abort_with(f->t, RONDO_ETIMEDOUT);
        else if (f->connecting > 0)
            rondo_cancel(loop, f->connecting);
    }
}

int main(int argc, char **argv)
{
    struct args args = {.usage = "PORT HOST...", .seconds = 10};
    struct all all = {0};
    args_parse(&args, argc, argv, 1000);
    if (args.words < 2) {
        args_usage(&args, stderr, argv[0]);
        return 2;
    }
    all.port = args_port(&args, 0, 80);
    all.count = (size_t)args.words - 1;
    all.fetch = calloc(all.count, sizeof *all.fetch);
    if (!all.fetch)
        return 1;
    if (args_loop(&args, &all.loop) < 0) {
        free(all.fetch);
        return args_failed(all.loop);
    }
    for (size_t i = 0; i < all.count; i++)
        all.fetch[i] = (struct fetch){.all = &all, .host = args.word[i + 1]};
    all.deadline =
        rondo_call_later(all.loop, RONDO_SEC(args.seconds), too_late, &all);
    start_more(&all);
    rondo_loop_run(all.loop);
    rondo_loop_close(all.loop);
    free(all.fetch);
    return all.failed != 0;
}
