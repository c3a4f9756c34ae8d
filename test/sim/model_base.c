/* model_base.c - memory, chance and operations of a random program. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

struct model model;

/* ---- memory of a run ---- */

struct piece {
    struct piece *next;
    size_t size;
};

static struct piece *pieces;

void *model_alloc(size_t size)
{
    struct piece *p = calloc(1, sizeof *p + size);
    if (!p)
        abort();
    p->next = pieces;
    pieces = p;
    return p + 1;
}

void *host_alloc(size_t size)
{
    void *p;
    while (!(p = rondo_sim_alloc(size)))
        ; /* a fault; the next one is another */
    return p;
}

void model_free_all(void)
{
    while (pieces) {
        struct piece *p = pieces;
        pieces = p->next;
        free(p);
    }
}

/* ---- chance ---- */

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool step_is_in(const struct step *step, const uint64_t *keys,
                       size_t count)
{
    return count &&
           bsearch(&step->key, keys, count, sizeof step->key, compare_keys);
}

bool step_begin(struct step *step, struct actor *actor, const char *where)
{
    step->actor = actor;
    step->where = where;
    step->key = mix(mix(model.seed ^ actor->key) + actor->count++);
    step->bits = step->key;
    if (model.byte_count) {
        step->bits ^= *model.bytes ? mix(*model.bytes) : 0;
        model.bytes++;
        model.byte_count--;
    }
    model.steps++;
    bool begins = model.kept
                      ? step_is_in(step, model.kept, model.kept_count)
                      : !step_is_in(step, model.skipped, model.skip_count);
    if (begins && model.did)
        model.did(step->key, NULL);
    return begins;
}

unsigned step_below(struct step *step, unsigned n)
{
    step->bits = mix(step->bits);
    return (unsigned)(step->bits >> 20) % n;
}

void step_did(const struct step *step, const char *verb, int64_t result)
{
    char text[160], end[40];
    if (result < 0)
        snprintf(end, sizeof end, "%s", rondo_error_name((int)result));
    else
        snprintf(end, sizeof end, "%lld", (long long)result);
    snprintf(text, sizeof text, "%.6f s: %s %u in %s: %s = %s",
             (double)rondo_sim_now() / 1e9, step->actor->kind,
             step->actor->number, step->where, verb, end);
    rondo_sim_log("%s", text);
    if (model.did)
        model.did(step->key, text);
}

struct actor actor_child(struct step *step, const char *kind)
{
    step->bits = mix(step->bits);
    return (struct actor){.key = step->bits, .kind = kind};
}

bool side_wants_kind(enum side_kind kind)
{
    return model.focus[0] == FOCUS_KIND + (unsigned)kind;
}

bool side_wants_ending(enum side_ending ending)
{
    return model.focus[1] == FOCUS_ENDING + (unsigned)ending;
}

/* ---- operations ---- */

struct op *op_new(const char *what, struct place *place, struct side *side,
                  int64_t expects)
{
    struct op *op = model_alloc(sizeof *op);
    op->what = what;
    op->place = place;
    op->side = side;
    op->expects = expects;
    op->next = model.ops;
    model.ops = op;
    return op;
}

int64_t op_called(struct op *op, int64_t result)
{
    op->accepted = result >= 0;
    if (op->accepted && op->side)
        op->side->ops++;
    if (!op->accepted && op->bytes) {
        rondo_sim_free(op->bytes);
        op->bytes = NULL;
    }
    return result;
}

void op_may_be_cancelled(struct place *place, rondo_id id)
{
    if (id > 0)
        place->ids[place->id_count++ % 16] = id;
}

bool op_ended(struct op *op, rondo_loop *loop, int64_t result)
{
    struct side *s = op->side;
    rondo_sim_log("%s of side %u is done: %lld", op->what,
                  s ? s->actor.number : 0, (long long)result);
    must(op->accepted, "%s: done although it was refused", op->what);
    if (!must(++op->dones == 1, "%s: done twice", op->what))
        return false;
    struct place *p = s ? s->place : op->place;
    p->called_at = rondo_sim_now();
    must(loop == p->loop, "%s: done on another loop", op->what);
    if (op->expects >= 0 && result >= 0)
        must(result == op->expects, "%s: result %lld instead of %lld", op->what,
             (long long)result, (long long)op->expects);
    if (s) {
        must(!s->lost || s->raw, "%s of %s %u: done after connection_lost",
             op->what, s->actor.kind, s->actor.number);
        s->ops--;
    }
    if (op->bytes) {
        rondo_sim_free(op->bytes);
        op->bytes = NULL;
    }
    return true;
}
