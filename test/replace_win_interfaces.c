/* replace_win_interfaces.c - network interfaces of a test's own: Windows. */
/* SPDX-License-Identifier: MIT */
/* The headers do not say that these functions are imported, so calls go to the
 * function of that name itself, and not through __imp_. */
#include "raw_machine.h"
#include "raw_win.h"

#include <iphlpapi.h>
#include <netioapi.h>

#include <stdlib.h>
#include <string.h>

enum { ADDRESSES = 256, THREADS = 16 };

/* The network of the test, under the lock. */
static SRWLOCK lock = SRWLOCK_INIT;
static bool own, failing, is_up;
static bool has[ADDRESSES];
static unsigned threads = 1;

/* Who is told; a callback runs with the lock of its place held, for which
 * CancelMibChangeNotify2 waits. */
struct place {
    SRWLOCK busy;
    PIPINTERFACE_CHANGE_CALLBACK link;
    PUNICAST_IPADDRESS_CHANGE_CALLBACK address;
    void *context;
};
static struct place places[64];

/* ---- who is told -------------------------------------------------------- */

static DWORD WINAPI tell(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct place *p = &places[i];

        AcquireSRWLockExclusive(&p->busy);
        if (p->link)
            p->link(p->context, NULL, MibParameterNotification);
        if (p->address)
            p->address(p->context, NULL, MibParameterNotification);
        ReleaseSRWLockExclusive(&p->busy);
    }
    return 0;
}

/* Returns once all have been told. */
static void tell_all(void)
{
    HANDLE started[THREADS];

    for (unsigned i = 0; i < threads; i++)
        started[i] = CreateThread(NULL, 0, tell, NULL, 0, NULL);
    for (unsigned i = 0; i < threads; i++) {
        WaitForSingleObject(started[i], INFINITE);
        CloseHandle(started[i]);
    }
}

static DWORD enter(PIPINTERFACE_CHANGE_CALLBACK link,
                   PUNICAST_IPADDRESS_CHANGE_CALLBACK address, void *context,
                   HANDLE *handle)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct place *p = &places[i];
        bool taken;

        AcquireSRWLockExclusive(&p->busy);
        taken = p->link || p->address;
        if (!taken) {
            p->link = link;
            p->address = address;
            p->context = context;
        }
        ReleaseSRWLockExclusive(&p->busy);
        if (!taken) {
            *handle = (HANDLE)p;
            return NO_ERROR;
        }
    }
    return ERROR_NOT_ENOUGH_MEMORY;
}

typedef NETIO_STATUS(WINAPI *link_fn)(ADDRESS_FAMILY,
                                      PIPINTERFACE_CHANGE_CALLBACK, PVOID,
                                      BOOLEAN, HANDLE *);
typedef NETIO_STATUS(WINAPI *address_fn)(ADDRESS_FAMILY,
                                         PUNICAST_IPADDRESS_CHANGE_CALLBACK,
                                         PVOID, BOOLEAN, HANDLE *);
typedef NETIO_STATUS(WINAPI *cancel_fn)(HANDLE);

NETIO_STATUS WINAPI NotifyIpInterfaceChange(
    ADDRESS_FAMILY family, PIPINTERFACE_CHANGE_CALLBACK callback, PVOID context,
    BOOLEAN first, HANDLE *handle)
{
    if (own)
        return enter(callback, NULL, context, handle);
    return ((link_fn)win_real(L"iphlpapi.dll", "NotifyIpInterfaceChange"))(
        family, callback, context, first, handle);
}

NETIO_STATUS WINAPI NotifyUnicastIpAddressChange(
    ADDRESS_FAMILY family, PUNICAST_IPADDRESS_CHANGE_CALLBACK callback,
    PVOID context, BOOLEAN first, HANDLE *handle)
{
    if (own)
        return enter(NULL, callback, context, handle);
    return (
        (address_fn)win_real(L"iphlpapi.dll", "NotifyUnicastIpAddressChange"))(
        family, callback, context, first, handle);
}

