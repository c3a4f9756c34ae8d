/* timer.c - deadlines: a timing wheel, and a heap of the next ones. */
/* SPDX-License-Identifier: MIT */
#include "core/timer.h"

#include "base/error.h"
#include "core/bits.h"
#include "core/id.h"
#include "core/probe.h"
#include "core/release.h"
#include "core/timer_store.h"

enum {
    /* How many timers an iteration files anew: below a millisecond. */
    TIMER_OPEN_LIMIT = 2048,
    /* How many timers_look goes through for the earliest one. */
    TIMER_LOOK_LIMIT = 8
};

/* What only a timer of call_every needs. */
struct timer_period {
    int64_t period;
    int64_t missed; /* periods that were skipped */
    void *arg;
};

void timers_init(struct timers *timers)
{
    *timers = (struct timers){
        .next = RONDO_NEVER, .free_group = ID_NO_SLOT, .firing = ID_NO_SLOT};
}

#ifndef NDEBUG
size_t timers_count_alive(const struct timers *timers)
{
    size_t alive = 0;
    for (size_t i = 0; i < timers->slots_used; i++)
        alive += timer_is_live(timers, i) &&
                 !(timers->slots[i].flags & TIMER_BACKGROUND);
    return alive;
}
#endif

/* ---- the wheel ---- */

static inline void timer_list_begins(struct timers *t, unsigned list)
{
    t->used[list / 64] |= UINT64_C(1) << list % 64;
    t->used_words |= 1U << list / 64;
}

static inline void timer_list_ends(struct timers *t, unsigned list)
{
    t->used[list / 64] &= ~(UINT64_C(1) << list % 64);
    if (!t->used[list / 64])
        t->used_words &= ~(1U << list / 64);
}

static inline void timer_link(struct timers *t, uint32_t index, unsigned list)
{
    struct timer_slot *slot = &t->slots[index];
    uint32_t next = t->lists[list];
    slot->next = next;
    slot->prev = TIMER_FIRST + list;
    t->lists[list] = index;
    if (next != ID_NO_SLOT)
        t->slots[next].prev = index;
    else
        timer_list_begins(t, list);
}

static inline void timer_unlink(struct timers *t, const struct timer_slot *slot)
{
    uint32_t next = slot->next, prev = slot->prev;
    assert(prev < TIMER_IN_HEAP);
    if (next != ID_NO_SLOT)
        t->slots[next].prev = prev;
    if (prev < TIMER_FIRST) {
        t->slots[prev].next = next;
        return;
    }
    uint32_t list = prev - TIMER_FIRST;
    t->lists[list] = next;
    if (next == ID_NO_SLOT)
        timer_list_ends(t, list);
}

/* The list of a tick that is not open: its level is that of the highest digit
 * in which it differs from the last open one. So what is on a level comes
 * before all that is on higher ones. */
static inline unsigned timer_list_of(const struct timers *t, int64_t tick)
{
    assert(tick > t->tick);
    unsigned level =
        bits_highest((uint64_t)(tick ^ t->tick)) / TIMER_DIGIT_BITS;
    unsigned digit = (unsigned)(tick >> level * TIMER_DIGIT_BITS) &
                     ((1U << TIMER_DIGIT_BITS) - 1);
    return level << TIMER_DIGIT_BITS | digit;
}

/* The number of a list's first tick, below its level's digit and those above
 * it. */
static unsigned timer_list_bits(unsigned list)
{
    return (list >> TIMER_DIGIT_BITS) * TIMER_DIGIT_BITS;
}

/* The first tick of a list that is in use. */
static int64_t timer_list_tick(const struct timers *t, unsigned list)
{
    unsigned bits = timer_list_bits(list);
    int64_t above = t->tick >> bits >> TIMER_DIGIT_BITS << TIMER_DIGIT_BITS;
    return (above | (list & ((1U << TIMER_DIGIT_BITS) - 1))) << bits;
}

