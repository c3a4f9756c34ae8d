/* replace_win_fault.c - system calls that fail as told. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"
#include "raw_windows.h"

#include <stdatomic.h>

static atomic_int fault;
static atomic_uint left, failed;

bool raw_fault(enum raw_fault which, unsigned times)
{
    atomic_store(&left, 0);
    atomic_store(&fault, (int)which);
    atomic_store(&failed, 0);
    atomic_store(&left, times);
    return true;
}

unsigned raw_faults(void)
{
    return atomic_load(&failed);
}

/* With this as the system's error. */
static bool must_fail(enum raw_fault which, DWORD os_error)
{
    unsigned times = atomic_load(&left);

    if (atomic_load(&fault) != (int)which)
        return false;
    while (times > 0 && !atomic_compare_exchange_weak(&left, &times, times - 1))
        continue;
    if (times == 0)
        return false;
    atomic_fetch_add(&failed, 1);
    SetLastError(os_error); /* Winsock's is the same */
    return true;
}

/* ---- wake-ups ------------------------------------------------------------ */

typedef BOOL(WINAPI *post_fn)(HANDLE, DWORD, ULONG_PTR, OVERLAPPED *);

static BOOL WINAPI post(HANDLE port, DWORD bytes, ULONG_PTR key, OVERLAPPED *o)
{
    if (!o && must_fail(RAW_FAULT_WAKE, ERROR_NO_SYSTEM_RESOURCES))
        return FALSE;
    return ((post_fn)win_real(L"kernel32.dll", "PostQueuedCompletionStatus"))(
        port, bytes, key, o);
}

typedef int(WSAAPI *send_fn)(SOCKET, const char *, int, int);

static int WSAAPI send_bytes(SOCKET fd, const char *data, int size, int flags)
{
    if (size == 1 && must_fail(RAW_FAULT_WAKE, WSAENOBUFS))
        return SOCKET_ERROR;
    return ((send_fn)win_real(L"ws2_32.dll", "send"))(fd, data, size, flags);
}

typedef int(WSAAPI *recv_fn)(SOCKET, char *, int, int);

static int WSAAPI recv_bytes(SOCKET fd, char *data, int size, int flags)
{
    int count =
        ((recv_fn)win_real(L"ws2_32.dll", "recv"))(fd, data, size, flags);

    if (count == 1 && size == 1 &&
        (must_fail(RAW_FAULT_WAKE_READ, WSAEMSGSIZE) ||
         must_fail(RAW_FAULT_WAKE_GONE, WSAENOTSOCK)))
        return SOCKET_ERROR;
    return count;
}

typedef SOCKET(WSAAPI *socket_fn)(int, int, int, WSAPROTOCOL_INFOW *, GROUP,
                                  DWORD);

static SOCKET WSAAPI new_socket(int family, int type, int protocol,
                                WSAPROTOCOL_INFOW *info, GROUP group,
                                DWORD flags)
{
    if (must_fail(RAW_FAULT_WAKE_GONE, WSAEMFILE))
        return INVALID_SOCKET;
    return ((socket_fn)win_real(L"ws2_32.dll", "WSASocketW"))(
        family, type, protocol, info, group, flags);
}

extern const post_fn replaced_post __asm__(
    WIN_IMPORT(PostQueuedCompletionStatus, 16));
extern const send_fn replaced_send __asm__(WIN_IMPORT(send, 16));
extern const recv_fn replaced_recv __asm__(WIN_IMPORT(recv, 16));
extern const socket_fn replaced_socket __asm__(WIN_IMPORT(WSASocketW, 24));
const socket_fn replaced_socket = new_socket;
const post_fn replaced_post = post;
const send_fn replaced_send = send_bytes;
const recv_fn replaced_recv = recv_bytes;

/* ---- overlapped calls ---------------------------------------------------- */

typedef int(WSAAPI *wsasend_fn)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD,
                                OVERLAPPED *,
                                LPWSAOVERLAPPED_COMPLETION_ROUTINE);

static int WSAAPI wsasend(SOCKET fd, WSABUF *list, DWORD count, DWORD *sent,
                          DWORD flags, OVERLAPPED *o,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    if (o && (must_fail(RAW_FAULT_SEND_ROOM, WSAENOBUFS) ||
              must_fail(RAW_FAULT_SEND_ABORT, WSAECONNABORTED)))
        return SOCKET_ERROR;
    return ((wsasend_fn)win_real(L"ws2_32.dll", "WSASend"))(
        fd, list, count, sent, flags, o, routine);
}

typedef int(WSAAPI *wsarecv_fn)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD *,
                                OVERLAPPED *,
                                LPWSAOVERLAPPED_COMPLETION_ROUTINE);

static int WSAAPI wsarecv(SOCKET fd, WSABUF *list, DWORD count, DWORD *got,
                          DWORD *flags, OVERLAPPED *o,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    if (*flags & MSG_PEEK && must_fail(RAW_FAULT_LOOK, WSAECONNRESET))
        return SOCKET_ERROR;
    return ((wsarecv_fn)win_real(L"ws2_32.dll", "WSARecv"))(
        fd, list, count, got, flags, o, routine);
}

typedef int(WSAAPI *wsasendto_fn)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD,
                                  const struct sockaddr *, int, OVERLAPPED *,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE);

