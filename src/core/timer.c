/* timer.c - deadlines: a 4-ary heap in an array, with lazy changes. */
/* SPDX-License-Identifier: MIT */
#include "core/timer.h"

#include "base/error.h"
#include "core/id.h"
#include "core/release.h"

enum {
    /* With the root here, the four children of a node share a cache line. */
    TIMER_ROOT = 3,
    /* Dead entries are swept out when more than this and the live timers. */
    TIMER_DEAD_LIMIT = 64
};

void timers_init(struct timers *timers)
{
    *timers = (struct timers){.free_slot = ID_NO_SLOT};
}

#ifndef NDEBUG
size_t timers_count_alive(const struct timers *timers)
{
    size_t alive = 0;
    for (size_t i = 0; i < timers->slots_used; i++)
        alive += timers->slots[i].live && !timers->slots[i].background;
    return alive;
}
#endif

/* The number of the iteration that is under way, or was the last one. */
static uint32_t timer_iteration(const rondo_loop *loop)
{
    return (uint32_t)loop->metrics.iterations;
}

/* ---- the heap ---- */

/* Orders wrap around, so their difference decides. */
static bool timer_before(const struct timer_entry *a,
                         const struct timer_entry *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return (int32_t)(a->order - b->order) < 0;
}

static size_t timer_parent_of(size_t i)
{
    assert(i > TIMER_ROOT);
    return (i - TIMER_ROOT - 1) / 4 + TIMER_ROOT;
}

static size_t timer_child_of(size_t i)
{
    return (i - TIMER_ROOT) * 4 + TIMER_ROOT + 1;
}

#ifndef NDEBUG
static bool timer_entry_is_sound(const struct timers *t, size_t i)
{
    const struct timer_entry *entry = &t->heap[i];
    if (i > TIMER_ROOT && t->heap[timer_parent_of(i)].key > entry->key)
        return false;
    if (entry->slot >= t->slots_used)
        return false;
    const struct timer_slot *slot = &t->slots[entry->slot];
    return !slot->live || slot->entry != entry->order ||
           (!slot->firing && slot->when >= entry->key);
}

/* Called after each change. It looks at a few entries only, at others each
 * time, so that a million timers do not make it slow; a small heap is seen
 * whole. */
static bool timers_are_sound(const struct timers *t)
{
    size_t count = t->heap_size < 16 ? t->heap_size : 4;
    for (size_t i = 0; i < count; i++) {
        size_t at = ((size_t)t->order * 4 + i) % t->heap_size;
        if (!timer_entry_is_sound(t, TIMER_ROOT + at))
            return false;
    }
    return t->hidden <= t->live && t->live <= t->slots_used &&
           t->slots_used <= t->slots_room &&
           (!t->heap_size || TIMER_ROOT + t->heap_size <= t->heap_room);
}
#endif

static void timer_sift_up(struct timer_entry *heap, size_t i,
                          struct timer_entry entry)
{
    assert(i >= TIMER_ROOT);
    while (i > TIMER_ROOT) {
        size_t parent = timer_parent_of(i);
        if (!timer_before(&entry, &heap[parent]))
            break;
        heap[i] = heap[parent];
        i = parent;
    }
    heap[i] = entry;
}

static size_t timer_least_child(const struct timer_entry *heap, size_t child,
                                size_t end)
{
    size_t least = child, last = child + 4 < end ? child + 4 : end;
    assert(child < end);
    for (size_t i = child + 1; i < last; i++)
        if (timer_before(&heap[i], &heap[least]))
            least = i;
    return least;
}

