/* raw_sim.c - raw.h over a simulated system: one host, which runs the tests. */
/* SPDX-License-Identifier: MIT */
#include "../raw.h"
#include "../raw_datagram.h"
#include "../raw_net.h"

#include "rondo_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the world ---- */

int test_main(void);
int child_main(int argc, char **argv);

static int result;

extern char **environ; /* NOLINT: not every <unistd.h> has it */

/* What a program has when it begins. */
static void set_up_host(void)
{
    rondo_fd null =
        rondo_sim_open("/dev/null", RONDO_FILE_READ | RONDO_FILE_WRITE);
    for (int i = 0; i < 3; i++)
        (void)rondo_sim_duplicate_to(null, i);
    (void)rondo_sim_close(null, false);
    (void)rondo_sim_make_directory("/tests");
    (void)rondo_sim_close(
        rondo_sim_open("/tests/child", RONDO_FILE_WRITE | RONDO_FILE_CREATE),
        false);
    (void)rondo_sim_set_environment((const char *const *)(void *)environ);
}

static void run_tests(void *arg)
{
    (void)arg;
    set_up_host();
    result = test_main();
}

static int run_child(int argc, char **argv, void *arg)
{
    (void)arg;
    return child_main(argc, argv);
}

/* A year of virtual time is the limit of all tests of a file. */
int main(void)
{
    result = 1;
    if (rondo_sim_begin(RONDO_SIM(.backend = getenv("RONDO_TEST_BACKEND"),
                                  .descriptors = 4096)) < 0 ||
        rondo_sim_program("/tests/child", run_child, NULL) < 0 ||
        rondo_sim_add_host("host", NULL, run_tests, NULL) < 0)
        return 1;
    if (rondo_sim_run_quiet(RONDO_SEC(365) * 86400) != RONDO_SIM_QUIET)
        fprintf(stderr, "the tests have not ended\n");
    (void)rondo_sim_end();
    return result;
}

/* ---- streams ---- */

static rondo_address loopback(uint16_t port)
{
    rondo_address a;
    (void)rondo_address_parse(&a, "127.0.0.1", port);
    return a;
}

static int64_t ns_of(int timeout_ms)
{
    return timeout_ms < 0 ? RONDO_NEVER : RONDO_MS(timeout_ms);
}

static ptrdiff_t count_of(int64_t count)
{
    if (count >= 0)
        return (ptrdiff_t)count;
    if (count == RONDO_EAGAIN)
        return RAW_AGAIN;
    return count == RONDO_ECONNRESET || count == RONDO_EPIPE ? RAW_RESET
                                                             : RAW_FAILED;
}

/* A kernel's loopback has moved everything when a call returns; here that
 * takes an instant. */
static void settle(void)
{
    (void)rondo_sim_sleep(1);
}

static raw_fd fd_of(rondo_fd fd)
{
    return fd < 0 ? RONDO_NO_FD : fd;
}

/* Blocking, as a system makes them. */
static raw_fd socket_of(rondo_fd fd)
{
    if (fd < 0)
        return RONDO_NO_FD;
    (void)rondo_sim_set_blocking(fd, true);
    return fd;
}

raw_fd raw_tcp(void)
{
    return socket_of(rondo_sim_socket(RONDO_FAMILY_INET, false));
}

raw_fd raw_listen_at(const rondo_address *address)
{
    rondo_fd fd = rondo_sim_socket(rondo_address_family(address), false);
    if (rondo_address_family(address) == RONDO_FAMILY_INET6)
        (void)rondo_sim_set_v6only(fd, true);
    if (fd >= 0 &&
        (rondo_sim_bind(fd, address) < 0 || rondo_sim_listen(fd, 0) < 0)) {
        (void)rondo_sim_close(fd, false);
        return RONDO_NO_FD;
    }
    return fd_of(fd);
}

raw_fd raw_listen(uint16_t *port, int backlog)
{
    rondo_address a = loopback(0);
    raw_fd fd = raw_listen_at(&a);
    (void)rondo_sim_listen(fd, backlog);
    *port = raw_local_port(fd);
    return fd;
}

