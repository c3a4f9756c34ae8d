/* recipe_discovery.c - who is there? Asked by multicast, on the loopback
 * interface. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

#define GROUP     "239.255.71.72" /* "administratively scoped": RFC 2365 */
#define QUESTION  "who is there?"
#define TIMES     3
#define REPEAT_NS RONDO_MS(100)

/* ---- a service answers the one who asks ---- */

static void asked(rondo_datagram *d, void *self, const void *data, size_t size,
                  const rondo_address *from, bool truncated)
{
    (void)truncated;
    if (size == strlen(QUESTION) && !memcmp(data, QUESTION, size))
        rondo_datagram_send(d, self, strlen(self), from);
}

static const rondo_datagram_protocol answering = {.datagram_received = asked};

/* Listens at *at; if its port is 0, *at gets the one that the kernel chose. */
static int announce(rondo_loop *loop, rondo_address *at, char *name,
                    const char *interface)
{
    rondo_datagram *d;
    rondo_address group;
    int error = rondo_create_datagram_endpoint(
        loop,
        RONDO_DATAGRAM(.local_address = at,
                       .reuse_address = RONDO_ON), /* several on one machine */
        &answering, name, &d);
    if (error < 0)
        return error;
    rondo_datagram_set_background(d, true); /* does not keep the loop running */
    error = rondo_address_parse(&group, GROUP, 0);
    if (error == 0)
        error = rondo_datagram_local_address(d, at);
    if (error == 0)
        error = rondo_datagram_join(d, &group, interface);
    return error;
}

/* ---- and one who asks ---- */

struct search {
    rondo_datagram *d;
    rondo_address group;
    char found[8][32]; /* in the order of their names */
    int count, times;
};

static void answered(rondo_datagram *d, void *self, const void *data,
                     size_t size, const rondo_address *from, bool truncated)
{
    struct search *s = self;
    char name[32];
    int at = 0;
    (void)d, (void)from, (void)truncated;
    if (size >= sizeof name || s->count == 8)
        return;
    memcpy(name, data, size);
    name[size] = 0;
    while (at < s->count && strcmp(s->found[at], name) < 0)
        at++;
    if (at < s->count && !strcmp(s->found[at], name))
        return; /* it has answered an earlier question */
    memmove(s->found[at + 1], s->found[at],
            (size_t)(s->count++ - at) * sizeof name);
    memcpy(s->found[at], name, sizeof name);
}

/* Datagrams get lost: the question is asked several times. */
static void ask(rondo_loop *loop, void *arg)
{
    struct search *s = arg;
    if (s->times++ == TIMES) {
        rondo_datagram_close(s->d);
        return;
    }
    if (rondo_datagram_send(s->d, QUESTION, strlen(QUESTION), &s->group) < 0 ||
        rondo_call_later(loop, REPEAT_NS, ask, s) < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

static const rondo_datagram_protocol asking = {.datagram_received = answered};

static int find_loopback(char *name, size_t size)
{
    rondo_interface *all;
    int error = rondo_list_interfaces(&all);
    for (rondo_interface *i = all; i; i = i->next)
        if (i->flags & RONDO_INTERFACE_LOOPBACK)
            (void)snprintf(name, size, "%lu", (unsigned long)i->index);
    rondo_free_interfaces(all);
    return error;
}

int main(void)
{
    struct search s = {0};
    rondo_loop *loop = NULL;
    rondo_address any, here;
    char interface[16] = "";
    if (rondo_loop_new(&loop, NULL) < 0 ||
        find_loopback(interface, sizeof interface) < 0 ||
        rondo_address_parse(&any, "0.0.0.0", 0) < 0 ||
        announce(loop, &any, "printer", interface) < 0 ||
        announce(loop, &any, "archive", interface) < 0 ||
        rondo_address_parse(&here, "127.0.0.1", 0) < 0 ||
        rondo_address_parse(&s.group, GROUP, rondo_address_port(&any)) < 0 ||
        rondo_create_datagram_endpoint(loop,
                                       RONDO_DATAGRAM(.local_address = &here),
                                       &asking, &s, &s.d) < 0 ||
        rondo_call_soon(loop, ask, &s) < 0 || rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_discovery: %s\n", rondo_last_error());
        return 1;
    }
    for (int i = 0; i < s.count; i++)
        printf("%s\n", s.found[i]);
    return rondo_loop_close(loop) < 0;
}