static void timer_sift_down(struct timer_entry *heap, size_t end, size_t i,
                            struct timer_entry entry)
{
    assert(i >= TIMER_ROOT && i < end);
    for (;;) {
        size_t child = timer_child_of(i);
        if (child >= end)
            break;
        child = timer_least_child(heap, child, end);
        if (!timer_before(&heap[child], &entry))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = entry;
}

static void timer_pop(struct timers *t)
{
    assert(t->heap_size > 0);
    size_t end = TIMER_ROOT + --t->heap_size;
    if (t->heap_size)
        timer_sift_down(t->heap, end, TIMER_ROOT, t->heap[end]);
}

static bool timer_is_valid(const struct timers *t,
                           const struct timer_entry *entry)
{
    const struct timer_slot *slot = &t->slots[entry->slot];
    assert(entry->slot < t->slots_used);
    return slot->live && slot->entry == entry->order;
}

/* Sweeps out the dead entries and builds the heap again. */
static COLD void timer_clean(struct timers *t)
{
    size_t end = TIMER_ROOT;
    for (size_t i = TIMER_ROOT; i < TIMER_ROOT + t->heap_size; i++)
        if (timer_is_valid(t, &t->heap[i]))
            t->heap[end++] = t->heap[i];
    t->heap_size = end - TIMER_ROOT;
    if (t->heap_size > 1)
        for (size_t i = timer_parent_of(end - 1) + 1; i-- > TIMER_ROOT;)
            timer_sift_down(t->heap, end, i, t->heap[i]);
    assert(t->heap_size <= t->live);
}

static void timer_clean_if_worth(struct timers *t)
{
    if (t->heap_size > t->live * 2 + TIMER_DEAD_LIMIT)
        timer_clean(t);
    assert(timers_are_sound(t));
}

static int timer_heap_room(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    if (TIMER_ROOT + t->heap_size < t->heap_room)
        return 0;
    size_t room = t->heap_room ? t->heap_room * 2 : 32;
    struct timer_entry *heap = loop_realloc(loop, t->heap, room * sizeof *heap);
    if (!heap)
        return error_set(RONDO_ENOMEM, "out of memory for timers");
    t->heap = heap;
    t->heap_room = room;
    assert(TIMER_ROOT + t->heap_size < room);
    return 0;
}

/* The caller has called timer_heap_room. */
static void timer_push(struct timers *t, uint32_t index)
{
    struct timer_slot *slot = &t->slots[index];
    struct timer_entry entry = {slot->when, slot->order, index};
    assert(slot->live && !slot->firing);
    assert(TIMER_ROOT + t->heap_size < t->heap_room);
    slot->entry = slot->order;
    timer_sift_up(t->heap, TIMER_ROOT + t->heap_size++, entry);
}

/* ---- the slots ---- */

static uint32_t timer_next_order(struct timers *t)
{
    /* After 2^32 changes a number comes again. A dead entry that still had it
     * would look valid. */
    if (++t->order == 0)
        timer_clean(t);
    return t->order;
}

static COLD int timer_slots_grow(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    size_t room = t->slots_room ? t->slots_room * 2 : 32;
    struct timer_slot *slots = NULL;
    struct timer_period *periods = NULL;
    if (t->slots_used < ID_SLOT_MAX)
        slots = loop_realloc(loop, t->slots, room * sizeof *slots);
    if (slots)
        t->slots = slots;
    if (slots)
        periods = loop_realloc(loop, t->periods, room * sizeof *periods);
    if (!periods)
        return error_set(RONDO_ENOMEM, "out of memory for timers");
    t->periods = periods;
    t->slots_room = room;
    assert(t->slots_used < room);
    return 0;
}

static int timer_slot_new(rondo_loop *loop, uint32_t *index)
{
    struct timers *t = &loop->timers;
    if (t->free_slot != ID_NO_SLOT) {
        *index = t->free_slot;
        assert(*index < t->slots_used && !t->slots[*index].live);
        t->free_slot = t->slots[*index].next_free;
        return 0;
    }
    int error = t->slots_used == t->slots_room ? timer_slots_grow(loop) : 0;
    if (error)
        return error;
    *index = (uint32_t)t->slots_used++;
    t->slots[*index] = (struct timer_slot){
        .generation = loop->first_generation & ID_GENERATION_MAX};
    return 0;
}

static void timer_slot_free(rondo_loop *loop, uint32_t index)
{
    struct timers *t = &loop->timers;
    struct timer_slot *slot = &t->slots[index];
    assert(slot->live && t->live > 0);
    assert(slot->background || loop->alive > 0);
    slot->live = false;
    slot->firing = false;
    t->live--;
    if (slot->hidden)
        t->hidden--;
    if (!slot->background)
        loop->alive--;
    if (slot->generation++ == ID_GENERATION_MAX)
        return;
    slot->next_free = t->free_slot;
    t->free_slot = index;
}

static rondo_id timer_id(const rondo_loop *loop, uint32_t index)
{
    return id_of_slot(loop, ID_TIMER, index,
                      loop->timers.slots[index].generation);
}

static inline struct timer_slot *timer_find(const rondo_loop *loop, rondo_id id)
{
    const struct timers *t = &loop->timers;
    uint32_t index = id_slot(id);
    if (!id_is(loop, id, ID_TIMER) || index >= t->slots_used)
        return NULL;
    struct timer_slot *slot = &t->slots[index];
    if (slot->generation != id_generation(id))
        return NULL;
    assert(slot->live);
    return slot;
}

/* A deadline in the past counts as now, so what a timer's callback schedules
 * sorts behind all that is due already, and cannot keep it from firing. */
static int64_t timer_clamp(const rondo_loop *loop, int64_t when)
{
    return when < loop->now ? loop->now : when;
}

/* For a timer without a valid entry, or with one that comes too late. */
static COLD int timer_move_entry(rondo_loop *loop, struct timer_slot *slot,
                                 int64_t when)
{
    struct timers *t = &loop->timers;
    assert(when >= loop->now);
    int error = timer_heap_room(loop);
    if (error)
        return error;
    slot->firing = false;
    slot->when = when;
    slot->order = timer_next_order(t);
    timer_push(t, (uint32_t)(slot - t->slots));
    timer_clean_if_worth(t);
    loop_nudge(loop);
    return 0;
}

rondo_id timers_start(rondo_loop *loop, int64_t when, int64_t period,
                      rondo_fn fn, void *arg)
{
    struct timers *t = &loop->timers;
    uint32_t index = 0;
    assert(fn && period >= 0);
    int error = timer_heap_room(loop);
    if (!error)
        error = timer_slot_new(loop, &index);
    if (error)
        return error;
    struct timer_slot *slot = &t->slots[index];
    slot->when = timer_clamp(loop, when);
    slot->fn = fn;
    slot->arg = arg;
    slot->repeats = period != 0;
    if (period)
        t->periods[index] = (struct timer_period){period, 0};
    slot->order = timer_next_order(t);
    slot->iteration = timer_iteration(loop);
    slot->live = true;
    slot->firing = false;
    slot->background = slot->hidden = slot->release = false;
    t->live++;
    loop->alive++;
    timer_push(t, index);
    assert(timers_are_sound(t));
    if (loop->prepared)
        loop_nudge(loop);
    return id_of_slot(loop, ID_TIMER, index, slot->generation);
}

/* ---- expiry ---- */

/* Drops dead entries from the top, and moves lazy ones down, until the top is
 * the earliest timer. Returns false if there is no timer. */
static bool timer_settle_top(struct timers *t)
{
    while (t->heap_size) {
        struct timer_entry *top = &t->heap[TIMER_ROOT];
        if (!timer_is_valid(t, top)) {
            timer_pop(t);
            continue;
        }
        struct timer_slot *slot = &t->slots[top->slot];
        assert(!slot->firing && slot->when >= top->key);
        if (slot->order == top->order) {
            assert(slot->when == top->key);
            return true;
        }
        struct timer_entry later = {slot->when, slot->order, top->slot};
        slot->entry = slot->order;
        timer_sift_down(t->heap, TIMER_ROOT + t->heap_size, TIMER_ROOT, later);
    }
    return false;
}

int64_t timers_next(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    return timer_settle_top(t) ? t->heap[TIMER_ROOT].key : RONDO_NEVER;
}

/* Gives the timer at the top its next deadline, in phase with the first one.
 * Periods that have passed already are skipped and counted. */
static void timer_repeat(rondo_loop *loop, struct timer_slot *slot,
                         struct timer_period *every)
{
    struct timers *t = &loop->timers;
    assert(every->period > 0 && slot->when <= loop->now);
    int64_t late = (loop->now - slot->when) / every->period;
    every->missed += late;
    loop->metrics.timers_skipped += (uint64_t)late;
    int64_t step = (late + 1) * every->period;
    slot->when =
        slot->when > RONDO_NEVER - step ? RONDO_NEVER - 1 : slot->when + step;
    slot->order = timer_next_order(t);
    struct timer_entry entry = {slot->when, slot->order,
                                t->heap[TIMER_ROOT].slot};
    slot->entry = slot->order;
    timer_sift_down(t->heap, TIMER_ROOT + t->heap_size, TIMER_ROOT, entry);
    assert(slot->when > loop->now);
}

void timers_run(rondo_loop *loop, unsigned most)
{
    struct timers *t = &loop->timers;
    while (most-- && timer_settle_top(t) &&
           t->heap[TIMER_ROOT].key <= loop->now) {
        uint32_t index = t->heap[TIMER_ROOT].slot;
        struct timer_slot *slot = &t->slots[index];
        if (slot->iteration == timer_iteration(loop))
            break; /* scheduled in this iteration: fires in the next */
        rondo_fn fn = slot->fn;
        void *arg = slot->arg;
        assert(fn && slot->live && slot->when <= loop->now);
        if (slot->repeats) {
            timer_repeat(loop, slot, &t->periods[index]);
        } else {
            timer_pop(t);
            slot->firing = true; /* its callback may reschedule it */
        }
        loop_call(loop, fn, arg);
        slot = &t->slots[index];
        assert(!slot->firing || (slot->live && !slot->repeats));
        if (slot->firing && slot->release)
            release_forget(loop, timer_id(loop, index));
        if (slot->firing)
            timer_slot_free(loop, index);
    }
}

/* ---- for the library ---- */

static void timer_drop(rondo_loop *loop, uint32_t index)
{
    if (loop->timers.slots[index].release)
        release_due(loop, timer_id(loop, index));
    timer_slot_free(loop, index);
}

void timers_free(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    for (size_t i = 0; i < t->slots_used; i++)
        if (t->slots[i].live)
            timer_drop(loop, (uint32_t)i);
    assert(!t->live && !t->hidden);
    loop_free(loop, t->heap);
    loop_free(loop, t->slots);
    loop_free(loop, t->periods);
    timers_init(t);
}

int timers_cancel(rondo_loop *loop, rondo_id id)
{
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot || slot->firing)
        return RONDO_ENOENT;
    timer_drop(loop, id_slot(id));
    timer_clean_if_worth(&loop->timers);
    return 0;
}

