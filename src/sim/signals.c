/* signals.c - signals of a simulated host's process. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/sim.h"

#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct sim_signals {
    const struct sys_signals_told *told;
    bool watched[SYS_SIGNALS];
    sys_mutex lock;
};

/* Those of the calling host. */
static struct sim_signals *signals_own(void)
{
    struct sim_host *host = sim_host();
    if (!host->signals) {
        host->signals = calloc(1, sizeof *host->signals);
        if (!host->signals || sys_mutex_init(&host->signals->lock) != 0)
            sim_die("out of memory for signals");
    }
    return host->signals;
}

void signals_forget_host(struct sim_host *host)
{
    free(host->signals);
    host->signals = NULL;
}

/* ---- watching ---- */

void sys_signals_lock(void)
{
    if (sim_host())
        sys_mutex_lock(&signals_own()->lock);
}

void sys_signals_unlock(void)
{
    if (sim_host())
        sys_mutex_unlock(&signals_own()->lock);
}

int sys_signal_watch(int signum, const struct sys_signals_told *whom)
{
    struct sim_signals *s = signals_own();
    if (signum == SIGKILL || signum == SIGSTOP || signum >= NSIG)
        return error_os(sim_fail(EINVAL), "signal %d", signum);
    if (signum == SIGSEGV || signum == SIGBUS || signum == SIGFPE ||
        signum == SIGILL)
        return error_set(RONDO_EINVAL,
                         "signal %d reports a fault of the program, which "
                         "cannot go on until a loop has looked at it",
                         signum);
    s->told = whom;
    s->watched[signum] = true;
    return 0;
}

void sys_signal_unwatch(int signum)
{
    signals_own()->watched[signum] = false;
}

/* ---- sending ---- */

/* On a thread of the host: signal handlers run on any. */
struct signals_sent {
    int signum;
};

static void signals_deliver(void *arg)
{
    struct signals_sent *sent = arg;
    int signum = sent->signum;
    const struct sim_signals *s = signals_own();
    sim_free(sent);
    if (s->watched[signum])
        s->told->arrived(signum);
}

static int signals_send(struct sim_host *host, int signum)
{
    struct signals_sent *sent = sim_alloc_for(host, sizeof *sent);
    sent->signum = signum;
    if (host == sim_host()) {
        signals_deliver(sent);
        return 0;
    }
    int error = sim_thread_start(host, "signal", signals_deliver, sent);
    return error ? error_os(error, "sim_signal") : 0;
}

static int signals_default(const struct sim_host *host, int signum)
{
    switch (signum) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
        return 0;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return rondo_sim_pause(host->number);
    default:
        return rondo_sim_kill(host->number);
    }
}

int rondo_sim_signal(int host, int signum)
{
    if (!sim.begun || host < 0 || host >= sim.host_count)
        return error_set(sim.begun ? RONDO_ENONAME : RONDO_EINVAL,
                         "sim_signal: there is no host %d", host);
    if (signum <= 0 || signum >= SYS_SIGNALS || signum >= NSIG)
        return error_set(RONDO_EINVAL, "sim_signal: there is no signal %d",
                         signum);
    struct sim_host *h = sim.hosts[host];
    if (!h->up || !h->threads)
        return 0;
    sim_note(h, NOTE_SIGNAL, signum, 0);
    int error = signum == SIGCONT ? rondo_sim_resume(host) : 0;
    if (!error && h->signals && h->signals->watched[signum])
        error = signals_send(h, signum);
    else if (!error)
        error = signals_default(h, signum);
    return error;
}
#endif
