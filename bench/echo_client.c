/* echo_client.c - loads an echo server and checks what comes back. */
/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, PATIENCE_SECONDS = 60 };

/* One connection has one request on its way, always: ping-pong. */
struct connection {
    int fd;
    uint32_t sent;   /* requests */
    size_t received; /* bytes of the answer to the last one */
};

static struct {
    long connections, requests;
    size_t size;
    bool one_by_one;
    struct sockaddr_in address;
    struct sockaddr_un path; /* an abstract one; empty: address it is */
    socklen_t path_size;
    uint64_t left; /* requests not yet sent */
    int poll;
} client = {.connections = 64, .requests = 100000, .size = 64};

static char *request, *answer;

static _Noreturn void die(const char *what)
{
    const char *why = errno ? strerror(errno) : "not as expected";
    fprintf(stderr, "echo_client: %s: %s\n", what, why);
    exit(1);
}

static _Noreturn void usage(void)
{
    fprintf(stderr,
            "usage: echo_client [--connections N] [--requests N] [--size N]\n"
            "                   [--one-by-one] 127.0.0.1:PORT or @NAME\n");
    exit(2);
}

/* The request is made of who sends it and which one it is, so that an answer
 * given to the wrong one is noticed. */
static void compose(const struct connection *c)
{
    uint32_t words[2] = {(uint32_t)c->fd, c->sent};
    for (size_t i = 0; i < client.size; i += sizeof words) {
        size_t rest = client.size - i;
        memcpy(request + i, words, rest < sizeof words ? rest : sizeof words);
        words[1] += 0x9e3779b9u;
    }
}

static void send_request(struct connection *c)
{
    c->sent++;
    c->received = 0;
    compose(c);
    if (send(c->fd, request, client.size, MSG_NOSIGNAL) !=
        (ssize_t)client.size) {
        die("send");
    }
}

/* True once the whole answer is here. */
static bool take_answer(struct connection *c)
{
    ssize_t got = recv(c->fd, answer, client.size - c->received, 0);
    if (got <= 0) {
        errno = got ? errno : ECONNRESET;
        die("recv");
    }
    compose(c);
    if (memcmp(answer, request + c->received, (size_t)got) != 0) {
        errno = 0;
        die("the answer");
    }
    c->received += (size_t)got;
    return c->received == client.size;
}

static int connect_path(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&client.path, client.path_size) < 0) {
        die("connect");
    }
    return fd;
}

static int connect_address(void)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&client.address, sizeof client.address) <
            0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
        die("connect");
    }
    return fd;
}

static void open_connection(struct connection *c, bool watched)
{
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = client.path_size ? connect_path() : connect_address();
    if (setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) <
        0) {
        die("setsockopt");
    }
    if (watched && epoll_ctl(client.poll, EPOLL_CTL_ADD, c->fd, &event) < 0) {
        die("epoll_ctl");
    }
}

/* Each connection in turn asks once and then rests. */
static void rest(struct connection *connections)
{
    for (long i = 0; i < client.connections; i++) {
        struct connection *c = &connections[i];
        open_connection(c, false);
        send_request(c);
        while (!take_answer(c)) {
        }
    }
}

static uint64_t answer_events(const struct epoll_event *events, int count)
{
    uint64_t answers = 0;
    for (int i = 0; i < count; i++) {
        struct connection *c = events[i].data.ptr;
        if (!take_answer(c)) {
            continue;
        }
        answers++;
        if (client.left > 0) {
            client.left--;
            send_request(c);
        }
    }
    return answers;
}

static void ping_pong(struct connection *connections)
{
    uint64_t awaited = (uint64_t)client.requests;
    struct epoll_event events[EVENTS];
    for (long i = 0; i < client.connections; i++) {
        open_connection(&connections[i], true);
    }
    client.left = awaited;
    for (long i = 0; i < client.connections && client.left > 0; i++) {
        client.left--;
        send_request(&connections[i]);
    }
    while (awaited > 0) {
        int count =
            epoll_wait(client.poll, events, EVENTS, PATIENCE_SECONDS * 1000);
        if (count <= 0) {
            errno = count ? errno : ETIMEDOUT;
            die("epoll_wait");
        }
        awaited -= answer_events(events, count);
    }
}

static void parse_path(const char *text)
{
    size_t size = strlen(text);
    if (size >= sizeof client.path.sun_path) {
        usage();
    }
    client.path.sun_family = AF_UNIX;
    memcpy(client.path.sun_path + 1, text + 1, size - 1);
    client.path_size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static void parse_address(const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host) {
        usage();
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    client.address.sin_family = AF_INET;
    client.address.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &client.address.sin_addr) != 1) {
        usage();
    }
}

static void parse_options(int argc, char **argv)
{
    int i = 1;
    for (; i < argc - 1; i++) {
        long value = atol(argv[i + 1]);
        if (strcmp(argv[i], "--one-by-one") == 0) {
            client.one_by_one = true;
            continue;
        }
        if (value <= 0) {
            usage();
        } else if (strcmp(argv[i], "--connections") == 0) {
            client.connections = value;
        } else if (strcmp(argv[i], "--requests") == 0) {
            client.requests = value;
        } else if (strcmp(argv[i], "--size") == 0) {
            client.size = (size_t)value;
        } else {
            usage();
        }
        i++;
    }
    if (i != argc - 1) {
        usage();
    }
    if (*argv[i] == '@') {
        parse_path(argv[i]);
    } else {
        parse_address(argv[i]);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("setrlimit");
    }
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    raise_descriptor_limit();
    client.poll = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections =
        calloc((size_t)client.connections, sizeof *connections);
    request = malloc(client.size);
    answer = malloc(client.size);
    if (client.poll < 0 || !connections || !request || !answer) {
        die("start");
    }
    double start = now();
    if (client.one_by_one) {
        client.requests = client.connections;
        rest(connections);
    } else {
        ping_pong(connections);
    }
    printf("requests=%ld seconds=%.3f per_second=%.0f\n", client.requests,
           now() - start, (double)client.requests / (now() - start));
    free(connections);
    return 0;
}
