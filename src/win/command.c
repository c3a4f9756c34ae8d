/* command.c - which program, its command line, its environment: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/quote.h"
#include "win/spawn.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { LINE_MOST = 32767 }; /* CreateProcessW's limit, with the NUL */

static int win_command_no_memory(void)
{
    return error_set(RONDO_ENOMEM, "out of memory");
}

int launch_wide(rondo_loop *loop, const char *text, wchar_t **wide)
{
    size_t room = strlen(text) + 1;
    *wide = loop_alloc(loop, room * sizeof **wide);
    if (!*wide)
        return win_command_no_memory();
    int error = win_wide(text, *wide, room);
    return error ? error_set(error, "\"%.100s\" is not UTF-8", text) : 0;
}

/* ---- the program ---- */

static int win_command_cannot_run(const struct launch *l, int error)
{
    error_os(error, "cannot run %.500s", l->plan->program);
    return error_advise(error, error == RONDO_ENOENT &&
                                       !strpbrk(l->plan->program, "/\\")
                                   ? "it is in no folder of PATH"
                                   : NULL);
}

static int win_command_refuse(const struct launch *l, int error)
{
    error_no_os();
    return win_command_cannot_run(l, error);
}

/* CreateProcess hands batch files to cmd.exe, which reads their arguments by
 * rules of its own: no quoting would be safe. Windows ignores dots and blanks
 * at the end of a name. */
static bool win_command_is_batch(const wchar_t *path)
{
    size_t size = wcslen(path);
    while (size && (path[size - 1] == L'.' || path[size - 1] == L' '))
        size--;
    return size > 4 && (_wcsnicmp(path + size - 4, L".bat", 4) == 0 ||
                        _wcsnicmp(path + size - 4, L".cmd", 4) == 0);
}

static bool win_command_is_absolute(const char *program)
{
    return strchr("/\\", *program) || program[1] == ':';
}

/* The program's path with ".exe" behind it. A relative path starts in the
 * folder that the child starts in. */
static int win_command_join(struct launch *l, wchar_t **path)
{
    const struct child_plan *plan = l->plan;
    bool relative = plan->cwd && !win_command_is_absolute(plan->program);
    size_t folder = relative ? strlen(plan->cwd) + 1 : 0;
    size_t name = strlen(plan->program);
    if (folder + name >= LINE_MOST)
        return win_command_refuse(l, RONDO_ENAMETOOLONG);
    char *text = loop_alloc(l->loop, folder + name + sizeof ".exe");
    if (!text)
        return win_command_no_memory();
    if (relative) {
        memcpy(text, plan->cwd, folder - 1);
        text[folder - 1] = '\\';
    }
    memcpy(text + folder, plan->program, name);
    memcpy(text + folder + name, ".exe", sizeof ".exe");
    int error = launch_wide(l->loop, text, path);
    loop_free(l->loop, text);
    return error;
}

/* Finds the program under its name, or else with ".exe" behind it. */
static int win_command_find_path(struct launch *l)
{
    int error = win_command_join(l, &l->program);
    if (error)
        return error;
    wchar_t *end = l->program + wcslen(l->program) - 4;
    *end = L'\0';
    DWORD facts = GetFileAttributesW(l->program);
    DWORD os_error = GetLastError();
    if (facts == INVALID_FILE_ATTRIBUTES) {
        *end = L'.';
        facts = GetFileAttributesW(l->program);
    }
    if (facts == INVALID_FILE_ATTRIBUTES)
        return win_command_cannot_run(l, error_from_os(os_error));
    return facts & FILE_ATTRIBUTE_DIRECTORY
               ? win_command_refuse(l, RONDO_EACCES)
               : 0;
}

static int win_command_parents_path(const struct launch *l, wchar_t **path)
{
    DWORD room = GetEnvironmentVariableW(L"PATH", NULL, 0);
    *path = loop_alloc(l->loop, (room + 1) * sizeof **path);
    if (!*path)
        return win_command_no_memory();
    DWORD length = GetEnvironmentVariableW(L"PATH", *path, room);
    /* another thread may have set a longer PATH meanwhile */
    (*path)[length < room ? length : 0] = L'\0';
    return 0;
}

static int win_command_own_path(const struct launch *l, wchar_t **path)
{
    for (const char *const *env = l->plan->env; *env; env++)
        if (_strnicmp(*env, "PATH=", 5) == 0)
            return launch_wide(l->loop, *env + 5, path);
    return launch_wide(l->loop, "", path);
}

/* Searches the PATH and nothing else. CreateProcess itself would look in the
 * current folder first. */
static int win_command_search(struct launch *l)
{
    wchar_t *name = NULL, *path = NULL, *file;
    int error = launch_wide(l->loop, l->plan->program, &name);
    if (!error)
        error = l->plan->own_path && l->plan->env
                    ? win_command_own_path(l, &path)
                    : win_command_parents_path(l, &path);
    if (!error) {
        DWORD size =
            *path ? SearchPathW(path, name, L".exe", 0, NULL, &file) : 0;
        l->program = loop_alloc(l->loop, (size + 1) * sizeof *l->program);
        if (!l->program)
            error = win_command_no_memory();
        else if (!size ||
                 !SearchPathW(path, name, L".exe", size, l->program, &file))
            error =
                win_command_cannot_run(l, error_from_os(ERROR_FILE_NOT_FOUND));
    }
    loop_free(l->loop, name);
    loop_free(l->loop, path);
    return error;
}

