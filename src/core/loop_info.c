/* loop_info.c - clock, capabilities, limits and metrics of a loop. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backend.h"
#include "core/loop.h"
#include "core/observe.h"
#include "core/part.h"
#include "core/remote.h"

#include <string.h>

bool rondo_loop_is_running(const rondo_loop *loop)
{
    return loop && loop->depth > 0;
}

int64_t rondo_loop_time(const rondo_loop *loop)
{
    (void)loop;
    return sys_clock();
}

int64_t rondo_loop_iteration_time(const rondo_loop *loop)
{
    return loop ? loop->now : 0;
}

void rondo_loop_set_data(rondo_loop *loop, void *data)
{
    if (!loop_check(loop, "loop_set_data"))
        loop->data = data;
}

void *rondo_loop_data(const rondo_loop *loop)
{
    return loop ? loop->data : NULL;
}

bool rondo_loop_supports(const rondo_loop *loop, rondo_capability what)
{
    if (!loop || (unsigned)what > 63)
        return false;
    return sys_supports(what) && !(loop->backend->cannot >> what & 1);
}

int64_t rondo_loop_limit(const rondo_loop *loop, rondo_limit what)
{
    int error = loop_check(loop, "loop_limit");
    if (error)
        return error;
    const struct backend *b = loop->backend;
    int64_t numbers = b->max_number ? b->max_number : INT64_MAX;
    int64_t most =
        b->max_descriptors ? b->max_descriptors : sys_descriptor_limit();
    switch (what) {
    case RONDO_LIMIT_DESCRIPTORS:
        return most < numbers ? most : numbers;
    case RONDO_LIMIT_DESCRIPTOR_NUMBER:
        return numbers;
    case RONDO_LIMIT_UNIX_PATH:
        return sys_unix_path_limit();
    case RONDO_LIMIT_DATAGRAM:
        return (int64_t)sys_datagram_most(RONDO_FAMILY_INET);
    }
    return error_set(RONDO_EINVAL, "loop_limit: no limit of number %d",
                     (int)what);
}

int rondo_get_clock_info(const rondo_loop *loop, rondo_clock_info *info)
{
    int error = loop_check(loop, "get_clock_info");
    if (error)
        return error;
    rondo_clock_info facts = {.size = sizeof facts, .monotonic = true};
    sys_clock_facts(&facts.name, &facts.resolution_ns);
    facts.wait_resolution_ns = loop->backend->resolution(loop);
    if (facts.wait_resolution_ns < facts.resolution_ns)
        facts.wait_resolution_ns = facts.resolution_ns;
    return loop_give(info, &facts, sizeof facts, "get_clock_info");
}

static void loop_info_meter(const struct meter *meter, rondo_loop_metrics *m)
{
    m->bytes_received = meter->bytes_received;
    m->bytes_sent = meter->bytes_sent;
    m->lag_most_ns = meter->lag_most_ns;
    memcpy(m->lag, meter->lag, sizeof m->lag);
    memcpy(m->time_ns, meter->time_ns, sizeof meter->time_ns);
}

int rondo_loop_get_metrics(const rondo_loop *loop, rondo_loop_metrics *metrics)
{
    int error = loop_check(loop, "loop_get_metrics");
    if (error)
        return error;
    const struct loop_counts *c = &loop->metrics;
    rondo_loop_metrics m = {.size = sizeof m,
                            .iterations = c->iterations,
                            .events = c->events,
                            .callbacks = c->callbacks,
                            .allocations =
                                c->allocations + remote_allocations(loop),
                            .timers_skipped = c->timers_skipped,
                            .idle_ns = c->idle_ns};
    if (loop->meter)
        loop_info_meter(loop->meter, &m);
    m.live_timers = loop->timers.live - loop->timers.hidden;
    m.live_watchers = loop->live_watchers;
    m.live_transports = loop->live[HANDLE_TRANSPORT];
    m.live_servers = loop->live[HANDLE_SERVER];
    m.live_datagrams = loop->live[HANDLE_DATAGRAM];
    m.live_processes = loop->live[HANDLE_PROCESS];
    m.live_operations = loop->live[HANDLE_OPERATION] +
                        loop->live[HANDLE_LOOKUP] +
                        loop->live[HANDLE_SOCK_CALL] +
                        loop->live[HANDLE_SENDFILE] + loop->live[HANDLE_DRAIN] +
                        loop->live[HANDLE_SEND] + loop->live[HANDLE_FILE_CALL] +
                        loop->live[HANDLE_WALK] + loop->live[HANDLE_PUMP];
    m.live_jobs = loop->live[HANDLE_JOB];
    m.live_groups = loop->live[HANDLE_GROUP];
    for (int i = 0; i < LOOP_PARTS; i++)
        if (loop_parts[i]->count)
            loop_parts[i]->count(loop, &m);
    return loop_give(metrics, &m, sizeof m, "loop_get_metrics");
}

#define TEXT_OF(x) #x
#define VERSION(major, minor, patch)                                           \
    TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *rondo_version(void)
{
    return VERSION(RONDO_VERSION_MAJOR, RONDO_VERSION_MINOR,
                   RONDO_VERSION_PATCH);
}
