/* replace_unix_unlink.c - something happens just before a file is removed. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_unlink.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

static const char *waited_for;
static void (*before)(void *arg);
static void *before_arg;
static bool met;

bool raw_before_unlink(const char *path, void (*fn)(void *arg), void *arg)
{
    waited_for = path;
    before = fn;
    before_arg = arg;
    met = false;
    return true;
}

bool raw_unlink_was_met(void)
{
    return met;
}

int unlink(const char *path)
{
    static int (*next)(const char *);

    if (!next) {
        void *found = dlsym(RTLD_NEXT, "unlink");
        memcpy(&next, &found, sizeof next);
    }
    if (waited_for && strcmp(path, waited_for) == 0) {
        waited_for = NULL;
        met = true;
        before(before_arg);
    }
    return next(path);
}
