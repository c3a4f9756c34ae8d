/* spawn.c - starts a program: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/spawn.h"

#include <assert.h>
#include <string.h>

enum { STANDARD = 3, CODE_OF_KILL = 1 };

/* Inheritable copies of the handles that the child is to have. The originals
 * cannot be inherited, so another process that somebody starts does not get
 * them. */
struct handles {
    HANDLE standard[STANDARD]; /* NULL: none */
    HANDLE *list;              /* the copies, then what the plan inherits */
    DWORD count, copies;
    DWORD *before; /* of the latter, in the order of the plan: their flags */
};

static int win_spawn_copy_handles(const struct child_plan *plan,
                                  struct handles *h)
{
    HANDLE self = GetCurrentProcess();
    assert(plan->stdio_count <= STANDARD);
    assert(!h->count);
    for (size_t i = 0; i < plan->stdio_count; i++) {
        const struct child_stdio *s = &plan->stdio[i];
        HANDLE copy;
        assert(s->child_fd >= 0 && s->child_fd < STANDARD);
        assert(!h->standard[s->child_fd]);
        if (s->fd == SYS_NO_FD)
            continue; /* the parent has no such handle either */
        if (!DuplicateHandle(self, (HANDLE)s->fd, self, &copy, 0, TRUE,
                             DUPLICATE_SAME_ACCESS))
            return error_os(error_from_os(GetLastError()),
                            "cannot hand over descriptor %d", s->child_fd);
        assert(h->count < STANDARD);
        h->standard[s->child_fd] = h->list[h->count++] = copy;
        h->copies = h->count;
    }
    return 0;
}

/* The child gets the handle itself: a copy would have another number. */
static int win_spawn_lend_handles(const struct child_plan *plan,
                                  struct handles *h)
{
    for (size_t i = 0; i < plan->inherit_count; i++) {
        HANDLE handle = (HANDLE)plan->inherit[i];
        for (DWORD k = h->copies; k < h->count; k++)
            if (h->list[k] == handle)
                return error_set(RONDO_EINVAL, "handle %lld is named twice",
                                 (long long)plan->inherit[i]);
        if (plan->inherit[i] <= 0 ||
            !GetHandleInformation(handle, &h->before[i]))
            return error_set(RONDO_EBADF, "handle %lld is not open",
                             (long long)plan->inherit[i]);
        if (!SetHandleInformation(handle, HANDLE_FLAG_INHERIT,
                                  HANDLE_FLAG_INHERIT))
            return error_os(error_from_os(GetLastError()),
                            "cannot hand over handle %lld",
                            (long long)plan->inherit[i]);
        h->list[h->count++] = handle;
    }
    return 0;
}

static int win_spawn_gather_handles(rondo_loop *loop,
                                    const struct child_plan *plan,
                                    struct handles *h)
{
    size_t most = STANDARD + plan->inherit_count;
    h->list = loop_alloc(loop, most * (sizeof *h->list + sizeof *h->before));
    if (!h->list)
        return error_set(RONDO_ENOMEM, "out of memory");
    h->before = (DWORD *)(void *)(h->list + most);
    int error = win_spawn_copy_handles(plan, h);
    return error ? error : win_spawn_lend_handles(plan, h);
}

static void win_spawn_close_handles(rondo_loop *loop, struct handles *h)
{
    for (DWORD i = 0; i < h->copies; i++)
        (void)CloseHandle(h->list[i]);
    for (DWORD i = h->copies; i < h->count; i++)
        (void)SetHandleInformation(h->list[i], HANDLE_FLAG_INHERIT,
                                   h->before[i - h->copies] &
                                       HANDLE_FLAG_INHERIT);
    loop_free(loop, h->list);
}

/* ---- jobs and priority ---- */

/* The job of all children that end with this process, whose end closes the
 * handle. Their own children are outside of it, as on Unix. */
