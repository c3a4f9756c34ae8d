/* echo_group.c - the echo server over a group of two loops; --mode NAME says
 * how clients come to them: kernel (default), turn, fewest. --mode one: a group
 * of one loop. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <rondo.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOPS = 2, CACHE_LINE = 64 };

/* Each loop has a line of the cache to itself. */
static struct account {
    _Alignas(CACHE_LINE) uint64_t bytes;
} accounts[LOOPS];

static struct serve serve;
static rondo_group *group;
static atomic_long clients;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, rondo_last_error());
    exit(1);
}

static void close_group(rondo_loop *home, void *arg)
{
    (void)home;
    (void)arg;
    if (rondo_group_close(group, 0, NULL, NULL) < 0) {
        fail("group_close");
    }
}

static void echoed(rondo_transport *t, void *self, const void *data,
                   size_t size)
{
    struct account *account = self;
    account->bytes += size;
    rondo_transport_write(t, data, size);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)self;
    (void)error;
    if (atomic_fetch_sub(&clients, 1) == 1 &&
        rondo_call_soon_threadsafe(rondo_group_home(group), close_group, NULL) <
            0) {
        fail("call_soon_threadsafe");
    }
}

static const rondo_protocol echo = {.data_received = echoed,
                                    .connection_lost = lost};

static int choose(rondo_server *server, void *arg, rondo_transport *t,
                  const rondo_protocol **protocol, void **self)
{
    (void)server;
    (void)arg;
    int index = rondo_group_index(group, rondo_transport_loop(t));
    if (index < 0) {
        return index;
    }
    atomic_fetch_add(&clients, 1);
    *protocol = &echo;
    *self = &accounts[index];
    return 0;
}

static rondo_spread spread_of(const char *mode)
{
    return strcmp(mode, "turn") == 0     ? RONDO_SPREAD_IN_TURN
           : strcmp(mode, "fewest") == 0 ? RONDO_SPREAD_TO_FEWEST
                                         : RONDO_SPREAD_BY_KERNEL;
}

static void announce(const rondo_group_server *server)
{
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    if (rondo_group_server_address(server, 0, &address) < 0 ||
        rondo_address_text(&address, text, sizeof text) < 0) {
        fail("group_server_address");
    }
    printf("listening on %s\n", text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    rondo_loop *home;
    rondo_group_options options = RONDO_GROUP_OPTIONS_INIT;
    rondo_group_server *server;
    serve_options(&serve, argc, argv, "one kernel turn fewest");
    options.loops = strcmp(serve.mode, "one") == 0 ? 1 : LOOPS;
    if (rondo_loop_new(&home, NULL) < 0 ||
        rondo_create_group(home, &options, &group) < 0) {
        fail("create_group");
    }
    if (rondo_group_serve(
            group, RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = choose),
            spread_of(serve.mode), NULL, NULL, &server) < 0) {
        fail("group_serve");
    }
    announce(server);
    if (rondo_loop_run(home) < 0) {
        fail("loop_run");
    }
    for (int i = 0; i < LOOPS; i++) {
        serve.bytes += accounts[i].bytes;
    }
    serve_report(&serve);
    return rondo_loop_close(home) < 0;
}
