/* replace_unix_make.c - calls that make descriptors are looked at. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_make.h"

#ifdef __linux__
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_int inheritable;

union next {
    void *pointer;
    int (*two)(int, int);
    int (*three)(int, int, int);
    int (*pair)(int, int, int, int[2]);
    int (*pipe)(int[2]);
    int (*pipe2)(int[2], int);
    int (*one)(int);
    int (*count)(unsigned, int);
};

static union next find(const char *name)
{
    union next found;

    found.pointer = dlsym(RTLD_NEXT, name);
    return found;
}

static void note(bool closes)
{
    if (!closes)
        atomic_fetch_add(&inheritable, 1);
}

int raw_made_inheritable(void)
{
    return atomic_load(&inheritable);
}

int socket(int family, int type, int protocol)
{
    note(type & SOCK_CLOEXEC);
    return find("socket").three(family, type, protocol);
}

int socketpair(int family, int type, int protocol, int fds[2])
{
    note(type & SOCK_CLOEXEC);
    return find("socketpair").pair(family, type, protocol, fds);
}

int pipe(int fds[2])
{
    note(false);
    return find("pipe").pipe(fds);
}

int pipe2(int fds[2], int flags)
{
    note(flags & O_CLOEXEC);
    return find("pipe2").pipe2(fds, flags);
}

int dup(int fd)
{
    note(false);
    return find("dup").one(fd);
}

int eventfd(unsigned count, int flags)
{
    note(flags & EFD_CLOEXEC);
    return find("eventfd").count(count, flags);
}

int epoll_create1(int flags)
{
    note(flags & EPOLL_CLOEXEC);
    return find("epoll_create1").one(flags);
}
#else
int raw_made_inheritable(void)
{
    return -1;
}
#endif
