/* quic_echo.c - many connections over one socket, as QUIC has them: quic_echo
 * [PACKETS]. A server echoes the packets of each connection, from the address
 * that they came to and with their ECN; a client holds 64 connections. */
/* SPDX-License-Identifier: MIT */
/* Build: cc quic_echo.c -o quic_echo $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 64, BODY = 1200 - 16 };
#define LIMIT_NS RONDO_SEC(60)

/* A packet: whose it is, which one, and its bytes. */
struct packet {
    uint64_t connection; /* RFC 9000 calls it the connection ID */
    uint64_t number;
    unsigned char body[BODY];
};

/* One side. It knows its connections by their IDs, whatever the address. */
struct side {
    rondo_datagram *d;
    unsigned can; /* RONDO_INFO_...: what this system tells */
    uint64_t next[CONNECTIONS];
    uint64_t packets, wrong, marked; /* with ECN */
};

static struct side server, client;
static uint64_t packets = 100; /* of each connection */
static unsigned finished;

static void too_late(rondo_loop *loop, void *arg)
{
    (void)arg;
    fprintf(stderr, "%u of %d connections have finished\n", finished,
            CONNECTIONS);
    rondo_loop_stop(loop);
}

static void failed(rondo_datagram *d, void *self, int error)
{
    (void)d;
    (void)self;
    fprintf(stderr, "%s: %s\n", rondo_strerror(error), rondo_last_error());
}

/* The packet of a side's connection that comes next; NULL: it is another. */
static const struct packet *take(struct side *side, const void *data,
                                 size_t size, const rondo_datagram_info *info)
{
    const struct packet *p = data;
    if (size != sizeof *p || p->connection >= CONNECTIONS ||
        p->number != side->next[p->connection]) {
        side->wrong++;
        return NULL;
    }
    side->next[p->connection]++;
    side->packets++;
    side->marked += info->known & RONDO_INFO_ECN && info->ecn == 2;
    return p;
}

/* ---- the server ---- */

static void asked(rondo_datagram *d, void *self, const void *data, size_t size,
                  const rondo_address *from, const rondo_datagram_info *info)
{
    struct side *side = self;
    const rondo_buffer whole = {data, size};
    rondo_datagram_info back = *info;
    if (!take(side, data, size, info))
        return;
    back.known &= RONDO_INFO_LOCAL | RONDO_INFO_ECN;
    if (rondo_datagram_send_with(d, &whole, 1, from, &back) < 0)
        failed(d, self, RONDO_EOTHER);
}

/* ---- the client ---- */

static void ask(struct side *side, uint64_t connection, uint64_t number)
{
    static struct packet p;
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;
    /* a header and a body, which QUIC encrypts apart from each other */
    const rondo_buffer pieces[] = {{&p, offsetof(struct packet, body)},
                                   {p.body, sizeof p.body}};
    p.connection = connection;
    p.number = number;
    memset(p.body, (int)(number & 255), sizeof p.body);
    info.known = side->can & RONDO_INFO_ECN;
    info.ecn = 2; /* ECT(0) */
    if (rondo_datagram_send_with(side->d, pieces, 2, NULL, &info) < 0)
        failed(side->d, side, RONDO_EOTHER);
}

static void answered(rondo_datagram *d, void *self, const void *data,
                     size_t size, const rondo_address *from,
                     const rondo_datagram_info *info)
{
    struct side *side = self;
    const struct packet *p = take(side, data, size, info);
    (void)from;
    if (!p)
        return;
    if (p->number + 1 < packets)
        ask(side, p->connection, p->number + 1);
    else if (++finished == CONNECTIONS) {
        rondo_datagram_close(d);
        rondo_datagram_close(server.d);
    }
}

static void start_all(rondo_datagram *d, void *self)
{
    (void)d;
    for (uint64_t i = 0; i < CONNECTIONS; i++)
        ask(self, i, 0);
}

/* ---- both ---- */

static const rondo_datagram_protocol serves = {
    .datagram_received_with = asked,
    .error_received = failed,
};
static const rondo_datagram_protocol asks = {
    .connection_made = start_all,
    .datagram_received_with = answered,
    .error_received = failed,
};

static int open_both(rondo_loop *loop)
{
    unsigned can = 0;
    rondo_address any, here;
    if (rondo_loop_supports(loop, RONDO_CAN_PACKET_INFO))
        can |= RONDO_INFO_LOCAL;
    if (rondo_loop_supports(loop, RONDO_CAN_ECN))
        can |= RONDO_INFO_ECN;
    server.can = client.can = can;
    int error = rondo_address_parse(&any, "0.0.0.0", 0);
    if (!error)
        error = rondo_create_datagram_endpoint(
            loop, RONDO_DATAGRAM(.local_address = &any, .info = can), &serves,
            &server, &server.d);
    if (!error)
        error = rondo_datagram_local_address(server.d, &any);
    if (!error)
        error =
            rondo_address_parse(&here, "127.0.0.1", rondo_address_port(&any));
    if (!error)
        error = rondo_create_datagram_endpoint(
            loop, RONDO_DATAGRAM(.remote_address = &here, .info = can), &asks,
            &client, &client.d);
    return error;
}

int main(int argc, char **argv)
{
    rondo_loop *loop = NULL;
    if (argc > 1)
        packets = (uint64_t)atoi(argv[1]);
    if (packets < 1 || packets > 1000000) {
        fprintf(stderr, "usage: %s [PACKETS]\n", argv[0]);
        return 2;
    }
    int error = rondo_loop_new(&loop, NULL);
    if (!error)
        error = open_both(loop);
    if (!error) {
        rondo_id limit = rondo_call_later(loop, LIMIT_NS, too_late, NULL);
        rondo_set_background(loop, limit, true);
        error = rondo_loop_run(loop);
    }
    if (error < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    uint64_t wrong = server.wrong + client.wrong;
    printf("%u connections, %llu packets echoed, %llu with ECN, %llu wrong\n",
           finished, (unsigned long long)client.packets,
           (unsigned long long)client.marked, (unsigned long long)wrong);
    return error < 0 || finished != CONNECTIONS || wrong;
}