static int WSAAPI wsasendto(SOCKET fd, WSABUF *list, DWORD count, DWORD *sent,
                            DWORD flags, const struct sockaddr *to, int to_size,
                            OVERLAPPED *o,
                            LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    if (must_fail(RAW_FAULT_SEND_TO, WSAECONNRESET))
        return SOCKET_ERROR;
    return ((wsasendto_fn)win_real(L"ws2_32.dll", "WSASendTo"))(
        fd, list, count, sent, flags, to, to_size, o, routine);
}

typedef BOOL(WSAAPI *result_fn)(SOCKET, OVERLAPPED *, DWORD *, BOOL, DWORD *);

/* Only of what has moved bytes: a write, or a file. */
static BOOL WSAAPI result(SOCKET fd, OVERLAPPED *o, DWORD *count, BOOL wait,
                          DWORD *flags)
{
    BOOL done = ((result_fn)win_real(L"ws2_32.dll", "WSAGetOverlappedResult"))(
        fd, o, count, wait, flags);

    if (done && *count > 0 &&
        (must_fail(RAW_FAULT_SENT_ABORT, ERROR_CONNECTION_ABORTED) ||
         must_fail(RAW_FAULT_SENT_FILE, ERROR_CRC)))
        return FALSE;
    return done;
}

typedef BOOL(WINAPI *write_fn)(HANDLE, const void *, DWORD, DWORD *,
                               OVERLAPPED *);

static BOOL WINAPI write_file(HANDLE file, const void *data, DWORD size,
                              DWORD *written, OVERLAPPED *o)
{
    if (o && size > 4 << 20 &&
        must_fail(RAW_FAULT_WRITE, ERROR_NO_SYSTEM_RESOURCES))
        return FALSE;
    return ((write_fn)win_real(L"kernel32.dll", "WriteFile"))(file, data, size,
                                                              written, o);
}

extern const write_fn replaced_write __asm__(WIN_IMPORT(WriteFile, 20));
const write_fn replaced_write = write_file;
extern const wsasend_fn replaced_wsasend __asm__(WIN_IMPORT(WSASend, 28));
extern const wsarecv_fn replaced_wsarecv __asm__(WIN_IMPORT(WSARecv, 28));
extern const wsasendto_fn replaced_wsasendto __asm__(WIN_IMPORT(WSASendTo, 36));
extern const result_fn replaced_result __asm__(
    WIN_IMPORT(WSAGetOverlappedResult, 20));
const wsasend_fn replaced_wsasend = wsasend;
const wsarecv_fn replaced_wsarecv = wsarecv;
const wsasendto_fn replaced_wsasendto = wsasendto;
const result_fn replaced_result = result;

/* ---- the rest ------------------------------------------------------------ */

typedef BOOL(WINAPI *duplicate_fn)(HANDLE, HANDLE, HANDLE, HANDLE *, DWORD,
                                   BOOL, DWORD);

static BOOL WINAPI duplicate(HANDLE from, HANDLE handle, HANDLE to,
                             HANDLE *copy, DWORD access, BOOL inherit,
                             DWORD options)
{
    if (handle == GetCurrentThread() &&
        must_fail(RAW_FAULT_THREAD, ERROR_NOT_ENOUGH_MEMORY))
        return FALSE;
    return ((duplicate_fn)win_real(L"kernel32.dll", "DuplicateHandle"))(
        from, handle, to, copy, access, inherit, options);
}

typedef DWORD(WINAPI *variable_fn)(const wchar_t *, wchar_t *, DWORD);

static DWORD WINAPI variable(const wchar_t *name, wchar_t *text, DWORD room)
{
    if (room > 0 && must_fail(RAW_FAULT_PATH, ERROR_SUCCESS))
        return room + (1 << 28);
    return ((variable_fn)win_real(L"kernel32.dll", "GetEnvironmentVariableW"))(
        name, text, room);
}

/* A read that begins only when so many attempts to end it have failed. */
typedef BOOL(WINAPI *read_fn)(HANDLE, void *, DWORD, DWORD *, OVERLAPPED *);

static BOOL WINAPI read_file(HANDLE file, void *data, DWORD size, DWORD *got,
                             OVERLAPPED *o)
{
    if (!o && atomic_load(&fault) == RAW_FAULT_CANCEL && atomic_load(&left)) {
        atomic_fetch_add(&failed, 1);
        while (atomic_load(&left))
            SwitchToThread();
    }
    return ((read_fn)win_real(L"kernel32.dll", "ReadFile"))(file, data, size,
                                                            got, o);
}

typedef BOOL(WINAPI *cancel_fn)(HANDLE);

static BOOL WINAPI cancel(HANDLE thread)
{
    if (must_fail(RAW_FAULT_CANCEL, ERROR_NOT_FOUND))
        return FALSE;
    return ((cancel_fn)win_real(L"kernel32.dll", "CancelSynchronousIo"))(
        thread);
}

extern const read_fn replaced_read __asm__(WIN_IMPORT(ReadFile, 20));
extern const cancel_fn replaced_cancel __asm__(WIN_IMPORT(CancelSynchronousIo,
                                                          4));
const read_fn replaced_read = read_file;
const cancel_fn replaced_cancel = cancel;
extern const duplicate_fn replaced_duplicate __asm__(WIN_IMPORT(DuplicateHandle,
                                                                28));
extern const variable_fn replaced_variable __asm__(
    WIN_IMPORT(GetEnvironmentVariableW, 12));
const duplicate_fn replaced_duplicate = duplicate;
const variable_fn replaced_variable = variable;
