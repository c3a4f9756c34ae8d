/* sys.c - clock, memory's neighbours, wake-ups and facts: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/net.h"

#include "base/error.h"
#include "core/backend.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* ---- clock ---- */

int64_t sys_clock(void)
{
    const struct sim_host *host = sim_host();
    return host ? sim_host_clock(host) : sim.now;
}

void sys_sleep(int64_t ns)
{
    (void)sim_block("a moment (sleeps)", sim_host_deadline(sim_host(), ns));
}

void sys_clock_facts(const char **name, int64_t *resolution_ns)
{
    *name = "simulated";
    *resolution_ns = 1;
}

/* ---- the wake-up ---- */

int wake_open(struct wake *wake)
{
    int error = net_make(SIM_WAKE, RONDO_FAMILY_ANY, &wake->fd[0]);
    wake->fd[1] = wake->fd[0];
    return error ? error_os(error, "wake-up") : 0;
}

void wake_close(struct wake *wake)
{
    sys_close(wake->fd[0]);
    wake->fd[0] = wake->fd[1] = SYS_NO_FD;
}

void wake_send(const struct wake *wake)
{
    struct sim_socket *s = net_get(wake->fd[1]);
    if (!s)
        return;
    s->awake = true;
    net_changed(s);
}

int wake_drain(const struct wake *wake)
{
    struct sim_socket *s = net_get(wake->fd[0]);
    if (!s)
        return error_os(RONDO_EBADF, "wake-up");
    s->awake = false;
    return 0;
}

/* ---- forks: there are none ---- */

_Atomic uint32_t sys_fork_generation;

void sys_fork_watch(void)
{
}

void sys_fork_lock_enter(struct sys_fork_lock *lock)
{
    (void)lock;
}

void sys_fork_lock_leave(struct sys_fork_lock *lock)
{
    (void)lock;
}

/* ---- facts ---- */

/* From the seed: whoever knows that can guess them. */
int sys_random(void *data, size_t size)
{
    unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(sim.begun ? sim_random() : 0);
    return 0;
}

int sys_host_name(char *name, size_t room)
{
    const struct sim_host *host = sim_host();
    const char *text = host ? host->name : "localhost";
    size_t size = strlen(text);
    if (size >= room)
        return RONDO_ETOOMUCH;
    memcpy(name, text, size + 1);
    return (int)size;
}

int64_t sys_memory_limit(void)
{
    return INT64_MAX;
}

/* "lo" has the first two addresses of a host, "eth0" all others. */
static rondo_interface sim_interface(const struct sim_host *host, unsigned i)
{
    bool loopback = i < 2,
         four = rondo_address_family(&host->ip[i]) == RONDO_FAMILY_INET;
    rondo_interface one = {.name = loopback ? "lo" : "eth0",
                           .index = loopback ? 1 : 2,
                           .flags =
                               RONDO_INTERFACE_UP | RONDO_INTERFACE_RUNNING,
                           .address = host->ip[i]};
    one.flags |=
        loopback ? RONDO_INTERFACE_LOOPBACK : RONDO_INTERFACE_MULTICAST;
    one.prefix = four ? (loopback ? 8 : 24) : (loopback ? 128 : 64);
    return one;
}

int sys_interfaces(int (*fn)(void *arg, const rondo_interface *one), void *arg)
{
    const struct sim_host *host = sim_host();
    int error = 0;
    for (unsigned i = 0; host && i < host->ips && !error; i++) {
        rondo_interface one = sim_interface(host, i);
        error = fn(arg, &one);
    }
    return error;
}

/* Those of the world come from its options, so that the environment does not
 * change a run. */
const char *sys_env(const char *name)
{
    if (strcmp(name, "RONDO_BACKEND") == 0)
        return sim.options.backend;
    return strcmp(name, "RONDO_DEBUG") == 0 ? getenv(name) : NULL;
}

bool sys_env_has(const char *beginning)
{
    (void)beginning;
    return true;
}

/* An address would differ from run to run: its distance from the beginning of
 * its program does not. */
void sys_function_name(rondo_fn fn, char *text, size_t size)
{
    char *address;
    Dl_info info;
    memcpy(&address, &fn, sizeof address);
    if (!dladdr(address, &info))
        snprintf(text, size, "a function");
    else if (info.dli_sname)
        snprintf(text, size, "%s", info.dli_sname);
    else
        snprintf(text, size, "program+0x%llx",
                 (unsigned long long)(address - (char *)info.dli_fbase));
}

enum { CORES = 4 }; /* on each machine the same */

unsigned sys_cores(void)
{
    return CORES;
}

unsigned sys_cores_usable(void)
{
    return CORES;
}

/* The numbers are below that. */
int64_t sys_descriptor_limit(void)
{
    const struct sim_process *p = sim_process();
    return p ? SIM_FIRST_FD + (int64_t)p->descriptors_most : INT64_MAX;
}

int64_t sys_unix_path_limit(void)
{
    return (int64_t)sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
}

bool sys_supports(rondo_capability what)
{
    switch (what) {
    case RONDO_CAN_TCP:
    case RONDO_CAN_UDP:
    case RONDO_CAN_UNIX:
    case RONDO_CAN_PASS_DESCRIPTORS:
    case RONDO_CAN_PIPES:
    case RONDO_CAN_SIGNALS:
    case RONDO_CAN_SUBPROCESS:
    case RONDO_CAN_WATCH_PATHS:
    case RONDO_CAN_DIE_WITH_PARENT:
    case RONDO_CAN_FILE_OWNERS:
    case RONDO_CAN_LOCK_RANGES:
    case RONDO_CAN_WATCH_PIPES:
    case RONDO_CAN_WATCH_SOCKETS:
    case RONDO_CAN_DETACH:
    case RONDO_CAN_WATCH_HALF_CLOSE:
    case RONDO_CAN_WATCH_ERRORS:
        return true;
    default:
        return false;
    }
}
#endif
