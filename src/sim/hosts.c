/* hosts.c - hosts with addresses and clocks, and what lies between them. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

#include "base/error.h"
#include "sim/net.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ---- */

bool sim_host_has(const struct sim_host *host, const rondo_address *a)
{
    for (unsigned i = 0; i < host->ips; i++)
        if (net_same_ip(&host->ip[i], a))
            return true;
    return false;
}

/* The first two addresses are those of each host: 127.0.0.1 and ::1. */
struct sim_host *sim_host_of_ip(const rondo_address *a)
{
    for (int i = 0; i < sim.host_count; i++)
        for (unsigned k = 2; k < sim.hosts[i]->ips; k++)
            if (net_same_ip(&sim.hosts[i]->ip[k], a))
                return sim.hosts[i];
    return NULL;
}

struct sim_host *sim_host_named(const char *name)
{
    for (int i = 0; i < sim.host_count; i++)
        if (strcmp(sim.hosts[i]->name, name) == 0)
            return sim.hosts[i];
    return NULL;
}

/* ---- clocks ---- */

enum { CLOCK_START_S = 1000 }; /* what each clock shows at first */

int64_t sim_host_clock(const struct sim_host *host)
{
    int64_t since = sim.now - host->clock_from;
    if (host->drift != 0)
        since += (int64_t)((double)since * host->drift);
    return host->clock_base + since;
}

int64_t sim_host_deadline(const struct sim_host *host, int64_t timeout_ns)
{
    if (timeout_ns >= RONDO_NEVER - sim.now)
        return RONDO_NEVER;
    if (host && host->drift != 0) /* rounded up: no timer is early */
        timeout_ns = (int64_t)((double)timeout_ns / (1 + host->drift)) + 2;
    return sim.now + timeout_ns;
}

/* ---- links ---- */

struct sim_link *sim_link(const struct sim_host *from,
                          const struct sim_host *to)
{
    return &sim.links[from->number * sim.host_count + to->number];
}

bool sim_is_cut(const struct sim_host *from, const struct sim_host *to)
{
    return from != to && sim_link(from, to)->cut;
}

int64_t sim_latency(const struct sim_host *from, const struct sim_host *to,
                    size_t bytes)
{
    if (from == to)
        return 0;
    const rondo_sim_link *link = &sim_link(from, to)->is;
    int64_t ns = link->latency_ns;
    if (link->jitter_ns)
        ns += (int64_t)sim_below((uint64_t)link->jitter_ns + 1);
    if (link->bytes_per_second)
        ns += (int64_t)((double)bytes * 1e9 / (double)link->bytes_per_second);
    return ns;
}

static int hosts_grow_links(void)
{
    int count = sim.host_count, wider = count + 1;
    size_t size = (size_t)wider * (size_t)wider;
    struct sim_link *links = calloc(size, sizeof *links);
    if (!links)
        return RONDO_ENOMEM;
    for (size_t i = 0; i < size; i++)
        links[i].is = sim.options.link;
    for (int from = 0; from < count; from++)
        for (int to = 0; to < count; to++)
            links[from * wider + to] = sim.links[from * count + to];
    free(sim.links);
    sim.links = links;
    return 0;
}

/* ---- making ---- */

/* A name that no look-up would find as one. */
static bool hosts_is_no_name(const char *name)
{
    rondo_address a;
    return strcmp(name, "localhost") == 0 ||
           sys_address_ip(&a, name, 0, 0) == 0;
}

static int hosts_check_name(const char *name)
{
    if (!name || !*name)
        return sim_wrong(RONDO_EINVAL, "sim_add_host: a host needs a name");
    if (strlen(name) >= SIM_NAME_ROOM)
        return sim_wrong(RONDO_EINVAL,
                         "sim_add_host: a name of %zu bytes, the limit is %d",
                         strlen(name), SIM_NAME_ROOM - 1);
    if (hosts_is_no_name(name))
        return sim_wrong(
            RONDO_EINVAL, "sim_add_host: \"%s\" cannot be a name: it %s", name,
            *name == 'l' ? "means each host itself" : "is a numeric address");
    if (sim_host_named(name))
        return sim_wrong(RONDO_EEXIST, "sim_add_host: there is a host \"%s\"",
                         name);
    return 0;
}

static int hosts_parse_ip(const char *ip, rondo_address *a, const char *what)
{
    if (!ip || sys_address_ip(a, ip, 0, 0) != 0)
        return sim_wrong(RONDO_EINVAL, "%s: \"%s\" is not a numeric address",
                         what, ip ? ip : "NULL");
    if (net_is_any(a) || net_is_loopback(a) || net_is_multicast(a) ||
        net_is_mapped(a) || net_is_for_all(a))
        return sim_wrong(RONDO_EINVAL, "%s: %s is no address of one host", what,
                         ip);
    const struct sim_host *other = sim_host_of_ip(a);
    if (other)
        return sim_wrong(RONDO_EEXIST, "%s: host \"%s\" has the address %s",
                         what, other->name, ip);
    return 0;
}

