/* echo_bufferevent.c - the echo server over libevent's bufferevents. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <sys/socket.h>

static struct serve serve;

static void received(struct bufferevent *client, void *arg)
{
    (void)arg;
    struct evbuffer *input = bufferevent_get_input(client);
    serve.bytes += evbuffer_get_length(input);
    bufferevent_write_buffer(client, input);
}

static void client_event(struct bufferevent *client, short what, void *base)
{
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))) {
        return;
    }
    bufferevent_free(client);
    if (serve_left(&serve)) {
        event_base_loopbreak(base);
    }
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd,
                     struct sockaddr *address, int size, void *base)
{
    (void)listener;
    (void)address;
    (void)size;
    struct bufferevent *client =
        bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!client) {
        serve_die("bufferevent_socket_new");
    }
    serve_accepted(&serve);
    bufferevent_setcb(client, received, NULL, client_event, base);
    bufferevent_enable(client, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv, "");
    struct event_base *base = event_base_new();
    if (!base) {
        serve_die("event_base_new");
    }
    struct evconnlistener *listener =
        evconnlistener_new(base, accepted, base, LEV_OPT_CLOSE_ON_FREE,
                           SOMAXCONN, serve_listen(&serve));
    if (!listener) {
        serve_die("evconnlistener_new");
    }
    event_base_dispatch(base);
    char version[64];
    snprintf(version, sizeof version, "libevent %s", event_get_version());
    serve.library = version;
    serve_report(&serve);
    evconnlistener_free(listener);
    event_base_free(base);
    return 0;
}
