/* replace_unix_interfaces.c - interfaces that cannot be listed, or not whole. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_machine.h"

#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

static bool failing, lacks_masks;

bool raw_network_fails(bool on)
{
    failing = on;
    return true;
}

bool raw_network_lacks_masks(bool on)
{
    lacks_masks = on;
    return true;
}

int getifaddrs(struct ifaddrs **list)
{
    void *found = dlsym(RTLD_NEXT, "getifaddrs");
    int (*next)(struct ifaddrs **);

    memcpy(&next, &found, sizeof next);
    if (failing) {
        errno = EMFILE;
        return -1;
    }
    int result = next(list);
    for (struct ifaddrs *one = *list; !result && lacks_masks && one;
         one = one->ifa_next)
        one->ifa_netmask = NULL;
    return result;
}
