/* try.c - one run of a trial: the faults that it keeps, its trace. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/try.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>
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

bool try_play(uint64_t seed, rondo_sim_scenario scenario, void *arg)
{
    struct try_run *run = try_state.run;
    if (run) {
        run->seed = seed;
        run->fired_count = 0;
        run->text[0] = '\0';
        run->report[0] = '\0';
        run->hung = false;
        run->failed = true; /* unless it comes back and says otherwise */
    }
    int result = scenario(seed, arg);
    if (rondo_sim_exists())
        result |= rondo_sim_end();
    const char *why = rondo_sim_failure();
    if (run) {
        run->failed = result != 0;
        if (result) {
            snprintf(run->text, sizeof run->text, "%s",
                     why ? why : "the scenario has not returned 0");
            snprintf(run->report, sizeof run->report, "%s", try_deadlock());
        }
    }
    return result != 0;
}

/* ---- two runs of one seed ---- */

static FILE *compare_trace(uint64_t seed, rondo_sim_scenario scenario,
                           void *arg)
{
    FILE *file = tmpfile();
    if (!file)
        return NULL;
    try_trace_to(file);
    (void)try_play(seed, scenario, arg);
    try_trace_to(NULL);
    rewind(file);
    return file;
}

/* Returns whether there are lines of both, which differ. */
static bool compare_lines(FILE *a, FILE *b, FILE *to)
{
    char one[1024] = "", two[1024] = "", before[1024] = "";
    for (unsigned long line = 1;; line++) {
        bool has_one = fgets(one, sizeof one, a);
        bool has_two = fgets(two, sizeof two, b);
        if (!has_one && !has_two)
            return false;
        if (has_one != has_two || strcmp(one, two) != 0) {
            fprintf(to,
                    "the runs differ in line %lu of their traces, after\n"
                    "  %s  first:  %s  second: %s",
                    line, *before ? before : "their beginning\n",
                    has_one ? one : "its end\n", has_two ? two : "its end\n");
            return true;
        }
        memcpy(before, one, sizeof before);
    }
}

int rondo_sim_compare(uint64_t seed, rondo_sim_scenario scenario, void *arg,
                      FILE *to)
{
    if (!scenario || !to)
        return error_set(RONDO_EINVAL, "sim_compare: no %s",
                         scenario ? "file" : "scenario");
    if (rondo_sim_exists())
        return error_set(RONDO_EBUSY, "sim_compare: there is a world already");
    FILE *a = compare_trace(seed, scenario, arg);
    FILE *b = compare_trace(seed, scenario, arg);
    bool differ = a && b && compare_lines(a, b, to);
    int error = a && b ? differ
                       : error_set(RONDO_EIO, "sim_compare: no place for a "
                                              "trace");
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    return error;
}
#endif
