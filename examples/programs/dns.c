/* dns.c - answers every A question with 127.0.0.1. */
/* SPDX-License-Identifier: MIT */
/* Build: cc dns.c -o dns $(pkg-config --cflags --libs rondo) */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

static void asked(rondo_datagram *d, void *self, const void *data, size_t size,
                  const rondo_address *from, bool truncated)
{
    static const unsigned char answer[] = {0xc0, 12, 0, 1, 0,   1, 0, 0,
                                           0,    60, 0, 4, 127, 0, 0, 1};
    unsigned char out[512];
    unsigned long *dropped = self;
    if (truncated || size < 17 || size > sizeof out - sizeof answer)
        return;
    memcpy(out, data, size);
    out[2] |= 0x80;
    out[7] = 1;
    memcpy(out + size, answer, sizeof answer);
    if (rondo_datagram_get_write_buffer_size(d) > 1 << 20 ||
        rondo_datagram_send(d, out, size + sizeof answer, from) < 0)
        ++*dropped;
}
static void trouble(rondo_datagram *d, void *self, int error)
{
    (void)d;
    (void)self;
    fprintf(stderr, "dns: %s\n", rondo_strerror(error));
}
static const rondo_datagram_protocol dns = {.datagram_received = asked,
                                            .error_received = trouble};

int main(void)
{
    rondo_loop *loop;
    rondo_datagram *d;
    rondo_address local;
    unsigned long dropped = 0;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_address_parse(&local, "::", 5353) < 0 ||
        rondo_create_datagram_endpoint(
            loop, RONDO_DATAGRAM(.local_address = &local, .v6only = RONDO_OFF),
            &dns, &dropped, &d) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    return 0;
}
