/* top_view.c - snapshots of rondo_top.h, read and shown as text. */
/* SPDX-License-Identifier: MIT */
#include "top_view.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t place;
    int count;
} view_numbers[] = {
    {"now", offsetof(struct view, now), 1},
    {"iterations", offsetof(struct view, iterations), 1},
    {"events", offsetof(struct view, events), 1},
    {"callbacks", offsetof(struct view, callbacks), 1},
    {"allocations", offsetof(struct view, allocations), 1},
    {"received", offsetof(struct view, received), 1},
    {"sent", offsetof(struct view, sent), 1},
    {"idle", offsetof(struct view, idle), 1},
    {"lag_most", offsetof(struct view, lag_most), 1},
    {"live", offsetof(struct view, live), VIEW_LIVE},
    {"time", offsetof(struct view, time), VIEW_TIMES},
    {"lag", offsetof(struct view, lag), RONDO_LAG_BUCKETS},
};

static void view_take_numbers(struct view *v, const char *name,
                              const char *values)
{
    for (size_t i = 0; i < sizeof view_numbers / sizeof *view_numbers; i++) {
        if (strcmp(view_numbers[i].name, name) != 0)
            continue;
        int64_t *to = (int64_t *)(void *)((char *)v + view_numbers[i].place);
        for (int j = 0; j < view_numbers[i].count; j++) {
            char *end;
            to[j] = strtoll(values, &end, 10);
            values = end;
        }
    }
}

bool view_take(struct view *v, const char *line, size_t size)
{
    char text[1024];
    size = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, line, size);
    text[size] = '\0';
    if (strcmp(text, ".") == 0)
        return true;
    char *value = strchr(text, ' ');
    if (!value)
        return false;
    *value++ = '\0';
    if (strcmp(text, "rondo-top") == 0)
        *v = (struct view){.line_count = 0};
    else if (strcmp(text, "backend") == 0)
        snprintf(v->backend, sizeof v->backend, "%s", value);
    else if (strcmp(text, "lines") == 0)
        v->all_lines = atoi(value);
    else if (strcmp(text, "-") == 0 && v->line_count < VIEW_LINES)
        snprintf(v->lines[v->line_count++], sizeof v->lines[0], "%s", value);
    else
        view_take_numbers(v, text, value);
    return false;
}

/* ---- showing ------------------------------------------------------------- */

/* "12.3 k" and so on, of a number a second. */
static const char *view_amount(double amount, char *text, size_t size)
{
    static const char units[] = " kMGT";
    int unit = 0;
    while (amount >= 1000 && units[unit + 1]) {
        amount /= 1000;
        unit++;
    }
    snprintf(text, size, unit ? "%.1f %c" : "%.0f", amount, units[unit]);
    return text;
}

static void view_show_rates(FILE *out, const struct view *a,
                            const struct view *b, double seconds)
{
    const struct {
        const char *name;
        int64_t count;
    } rates[] = {{" iterations/s", b->iterations - a->iterations},
                 {" events/s", b->events - a->events},
                 {" callbacks/s", b->callbacks - a->callbacks},
                 {" allocations/s", b->allocations - a->allocations},
                 {"B/s in", b->received - a->received},
                 {"B/s out", b->sent - a->sent}};
    fputs("  ", out);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char text[32];
        double rate = (double)rates[i].count / seconds;
        bool gap = rates[i].name[0] != ' ' && rate < 1000;
        fprintf(out, "%s%s%s%s", i ? ", " : "",
                view_amount(rate, text, sizeof text), gap ? " " : "",
                rates[i].name);
    }
    fputs("\n", out);
}

static void view_show_times(FILE *out, const struct view *a,
                            const struct view *b, double ns)
{
    static const char *const names[VIEW_TIMES] = {
        "wait",    "callbacks", "timers",    "posts", "watchers",
        "signals", "hooks",     "protocols", "dones", "library"};
    fputs("  time:", out);
    for (int i = 0; i < VIEW_TIMES; i++) {
        double part = (double)(b->time[i] - a->time[i]) / ns * 100;
        if (part >= 0.05)
            fprintf(out, " %s %.1f%%", names[i], part);
    }
    fputs("\n", out);
}

static const char *view_time(double us, char *text, size_t size)
{
    snprintf(text, size, us < 1000 ? "%.0f us" : "%.0f ms",
             us < 1000 ? us : us / 1000);
    return text;
}

/* The bound below which so many of a thousand iterations are. */
static double view_lag_below(const int64_t *lag, int64_t all, int thousandths)
{
    int64_t sum = 0;
    for (int i = 0; i < RONDO_LAG_BUCKETS; i++) {
        sum += lag[i];
        if (sum * 1000 >= all * thousandths)
            return (double)(INT64_C(1) << i);
    }
    return (double)(INT64_C(1) << RONDO_LAG_BUCKETS);
}

static void view_show_lag(FILE *out, const struct view *a, const struct view *b)
{
    static const int points[] = {500, 990, 999};
    int64_t lag[RONDO_LAG_BUCKETS], all = 0;
    char text[32];
    for (int i = 0; i < RONDO_LAG_BUCKETS; i++)
        all += lag[i] = b->lag[i] - a->lag[i];
    fputs("  lag:", out);
    for (size_t i = 0; all && i < sizeof points / sizeof *points; i++)
        fprintf(
            out, " %g%% below %s,", points[i] / 10.0,
            view_time(view_lag_below(lag, all, points[i]), text, sizeof text));
    fprintf(out, " longest ever %s\n",
            view_time((double)b->lag_most / 1000, text, sizeof text));
}

static void view_show_live(FILE *out, const struct view *v)
{
    static const char *const names[VIEW_LIVE] = {
        "timers",    "watchers",  "transports", "servers",
        "endpoints", "processes", "operations", "jobs"};
    fputs("  live:", out);
    for (int i = 0; i < VIEW_LIVE; i++)
        if (v->live[i])
            fprintf(out, " %lld %s", (long long)v->live[i], names[i]);
    fputs("\n", out);
}

void view_show(FILE *out, const char *name, const struct view *before,
               const struct view *v, int most)
{
    double ns = (double)(v->now - before->now);
    bool rates = before->now && ns > 0;
    fprintf(out, "%s: %s", name, v->backend);
    if (rates)
        fprintf(out, ", load %.1f%%",
                100 - (double)(v->idle - before->idle) / ns * 100);
    fputs("\n", out);
    if (rates) {
        view_show_rates(out, before, v, ns / 1e9);
        view_show_times(out, before, v, ns);
    }
    view_show_lag(out, before, v);
    view_show_live(out, v);
    int shown = v->line_count < most ? v->line_count : most;
    for (int i = 0; i < shown; i++)
        fprintf(out, "    %s\n", v->lines[i]);
    if (v->all_lines > shown)
        fprintf(out, "    ... and %d more\n", v->all_lines - shown);
}
