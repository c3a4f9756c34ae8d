/* udp_client.c - loads a UDP echo and checks what comes back. */
/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { WINDOW_MOST = 128, SIZE_MOST = 1400 };

static long request_count = 100000, window = 64, size_option = 64;
static size_t size;
static int fd;

static char room[WINDOW_MOST][SIZE_MOST], wanted[SIZE_MOST];
static struct mmsghdr heads[WINDOW_MOST];
static struct iovec parts[WINDOW_MOST];

static const struct option options[] = {
    {.name = "--requests",
     .number = &request_count,
     .least = 1,
     .most = 1L << 40},
    {.name = "--window", .number = &window, .least = 1, .most = WINDOW_MOST},
    {.name = "--size", .number = &size_option, .least = 8, .most = SIZE_MOST},
    LOAD_PATIENCE_OPTION,
    {0}};

static const char usage[] =
    "[--requests N] [--window N] [--size N] " LOAD_PATIENCE " 127.0.0.1:PORT\n"
    "--window  datagrams under way at a time";

/* Its number, again and again. */
static void compose(char *to, uint64_t number)
{
    for (size_t i = 0; i < size; i += sizeof number) {
        size_t rest = size - i;
        memcpy(to + i, &number, rest < sizeof number ? rest : sizeof number);
    }
}

static void prepare(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        parts[i] = (struct iovec){room[i], size};
        heads[i].msg_hdr =
            (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
}

static void send_numbers(uint64_t first, unsigned count)
{
    prepare(count);
    for (unsigned i = 0; i < count; i++) {
        compose(room[i], first + i);
    }
    for (unsigned sent = 0; sent < count;) {
        int more = sendmmsg(fd, heads + sent, count - sent, 0);
        if (more < 0) {
            load_die("sendmmsg");
        }
        sent += (unsigned)more;
    }
}

static void check_answer(const struct mmsghdr *head, const char *got,
                         uint64_t number)
{
    compose(wanted, number);
    if (head->msg_len != size || (head->msg_hdr.msg_flags & MSG_TRUNC) ||
        memcmp(got, wanted, size) != 0) {
        errno = 0;
        load_die("an answer");
    }
}

/* Loopback keeps the order, and loses nothing of such a small window. */
static void take_numbers(uint64_t first, unsigned count)
{
    while (count > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, (int)load_patience * 1000) <= 0) {
            errno = ETIMEDOUT;
            load_die("poll");
        }
        prepare(count);
        int got = recvmmsg(fd, heads, count, MSG_DONTWAIT, NULL);
        if (got < 0) {
            load_die("recvmmsg");
        }
        for (int i = 0; i < got; i++, first++) {
            check_answer(&heads[i], room[i], first);
        }
        count -= (unsigned)got;
    }
}

static void open_socket(const struct load_address *to)
{
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)&to->address, to->size) < 0) {
        load_die("connect");
    }
}

int main(int argc, char **argv)
{
    struct load_address to;
    int i = options_read(argc, argv, options, 1, usage);
    if (!load_parse(argv[i], &to) || to.address.ss_family != AF_INET) {
        options_wrong(argv[0], usage);
    }
    size = (size_t)size_option;
    open_socket(&to);
    for (long left = request_count, done = 0; left > 0;) {
        unsigned count = (unsigned)(left < window ? left : window);
        send_numbers((uint64_t)done, count);
        take_numbers((uint64_t)done, count);
        done += count;
        left -= count;
    }
    /* after the last answer nothing more may come */
    if (recv(fd, room[0], sizeof room[0], MSG_DONTWAIT) >= 0) {
        errno = 0;
        load_die("an answer too many");
    }
    /* an empty one ends the server */
    if (send(fd, "", 0, 0) < 0) {
        load_die("send");
    }
    return 0;
}
