/* try.c - what a trial wants of a run, and what it hears of it. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/try.h"

#include "base/error.h"

#include <stdarg.h>
#include <string.h>

static struct {
    bool only;
    const struct sim_fired *list;
    size_t count;
    struct try_run *run;
    FILE *trace;
} try_state;

/* ---- what a world asks ---- */

bool try_keeps(enum sim_fault_kind kind, uint64_t number)
{
    if (!try_state.only)
        return true;
    for (size_t i = 0; i < try_state.count; i++)
        if (try_state.list[i].kind == (int)kind &&
            try_state.list[i].number == number)
            return true;
    return false;
}

void try_fired(enum sim_fault_kind kind, uint64_t number)
{
    struct try_run *run = try_state.run;
    if (!run)
        return;
    if (run->fired_count < TRY_FIRED_MOST)
        run->fired[run->fired_count] = (struct sim_fired){(int)kind, number};
    run->fired_count++;
}

void try_world_begins(rondo_sim_options *options)
{
    if (try_state.trace)
        options->trace = try_state.trace;
    if (try_state.run)
        try_state.run->worlds++;
}

void try_world_ends(void)
{
    if (try_state.run)
        try_state.run->events += sim.events;
}

int sim_wrong(int error, const char *format, ...)
{
    char text[TRY_TEXT_ROOM];
    struct try_run *run = try_state.run;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (run && !run->wrong[0]) {
        memcpy(run->wrong, text, sizeof text);
        run->wrong_seed = run->seed;
    }
    return error_set(error, "%s", text);
}

/* ---- what a trial sets ---- */

void try_keep_only(const struct sim_fired *list, size_t count)
{
    try_state.only = list;
    try_state.list = list;
    try_state.count = count;
}

void try_record(struct try_run *run)
{
    try_state.run = run;
}

void try_trace_to(FILE *file)
{
    try_state.trace = file;
}

struct try_run *try_recorded(void)
{
    return try_state.run;
}
#endif
