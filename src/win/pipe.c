/* pipe.c - pipes, files and the console, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <assert.h>
#include <limits.h>
#include <winternl.h>

#ifndef FILE_READ_DATA
#define FILE_READ_DATA 1
#endif

/* A handle's calls wait until they are done, unless it was opened with
 * FILE_FLAG_OVERLAPPED: then they end later. NtQueryInformationFile tells
 * which; the headers lack its names. */
enum {
    FILE_MODE_INFORMATION_CLASS = 16,
    FILE_MODE_SYNCHRONOUS = 0x10 | 0x20 /* FILE_SYNCHRONOUS_IO_... */
};

/* The start of PUBLIC_OBJECT_BASIC_INFORMATION. */
struct object_facts {
    ULONG attributes;
    ACCESS_MASK access;
    ULONG rest[12];
};

static HANDLE win_pipe_handle_of(const struct sys_pipe *pipe)
{
    assert(pipe->fd != SYS_NO_FD);
    assert(!pipe->socket);
    return (HANDLE)pipe->fd;
}

/* ---- what is it? ---- */

static bool win_pipe_is_overlapped(HANDLE handle)
{
    assert(handle);
    ULONG mode = FILE_MODE_SYNCHRONOUS;
    IO_STATUS_BLOCK block;
    NTSTATUS status = NtQueryInformationFile(
        handle, &block, &mode, sizeof mode,
        (FILE_INFORMATION_CLASS)FILE_MODE_INFORMATION_CLASS);
    return status >= 0 && !(mode & FILE_MODE_SYNCHRONOUS);
}

/* The sides that a pipe or a file was opened for are the rights of its handle.
 */
unsigned sys_pipe_sides(sys_fd fd)
{
    struct object_facts facts;
    if (win_knows_socket(fd))
        return SIDE_READ | SIDE_WRITE;
    if (NtQueryObject((HANDLE)fd, ObjectBasicInformation, &facts, sizeof facts,
                      NULL) < 0)
        return SIDE_READ | SIDE_WRITE; /* the calls will fail */
    return (facts.access & FILE_READ_DATA ? SIDE_READ : 0U) |
           (facts.access & FILE_WRITE_DATA ? SIDE_WRITE : 0U);
}

/* Windows binds a handle to one completion port for good: a borrowed one stays
 * out of the loop's, and a thread makes its calls. So it does for what is no
 * pipe: only a pipe says whether a read would find something. */
int sys_pipe_open(sys_fd fd, unsigned side, bool shared, struct sys_pipe *pipe)
{
    assert(fd != SYS_NO_FD);
    assert(side && side <= (SIDE_READ | SIDE_WRITE));
    *pipe = (struct sys_pipe){.given = fd, .fd = fd};
    pipe->socket = win_knows_socket(fd);
    if (pipe->socket)
        return sys_adopt(fd);
    pipe->overlapped = win_pipe_is_overlapped((HANDLE)fd);
    pipe->blocks = !pipe->overlapped || shared ||
                   GetFileType((HANDLE)fd) != FILE_TYPE_PIPE;
    pipe->duplex = side == SIDE_WRITE && sys_pipe_sides(fd) & SIDE_READ;
    assert(pipe->overlapped || pipe->blocks); /* the port needs the first */
    return 0;
}

/* Winsock does not tell whether a socket was blocking before; most are. */
void sys_pipe_close(struct sys_pipe *pipe, bool close, bool inherited)
{
    u_long off = 0;
    (void)inherited;
    assert(!pipe->call); /* the thread has ended its calls */
    assert(!pipe->thread || pipe->blocks);
    if (pipe->thread)
        (void)CloseHandle(pipe->thread);
    if (!close && pipe->socket)
        (void)ioctlsocket(pipe->fd, (long)FIONBIO, &off);
    else if (close && pipe->socket)
        sys_close(pipe->given);
    else if (close && pipe->given != SYS_NO_FD)
        (void)CloseHandle((HANDLE)pipe->given);
    pipe->thread = NULL;
    pipe->fd = pipe->given = SYS_NO_FD;
}

