/* replace_unix_thread.c - threads that the system does not start. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "harness.h"
#include "raw_refuse.h"

#include <stdatomic.h>

/* Sanitizers have a pthread_create of their own. */
#if defined(__SANITIZE_ADDRESS__) || THREAD_SANITIZER
#define REPLACES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define REPLACES 0
#endif
#endif
#ifndef REPLACES
#define REPLACES 1
#endif

static atomic_int left = -1; /* < 0: all are started */

bool raw_threads_fail(unsigned after)
{
    atomic_store(&left, (int)after);
    return REPLACES;
}

void raw_threads_start(void)
{
    atomic_store(&left, -1);
}

#if REPLACES
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *arg), void *arg)
{
    union {
        void *pointer;
        int (*fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                  void *);
    } next;

    if (atomic_load(&left) == 0)
        return EAGAIN;
    if (atomic_load(&left) > 0)
        atomic_fetch_sub(&left, 1);
    next.pointer = dlsym(RTLD_NEXT, "pthread_create");
    return next.fn(thread, attributes, start, arg);
}
#endif
