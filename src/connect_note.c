/* connect_note.c - a connect that fails, in words. */
/* SPDX-License-Identifier: MIT */
#include "connect.h"
#include "error.h"

#include <stdio.h>
#include <string.h>

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
