/* child_sim.c - what child.c asks of a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "../child_system.h"

#include "rondo.h"
#include "rondo_sim.h"

#include <signal.h>
#include <stdlib.h>

/* in child.c: the names of a program */
void child_exit(int code);
void child_exit(int code)
{
    (void)rondo_sim_exit(code);
    abort();
}

/* NOLINTNEXTLINE(readability-non-const-parameter): on Windows it changes */
void child_begin(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
}

long child_read(int fd, void *data, size_t size)
{
    return (long)rondo_sim_read(fd, data, size, RONDO_NEVER);
}

/* A program dies of that signal unless it says otherwise. */
long child_write(int fd, const void *data, size_t size)
{
    int64_t count = rondo_sim_write(fd, data, size, RONDO_NEVER);
    if (count == RONDO_EPIPE)
        child_die(SIGPIPE);
    return (long)count;
}

void child_close(int fd)
{
    (void)rondo_sim_close(fd, false);
}

void child_sleep(void)
{
    (void)rondo_sim_sleep(RONDO_SEC(CHILD_LIFE_S));
    child_die(SIGALRM);
}

void child_die(int signum)
{
    (void)rondo_sim_signal_process(rondo_sim_pid(), signum);
}

/* The message, one byte, goes back as it came: with its descriptor. */
void child_pass(int fd)
{
    char byte;
    rondo_fd got;
    size_t count = 1;
    if (rondo_sim_recv_fds(fd, &byte, 1, &got, &count, RONDO_NEVER) != 1 ||
        count != 1)
        child_exit(95);
    if (rondo_sim_send(got, "hello", 5, RONDO_NEVER) != 5 ||
        rondo_sim_send_fds(fd, &byte, 1, &got, 1) != 1)
        child_exit(94);
    (void)rondo_sim_close(got, false);
}

void child_start(char *argv[])
{
    static const rondo_process_protocol nothing = {0};
    rondo_stdio_entry extra[64];
    size_t count = 0;
    rondo_loop *loop;
    for (int fd = 3; fd < 64; fd++) /* all that it has, as after a fork */
        if (rondo_sim_is_blocking(fd) >= 0)
            extra[count++] = (rondo_stdio_entry){fd, RONDO_STDIO_INHERIT, 0};
    argv[0] = "/tests/child";
    if (rondo_loop_new(&loop, NULL) != 0)
        child_exit(97);
    if (rondo_subprocess_exec(
            loop,
            RONDO_PROCESS(.argv = (const char *const *)(void *)argv,
                          .extra = extra, .extra_count = count,
                          .leave_running = true),
            &nothing, NULL, NULL) != 0)
        child_exit(97);
    (void)rondo_loop_close(loop);
}

char **child_environment(void)
{
    return (char **)(void *)(uintptr_t)rondo_sim_environment();
}

void child_say_folder(void)
{
    char path[4096];
    child_say("%s\n", rondo_sim_folder(path, sizeof path) > 0 ? path : "?");
}

void child_say_descriptors(void)
{
    for (int fd = 0; fd < 4096; fd++)
        if (rondo_sim_is_blocking(fd) >= 0)
            child_say("%d ", fd);
    for (int fd = 1000000; fd < 1004096; fd++)
        if (rondo_sim_is_blocking(fd) >= 0)
            child_say("%d ", fd);
}

void child_say_signals(void)
{
    child_say("blocked 0 ignored 0\n");
}

void child_say_ids(void)
{
    rondo_sim_process p;
    (void)rondo_sim_get_process(&p);
    child_say("uid 1000 gid 1000 groups 0 session %d group %d umask %o\n",
              p.session == p.pid, p.group == p.pid, (unsigned)p.umask);
}

void child_say_terminal(int fd)
{
    child_say("%d is no terminal\n", fd);
}

void child_await_size(void)
{
    child_exit(96);
}

void child_say_limit(int resource)
{
    child_say("no limit %d\n", resource);
}

void child_say_nice(void)
{
    rondo_sim_process p;
    (void)rondo_sim_get_process(&p);
    child_say("%d\n", p.nice);
}

void child_say_handle(long long handle)
{
    child_say("no handle %lld\n", handle);
}
