/* test_tables.c - tables of functions that a newer header has more of. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

#include <stddef.h>

/* A program that was compiled against this version has these places in its
 * binary: what comes later takes a reserved member, and moves nothing. */
#define PLACES(type, before, more)                                             \
    _Static_assert(offsetof(type, reserved) == (before) * sizeof(void *),      \
                   "a member of " #type " has moved");                         \
    _Static_assert(sizeof(type) == ((before) + (more)) * sizeof(void *),       \
                   #type " has another size")

PLACES(rondo_protocol, 10, 6);
PLACES(rondo_filter, 6, 6);
PLACES(rondo_datagram_protocol, 8, 4);
PLACES(rondo_process_protocol, 7, 5);
PLACES(rondo_resolver, 3, 5);

static void later(void)
{
}

/* The last place that a member of the future can be in. */
#define LAST(table)                                                            \
    ((table).reserved[sizeof((table).reserved) / sizeof *(table).reserved - 1])

/* The call is refused, and the sentence names it. */
#define refused(call, name) assert_refused(call, RONDO_ENOTSUP, name)

TEST(G2_a_protocol_of_the_future_is_refused)
{
    rondo_protocol protocol = recorder;
    struct peer *p = plain_peer(w, &recorder, 0);
    rondo_reader *reader = NULL;

    LAST(protocol) = later;
    refused(rondo_create_connection(
                w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = 1),
                &protocol, NULL, NULL, NULL),
            "create_connection");
    refused(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                &protocol, NULL, NULL),
            "create_server");
    refused(rondo_connect_accepted_socket(w->loop, (rondo_fd)p->fd, &protocol,
                                          NULL, NULL),
            "connect_accepted_socket");
    refused(rondo_transport_set_protocol(p->transport, &protocol, p),
            "set_protocol");
    refused(rondo_reader_new(w->loop, 0, &protocol, NULL, &reader),
            "reader_new");
    assert_ok(rondo_reader_new(w->loop, 0, NULL, NULL, &reader));
    refused(rondo_reader_set_protocol(reader, &protocol, NULL),
            "reader_set_protocol");
    rondo_reader_free(reader);
    plain_send(p, "x");
    assert_hears(w, p, "x"); /* its protocol is the old one */
    peer_finish(p, 0);
}

TEST(G2_a_pipe_s_protocol_of_the_future_is_refused)
{
    rondo_protocol protocol = recorder;
    rondo_transport *t = NULL;
    raw_fd *ends;

    if (!rondo_loop_supports(w->loop, RONDO_CAN_PIPES))
        test_skip(w, "this backend has no pipes");
    ends = test_own_pipe(w);
    LAST(protocol) = later;
    refused(rondo_connect_read_pipe(w->loop, (rondo_fd)ends[0], RONDO_PIPE_OWN,
                                    &protocol, NULL, &t),
            "connect_read_pipe");
    assert_null(t);
}

TEST(G2_a_filter_of_the_future_is_refused)
{
    rondo_filter filter = {.start = NULL};
    struct peer *p = plain_peer(w, &recorder, 0);

    LAST(filter) = later;
    refused(
        rondo_transport_push_filter(p->transport, &filter, NULL, NULL, NULL),
        "transport_push_filter");
    assert_einval(
        rondo_transport_push_filter(p->transport, NULL, NULL, NULL, NULL));
    peer_finish(p, 0);
}

TEST(G2_other_tables_of_the_future_are_refused)
{
    rondo_datagram_protocol datagram = {.connection_made = NULL};
    rondo_resolver resolver = {.start = NULL};

    LAST(datagram) = later;
    refused(rondo_create_datagram_endpoint(
                w->loop, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET), &datagram,
                NULL, NULL),
            "create_datagram_endpoint");
    resolver.start = (int (*)(void *, rondo_lookup *, const char *,
                              const char *, const rondo_lookup_hints *))later;
    resolver.cancel = (void (*)(void *, rondo_lookup *))later;
    LAST(resolver) = later;
    refused(rondo_set_resolver(w->loop, &resolver), "set_resolver");
}

TEST(G2_a_child_s_protocol_of_the_future_is_refused)
{
    rondo_process_protocol protocol = {.connection_made = NULL};

    if (!rondo_loop_supports(w->loop, RONDO_CAN_SUBPROCESS))
        test_skip(w, "this backend starts no programs");
    LAST(protocol) = later;
    refused(rondo_subprocess_exec(w->loop, RONDO_PROCESS(.program = "none"),
                                  &protocol, NULL, NULL),
            "subprocess_exec");
}

static int give_later(rondo_server *server, void *arg, rondo_transport *t,
                      const rondo_protocol **protocol, void **self)
{
    (void)server;
    (void)t;
    (void)self;
    *protocol = arg;
    return 0;
}

/* A factory's protocol is looked at, too: the client sees a reset, and no
 * member is called. */
TEST(G2_a_factory_s_protocol_of_the_future_is_refused)
{
    rondo_protocol *protocol = test_alloc(w, sizeof *protocol);
    rondo_server *server = NULL;
    rondo_address address;
    raw_fd client;
    char byte;

    *protocol = recorder;
    LAST(*protocol) = later;
    assert_ok(rondo_create_server(
        w->loop,
        RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = give_later), NULL,
        protocol, &server));
    assert_ok(rondo_server_address(server, 0, &address));
    client = test_own(w, raw_connect(rondo_address_port(&address)));
    test_run_until(w, raw_recv(client, &byte, 1, 0) != RAW_AGAIN);
    rondo_server_close(server);
    test_run_loop(w);
}
