/* raw_win_system.c - handles, threads and time of raw.h on Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"

#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

win_function win_real(const wchar_t *library, const char *name)
{
    HMODULE module = LoadLibraryW(library);
    FARPROC function = module ? GetProcAddress(module, name) : NULL;

    if (!function) {
        (void)fprintf(stderr, "%s: not in this system\n", name);
        abort();
    }
    return (win_function)(void (*)(void))function;
}

bool win_is_wine(void)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");

    return ntdll && GetProcAddress(ntdll, "wine_get_version");
}

/* ---- which handles are open --------------------------------------------- */

/* What NtQuerySystemInformation answers to class 64; GetProcessHandleCount
 * would be enough for the count, but Wine's says 0. */
struct handle_fact {
    void *object;
    ULONG_PTR process, handle;
    ULONG access;
    USHORT trace, type;
    ULONG attributes, reserved;
};

struct handle_facts {
    ULONG_PTR count, reserved;
    struct handle_fact list[1];
};

typedef LONG(WINAPI *query_fn)(int, void *, ULONG, ULONG *);

/* malloc'ed; all processes' */
static struct handle_facts *all_handles(void)
{
    static query_fn query;
    const LONG too_small = (LONG)0xC0000004;
    ULONG size = 1 << 16;

    if (!query)
        query = (query_fn)win_real(L"ntdll.dll", "NtQuerySystemInformation");
    for (;;) {
        struct handle_facts *facts = malloc(size);
        LONG status = facts ? query(64, facts, size, NULL) : 0;

        if (facts && status == 0)
            return facts;
        free(facts);
        if (status != too_small)
            abort();
        size *= 2;
    }
}

static bool is_own(const struct handle_fact *fact)
{
    return fact->process == GetCurrentProcessId();
}

/* Events do not count: a lock of the C runtime makes one when two threads
 * first meet at it, and keeps it. The spare handle is one. */
static USHORT event_type(const struct handle_facts *facts)
{
    for (ULONG_PTR i = 0; i < facts->count; i++)
        if (is_own(&facts->list[i]) &&
            facts->list[i].handle == (ULONG_PTR)win_spare())
            return facts->list[i].type;
    return 0;
}

static void mark_open(struct raw_snapshot *s, uintptr_t fd)
{
    s->count++;
    if (fd < sizeof s->open * 8)
        s->open[fd / 8] |= (unsigned char)(1u << (fd % 8));
}

static bool is_marked(const struct raw_snapshot *s, size_t fd)
{
    return (s->open[fd / 8] & (1u << (fd % 8))) != 0;
}

void raw_snapshot_take(struct raw_snapshot *s)
{
    struct handle_facts *facts;
    USHORT event;

    win_begin();
    facts = all_handles();
    event = event_type(facts);
    memset(s, 0, sizeof *s);
    for (ULONG_PTR i = 0; i < facts->count; i++)
        if (is_own(&facts->list[i]) && facts->list[i].type != event)
            mark_open(s, facts->list[i].handle);
    free(facts);
}

/* What NtQueryObject answers to class 2. */
struct type_fact {
    USHORT size, room;
    wchar_t *name;
    unsigned char rest[1024];
};

typedef LONG(WINAPI *object_fn)(HANDLE, int, void *, ULONG, ULONG *);

/* "Event", "Thread" */
static void describe(raw_fd fd, char *text, int size)
{
    static object_fn query;
    struct type_fact fact;
    int n = 0;

    if (!query)
        query = (object_fn)win_real(L"ntdll.dll", "NtQueryObject");
    if (!win_is_socket(fd) &&
        query(win_handle_of(fd), 2, &fact, sizeof fact, NULL) == 0)
        n = WideCharToMultiByte(CP_UTF8, 0, fact.name,
                                fact.size / (int)sizeof(wchar_t), text,
                                size - 1, NULL, NULL);
    text[n] = '\0';
    if (n == 0)
        (void)snprintf(text, (size_t)size, "socket");
}

