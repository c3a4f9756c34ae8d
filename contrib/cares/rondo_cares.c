/* rondo_cares.c - a resolver for Rondo on c-ares: names without threads. */
/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* what ares.h needs of the system's headers */
#include "rondo_cares.h"

#include "../options.h"

#include <ares.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct query {
    struct query *next, **link;
    rondo_cares *owner;
    rondo_lookup *lookup; /* NULL: nobody waits any more */
};

struct rondo_cares {
    rondo_loop *loop;
    ares_channel channel;
    struct query *queries;
    size_t awaited; /* queries with a look-up */
    rondo_id timer;
};

/* ---- sockets and time --------------------------------------------------- */

static void on_timer(rondo_loop *loop, void *arg);

static void stop_timer(rondo_cares *c)
{
    if (c->timer > 0)
        (void)rondo_cancel(c->loop, c->timer);
    c->timer = 0;
}

/* Without a timer what is not answered would never end. */
static void give_up(rondo_cares *c)
{
    for (struct query *q = c->queries; q; q = q->next) {
        if (q->lookup)
            rondo_resolver_answer(q->lookup, NULL, 0, RONDO_ENOMEM);
        q->lookup = NULL;
    }
    c->awaited = 0;
    ares_cancel(c->channel);
}

/* After whatever may have changed what c-ares waits for. */
static void set_timer(rondo_cares *c)
{
    struct timeval left;
    stop_timer(c);
    if (ares_timeout(c->channel, NULL, &left))
        c->timer = rondo_call_later(
            c->loop, RONDO_SEC(left.tv_sec) + RONDO_US(left.tv_usec), on_timer,
            c);
    if (c->timer == RONDO_ENOMEM)
        give_up(c);
}

static void on_timer(rondo_loop *loop, void *arg)
{
    rondo_cares *c = arg;
    (void)loop;
    c->timer = 0;
    ares_process_fd(c->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(c);
}

static void readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    rondo_cares *c = arg;
    (void)loop;
    ares_process_fd(c->channel, (ares_socket_t)fd, ARES_SOCKET_BAD);
    set_timer(c);
}

static void writable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    rondo_cares *c = arg;
    (void)loop;
    ares_process_fd(c->channel, ARES_SOCKET_BAD, (ares_socket_t)fd);
    set_timer(c);
}

/* Called with neither just before a socket is closed. A socket that cannot be
 * watched is one whose answer does not come: the query times out. */
static void watch(void *data, ares_socket_t socket, int read, int write)
{
    rondo_cares *c = data;
    rondo_fd fd = (rondo_fd)socket;
    if (read)
        (void)rondo_add_reader(c->loop, fd, readable, c);
    else
        (void)rondo_remove_reader(c->loop, fd);
    if (write)
        (void)rondo_add_writer(c->loop, fd, writable, c);
    else
        (void)rondo_remove_writer(c->loop, fd);
}

/* ---- questions and answers ---------------------------------------------- */

static int error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
    case ARES_ENONAME:
    case ARES_ESERVICE:
        return RONDO_ENONAME;
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ECONNREFUSED: /* also when all servers failed */
        return RONDO_EAGAIN;
    case ARES_ETIMEOUT:
        return RONDO_ETIMEDOUT;
    case ARES_ENOMEM:
        return RONDO_ENOMEM;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return RONDO_ECANCELED;
    default:
        return RONDO_EOTHER;
    }
}

/* The addresses, malloc'ed; NULL: there are none, or no memory. */
static rondo_address *copy_addresses(const struct ares_addrinfo *found,
                                     size_t *count)
{
    size_t room = 0;
    *count = 0;
    for (const struct ares_addrinfo_node *n = found->nodes; n; n = n->ai_next)
        room++;
    rondo_address *list = room ? calloc(room, sizeof *list) : NULL;
    for (const struct ares_addrinfo_node *n = found->nodes; n && list;
         n = n->ai_next)
        if (rondo_address_from_native(&list[*count], n->ai_addr,
                                      (size_t)n->ai_addrlen) == 0)
            ++*count;
    return list;
}

static void drop(struct query *q)
{
    *q->link = q->next;
    if (q->next)
        q->next->link = q->link;
    if (q->lookup)
        q->owner->awaited--;
    free(q);
}

/* c-ares calls it once for each question, inside the asking, too. */
static void answered(void *arg, int status, int timeouts,
                     struct ares_addrinfo *found)
{
    struct query *q = arg;
    int error = error_of(status);
    size_t count = 0;
    (void)timeouts;
    rondo_address *list =
        !error && found ? copy_addresses(found, &count) : NULL;
    if (q->lookup)
        rondo_resolver_answer(q->lookup, list, count, error);
    free(list);
    if (found)
        ares_freeaddrinfo(found);
    drop(q);
}

