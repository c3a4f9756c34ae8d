/* play.c - a scenario is run with one seed, or twice and compared. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/try.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

bool try_play(uint64_t seed, rondo_sim_scenario scenario, void *arg)
{
    struct try_run *run = try_recorded();
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