static HANDLE win_spawn_dying_job(void)
{
    static void *volatile shared;
    HANDLE job = InterlockedCompareExchangePointer(&shared, NULL, NULL);
    if (job)
        return job;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION how = {
        .BasicLimitInformation.LimitFlags =
            JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
            JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK};
    job = CreateJobObjectW(NULL, NULL);
    if (!job)
        return NULL;
    HANDLE first = NULL;
    bool set = SetInformationJobObject(job, JobObjectExtendedLimitInformation,
                                       &how, sizeof how);
    DWORD os_error = GetLastError();
    if (set)
        first = InterlockedCompareExchangePointer(&shared, job, NULL);
    if (!set || first)
        (void)CloseHandle(job);
    SetLastError(os_error);
    return set && !first ? job : first;
}

/* As libuv's uv_os_setpriority. */
static DWORD win_spawn_class_of(int nice)
{
    return nice < -14  ? REALTIME_PRIORITY_CLASS
           : nice < -7 ? HIGH_PRIORITY_CLASS
           : nice < 0  ? ABOVE_NORMAL_PRIORITY_CLASS
           : nice < 10 ? NORMAL_PRIORITY_CLASS
           : nice < 19 ? BELOW_NORMAL_PRIORITY_CLASS
                       : IDLE_PRIORITY_CLASS;
}

/* The child begins suspended: these hold before its program runs. */
static bool win_spawn_is_prepared(const struct child_plan *plan)
{
    return plan->job || plan->die_with_parent || plan->nice;
}

static bool win_spawn_enter_job(const struct child_plan *plan, HANDLE process)
{
    if (!plan->job && !plan->die_with_parent)
        return true;
    HANDLE job = plan->job ? (HANDLE)plan->job : win_spawn_dying_job();
    return job && AssignProcessToJobObject(job, process);
}

static int win_spawn_prepare_child(const struct child_plan *plan,
                                   const PROCESS_INFORMATION *made)
{
    const char *failed = NULL;
    if (!win_spawn_is_prepared(plan))
        return 0;
    if (!win_spawn_enter_job(plan, made->hProcess))
        failed = "cannot put it into its job";
    else if (plan->nice &&
             !SetPriorityClass(made->hProcess, win_spawn_class_of(*plan->nice)))
        failed = "cannot set its priority";
    else if (ResumeThread(made->hThread) == (DWORD)-1)
        failed = "cannot resume it";
    if (!failed)
        return 0;
    int error = error_os(error_from_os(GetLastError()), "%s", failed);
    (void)TerminateProcess(made->hProcess, CODE_OF_KILL);
    (void)CloseHandle(made->hThread);
    (void)CloseHandle(made->hProcess);
    return error;
}

/* ---- starting ---- */

static DWORD win_spawn_flags_of(const struct child_plan *plan)
{
    assert(!plan->new_session); /* win_child_refuse */
    DWORD flags = EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT;
    if (plan->new_group)
        flags |= CREATE_NEW_PROCESS_GROUP;
    if (plan->hide_window && !plan->console)
        flags |= CREATE_NO_WINDOW; /* it would have a console of its own */
    if (win_spawn_is_prepared(plan))
        flags |= CREATE_SUSPENDED;
    return flags;
}

static bool win_spawn_create(const struct launch *l, const struct handles *h,
                             LPPROC_THREAD_ATTRIBUTE_LIST attributes,
                             PROCESS_INFORMATION *made)
{
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup}};
    assert(l->program && l->line); /* CreateProcess itself searches nothing */
    startup.lpAttributeList = attributes;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup.StartupInfo.hStdInput = h->standard[0];
    startup.StartupInfo.hStdOutput = h->standard[1];
    startup.StartupInfo.hStdError = h->standard[2];
    if (l->plan->hide_window) {
        startup.StartupInfo.dwFlags |= STARTF_USESHOWWINDOW;
        startup.StartupInfo.wShowWindow = SW_HIDE;
    }
    return CreateProcessW(l->program, l->line, NULL, NULL, h->count > 0,
                          win_spawn_flags_of(l->plan), l->environment,
                          l->folder, &startup.StartupInfo, made);
}

