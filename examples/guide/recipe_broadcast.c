/* recipe_broadcast.c - the same messages for all clients; one that does not
 * read holds up nobody. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 64 << 10, WAITING = 256 << 10, MOST_MISSED = 10 };

/* One copy for all clients, which is freed when the last one has sent it. */
struct message {
    int users;
    char bytes[SIZE];
};

static void release(void *arg)
{
    struct message *m = arg;
    if (!--m->users)
        free(m);
}

struct client {
    struct client *next, **link;
    rondo_transport *t;
    bool behind; /* between pause_writing and resume_writing */
    int missed;
};

static struct client *clients;
static bool dropped; /* of this demonstration */

static void pause_writing(rondo_transport *t, void *self)
{
    (void)t;
    ((struct client *)self)->behind = true;
}

static void resume_writing(rondo_transport *t, void *self)
{
    struct client *c = self;
    (void)t;
    c->behind = false;
    c->missed = 0; /* here it would be told how many, or be sent all anew */
}

static void broadcast(struct message *m)
{
    m->users = 1;
    for (struct client *c = clients; c; c = c->next) {
        if (rondo_transport_is_closing(c->t))
            continue;
        if (!c->behind) {
            m->users++;
            if (rondo_transport_write_owned(c->t, m->bytes, SIZE, release, m) <
                0)
                m->users--;
        } else if (++c->missed > MOST_MISSED) {
            rondo_transport_abort_with(c->t, RONDO_ETOOMUCH);
        }
    }
    release(m);
}

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **protocol, void **self)
{
    struct client *c = calloc(1, sizeof *c);
    (void)server, (void)arg, (void)protocol;
    if (!c)
        return RONDO_ENOMEM;
    *c = (struct client){.next = clients, .link = &clients, .t = t};
    if (c->next)
        c->next->link = &c->next;
    clients = c;
    *self = c;
    /* how much may wait for one client, in memory */
    rondo_transport_set_write_buffer_limits(t, WAITING, WAITING / 4);
    return 0;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t;
    if (error == RONDO_ETOOMUCH) {
        printf("server: a client was too slow\n");
        dropped = true;
    }
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c);
}

static const rondo_protocol serving = {.pause_writing = pause_writing,
                                       .resume_writing = resume_writing,
                                       .connection_lost = lost};

/* ---- three readers, of which the last one does not read ---- */

enum { READERS = 3 };

struct reader {
    struct demo *demo;
    const char *name;
    rondo_transport *t;
    size_t received;
};

struct demo {
    rondo_server *server;
    struct reader readers[READERS];
    size_t sent; /* to each that is not behind */
    int made;
};

/* The next message, as soon as the readers have the one before. */
static void publish(rondo_loop *loop, void *arg)
{
    struct demo *d = arg;
    (void)loop;
    if (dropped) {
        rondo_transport_resume_reading(d->readers[2].t); /* to hear of it */
        return;
    }
    struct message *m = malloc(sizeof *m);
    if (!m)
        abort();
    memset(m->bytes, 'm', SIZE);
    d->sent += SIZE;
    broadcast(m);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct reader *r = self;
    struct demo *d = r->demo;
    (void)data;
    r->received += size;
    if (d->readers[0].received == d->sent && d->readers[1].received == d->sent)
        rondo_call_soon(rondo_transport_loop(t), publish, d);
}

static void made(rondo_transport *t, void *self)
{
    struct reader *r = self;
    r->t = t;
    if (r == &r->demo->readers[2])
        rondo_transport_pause_reading(t);
    if (++r->demo->made == READERS)
        rondo_call_later(rondo_transport_loop(t), RONDO_MS(10), publish,
                         r->demo);
}

static void ended(rondo_transport *t, void *self, int error)
{
    struct reader *r = self;
    (void)t;
    printf("%s: %s, ", r->name, error ? rondo_error_name(error) : "closed");
    printf("%s\n", r->received == r->demo->sent ? "got everything"
                                                : "missed something");
    if (r == &r->demo->readers[2]) {
        rondo_server_close(r->demo->server);
        rondo_server_close_clients(r->demo->server);
    }
}

static const rondo_protocol reading = {.connection_made = made,
                                       .data_received = received,
                                       .connection_lost = ended};

int main(void)
{
    static struct demo d;
    rondo_loop *loop = NULL;
    rondo_address at;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop,
            RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = accepted),
            &serving, NULL, &d.server) < 0 ||
        rondo_server_address(d.server, 0, &at) < 0)
        goto failed;
    for (int i = 0; i < READERS; i++) {
        static const char *names[] = {"fast", "fast", "slow"};
        d.readers[i] = (struct reader){.demo = &d, .name = names[i]};
        if (rondo_create_connection(loop, RONDO_CONNECT(.address = &at),
                                    &reading, &d.readers[i], NULL, NULL) < 0)
            goto failed;
    }
    if (rondo_loop_run(loop) < 0)
        goto failed;
    return rondo_loop_close(loop) < 0;
failed:
    fprintf(stderr, "recipe_broadcast: %s\n", rondo_last_error());
    return 1;
}
