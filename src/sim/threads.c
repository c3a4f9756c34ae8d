/* threads.c - real threads that run one at a time, in an order by chance. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/sim.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned sim_rivals;

/* Which thread of the simulation this is: a check alone, since sim.current is
 * the one that runs. */
static _Thread_local struct sim_thread *threads_self;

static struct sim_thread *threads_current(void)
{
    if (!sim.begun || threads_self != sim.current)
        sim_die(sim.begun ? "a thread that the world does not know calls "
                            "Rondo: use rondo_sim_thread"
                          : "there is no world: call rondo_sim_begin first");
    return sim.current;
}

/* ---- who can run ---- */

void sim_choose_rivals(void)
{
    const struct sim_process *process = sim.current->process;
    sim_rivals = process ? process->can_run : 0;
}

static void threads_push(struct sim_thread *t)
{
    assert(t->state != SIM_CAN_RUN);
    t->state = SIM_CAN_RUN;
    if (t->process)
        t->process->can_run++;
    if (t->process && t->process->paused)
        return; /* sim_resume_threads pushes it */
    if (sim.can_run_used == sim.can_run_room) {
        size_t room = sim.can_run_room ? sim.can_run_room * 2 : 32;
        sim.can_run = realloc(sim.can_run, room * sizeof *sim.can_run);
        if (!sim.can_run)
            sim_die("out of memory for threads");
        sim.can_run_room = room;
    }
    t->place = sim.can_run_used;
    sim.can_run[sim.can_run_used++] = t;
    if (t->process == sim.current->process)
        sim_choose_rivals();
}

static void threads_pull(struct sim_thread *t)
{
    assert(t->state == SIM_CAN_RUN);
    if (t->process)
        t->process->can_run--;
    t->state = SIM_WAITS;
    if (t->place >= sim.can_run_used || sim.can_run[t->place] != t)
        return; /* its process is paused */
    struct sim_thread *last = sim.can_run[--sim.can_run_used];
    sim.can_run[t->place] = last;
    last->place = t->place;
}

/* Nothing is left to happen but the end of the run. */
static bool threads_is_quiet(void)
{
    return !sim.heap_used || (sim.quiet_counts && sim.heap_used == 1 &&
                              sim.heap[0] == sim.only_over);
}

/* The condition is the driver's, on whatever thread it is asked. */
static bool threads_ask(void)
{
    struct sim_thread *before = sim.current;
    sim.current = &sim.driver;
    sim_rivals = 0;
    bool holds = sim.until(sim.until_arg);
    sim.current = before;
    sim_choose_rivals();
    return holds;
}

/* The thread that goes on; time passes until there is one. */
static struct sim_thread *threads_choose(void)
{
    for (;;) {
        if (sim.until && !sim.called && threads_ask()) {
            sim.called = true;
            sim.result = RONDO_SIM_DONE;
        }
        if (sim.called) {
            sim.called = false;
            return &sim.driver;
        }
        if (sim.can_run_used) {
            struct sim_thread *t = sim.can_run[sim_below(sim.can_run_used)];
            threads_pull(t);
            return t;
        }
        if (threads_is_quiet()) {
            sim.called = true;
            sim.result = RONDO_SIM_QUIET;
        } else {
            (void)sim_step();
        }
    }
}

static void threads_take_baton(struct sim_thread *self)
{
    while (sem_wait(&self->baton) != 0 && errno == EINTR)
        ;
    assert(sim.current == self);
}

static void threads_pass_baton(struct sim_thread *to)
{
    sim.current = to;
    to->state = SIM_RUNS;
    sim_choose_rivals();
    sim.switches++;
    sem_post(&to->baton);
}

/* The caller can run, waits or has ended. */
static void threads_switch(struct sim_thread *self)
{
    struct sim_thread *next = threads_choose();
    if (next == self) {
        self->state = SIM_RUNS;
        sim_choose_rivals();
    } else {
        bool ended = self->state == SIM_HAS_ENDED;
        threads_pass_baton(next);
        if (ended)
            return;
        threads_take_baton(self);
    }
    if (self->dead)
        sim_leave();
}

/* ---- waiting ---- */

static void threads_leave_queue(struct sim_thread *t)
{
    struct sim_queue *q = t->queue;
    if (!q)
        return;
    struct sim_thread **link = &q->first, *before = NULL;
    while (*link != t) {
        before = *link;
        link = &before->queue_next;
    }
    *link = t->queue_next;
    if (q->last == t)
        q->last = before;
    t->queue = NULL;
}

static void threads_enter_queue(struct sim_thread *t, struct sim_queue *q)
{
    assert(!t->queue);
    t->queue = q;
    t->queue_next = NULL;
    if (q->last)
        q->last->queue_next = t;
    else
        q->first = t;
    q->last = t;
}