static int start(void *context, rondo_lookup *lookup, const char *host,
                 const char *service, const rondo_lookup_hints *hints)
{
    rondo_cares *c = context;
    struct query *q = malloc(sizeof *q);
    struct ares_addrinfo_hints wanted = {
        .ai_family = hints->family == RONDO_FAMILY_INET    ? AF_INET
                     : hints->family == RONDO_FAMILY_INET6 ? AF_INET6
                                                           : AF_UNSPEC,
        .ai_socktype = hints->datagram ? SOCK_DGRAM : SOCK_STREAM};
    if (!q)
        return RONDO_ENOMEM;
    *q = (struct query){.next = c->queries, .link = &c->queries, .owner = c};
    q->lookup = lookup;
    if (q->next)
        q->next->link = &q->next;
    c->queries = q;
    c->awaited++;
    ares_getaddrinfo(c->channel, host, service, &wanted, answered, q);
    set_timer(c);
    return 0;
}

/* c-ares forgets all questions or none. Those that nobody waits for would
 * keep the loop running, so they go with the last that somebody did. */
static void cancel(void *context, rondo_lookup *lookup)
{
    rondo_cares *c = context;
    struct query *q = c->queries;
    while (q && q->lookup != lookup)
        q = q->next;
    if (!q)
        return;
    q->lookup = NULL;
    if (--c->awaited == 0)
        ares_cancel(c->channel);
    set_timer(c);
}

/* ---- the channel -------------------------------------------------------- */

/* With c-ares' reason. */
static int refuse(rondo_cares *c, int error, const char *what, int status)
{
    free(c);
    ares_library_cleanup();
    if (status == ARES_ENOMEM)
        error = RONDO_ENOMEM;
    (void)rondo_set_error(error, "cares: %s: %s", what, ares_strerror(status));
    return error;
}

static int set_servers(rondo_cares *c, const char *servers)
{
    int status = ares_set_servers_ports_csv(c->channel, servers);
    if (status == ARES_SUCCESS)
        return 0;
    ares_destroy(c->channel);
    return refuse(c, RONDO_EINVAL, servers, status);
}

/* c-ares counts in milliseconds, of which 0 would be none. */
static int milliseconds(int64_t ns)
{
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int open_channel(rondo_cares *c, const rondo_cares_options *o)
{
    struct ares_options options = {.sock_state_cb = watch,
                                   .sock_state_cb_data = c,
                                   .timeout = milliseconds(o->timeout_ns),
                                   .tries = o->tries};
    int mask = ARES_OPT_SOCK_STATE_CB;
    if (o->timeout_ns)
        mask |= ARES_OPT_TIMEOUTMS;
    if (o->tries)
        mask |= ARES_OPT_TRIES;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = ares_init_options(&c->channel, &options, mask);
    if (status != ARES_SUCCESS)
        return refuse(c, RONDO_EOTHER, "no channel", status);
    return o->servers ? set_servers(c, o->servers) : 0;
}

int rondo_cares_new(rondo_loop *loop, const rondo_cares_options *options,
                    rondo_cares **cares)
{
    rondo_cares_options o;
    if (cares)
        *cares = NULL;
    if (!loop || !cares)
        return rondo_set_error(RONDO_EINVAL,
                               "cares: no loop, or nowhere to put it");
    int error = contrib_options(&o, sizeof o, options, "cares");
    if (error)
        return error;
    if (o.timeout_ns < 0 || o.tries < 0)
        return rondo_set_error(RONDO_EINVAL,
                               "cares: a negative timeout or number of tries");
    rondo_cares *c = calloc(1, sizeof *c);
    if (!c)
        return rondo_set_error(RONDO_ENOMEM, "cares: out of memory");
    c->loop = loop;
    error = open_channel(c, &o);
    if (error)
        return error;
    error = rondo_set_resolver(
        loop,
        &(rondo_resolver){.start = start, .cancel = cancel, .context = c});
    if (error)
        rondo_cares_free(c);
    else
        *cares = c;
    return error;
}

void rondo_cares_free(rondo_cares *c)
{
    if (!c)
        return;
    (void)rondo_set_resolver(c->loop, NULL);
    ares_destroy(c->channel); /* ends every question, closes every socket */
    stop_timer(c);
    free(c);
    ares_library_cleanup();
}
