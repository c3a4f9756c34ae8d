/* campaign.c - plays many random programs, and shortens one that fails. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "model.h"
#include "pairs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS_MOST = 20000, VERBS_MOST = 40, PATIENCE_S = 120 };

/* What the processes that play share with the one that counts. */
static struct shared {
    uint64_t seed; /* at which it is */
    uint64_t events, bytes, steps, programs, connections;
    char failure[512];
    size_t did_count;
    struct did {
        uint64_t key;
        bool begun; /* else it is left out, and acts all the same: an end */
        char text[120];
    } did[STEPS_MOST];
    unsigned met[VERBS_MOST][VERBS_MOST];
    unsigned kinds[VERBS_MOST][SIDE_KINDS], endings[VERBS_MOST][ENDINGS];
    unsigned ends[SIDE_KINDS][ENDINGS];
    bool all[VERBS_MOST][VERBS_MOST][SIDE_KINDS][ENDINGS];
} * shared;

static const char *backend;
static const char *trace;
static bool keeps_steps, shortens = true;

/* text NULL: the step begins. */
static void did(uint64_t key, const char *text)
{
    size_t i = shared->did_count;
    if (!keeps_steps)
        return;
    while (text && i && shared->did[i - 1].key != key)
        i--;
    if (!i || !text) {
        if (shared->did_count == STEPS_MOST)
            return;
        i = ++shared->did_count;
        shared->did[i - 1] = (struct did){.begun = !text};
    }
    struct did *d = &shared->did[i - 1];
    d->key = key;
    if (text)
        snprintf(d->text, sizeof d->text, "%s", text);
}

static const char *const kind_names[SIDE_KINDS] = {
    "client", "server",   "unix client", "unix server",
    "group",  "accepted", "pipe reader", "pipe writer"};
#define ENDING_NAME(name) "end by " #name,
static const char *const ending_names[ENDINGS] = {SIDE_ENDINGS(ENDING_NAME)};

/* The first seed that meets what the table calls impossible is told. */
static void count(unsigned *times, const char *a, const char *b)
{
    if (++*times == 1 && pairs_impossible(a, b))
        fprintf(stderr, "   seed %llu meets %s, %s\n",
                (unsigned long long)shared->seed, a, b);
}

static void met(unsigned a, unsigned b, unsigned kind, unsigned ending)
{
    const char *verb = side_verb_name(a);
    shared->met[a][b]++;
    shared->all[a][b][kind][ending] = true;
    if (a != b)
        return;
    count(&shared->kinds[a][kind], verb, kind_names[kind]);
    count(&shared->endings[a][ending], verb, ending_names[ending]);
    count(&shared->ends[kind][ending], kind_names[kind], ending_names[ending]);
}

static int play(uint64_t seed, const uint64_t *skipped, size_t count)
{
    struct model_options o = model_options_of(seed, backend);
    struct model_result result = {0};
    o.trace = trace;
    o.skipped = skipped;
    o.skip_count = count;
    o.did = did;
    o.met = met;
    shared->seed = seed;
    shared->did_count = 0;
    shared->failure[0] = '\0';
    alarm(PATIENCE_S);
    int failed = model_play(seed, &o, &result);
    shared->events += result.events;
    shared->bytes += result.bytes;
    shared->steps += result.steps;
    shared->connections += result.connections;
    shared->programs++;
    if (failed)
        snprintf(shared->failure, sizeof shared->failure, "%s",
                 rondo_sim_failure());
    return failed;
}

/* ---- in a process of its own ---- */

static bool wait_for(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        abort();
    if (WIFSIGNALED(status))
        snprintf(shared->failure, sizeof shared->failure, "%s",
                 WTERMSIG(status) == SIGALRM ? "it does not end"
                                             : strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) && !shared->failure[0])
        snprintf(shared->failure, sizeof shared->failure, "exit code %d",
                 WEXITSTATUS(status));
    return !status;
}

static bool play_apart(uint64_t seed, const uint64_t *skipped, size_t count)
{
    fflush(NULL);
    pid_t child = fork();
    if (child)
        return wait_for(child);
    if (count && !freopen("/dev/null", "w", stderr))
        _exit(3);
    _exit(play(seed, skipped, count));
}

