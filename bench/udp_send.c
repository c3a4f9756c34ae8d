/* udp_send.c - the CPU time of 1 GiB sent in datagrams of 1,200 bytes, with a
 * call for each and with a call for as many as the kernel cuts. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <netinet/in.h>
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SIZE = 1200, SEGMENTS = 54 /* what fits into 65,507 bytes */ };
enum { DATAGRAMS = (1 << 30) / SIZE, UDP_GRO_OPTION = 104 };

static char bytes[SIZE * SEGMENTS];
static rondo_loop *loop;
static rondo_datagram *d;

static void fail(const char *what)
{
    fprintf(stderr, "udp_send: %s: %s\n", what, rondo_last_error());
    exit(1);
}

/* A socket that nobody reads: its buffer is full, and the kernel drops what
 * comes. It takes segments together, as a receiver that wants speed does. */
static int open_sink(rondo_address *address)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    socklen_t size = sizeof here;
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &size) < 0 ||
        setsockopt(fd, IPPROTO_UDP, UDP_GRO_OPTION, &on, sizeof on) < 0 ||
        rondo_address_from_native(address, &here, size) < 0) {
        measure_die("sink");
    }
    return fd;
}

static void send_one_by_one(void)
{
    for (int i = 0; i < DATAGRAMS; i++) {
        if (rondo_datagram_send(d, bytes, SIZE, NULL) < 0) {
            fail("send");
        }
    }
}

static void send_together(void)
{
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;
    rondo_buffer piece = {bytes, sizeof bytes};
    info.known = RONDO_INFO_SEGMENTS;
    info.segment_size = SIZE;
    for (int left = DATAGRAMS; left > 0; left -= SEGMENTS) {
        if (left < SEGMENTS) {
            piece.size = (size_t)left * SIZE;
        }
        if (rondo_datagram_send_with(d, &piece, 1, NULL, &info) < 0) {
            fail("send_with");
        }
    }
}

static double measure(void (*send_all)(void))
{
    int64_t start = measure_process_ns();
    send_all();
    return (double)(measure_process_ns() - start) / DATAGRAMS;
}

int main(int argc, char **argv)
{
    static const rondo_datagram_protocol none;
    static struct figure each, together;
    rondo_address sink;
    measure_options(argc, argv);
    (void)open_sink(&sink);
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_datagram_endpoint(loop,
                                       RONDO_DATAGRAM(.remote_address = &sink),
                                       &none, NULL, &d) < 0) {
        fail("start");
    }
    if (!rondo_loop_supports(loop, RONDO_CAN_SEGMENTATION)) {
        fprintf(stderr, "udp_send: the kernel does not cut datagrams\n");
        return 1;
    }
    for (int round = 0; round < rounds; round++) {
        each.ns[round] = measure(send_one_by_one);
        together.ns[round] = measure(send_together);
    }
    measure_print("rondo", "each", &each);
    measure_print("rondo", "together", &together);
    rondo_datagram_abort(d);
    return rondo_loop_close(loop) < 0;
}
