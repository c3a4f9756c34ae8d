/* fault.c - whether a fault happens, by seed, kind and number. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

#include "base/error.h"
#include "sim/try.h"

#include <stdio.h>

/* The answer to a question depends on the seed, the kind and the number of the
 * question, and on no other answer. So a fault that is left out leaves the
 * others as they are, which is how rondo_sim_try finds those that matter. */
static double fault_share(enum sim_fault_kind kind, uint64_t number)
{
    uint64_t x = sim.seed + UINT64_C(0x9E3779B97F4A7C15) * (number + 1);
    x ^= (uint64_t)(kind + 1) << 56;
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return (double)(x >> 11) * 0x1p-53;
}

const char *const sim_fault_names[SIM_FAULTS] = {
#define FAULT_NAME(name) #name,
    RONDO_SIM_FAULTS(FAULT_NAME) "loss", "jitter"};

bool sim_fault_at(enum sim_fault_kind kind, double rate)
{
    if (rate <= 0)
        return false;
    uint64_t number = sim.asked[kind]++;
    if (fault_share(kind, number) >= rate || !try_keeps(kind, number))
        return false;
    char text[64];
    snprintf(text, sizeof text, "fault %s:%llu", sim_fault_names[kind],
             (unsigned long long)number);
    sim_note_text(sim_host(), text);
    try_fired(kind, number);
    return true;
}

bool sim_fault(enum sim_fault_kind kind)
{
    return sim.rate[kind] > 0 && sim_fault_at(kind, sim.rate[kind]);
}

int sim_fail(int os_error)
{
    return error_from_os(os_error);
}

void sim_fault_begin(const rondo_sim_faults *faults)
{
    const double rates[] = {
#define FAULT_RATE(name) faults->name,
        RONDO_SIM_FAULTS(FAULT_RATE)};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        sim.rate[i] = rates[i];
}
#endif
