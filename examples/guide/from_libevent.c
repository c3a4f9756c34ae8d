/* from_libevent.c - what libevent's calls are called here: each of them, once.
 */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "from_libevent: %s\n", rondo_last_error());
    exit(1);
}

/* ---- events ------------------------------------------------------------- */

static rondo_id persistent;

static void fired(rondo_loop *loop, void *arg)
{
    static int times;
    (void)loop;
    if (arg)
        printf("event: %s\n", (const char *)arg);
    else if (++times == 3)
        must(rondo_cancel(loop, persistent)); /* event_del */
}

static void end_it(rondo_loop *loop, void *arg)
{
    (void)arg;
    rondo_loop_stop(loop); /* event_base_loopbreak */
}

static void got_signal(rondo_loop *loop, int signum, void *arg)
{
    (void)loop, (void)signum;
    *(int *)arg += 1;
}

static void events(rondo_loop *loop)
{
    int signals = 0;
    must(rondo_call_soon(loop, fired, "active")); /* event_active */
    rondo_id id = rondo_call_later(loop, RONDO_SEC(60), fired, "timeout");
    must(id);
    int64_t now = rondo_loop_iteration_time(loop);
    must(rondo_reschedule(loop, id, now + RONDO_MS(20))); /* evtimer_add */
    persistent = rondo_call_every(loop, RONDO_MS(2), fired, NULL);
    must(persistent);           /* EV_PERSIST */
    must(rondo_loop_run(loop)); /* event_base_dispatch */
    must(rondo_add_signal_handler(loop, SIGINT, got_signal, &signals));
#ifdef SIGUSR1 /* Windows' raise does not reach the loop */
    raise(SIGINT);
#endif
    must(rondo_call_later(loop, RONDO_MS(2), end_it, NULL));
    must(rondo_loop_run_forever(loop)); /* EVLOOP_NO_EXIT_ON_EMPTY */
    printf("event: signal %d\n", signals);
    must(rondo_remove_signal_handler(loop, SIGINT)); /* evsignal_del */
    must(rondo_call_later(loop, RONDO_MS(2), end_it, NULL));
    printf("loop: %d\n", rondo_loop_run(loop));
    printf("loop: %d\n", rondo_loop_run_once(loop, 0)); /* EVLOOP_NONBLOCK */
}

static void line(void *arg, const char *text, size_t size)
{
    (void)size, (void)arg;
    printf("open: %.*s\n", (int)strcspn(text, " "), text);
}

static void went_wrong(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    (void)loop, (void)arg;
    printf("handler: %s\n", what->message);
}

static void inside(rondo_loop *loop)
{
    const char *const *names;
    size_t count = rondo_backends(&names); /* event_get_supported_methods */
    printf("backends: %s\n", count > 1 ? "several" : "one");
    must(rondo_set_default_backend(names[0])); /* event_config_avoid_method */
    must(rondo_set_default_backend(NULL));
    bool known =
        strlen(rondo_loop_backend(loop)) > 0; /* event_base_get_method */
    printf("loop: %s\n", known ? "has a backend" : "?");
    must(rondo_loop_after_fork(loop)); /* event_reinit */
    /* event_set_log_callback, evconnlistener_set_error_cb: */
    must(rondo_loop_set_exception_handler(loop, went_wrong, NULL));
    must(rondo_create_connection(loop,
                                 RONDO_CONNECT(.host = "127.0.0.1", .port = 1),
                                 &(const rondo_protocol){0}, NULL, NULL, NULL));
    must(rondo_loop_run(loop));
}

/* ---- a socket of the program's ------------------------------------------ */

static void quiet_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    printf("%s: lost, %s\n", (const char *)self, rondo_error_name(error));
}

static const rondo_protocol quiet = {.connection_lost = quiet_lost};

static rondo_transport *greeter;

static void writable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)arg;
    if (!greeter) /* level-triggered: it is called again */
        return;
    printf("socket: EV_WRITE\n");
    must(rondo_remove_writer(loop, fd)); /* event_del */
    must(rondo_transport_write(greeter, "hello", 5));
}

static void readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    rondo_transport *t;
    (void)arg;
    printf("socket: EV_READ\n");
    must(rondo_remove_reader(loop, fd));
    must(rondo_connect_accepted_socket(loop, fd, &quiet, "socket", &t));
    rondo_transport_close(t); /* bufferevent_free, BEV_OPT_CLOSE_ON_FREE */
}

