/* names.c - getaddrinfo and getnameinfo. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "threads/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERVICE_MAX = 255,
    PORT_MAX = 65535,
    PORT_BY_NAME = -1,
    ALL_FLAGS = RONDO_NAMEINFO_NUMERIC_HOST | RONDO_NAMEINFO_NUMERIC_SERVICE |
                RONDO_NAMEINFO_REQUIRED | RONDO_NAMEINFO_DATAGRAM
};

/* One call of the program. It owns `known`; a look-up lends what it has
 * found. */
struct query {
    struct handle handle;
    struct task task; /* brings `known` or `error`, without a look-up */
    rondo_loop *loop;
    rondo_id id;
    rondo_lookup *lookup;         /* NULL: none is under way */
    const char *call;             /* the public function, for sentences */
    rondo_getaddrinfo_fn forward; /* one of these two is set */
    rondo_getnameinfo_fn backward;
    void *arg;
    struct sys_names known;
    int error;
    int port;    /* of a numeric service, or PORT_BY_NAME */
    char what[]; /* the host or the address, for sentences */
};

/* ---- the end ---- */

static void names_free(struct query *q)
{
    assert(q->task.state == TASK_IDLE);
    sys_free(q->known.addresses);
    sys_free(q->known.host);
    sys_free(q->known.service);
    loop_free(q->loop, q);
}

static void names_forget(struct query *q)
{
    id_free(q->loop, q->id);
    handle_close(q->loop, &q->handle);
}

static void names_call_done(struct query *q, const struct sys_names *found,
                            int error)
{
    struct sys_names none = {0};
    assert(!q->forward != !q->backward);
    names_forget(q);
    if (error) {
        error_os(error, "%s: cannot look up %s", q->call, q->what);
        found = &none;
    }
    if (q->forward)
        OBSERVE_DONE(q->loop, "getaddrinfo", q->forward, q->loop, q->arg,
                     found->addresses, found->count, found->host, error);
    else
        OBSERVE_DONE(q->loop, "getnameinfo", q->backward, q->loop, q->arg,
                     found->host, found->service, error);
    names_free(q);
}

static void names_looked_up(rondo_loop *loop, void *arg,
                            const struct sys_names *found, int error)
{
    struct query *q = arg;
    (void)loop;
    for (size_t i = 0; q->port != PORT_BY_NAME && i < found->count; i++)
        rondo_address_set_port(&found->addresses[i], (uint16_t)q->port);
    names_call_done(q, found, error);
}

static void names_answered(rondo_loop *loop, struct task *task)
{
    struct query *q =
        (struct query *)(void *)((char *)task - offsetof(struct query, task));
    (void)loop;
    assert(q->loop == loop && !q->lookup);
    error_no_os();
    names_call_done(q, &q->known, q->error);
}

static void names_answer_later(struct query *q)
{
    assert(q->known.count || q->error || q->backward);
    if (q->task.state == TASK_IDLE)
        loop_push(q->loop, &q->task);
    loop_nudge(q->loop);
}

static void names_cancel(rondo_loop *loop, struct handle *handle)
{
    struct query *q = (struct query *)(void *)handle;
    assert(q->loop == loop && (q->lookup || q->task.state == TASK_READY));
    q->error = RONDO_ECANCELED;
    names_answer_later(q);
    if (q->lookup)
        lookup_cancel(loop, q->lookup);
    q->lookup = NULL;
}

/* ---- the beginning ---- */

static struct query *names_new(rondo_loop *loop, const char *call,
                               const char *what, void *arg)
{
    size_t size = strlen(what) + 1;
    struct query *q = loop_alloc(loop, sizeof *q + size);
    if (!q) {
        (void)error_set(RONDO_ENOMEM, "%s: out of memory", call);
        return NULL;
    }
    *q = (struct query){
        .loop = loop, .call = call, .arg = arg, .port = PORT_BY_NAME};
    memcpy(q->what, what, size);
    q->task.done = names_answered;
    handle_open(loop, &q->handle, HANDLE_LOOKUP);
    q->id = id_new(loop, &q->handle, names_cancel);
    if (q->id > 0)
        return q;
    (void)error_in(call, (int)q->id);
    names_forget(q);
    names_free(q);
    return NULL;
}

