/* count.c - which call is it that must fail? */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "calls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Shared with the process that judges, and with children that have not yet
 * become another program. */
static struct counted {
    atomic_uint way;
    atomic_uint_fast64_t count, wanted;
    atomic_bool counts;
    _Atomic(const char *) failed;
    atomic_int_fast64_t blocks;
} * counted;

__attribute__((constructor)) static void share(void)
{
    void *shared = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    counted = shared;
}

void torture_begin(unsigned in_which_way, uint64_t n)
{
    atomic_store(&counted->way, in_which_way);
    atomic_store(&counted->count, 0);
    atomic_store(&counted->wanted, n);
    atomic_store(&counted->failed, NULL);
    atomic_store(&counted->counts, true);
}

uint64_t torture_end(void)
{
    atomic_store(&counted->counts, false);
    return atomic_load(&counted->count);
}

const char *torture_failed(void)
{
    return atomic_load(&counted->failed);
}

int64_t torture_blocks(void)
{
    return atomic_load(&counted->blocks);
}

void torture_count_blocks(int change)
{
    atomic_fetch_add(&counted->blocks, change);
}

bool torture_fails(const char *name, const int *errors, size_t size)
{
    unsigned which = atomic_load(&counted->way);
    if (!atomic_load(&counted->counts) || which >= size)
        return false;
    if (atomic_fetch_add(&counted->count, 1) + 1 !=
        atomic_load(&counted->wanted))
        return false;
    atomic_store(&counted->failed, name);
    errno = errors[which];
    return true;
}