static bool is_place(HANDLE handle)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (handle == (HANDLE)&places[i])
            return true;
    return false;
}

NETIO_STATUS WINAPI CancelMibChangeNotify2(HANDLE handle)
{
    struct place *p = (struct place *)handle;

    if (!is_place(handle))
        return ((cancel_fn)win_real(L"iphlpapi.dll", "CancelMibChangeNotify2"))(
            handle);
    AcquireSRWLockExclusive(&p->busy);
    p->link = NULL;
    p->address = NULL;
    ReleaseSRWLockExclusive(&p->busy);
    return NO_ERROR;
}

/* ---- the list ----------------------------------------------------------- */

struct made {
    IP_ADAPTER_ADDRESSES adapter;
    IP_ADAPTER_UNICAST_ADDRESS addresses[ADDRESSES];
    struct sockaddr_in in[ADDRESSES];
    wchar_t name[4];
};

static void put_address(struct made *m, unsigned number, unsigned at)
{
    IP_ADAPTER_UNICAST_ADDRESS *a = &m->addresses[at];

    m->in[at].sin_family = AF_INET;
    m->in[at].sin_addr.s_addr = htonl(0x7f000000 + number);
    a->Address.lpSockaddr = (struct sockaddr *)&m->in[at];
    a->Address.iSockaddrLength = sizeof m->in[at];
    a->OnLinkPrefixLength = 8;
    if (at)
        m->addresses[at - 1].Next = a;
    else
        m->adapter.FirstUnicastAddress = a;
}

static void put_adapter(struct made *m)
{
    unsigned used = 0;

    memset(m, 0, sizeof *m);
    memcpy(m->name, L"lo", sizeof L"lo");
    m->adapter.IfIndex = 1;
    m->adapter.FriendlyName = m->name;
    m->adapter.IfType = IF_TYPE_SOFTWARE_LOOPBACK;
    m->adapter.OperStatus = is_up ? IfOperStatusUp : IfOperStatusDown;
    for (unsigned i = 0; i < ADDRESSES; i++)
        if (has[i])
            put_address(m, i, used++);
}

typedef ULONG(WINAPI *list_fn)(ULONG, ULONG, PVOID, PIP_ADAPTER_ADDRESSES,
                               PULONG);

ULONG WINAPI GetAdaptersAddresses(ULONG family, ULONG flags, PVOID reserved,
                                  PIP_ADAPTER_ADDRESSES adapters, PULONG size)
{
    if (failing)
        return ERROR_TOO_MANY_OPEN_FILES;
    if (!own)
        return ((list_fn)win_real(L"iphlpapi.dll", "GetAdaptersAddresses"))(
            family, flags, reserved, adapters, size);
    if (*size < sizeof(struct made)) {
        *size = sizeof(struct made);
        return ERROR_BUFFER_OVERFLOW;
    }
    AcquireSRWLockShared(&lock);
    put_adapter((struct made *)(void *)adapters);
    ReleaseSRWLockShared(&lock);
    return ERROR_SUCCESS;
}

/* ---- what tests ask ----------------------------------------------------- */

bool raw_network_begin(void)
{
    own = true;
    is_up = false;
    memset(has, 0, sizeof has);
    return true;
}

void raw_network_end(void)
{
    own = false;
    threads = 1;
}

void raw_network_threads(unsigned count)
{
    threads = count < THREADS ? count : THREADS;
}

bool raw_network_lacks_masks(bool on)
{
    (void)on;
    return false;
}

bool raw_network_fails(bool on)
{
    failing = on;
    return true;
}

static void change(bool *what, bool value)
{
    AcquireSRWLockExclusive(&lock);
    *what = value;
    ReleaseSRWLockExclusive(&lock);
    tell_all();
}

void raw_network_up(bool up)
{
    change(&is_up, up);
}

void raw_network_address(unsigned number, bool add)
{
    change(&has[number % ADDRESSES], add);
}