/* The list that is opened next, or TIMER_OPENING: there is none. */
static unsigned timer_first_list(const struct timers *t)
{
    uint32_t words = t->used_words;
    if (!words)
        return TIMER_OPENING;
    unsigned word = bits_lowest(words);
    return word * 64 + bits_lowest(t->used[word]);
}

/* Puts a slot where its deadline belongs. */
static inline void timer_file(struct timers *t, uint32_t index)
{
    int64_t tick = t->slots[index].when >> TIMER_TICK_BITS;
    if (tick > t->tick)
        timer_link(t, index, timer_list_of(t, tick));
    else
        timer_heap_push(t, index);
}

static void timer_unfile(struct timers *t, struct timer_slot *slot)
{
    if (slot->prev < TIMER_IN_HEAP)
        timer_unlink(t, slot);
    else if (slot->prev == TIMER_IN_HEAP)
        timer_heap_remove(t, slot->next);
    slot->prev = TIMER_NOWHERE;
}

#ifndef NDEBUG
static bool timer_slot_is_sound(const struct timers *t, uint32_t index)
{
    const struct timer_slot *slot = &t->slots[index];
    if (!timer_is_live(t, index) || index == t->firing)
        return slot->prev == TIMER_NOWHERE;
    if (slot->prev == TIMER_IN_HEAP)
        return timer_heap_is_sound(t, index);
    if (slot->next != ID_NO_SLOT && t->slots[slot->next].prev != index)
        return false;
    return slot->prev < TIMER_FIRST
               ? t->slots[slot->prev].next == index
               : t->lists[slot->prev - TIMER_FIRST] == index;
}

/* Called after each change. It looks at a few slots only, at others each time,
 * so that a million timers do not make it slow; few are seen whole. */
static bool timers_are_sound(const struct timers *t)
{
    uint32_t used = (uint32_t)t->slots_used, count = used < 16 ? used : 4;
    for (uint32_t i = 0; i < count; i++)
        if (!timer_slot_is_sound(t, (t->order * 4 + i) % used))
            return false;
    return t->hidden <= t->live && t->live <= t->slots_used &&
           t->slots_used <= t->room && t->heap_size <= t->live;
}
#endif

/* ---- the slots ---- */

/* There is a free slot. */
static inline uint32_t timer_slot_take(struct timers *t)
{
    struct timer_group *group = &t->groups[t->free_group];
    uint32_t index = t->free_group * 64 + bits_lowest(group->free);
    group->free &= group->free - 1;
    if (!group->free)
        t->free_group = group->next;
    assert(index < t->slots_used && !timer_is_live(t, index));
    return index;
}

/* What only few timers have. */
static COLD void timer_drop_flags(rondo_loop *loop, struct timer_slot *slot)
{
    if (slot->flags & TIMER_REPEATS)
        loop_free(loop, slot->arg);
    if (slot->flags & TIMER_HIDDEN)
        loop->timers.hidden--;
    if (slot->flags & TIMER_BACKGROUND)
        loop->alive++;
    slot->flags = 0;
}

/* At the end: timers that are started after others were cancelled in order lie
 * in order again. */
static inline void timer_group_append(struct timers *t, uint32_t number)
{
    t->groups[number].next = ID_NO_SLOT;
    if (t->free_group == ID_NO_SLOT)
        t->free_group = number;
    else
        t->groups[t->last_group].next = number;
    t->last_group = number;
}

static inline void timer_slot_free(rondo_loop *loop, struct timer_slot *slot)
{
    struct timers *t = &loop->timers;
    uint32_t index = id_slot(slot->id);
    assert(timer_is_live(t, index) && t->live > 0);
    assert(slot->prev == TIMER_NOWHERE);
    if (slot->flags)
        timer_drop_flags(loop, slot);
    assert(loop->alive > 0);
    t->live--;
    loop->alive--;
    bool used_up = id_generation(slot->id) == ID_GENERATION_MAX;
    slot->id ^= ID_SLOT_MAX;
    if (used_up)
        return;
    slot->id += (rondo_id)1 << ID_SLOT_BITS;
    struct timer_group *group = &t->groups[index / 64];
    if (!group->free)
        timer_group_append(t, index / 64);
    group->free |= UINT64_C(1) << index % 64;
}

