/* mutate_calls.c - writes which functions of the library a program has entered. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* tools/mutate links it with a library compiled with -finstrument-functions. At
 * its end the program appends to the file MUTATE_CALLS how far each function is
 * from the program's first byte. */
#define NOT_ITSELF __attribute__((no_instrument_function))
enum { ROOM = 1 << 14 };

extern const char __executable_start[];
static _Atomic uintptr_t *entered; /* shared with children of a fork */

NOT_ITSELF void __cyg_profile_func_enter(void *function, void *site);
NOT_ITSELF void __cyg_profile_func_exit(void *function, void *site);

__attribute__((constructor)) NOT_ITSELF static void share(void)
{
    void *shared = mmap(NULL, ROOM * sizeof *entered, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    entered = shared;
}

void __cyg_profile_func_enter(void *function, void *site)
{
    uintptr_t one = (uintptr_t)function;
    (void)site;
    if (!entered)
        return;
    for (size_t i = one >> 4, tries = 0; tries < ROOM; i++, tries++) {
        uintptr_t there =
            atomic_load_explicit(&entered[i % ROOM], memory_order_relaxed);
        if (there == one)
            return;
        if (!there &&
            atomic_compare_exchange_strong(&entered[i % ROOM], &there, one))
            return;
        if (there == one)
            return;
    }
}

void __cyg_profile_func_exit(void *function, void *site)
{
    (void)function;
    (void)site;
}

__attribute__((destructor)) NOT_ITSELF static void tell(void)
{
    const char *path = getenv("MUTATE_CALLS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    for (size_t i = 0; i < ROOM; i++)
        if (entered[i])
            fprintf(file, "%zx\n",
                    (size_t)(entered[i] - (uintptr_t)__executable_start));
    (void)fclose(file);
}
