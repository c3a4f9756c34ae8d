/* backend.c - the backends of this build, and the choice of one. */
/* SPDX-License-Identifier: MIT */
#include "core/backend.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define NAME(name) #name,

static const char *const names[] = {SYS_BACKENDS(NAME) NULL};
enum { BACKENDS = sizeof names / sizeof *names - 1 };

/* Of rondo_set_default_backend, for all loops of the process; NULL: not set. */
static _Atomic(const struct backend *) policy;

static const struct backend *backend_find(const char *name)
{
    for (size_t i = 0; i < BACKENDS; i++)
        if (strcmp(names[i], name) == 0)
            return backend_table[i];
    return NULL;
}

static int backend_unknown(const char *what, const char *name)
{
    char list[128] = "";
    for (size_t i = 0; i < BACKENDS; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                 names[i]);
    }
    return error_set(RONDO_ENOTSUP,
                     "%s: no backend \"%s\" in this build; there is: %s", what,
                     name, list);
}

int backend_choose(const char *name, bool has_env,
                   const struct backend **backend)
{
    const char *wanted = name;
    *backend = name ? NULL : atomic_load(SYS_OF_PROCESS(policy));
    if (*backend)
        return 0;
    if (!wanted && has_env)
        wanted = sys_env("RONDO_BACKEND");
    *backend = wanted && *wanted ? backend_find(wanted)
               : name            ? NULL
                                 : backend_table[0];
    return *backend ? 0 : backend_unknown("loop_new", wanted);
}

int rondo_set_default_backend(const char *name)
{
    const struct backend *backend = NULL;
    if (name) {
        backend = backend_find(name);
        if (!backend)
            return backend_unknown("set_default_backend", name);
    }
    atomic_store(SYS_OF_PROCESS(policy), backend);
    return 0;
}

size_t rondo_backends(const char *const **list)
{
    if (list)
        *list = names;
    return BACKENDS;
}

const char *rondo_loop_backend(const rondo_loop *loop)
{
    return loop ? loop->backend->name : NULL;
}