/* For a host that was given none: 10.x.y.z, with its number. */
static void hosts_make_ip(rondo_address *a, int number)
{
    char ip[32];
    do {
        number++;
        snprintf(ip, sizeof ip, "10.%d.%d.%d", 77 + number / 62500,
                 number / 250 % 250, number % 250 + 1);
        (void)sys_address_ip(a, ip, 0, 0);
    } while (sim_host_of_ip(a));
}

static void hosts_main(void *arg)
{
    struct sim_host *host = arg;
    sim_note(host, NOTE_HOST, host->starts, 0);
    host->main(host->arg);
    sim_note(host, NOTE_HOST_END, 0, 0);
}

static int hosts_start(struct sim_host *host)
{
    sim_process_forget(&host->process);
    host->up = true;
    host->starts++;
    if (!host->main)
        return 0;
    int error = sim_thread_start(&host->process, "main", hosts_main, host);
    return error ? error_os(error, "sim: host \"%s\" cannot start", host->name)
                 : 0;
}

enum { FIRST_PID = 1000 }; /* of what a host's main starts */

static struct sim_host *hosts_new(const char *name, const rondo_address *ip)
{
    struct sim_host **hosts = realloc(sim.hosts, (size_t)(sim.host_count + 1) *
                                                     sizeof(struct sim_host *));
    if (hosts)
        sim.hosts = hosts;
    struct sim_host *h = hosts ? calloc(1, sizeof *h) : NULL;
    if (!h || hosts_grow_links() != 0) {
        free(h);
        return NULL;
    }
    snprintf(h->name, sizeof h->name, "%s", name);
    h->number = sim.host_count;
    (void)sys_address_ip(&h->ip[0], "127.0.0.1", 0, 0);
    (void)sys_address_ip(&h->ip[1], "::1", 0, 0);
    h->ip[2] = *ip;
    h->ips = 3;
    h->process.host = h;
    h->process.pid = h->process.group = h->process.session = h->number + 1;
    h->process.descriptors_most = sim.options.descriptors;
    h->next_pid = FIRST_PID;
    h->next_port = 49152;
    h->clock_from = sim.now;
    h->clock_base = RONDO_SEC(CLOCK_START_S);
    sim.hosts[sim.host_count++] = h;
    return h;
}

/* ---- the interface ---- */

static int hosts_no_world(const char *what)
{
    return sim_wrong(RONDO_EINVAL,
                     "%s: there is no world; call rondo_sim_begin first", what);
}

static struct sim_host *hosts_get(int number, const char *what, int *error)
{
    *error = 0;
    if (!sim.begun)
        *error = hosts_no_world(what);
    else if (number < 0 || number >= sim.host_count)
        *error =
            sim_wrong(RONDO_ENONAME, "%s: there is no host %d", what, number);
    return *error ? NULL : sim.hosts[number];
}

int rondo_sim_add_host(const char *name, const char *ip, rondo_sim_main run,
                       void *arg)
{
    rondo_address a;
    if (!sim.begun)
        return hosts_no_world("sim_add_host");
    int error = hosts_check_name(name);
    if (!error && ip)
        error = hosts_parse_ip(ip, &a, "sim_add_host");
    if (error)
        return error;
    if (!ip)
        hosts_make_ip(&a, sim.host_count);
    struct sim_host *h = hosts_new(name, &a);
    if (!h)
        return error_set(RONDO_ENOMEM, "sim_add_host: out of memory");
    h->main = run;
    h->arg = arg;
    error = hosts_start(h);
    return error ? error : h->number;
}

int rondo_sim_add_ip(int host, const char *ip)
{
    int error;
    rondo_address a;
    struct sim_host *h = hosts_get(host, "sim_add_ip", &error);
    if (!error)
        error = hosts_parse_ip(ip, &a, "sim_add_ip");
    if (error)
        return error;
    if (h->ips == SIM_IPS)
        return sim_wrong(RONDO_ETOOMUCH,
                         "sim_add_ip: host \"%s\" has two addresses already",
                         h->name);
    h->ip[h->ips++] = a;
    return 0;
}

int rondo_sim_find_host(const char *name)
{
    const struct sim_host *h = NULL;
    if (!sim.begun)
        return hosts_no_world("sim_find_host");
    if (name)
        h = sim_host_named(name);
    return h ? h->number
             : error_set(RONDO_ENONAME,
                         "sim_find_host: there is no host "
                         "\"%s\"",
                         name ? name : "NULL");
}

