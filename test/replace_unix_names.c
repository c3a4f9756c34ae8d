/* replace_unix_names.c - a getaddrinfo that answers as told. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_net.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- getaddrinfo: what a test asks of it -------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct names {
    pthread_t caller;
    bool replaced, released, on_caller;
    unsigned calls, waiting, most;
    size_t longest;
} names;

static struct names names_now(void)
{
    struct names copy;

    (void)pthread_mutex_lock(&mutex);
    copy = names;
    (void)pthread_mutex_unlock(&mutex);
    return copy;
}

/* What an earlier test left waiting is let go first. */
bool raw_names_replace(void)
{
    (void)pthread_mutex_lock(&mutex);
    names.released = true;
    (void)pthread_cond_broadcast(&changed);
    while (names.waiting > 0)
        (void)pthread_cond_wait(&changed, &mutex);
    names = (struct names){.caller = pthread_self(), .replaced = true};
    (void)pthread_mutex_unlock(&mutex);
    return true;
}

void raw_names_release(void)
{
    (void)pthread_mutex_lock(&mutex);
    names.released = true;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&mutex);
}

unsigned raw_names_calls(void)
{
    return names_now().calls;
}

unsigned raw_names_waiting(void)
{
    return names_now().waiting;
}

unsigned raw_names_most(void)
{
    return names_now().most;
}

bool raw_names_on_caller(void)
{
    return names_now().on_caller;
}

size_t raw_names_longest(void)
{
    return names_now().longest;
}

/* ---- getaddrinfo: its answers ------------------------------------------- */

/* what freeaddrinfo knows our answers by */
static char ours[] = "ours";

struct answer {
    struct addrinfo info;
    union {
        struct sockaddr any;
        struct sockaddr_in inet;
        struct sockaddr_in6 inet6;
    } address;
};

/* last_byte 0: ::1; else 127.0.0.last_byte */
static struct addrinfo *answer_new(unsigned last_byte, struct addrinfo *next)
{
    struct answer *a = calloc(1, sizeof *a);

    if (!a)
        return next;
    if (last_byte == 0) {
        a->address.inet6.sin6_family = AF_INET6;
        a->address.inet6.sin6_addr.s6_addr[15] = 1;
    } else {
        a->address.inet.sin_family = AF_INET;
        a->address.inet.sin_addr.s_addr =
            htonl(INADDR_LOOPBACK - 1 + last_byte);
    }
    a->info = (struct addrinfo){
        .ai_family = a->address.any.sa_family,
        .ai_socktype = SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
        .ai_addrlen = (socklen_t)(last_byte ? sizeof a->address.inet
                                            : sizeof a->address.inet6),
        .ai_addr = &a->address.any,
        .ai_canonname = ours,
        .ai_next = next};
    return &a->info;
}

static bool ends_with(const char *host, const char *end)
{
    size_t n = strlen(host);
    size_t m = strlen(end);

    return n >= m && strcmp(host + n - m, end) == 0;
}

/* asked under the lock: waits for raw_names_release */
static void wait_for_release(void)
{
    names.waiting++;
    if (names.waiting > names.most)
        names.most = names.waiting;
    while (!names.released)
        (void)pthread_cond_wait(&changed, &mutex);
    names.waiting--;
    (void)pthread_cond_broadcast(&changed);
}

/* false: the question is not about an invented host */
static bool answer(const char *host, int family, int *error,
                   struct addrinfo **result)
{
    struct addrinfo *list = NULL;

    if (!ends_with(host, ".test"))
        return false;
    *error = 0;
    if (ends_with(host, ".none.test")) {
        *error = EAI_NONAME;
        return true;
    }
    if (ends_with(host, ".later.test")) {
        *error = EAI_AGAIN;
        return true;
    }
    if (family != AF_INET6)
        list = answer_new(1, NULL);
    if (family != AF_INET6 && ends_with(host, ".two.test"))
        list = answer_new(2, list);
    if (family != AF_INET6 && ends_with(host, ".many.test"))
        for (unsigned i = 2; i <= 8; i++)
            list = answer_new(i, list);
    if (family != AF_INET && ends_with(host, ".both.test"))
        list = answer_new(0, list);
    *result = list;
    if (!list)
        *error = EAI_NONAME;
    return true;
}

int getaddrinfo(const char *host, const char *service,
                const struct addrinfo *hints, struct addrinfo **result)
{
    union {
        void *pointer;
        int (*fn)(const char *, const char *, const struct addrinfo *,
                  struct addrinfo **);
    } next;
    bool numeric = hints && (hints->ai_flags & AI_NUMERICHOST);
    int error = 0;

    (void)pthread_mutex_lock(&mutex);
    if (host && !numeric && names.replaced) {
        names.calls++;
        if (strlen(host) > names.longest)
            names.longest = strlen(host);
        if (pthread_equal(pthread_self(), names.caller))
            names.on_caller = true;
        if (ends_with(host, ".slow.test"))
            wait_for_release();
    }
    (void)pthread_mutex_unlock(&mutex);
    if (host && !numeric &&
        answer(host, hints ? hints->ai_family : AF_UNSPEC, &error, result))
        return error;
    next.pointer = dlsym(RTLD_NEXT, "getaddrinfo");
    return next.fn(host, service, hints, result);
}

void freeaddrinfo(struct addrinfo *list)
{
    union {
        void *pointer;
        void (*fn)(struct addrinfo *);
    } next;

    if (!list || list->ai_canonname != ours) {
        next.pointer = dlsym(RTLD_NEXT, "freeaddrinfo");
        next.fn(list);
        return;
    }
    while (list) {
        struct addrinfo *following = list->ai_next;

        free(list); /* info is an answer's first member */
        list = following;
    }
}
