/* names.c - names and addresses, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <stdlib.h>
#include <string.h>

static int win_names_resolve_error(int code)
{
    switch (code) {
    case WSA_NOT_ENOUGH_MEMORY:
        return RONDO_ENOMEM;
    case WSATRY_AGAIN:
        return RONDO_EAGAIN;
    case WSAEAFNOSUPPORT:
        return RONDO_EAFNOSUPPORT;
    case WSAESOCKTNOSUPPORT:
        return RONDO_ENOTSUP;
    case WSANOTINITIALISED:
        return error_from_os(code);
    default:
        return RONDO_ENONAME;
    }
}

/* malloc'ed UTF-8; NULL: out of memory. */
static char *win_names_copy_text(const wchar_t *wide)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *copy = size > 0 ? sys_alloc((size_t)size) : NULL;
    if (copy)
        (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, copy, size, NULL, NULL);
    return copy;
}

static int win_names_copy_answer(const ADDRINFOW *list, bool wants_name,
                                 bool once, struct sys_names *names)
{
    size_t room = 0;
    for (const ADDRINFOW *a = list; a; a = a->ai_next)
        room++;
    names->addresses =
        sys_alloc_zeroed(room ? room : 1, sizeof *names->addresses);
    if (!names->addresses)
        return RONDO_ENOMEM;
    for (const ADDRINFOW *a = list; a; a = a->ai_next)
        if (rondo_address_from_native(&names->addresses[names->count],
                                      a->ai_addr, a->ai_addrlen) == 0 &&
            !(once && sys_names_has_last(names)))
            names->count++;
    if (wants_name && list && list->ai_canonname) {
        names->host = win_names_copy_text(list->ai_canonname);
        return names->host ? 0 : RONDO_ENOMEM;
    }
    return 0;
}

static int win_names_socket_type(const rondo_lookup_hints *h)
{
    if (h->socket_type)
        return h->socket_type == RONDO_ANY_SOCKET ? 0 : h->socket_type;
    return h->datagram ? SOCK_DGRAM : SOCK_STREAM;
}

int sys_resolve(const char *host, const char *service,
                const rondo_lookup_hints *h, struct sys_names *names)
{
    ADDRINFOW hints = {.ai_family = win_family(h->family),
                       .ai_socktype = win_names_socket_type(h),
                       .ai_protocol = h->protocol,
                       .ai_flags =
                           (h->passive ? AI_PASSIVE : 0) |
                           (h->configured ? AI_ADDRCONFIG : 0) |
                           (h->v4_mapped ? AI_V4MAPPED : 0) |
                           (h->v4_mapped && h->all_mapped ? AI_ALL : 0) |
                           (h->numeric_host ? AI_NUMERICHOST : 0) |
                           (h->numeric_service ? AI_NUMERICSERV : 0) |
                           (h->canonical_name && host ? AI_CANONNAME : 0)};
    ADDRINFOW *list = NULL;
    wchar_t wide_host[NI_MAXHOST], wide_service[NI_MAXHOST];
    error_no_os();
    if (h->socket_type && host && sys_is_port(service))
        service = NULL; /* a raw socket has none; the caller sets it */
    /* what is not UTF-8 names no host and no service */
    if ((host && win_wide(host, wide_host, NI_MAXHOST)) ||
        (service && win_wide(service, wide_service, NI_MAXHOST)))
        return RONDO_ENONAME;
    win_start();
    int code = GetAddrInfoW(host ? wide_host : NULL,
                            service ? wide_service : NULL, &hints, &list);
    if (code)
        return win_names_resolve_error(code);
    int error = win_names_copy_answer(
        list, h->canonical_name, h->socket_type == RONDO_ANY_SOCKET, names);
    FreeAddrInfoW(list);
    return error;
}

int sys_resolve_back(const rondo_address *address, unsigned flags,
                     struct sys_names *names)
{
    wchar_t host[NI_MAXHOST], service[NI_MAXSERV];
    int native = (flags & RONDO_NAMEINFO_NUMERIC_HOST ? NI_NUMERICHOST : 0) |
                 (flags & RONDO_NAMEINFO_NUMERIC_SERVICE ? NI_NUMERICSERV : 0) |
                 (flags & RONDO_NAMEINFO_REQUIRED ? NI_NAMEREQD : 0) |
                 (flags & RONDO_NAMEINFO_DATAGRAM ? NI_DGRAM : 0);
    error_no_os();
    win_start();
    int code =
        GetNameInfoW((const struct sockaddr *)(const void *)&address->native,
                     (int)address->native_size, host, NI_MAXHOST, service,
                     NI_MAXSERV, native);
    if (code)
        return win_names_resolve_error(code);
    names->host = win_names_copy_text(host);
    names->service = win_names_copy_text(service);
    return names->host && names->service ? 0 : RONDO_ENOMEM;
}
#endif
