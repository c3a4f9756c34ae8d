/* signals.c - signals of a simulated host's processes. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/process.h"

#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct sim_signals {
    const struct sys_signals_told *told;
    bool watched[SYS_SIGNALS];
    sys_mutex lock;
};

/* Those of the calling process. */
static struct sim_signals *signals_own(void)
{
    struct sim_process *p = sim_process();
    if (!p->signals) {
        p->signals = calloc(1, sizeof *p->signals);
        if (!p->signals || sys_mutex_init(&p->signals->lock) != 0)
            sim_die("out of memory for signals");
    }
    return p->signals;
}

void signals_forget(struct sim_process *process)
{
    free(process->signals);
    process->signals = NULL;
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

static void signals_send(struct sim_process *p, int signum)
{
    struct signals_sent *sent = sim_alloc_for(p, sizeof *sent);
    sent->signum = signum;
    if (p == sim_process())
        signals_deliver(sent);
    else if (sim_thread_start(p, "signal", signals_deliver, sent) != 0)
        sim_die("no thread for a signal");
}

static void signals_end(struct sim_process *p, int signum)
{
    if (p->program)
        sim_process_exit(
            p, (rondo_exit){.known = true, .signaled = true, .signal = signum});
    else
        (void)rondo_sim_kill(p->host->number);
}

static void signals_stop(struct sim_process *p)
{
    if (p->paused)
        return;
    sim_note(p->host, NOTE_PAUSE, 0, 0);
    sim_pause_threads(p);
}

static void signals_default(struct sim_process *p, int signum)
{
    switch (signum) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
        break;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        signals_stop(p);
        break;
    default:
        signals_end(p, signum);
    }
}

void sim_process_signal(struct sim_process *p, int signum)
{
    if (!p->threads)
        return; /* it has ended */
    sim_note(p->host, NOTE_SIGNAL, signum, p->pid);
    if (signum == SIGCONT && p->paused) {
        sim_note(p->host, NOTE_RESUME, 0, 0);
        sim_resume_threads(p);
    }
    if (p->signals && p->signals->watched[signum])
        signals_send(p, signum);
    else
        signals_default(p, signum);
}

/* The caller's own is the last one: it may not come back. */
void sim_group_signal(struct sim_host *host, int64_t group, int signum)
{
    struct sim_process *next, *own = sim_process();
    bool others = true;
    while (others) {
        others = false;
        for (struct sim_process *p = &host->process; p && !others; p = next) {
            next = p->next;
            if (p->group != group || p == own || p->asked)
                continue;
            p->asked = others = true;
            sim_process_signal(p, signum);
        }
    }
    for (struct sim_process *p = &host->process; p; p = p->next)
        p->asked = false;
    if (own && own->host == host && own->group == group)
        sim_process_signal(own, signum);
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
    if (h->up)
        sim_process_signal(&h->process, signum);
    return 0;
}
#endif
