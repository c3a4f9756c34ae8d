/* recipe_proxy_header.c - the PROXY protocol: who the client behind a load
 * balancer is. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_HEADER 107 /* with "\r\n", of version 1 */

struct client {
    rondo_address address; /* whose connection it is */
};

/* "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443", without "\r\n" */
static int parse(const char *line, rondo_transport *t, rondo_address *client)
{
    char family[8], from[64], to[64];
    unsigned from_port, to_port;
    if (!strncmp(line, "PROXY UNKNOWN", 13)) /* a health check, for instance */
        return rondo_transport_peer_address(t, client);
    if (sscanf(line, "PROXY %7s %63s %63s %5u %5u", family, from, to,
               &from_port, &to_port) != 5 ||
        (strcmp(family, "TCP4") != 0 && strcmp(family, "TCP6") != 0) ||
        from_port > 65535)
        return RONDO_EPROTO;
    return rondo_address_parse(client, from, (uint16_t)from_port);
}

static void hello(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct client *c = self;
    char text[RONDO_ADDRESS_TEXT];
    rondo_address_text(&c->address, text, sizeof text);
    rondo_transport_printf(t, "%.*s, %s", (int)size, (const char *)data, text);
    rondo_transport_close(t);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t, (void)error;
    free(self);
}

/* The program's own protocol, which does not know of the header. */
static const rondo_protocol serving = {.data_received = hello,
                                       .connection_lost = lost};

static void header(rondo_transport *t, void *self, const void *data,
                   size_t size)
{
    struct client *c = self;
    const char *end = memchr(data, '\n', size);
    char line[LONGEST_HEADER + 1] = "";
    size_t length = end ? (size_t)(end - (const char *)data) + 1 : size;
    int error = 0;
    if (length > LONGEST_HEADER ||
        memcmp(data, "PROXY ", size < 6 ? size : 6) != 0)
        error = RONDO_EPROTO;
    if (!error && !end) { /* half a header: it comes again, with the rest */
        rondo_transport_unread(t, data, size);
        return;
    }
    if (!error) {
        memcpy(line, data, length);
        error = parse(line, t, &c->address);
    }
    if (error) {
        rondo_transport_abort_with(t, RONDO_EPROTO);
        return;
    }
    rondo_transport_set_protocol(t, &serving, c);
    rondo_transport_set_timeouts(t, 0, 0);
    if (size > length) /* the first bytes of the client itself */
        rondo_transport_unread(t, end + 1, size - length);
}

static bool cut(rondo_transport *t, void *self)
{
    (void)t, (void)self;
    return false; /* an end inside the header: close */
}

static const rondo_protocol beginning = {
    .data_received = header, .eof_received = cut, .connection_lost = lost};

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **protocol, void **self)
{
    /* Here it is asked whether the peer is one of our load balancers. Anybody
     * else could write any address into a header. */
    (void)server, (void)arg, (void)protocol;
    *self = calloc(1, sizeof(struct client));
    rondo_transport_set_timeouts(t, RONDO_SEC(5), 0); /* for the header */
    return *self ? 0 : RONDO_ENOMEM;
}

/* ---- what a load balancer sends, in two pieces; and somebody else ---- */

struct visitor {
    const char *first, *second;
};

static void second(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    struct visitor *v = rondo_transport_self(t);
    (void)loop;
    rondo_transport_write(t, v->second, strlen(v->second));
}

static void made(rondo_transport *t, void *self)
{
    struct visitor *v = self;
    rondo_transport_write(t, v->first, strlen(v->first));
    if (v->second)
        rondo_call_later(rondo_transport_loop(t), RONDO_MS(100), second, t);
}

static void show(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)t, (void)self;
    printf("%.*s\n", (int)size, (const char *)data);
}

static void ended(rondo_transport *t, void *self, int error)
{
    static int left = 2;
    (void)t, (void)self;
    if (error)
        printf("without a header: %s\n", rondo_error_name(error));
    if (!--left)
        rondo_loop_stop(rondo_transport_loop(t));
}

static const rondo_protocol visiting = {
    .connection_made = made, .data_received = show, .connection_lost = ended};

int main(void)
{
    static struct visitor visitors[] = {
        {"GET / HTTP/1.0\r\n\r\n", NULL},
        {"PROXY TCP4 192.0.2.7 192.0.2", ".1 56324 443\r\nhello"}};
    rondo_loop *loop = NULL;
    rondo_server *server;
    rondo_address at;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop,
            RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = accepted),
            &beginning, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &at) < 0)
        goto failed;
    for (int i = 0; i < 2; i++)
        if (rondo_create_connection(loop, RONDO_CONNECT(.address = &at),
                                    &visiting, &visitors[i], NULL, NULL) < 0)
            goto failed;
    if (rondo_loop_run(loop) < 0)
        goto failed;
    return rondo_loop_close(loop) < 0;
failed:
    fprintf(stderr, "recipe_proxy_header: %s\n", rondo_last_error());
    return 1;
}
