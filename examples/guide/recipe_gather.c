/* recipe_gather.c - many operations, at most so many at a time, and one callback
 * when all have ended. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdatomic.h>
#include <stdio.h>

enum { NUMBERS = 6, MOST = 2 };

static const long long numbers[NUMBERS] = {97, 91, 1009, 1001, 7919, 7917};

struct gather {
    rondo_loop *loop;
    size_t begun, running;
    int64_t results[NUMBERS]; /* in the order of the numbers */
    int failed;
    atomic_int at_once, most_at_once; /* of this demonstration */
    void (*done)(struct gather *g);
};

struct member {
    struct gather *gather;
    size_t index;
};

/* Any operation may stand here: a job, a connect, a file that is read. */
static int64_t is_prime(rondo_job *job, void *arg)
{
    struct member *m = arg;
    struct gather *g = m->gather;
    int now = atomic_fetch_add(&g->at_once, 1) + 1;
    int64_t result = 1;
    (void)job;
    if (now > atomic_load(&g->most_at_once))
        atomic_store(&g->most_at_once, now);
    for (long long d = 2; d * d <= numbers[m->index]; d++)
        if (numbers[m->index] % d == 0)
            result = 0;
    atomic_fetch_sub(&g->at_once, 1);
    return result;
}

static void begin_more(struct gather *g);

static void ended(rondo_loop *loop, void *arg, int64_t result)
{
    struct member *m = arg;
    struct gather *g = m->gather;
    (void)loop;
    g->results[m->index] = result;
    g->failed += result < 0;
    g->running--;
    begin_more(g);
    if (!g->running) /* and nothing is left to begin */
        g->done(g);
}

/* One that cannot be begun counts as failed; so done comes in any case. */
static void begin_more(struct gather *g)
{
    static struct member members[NUMBERS];
    while (g->running < MOST && g->begun < NUMBERS) {
        size_t i = g->begun++;
        members[i] = (struct member){g, i};
        rondo_id id =
            rondo_run_in_executor(g->loop, NULL, is_prime, ended, &members[i]);
        if (id < 0) {
            g->results[i] = id;
            g->failed++;
        } else {
            g->running++;
        }
    }
}

static void all_done(struct gather *g)
{
    for (size_t i = 0; i < NUMBERS; i++)
        printf("%lld is %s\n", numbers[i],
               g->results[i] > 0 ? "prime" : "not prime");
    printf("%d failed, at most %d ran at once: %s\n", g->failed, MOST,
           atomic_load(&g->most_at_once) <= MOST ? "yes" : "no");
}

int main(void)
{
    static struct gather g = {.done = all_done};
    if (rondo_loop_new(&g.loop, NULL) < 0)
        goto failed;
    begin_more(&g);
    if (!g.running)
        all_done(&g);
    if (rondo_loop_run(g.loop) < 0)
        goto failed;
    return rondo_loop_close(g.loop) < 0;
failed:
    fprintf(stderr, "recipe_gather: %s\n", rondo_last_error());
    return 1;
}
