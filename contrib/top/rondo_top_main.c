/* rondo_top_main.c - rondo-top: what the loops of a running program do. */
/* SPDX-License-Identifier: MIT */
#include "top_view.h"

#include <stdlib.h>
#include <string.h>

enum { PATHS_MOST = 64, LINE_MOST = 1024 };

static const char usage[] =
    "rondo-top [--once] [--every SECONDS] [--lines COUNT] PATH...\n\n"
    "Shows what the loops of a running program do: each PATH is one that\n"
    "rondo_top_serve was given.\n\n"
    "--once           shows one second, and ends\n"
    "--every SECONDS  how often it looks (1)\n"
    "--lines COUNT    how many handles of each loop it lists (20)\n";

struct top;

struct source {
    struct top *top;
    const char *path;
    rondo_transport *t;
    char line[LINE_MOST];
    size_t used;
    unsigned taken; /* snapshots */
    bool fresh;     /* not shown yet */
    char trouble[256];
    struct view coming, now, before;
};

struct top {
    rondo_loop *loop;
    struct source *sources;
    int count, lines;
    int64_t every_ns;
    bool once;
    int result;
};

static void source_end_line(struct source *s)
{
    if (view_take(&s->coming, s->line, s->used)) {
        s->before = s->now;
        s->now = s->coming;
        s->taken++;
        s->fresh = true;
    }
    s->used = 0;
}

static void source_received(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    struct source *s = self;
    const char *bytes = data;
    (void)t;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            source_end_line(s);
        else if (s->used < sizeof s->line)
            s->line[s->used++] = bytes[i];
    }
}

static void source_made(rondo_transport *t, void *self)
{
    struct source *s = self;
    s->t = t;
    (void)rondo_transport_write(t, "\n", 1);
}

static void source_ends(struct source *s, const char *why)
{
    s->t = NULL;
    snprintf(s->trouble, sizeof s->trouble, "%s", why);
    for (int i = 0; i < s->top->count; i++)
        if (!*s->top->sources[i].trouble)
            return;
    s->top->result = s->now.now ? 0 : 1;
    rondo_loop_stop(s->top->loop); /* none is left */
}

static void source_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    source_ends(self, error ? rondo_last_error() : "the program has ended");
}

static const rondo_protocol source_protocol = {.connection_made = source_made,
                                               .data_received = source_received,
                                               .connection_lost = source_lost};

static void source_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                             int error)
{
    (void)loop, (void)t;
    if (error)
        source_ends(arg, rondo_last_error());
}

static void top_show(const struct top *top)
{
    if (!top->once)
        fputs("\033[H\033[2J", stdout);
    for (int i = 0; i < top->count; i++) {
        struct source *s = &top->sources[i];
        if (*s->trouble)
            printf("%s: %s\n", s->path, s->trouble);
        else
            view_show(stdout, s->path, &s->before, &s->now, top->lines);
        s->fresh = false;
    }
    fflush(stdout);
}

static void top_tick(rondo_loop *loop, void *arg)
{
    struct top *top = arg;
    bool all = true;
    for (int i = 0; i < top->count; i++) {
        struct source *s = &top->sources[i];
        all = all && (s->taken >= 2 || *s->trouble);
        if (s->t)
            (void)rondo_transport_write(s->t, "\n", 1);
    }
    if (!top->once || all)
        top_show(top);
    if (top->once && all)
        rondo_loop_stop(loop);
}

static int top_begin(struct top *top)
{
    for (int i = 0; i < top->count; i++) {
        struct source *s = &top->sources[i];
        rondo_id id =
            rondo_create_connection(top->loop, RONDO_CONNECT(.path = s->path),
                                    &source_protocol, s, source_connected, s);
        if (id < 0)
            return (int)id;
    }
    rondo_id tick = rondo_call_every(top->loop, top->every_ns, top_tick, top);
    return tick < 0 ? (int)tick : 0;
}

static int top_wrong(void)
{
    fputs(usage, stderr);
    return 2;
}

static int top_options(struct top *top, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--once") == 0)
            top->once = true;
        else if (strcmp(argv[i], "--every") == 0 && i + 1 < argc)
            top->every_ns = (int64_t)(atof(argv[++i]) * 1e9);
        else if (strcmp(argv[i], "--lines") == 0 && i + 1 < argc)
            top->lines = atoi(argv[++i]);
        else
            return top_wrong();
    }
    top->count = argc - i;
    if (top->count < 1 || top->count > PATHS_MOST || top->every_ns <= 0)
        return top_wrong();
    top->sources = calloc((size_t)top->count, sizeof *top->sources);
    for (int j = 0; top->sources && j < top->count; j++)
        top->sources[j] = (struct source){.top = top, .path = argv[i + j]};
    return top->sources ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct top top = {.every_ns = RONDO_SEC(1), .lines = 20};
    int result = top_options(&top, argc, argv);
    if (result)
        return result;
    if (rondo_loop_new(&top.loop, NULL) < 0 || top_begin(&top) < 0 ||
        rondo_loop_run(top.loop) < 0) {
        fprintf(stderr, "rondo-top: %s\n", rondo_last_error());
        return 1;
    }
    for (int i = 0; i < top.count; i++)
        if (*top.sources[i].trouble)
            fprintf(stderr, "%s: %s\n", top.sources[i].path,
                    top.sources[i].trouble);
    result = rondo_loop_close(top.loop) ? 1 : top.result;
    free(top.sources);
    return result;
}
