/* stdatomic.h - C's, but each access may hand over to another thread. */
/* SPDX-License-Identifier: MIT */
/* The build has the compiler look into this folder first. Only the functions
 * that the library uses are here, as functions without an explicit order: one
 * thread runs at a time, so all accesses are in one order. */
#ifndef RONDO_SIM_STDATOMIC_H
#define RONDO_SIM_STDATOMIC_H

#include_next <stdatomic.h>

#include <stdint.h>

/* Counts the threads of this host that could run now. 0: nothing can happen
 * between this access and the next. */
extern unsigned sim_rivals;
void sim_touch(void);

static inline void sim_atomic_access(void)
{
    if (sim_rivals)
        sim_touch();
}

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_compare_exchange_strong
#undef atomic_fetch_add
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub
#undef atomic_fetch_and
#undef atomic_fetch_or

#ifdef __clang__
#define SIM_ATOMIC_LOAD(p)        __c11_atomic_load(p, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_STORE(p, v)    __c11_atomic_store(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_EXCHANGE(p, v) __c11_atomic_exchange(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_SWAP(p, e, v)                                               \
    __c11_atomic_compare_exchange_strong(p, e, v, __ATOMIC_SEQ_CST,            \
                                         __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_ADD(p, v) __c11_atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_SUB(p, v) __c11_atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_AND(p, v) __c11_atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_OR(p, v)  __c11_atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#else
#define SIM_ATOMIC_LOAD(p)        __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_STORE(p, v)    __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_EXCHANGE(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_SWAP(p, e, v)                                               \
    __atomic_compare_exchange_n(p, e, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_ADD(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_SUB(p, v) __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_AND(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define SIM_ATOMIC_OR(p, v)  __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#endif

#define atomic_load(p)        (sim_atomic_access(), SIM_ATOMIC_LOAD(p))
#define atomic_store(p, v)    (sim_atomic_access(), SIM_ATOMIC_STORE(p, v))
#define atomic_exchange(p, v) (sim_atomic_access(), SIM_ATOMIC_EXCHANGE(p, v))
#define atomic_compare_exchange_strong(p, e, v)                                \
    (sim_atomic_access(), SIM_ATOMIC_SWAP(p, e, v))
#define atomic_fetch_add(p, v)                 (sim_atomic_access(), SIM_ATOMIC_ADD(p, v))
#define atomic_fetch_sub(p, v)                 (sim_atomic_access(), SIM_ATOMIC_SUB(p, v))
#define atomic_fetch_and(p, v)                 (sim_atomic_access(), SIM_ATOMIC_AND(p, v))
#define atomic_fetch_or(p, v)                  (sim_atomic_access(), SIM_ATOMIC_OR(p, v))
#define atomic_load_explicit(p, order)         atomic_load(p)
#define atomic_store_explicit(p, v, order)     atomic_store(p, v)
#define atomic_fetch_add_explicit(p, v, order) atomic_fetch_add(p, v)

#endif