static void accepted(rondo_server *server, void *arg, rondo_fd socket,
                     const rondo_address *peer)
{
    rondo_loop *loop = rondo_server_loop(server);
    (void)peer, (void)arg;
    must(rondo_add_writer(loop, socket, writable, NULL)); /* event_add */
    must(rondo_add_reader(loop, socket, readable, NULL));
    rondo_server_close(server); /* evconnlistener_free */
}

static void greet(rondo_transport *t, void *self)
{
    (void)self;
    greeter = t;
}

static void sockets(rondo_loop *loop)
{
    static const rondo_protocol greeting = {.connection_made = greet};
    rondo_server *server;
    rondo_address address;
    must(rondo_create_server(
        loop, RONDO_SERVE(.host = "127.0.0.1", .accepted = accepted), NULL,
        NULL, &server)); /* evconnlistener_new_bind */
    must(rondo_server_address(server, 0, &address));
    must(rondo_server_pause_serving(server)); /* evconnlistener_disable */
    must(rondo_server_start_serving(server)); /* evconnlistener_enable */
    must(rondo_loop_dump(loop, line, NULL));  /* event_base_dump_events */
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &greeting, NULL, NULL, NULL));
    must(rondo_loop_run(loop));
}

/* ---- bufferevents ------------------------------------------------------- */

static void released(void *arg)
{
    printf("server: %s is released\n", (const char *)arg);
}

static void got_three(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    static const rondo_buffer pieces[] = {{"good", 4}, {"bye", 3}};
    (void)arg;
    must(error);
    printf("server: exactly %.*s\n", (int)size, (const char *)data);
    must(rondo_transport_writev(t, pieces, 2)); /* evbuffer_add, twice */
    must(rondo_transport_write_owned(t, "!", 1, released,
                                     "a reference")); /* _add_reference */
    rondo_reader_free(reader); /* bufferevent_free, once all is sent */
}

static void got_line(rondo_reader *reader, void *arg, const void *data,
                     size_t size, int error)
{
    must(error);
    printf("server: line %.*s\n", (int)size - 1, (const char *)data);
    must(rondo_read_exactly(reader, 3, got_three, arg)); /* bufferevent_read */
}

static void client_came(rondo_reader *reader, void *arg)
{
    rondo_reader_set_drain(reader, true);
    must(rondo_read_line(reader, got_line, arg)); /* evbuffer_readln */
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)t;
    strncat(self, data, size);
}

static void client_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    printf("client: %s, then %s\n", (const char *)self,
           rondo_error_name(error));
}

static bool timed_out(rondo_transport *t, void *self, rondo_direction direction)
{
    (void)t, (void)self, (void)direction;
    return false; /* BEV_EVENT_TIMEOUT */
}

static void client_made(rondo_transport *t, void *self)
{
    (void)self;
    must(rondo_transport_set_timeouts(t, RONDO_SEC(9), RONDO_SEC(9)));
    must(rondo_transport_set_write_buffer_limits(t, 4096, 0));
    must(rondo_transport_pause_reading(t));        /* bufferevent_disable */
    must(rondo_transport_resume_reading(t));       /* bufferevent_enable */
    must(rondo_transport_write(t, "one\nabc", 7)); /* bufferevent_write */
    must(rondo_transport_fd(t) == RONDO_NO_FD ? -1 : 0);
}

/* bufferevent_setcb */
static const rondo_protocol client = {.connection_made = client_made,
                                      .data_received = received,
                                      .timed_out = timed_out,
                                      .connection_lost = client_lost};

static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *canonical_name, int error)
{
    (void)loop, (void)arg, (void)addresses, (void)canonical_name;
    must(error);
    printf("getaddrinfo: %d\n", (int)count);
}

static void buffers(rondo_loop *loop)
{
    static char text[64];
    rondo_server *server;
    rondo_address address;
    must(rondo_getaddrinfo(loop, "127.0.0.1", "80", NULL, found, NULL));
    must(rondo_loop_run(loop));
    must(rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1"), 0,
                            client_came, NULL, &server));
    rondo_server_set_background(server, true);
    must(rondo_server_address(server, 0, &address));
    /* bufferevent_socket_connect_hostname */
    must(rondo_create_connection(
        loop,
        RONDO_CONNECT(.host = "127.0.0.1",
                      .port = rondo_address_port(&address)),
        &client, text, NULL, NULL));
    must(rondo_loop_run(loop));
}

int main(void)
{
    rondo_loop *loop;
    must(rondo_loop_new(&loop, NULL)); /* event_base_new */
    events(loop);
    inside(loop);
    sockets(loop);
    buffers(loop);
    must(rondo_loop_close(loop)); /* event_base_free */
    return 0;
}
