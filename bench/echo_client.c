/* echo_client.c - loads an echo server and checks what comes back. */
/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = 256, MOST = 1000000 };

/* One connection has one request on its way, always: ping-pong. */
struct connection {
    int fd;
    uint32_t sent;   /* requests */
    size_t received; /* bytes of the answer to the last one */
};

static struct {
    struct load_address address;
    uint64_t left; /* requests not yet sent */
    int epoll;
} client;

static long connection_count = 64, idle_count, request_count = 100000;
static long size_option = 64;
static bool one_by_one, hold, fresh;
static size_t size;
static char *request, *answer;

static const struct option options[] = {
    {.name = "--connections",
     .number = &connection_count,
     .least = 1,
     .most = MOST},
    {.name = "--idle", .number = &idle_count, .least = 1, .most = MOST},
    {.name = "--requests",
     .number = &request_count,
     .least = 1,
     .most = 1L << 40},
    {.name = "--size", .number = &size_option, .least = 1, .most = 1 << 30},
    {.name = "--one-by-one", .flag = &one_by_one},
    {.name = "--hold", .flag = &hold},
    {.name = "--fresh", .flag = &fresh},
    LOAD_PATIENCE_OPTION,
    {0}};

static const char usage[] =
    "[--connections N] [--idle N] [--requests N] [--size N]\n"
    "       [--one-by-one [--hold] | --fresh] " LOAD_PATIENCE
    " 127.0.0.1:PORT | @NAME\n"
    "--idle        connections beside these that ask once and then rest\n"
    "--one-by-one  each connection asks once; --hold: then all rest until\n"
    "              standard input ends\n"
    "--fresh       a new connection for each request, so many at a time";

/* The request is made of who sends it and which one it is, so that an answer
 * given to the wrong one is noticed. */
static void compose(const struct connection *c)
{
    uint32_t words[2] = {(uint32_t)c->fd, c->sent};
    for (size_t i = 0; i < size; i += sizeof words) {
        size_t rest = size - i;
        memcpy(request + i, words, rest < sizeof words ? rest : sizeof words);
        words[1] += 0x9e3779b9u;
    }
}

static void send_request(struct connection *c)
{
    c->sent++;
    c->received = 0;
    compose(c);
    if (send(c->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size) {
        load_die("send");
    }
}

/* True once the whole answer is here. */
static bool take_answer(struct connection *c)
{
    ssize_t got = recv(c->fd, answer, size - c->received, 0);
    if (got <= 0) {
        errno = got ? errno : ECONNRESET;
        load_die("recv");
    }
    compose(c);
    if (memcmp(answer, request + c->received, (size_t)got) != 0) {
        errno = 0;
        load_die("the answer");
    }
    c->received += (size_t)got;
    return c->received == size;
}

static void ask_and_wait(struct connection *c)
{
    send_request(c);
    while (!take_answer(c)) {
    }
}

static void watch(struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(client.epoll, EPOLL_CTL_ADD, c->fd, &event) < 0) {
        load_die("epoll_ctl");
    }
}

/* After the last answer nothing more may come. */
static void leave(struct connection *c)
{
    char byte;
    if (recv(c->fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN) {
        errno = 0;
        load_die("bytes after the last answer");
    }
    close(c->fd);
}

/* Each connection in turn asks once and then rests. */
static void rest(struct connection *connections, long count)
{
    for (long i = 0; i < count; i++) {
        connections[i].fd = load_connect(&client.address);
        ask_and_wait(&connections[i]);
    }
}

static void wait_for_end_of_input(void)
{
    printf("resting\n");
    fflush(stdout);
    while (getchar() != EOF) {
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

/* So many requests, by connections that are open and watched. */
static void ping_pong(struct connection *connections, uint64_t awaited)
{
    struct epoll_event events[EVENTS];
    client.left = awaited;
    for (long i = 0; i < connection_count && client.left > 0; i++) {
        client.left--;
        send_request(&connections[i]);
    }
    while (awaited > 0) {
        awaited -=
            answer_events(events, load_wait(client.epoll, events, EVENTS));
    }
}

static void open_all(struct connection *connections)
{
    for (long i = 0; i < connection_count; i++) {
        connections[i].fd = load_connect(&client.address);
        watch(&connections[i]);
    }
}

static void leave_all(struct connection *connections, long count)
{
    for (long i = 0; i < count; i++) {
        leave(&connections[i]);
    }
}

/* A connection that stays keeps the server from ending. */
static void come_and_go(struct connection *connections)
{
    struct connection stays = {.fd = load_connect(&client.address)};
    ask_and_wait(&stays);
    for (long left = request_count; left > 0; left -= connection_count) {
        if (left < connection_count) {
            connection_count = left;
        }
        open_all(connections);
        ping_pong(connections, (uint64_t)connection_count);
        leave_all(connections, connection_count);
    }
    leave(&stays);
}

static void run(struct connection *connections, struct connection *idle)
{
    rest(idle, idle_count);
    if (one_by_one) {
        rest(connections, connection_count);
        if (hold) {
            wait_for_end_of_input();
        }
        leave_all(connections, connection_count);
    } else if (fresh) {
        come_and_go(connections);
    } else {
        open_all(connections);
        ping_pong(connections, (uint64_t)request_count);
        leave_all(connections, connection_count);
    }
    leave_all(idle, idle_count);
}

int main(int argc, char **argv)
{
    int i = options_read(argc, argv, options, 1, usage);
    if (!load_parse(argv[i], &client.address)) {
        options_wrong(argv[0], usage);
    }
    size = (size_t)size_option;
    options_raise_descriptor_limit();
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct connection *all =
        calloc((size_t)(connection_count + idle_count), sizeof *all);
    request = malloc(size);
    answer = malloc(size);
    if (client.epoll < 0 || !all || !request || !answer) {
        load_die("start");
    }
    run(all, all + connection_count);
    free(all);
    free(request);
    free(answer);
    return 0;
}
