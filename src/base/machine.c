/* machine.c - what the library says of the machine that it runs on. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "sys.h"

#include <string.h>

int rondo_random(void *data, size_t size)
{
    if (!data && size)
        return error_set(RONDO_EINVAL, "random: nowhere to put it");
    int error = size ? sys_random(data, size) : 0;
    return error ? error_os(error, "random: no random bytes") : 0;
}

int rondo_host_name(char *name, size_t size)
{
    static const char what[] = "host_name";
    if (!name || !size)
        return error_set(RONDO_EINVAL, "%s: nowhere to put it", what);
    int length = sys_host_name(name, size);
    name[length < 0 ? 0 : length] = '\0';
    return length < 0 ? error_os(length, "%s", what) : length;
}

unsigned rondo_available_cores(void)
{
    return sys_cores_usable();
}

int64_t rondo_memory_limit(void)
{
    int64_t bytes = sys_memory_limit();
    if (bytes == RONDO_ENOTSUP)
        return error_set(RONDO_ENOTSUP, "memory_limit: this system sets no "
                                        "limit of memory for a process");
    return bytes < 0 ? error_os((int)bytes, "memory_limit") : bytes;
}

/* ---- interfaces ---- */

struct machine_list {
    rondo_interface *first, **last;
};

/* The name is behind it. */
static int machine_append(void *arg, const rondo_interface *one)
{
    struct machine_list *list = arg;
    size_t size = strlen(one->name) + 1;
    rondo_interface *copy = sys_alloc(sizeof *copy + size);
    if (!copy) {
        error_no_os();
        return RONDO_ENOMEM;
    }
    *copy = *one;
    copy->size = sizeof *copy;
    copy->next = NULL;
    copy->name = memcpy(copy + 1, one->name, size);
    *list->last = copy;
    list->last = &copy->next;
    return 0;
}

int rondo_list_interfaces(rondo_interface **first)
{
    static const char what[] = "list_interfaces";
    struct machine_list list = {.last = &list.first};
    if (!first)
        return error_set(RONDO_EINVAL, "%s: nowhere to put them", what);
    int error = sys_interfaces(machine_append, &list);
    *first = error ? NULL : list.first;
    if (!error)
        return 0;
    rondo_free_interfaces(list.first);
    return error_os(error, "%s", what);
}

void rondo_free_interfaces(rondo_interface *first)
{
    while (first) {
        rondo_interface *next = first->next;
        sys_free(first);
        first = next;
    }
}