raw_fd raw_accept(raw_fd listener, int timeout_ms)
{
    return socket_of(rondo_sim_accept(listener, NULL, ns_of(timeout_ms)));
}

raw_fd raw_connect_at(const rondo_address *address)
{
    rondo_fd fd = rondo_sim_socket(rondo_address_family(address), false);
    if (fd >= 0 && rondo_sim_connect(fd, address, RONDO_SEC(10)) < 0) {
        (void)rondo_sim_close(fd, false);
        raw_yield(); /* for those who try until it succeeds */
        return RONDO_NO_FD;
    }
    return socket_of(fd);
}

raw_fd raw_connect(uint16_t port)
{
    rondo_address a = loopback(port);
    return raw_connect_at(&a);
}

raw_fd raw_connect_start(uint16_t port)
{
    rondo_address a = loopback(port);
    raw_fd fd = raw_tcp();
    (void)rondo_sim_connect(fd, &a, 0);
    return fd;
}

int raw_pair_small(raw_fd pair[2], int bytes)
{
    uint16_t port;
    raw_fd listener = raw_listen(&port, 1);
    raw_set_buffers(listener, bytes);
    pair[0] = raw_connect(port);
    pair[1] = raw_accept(listener, 1000);
    raw_close(listener);
    raw_set_buffers(pair[0], bytes);
    raw_set_buffers(pair[1], bytes);
    return pair[0] == RONDO_NO_FD || pair[1] == RONDO_NO_FD ? -1 : 0;
}

int raw_pair(raw_fd pair[2])
{
    return raw_pair_small(pair, 131072);
}

ptrdiff_t raw_send(raw_fd fd, const void *data, size_t size)
{
    ptrdiff_t count = count_of(rondo_sim_send(fd, data, size, 0));
    settle();
    return count;
}

