/* world.c - virtual time, chance, and the trace of all that happens. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

struct sim_world sim;

void sim_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("rondo_sim: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

/* ---- chance: xoshiro256** by Blackman and Vigna ---- */

static uint64_t world_turn(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

uint64_t sim_random(void)
{
    uint64_t *s = sim.chance;
    uint64_t result = world_turn(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = world_turn(s[3], 45);
    return result;
}

uint64_t sim_below(uint64_t n)
{
    assert(n);
    return n == 1 ? 0 : sim_random() % n;
}

/* ---- events: a heap, the earliest at its root ---- */

static bool world_is_before(const struct sim_event *a,
                            const struct sim_event *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void world_put(struct sim_event *event, int place)
{
    sim.heap[place] = event;
    event->place = place;
}

static void world_rise(struct sim_event *event, int place)
{
    while (place > 0) {
        int above = (place - 1) / 2;
        if (!world_is_before(event, sim.heap[above]))
            break;
        world_put(sim.heap[above], place);
        place = above;
    }
    world_put(event, place);
}

static void world_sink(struct sim_event *event, int place)
{
    for (;;) {
        int below = 2 * place + 1;
        if (below >= sim.heap_used)
            break;
        if (below + 1 < sim.heap_used &&
            world_is_before(sim.heap[below + 1], sim.heap[below]))
            below++;
        if (!world_is_before(sim.heap[below], event))
            break;
        world_put(sim.heap[below], place);
        place = below;
    }
    world_put(event, place);
}

void sim_at(struct sim_event *event, int64_t when)
{
    assert(event->place == SIM_NOWHERE && event->run);
    if (sim.heap_used == sim.heap_room) {
        int room = sim.heap_room ? sim.heap_room * 2 : 256;
        sim.heap = realloc(sim.heap, (size_t)room * sizeof *sim.heap);
        if (!sim.heap)
            sim_die("out of memory for events");
        sim.heap_room = room;
    }
    event->when = when < sim.now ? sim.now : when;
    event->order = ++sim.order;
    world_rise(event, sim.heap_used++);
}

void sim_drop(struct sim_event *event)
{
    int place = event->place;
    if (place == SIM_NOWHERE)
        return;
    assert(sim.heap[place] == event);
    struct sim_event *last = sim.heap[--sim.heap_used];
    event->place = SIM_NOWHERE;
    if (last == event)
        return;
    if (place > 0 && world_is_before(last, sim.heap[(place - 1) / 2]))
        world_rise(last, place);
    else
        world_sink(last, place);
}

static void world_run_first(void)
{
    struct sim_event *event = sim.heap[0];
    sim_drop(event);
    assert(event->when >= sim.now);
    sim.now = event->when;
    event->run(event);
}

bool sim_step(void)
{
    if (!sim.heap_used)
        return false;
    world_run_first();
    return true;
}

void sim_run_due(void)
{
    while (sim.heap_used && sim.heap[0]->when <= sim.now && !sim.called)
        world_run_first();
}

/* ---- the trace ---- */

static const char *const world_words[NOTES] = {
    [NOTE_ALARM] = "thread %lld: time is over",
    [NOTE_THREAD] = "thread %lld begins",
    [NOTE_THREAD_END] = "thread %lld ends",
    [NOTE_HOST] = "main begins, start %lld",
    [NOTE_HOST_END] = "main returns",
    [NOTE_CRASH] = "crashes",
    [NOTE_KILL] = "is killed",
    [NOTE_PAUSE] = "is paused",
    [NOTE_RESUME] = "goes on",
    [NOTE_CUT] = "is cut off from host %lld",
    [NOTE_HEAL] = "reaches host %lld again",
    [NOTE_WAIT] = "wait ends: %lld ready",
    [NOTE_SOCKET] = "socket %lld is made",
    [NOTE_CLOSE] = "socket %lld is closed",
    [NOTE_LISTEN] = "socket %lld listens at port %lld",
    [NOTE_CONNECT] = "socket %lld connects to port %lld",
    [NOTE_ACCEPT] = "accept gives socket %lld",
    [NOTE_CONNECTED] = "socket %lld is connected",
    [NOTE_REFUSED] = "socket %lld: error %lld",
    [NOTE_SEND] = "socket %lld sends %lld bytes",
    [NOTE_RECEIVE] = "socket %lld receives %lld bytes",
    [NOTE_ARRIVE] = "socket %lld: %lld bytes arrive",
    [NOTE_END] = "socket %lld: the end arrives",
    [NOTE_RESET] = "socket %lld: a reset arrives",
    [NOTE_SEND_DATAGRAM] = "socket %lld sends a datagram of %lld bytes",
    [NOTE_DATAGRAM] = "socket %lld: a datagram of %lld bytes arrives",
    [NOTE_DATAGRAM_LOST] = "socket %lld: a datagram of %lld bytes is lost",
    [NOTE_DONE] = "operation of kind %lld ends: %lld",
    [NOTE_LOOKUP] = "look-up: %lld addresses or error",
    [NOTE_SIGNAL] = "signal %lld to process %lld",
    [NOTE_PROCESS] = "process %lld begins",
    [NOTE_PROCESS_END] = "process %lld ends: %lld",
    [NOTE_FAULT] = "fault",
    [NOTE_LOG] = "says",
};

static void world_mix(uint64_t value)
{
    sim.hash = (sim.hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    sim.hash ^= sim.hash >> 29;
}

static void world_print_head(const struct sim_host *host)
{
    fprintf(sim.options.trace, "%lld.%09lld %s ",
            (long long)(sim.now / 1000000000),
            (long long)(sim.now % 1000000000), host ? host->name : "-");
}

void sim_note(const struct sim_host *host, enum sim_note what, int64_t a,
              int64_t b)
{
    sim.events++;
    world_mix((uint64_t)sim.now);
    world_mix((uint64_t)what << 32 | (uint32_t)(host ? host->number : -1));
    world_mix((uint64_t)a ^ (uint64_t)b << 40);
    if (!sim.options.trace)
        return;
    world_print_head(host);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fprintf(sim.options.trace, world_words[what], (long long)a, (long long)b);
#pragma GCC diagnostic pop
    fputc('\n', sim.options.trace);
}

void sim_note_text(const struct sim_host *host, const char *text)
{
    sim.events++;
    world_mix((uint64_t)sim.now);
    for (const char *c = text; *c; c++)
        world_mix((unsigned char)*c);
    if (!sim.options.trace)
        return;
    world_print_head(host);
    fprintf(sim.options.trace, "%s\n", text);
}
#endif
