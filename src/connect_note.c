/* connect_note.c - a connect in words: what is wrong with it, why it failed. */
/* SPDX-License-Identifier: MIT */
#include "connect.h"
#include "error.h"

#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 255 };

int connect_check(const rondo_connect_options *o,
                  const rondo_protocol *protocol)
{
    const char *what = "create_connection";
    int targets = (o->host ? 1 : 0) + (o->path ? 1 : 0) + (o->address ? 1 : 0) +
                  (o->socket ? 1 : 0);
    if (targets != 1)
        return error_set(RONDO_EINVAL,
                         "%s: exactly one of host, path, address and socket, "
                         "not %d",
                         what, targets);
    if (!protocol)
        return error_set(RONDO_EINVAL, "%s: no protocol", what);
    if (o->host && (!*o->host || strlen(o->host) > HOST_MAX))
        return error_set(RONDO_EINVAL,
                         "%s: a host of %zu bytes; 1 to %d are allowed", what,
                         strlen(o->host), HOST_MAX);
    if (o->address && rondo_address_family(o->address) == RONDO_FAMILY_ANY)
        return error_set(RONDO_EINVAL, "%s: an empty address", what);
    if (o->timeout_ns < 0 || (unsigned)o->family > RONDO_FAMILY_INET6)
        return error_set(RONDO_EINVAL,
                         "%s: a negative timeout or an unknown "
                         "family",
                         what);
    return 0;
}

void connect_note(struct connect *c, int error, const rondo_address *a,
                  const char *verb)
{
    char where[RONDO_ADDRESS_TEXT];
    (void)rondo_address_text(a, where, sizeof where);
    size_t used = strlen(c->tried);
    error_os(error, "%s%s%s", verb, *verb ? " " : "", where);
    c->error = error;
    c->os_error = rondo_last_os_error();
    snprintf(c->tried + used, sizeof c->tried - used, "%s%s", used ? "; " : "",
             rondo_last_error());
}

void connect_note_stopped(struct connect *c)
{
    char where[RONDO_ADDRESS_TEXT];
    (void)rondo_address_text(c->op.buffer, where, sizeof where);
    size_t used = strlen(c->tried);
    snprintf(c->tried + used, sizeof c->tried - used, "%s%s: %s (%s)",
             used ? "; " : "", where, rondo_strerror(c->stopped),
             rondo_error_name(c->stopped));
}

void connect_tell(struct connect *c, int error)
{
    const char *host = *c->host ? c->host : "the socket";
    const char *what = "create_connection: cannot connect to";
    if (*c->tried)
        error_set(error, "%s %s: %s", what, host, c->tried);
    else if (c->stopped)
        error_set(error, "%s %s: %s (%s)", what, host, rondo_strerror(error),
                  rondo_error_name(error));
    else
        error_os(error, "%s %s", what, host);
}

bool connect_describe(const struct handle *handle, char *text, size_t size)
{
    const struct connect *c = (const struct connect *)(const void *)handle;
    snprintf(text, size, "fd %lld, to %.100s, %s",
             c->t ? (long long)c->t->io.fd : -1LL, *c->host ? c->host : "-",
             c->lookup ? "looking up" : "connecting");
    return true;
}
