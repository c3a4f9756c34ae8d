/* signals.c - signals of the process, for the loops that watch them. */
/* SPDX-License-Identifier: MIT */
#include "core/signals.h"

#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "core/release.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { WORD_BITS = 32, WORDS = SYS_SIGNALS / WORD_BITS };

/* A loop that watches signals: a link of the process's list. A signal handler
 * may walk that list at any moment, on any thread; it reads the atomic fields
 * and `loop`, which is set once. All others belong to the loop's thread. */
struct signals {
    _Atomic(struct signals *) next;
    rondo_loop *loop;
    atomic_uint watched[WORDS], pending[WORDS]; /* a bit for each signal */
    atomic_uint counts[SYS_SIGNALS]; /* how many have arrived, by signal */
    uint64_t round;                  /* how often hooks have been called */
    struct signal_hook *first, **last;
    struct signal_hook *next_hook; /* to be called next, while hooks run */
};

/* A signal handler of the program: a hook with a handle around it. */
struct handler {
    struct handle handle;
    struct signal_hook hook;
    rondo_signal_fn fn; /* of rondo_add_signal_handler; NULL: it is a watch */
    rondo_signal_watch_fn watch_fn;
    void *arg;
    rondo_id id; /* a watch's; else 0 */
    bool once;
};

/* What the loops of a process share. The list, and how many loops watch each
 * signal, are changed only while sys_signals_lock is held, which a signal
 * handler never takes. */
struct signals_process {
    _Atomic(struct signals *) first;
    unsigned watchers[SYS_SIGNALS];
    /* How many signal handlers walk the list now. A loop that has left the list
     * waits until this is 0 once: a handler that comes later does not find
     * it. */
    atomic_uint walkers;
};

static struct signals_process signals_shared;

static struct signals_process *signals_process(void)
{
    return SYS_OF_PROCESS(signals_shared);
}

static unsigned signals_bit_of(int signum)
{
    return 1U << (unsigned)signum % WORD_BITS;
}

static int signals_word_of(int signum)
{
    assert(signum >= 0 && signum < SYS_SIGNALS);
    return signum / WORD_BITS;
}

/* ---- in a signal handler ---- */

/* Counts, then sets the bit, then the flag, then wakes the loop. The loop takes the flag,
 * then the bits, and looks at the flag before it sleeps: so wherever this
 * interrupts it, it finds the bit. */
static void signals_arrived(int signum)
{
    struct signals_process *p = signals_process();
    int word = signals_word_of(signum);
    unsigned bit = signals_bit_of(signum);
    atomic_fetch_add(&p->walkers, 1);
    for (struct signals *s = atomic_load(&p->first); s;
         s = atomic_load(&s->next)) {
        if (!(atomic_load(&s->watched[word]) & bit))
            continue;
        atomic_fetch_add(&s->counts[signum], 1);
        atomic_fetch_or(&s->pending[word], bit);
        atomic_fetch_or(&s->loop->requests, LOOP_SIGNALS);
        if (s->loop->generation == sys_fork_generation)
            loop_wake(s->loop); /* else it is the parent's */
    }
    atomic_fetch_sub(&p->walkers, 1);
}

/* In the child: the bits, and the handlers that walked the list, are the
 * parent's. Bits that are set from now on wait for rondo_loop_after_fork. */
static void signals_forked(void)
{
    struct signals_process *p = signals_process();
    atomic_store(&p->walkers, 0);
    for (struct signals *s = atomic_load(&p->first); s;
         s = atomic_load(&s->next)) {
        for (int i = 0; i < WORDS; i++)
            atomic_store(&s->pending[i], 0);
        for (int i = 0; i < SYS_SIGNALS; i++)
            atomic_store(&s->counts[i], 0);
    }
}

static const struct sys_signals_told signals_told = {signals_arrived,
                                                     signals_forked};

/* ---- the process's list ---- */

static struct signals *signals_join(rondo_loop *loop)
{
    struct signals_process *p = signals_process();
    assert(!loop->signals);
    struct signals *s = loop_alloc(loop, sizeof *s);
    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    s->loop = loop;
    s->last = &s->first;
    for (int i = 0; i < WORDS; i++) {
        atomic_init(&s->watched[i], 0);
        atomic_init(&s->pending[i], 0);
    }
    for (int i = 0; i < SYS_SIGNALS; i++)
        atomic_init(&s->counts[i], 0);
    sys_signals_lock();
    atomic_init(&s->next, atomic_load(&p->first));
    atomic_store(&p->first, s);
    sys_signals_unlock();
    return s;
}

/* Sets the loop's bit before the system is asked, so no signal falls between
 * the two. The system is asked each time, since the program may have replaced
 * our handler by its own meanwhile. */
static int signals_watch(struct signals *s, int signum)
{
    unsigned *watchers = &signals_process()->watchers[signum];
    atomic_uint *watched = &s->watched[signals_word_of(signum)];
    unsigned bit = signals_bit_of(signum);
    assert(signum > 0 && signum < SYS_SIGNALS);
    sys_signals_lock();
    bool had = atomic_fetch_or(watched, bit) & bit;
    int error = sys_signal_watch(signum, &signals_told);
    if (error && !had)
        atomic_fetch_and(watched, ~bit);
    else if (!had)
        ++*watchers;
    assert(error || *watchers > 0);
    sys_signals_unlock();
    return error;
}

