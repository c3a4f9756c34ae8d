/* fetch_plain.c - fetch without https://. */
/* SPDX-License-Identifier: MIT */
#include "fetch.h"

int https_open(const char *ca_file)
{
    (void)ca_file;
    return rondo_set_error(
        RONDO_ENOTSUP,
        "https: not in this program, which was built without OpenSSL");
}

void https_close(void)
{
}

int https_setup(rondo_transport *t, void *host)
{
    (void)t;
    (void)host;
    return https_open(NULL);
}