void sim_unblock(struct sim_thread *t)
{
    threads_leave_queue(t);
    if (t->state == SIM_WAITS)
        threads_push(t);
}

static void threads_rang(struct sim_event *event)
{
    struct sim_thread *t =
        (void *)((char *)event - offsetof(struct sim_thread, alarm));
    sim_note(t->host, NOTE_ALARM, t->number, 0);
    t->rang = true;
    sim_unblock(t);
}

bool sim_block(const char *waits_for, int64_t deadline)
{
    struct sim_thread *self = threads_current();
    self->waits_for = waits_for;
    self->waits_until = deadline;
    self->rang = false;
    self->state = SIM_WAITS;
    if (deadline != RONDO_NEVER)
        sim_at(&self->alarm, deadline);
    threads_switch(self);
    sim_drop(&self->alarm);
    self->waits_for = NULL;
    return !self->rang;
}

void sim_yield(void)
{
    struct sim_thread *self = threads_current();
    if (!sim.can_run_used && !sim.called)
        return;
    threads_push(self);
    threads_switch(self);
}

/* Only a thread of the same process can notice what comes first. */
void sim_touch(void)
{
    if ((double)(sim_random() >> 11) * 0x1p-53 < sim.options.switches)
        sim_yield();
}

static void threads_touch(void)
{
    if (sim_rivals)
        sim_touch();
}

/* A loop that always has something to do stands still in time otherwise, and a
 * wait that is polled for would never come. */
enum { SPINS = 2000, SPIN_NS = 1000 };

void sim_spin(bool yields)
{
    struct sim_process *process = sim_process();
    sim_run_due();
    if (sim.called || (sim.can_run_used && (yields || sim_below(4) == 0)))
        sim_yield();
    if (!process)
        return;
    if (process->spins_at != sim.now) {
        process->spins_at = sim.now;
        process->spins = 0;
    }
    if (++process->spins >= SPINS)
        (void)sim_block("a moment, since it has not waited for long",
                        sim.now + SPIN_NS);
}

void sim_driver_waits(void)
{
    sim.driver.state = SIM_WAITS;
    threads_switch(&sim.driver);
}

/* ---- the life of a thread ---- */

static void threads_forget(struct sim_thread *t)
{
    struct sim_thread **link = &t->process->threads;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    t->next = sim.ended;
    sim.ended = t;
    t->state = SIM_HAS_ENDED;
}

void sim_leave(void)
{
    longjmp(sim.current->base, 1);
}

static void *threads_main(void *arg)
{
    struct sim_thread *self = arg;
    threads_self = self;
    threads_take_baton(self);
    if (setjmp(self->base) == 0 && !self->dead) {
        sim_note(self->host, NOTE_THREAD, self->number, 0);
        self->run(self->arg);
        sim_note(self->host, NOTE_THREAD_END, self->number, 0);
    }
    struct sim_thread *killer = self->dead ? sim.killer : NULL;
    struct sim_process *process = self->process;
    threads_forget(self);
    self->process = NULL;
    sim_choose_rivals();
    if (killer) {
        threads_pass_baton(killer);
    } else {
        sim_process_left(process);
        threads_switch(self);
    }
    return NULL;
}

int sim_thread_start(struct sim_process *process, const char *role,
                     void (*run)(void *arg), void *arg)
{
    struct sim_thread *t = calloc(1, sizeof *t);
    if (!t)
        return RONDO_ENOMEM;
    t->host = process->host;
    t->process = process;
    t->role = role;
    t->run = run;
    t->arg = arg;
    t->number = ++sim.threads;
    t->alarm.place = SIM_NOWHERE;
    t->alarm.run = threads_rang;
    t->state = SIM_WAITS;
    sem_init(&t->baton, 0, 0);
    pthread_t thread;
    int os_error = pthread_create(&thread, NULL, threads_main, t);
    if (os_error) {
        free(t);
        return error_from_os(os_error);
    }
    pthread_detach(thread);
    t->next = process->threads;
    process->threads = t;
    threads_push(t);
    return 0;
}

static void threads_kill(struct sim_thread *t)
{
    struct sim_thread *self = sim.current;
    threads_leave_queue(t);
    sim_drop(&t->alarm);
    if (t->state == SIM_CAN_RUN)
        threads_pull(t);
    t->dead = true;
    sim.killer = self;
    threads_pass_baton(t);
    threads_take_baton(self);
    self->state = SIM_RUNS;
}

void sim_kill_threads(struct sim_process *process)
{
    struct sim_thread *next;
    for (struct sim_thread *t = process->threads; t; t = next) {
        next = t->next;
        if (t != sim.current)
            threads_kill(t);
    }
    assert(!process->can_run);
}

