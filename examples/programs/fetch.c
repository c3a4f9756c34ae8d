/* fetch.c - ten hosts, three at a time, one deadline for all. */
/* SPDX-License-Identifier: MIT */
/* Build: cc fetch.c -o fetch $(pkg-config --cflags --libs rondo) */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

static const char *const hosts[] = {
    "a.example", "b.example", "c.example", "d.example", "e.example",
    "f.example", "g.example", "h.example", "i.example", "j.example"};
enum { HOSTS = sizeof hosts / sizeof *hosts, LIMIT = 3 };

struct fetch {
    struct all *all;
    const char *host;
    rondo_transport *t;
    rondo_id connecting;
    size_t bytes;
    bool started, ended;
};
struct all {
    rondo_loop *loop;
    struct fetch fetch[HOSTS];
    size_t next, active;
    rondo_id deadline;
};

static void start_more(struct all *all);
static void ended(struct fetch *f, int error)
{
    printf("%s: %zu bytes, %s\n", f->host, f->bytes,
           error ? rondo_strerror(error) : "complete");
    f->ended = true;
    f->all->active--;
    start_more(f->all);
}
static void made(rondo_transport *t, void *self)
{
    struct fetch *f = self;
    f->t = t;
    rondo_transport_printf(t, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", f->host);
}
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct fetch *f = self;
    (void)t;
    (void)data;
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
    (void)loop;
    (void)t;
    f->connecting = 0;
    if (error)
        ended(f, error);
}
static const rondo_protocol http = {.connection_made = made,
                                    .data_received = received,
                                    .connection_lost = lost};

static void start_more(struct all *all)
{
    while (all->active < LIMIT && all->next < HOSTS) {
        struct fetch *f = &all->fetch[all->next];
        f->all = all;
        f->host = hosts[all->next++];
        f->started = true;
        all->active++;
        f->connecting = rondo_create_connection(
            all->loop, RONDO_CONNECT(.host = f->host, .port = 80), &http, f,
            connected, f);
        if (f->connecting < 0)
            ended(
                f,
                (int)f
                    ->connecting); /* recursion: start_more calls itself through ended */
    }
    if (all->active == 0)
        rondo_cancel(all->loop, all->deadline);
}
static void too_late(rondo_loop *loop, void *arg)
{
    struct all *all = arg;
    all->next = HOSTS;
    for (size_t i = 0; i < HOSTS; i++) {
        struct fetch *f = &all->fetch[i];
        if (f->t)
            rondo_transport_abort_with(f->t, RONDO_ETIMEDOUT);
        else if (f->connecting > 0)
            rondo_cancel(loop, f->connecting);
    }
}
int main(void)
{
    struct all all = {0};
    if (rondo_loop_new(&all.loop, NULL) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    all.deadline = rondo_call_later(all.loop, RONDO_SEC(10), too_late, &all);
    start_more(&all);
    rondo_loop_run(all.loop);
    rondo_loop_close(all.loop);
    return 0;
}
