/* deploying_unix.c - a service for systemd: takes its socket, says when it is
 * ready, raises its limit of descriptors, and ends in order on SIGTERM. */
/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* setenv */

#include <arpa/inet.h>
#include <rondo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "deploying: %s\n", rondo_last_error());
    exit(1);
}

/* ---- the service --------------------------------------------------------- */

/* sd_listen_fds(3): the first descriptor that systemd hands over is 3. */
static rondo_fd passed_socket(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    bool ours = pid && fds && atol(pid) == getpid() && atoi(fds) > 0;
    unsetenv("LISTEN_PID"); /* not for our children */
    unsetenv("LISTEN_FDS");
    return ours ? 3 : RONDO_NO_FD;
}

/* sd_notify(3): one datagram to a unix socket. */
static void notify(rondo_loop *loop, const char *text)
{
    static const rondo_datagram_protocol quiet = {0};
    const char *path = getenv("NOTIFY_SOCKET");
    char name[108];
    rondo_address a;
    rondo_datagram *d;
    if (!path || strlen(path) >= sizeof name)
        return; /* not started by systemd */
    memcpy(name, path, strlen(path));
    if (name[0] == '@')
        name[0] = '\0'; /* an abstract name */
    if (rondo_address_unix(&a, name, strlen(path)) == 0 &&
        rondo_create_datagram_endpoint(loop,
                                       RONDO_DATAGRAM(.remote_address = &a),
                                       &quiet, NULL, &d) == 0) {
        (void)rondo_datagram_send(d, text, strlen(text), NULL);
        rondo_datagram_close(d); /* when it has left */
    }
}

static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void welcome(rondo_transport *t, void *self)
{
    (void)self;
    must(rondo_transport_write(t, "hello", 5));
}

static const rondo_protocol service = {.connection_made = welcome};

static void too_late(rondo_loop *loop, void *server)
{
    (void)loop;
    rondo_server_abort_clients(server);
}

/* Nobody new; clients get what waits for them, for five seconds at most. */
static void end_in_order(rondo_loop *loop, int signum, void *server)
{
    (void)signum;
    notify(loop, "STOPPING=1");
    rondo_server_close(server);
    rondo_server_close_clients(server);
    rondo_id id = rondo_call_later(loop, RONDO_SEC(5), too_late, server);
    if (id > 0)
        (void)rondo_set_background(loop, id, true);
}

static rondo_server *start(rondo_loop *loop)
{
    rondo_fd fd = passed_socket();
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    rondo_server *server;
    if (fd != RONDO_NO_FD)
        options.socket = &fd;
    else
        options.port = 7000;
    must(rondo_create_server(loop, &options, &service, NULL, &server));
    must(rondo_add_signal_handler(loop, SIGTERM, end_in_order, server));
    notify(loop, "READY=1"); /* clients can connect from now on */
    printf("socket: %s\n", options.socket ? "from systemd" : "our own");
    return server;
}

/* ---- the rest plays systemd and a client --------------------------------- */

static char path[64];
static char notes[128];

static void noted(rondo_datagram *d, void *self, const void *data, size_t size,
                  const rondo_address *from, bool truncated)
{
    (void)self, (void)from, (void)truncated;
    if (*notes)
        strncat(notes, ", ", 3);
    strncat(notes, data, size);
    if (strstr(notes, "STOPPING"))
        rondo_datagram_close(d);
}

static void be_systemd(rondo_loop *loop)
{
    static const rondo_datagram_protocol notes_of = {.datagram_received =
                                                         noted};
    rondo_address a;
    snprintf(path, sizeof path, "/tmp/guide-notify-%ld", (long)getpid());
    must(rondo_address_unix(&a, path, strlen(path)));
    must(rondo_create_datagram_endpoint(
        loop, RONDO_DATAGRAM(.local_address = &a), &notes_of, NULL, NULL));
    setenv("NOTIFY_SOCKET", path, 1);
}

/* What systemd does before it starts the program of a .socket unit. */
static void be_socket_unit(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    char pid[24];
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        listen(fd, SOMAXCONN) < 0 || (fd != 3 && dup2(fd, 3) < 0))
        exit(1);
    if (fd != 3)
        close(fd);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)t, (void)self;
    printf("client: %.*s\n", (int)size, (const char *)data);
    raise(SIGTERM);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t, (void)self;
    printf("client: lost, %s\n", rondo_error_name(error));
}

int main(void)
{
    static const rondo_protocol client = {.data_received = received,
                                          .connection_lost = lost};
    rondo_loop *loop;
    rondo_address address;
    if (!getenv("LISTEN_FDS")) /* systemd-socket-activate does it, too */
        be_socket_unit();
    raise_limit();
    must(rondo_loop_new(&loop, NULL));
    be_systemd(loop);
    rondo_server *server = start(loop);
    int64_t limit = rondo_loop_limit(loop, RONDO_LIMIT_DESCRIPTORS);
    printf("descriptors: %s\n", limit > 256 ? "enough" : "few");
    must(rondo_server_address(server, 0, &address));
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &client, NULL, NULL, NULL));
    must(rondo_loop_run(loop));
    printf("notify: %s\n", notes);
    must(rondo_loop_close(loop));
    return 0;
}