static inline struct timer_slot *timer_find(const rondo_loop *loop, rondo_id id)
{
    const struct timers *t = &loop->timers;
    uint32_t index = id_slot(id);
    if (index >= t->slots_used || t->slots[index].id != id)
        return NULL;
    return &t->slots[index];
}

static inline bool timer_is_firing(const struct timers *t,
                                   const struct timer_slot *slot)
{
    return t->firing == id_slot(slot->id);
}

/* ---- starting ---- */

/* It is filed. Returns its id, which the fast path has at hand. */
static NOINLINE rondo_id timer_nudge(rondo_loop *loop, rondo_id id)
{
    loop_nudge(loop);
    return id;
}

static NOINLINE rondo_id timer_begin_near(rondo_loop *loop, uint32_t index)
{
    struct timers *t = &loop->timers;
    timer_heap_push(t, index);
    assert(timers_are_sound(t));
    return timer_nudge(loop, t->slots[index].id);
}

/* Files a slot that is nowhere by a new deadline, and returns its id. A
 * deadline in the past counts as now, so what a timer's callback schedules
 * sorts behind all that is due already, and cannot keep it from firing. */
static inline rondo_id timer_begin(rondo_loop *loop, uint32_t index,
                                   int64_t when)
{
    struct timers *t = &loop->timers;
    struct timer_slot *slot = &t->slots[index];
    if (when < loop->now)
        when = loop->now;
    slot->when = when;
    slot->order = ++t->order;
    if (when < t->next)
        t->next = when;
    int64_t tick = when >> TIMER_TICK_BITS;
    if (tick <= t->tick)
        return timer_begin_near(loop, index);
    timer_link(t, index, timer_list_of(t, tick));
    assert(timers_are_sound(t));
    return loop->prepared ? timer_nudge(loop, slot->id) : slot->id;
}

static COLD rondo_id timer_start_more(rondo_loop *loop, int64_t when,
                                      rondo_fn fn, void *arg)
{
    int error = timer_slots_add(loop);
    return error ? error : timers_start(loop, when, fn, arg);
}

rondo_id timers_start(rondo_loop *loop, int64_t when, rondo_fn fn, void *arg)
{
    struct timers *t = &loop->timers;
    assert(fn);
    if (t->free_group == ID_NO_SLOT)
        return timer_start_more(loop, when, fn, arg);
    if (!t->live)
        t->tick = loop->now >> TIMER_TICK_BITS;
    t->live++;
    loop->alive++;
    uint32_t index = timer_slot_take(t);
    struct timer_slot *slot = &t->slots[index];
    slot->id ^= ID_SLOT_MAX;
    slot->fn = fn;
    slot->arg = arg;
    slot->flags = 0;
    return timer_begin(loop, index, when);
}

rondo_id timers_start_every(rondo_loop *loop, int64_t when, int64_t period,
                            rondo_fn fn, void *arg)
{
    assert(period > 0);
    struct timer_period *every = loop_alloc(loop, sizeof *every);
    if (!every)
        return error_set(RONDO_ENOMEM, "out of memory for timers");
    *every = (struct timer_period){period, 0, arg};
    rondo_id id = timers_start(loop, when, fn, every);
    if (id > 0)
        loop->timers.slots[id_slot(id)].flags = TIMER_REPEATS;
    else
        loop_free(loop, every);
    return id;
}

/* ---- expiry ---- */

