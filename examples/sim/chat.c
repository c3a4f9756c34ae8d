/* chat.c - a chat: a server, and people who say lines to each other. */
/* SPDX-License-Identifier: MIT */
/* A line is two bytes: the name and the number of the line. */
#include "chat.h"

#include <stdio.h>
#include <stdlib.h>

enum { PORT = 5000, PACE_MS = 100, AGAIN_MS = 300, TIMEOUT_S = 2 };

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s\n", rondo_last_error());
    abort();
}

/* ---- the server ---- */

static void person_comes(rondo_transport *t, void *self)
{
    struct chat_server *s = self;
    for (int i = 0; i < CHAT_PEOPLE; i++)
        if (!s->people[i]) {
            s->people[i] = t;
            return;
        }
    rondo_transport_close(t);
}

static void person_says(rondo_transport *t, void *self, const void *data,
                        size_t size)
{
    const struct chat_server *s = self;
    if (size % 2) {
        const char *bytes = data;
        size--;
        (void)rondo_transport_unread(t, bytes + size, 1);
    }
    for (int i = 0; i < CHAT_PEOPLE && size; i++)
        if (s->people[i])
            (void)rondo_transport_write(s->people[i], data, size);
}

static void person_leaves(rondo_transport *t, void *self, int error)
{
    struct chat_server *s = self;
    (void)error;
    for (int i = 0; i < CHAT_PEOPLE; i++)
        if (s->people[i] == t)
            s->people[i] = NULL;
}

static const rondo_protocol server_protocol = {.connection_made = person_comes,
                                               .data_received = person_says,
                                               .connection_lost =
                                                   person_leaves};

void chat_server_main(void *arg)
{
    struct chat_server *s = arg;
    for (int i = 0; i < CHAT_PEOPLE; i++)
        s->people[i] = NULL;
    must(rondo_loop_new(&s->loop, NULL));
    must(rondo_create_server(s->loop, RONDO_SERVE(.port = PORT),
                             &server_protocol, s, NULL));
    (void)rondo_loop_run_forever(s->loop);
    (void)rondo_loop_close(s->loop);
}

/* ---- a person ---- */

static void enter(rondo_loop *loop, void *arg);

static void say(struct chat_person *p, unsigned line)
{
    unsigned char bytes[2] = {p->name, (unsigned char)line};
    if (p->server)
        (void)rondo_transport_write(p->server, bytes, sizeof bytes);
}

static void say_all(struct chat_person *p)
{
    for (unsigned line = 1; line <= p->said; line++)
        say(p, line);
}

/* Who is careful says all again, and asks the others for it with a line 0. */
static void entered(rondo_transport *t, void *self)
{
    struct chat_person *p = self;
    p->server = t;
    must(rondo_transport_set_timeouts(t, RONDO_SEC(TIMEOUT_S), 0));
    if (p->careful) {
        say(p, 0);
        say_all(p);
    }
}

static void hear(struct chat_person *p, unsigned char name, unsigned line)
{
    if (line == 0 && name != p->name)
        say_all(p);
    if (line <= p->heard[name])
        return; /* said again */
    if (line == p->heard[name] + 1)
        p->heard[name] = line;
    else if (!p->careful) /* else it is said again after those before it */
        p->gap = true;
}

static void heard(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct chat_person *p = self;
    const unsigned char *bytes = data;
    if (size % 2)
        (void)rondo_transport_unread(t, bytes + size - 1, 1);
    for (size_t i = 0; i + 1 < size; i += 2)
        hear(p, bytes[i], bytes[i + 1]);
}

static void cut_off(rondo_transport *t, void *self, int error)
{
    struct chat_person *p = self;
    (void)t;
    (void)error;
    p->server = NULL;
    (void)rondo_call_later(p->loop, RONDO_MS(AGAIN_MS), enter, p);
}

static const rondo_protocol person_protocol = {.connection_made = entered,
                                               .data_received = heard,
                                               .connection_lost = cut_off};

static void has_tried(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)t;
    if (error)
        (void)rondo_call_later(loop, RONDO_MS(AGAIN_MS), enter, arg);
}

static void enter(rondo_loop *loop, void *arg)
{
    must(rondo_create_connection(
        loop,
        RONDO_CONNECT(.host = "server", .port = PORT,
                      .timeout_ns = RONDO_SEC(TIMEOUT_S)),
        &person_protocol, arg, has_tried, arg));
}

/* Waits with a line while it is cut off. */
static void say_next(rondo_loop *loop, void *arg)
{
    struct chat_person *p = arg;
    if (p->said < CHAT_LINES && p->server)
        say(p, ++p->said);
    (void)rondo_call_later(loop, RONDO_MS(PACE_MS), say_next, p);
}

void chat_person_main(void *arg)
{
    struct chat_person *p = arg;
    must(rondo_loop_new(&p->loop, NULL));
    enter(p->loop, p);
    say_next(p->loop, p);
    (void)rondo_loop_run_forever(p->loop);
    (void)rondo_loop_close(p->loop);
}