/* ---- a failing program, made shorter ---- */

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The same words, whatever the numbers. */
static bool same_failure(const char *a, const char *b)
{
    while (*a && *b) {
        if (*a >= '0' && *a <= '9') {
            a++;
        } else if (*b >= '0' && *b <= '9') {
            b++;
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return true;
}

struct shorter {
    uint64_t seed;
    uint64_t skipped[STEPS_MOST];
    size_t count;
    char failure[512];
    unsigned tries;
};

/* Leaves out some more steps, if it still fails then. */
static bool leave_out(struct shorter *s, const struct did *steps, size_t count)
{
    uint64_t *all = malloc((s->count + count) * sizeof *all);
    if (!all)
        abort();
    memcpy(all, s->skipped, s->count * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[s->count + i] = steps[i].key;
    size_t sum = s->count + count;
    qsort(all, sum, sizeof *all, compare_keys);
    s->tries++;
    bool fails = !play_apart(s->seed, all, sum) &&
                 same_failure(s->failure, shared->failure);
    if (fails && sum <= STEPS_MOST) {
        memcpy(s->skipped, all, sum * sizeof *all);
        s->count = sum;
    }
    free(all);
    return fails && sum <= STEPS_MOST;
}

static void shorten(struct shorter *s)
{
    static struct did steps[STEPS_MOST];
    for (size_t parts = 2, done = 0; !done && s->tries < 1000;) {
        (void)play_apart(s->seed, s->skipped, s->count);
        size_t count = shared->did_count;
        memcpy(steps, shared->did, count * sizeof *steps);
        size_t size = (count + parts - 1) / parts;
        bool any = false;
        for (size_t at = 0; size && at < count; at += size)
            any |=
                leave_out(s, steps + at, at + size < count ? size : count - at);
        done = !size || (!any && size == 1);
        if (!any)
            parts *= 2;
    }
    (void)play_apart(s->seed, s->skipped, s->count);
}

/* As a program of kept.c. */
static void tell_as_c(uint64_t seed)
{
    unsigned column = 0;
    printf("\n/* %s */\nstatic const uint64_t seed_%llu[] = {", shared->failure,
           (unsigned long long)seed);
    for (size_t i = 0; i < shared->did_count; i++) {
        const struct did *d = &shared->did[i];
        if (!d->begun)
            continue;
        if (d->text[0] || column == 3)
            column = 0;
        printf("%s0x%016llx,", column++ ? " " : "\n    ",
               (unsigned long long)d->key);
        if (!d->text[0])
            continue;
        printf(" /* %s */", d->text);
        column = 0;
    }
    printf("\n};\n    KEPT(%s, %llu),\n", backend, (unsigned long long)seed);
}

static int tell_failure(uint64_t seed)
{
    static struct shorter s;
    fprintf(stderr, "seed %llu fails: %s\n", (unsigned long long)seed,
            shared->failure);
    fprintf(stderr, "again: ./dev sim --first %llu --seeds 1 --model %s\n",
            (unsigned long long)seed, backend);
    if (trace || !shortens)
        return 1; /* what it has written is kept */
    keeps_steps = true;
    s.seed = seed;
    s.count = 0;
    snprintf(s.failure, sizeof s.failure, "%s", shared->failure);
    (void)play_apart(seed, NULL, 0);
    if (!same_failure(s.failure, shared->failure)) {
        fprintf(stderr, "played again it ends otherwise: %s\n",
                shared->failure);
        return 1;
    }
    size_t before = shared->did_count;
    shorten(&s);
    fprintf(stderr, "%zu of %zu steps are enough: %s\n", shared->did_count,
            before, shared->failure);
    for (size_t i = 0; i < shared->did_count; i++)
        if (shared->did[i].text[0])
            fprintf(stderr, "  %s\n", shared->did[i].text);
    tell_as_c(seed);
    return 1;
}

/* ---- pairs ---- */

static void count_of_verb(unsigned a, struct pairs *p, bool all)
{
    for (unsigned b = a + 1; b < side_verbs(); b++)
        pairs_count(&p[0], shared->met[a][b], side_verb_name(a),
                    side_verb_name(b), all);
    for (unsigned k = 0; k < SIDE_KINDS; k++)
        pairs_count(&p[1], shared->kinds[a][k], side_verb_name(a),
                    kind_names[k], all);
    for (unsigned e = 0; e < ENDINGS; e++)
        pairs_count(&p[2], shared->endings[a][e], side_verb_name(a),
                    ending_names[e], all);
}

/* Returns 1: a pair was met that the table excludes. */
static int tell_pairs(bool all)
{
    static const char *const what[] = {"verb and verb", "verb and kind",
                                       "verb and ending", "kind and ending"};
    struct pairs p[4] = {{0}};
    unsigned wrong = 0, cells = 0;
    for (unsigned a = 0; a < side_verbs(); a++)
        count_of_verb(a, p, all);
    for (unsigned k = 0; k < SIDE_KINDS; k++)
        for (unsigned e = 0; e < ENDINGS; e++)
            pairs_count(&p[3], shared->ends[k][e], kind_names[k],
                        ending_names[e], all);
    const bool *cell = &shared->all[0][0][0][0];
    for (size_t i = 0; i < sizeof shared->all; i++)
        cells += cell[i];
    printf("%s: %u sets of two verbs, a kind and an ending; pairs:\n", backend,
           cells);
    for (int i = 0; i < 4; i++) {
        pairs_print(&p[i], what[i]);
        wrong += p[i].wrong;
    }
    return wrong > 0;
}

/* The ending as a focus; or the verb that leads to it, if one does, else any
 * verb. */
static unsigned focus_of(unsigned ending, uint64_t number)
{
    if (number & 4)
        return FOCUS_ENDING + ending;
    const char *name = ending_names[ending] + strlen("end by ");
    if (strcmp(name, "timed_out") == 0)
        name = "timeouts";
    for (unsigned i = 0; i < side_verbs(); i++)
        if (strcmp(side_verb_name(i), name) == 0)
            return i + 1;
    return 1 + (unsigned)(number / 8) % side_verbs();
}

/* The next verb and ending that have not been met, as a part of a seed. */
static uint64_t steer_to_ending(uint64_t number)
{
    static unsigned at;
    unsigned all = side_verbs() * ENDINGS;
    for (unsigned i = 0; i < all; i++) {
        at = (at + 1) % all;
        unsigned a = at / ENDINGS, ending = at % ENDINGS;
        if (shared->endings[a][ending] ||
            pairs_impossible(side_verb_name(a), ending_names[ending]))
            continue;
        return number | (uint64_t)(a + 1) << 40 |
               (uint64_t)focus_of(ending, number) << 48;
    }
    return number;
}

/* The same of a kind and its ending. */
static uint64_t steer_to_kind(uint64_t number)
{
    static unsigned at;
    unsigned all = SIDE_KINDS * ENDINGS;
    for (unsigned i = 0; i < all; i++) {
        at = (at + 1) % all;
        unsigned kind = at / ENDINGS, ending = at % ENDINGS;
        if (!shared->ends[kind][ending] &&
            !pairs_impossible(kind_names[kind], ending_names[ending]))
            return number | (uint64_t)(FOCUS_KIND + kind) << 40 |
                   (uint64_t)(FOCUS_ENDING + ending) << 48;
    }
    return number;
}

/* The same of a pair of verbs. */
static uint64_t steer(uint64_t number)
{
    static unsigned a, b;
    unsigned verbs = side_verbs();
    if (number % 2 && number <= 500)
        return number;
    if (number % 2)
        return number % 4 == 1 ? steer_to_ending(number)
                               : steer_to_kind(number);
    for (unsigned i = 0; i < verbs * verbs; i++) {
        if (++b >= verbs) {
            b = 0;
            a = (a + 1) % verbs;
        }
        if (a < b && shared->met[a][b] < 3 &&
            !pairs_impossible(side_verb_name(a), side_verb_name(b)))
            return number | (uint64_t)(a + 1) << 40 | (uint64_t)(b + 1) << 48;
    }
    return steer_to_ending(number);
}

/* ---- many ---- */

enum { BATCH = 50 };

static int campaign(uint64_t first, uint64_t seeds)
{
    for (uint64_t at = 0; at < seeds; at += BATCH) {
        fflush(NULL);
        pid_t child = fork();
        if (!child) {
            for (uint64_t i = at; i < at + BATCH && i < seeds; i++) {
                uint64_t seed = seeds == 1 ? first : steer(first + i);
                if (play(seed, NULL, 0))
                    _exit(1);
            }
            _exit(0);
        }
        if (!wait_for(child))
            return tell_failure(shared->seed);
    }
    printf("%s: %llu programs, %llu connections, %llu steps, %llu bytes, %llu "
           "events\n",
           backend, (unsigned long long)shared->programs,
           (unsigned long long)shared->connections,
           (unsigned long long)shared->steps, (unsigned long long)shared->bytes,
           (unsigned long long)shared->events);
    return 0;
}

static int usage(void)
{
    fputs("sim_campaign [--seeds N] [--first S] [--model ready|done] "
          "[--trace FILE] [--pairs] [--long]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const char *const models[] = {"ready", "done"};
    uint64_t seeds = 500, first = 1;
    const char *model_name = NULL;
    bool all = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--pairs") == 0)
            all = true;
        else if (strcmp(argv[i], "--long") == 0)
            shortens = false;
        else if (i + 1 == argc)
            return usage();
        else if (strcmp(argv[i], "--seeds") == 0)
            seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--first") == 0)
            first = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--model") == 0)
            model_name = argv[++i];
        else if (strcmp(argv[i], "--trace") == 0)
            trace = argv[++i];
        else
            return usage();
    }
    for (int i = 0; i < 2; i++) {
        if (model_name && strcmp(model_name, models[i]) != 0)
            continue;
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
            abort();
        backend = models[i];
        if (campaign(first, seeds) != 0)
            return 1;
        if (seeds > 1 && tell_pairs(all))
            return 1;
    }
    return 0;
}