void raw_snapshot_differences(const struct raw_snapshot *before, char *text,
                              size_t size)
{
    struct raw_snapshot now;
    size_t used = 0;

    raw_snapshot_take(&now);
    text[0] = '\0';
    for (size_t fd = 0; fd < sizeof now.open * 8 && used < size; fd++) {
        char what[32] = "closed";
        int n;

        if (is_marked(before, fd) == is_marked(&now, fd))
            continue;
        if (is_marked(&now, fd))
            describe((raw_fd)fd, what, sizeof what);
        n = snprintf(text + used, size - used, " %zu (%s)", fd, what);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Only sockets: another handle may be the system's own. */
void raw_snapshot_close_new(const struct raw_snapshot *before)
{
    struct raw_snapshot now;

    raw_snapshot_take(&now);
    for (size_t fd = 3; fd < sizeof now.open * 8; fd++)
        if (is_marked(&now, fd) && !is_marked(before, fd) &&
            win_is_socket((raw_fd)fd))
            raw_close((raw_fd)fd);
}

size_t raw_count_descriptors(void)
{
    struct raw_snapshot now;

    raw_snapshot_take(&now);
    return now.count;
}

/* ---- limits: memory is the only one ------------------------------------- */

int64_t raw_descriptor_limit(void)
{
    return -1;
}

int64_t raw_set_descriptor_limit(int64_t limit)
{
    (void)limit;
    return -1;
}

int64_t raw_raise_descriptor_limit(int64_t wanted)
{
    (void)wanted;
    return -1;
}

/* ---- threads ------------------------------------------------------------ */

struct raw_thread {
    HANDLE handle;
    void (*fn)(void *arg);
    void *arg;
};

static unsigned __stdcall thread_main(void *arg)
{
    struct raw_thread *thread = arg;

    thread->fn(thread->arg);
    return 0;
}

struct raw_thread *raw_thread_start(void (*fn)(void *arg), void *arg)
{
    struct raw_thread *thread = malloc(sizeof *thread);

    if (!thread)
        return NULL;
    thread->fn = fn;
    thread->arg = arg;
    thread->handle =
        (HANDLE)_beginthreadex(NULL, 0, thread_main, thread, 0, NULL);
    if (!thread->handle) {
        free(thread);
        return NULL;
    }
    return thread;
}

void raw_thread_join(struct raw_thread *thread)
{
    if (!thread)
        return;
    (void)WaitForSingleObject(thread->handle, INFINITE);
    (void)CloseHandle(thread->handle);
    free(thread);
}

void raw_sleep_ms(int ms)
{
    Sleep((DWORD)ms);
}

void raw_yield(void)
{
    (void)SwitchToThread();
}

unsigned raw_cores(void)
{
    DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);

    return count ? count : 1;
}

/* Wine's own threads come and go. */
int raw_count_threads(void)
{
    return -1;
}

bool raw_emulated(void)
{
    return false;
}

/* ---- time --------------------------------------------------------------- */

int64_t raw_now_ns(void)
{
    LARGE_INTEGER frequency, now;

    (void)QueryPerformanceFrequency(&frequency);
    (void)QueryPerformanceCounter(&now);
    return now.QuadPart / frequency.QuadPart * 1000000000 +
           now.QuadPart % frequency.QuadPart * 1000000000 / frequency.QuadPart;
}

static int64_t nanoseconds(FILETIME t)
{
    return (int64_t)((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) * 100;
}

int64_t raw_thread_cpu_ns(void)
{
    FILETIME made, ended, kernel, user;

    if (!GetThreadTimes(GetCurrentThread(), &made, &ended, &kernel, &user))
        return 0;
    return nanoseconds(kernel) + nanoseconds(user);
}

/* ---- processes ---------------------------------------------------------- */

bool raw_under_valgrind(void)
{
    return false;
}

int raw_slowness(void)
{
    return win_is_wine() ? 4 : 1;
}

/*
 * Under Wine a new process that dies before its first instruction, as some do
 * on a machine that is busy with starting others, is ERROR_INTERNAL_ERROR of
 * CreateProcess; Windows never says that. It is started again.
 */
enum { MOST_STARTS = 20 };

static bool start_again(int starts)
{
    DWORD error = GetLastError();
    bool again =
        error == ERROR_INTERNAL_ERROR && win_is_wine() && starts < MOST_STARTS;

    if (again) {
        (void)fprintf(stderr, "Wine: a process did not start (%d)\n", starts);
        Sleep(10 * (DWORD)starts);
    }
    SetLastError(error);
    return again;
}

typedef BOOL(WINAPI *create_fn)(LPCWSTR, LPWSTR, LPSECURITY_ATTRIBUTES,
                                LPSECURITY_ATTRIBUTES, BOOL, DWORD, LPVOID,
                                LPCWSTR, LPSTARTUPINFOW, LPPROCESS_INFORMATION);

static BOOL WINAPI create_process(LPCWSTR program, LPWSTR line,
                                  LPSECURITY_ATTRIBUTES process,
                                  LPSECURITY_ATTRIBUTES thread, BOOL inherits,
                                  DWORD flags, LPVOID environment,
                                  LPCWSTR folder, LPSTARTUPINFOW startup,
                                  LPPROCESS_INFORMATION made)
{
    create_fn real = (create_fn)win_real(L"kernel32.dll", "CreateProcessW");
    int starts = 0;
    BOOL started;

    do
        started = real(program, line, process, thread, inherits, flags,
                       environment, folder, startup, made);
    while (!started && start_again(++starts));
    return started;
}

extern const create_fn replaced_create __asm__(WIN_IMPORT(CreateProcessW, 40));
const create_fn replaced_create = create_process;

int raw_fork_run(int (*fn)(void *arg), void *arg)
{
    (void)fn;
    (void)arg;
    return -1;
}

bool raw_sigpipe_untouched(void)
{
    return true; /* there is no such signal */
}

bool raw_is_simulated(void)
{
    return false;
}

void raw_set_environment(const char *name, const char *value)
{
    wchar_t wide[2][4096] = {L"", L""};

    /* for whoever asks the system, and for whoever asks the C runtime */
    (void)MultiByteToWideChar(CP_UTF8, 0, name, -1, wide[0], 4096);
    if (value)
        (void)MultiByteToWideChar(CP_UTF8, 0, value, -1, wide[1], 4096);
    (void)_wputenv_s(wide[0], wide[1]);
}