#ifndef PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE
#define PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE 0x00020016
#endif

/* HANDLE_LIST: the child inherits these handles alone. PSEUDOCONSOLE: its
 * console, which sets the standard handles that are NULL. */
static bool win_spawn_put_attributes(LPPROC_THREAD_ATTRIBUTE_LIST list,
                                     const struct launch *l,
                                     const struct handles *h)
{
    void *console = l->plan->console;
    if (h->count &&
        !UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                   (void *)h->list, h->count * sizeof *h->list,
                                   NULL, NULL))
        return false;
    return !console || UpdateProcThreadAttribute(
                           list, 0, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE,
                           console, sizeof console, NULL, NULL);
}

static int win_spawn_create_with_list(const struct launch *l, struct handles *h,
                                      PROCESS_INFORMATION *made)
{
    SIZE_T size = 0;
    assert(!made->hProcess);
    (void)InitializeProcThreadAttributeList(NULL, 2, 0, &size);
    LPPROC_THREAD_ATTRIBUTE_LIST list = loop_alloc(l->loop, size);
    if (!list)
        return error_set(RONDO_ENOMEM, "out of memory");
    bool done = InitializeProcThreadAttributeList(list, 2, 0, &size) &&
                win_spawn_put_attributes(list, l, h) &&
                win_spawn_create(l, h, list, made);
    DWORD os_error = GetLastError();
    DeleteProcThreadAttributeList(list);
    loop_free(l->loop, list);
    if (done)
        return 0;
    return error_os(error_from_os(os_error), "cannot run %.500s",
                    l->plan->program ? l->plan->program : "cmd.exe");
}

/* CreateProcess fails in the same way for a folder and for a program that does
 * not exist: the folder is looked for first. */
static int win_spawn_find_folder(struct launch *l)
{
    assert(!l->folder);
    const char *cwd = l->plan->cwd;
    if (!cwd)
        return 0;
    int error = launch_wide(l->loop, cwd, &l->folder);
    if (error)
        return error;
    DWORD facts =
        *cwd ? GetFileAttributesW(l->folder) : INVALID_FILE_ATTRIBUTES;
    DWORD os_error = *cwd ? GetLastError() : ERROR_PATH_NOT_FOUND;
    if (facts == INVALID_FILE_ATTRIBUTES)
        error = error_from_os(os_error);
    else if (!(facts & FILE_ATTRIBUTE_DIRECTORY))
        error = error_from_os(ERROR_DIRECTORY);
    return error ? error_os(error, "cannot change to the folder %.500s", cwd)
                 : 0;
}

static int win_spawn_prepare(struct launch *l)
{
    int error = win_spawn_find_folder(l);
    if (!error)
        error = launch_find_program(l);
    if (!error)
        error = launch_make_line(l);
    assert(error || (l->program && l->line));
    return error ? error : launch_make_environment(l);
}

int win_spawn(rondo_loop *loop, const struct child_plan *plan, HANDLE *process,
              int64_t *pid)
{
    struct launch l = {.loop = loop, .plan = plan};
    struct handles h = {.count = 0};
    PROCESS_INFORMATION made = {.hProcess = NULL};
    assert(process && pid);
    int error = win_spawn_prepare(&l);
    if (!error)
        error = win_spawn_gather_handles(loop, plan, &h);
    if (!error)
        error = win_spawn_create_with_list(&l, &h, &made);
    win_spawn_close_handles(loop, &h);
    if (!error)
        error = win_spawn_prepare_child(plan, &made);
    loop_free(loop, l.program);
    loop_free(loop, l.line);
    loop_free(loop, l.folder);
    loop_free(loop, l.environment);
    if (error)
        return error;
    (void)CloseHandle(made.hThread);
    *process = made.hProcess;
    *pid = (int64_t)made.dwProcessId;
    return 0;
}
#endif