static int win_command_find_shell(struct launch *l)
{
    enum { ROOM = MAX_PATH + 16 };
    l->program = loop_alloc(l->loop, ROOM * sizeof *l->program);
    if (!l->program)
        return win_command_no_memory();
    UINT size = GetSystemDirectoryW(l->program, MAX_PATH);
    if (!size || size > MAX_PATH)
        return error_os(error_from_os(GetLastError()), "cannot find cmd.exe");
    wcscpy(l->program + size, L"\\cmd.exe");
    return 0;
}

int launch_find_program(struct launch *l)
{
    const char *program = l->plan->program;
    if (l->plan->command)
        return win_command_find_shell(l);
    if (!*program)
        return win_command_refuse(l, RONDO_ENOENT);
    int error = strpbrk(program, "/\\:") ? win_command_find_path(l)
                                         : win_command_search(l);
    if (!error && win_command_is_batch(l->program))
        return error_set(RONDO_ENOEXEC,
                         "cannot run %.500s: it is for cmd.exe to run "
                         "(subprocess_shell)",
                         program);
    return error;
}

/* ---- the command line ---- */

static size_t win_command_line_room(const struct child_plan *plan)
{
    if (plan->command)
        return strlen(plan->command) + sizeof "cmd.exe /d /s /c \"\"";
    size_t room = 1;
    for (const char *const *word = plan->argv; *word; word++)
        room += 2 * strlen(*word) + 3;
    return room;
}

static void win_command_write_line(const struct child_plan *plan, char *to)
{
    if (plan->command) {
        strcpy(to, "cmd.exe /d /s /c \"");
        strcat(to, plan->command);
        strcat(to, "\"");
        return;
    }
    for (const char *const *word = plan->argv; *word; word++) {
        if (word != plan->argv)
            *to++ = ' ';
        to = win_quote(to, *word);
    }
    *to = '\0';
}

int launch_make_line(struct launch *l)
{
    char *line = loop_alloc(l->loop, win_command_line_room(l->plan));
    if (!line)
        return win_command_no_memory();
    win_command_write_line(l->plan, line);
    int error = launch_wide(l->loop, line, &l->line);
    loop_free(l->loop, line);
    if (!error && wcslen(l->line) >= LINE_MOST)
        return error_set(RONDO_ETOOMUCH,
                         "cannot run %.500s: a command line of %zu characters; "
                         "%d are allowed",
                         l->plan->program ? l->plan->program : "cmd.exe",
                         wcslen(l->line), LINE_MOST - 1);
    return error;
}

/* ---- the environment ---- */

/* Windows expects a block sorted by name, without regard to case. */
static int win_command_compare(const void *a, const void *b)
{
    const wchar_t *x = *(const wchar_t *const *)a;
    const wchar_t *y = *(const wchar_t *const *)b;
    size_t x_size = wcscspn(x, L"="), y_size = wcscspn(y, L"=");
    size_t size = x_size < y_size ? x_size : y_size;
    int order = _wcsnicmp(x, y, size);
    return order ? order : (x_size > y_size) - (x_size < y_size);
}

/* Each variable ends with a NUL, and the block with one more. An empty block
 * has two. */
static void win_command_write_block(wchar_t *to, wchar_t **list, size_t count)
{
    if (!count)
        *to++ = L'\0';
    for (size_t i = 0; i < count; i++) {
        size_t size = wcslen(list[i]) + 1;
        wmemcpy(to, list[i], size);
        to += size;
    }
    *to = L'\0';
}

static int win_command_make_block(struct launch *l, wchar_t **list,
                                  size_t count)
{
    size_t room = 2;
    int error = 0;
    for (size_t i = 0; !error && i < count; i++) {
        error = launch_wide(l->loop, l->plan->env[i], &list[i]);
        room += error ? 0 : wcslen(list[i]) + 1;
    }
    if (error)
        return error;
    l->environment = loop_alloc(l->loop, room * sizeof *l->environment);
    if (!l->environment)
        return win_command_no_memory();
    qsort(list, count, sizeof *list, win_command_compare);
    win_command_write_block(l->environment, list, count);
    return 0;
}

int launch_make_environment(struct launch *l)
{
    size_t count = 0;
    if (!l->plan->env)
        return 0;
    while (l->plan->env[count])
        count++;
    wchar_t **list = loop_alloc(l->loop, (count + 1) * sizeof *list);
    if (!list)
        return win_command_no_memory();
    memset(list, 0, (count + 1) * sizeof *list);
    int error = win_command_make_block(l, list, count);
    for (size_t i = 0; i < count; i++)
        loop_free(l->loop, list[i]);
    loop_free(l->loop, list);
    return error;
}
#endif