int timers_set_background(rondo_loop *loop, rondo_id id, bool background)
{
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return RONDO_ENOENT;
    if ((bool)slot->background != background) {
        assert(slot->live && (!background || loop->alive > 0));
        slot->background = background;
        loop->alive += background ? (size_t)-1 : 1;
    }
    return 0;
}

int timers_set_release(rondo_loop *loop, rondo_id id, rondo_fn fn)
{
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return RONDO_ENOENT;
    int error = release_set(loop, id, fn, slot->arg);
    if (!error)
        slot->release = fn != NULL;
    return error;
}

rondo_id timers_start_hidden(rondo_loop *loop, int64_t when, rondo_fn fn,
                             void *arg)
{
    rondo_id id = timers_start(loop, when, 0, fn, arg);
    struct timer_slot *slot = id > 0 ? timer_find(loop, id) : NULL;
    if (slot) {
        (void)timers_set_background(loop, id, true);
        assert(slot->background && !slot->hidden);
        slot->hidden = true;
        loop->timers.hidden++;
        assert(loop->timers.hidden <= loop->timers.live);
    }
    return id;
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

int rondo_reschedule(rondo_loop *loop, rondo_id id, int64_t when_ns)
{
    int error = loop_check_create(loop, "reschedule");
    if (error)
        return error;
    struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return timer_no_timer(loop, id, "reschedule");
    int64_t when = timer_clamp(loop, when_ns);
    slot->iteration = timer_iteration(loop);
    if (slot->firing || when < slot->when)
        return timer_move_entry(loop, slot, when);
    /* Later: the entry stays, and is moved when it reaches the top. */
    slot->when = when;
    slot->order = timer_next_order(&loop->timers);
    return 0;
}

int64_t rondo_when(const rondo_loop *loop, rondo_id id)
{
    int error = loop_check(loop, "when");
    if (error)
        return error;
    const struct timer_slot *slot = timer_find(loop, id);
    return slot ? slot->when : timer_no_timer(loop, id, "when");
}

int64_t rondo_missed(const rondo_loop *loop, rondo_id id)
{
    int error = loop_check(loop, "missed");
    if (error)
        return error;
    const struct timer_slot *slot = timer_find(loop, id);
    if (!slot)
        return timer_no_timer(loop, id, "missed");
    if (!slot->repeats)
        return error_set(RONDO_EINVAL, "missed: not a call_every timer");
    return loop->timers.periods[id_slot(id)].missed;
}