int rondo_sim_self(void)
{
    const struct sim_host *h = sim_host();
    return h ? h->number : -1;
}

/* ---- the end of a host ---- */

static int hosts_stop(int host, bool system_goes_on, const char *what)
{
    int error;
    struct sim_host *h = hosts_get(host, what, &error);
    if (error || !h->up)
        return error;
    sim_note(h, system_goes_on ? NOTE_KILL : NOTE_CRASH, 0, 0);
    h->up = system_goes_on;
    h->process.paused = false;
    sim_kill_threads(&h->process);
    if (!system_goes_on)
        sim_processes_crash(h);
    net_host_stops(h, system_goes_on);
    bool own_ends = sim_process_lose_parent(&h->process);
    bool own = sim_process() == &h->process;
    if (!own)
        sim_free_blocks(&h->process.memory);
    if (own || (sim_host() == h && !system_goes_on))
        sim_leave(); /* its stack may be in use: a restart frees the memory */
    if (own_ends)
        sim_process_signal(sim_process(), SIGKILL);
    return 0;
}

int rondo_sim_crash(int host)
{
    return hosts_stop(host, false, "sim_crash");
}

int rondo_sim_kill(int host)
{
    return hosts_stop(host, true, "sim_kill");
}

int rondo_sim_restart(int host)
{
    int error;
    struct sim_host *h = hosts_get(host, "sim_restart", &error);
    if (error)
        return error;
    const struct sim_thread *t = h->process.threads;
    if (t)
        return error_set(
            RONDO_EBUSY,
            "sim_restart: host \"%s\" is running: thread %u (%s) "
            "has not ended; rondo_sim_kill or rondo_sim_crash ends "
            "it",
            h->name, t->number, t->role);
    net_host_stops(h, true);
    sim_free_blocks(&h->process.memory);
    return hosts_start(h);
}

int rondo_sim_pause(int host)
{
    int error;
    struct sim_host *h = hosts_get(host, "sim_pause", &error);
    if (error || h->process.paused || !h->up)
        return error;
    sim_note(h, NOTE_PAUSE, 0, 0);
    sim_pause_threads(&h->process);
    return 0;
}

int rondo_sim_resume(int host)
{
    int error;
    struct sim_host *h = hosts_get(host, "sim_resume", &error);
    if (error || !h->process.paused)
        return error;
    sim_note(h, NOTE_RESUME, 0, 0);
    sim_resume_threads(&h->process);
    return 0;
}

int rondo_sim_set_drift(int host, double drift)
{
    int error;
    struct sim_host *h = hosts_get(host, "sim_set_drift", &error);
    if (error)
        return error;
    if (!(drift >= -0.5 && drift <= 1))
        return sim_wrong(RONDO_EINVAL,
                         "sim_set_drift: %g is not from -0.5 to 1", drift);
    h->clock_base = sim_host_clock(h);
    h->clock_from = sim.now;
    sim_change_pace(h, (1 + h->drift) / (1 + drift));
    h->drift = drift;
    return 0;
}

int rondo_sim_set_descriptors(int host, unsigned most)
{
    int error;
    struct sim_host *h = hosts_get(host, "sim_set_descriptors", &error);
    for (struct sim_process *p = error ? NULL : &h->process; p; p = p->next)
        p->descriptors_most = most;
    return error;
}

int rondo_sim_set_memory(int host, size_t most)
{
    int error;
    struct sim_host *h = hosts_get(host, "sim_set_memory", &error);
    for (struct sim_process *p = error ? NULL : &h->process; p; p = p->next)
        p->memory.most = most;
    return error;
}

int64_t rondo_sim_count_memory(int host)
{
    int error;
    const struct sim_host *h = hosts_get(host, "sim_count_memory", &error);
    int64_t used = 0;
    for (const struct sim_process *p = error ? NULL : &h->process; p;
         p = p->next)
        used += (int64_t)p->memory.used;
    return error ? error : used;
}

int rondo_sim_count_descriptors(int host)
{
    int error;
    const struct sim_host *h = hosts_get(host, "sim_count_descriptors", &error);
    unsigned count = 0;
    for (const struct sim_process *p = error ? NULL : &h->process; p;
         p = p->next)
        count += p->descriptors;
    return error ? error : (int)count;
}

int rondo_sim_count_children(int host, bool ended)
{
    int error, count = 0;
    const struct sim_host *h = hosts_get(host, "sim_count_children", &error);
    for (const struct sim_process *p = error ? NULL : h->process.next; p;
         p = p->next)
        count += p->ended == ended;
    return error ? error : count;
}

