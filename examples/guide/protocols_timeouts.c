/* protocols_timeouts.c - a peer that says nothing is asked, then dropped. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

struct session {
    bool asked;
};

static void made(rondo_transport *t, void *self)
{
    (void)self;
    /* Nothing received for 80 ms; no byte left for 10 s. */
    rondo_transport_set_timeouts(t, RONDO_MS(80), RONDO_SEC(10));
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct session *s = self;
    (void)t;
    printf("server: received %.*s", (int)size, (const char *)data);
    s->asked = false;
}

/* true: go on, the time starts again. false: the connection is aborted. */
static bool timed_out(rondo_transport *t, void *self, rondo_direction direction)
{
    struct session *s = self;
    if (direction == RONDO_WRITING || s->asked)
        return false;
    printf("server: asks\n");
    s->asked = true;
    rondo_transport_write(t, "still there?\n", 13);
    return true;
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)self;
    printf("server: %s\n", rondo_error_name(error));
    rondo_server_close(rondo_transport_server(t));
}

static const rondo_protocol server_side = {.connection_made = made,
                                           .data_received = received,
                                           .timed_out = timed_out,
                                           .connection_lost = lost};

/* Answers the first question only. */
static void client_received(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    int *answers = self;
    (void)data;
    (void)size;
    if ((*answers)++ == 0)
        rondo_transport_write(t, "yes\n", 4);
}

static const rondo_protocol client_side = {.data_received = client_received};

int main(void)
{
    struct session session = {false};
    int answers = 0;
    rondo_loop *loop;
    rondo_server *server;
    rondo_address address;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                            &server_side, &session, &server) < 0 ||
        rondo_server_address(server, 0, &address) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                &client_side, &answers, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "protocols_timeouts: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
