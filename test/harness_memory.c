/* harness_memory.c - the allocator that counts, poisons and fails. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

#include <stdatomic.h>

#define MAGIC_LIVE   UINT64_C(0x11ce11fec0ffee01)
#define MAGIC_DEAD   UINT64_C(0xdeadb10cdeadb10c)
#define POISON_NEW   0xa5
#define POISON_FREED 0xdd

/* before each block; as large as the strictest alignment needs */
struct header {
    _Alignas(max_align_t) uint64_t magic;
    size_t size;
};

/* The loop's allocator is called on any thread. */
struct memory {
    atomic_uint_fast64_t allocations, countdown, failed;
    atomic_size_t blocks, bytes, peak;
    atomic_bool sticky;
    _Atomic(const char *) damage;
};

static bool must_fail(struct memory *m)
{
    uint64_t left = atomic_load(&m->countdown);

    if (left == 0)
        return false;
    if (left > 1) {
        atomic_store(&m->countdown, left - 1);
        return false;
    }
    if (!atomic_load(&m->sticky))
        atomic_store(&m->countdown, 0);
    atomic_fetch_add(&m->failed, 1);
    return true;
}

static void count_in(struct memory *m, size_t size)
{
    size_t bytes = atomic_fetch_add(&m->bytes, size) + size;
    size_t peak = atomic_load(&m->peak);

    atomic_fetch_add(&m->blocks, 1);
    while (bytes > peak &&
           !atomic_compare_exchange_weak(&m->peak, &peak, bytes))
        continue;
}

static void *memory_malloc(size_t size, void *context)
{
    struct memory *m = context;
    struct header *h;

    atomic_fetch_add(&m->allocations, 1);
    if (must_fail(m) || size > PTRDIFF_MAX - sizeof *h)
        return NULL;
    h = malloc(sizeof *h + size);
    if (!h)
        return NULL;
    h->magic = MAGIC_LIVE;
    h->size = size;
    count_in(m, size);
    memset(h + 1, POISON_NEW, size);
    return h + 1;
}

static void release(struct memory *m, struct header *h)
{
    atomic_fetch_sub(&m->blocks, 1);
    atomic_fetch_sub(&m->bytes, h->size);
    h->magic = MAGIC_DEAD;
    memset(h + 1, POISON_FREED, h->size);
    free(h);
}

static struct header *header_of(struct memory *m, void *p)
{
    struct header *h = (struct header *)p - 1;

    if (h->magic == MAGIC_LIVE)
        return h;
    atomic_store(&m->damage, h->magic == MAGIC_DEAD
                                 ? "a block was freed twice"
                                 : "a block was freed that is none, or its "
                                   "header was overwritten");
    return NULL;
}

static void memory_free_block(void *p, void *context)
{
    struct memory *m = context;
    struct header *h = p ? header_of(m, p) : NULL;

    if (h)
        release(m, h);
}

/* always moves, so that a pointer kept over it is found out */
static void *memory_realloc(void *p, size_t size, void *context)
{
    struct memory *m = context;
    struct header *h = p ? header_of(m, p) : NULL;
    void *moved = memory_malloc(size, context);

    if (!moved || !h)
        return moved;
    memcpy(moved, p, h->size < size ? h->size : size);
    release(m, h);
    return moved;
}

struct memory *memory_new(void)
{
    return calloc(1, sizeof(struct memory));
}

void memory_free(struct memory *m)
{
    free(m);
}

rondo_allocator memory_allocator(struct memory *m)
{
    return (rondo_allocator){.malloc_fn = memory_malloc,
                             .realloc_fn = memory_realloc,
                             .free_fn = memory_free_block,
                             .context = m};
}

const char *memory_damage(const struct memory *m)
{
    return atomic_load(&m->damage);
}

uint64_t test_allocations(const struct world *w)
{
    return atomic_load(&w->memory->allocations);
}

size_t test_live_blocks(const struct world *w)
{
    return atomic_load(&w->memory->blocks);
}

size_t test_live_bytes(const struct world *w)
{
    return atomic_load(&w->memory->bytes);
}

size_t test_peak_bytes(const struct world *w)
{
    return atomic_load(&w->memory->peak);
}

void test_reset_peak(struct world *w)
{
    atomic_store(&w->memory->peak, atomic_load(&w->memory->bytes));
}

void test_fail_allocation(struct world *w, uint64_t n)
{
    atomic_store(&w->memory->sticky, false);
    if (n > 0)
        atomic_store(&w->memory->failed, 0);
    atomic_store(&w->memory->countdown, n);
}

void test_fail_allocations_from(struct world *w, uint64_t n)
{
    test_fail_allocation(w, n);
    atomic_store(&w->memory->sticky, true);
}

uint64_t test_failed_allocations(const struct world *w)
{
    return atomic_load(&w->memory->failed);
}

int64_t test_try_without_memory(struct world *w, int64_t (*fn)(void *arg),
                                void *arg)
{
    for (uint64_t n = 1; n < 20; n++) {
        int64_t result;

        test_fail_allocation(w, n);
        result = fn(arg);
        test_fail_allocation(w, 0);
        if (result >= 0) {
            assert_true(n > 1);
            return result;
        }
        assert_error(result, RONDO_ENOMEM);
    }
    test_fail(w, "RONDO_ENOMEM again and again");
}

bool test_nth_fails(struct world *w, uint64_t n)
{
    bool enough = n > 1 && test_failed_allocations(w) == 0;

    if (n > 1000)
        test_fail(w, "never enough memory");
    test_fail_allocation(w, enough ? 0 : n);
    return !enough;
}
