/* replace_win_names.c - a GetAddrInfoW that answers as told. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- what a test asks of it --------------------------------------------- */

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;

static struct names {
    DWORD caller;
    bool replaced, released, on_caller;
    unsigned calls, waiting, most;
    size_t longest;
} names;

static struct names names_now(void)
{
    struct names copy;

    AcquireSRWLockExclusive(&lock);
    copy = names;
    ReleaseSRWLockExclusive(&lock);
    return copy;
}

/* What an earlier test left waiting is let go first. */
bool raw_names_replace(void)
{
    AcquireSRWLockExclusive(&lock);
    names.released = true;
    WakeAllConditionVariable(&changed);
    while (names.waiting > 0)
        (void)SleepConditionVariableSRW(&changed, &lock, INFINITE, 0);
    names = (struct names){.caller = GetCurrentThreadId(), .replaced = true};
    ReleaseSRWLockExclusive(&lock);
    return true;
}

void raw_names_release(void)
{
    AcquireSRWLockExclusive(&lock);
    names.released = true;
    WakeAllConditionVariable(&changed);
    ReleaseSRWLockExclusive(&lock);
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

/* ---- its answers -------------------------------------------------------- */

/* what FreeAddrInfoW knows our answers by */
static wchar_t ours[] = L"ours";

struct answer {
    ADDRINFOW info;
    union {
        struct sockaddr any;
        struct sockaddr_in inet;
        struct sockaddr_in6 inet6;
    } address;
};

/* last_byte 0: ::1; else 127.0.0.last_byte */
static ADDRINFOW *answer_new(unsigned last_byte, ADDRINFOW *next)
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
    a->info = (ADDRINFOW){.ai_family = a->address.any.sa_family,
                          .ai_socktype = SOCK_STREAM,
                          .ai_protocol = IPPROTO_TCP,
                          .ai_addrlen = last_byte ? sizeof a->address.inet
                                                  : sizeof a->address.inet6,
                          .ai_addr = &a->address.any,
                          .ai_canonname = ours,
                          .ai_next = next};
    return &a->info;
}

static bool ends_with(const wchar_t *host, const wchar_t *end)
{
    size_t n = wcslen(host);
    size_t m = wcslen(end);

    return n >= m && wcscmp(host + n - m, end) == 0;
}

/* asked under the lock: waits for raw_names_release */
static void wait_for_release(void)
{
    names.waiting++;
    if (names.waiting > names.most)
        names.most = names.waiting;
    while (!names.released)
        (void)SleepConditionVariableSRW(&changed, &lock, INFINITE, 0);
    names.waiting--;
    WakeAllConditionVariable(&changed);
}

static ADDRINFOW *answers(const wchar_t *host, int family)
{
    ADDRINFOW *list = NULL;

    if (family != AF_INET6)
        list = answer_new(1, NULL);
    if (family != AF_INET6 && ends_with(host, L".two.test"))
        list = answer_new(2, list);
    if (family != AF_INET6 && ends_with(host, L".many.test"))
        for (unsigned i = 2; i <= 8; i++)
            list = answer_new(i, list);
    if (family != AF_INET && ends_with(host, L".both.test"))
        list = answer_new(0, list);
    return list;
}

static void note(const wchar_t *host)
{
    AcquireSRWLockExclusive(&lock);
    if (names.replaced) {
        names.calls++;
        if (wcslen(host) > names.longest)
            names.longest = wcslen(host);
        if (GetCurrentThreadId() == names.caller)
            names.on_caller = true;
        if (ends_with(host, L".slow.test"))
            wait_for_release();
    }
    ReleaseSRWLockExclusive(&lock);
}

/* ---- in the place of the real ones -------------------------------------- */

typedef INT(WSAAPI *get_fn)(PCWSTR, PCWSTR, const ADDRINFOW *, ADDRINFOW **);
typedef void(WSAAPI *free_fn)(ADDRINFOW *);

static INT WSAAPI get(PCWSTR host, PCWSTR service, const ADDRINFOW *hints,
                      ADDRINFOW **result)
{
    get_fn next = (get_fn)win_real(L"ws2_32.dll", "GetAddrInfoW");

    if (!host || (hints && hints->ai_flags & AI_NUMERICHOST))
        return next(host, service, hints, result);
    note(host);
    if (!ends_with(host, L".test"))
        return next(host, service, hints, result);
    if (ends_with(host, L".later.test"))
        return WSATRY_AGAIN;
    *result = NULL;
    if (!ends_with(host, L".none.test"))
        *result = answers(host, hints ? hints->ai_family : AF_UNSPEC);
    return *result ? 0 : WSAHOST_NOT_FOUND;
}

static void WSAAPI let_go(ADDRINFOW *list)
{
    if (!list || list->ai_canonname != ours) {
        ((free_fn)win_real(L"ws2_32.dll", "FreeAddrInfoW"))(list);
        return;
    }
    while (list) {
        ADDRINFOW *following = list->ai_next;

        free(list); /* info is an answer's first member */
        list = following;
    }
}

extern const get_fn replaced_get __asm__(WIN_IMPORT(GetAddrInfoW, 16));
extern const free_fn replaced_free __asm__(WIN_IMPORT(FreeAddrInfoW, 4));
const get_fn replaced_get = get;
const free_fn replaced_free = let_go;