/* The list is to be opened: its timers are on their way. */
static void timer_open(struct timers *t, unsigned list)
{
    uint32_t first = t->lists[list];
    assert(t->lists[TIMER_OPENING] == ID_NO_SLOT && list < TIMER_OPENING);
    t->tick = timer_list_tick(t, list);
    t->lists[list] = ID_NO_SLOT;
    timer_list_ends(t, list);
    t->lists[TIMER_OPENING] = first;
    t->slots[first].prev = TIMER_FIRST + TIMER_OPENING;
    timer_list_begins(t, TIMER_OPENING);
}

/* Opens the next tick that has timers, if it is not after `until`. Goes on for
 * `*left` timers, then returns false: there is more to open. */
static bool timer_open_next(struct timers *t, int64_t until, unsigned *left)
{
    while (!t->heap_size || t->lists[TIMER_OPENING] != ID_NO_SLOT) {
        uint32_t index = t->lists[TIMER_OPENING];
        unsigned list = timer_first_list(t);
        if (index != ID_NO_SLOT) {
            if (!(*left)--)
                return false;
            timer_unlink(t, &t->slots[index]);
            timer_file(t, index);
        } else if (list < TIMER_OPENING && timer_list_tick(t, list) <= until) {
            timer_open(t, list);
        } else {
            if (t->tick < until)
                t->tick = until;
            break;
        }
    }
    return true;
}

/* Returns the earliest deadline of a list, and files anew what was moved beyond
 * it. RONDO_NEVER: there is nothing else. */
static int64_t timer_look_through(struct timers *t, unsigned list,
                                  unsigned *left)
{
    int64_t first = timer_list_tick(t, list), earliest = RONDO_NEVER;
    int64_t last = first + (INT64_C(1) << timer_list_bits(list)) - 1;
    uint32_t next, index = t->lists[list];
    for (; index != ID_NO_SLOT; index = next) {
        const struct timer_slot *slot = &t->slots[index];
        next = slot->next;
        if (!(*left)--)
            return first << TIMER_TICK_BITS;
        if (slot->when >> TIMER_TICK_BITS > last) {
            timer_unlink(t, slot);
            timer_file(t, index);
        } else if (slot->when < earliest) {
            earliest = slot->when;
        }
    }
    return earliest;
}

void timers_look(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    unsigned list = TIMER_OPENING, left = TIMER_LOOK_LIMIT;
    t->vague = false;
    t->next = RONDO_NEVER;
    if (t->heap_size)
        t->next = t->heap[TIMER_ROOT].key;
    else if (t->used[TIMER_OPENING / 64])
        t->next = t->tick << TIMER_TICK_BITS; /* there is more to open */
    else
        list = timer_first_list(t);
    while (t->next == RONDO_NEVER && list < TIMER_OPENING) {
        t->next = timer_look_through(t, list, &left);
        list = timer_first_list(t);
    }
}

/* Gives the timer that fires its next deadline, in phase with the first one.
 * Periods that have passed already are skipped and counted. */
static COLD void timer_repeat(rondo_loop *loop, uint32_t index, int64_t when)
{
    struct timers *t = &loop->timers;
    struct timer_period *every = t->slots[index].arg;
    assert(every->period > 0 && when <= loop->now);
    int64_t late = (loop->now - when) / every->period;
    every->missed += late;
    loop->metrics.timers_skipped += (uint64_t)late;
    int64_t step = (late + 1) * every->period;
    when = when > RONDO_NEVER - step ? RONDO_NEVER - 1 : when + step;
    assert(when > loop->now);
    (void)timer_begin(loop, index, when);
}

/* Its callback may reschedule it: then it goes on living. */
static void timer_fire_once(rondo_loop *loop, uint32_t index)
{
    struct timers *t = &loop->timers;
    struct timer_slot *slot = &t->slots[index];
    t->firing = index;
    t->fired = slot->when;
    slot->when = RONDO_NEVER; /* a move is never a later one */
    loop_call(loop, RONDO_DOES_TIMER, slot->fn, slot->arg);
    if (t->firing == ID_NO_SLOT)
        return;
    t->firing = ID_NO_SLOT;
    slot = &t->slots[index];
    if (slot->flags & TIMER_RELEASE)
        release_forget(loop, slot->id);
    timer_slot_free(loop, slot);
}

