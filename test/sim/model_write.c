/* model_write.c - what a random program writes, and what it is answered. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>

/* ---- writing ---- */

static char *bytes_new(struct side *s, struct step *step, size_t *size)
{
    static const unsigned most[] = {40, 40, 400, 4000, 40000};
    *size = 1 + step_below(step, most[step_below(step, 5)]);
    char *bytes = host_alloc(*size);
    side_fill(s, bytes, *size);
    return bytes;
}

/* What a write answers, and what the model knows then. */
static int64_t wrote(struct side *s, const struct step *step, int64_t result,
                     size_t size)
{
    if (result < 0)
        return result;
    must(!step->after_end, "%s %u: a write after the end is taken",
         s->actor.kind, s->actor.number);
    s->sent += size;
    size_t high, waits = rondo_transport_get_write_buffer_size(s->t);
    rondo_transport_get_write_buffer_limits(s->t, &high, NULL);
    must(s->pause_inside || !s->t || (result == 1) == (waits > high),
         "a write returns %d with %zu bytes of %zu", (int)result, waits, high);
    return result;
}

/* Before the call: bytes count as sent, since callbacks may run inside it. */
static int64_t write_ends(struct side *s, const struct step *step,
                          int64_t result, size_t size)
{
    s->sent -= size;
    return wrote(s, step, result, size);
}

int64_t v_write(struct side *s, struct step *step)
{
    size_t size;
    char *bytes = bytes_new(s, step, &size);
    s->sent += size;
    int64_t result = rondo_transport_write(s->t, bytes, size);
    rondo_sim_free(bytes);
    return write_ends(s, step, result, size);
}

int64_t v_writev(struct side *s, struct step *step)
{
    size_t size;
    char *bytes = bytes_new(s, step, &size);
    size_t first = step_below(step, (unsigned)size);
    rondo_buffer parts[] = {
        {bytes, first}, {"", 0}, {bytes + first, size - first}};
    s->sent += size;
    int64_t result = rondo_transport_writev(s->t, parts, 3);
    rondo_sim_free(bytes);
    return write_ends(s, step, result, size);
}

static void released(void *arg)
{
    struct op *op = arg;
    (void)op_ended(op, op->side->place->loop, 0);
}

int64_t v_write_owned(struct side *s, struct step *step)
{
    size_t size;
    struct op *op = op_new("write_owned", s->place, s, 0);
    op->bytes = bytes_new(s, step, &size);
    s->sent += size;
    int64_t result =
        rondo_transport_write_owned(s->t, op->bytes, size, released, op);
    (void)op_called(op, result);
    return write_ends(s, step, result, size);
}

static void written(rondo_loop *loop, void *arg, int64_t result)
{
    struct op *op = arg;
    struct side *s = op->side;
    must(op->order > s->write_done, "dones of writes out of order");
    s->write_done = op->order;
    (void)op_ended(op, loop, result);
    side_act(s, "write_then's done");
}

int64_t v_write_then(struct side *s, struct step *step)
{
    size_t size;
    struct op *op = op_new("write_then", s->place, s, 0);
    char *bytes = bytes_new(s, step, &size);
    op->bytes = bytes;
    op->expects = (int64_t)size;
    op->order = ++s->write_order;
    rondo_buffer parts[] = {{bytes, size / 2},
                            {bytes + size / 2, size - size / 2}};
    s->sent += size;
    int64_t result = rondo_transport_write_then(s->t, parts, 2, written, op);
    (void)op_called(op, result);
    return write_ends(s, step, result, size);
}

int64_t v_try_write(struct side *s, struct step *step)
{
    size_t size;
    char *bytes = bytes_new(s, step, &size);
    rondo_buffer all = {bytes, size};
    int64_t result = rondo_transport_try_write(s->t, &all, 1);
    rondo_sim_free(bytes);
    must(result <= (int64_t)size, "try_write: too many bytes");
    if (result == RONDO_EAGAIN || result == RONDO_ENOTSUP)
        return result;
    if (result < 0)
        return result;
    must(!step->after_end || !result, "try_write after the end");
    s->sent += (size_t)result;
    return result;
}

static void drained(rondo_loop *loop, void *arg, int64_t result)
{
    struct op *op = arg;
    if (!op_ended(op, loop, result))
        return;
    must(result == 0 || result == RONDO_ECANCELED || op->side->lost ||
             !op->side->t || rondo_transport_is_closing(op->side->t),
         "drain: %s", rondo_error_name((int)result));
    side_act(op->side, "drain's done");
}

int64_t v_drain(struct side *s, struct step *step)
{
    struct op *op = op_new("drain", s->place, s, 0);
    rondo_id id = op_called(
        op, rondo_transport_drain(s->t, step_below(step, 3000), drained, op));
    if (id > 0 && step_below(step, 4) == 0)
        (void)rondo_cancel(s->place->loop, id);
    op_may_be_cancelled(s->place, id);
    return id;
}
