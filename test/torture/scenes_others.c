/* scenes_others.c - timers, posts, jobs, signals, datagrams, watched things. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "scene.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- timers, posts, jobs ---- */

struct timers {
    struct op soon, later, job, post;
    rondo_id every;
    unsigned ticks, freed;
    rondo_remote *remote;
};

static void over(rondo_loop *loop, void *arg)
{
    (void)loop;
    op_over(arg, 0);
}

static void tick(rondo_loop *loop, void *arg)
{
    struct play *p = arg;
    struct timers *t = p->more;
    if (++t->ticks == 3)
        must(p, rondo_cancel(loop, t->every) == 0, "not cancelled", "every");
    must(p, t->ticks <= 3, "called after cancel", "every");
}

static int64_t work(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 42;
}

static void posted(rondo_loop *loop, void *arg)
{
    struct op *op = arg;
    (void)loop;
    op_over(op, 0);
}

static void timers(struct play *p)
{
    struct timers *t = p->more;
    t->soon.timer = t->later.timer = t->post.timer = true;
    op_init(&t->soon, p, "call_soon");
    op_begun(&t->soon, rondo_call_soon(p->loop, over, &t->soon));
    op_init(&t->later, p, "call_later");
    op_begun(&t->later,
             rondo_call_later(p->loop, RONDO_US(300), over, &t->later));
    t->every = rondo_call_every(p->loop, RONDO_US(100), tick, p);
    op_init(&t->job, p, "run_in_executor");
    op_begun(&t->job,
             rondo_run_in_executor(p->loop, NULL, work, op_done, &t->job));
    op_init(&t->post, p, "call_soon_threadsafe");
    op_begun(&t->post, rondo_call_soon_threadsafe(p->loop, posted, &t->post));
    t->remote = rondo_loop_remote(p->loop);
    if (t->remote)
        rondo_remote_release(t->remote);
}

static void timers_end(struct play *p)
{
    const struct timers *t = p->more;
    if (t->job.dones)
        must(p, t->job.result == 42 || t->job.result < 0, "another result",
             "job");
}

/* ---- signals ---- */

struct signals {
    rondo_id watch;
    unsigned got;
};

static void signaled(rondo_loop *loop, int signum, unsigned count, void *arg)
{
    struct play *p = arg;
    struct signals *s = p->more;
    (void)loop;
    must(p, signum == SIGUSR1 && count == 1 && s->got++ == 0, "twice",
         "signal");
}

static void signals(struct play *p)
{
    struct signals *s = p->more;
    s->watch =
        rondo_watch_signal(p->loop, SIGUSR1, RONDO_SIGNAL_ONCE, signaled, p);
    if (s->watch > 0)
        raise(SIGUSR1);
}

static void signals_end(struct play *p)
{
    const struct signals *s = p->more;
    must(p, s->watch <= 0 || s->got == 1, "not told", "signal");
}

/* ---- datagrams ---- */

struct end {
    struct play *play;
    rondo_datagram *d;
    unsigned made, lost, received;
    struct end *other;
    struct op send[3];
};
struct datagrams {
    struct end ends[2];
    struct op over;
};

static void datagram_made(rondo_datagram *d, void *self)
{
    struct end *e = self;
    must(e->play, e->made++ == 0, "made twice", "datagrams");
    e->d = d;
}

static void datagram_received(rondo_datagram *d, void *self, const void *data,
                              size_t size, const rondo_address *from,
                              bool truncated)
{
    struct end *e = self;
    (void)d;
    must(e->play, e->made && !e->lost, "received too late", "datagrams");
    must(e->play, size == 1000 && !truncated && data, "another size",
         "datagrams");
    if (e->received++ == 0 && from && !rondo_datagram_is_closing(e->d))
        (void)rondo_datagram_send(e->d, data, size, from);
}

static void datagram_lost(rondo_datagram *d, void *self, int error)
{
    struct end *e = self;
    (void)d;
    (void)error;
    must(e->play, e->lost++ == 0, "lost twice", "datagrams");
    e->d = NULL;
}

static const rondo_datagram_protocol datagram_protocol = {
    .connection_made = datagram_made,
    .datagram_received = datagram_received,
    .connection_lost = datagram_lost,
};

/* What got lost does not come any more. */
static void datagrams_over(struct play *p, int64_t result)
{
    struct datagrams *d = p->more;
    (void)result;
    for (int i = 0; i < 2; i++)
        if (d->ends[i].d)
            rondo_datagram_close(d->ends[i].d);
}

static bool datagrams_open(struct play *p, struct datagrams *d)
{
    rondo_address any;
    (void)rondo_address_parse(&any, "127.0.0.1", 0);
    for (int i = 0; i < 2; i++) {
        d->ends[i].play = p;
        d->ends[i].other = &d->ends[!i];
        if (rondo_create_datagram_endpoint(
                p->loop,
                RONDO_DATAGRAM(.local_address = &any,
                               .info = i ? RONDO_INFO_TTL : 0),
                &datagram_protocol, &d->ends[i], &d->ends[i].d) != 0)
            return false;
    }
    return true;
}

static void datagrams(struct play *p)
{
    struct datagrams *d = p->more;
    struct end *from = &d->ends[0];
    rondo_buffer piece = {play_data, 1000};
    rondo_address to;
    bool open = datagrams_open(p, d);
    if (open && rondo_datagram_local_address(d->ends[1].d, &to) == 0)
        for (int i = 0; i < 3; i++) {
            op_init(&from->send[i], p, "send_then");
            op_begun(&from->send[i],
                     rondo_datagram_send_then(from->d, &piece, 1, &to, NULL,
                                              op_done, &from->send[i]));
        }
    d->over.timer = true;
    d->over.then = datagrams_over;
    op_init(&d->over, p, "call_later");
    if (!op_begun(&d->over, rondo_call_later(p->loop, open ? RONDO_MS(1) : 0,
                                             over, &d->over)))
        datagrams_over(p, 0);
}

