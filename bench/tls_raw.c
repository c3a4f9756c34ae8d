/* tls_raw.c - an echo over TLS, written by hand over epoll and OpenSSL; --mode
 * names the file of the certificate and its key. */
/* SPDX-License-Identifier: MIT */
#include "tls_serve.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

static struct serve serve;
static SSL_CTX *context;
static int epoll, listener;

static void watch(int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        serve_die("epoll_ctl");
    }
}

static void accept_clients(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        SSL *ssl = SSL_new(context);
        if (!ssl || SSL_set_fd(ssl, fd) != 1) {
            tls_die("SSL_new");
        }
        SSL_set_accept_state(ssl);
        serve_accepted(&serve);
        watch(fd, ssl);
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
}

/* One that does not take its answers is dropped: there is no queue here. */
static bool last_left(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
    return serve_left(&serve);
}

/* True: it is gone. */
static bool answer(SSL *ssl)
{
    static char buffer[RECEIVE_SIZE];
    int got;
    while ((got = SSL_read(ssl, buffer, sizeof buffer)) > 0) {
        if (SSL_write(ssl, buffer, got) != got) {
            return true;
        }
        serve.bytes += (size_t)got;
    }
    return SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ;
}

/* True when the last client has left. */
static bool serve_ready(const struct epoll_event *ready, int count)
{
    for (const struct epoll_event *end = ready + count; ready < end; ready++) {
        if (!ready->data.ptr) {
            accept_clients();
        } else if (answer(ready->data.ptr) && last_left(ready->data.ptr)) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS];
    serve_options(&serve, argc, argv, "FILE");
    context = tls_context(serve.mode);
    SSL_CTX_set_read_ahead(context, 1); /* one read for header and record */
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        serve_die("epoll_create1");
    }
    listener = serve_listen(&serve);
    watch(listener, NULL);
    while (!serve_ready(events, epoll_wait(epoll, events, EVENTS, -1))) {
    }
    serve_report(&serve);
    SSL_CTX_free(context);
    close(listener);
    close(epoll);
    return 0;
}