/* ---- on a completion port ---- */

/* The result of a call that must not wait. One that is pending is cancelled. */
static int64_t win_pipe_finish(HANDLE handle, OVERLAPPED *o, bool begun)
{
    assert(o->hEvent);
    DWORD count = 0;
    if (!begun && GetLastError() == ERROR_IO_PENDING) {
        (void)CancelIoEx(handle, o);
        begun = true;
    }
    if (begun && GetOverlappedResult(handle, o, &count, TRUE))
        return count;
    DWORD os_error = GetLastError();
    if (os_error == ERROR_MORE_DATA) /* a part of a message */
        return (int64_t)o->InternalHigh;
    return os_error == ERROR_OPERATION_ABORTED ? RONDO_EAGAIN
                                               : error_from_os(os_error);
}

/* The end of a pipe is an error to Windows. ERROR_PIPE_NOT_CONNECTED is no end:
 * the server has cut the pipe off (DisconnectNamedPipe). */
static int64_t win_pipe_end_or(int64_t result)
{
    if (rondo_last_os_error() == ERROR_PIPE_NOT_CONNECTED &&
        result == RONDO_EPIPE)
        return RONDO_ECONNRESET;
    return result == RONDO_EPIPE || result == RONDO_EOF ? 0 : result;
}

int64_t sys_pipe_read(struct sys_pipe *pipe, void *data, size_t size)
{
    DWORD there = 0;
    assert(data && size);
    assert(!pipe->blocks);
    if (pipe->socket)
        return sys_recv(pipe->fd, data, size);
    if (!PeekNamedPipe(win_pipe_handle_of(pipe), NULL, 0, NULL, &there, NULL))
        return win_pipe_end_or(error_from_os(GetLastError()));
    if (!there)
        return RONDO_EAGAIN;
    /* an event whose lowest bit is set keeps the packet from the port */
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!event)
        return error_from_os(GetLastError());
    OVERLAPPED o = {.hEvent = (HANDLE)((ULONG_PTR)event | 1)};
    DWORD most = size < there ? (DWORD)size : there;
    bool begun = ReadFile(win_pipe_handle_of(pipe), data, most, NULL, &o);
    int64_t count =
        win_pipe_end_or(win_pipe_finish(win_pipe_handle_of(pipe), &o, begun));
    (void)CloseHandle(event);
    return count;
}

/* A pipe takes a write only as a whole, and later: the port reports it. */
bool sys_pipe_tries(const struct sys_pipe *pipe)
{
    return pipe->socket;
}

int64_t sys_pipe_write(struct sys_pipe *pipe, const rondo_buffer *buffers,
                       size_t count)
{
    assert(!pipe->blocks);
    assert(buffers && count);
    return pipe->socket ? sys_sendv(pipe->fd, buffers, count) : RONDO_EAGAIN;
}

/* ---- on a thread ---- */

bool sys_pipe_blocks(const struct sys_pipe *pipe)
{
    return pipe->blocks;
}

int sys_pipe_block(struct sys_pipe *pipe)
{
    assert(!pipe->thread);
    pipe->blocks = true;
    return 0;
}

/* Makes it possible that sys_pipe_cancel ends the call that follows. Without
 * that the call must not begin: nothing but the other end could end it. */
static int win_pipe_announce(struct sys_pipe *pipe)
{
    HANDLE self = GetCurrentProcess(), thread;
    assert(pipe->blocks);
    assert(!pipe->call);
    if (!pipe->overlapped && !pipe->thread) {
        if (!DuplicateHandle(self, GetCurrentThread(), self, &thread, 0, FALSE,
                             DUPLICATE_SAME_ACCESS))
            return error_from_os(GetLastError());
        InterlockedExchangePointer(&pipe->thread, thread);
    }
    bool cancelled = InterlockedCompareExchange(&pipe->cancelled, 0, 0);
    return cancelled ? error_from_os(ERROR_OPERATION_ABORTED) : 0;
}