static void timer_fire_repeating(rondo_loop *loop, uint32_t index)
{
    struct timer_slot *slot = &loop->timers.slots[index];
    rondo_fn fn = slot->fn;
    void *arg = ((struct timer_period *)slot->arg)->arg;
    timer_repeat(loop, index, slot->when);
    loop_call(loop, RONDO_DOES_TIMER, fn, arg);
}

/* The timer at the root of the heap is due. */
static void timer_fire(rondo_loop *loop, uint32_t index)
{
    struct timers *t = &loop->timers;
    struct timer_slot *slot = &t->slots[index];
    PROBE3(timer_fire, loop, slot->fn, loop->now - slot->when);
    timer_heap_remove(t, TIMER_ROOT);
    slot->prev = TIMER_NOWHERE;
    if (slot->flags & TIMER_REPEATS)
        timer_fire_repeating(loop, index);
    else
        timer_fire_once(loop, index);
}

/* Scheduled in this iteration: it fires in the next one. Since that counts as
 * now what is in the past, it is due now, and no earlier. */
static bool timer_is_new(const rondo_loop *loop, const struct timer_entry *e)
{
    return e->key == loop->now && (int32_t)(e->order - loop->timers.mark) > 0;
}

void timers_run(rondo_loop *loop, unsigned most)
{
    struct timers *t = &loop->timers;
    int64_t until = loop->now >> TIMER_TICK_BITS;
    unsigned left = TIMER_OPEN_LIMIT;
    while (most-- && timer_open_next(t, until, &left) && t->heap_size) {
        struct timer_entry top = t->heap[TIMER_ROOT];
        if (top.key > loop->now)
            break;
        if (top.order != t->slots[top.slot].order) { /* it was moved */
            timer_heap_remove(t, TIMER_ROOT);
            timer_file(t, top.slot);
        } else if (timer_is_new(loop, &top)) {
            break;
        } else {
            timer_fire(loop, top.slot);
        }
    }
    assert(timers_are_sound(t));
    timers_look(loop);
}

/* ---- for the library ---- */

static inline void timer_drop(rondo_loop *loop, struct timer_slot *slot)
{
    struct timers *t = &loop->timers;
    t->vague |= slot->when <= t->next;
    timer_unfile(t, slot);
    if (slot->flags & TIMER_RELEASE)
        release_due(loop, slot->id);
    timer_slot_free(loop, slot);
}

void timers_free(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    for (size_t i = 0; t->live && i < t->slots_used; i++)
        if (timer_is_live(t, i))
            timer_drop(loop, &t->slots[i]);
    assert(!t->live && !t->hidden);
    if (!t->lists)
        return;
    loop_free(loop, t->heap);
    loop_free(loop, t->slots);
    loop_free(loop, t->groups);
    loop_free(loop, t->lists);
    timers_init(t);
}

int timers_cancel(rondo_loop *loop, rondo_id id)
{
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot || timer_is_firing(&loop->timers, slot))
        return RONDO_ENOENT;
    timer_drop(loop, slot);
    assert(timers_are_sound(&loop->timers));
    return 0;
}

int timers_set_background(rondo_loop *loop, rondo_id id, bool background)
{
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return RONDO_ENOENT;
    if (!(slot->flags & TIMER_BACKGROUND) == background) {
        assert(!background || loop->alive > 0);
        slot->flags ^= TIMER_BACKGROUND;
        loop->alive += background ? (size_t)-1 : 1;
    }
    return 0;
}