void sim_pause_threads(struct sim_process *process)
{
    process->paused = true;
    for (struct sim_thread *t = process->threads; t; t = t->next)
        if (t->state == SIM_CAN_RUN) {
            threads_pull(t);
            threads_push(t);
        }
    if (sim_process() == process) {
        threads_push(sim.current);
        threads_switch(sim.current);
    }
}

void sim_resume_threads(struct sim_process *process)
{
    process->paused = false;
    for (struct sim_thread *t = process->threads; t; t = t->next)
        if (t->state == SIM_CAN_RUN) {
            threads_pull(t);
            threads_push(t);
        }
}

static void threads_change_pace(const struct sim_process *process,
                                double factor)
{
    for (struct sim_thread *t = process->threads; t; t = t->next) {
        if (t->alarm.place == SIM_NOWHERE)
            continue;
        double left = (double)(t->alarm.when - sim.now) * factor;
        sim_drop(&t->alarm);
        sim_at(&t->alarm, sim.now + (int64_t)left + 2);
        t->waits_until = t->alarm.when;
    }
}

void sim_change_pace(struct sim_host *host, double factor)
{
    for (const struct sim_process *p = &host->process; p; p = p->next)
        threads_change_pace(p, factor);
}

void sim_threads_begin(void)
{
    struct sim_thread *d = &sim.driver;
    memset(d, 0, sizeof *d);
    sem_init(&d->baton, 0, 0);
    d->role = "driver";
    d->alarm.place = SIM_NOWHERE;
    d->alarm.run = threads_rang;
    d->state = SIM_RUNS;
    sim.current = threads_self = d;
    sim_rivals = 0;
}

void sim_threads_end(void)
{
    while (sim.ended) {
        struct sim_thread *t = sim.ended;
        sim.ended = t->next;
        sem_destroy(&t->baton);
        free(t);
    }
    sem_destroy(&sim.driver.baton);
    free(sim.can_run);
    sim.current = threads_self = NULL;
    sim_rivals = 0;
}

/* ---- sys.h ---- */

bool sys_thread_is_self(sys_thread_id id)
{
    return id == sys_thread_self();
}

sys_thread_id sys_thread_self(void)
{
    return sim.current ? sim.current->number : 0;
}

int sys_thread_start(void (*run)(void *arg), void *arg)
{
    struct sim_process *process = threads_current()->process;
    if (!process || sim_fault(SIM_FAULT_no_thread))
        return sim_fail(EAGAIN) ? RONDO_ENOMEM : 0;
    int error = sim_thread_start(process, "thread", run, arg);
    threads_touch();
    return error;
}

void sys_thread_yield(void)
{
    sim_spin(true);
}

int sys_mutex_init(sys_mutex *m)
{
    memset(m, 0, sizeof *m);
    return 0;
}

void sys_mutex_destroy(sys_mutex *m)
{
    assert(!m->owner && !m->waiting.first);
    (void)m;
}

void sys_mutex_lock(sys_mutex *m)
{
    struct sim_thread *self = sim.current;
    if (!self)
        return; /* outside of a world there is one thread */
    threads_touch();
    assert(m->owner != self);
    while (m->owner) {
        threads_enter_queue(self, &m->waiting);
        (void)sim_block("a lock", RONDO_NEVER);
    }
    m->owner = self;
}

void sys_mutex_unlock(sys_mutex *m)
{
    assert(m->owner == sim.current);
    m->owner = NULL;
    if (m->waiting.first)
        sim_unblock(m->waiting.first);
    threads_touch();
}

int sys_cond_init(sys_cond *c)
{
    memset(c, 0, sizeof *c);
    return 0;
}

void sys_cond_destroy(sys_cond *c)
{
    assert(!c->waiting.first);
    (void)c;
}

void sys_cond_wait(sys_cond *c, sys_mutex *m)
{
    threads_enter_queue(threads_current(), &c->waiting);
    m->owner = NULL;
    if (m->waiting.first)
        sim_unblock(m->waiting.first);
    (void)sim_block("a condition", RONDO_NEVER);
    sys_mutex_lock(m);
}

/* Any of those that wait, as POSIX allows. */
void sys_cond_signal(sys_cond *c)
{
    struct sim_thread *t = c->waiting.first;
    for (struct sim_thread *other = t; other; other = other->queue_next)
        if (sim_below(4) == 0)
            t = other;
    if (t)
        sim_unblock(t);
    threads_touch();
}

void sys_cond_broadcast(sys_cond *c)
{
    while (c->waiting.first)
        sim_unblock(c->waiting.first);
    threads_touch();
}
#endif