static int64_t win_pipe_transfer(struct sys_pipe *pipe, void *to,
                                 const void *from, size_t size)
{
    HANDLE handle = win_pipe_handle_of(pipe);
    assert(!to != !from && size);
    OVERLAPPED o = {.Offset = (DWORD)pipe->offset,
                    .OffsetHigh = (DWORD)(pipe->offset >> 32)};
    OVERLAPPED *how = NULL;
    DWORD count = 0, most = size < INT_MAX ? (DWORD)size : INT_MAX;
    if (pipe->overlapped) {
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (!event)
            return error_from_os(GetLastError());
        o.hEvent = (HANDLE)((ULONG_PTR)event | 1);
        how = &o;
        InterlockedExchangePointer(&pipe->call, how);
    }
    bool done = to ? ReadFile(handle, to, most, &count, how)
                   : WriteFile(handle, from, most, &count, how);
    if (how && (done || GetLastError() == ERROR_IO_PENDING))
        done = GetOverlappedResult(handle, how, &count, TRUE);
    DWORD os_error = done ? 0 : GetLastError();
    if (how) {
        InterlockedExchangePointer(&pipe->call, NULL);
        (void)CloseHandle((HANDLE)((ULONG_PTR)o.hEvent & ~(ULONG_PTR)1));
        if (os_error == ERROR_MORE_DATA) /* ReadFile does not count then */
            count = (DWORD)o.InternalHigh;
    }
    assert(count <= most);
    pipe->offset += count;
    return done || os_error == ERROR_MORE_DATA ? (int64_t)count
                                               : error_from_os(os_error);
}

/* A write of no bytes makes a pipe's read return none. That is no end. */
int64_t sys_pipe_read_waiting(struct sys_pipe *pipe, void *data, size_t size)
{
    assert(pipe->blocks);
    assert(data && size);
    bool is_pipe = GetFileType(win_pipe_handle_of(pipe)) == FILE_TYPE_PIPE;
    int64_t count = 0;
    do {
        int error = win_pipe_announce(pipe);
        if (error)
            return error;
        count = win_pipe_transfer(pipe, data, NULL, size);
    } while (is_pipe && count == 0);
    return win_pipe_end_or(count);
}

int64_t sys_pipe_write_waiting(struct sys_pipe *pipe, const void *data,
                               size_t size)
{
    assert(pipe->blocks);
    assert(data && size);
    int error = win_pipe_announce(pipe);
    return error ? error : win_pipe_transfer(pipe, NULL, data, size);
}

/* The thread may be just about to begin its call, so it is asked again whether
 * or not a call was ended. Of a handle whose calls end later, only this call is
 * ended: a borrowed handle may have others of the program's. Where it is over
 * meanwhile, CancelIoEx finds no call with this address. */
bool sys_pipe_cancel(struct sys_pipe *pipe)
{
    assert(pipe->blocks);
    InterlockedExchange(&pipe->cancelled, 1);
    HANDLE thread =
        InterlockedCompareExchangePointer(&pipe->thread, NULL, NULL);
    if (thread)
        (void)CancelSynchronousIo(thread);
    OVERLAPPED *call =
        InterlockedCompareExchangePointer(&pipe->call, NULL, NULL);
    if (call)
        (void)CancelIoEx(win_pipe_handle_of(pipe), call);
    return true;
}

/* ---- whether anybody reads ---- */

/* A read ends when the other end closes: a writer whose handle may read as well
 * can wait for that. */
bool sys_pipe_tells(const struct sys_pipe *pipe)
{
    return !pipe->socket && !pipe->blocks && pipe->duplex;
}

bool sys_pipe_hung_up(const struct sys_pipe *pipe)
{
    assert(sys_pipe_tells(pipe));
    return !PeekNamedPipe(win_pipe_handle_of(pipe), NULL, 0, NULL, NULL, NULL);
}
#endif