static void *timer_arg(const struct timer_slot *slot)
{
    const struct timer_period *every = slot->arg;
    return slot->flags & TIMER_REPEATS ? every->arg : slot->arg;
}

int timers_set_release(rondo_loop *loop, rondo_id id, rondo_fn fn)
{
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return RONDO_ENOENT;
    int error = release_set(loop, id, fn, timer_arg(slot));
    if (!error && fn)
        slot->flags |= TIMER_RELEASE;
    else if (!error)
        slot->flags &= ~(uint32_t)TIMER_RELEASE;
    return error;
}

rondo_id timers_start_hidden(rondo_loop *loop, int64_t when, rondo_fn fn,
                             void *arg)
{
    rondo_id id = timers_start(loop, when, fn, arg);
    struct timer_slot *slot = id > 0 ? timer_find(loop, id) : NULL;
    if (slot) {
        (void)timers_set_background(loop, id, true);
        slot->flags |= TIMER_HIDDEN;
        loop->timers.hidden++;
        assert(loop->timers.hidden <= loop->timers.live);
    }
    return id;
}

bool timers_list(const struct timers *timers, size_t *at,
                 struct timer_facts *facts)
{
    while (*at < timers->slots_used) {
        size_t index = (*at)++;
        const struct timer_slot *slot = &timers->slots[index];
        if (!timer_is_live(timers, index) || slot->flags & TIMER_HIDDEN ||
            timer_is_firing(timers, slot))
            continue;
        const struct timer_period *every = slot->arg;
        bool repeats = slot->flags & TIMER_REPEATS;
        *facts = (struct timer_facts){slot->fn, slot->when,
                                      repeats ? every->period : 0,
                                      slot->flags & TIMER_BACKGROUND};
        return true;
    }
    return false;
}

/* ---- for the program ---- */

/* RONDO_ENOENT, or RONDO_EINVAL if the id is of another kind. */
static COLD int timer_no_timer(const rondo_loop *loop, rondo_id id,
                               const char *what)
{
    if (id_is(loop, id, ID_SOON) || id_is(loop, id, ID_OPERATION))
        return error_set(RONDO_EINVAL, "%s: not the id of a timer", what);
    return error_set(RONDO_ENOENT,
                     "%s: no such timer: it has run, was cancelled, or is "
                     "another loop's",
                     what);
}

/* It is moved earlier, or its callback runs. */
static COLD int timer_move(rondo_loop *loop, struct timer_slot *slot,
                           int64_t when)
{
    struct timers *t = &loop->timers;
    if (timer_is_firing(t, slot))
        t->firing = ID_NO_SLOT;
    else
        timer_unfile(t, slot);
    (void)timer_begin(loop, id_slot(slot->id), when);
    return 0;
}

int rondo_reschedule(rondo_loop *loop, rondo_id id, int64_t when_ns)
{
    int error = loop_check_create(loop, "reschedule");
    if (error)
        return error;
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return timer_no_timer(loop, id, "reschedule");
    if (when_ns <= slot->when || when_ns < loop->now)
        return timer_move(loop, slot, when_ns);
    /* Later: it is filed anew when its old deadline is due. */
    slot->when = when_ns;
    slot->order = ++loop->timers.order;
    return 0;
}

int64_t rondo_when(const rondo_loop *loop, rondo_id id)
{
    int error = loop_check(loop, "when");
    if (error)
        return error;
    const struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return timer_no_timer(loop, id, "when");
    return timer_is_firing(&loop->timers, slot) ? loop->timers.fired
                                                : slot->when;
}

int64_t rondo_missed(const rondo_loop *loop, rondo_id id)
{
    int error = loop_check(loop, "missed");
    if (error)
        return error;
    const struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return timer_no_timer(loop, id, "missed");
    if (!(slot->flags & TIMER_REPEATS))
        return error_set(RONDO_EINVAL, "missed: not a call_every timer");
    const struct timer_period *every = slot->arg;
    return every->missed;
}
