/* counter.h - a counter that is kept twice, and its client. */
/* SPDX-License-Identifier: MIT */
#ifndef COUNTER_H
#define COUNTER_H

#include <rondo.h>

#include <stdbool.h>

/* A server counts, and sends each new value to its copy before it answers. */
struct counter {
    const char *copy_host; /* NULL: it is the copy */
    unsigned value;
    unsigned last_request;
    bool checks_requests; /* a request that it has had counts once */
    rondo_loop *loop;
    rondo_transport *client, *copy;
};
void counter_main(void *arg);

/* A client adds 1 so often, and asks again if no answer comes. */
struct adder {
    const char *host;
    unsigned wanted, answered;
    rondo_loop *loop;
};
void adder_main(void *arg);

#endif
