/* backend.c - the list of backends in this build, and the choice of one. */
/* SPDX-License-Identifier: MIT */
#include "core/backend.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* The platform's best first. */
#if defined(__linux__)
#define BACKENDS(X) X(epoll) X(poll) X(select)
#elif defined(_WIN32)
#define BACKENDS(X) X(iocp) X(select)
#elif defined(RONDO_KQUEUE) /* the build knows whether there is one */
#define BACKENDS(X) X(kqueue) X(poll) X(select)
#else
#define BACKENDS(X) X(poll) X(select)
#endif

#define DECLARE(name) extern const struct backend backend_##name;
#define ADDRESS(name) &backend_##name,
#define NAME(name)    #name,

BACKENDS(DECLARE)
static const struct backend *const backends[] = {BACKENDS(ADDRESS)};
static const char *const names[] = {BACKENDS(NAME) NULL};

enum { COUNT = sizeof backends / sizeof *backends };

static _Atomic(const struct backend *) policy;

static const struct backend *find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

static int unknown(const char *what, const char *name)
{
    char list[128] = "";
    for (size_t i = 0; i < COUNT; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                 names[i]);
    }
    return error_set(RONDO_ENOTSUP,
                     "%s: no backend \"%s\" in this build; there is: %s", what,
                     name, list);
}

int backend_choose(const char *name, const struct backend **backend)
{
    const char *wanted = name;
    *backend = name ? NULL : atomic_load(&policy);
    if (*backend)
        return 0;
    if (!wanted)
        wanted = sys_env("RONDO_BACKEND");
    *backend = wanted && *wanted ? find(wanted) : name ? NULL : backends[0];
    return *backend ? 0 : unknown("loop_new", wanted);
}

int rondo_set_default_backend(const char *name)
{
    const struct backend *backend = NULL;
    if (name) {
        backend = find(name);
        if (!backend)
            return unknown("set_default_backend", name);
    }
    atomic_store(&policy, backend);
    return 0;
}

size_t rondo_backends(const char *const **list)
{
    if (list)
        *list = names;
    return COUNT;
}

const char *rondo_loop_backend(const rondo_loop *loop)
{
    return loop ? loop->backend->name : NULL;
}
