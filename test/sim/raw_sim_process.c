/* raw_sim_process.c - child processes of tests, on a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "../raw_process.h"

#include "rondo_sim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

const char *raw_child(void)
{
    return "/tests/child";
}

const char *raw_self(void)
{
    return NULL;
}

bool raw_has_signals(void)
{
    return true;
}

const char *raw_known_folder(void)
{
    return "/dev";
}

const char *raw_path_separator(void)
{
    return ":";
}

bool raw_program_file(char *path, size_t size, const char *text, bool may_run)
{
    static unsigned number;
    (void)snprintf(path, size, "/tmp/program%u", number++);
    rondo_fd fd = rondo_sim_open(path, RONDO_FILE_WRITE | RONDO_FILE_CREATE);
    if (fd < 0 || may_run)
        return false;
    bool written =
        rondo_sim_write(fd, text, strlen(text), 0) == (int64_t)strlen(text);
    (void)rondo_sim_close(fd, false);
    return written;
}

void raw_remove(const char *path)
{
    (void)rondo_sim_remove(path);
}

bool raw_anybody_may_run(const char *path)
{
    (void)path;
    return false;
}

/* No descriptor of a simulated process goes to its children by itself. */
void raw_set_close_on_exec(raw_fd fd, bool on)
{
    (void)fd;
    (void)on;
    (void)rondo_sim_sleep(
        RONDO_MS(1)); /* one that calls for ever lets others go on */
}

bool raw_recv_pipe(raw_fd fd, const char *text)
{
    char bytes[256] = "";
    size_t used = 0;
    int64_t count;
    while (used < sizeof bytes - 1 &&
           (count = rondo_sim_read(fd, bytes + used, sizeof bytes - 1 - used,
                                   RONDO_NEVER)) > 0)
        used += (size_t)count;
    return used == strlen(text) && memcmp(bytes, text, used) == 0;
}

int raw_zombies(void)
{
    return rondo_sim_count_children(rondo_sim_self(), true);
}

void raw_process_await(int64_t pid)
{
    (void)rondo_sim_wait(pid, NULL, RONDO_NEVER);
}

bool raw_process_runs(int64_t pid)
{
    return rondo_sim_signal_process(pid, 0) == 0;
}

void raw_process_kill(int64_t pid)
{
    (void)rondo_sim_signal_process(pid, SIGKILL);
}

int raw_process_wait(int64_t pid)
{
    rondo_exit status;
    if (rondo_sim_wait(pid, &status, RONDO_NEVER) != 0)
        return -1;
    return status.signaled ? 256 + status.signal : (int)status.code;
}

/* value NULL: it goes */
void raw_set_environment(const char *name, const char *value)
{
    const char *const *old = rondo_sim_environment();
    const char *list[512];
    char entry[1024];
    size_t size = strlen(name), used = 0;
    for (; *old && used < 510; old++)
        if (strncmp(*old, name, size) != 0 || (*old)[size] != '=')
            list[used++] = *old;
    (void)snprintf(entry, sizeof entry, "%s=%s", name, value ? value : "");
    if (value)
        list[used++] = entry;
    list[used] = NULL;
    (void)rondo_sim_set_environment(list);
}

raw_fd raw_move_fd(raw_fd fd, raw_fd number)
{
    if (rondo_sim_duplicate_to(fd, (int)number) < 0)
        return RONDO_NO_FD;
    (void)rondo_sim_close(fd, false);
    return number;
}

/* ---- what a simulated host lacks ---- */

bool raw_is_simulated(void)
{
    return true;
}

bool raw_sigchld(enum raw_sigchld how)
{
    (void)how;
    return false;
}

unsigned raw_sigchld_count(void)
{
    return 0;
}

int64_t raw_process_start(int code)
{
    (void)code;
    return 0;
}

bool raw_is_root(void)
{
    return false;
}

int raw_limit_of_files(void)
{
    return 0;
}

bool raw_cgroup_make(char *folder, size_t size)
{
    (void)folder;
    (void)size;
    return false;
}

void raw_cgroup_remove(const char *folder)
{
    (void)folder;
}

raw_fd raw_job(void)
{
    return RONDO_NO_FD;
}

bool raw_console_breaks(void)
{
    return false;
}

void raw_signal_block(int signum, bool on)
{
    (void)signum;
    (void)on;
}

void raw_signal_ignore(int signum, bool on)
{
    (void)signum;
    (void)on;
}

void raw_signal_catch(int signum, bool on)
{
    (void)signum;
    (void)on;
}
