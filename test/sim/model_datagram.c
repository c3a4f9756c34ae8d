/* model_datagram.c - datagram endpoints of a random program. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

/* ---- datagrams ---- */

static void datagram_came(rondo_datagram *d, void *self, const void *data,
                          size_t size, const rondo_address *from,
                          bool truncated)
{
    struct place *p = self;
    const unsigned char *bytes = data;
    place_calls(p, "datagram_received", -1);
    must(d == p->datagram && !truncated, "a datagram of another endpoint");
    for (size_t i = 1; i < size; i++)
        must(bytes[i] == (unsigned char)(bytes[0] + i), "a datagram is wrong");
    loop_act_some(p, "datagram_received");
    if (size > 1 && bytes[0] & 1)
        (void)rondo_datagram_send(d, data, size - 1, from);
}

static void datagram_lost(rondo_datagram *d, void *self, int error)
{
    struct place *p = self;
    (void)error;
    must(d == p->datagram, "an endpoint is lost twice");
    p->datagram = NULL;
}

static const rondo_datagram_protocol datagrams = {
    .datagram_received = datagram_came, .connection_lost = datagram_lost};

static void datagram_sent(rondo_loop *loop, void *arg, int64_t result)
{
    (void)op_ended(arg, loop, result);
}

static int64_t datagram_send(struct place *p, struct step *step)
{
    unsigned char bytes[100];
    char ip[] = "10.0.0.1";
    rondo_address to;
    size_t size = step_below(step, sizeof bytes);
    rondo_buffer all = {bytes, size};
    ip[7] = (char)('1' + step_below(step, MODEL_HOSTS));
    (void)rondo_address_parse(&to, ip, MODEL_PORT);
    bytes[0] = (unsigned char)step_below(step, 256);
    for (size_t i = 1; i < size; i++)
        bytes[i] = (unsigned char)(bytes[0] + i);
    if (step_below(step, 2))
        return rondo_datagram_send(p->datagram, bytes, size, &to);
    struct op *op = op_new("datagram_send_then", p, NULL, (int64_t)size);
    rondo_id id =
        op_called(op, rondo_datagram_send_then(p->datagram, &all, 1, &to, NULL,
                                               datagram_sent, op));
    if (id > 0 && step_below(step, 4) == 0)
        (void)rondo_cancel(p->loop, id);
    op_may_be_cancelled(p, id);
    return id;
}

int64_t datagram_act(struct place *p, struct step *step)
{
    rondo_address any;
    (void)rondo_address_parse(&any, "0.0.0.0", MODEL_PORT);
    if (!p->datagram)
        return rondo_create_datagram_endpoint(
            p->loop, RONDO_DATAGRAM(.local_address = &any), &datagrams, p,
            &p->datagram);
    switch (step_below(step, 8)) {
    case 0:
        rondo_datagram_close(p->datagram);
        return 0;
    case 1:
        rondo_datagram_abort(p->datagram);
        return 0;
    case 2:
        return rondo_datagram_pause_reading(p->datagram);
    case 3:
        return rondo_datagram_resume_reading(p->datagram);
    default:
        return datagram_send(p, step);
    }
}
