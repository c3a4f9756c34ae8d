/* fetch.c - https:// for fetch; the rest of that program is examples/fetch.c. */
/* SPDX-License-Identifier: MIT */
#include "fetch.h"
#include "rondo_tls.h"

static rondo_tls_context *tls;

int https_open(const char *ca_file)
{
    return rondo_tls_context_new(
        &tls, RONDO_TLS(.ca_file = ca_file, .alpn = "http/1.1"));
}

void https_close(void)
{
    rondo_tls_context_free(tls);
}

int https_setup(rondo_transport *t, void *host)
{
    return rondo_tls_start(t, tls, host, NULL, NULL);
}