/* The caller holds sys_signals_lock. */
static void signals_unwatch(struct signals *s, int signum)
{
    unsigned *watchers = &signals_process()->watchers[signum];
    int word = signals_word_of(signum);
    unsigned bit = signals_bit_of(signum);
    assert(*watchers > 0);
    assert(atomic_load(&s->watched[word]) & bit);
    if (--*watchers == 0)
        sys_signal_unwatch(signum);
    atomic_fetch_and(&s->watched[word], ~bit);
    atomic_fetch_and(&s->pending[word], ~bit);
    atomic_store(&s->counts[signum], 0);
}

void signals_close(rondo_loop *loop)
{
    struct signals_process *p = signals_process();
    struct signals *s = loop->signals;
    if (!s)
        return;
    assert(s->loop == loop && !s->next_hook);
    sys_signals_lock();
    for (int signum = 0; signum < SYS_SIGNALS; signum++)
        if (atomic_load(&s->watched[signals_word_of(signum)]) &
            signals_bit_of(signum))
            signals_unwatch(s, signum);
    _Atomic(struct signals *) *link = &p->first;
    while (atomic_load(link) != s)
        link = &atomic_load(link)->next;
    atomic_store(link, atomic_load(&s->next));
    sys_signals_unlock();
    while (atomic_load(&p->walkers))
        sys_thread_yield();
    loop_free(loop, s);
    loop->signals = NULL;
}

/* ---- hooks ---- */

static bool signals_is_hooked(const struct signals *s, int signum)
{
    const struct signal_hook *hook = s->first;
    while (hook && hook->signum != signum)
        hook = hook->next;
    return hook;
}

static int signals_refuse_number(const char *what, int signum)
{
    if (signum > 0 && signum < SYS_SIGNALS)
        return 0;
    return error_set(RONDO_EINVAL, "%s: there is no signal %d", what, signum);
}

int signal_hook_add(rondo_loop *loop, struct signal_hook *hook)
{
    if (!loop->signals)
        loop->signals = signals_join(loop);
    struct signals *s = loop->signals;
    if (!s)
        return error_set(RONDO_ENOMEM, "out of memory");
    int error = signals_watch(s, hook->signum);
    if (error)
        return error;
    assert(hook->fn);
    assert(!*s->last);
    hook->next = NULL;
    hook->round = s->round;
    *s->last = hook;
    s->last = &hook->next;
    return 0;
}

static void signals_unhook(struct signals *s, struct signal_hook *hook)
{
    struct signal_hook **link = &s->first;
    while (*link != hook) {
        assert(*link);
        link = &(*link)->next;
    }
    *link = hook->next;
    if (!hook->next)
        s->last = link;
    if (s->next_hook == hook)
        s->next_hook = hook->next;
}

void signal_hook_remove(rondo_loop *loop, struct signal_hook *hook)
{
    struct signals *s = loop->signals;
    signals_unhook(s, hook);
    assert(s->next_hook != hook);
    if (signals_is_hooked(s, hook->signum))
        return;
    sys_signals_lock();
    signals_unwatch(s, hook->signum);
    sys_signals_unlock();
}

/* None has arrived if the last call came between a signal's count and its
 * bit: that call has told of it. */
static void signals_call_hooks(rondo_loop *loop, struct signals *s, int signum)
{
    unsigned count = atomic_exchange(&s->counts[signum], 0);
    assert(!s->next_hook);
    if (!count)
        return;
    s->round++;
    s->next_hook = s->first;
    while (s->next_hook) {
        struct signal_hook *hook = s->next_hook;
        s->next_hook = hook->next;
        assert(hook->fn);
        if (hook->signum == signum && hook->round != s->round)
            hook->fn(loop, hook, count);
    }
}

void signals_run(rondo_loop *loop)
{
    struct signals *s = loop->signals;
    for (int word = 0; s && word < WORDS; word++) {
        unsigned bits = atomic_exchange(&s->pending[word], 0);
        for (int i = 0; bits >> i; i++)
            if (bits >> i & 1)
                signals_call_hooks(loop, s, word * WORD_BITS + i);
    }
}

/* ---- handlers of the program ---- */

static struct handler *signals_of_hook(struct signal_hook *hook)
{
    return (struct handler *)(void *)((char *)hook -
                                      offsetof(struct handler, hook));
}

static void signals_call_handler(rondo_loop *loop, struct signal_hook *hook,
                                 unsigned count)
{
    (void)count;
    struct handler *h = signals_of_hook(hook);
    rondo_signal_fn fn = h->fn;
    assert(fn && signals_is_hooked(loop->signals, hook->signum));
    loop->metrics.callbacks++;
    OBSERVE(loop, RONDO_DOES_SIGNAL, "signal", fn, NULL,
            fn(loop, hook->signum, h->arg));
}

void *signals_arg(const struct handle *handle)
{
    assert(handle->kind == HANDLE_SIGNAL);
    return ((const struct handler *)(const void *)handle)->arg;
}