static rondo_id names_refuse(struct query *q, int error)
{
    error_os(error, "%s: cannot look up %s", q->call, q->what);
    names_forget(q);
    names_free(q);
    return error;
}

/* ---- getaddrinfo ---- */

static int names_check_host(const char *host, const rondo_lookup_hints *hints)
{
    int error = host ? lookup_check_host(host, "getaddrinfo") : 0;
    if (error)
        return error;
    if ((unsigned)hints->family > RONDO_FAMILY_INET6)
        return error_set(RONDO_EINVAL, "getaddrinfo: an unknown family");
    if (hints->socket_type < RONDO_ANY_SOCKET || hints->protocol < 0)
        return error_set(RONDO_EINVAL,
                         "getaddrinfo: socket type %d, protocol %d",
                         hints->socket_type, hints->protocol);
    return 0;
}

/* A number is never passed to the system: glibc takes one out of range modulo
 * 65,536. */
static int names_check_service(const char *service, bool only_numeric,
                               int *port)
{
    *port = PORT_BY_NAME;
    if (!service)
        return 0;
    size_t size = strlen(service), digits = strspn(service, "0123456789");
    unsigned long number = strtoul(service, NULL, 10);
    bool letters = strpbrk(service, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (size && digits == size && size <= SERVICE_MAX && number <= PORT_MAX)
        *port = (int)number;
    else if (digits == size || size > SERVICE_MAX || !letters)
        return error_set(RONDO_EINVAL,
                         "getaddrinfo: \"%.40s\" is neither a port from 0 to "
                         "%d nor the name of a service",
                         service, PORT_MAX);
    else if (only_numeric)
        return error_set(RONDO_ENONAME,
                         "getaddrinfo: \"%.40s\" is not a numeric service",
                         service);
    return 0;
}

/* 1.2.3.4 becomes ::ffff:1.2.3.4. */
static void names_map(rondo_address *a)
{
    char text[32];
    unsigned char ip[16];
    if (rondo_address_ip(a, ip) != 4)
        return;
    (void)snprintf(text, sizeof text, "::ffff:%u.%u.%u.%u", ip[0], ip[1], ip[2],
                   ip[3]);
    (void)rondo_address_parse(a, text, rondo_address_port(a));
}

/* Returns 1 if the host is a numeric address, which is `a` then, and 0 if it is
 * a name. */
static int names_check_literal(const char *host,
                               const rondo_lookup_hints *hints,
                               rondo_address *a)
{
    if (!host || rondo_address_parse(a, host, 0) < 0) {
        if (host && hints->numeric_host)
            return error_set(RONDO_ENONAME,
                             "getaddrinfo: \"%s\" is not a numeric address",
                             host);
        return 0;
    }
    if (hints->family == RONDO_FAMILY_INET6 && hints->v4_mapped)
        names_map(a);
    if (hints->family && hints->family != rondo_address_family(a))
        return error_set(RONDO_EAFNOSUPPORT,
                         "getaddrinfo: \"%s\" is of another family than asked "
                         "for",
                         host);
    return 1;
}

static int names_know_literal(struct query *q, const rondo_address *literal,
                              const char *canonical)
{
    size_t size = canonical ? strlen(canonical) + 1 : 0;
    q->known.addresses = sys_alloc(sizeof *literal);
    q->known.host = size ? sys_alloc(size) : NULL;
    if (!q->known.addresses || (size && !q->known.host))
        return RONDO_ENOMEM;
    if (size)
        memcpy(q->known.host, canonical, size);
    assert(q->port != PORT_BY_NAME);
    q->known.addresses[0] = *literal;
    q->known.count = 1;
    rondo_address_set_port(q->known.addresses, (uint16_t)q->port);
    names_answer_later(q);
    return 0;
}

static int names_check_question(const char *host, const char *service,
                                const rondo_lookup_hints *hints,
                                rondo_address *literal, int *port)
{
    int error = names_check_host(host, hints);
    if (!error)
        error = names_check_service(service, hints->numeric_service, port);
    if (error)
        return error;
    if (!host && !service)
        return error_set(RONDO_EINVAL,
                         "getaddrinfo: neither a host nor a service");
    return names_check_literal(host, hints, literal);
}

rondo_id rondo_getaddrinfo(rondo_loop *loop, const char *host,
                           const char *service, const rondo_lookup_hints *hints,
                           rondo_getaddrinfo_fn done, void *arg)
{
    rondo_lookup_hints h;
    rondo_address literal;
    int port = 0, is_literal = 0;
    int error = loop_check_create(loop, "getaddrinfo");
    if (!error)
        error = loop_options(&h, sizeof h, hints, "getaddrinfo");
    if (!error && !done)
        error = error_set(RONDO_EINVAL, "getaddrinfo: no function");
    if (!error)
        error = is_literal =
            names_check_question(host, service, &h, &literal, &port);
    if (error < 0)
        return error;
    struct query *q =
        names_new(loop, "getaddrinfo", host ? host : service, arg);
    if (!q)
        return RONDO_ENOMEM;
    q->forward = done;
    q->port = service ? port : 0;
    h.size = sizeof h;
    error_no_os();
    if (is_literal && q->port != PORT_BY_NAME)
        error = names_know_literal(q, &literal, h.canonical_name ? host : NULL);
    else
        error = lookup_start(loop, host, service, &h, names_looked_up, q,
                             &q->lookup);
    return error ? names_refuse(q, error) : q->id;
}

/* ---- getnameinfo ---- */

rondo_id rondo_getnameinfo(rondo_loop *loop, const rondo_address *address,
                           int flags, rondo_getnameinfo_fn done, void *arg)
{
    const int numeric =
        RONDO_NAMEINFO_NUMERIC_HOST | RONDO_NAMEINFO_NUMERIC_SERVICE;
    const char *what = "getnameinfo";
    char text[RONDO_ADDRESS_TEXT];
    int error = loop_check_create(loop, what);
    if (error)
        return error;
    if (!done || !address || flags & ~ALL_FLAGS)
        return error_set(RONDO_EINVAL,
                         "%s: no function, no address, or unknown flags", what);
    rondo_family family = rondo_address_family(address);
    if (family != RONDO_FAMILY_INET && family != RONDO_FAMILY_INET6)
        return error_set(RONDO_EAFNOSUPPORT, "%s: not an IP address", what);
    (void)rondo_address_text(address, text, sizeof text);
    struct query *q = names_new(loop, what, text, arg);
    if (!q)
        return RONDO_ENOMEM;
    q->backward = done;
    error_no_os();
    if ((flags & numeric) == numeric) { /* sys_resolve_back does not block */
        error = sys_resolve_back(address, (unsigned)flags, &q->known);
        if (!error)
            names_answer_later(q);
    } else {
        error = lookup_start_back(loop, address, (unsigned)flags,
                                  names_looked_up, q, &q->lookup);
    }
    return error ? names_refuse(q, error) : q->id;
}

/* ---- closing, dump ---- */

static void names_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    id_free(loop, ((struct query *)(void *)handle)->id);
    names_cancel(loop, handle);
}

static bool names_describe(const struct handle *handle, char *text, size_t size)
{
    const struct query *q = (const struct query *)(const void *)handle;
    snprintf(text, size, "of %.100s, %s", q->what,
             q->lookup ? "looking up" : "answered");
    return true;
}

const struct handle_class names_class = {"look-up", names_close_at_loop_close,
                                         names_describe};