static void datagrams_end(struct play *p)
{
    const struct datagrams *d = p->more;
    for (int i = 0; i < 2; i++)
        must(p, d->ends[i].lost == d->ends[i].made, "not lost", "datagrams");
}

/* ---- descriptors of the program's ---- */

struct raw {
    struct op recv, send;
    char room[100];
    unsigned readable;
};

static void readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct play *p = arg;
    struct raw *r = p->more;
    must(p, r->readable++ == 0, "called after remove", "reader");
    (void)rondo_remove_reader(loop, fd);
}

static void raw(struct play *p)
{
    struct raw *r = p->more;
    int a[2], b[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) != 0)
        return;
    play_own(p, a[0]);
    play_own(p, a[1]);
    op_init(&r->recv, p, "sock_recv");
    op_begun(&r->recv, rondo_sock_recv(p->loop, a[0], r->room, sizeof r->room,
                                       op_done, &r->recv));
    op_init(&r->send, p, "sock_sendall");
    if (!op_begun(&r->send, rondo_sock_sendall(p->loop, a[1], play_data, 50,
                                               op_done, &r->send)))
        shutdown(a[1], SHUT_WR);
    if (pipe2(b, O_NONBLOCK | O_CLOEXEC) != 0)
        return;
    play_own(p, b[0]);
    play_own(p, b[1]);
    (void)!write(b[1], "x", 1);
    (void)rondo_add_reader(p->loop, b[0], readable, p);
}

static void raw_sent(struct play *p, int64_t result)
{
    /* what waits for it has its answer */
    if (result != 50)
        shutdown(p->own[1], SHUT_WR);
}

static void raw_begin(struct play *p)
{
    struct raw *r = p->more;
    r->send.then = raw_sent;
    raw(p);
}

/* ---- watched paths ---- */

struct path {
    rondo_id id;
    struct op over;
    unsigned begun, ended;
    char file[100];
};

static void path_event(rondo_loop *loop, void *arg,
                       const rondo_path_event *event)
{
    struct play *p = arg;
    struct path *w = p->more;
    (void)loop;
    must(p, !w->ended, "called after the end", "watch_path");
    if (event->what & RONDO_PATH_ENDED)
        w->ended++;
    if (event->what & RONDO_PATH_BEGUN && w->begun++ == 0) {
        int fd = open(w->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
    }
}

static void path_over(struct play *p, int64_t result)
{
    struct path *w = p->more;
    (void)result;
    if (!w->ended)
        (void)rondo_cancel(p->loop, w->id);
}

static void path(struct play *p)
{
    struct path *w = p->more;
    play_path(p, w->file, sizeof w->file, "new");
    w->id = rondo_watch_path(p->loop, p->folder, NULL, path_event, p);
    if (w->id < 0)
        return;
    w->over.timer = true;
    w->over.then = path_over;
    op_init(&w->over, p, "call_later");
    if (!op_begun(&w->over,
                  rondo_call_later(p->loop, RONDO_MS(2), over, &w->over)))
        path_over(p, 0);
}

static void path_end(struct play *p)
{
    const struct path *w = p->more;
    unlink(w->file);
}

/* ---- loops on threads ---- */

struct group {
    rondo_group *group;
    struct op each, close;
};

static int64_t of_loop(rondo_loop *loop, size_t index, void *arg)
{
    (void)loop;
    (void)arg;
    return index ? 0 : 1;
}

static void group_over(struct play *p, int64_t result)
{
    struct group *g = p->more;
    (void)result;
    op_init(&g->close, p, "group_close");
    /* without memory it is refused; one call alone fails */
    for (int tries = 0; tries < 2 && !g->close.begun; tries++)
        op_begun(&g->close, rondo_group_close(g->group, 0, op_done, &g->close));
}

static void group(struct play *p)
{
    struct group *g = p->more;
    rondo_loop_options l = RONDO_LOOP_OPTIONS_INIT;
    rondo_group_options o = RONDO_GROUP_OPTIONS_INIT;
    l.backend = p->backend;
    o.loops = 2;
    o.loop = &l;
    if (rondo_create_group(p->loop, &o, &g->group) != 0)
        return;
    g->each.then = group_over;
    op_init(&g->each, p, "group_each");
    if (!op_begun(&g->each,
                  rondo_group_each(g->group, of_loop, NULL, op_done, &g->each)))
        group_over(p, 0);
}

/* ---- the machine ---- */

static void interfaces(struct play *p)
{
    rondo_interface *first = NULL;
    int error = rondo_list_interfaces(&first);
    must(p, !error == (first != NULL), "a list and an error", "interfaces");
    rondo_free_interfaces(first);
}

const struct scene scenes_others[] = {
    {"timers", timers, timers_end, sizeof(struct timers)},
    {"signals", signals, signals_end, sizeof(struct signals)},
    {"datagrams", datagrams, datagrams_end, sizeof(struct datagrams)},
    {"raw", raw_begin, NULL, sizeof(struct raw)},
    {"path", path, path_end, sizeof(struct path)},
    {"group", group, NULL, sizeof(struct group)},
    {"interfaces", interfaces, NULL, 0},
    {NULL, NULL, NULL, 0},
};
