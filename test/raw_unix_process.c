/* raw_unix_process.c - child processes, signals and ids for tests, on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *raw_child(void)
{
    return RONDO_TEST_CHILD;
}

const char *raw_self(void)
{
    static char path[1024];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);

    return size > 0 ? path : NULL;
}

bool raw_has_signals(void)
{
    return true;
}

const char *raw_known_folder(void)
{
    return "/";
}

const char *raw_path_separator(void)
{
    return ":";
}

bool raw_program_file(char *path, size_t size, const char *text, bool may_run)
{
    int fd;
    bool written;

    (void)snprintf(path, size, "/tmp/rondo-test-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return false;
    written = write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
              fchmod(fd, may_run ? 0755 : 0644) == 0;
    (void)close(fd);
    return written;
}

void raw_remove(const char *path)
{
    (void)unlink(path);
}

bool raw_anybody_may_run(const char *path)
{
    char part[512];
    struct stat status;

    (void)snprintf(part, sizeof part, "%s", path);
    for (char *end = part + strlen(part); end; end = strrchr(part, '/')) {
        *end = '\0';
        if (*part && (stat(part, &status) < 0 || !(status.st_mode & S_IXOTH)))
            return false;
    }
    return true;
}

void raw_set_close_on_exec(raw_fd fd, bool on)
{
    (void)fcntl((int)fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

bool raw_recv_pipe(raw_fd fd, const char *text)
{
    char got[256];
    size_t used = 0;
    ptrdiff_t n;

    while (used < sizeof got &&
           (n = raw_read(fd, got + used, sizeof got - used)) > 0)
        used += (size_t)n;
    return used == strlen(text) && memcmp(got, text, used) == 0;
}

/* "pid (name) state ppid" */
static bool is_zombie_of_ours(const char *pid)
{
    char path[300];
    char text[512];
    const char *end;
    char state = '?';
    int parent = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    end = strrchr(text, ')');
    return end && sscanf(end + 1, " %c %d", &state, &parent) == 2 &&
           state == 'Z' && parent == (int)getpid();
}

int raw_zombies(void)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    int count = 0;

    if (!dir)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            count += is_zombie_of_ours(entry->d_name);
    (void)closedir(dir);
    return count;
}

void raw_process_await(int64_t pid)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR)
        continue;
}

bool raw_process_runs(int64_t pid)
{
    return kill((pid_t)pid, 0) == 0;
}

void raw_process_kill(int64_t pid)
{
    (void)kill((pid_t)pid, SIGKILL);
}

static volatile sig_atomic_t caught;

static void own_handler(int signum)
{
    (void)signum;
    caught++;
}

bool raw_sigchld(enum raw_sigchld how)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = how == RAW_SIGCHLD_OWN       ? own_handler
                        : how == RAW_SIGCHLD_IGNORED ? SIG_IGN
                                                     : SIG_DFL;
    action.sa_flags = SA_RESTART;
    caught = 0;
    return sigaction(SIGCHLD, &action, NULL) == 0;
}

unsigned raw_sigchld_count(void)
{
    return (unsigned)caught;
}

int64_t raw_process_start(int code)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(code);
    return pid < 0 ? 0 : pid;
}

int raw_process_wait(int64_t pid)
{
    int status;
    pid_t result;

    while ((result = waitpid((pid_t)pid, &status, 0)) < 0 && errno == EINTR)
        continue;
    if (result < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

bool raw_console_breaks(void)
{
    return false;
}

bool raw_is_root(void)
{
    return geteuid() == 0;
}

void raw_signal_block(int signum, bool on)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, signum);
    (void)pthread_sigmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void raw_signal_ignore(int signum, bool on)
{
    (void)signal(signum, on ? SIG_IGN : SIG_DFL);
}

void raw_signal_catch(int signum, bool on)
{
    (void)signal(signum, on ? own_handler : SIG_DFL);
}

int raw_limit_of_files(void)
{
    return RLIMIT_NOFILE;
}

/* Wherever it is mounted: all in one (v2), or each kind alone (v1). */
bool raw_cgroup_make(char *folder, size_t size)
{
    static const char *const roots[] = {
        "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids",
        "/sys/fs/cgroup/freezer"};
    char path[300];

    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        (void)snprintf(path, sizeof path, "%s/cgroup.procs", roots[i]);
        (void)snprintf(folder, size, "%s/rondo-test-%d", roots[i],
                       (int)getpid());
        if (access(path, W_OK) == 0 && mkdir(folder, 0755) == 0)
            return true;
    }
    return false;
}

void raw_cgroup_remove(const char *folder)
{
    (void)rmdir(folder);
}

raw_fd raw_job(void)
{
    return -1;
}