static struct handler *signals_find(const rondo_loop *loop, int signum)
{
    struct handle *handle = loop->handles[HANDLE_SIGNAL];
    for (; handle; handle = handle->next) {
        struct handler *h = (struct handler *)(void *)handle;
        if (h->hook.signum == signum && !h->id)
            return h;
    }
    return NULL;
}

static void signals_forget(rondo_loop *loop, struct handler *h)
{
    handle_close(loop, &h->handle);
    loop_free(loop, h);
}

static int signals_new_handler(rondo_loop *loop, int signum,
                               void (*fn)(rondo_loop *loop,
                                          struct signal_hook *hook,
                                          unsigned count),
                               struct handler **made)
{
    struct handler *h = loop_alloc(loop, sizeof *h);
    if (!h)
        return error_set(RONDO_ENOMEM, "out of memory");
    *h = (struct handler){.hook = {.signum = signum, .fn = fn}};
    int error = signal_hook_add(loop, &h->hook);
    if (error) {
        loop_free(loop, h);
        return error;
    }
    handle_open(loop, &h->handle, HANDLE_SIGNAL);
    handle_set_background(loop, &h->handle, true);
    *made = h;
    return 0;
}

int rondo_add_signal_handler(rondo_loop *loop, int signum, rondo_signal_fn fn,
                             void *arg)
{
    static const char what[] = "add_signal_handler";
    int error = loop_check_create(loop, what);
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    error = signals_refuse_number(what, signum);
    if (error)
        return error;
    struct handler *h = signals_find(loop, signum);
    error = h ? signals_watch(loop->signals, signum)
              : signals_new_handler(loop, signum, signals_call_handler, &h);
    if (error)
        return error_in(what, error);
    assert(h);
    h->fn = fn;
    h->arg = arg;
    return 0;
}

int rondo_remove_signal_handler(rondo_loop *loop, int signum)
{
    static const char what[] = "remove_signal_handler";
    int error = loop_check(loop, what);
    if (!error)
        error = signals_refuse_number(what, signum);
    if (error)
        return error;
    struct handler *h = signals_find(loop, signum);
    if (!h)
        return 0;
    signal_hook_remove(loop, &h->hook);
    signals_forget(loop, h);
    return 1;
}

/* ---- watches of the program ---- */

static void signals_end_watch(rondo_loop *loop, struct handler *h)
{
    signal_hook_remove(loop, &h->hook);
    signals_forget(loop, h);
}

/* The id is free already. */
static void signals_cancel(rondo_loop *loop, struct handle *handle)
{
    struct handler *h = (struct handler *)(void *)handle;
    release_due(loop, h->id);
    signals_end_watch(loop, h);
}

static void signals_call_watch(rondo_loop *loop, struct signal_hook *hook,
                               unsigned count)
{
    struct handler *h = signals_of_hook(hook);
    rondo_signal_watch_fn fn = h->watch_fn;
    int signum = hook->signum;
    void *arg = h->arg;
    if (h->once) {
        release_forget(loop, h->id);
        id_free(loop, h->id);
        signals_end_watch(loop, h);
    }
    loop->metrics.callbacks++;
    OBSERVE(loop, RONDO_DOES_SIGNAL, "signal", fn, NULL,
            fn(loop, signum, count, arg));
}

rondo_id rondo_watch_signal(rondo_loop *loop, int signum, unsigned flags,
                            rondo_signal_watch_fn fn, void *arg)
{
    static const char what[] = "watch_signal";
    struct handler *h = NULL;
    int error = loop_check_create(loop, what);
    if (!error && (!fn || flags & ~(unsigned)RONDO_SIGNAL_ONCE))
        error = error_set(RONDO_EINVAL, "%s: %s", what,
                          fn ? "unknown flags" : "no function");
    if (!error)
        error = signals_refuse_number(what, signum);
    if (error)
        return error;
    error = signals_new_handler(loop, signum, signals_call_watch, &h);
    if (error)
        return error_in(what, error);
    assert(h);
    h->watch_fn = fn;
    h->arg = arg;
    h->once = flags & RONDO_SIGNAL_ONCE;
    h->id = id_new(loop, &h->handle, signals_cancel);
    if (h->id > 0)
        return h->id;
    error = (int)h->id;
    signals_end_watch(loop, h);
    return error_in(what, error);
}

/* ---- closing, dump ---- */

/* The signal stays watched until signals_close: the system's own action, which
 * mostly ends the process, must not come while the loop closes. */
static void signals_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    struct handler *h = (struct handler *)(void *)handle;
    signals_unhook(loop->signals, &h->hook);
    if (h->id)
        id_free(loop, h->id);
    signals_forget(loop, h);
}

static bool signals_describe(const struct handle *handle, char *text,
                             size_t size)
{
    const struct handler *h = (const struct handler *)(const void *)handle;
    snprintf(text, size, "%d%s%s", h->hook.signum, h->id ? ", counted" : "",
             h->once ? ", once" : "");
    return true;
}

const struct handle_class signal_class = {"signal", signals_close_at_loop_close,
                                          signals_describe};