bool raw_send_all(raw_fd fd, const void *data, size_t size, int timeout_ms)
{
    const char *bytes = data;
    while (size) {
        int64_t sent = rondo_sim_send(fd, bytes, size, ns_of(timeout_ms));
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

ptrdiff_t raw_recv(raw_fd fd, void *data, size_t size, int timeout_ms)
{
    settle();
    return count_of(rondo_sim_recv(fd, data, size, ns_of(timeout_ms)));
}

bool raw_recv_exact(raw_fd fd, void *data, size_t size, int timeout_ms)
{
    char *bytes = data;
    while (size) {
        int64_t got = rondo_sim_recv(fd, bytes, size, ns_of(timeout_ms));
        if (got <= 0)
            return false;
        bytes += got;
        size -= (size_t)got;
    }
    return true;
}

void raw_shutdown_write(raw_fd fd)
{
    (void)rondo_sim_shutdown(fd);
    settle();
}

void raw_reset(raw_fd fd)
{
    (void)rondo_sim_close(fd, true);
    settle();
}

void raw_close(raw_fd fd)
{
    (void)rondo_sim_close(fd, false);
    settle();
}

void raw_set_buffers(raw_fd fd, int bytes)
{
    if (bytes > 0)
        (void)rondo_sim_set_buffers(fd, (size_t)bytes);
}

static uint16_t port_of(raw_fd fd, bool peer)
{
    rondo_address a;
    return rondo_sim_address(fd, peer, &a) < 0 ? 0 : rondo_address_port(&a);
}

uint16_t raw_local_port(raw_fd fd)
{
    return port_of(fd, false);
}

uint16_t raw_peer_port(raw_fd fd)
{
    return port_of(fd, true);
}

bool raw_has_inet6(void)
{
    return true;
}

raw_fd raw_reserve_port(uint16_t *port)
{
    rondo_address a = loopback(0);
    raw_fd fd = raw_tcp();
    (void)rondo_sim_bind(fd, &a);
    *port = raw_local_port(fd);
    return fd;
}

/* ---- datagrams ---- */

raw_fd raw_datagram_at(const rondo_address *address, bool shared)
{
    rondo_fd fd = RONDO_NO_FD;
    if (!shared)
        fd = rondo_sim_socket(rondo_address_family(address), true);
    if (fd >= 0 && rondo_sim_bind(fd, address) < 0) {
        (void)rondo_sim_close(fd, false);
        return RONDO_NO_FD;
    }
    return fd_of(fd);
}

raw_fd raw_udp(void)
{
    rondo_address a = loopback(0);
    return raw_datagram_at(&a, false);
}

bool raw_datagram_connect(raw_fd fd, const rondo_address *to)
{
    return rondo_sim_connect(fd, to, 0) == 0;
}

void raw_datagram_address(raw_fd fd, rondo_address *address)
{
    (void)rondo_sim_address(fd, false, address);
}

ptrdiff_t raw_send_to(raw_fd fd, const void *data, size_t size,
                      const rondo_address *to)
{
    return count_of(rondo_sim_send_to(fd, data, size, to));
}

ptrdiff_t raw_recv_from(raw_fd fd, void *data, size_t size, rondo_address *from,
                        int timeout_ms)
{
    return count_of(
        rondo_sim_recv_from(fd, data, size, from, ns_of(timeout_ms)));
}

/* ---- descriptors ---- */

bool raw_fd_valid(raw_fd fd)
{
    return rondo_sim_is_blocking(fd) >= 0;
}

bool raw_fd_close_on_exec(raw_fd fd)
{
    return raw_fd_valid(fd);
}

raw_fd raw_dead_fd(void)
{
    return 1999999;
}

raw_fd raw_duplicate(raw_fd fd)
{
    return fd_of(rondo_sim_duplicate(fd));
}

size_t raw_count_descriptors(void)
{
    return (size_t)rondo_sim_count_descriptors(rondo_sim_self());
}

void raw_snapshot_take(struct raw_snapshot *s)
{
    memset(s, 0, sizeof *s);
    s->count = raw_count_descriptors();
}

void raw_snapshot_differences(const struct raw_snapshot *before, char *text,
                              size_t size)
{
    (void)before;
    (void)snprintf(text, size, " (not known which)");
}

void raw_snapshot_close_new(const struct raw_snapshot *before)
{
    (void)before;
}

int64_t raw_descriptor_limit(void)
{
    return 4096;
}

int64_t raw_set_descriptor_limit(int64_t limit)
{
    int error = rondo_sim_set_descriptors(rondo_sim_self(), (unsigned)limit);
    return error ? -1 : 4096;
}

int64_t raw_raise_descriptor_limit(int64_t wanted)
{
    return raw_set_descriptor_limit(wanted);
}

/* ---- descriptors that run out, servers that do not answer ---- */

size_t raw_exhaust(raw_fd *fds, size_t room)
{
    size_t used = 0;
    while (used < room && (fds[used] = raw_tcp()) != RONDO_NO_FD)
        used++;
    return used;
}

bool raw_black_hole_open_at(struct raw_black_hole *hole,
                            const rondo_address *address)
{
    rondo_address at;
    memset(hole, 0, sizeof *hole);
    for (size_t i = 0; i < sizeof hole->fillers / sizeof *hole->fillers; i++)
        hole->fillers[i] = RONDO_NO_FD;
    hole->listener = raw_listen_at(address);
    if (hole->listener == RONDO_NO_FD)
        return false;
    (void)rondo_sim_listen(hole->listener, 1);
    (void)rondo_sim_address(hole->listener, false, &at);
    hole->port = rondo_address_port(&at);
    hole->fillers[0] = raw_connect_at(&at);
    return hole->fillers[0] != RONDO_NO_FD;
}

bool raw_black_hole_open(struct raw_black_hole *hole)
{
    rondo_address a = loopback(0);
    return raw_black_hole_open_at(hole, &a);
}

void raw_black_hole_close(struct raw_black_hole *hole)
{
    raw_close(hole->fillers[0]);
    raw_close(hole->listener);
}