void sim_hosts_end(void)
{
    for (int i = 0; i < sim.host_count; i++) {
        (void)rondo_sim_crash(i);
        sim_free_blocks(&sim.hosts[i]->process.memory);
        sim_process_forget(&sim.hosts[i]->process);
        disk_end(sim.hosts[i]);
    }
    for (int i = 0; i < sim.host_count; i++)
        free(sim.hosts[i]);
    free(sim.hosts);
    free(sim.links);
}

/* ---- links, the interface ---- */

static int hosts_check_share(double share, const char *what, const char *name)
{
    if (share >= 0 && share <= 1)
        return 0;
    return sim_wrong(RONDO_EINVAL, "%s: %s is %g, not from 0 to 1", what, name,
                     share);
}

#define YEAR_NS (RONDO_SEC(86400) * 365)

int hosts_check_link(const rondo_sim_link *link, const char *what)
{
    if (!link)
        return sim_wrong(RONDO_EINVAL, "%s: no link", what);
    if (link->latency_ns < 0 || link->jitter_ns < 0 ||
        link->bytes_per_second < 0)
        return sim_wrong(RONDO_EINVAL, "%s: a negative number", what);
    if (link->latency_ns > YEAR_NS || link->jitter_ns > YEAR_NS)
        return sim_wrong(RONDO_EINVAL, "%s: a packet takes more than a year",
                         what);
    return hosts_check_share(link->loss, what, "loss");
}

int hosts_check_faults(const rondo_sim_faults *faults, const char *what)
{
    if (!faults)
        return sim_wrong(RONDO_EINVAL, "%s: no faults", what);
    int error = 0;
#define CHECK_RATE(name)                                                       \
    if (!error)                                                                \
        error = hosts_check_share(faults->name, what, #name);
    RONDO_SIM_FAULTS(CHECK_RATE)
#undef CHECK_RATE
    return error;
}

static int hosts_get_link(int from, int to, const char *what,
                          struct sim_link **link)
{
    int error;
    struct sim_host *a = hosts_get(from, what, &error);
    struct sim_host *b = error ? NULL : hosts_get(to, what, &error);
    if (error)
        return error;
    if (a == b)
        return sim_wrong(RONDO_EINVAL, "%s: host \"%s\" has no link to itself",
                         what, a->name);
    *link = sim_link(a, b);
    assert(*link);
    return 0;
}

int rondo_sim_set_link_one_way(int from, int to, const rondo_sim_link *link)
{
    struct sim_link *l = NULL;
    int error = hosts_get_link(from, to, "sim_set_link", &l);
    if (!error)
        error = hosts_check_link(link, "sim_set_link");
    if (!error && l)
        l->is = *link;
    return error;
}

int rondo_sim_set_link(int a, int b, const rondo_sim_link *link)
{
    int error = rondo_sim_set_link_one_way(a, b, link);
    return error ? error : rondo_sim_set_link_one_way(b, a, link);
}

static int hosts_cut(int from, int to, bool cut, const char *what)
{
    struct sim_link *l = NULL;
    int error = hosts_get_link(from, to, what, &l);
    if (error || !l || l->cut == cut)
        return error;
    l->cut = cut;
    sim_note(sim.hosts[from], cut ? NOTE_CUT : NOTE_HEAL, to, 0);
    if (cut) {
        net_path_lost(sim.hosts[from], sim.hosts[to]);
        net_path_lost(sim.hosts[to], sim.hosts[from]);
    }
    return 0;
}

int rondo_sim_partition_one_way(int from, int to)
{
    return hosts_cut(from, to, true, "sim_partition");
}

int rondo_sim_partition(int a, int b)
{
    int error = hosts_cut(a, b, true, "sim_partition");
    return error ? error : hosts_cut(b, a, true, "sim_partition");
}

int rondo_sim_heal(int a, int b)
{
    int error = hosts_cut(a, b, false, "sim_heal");
    return error ? error : hosts_cut(b, a, false, "sim_heal");
}

static int hosts_cut_all(int host, bool cut, const char *what)
{
    int error;
    (void)hosts_get(host, what, &error);
    for (int i = 0; i < sim.host_count && !error; i++) {
        if (i == host)
            continue;
        error = hosts_cut(i, host, cut, what);
        if (!error)
            error = hosts_cut(host, i, cut, what);
    }
    return error;
}

int rondo_sim_isolate(int host)
{
    return hosts_cut_all(host, true, "sim_isolate");
}

int rondo_sim_rejoin(int host)
{
    return hosts_cut_all(host, false, "sim_rejoin");
}

int rondo_sim_heal_all(void)
{
    int error = sim.begun ? 0 : hosts_no_world("sim_heal_all");
    for (int i = 0; i < sim.host_count && !error; i++)
        error = hosts_cut_all(i, false, "sim_heal_all");
    return error;
}
#endif
