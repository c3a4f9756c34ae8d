/* demo_thread.h - what the demo needs of the operating system: threads, whether
 * it writes to a terminal, its memory, more descriptors. */
/* SPDX-License-Identifier: MIT */
#ifndef DEMO_THREAD_H
#define DEMO_THREAD_H

#include <stdio.h>
#include <stdlib.h>

struct demo_thread_start {
    void (*run)(void *arg);
    void *arg;
};

#ifdef _WIN32

#include <io.h>
#include <process.h>
#include <windows.h>

typedef HANDLE demo_thread;

static inline unsigned __stdcall demo_thread_main(void *arg)
{
    struct demo_thread_start start = *(struct demo_thread_start *)arg;
    free(arg);
    start.run(start.arg);
    return 0;
}

static inline int demo_thread_begin(demo_thread *thread,
                                    struct demo_thread_start *start)
{
    *thread = (HANDLE)_beginthreadex(NULL, 0, demo_thread_main, start, 0, NULL);
    return *thread ? 0 : -1;
}

static inline void demo_thread_join(demo_thread thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

static inline int demo_is_terminal(void)
{
    return _isatty(_fileno(stdout));
}

static inline void demo_raise_descriptor_limit(void)
{
}

#else

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

typedef pthread_t demo_thread;

static inline void *demo_thread_main(void *arg)
{
    struct demo_thread_start start = *(struct demo_thread_start *)arg;
    free(arg);
    start.run(start.arg);
    return NULL;
}

static inline int demo_thread_begin(demo_thread *thread,
                                    struct demo_thread_start *start)
{
    return pthread_create(thread, NULL, demo_thread_main, start) ? -1 : 0;
}

static inline void demo_thread_join(demo_thread thread)
{
    pthread_join(thread, NULL);
}

static inline int demo_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

/* Shells like to start programs with a soft limit of 1,024. */
static inline void demo_raise_descriptor_limit(void)
{
    struct rlimit limit;
    const rlim_t wanted = 4096;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

#endif

/* Runs run(arg) on a thread of its own. 0, or -1. */
static inline int demo_thread_start(demo_thread *thread, void (*run)(void *arg),
                                    void *arg)
{
    struct demo_thread_start *start = malloc(sizeof *start);
    if (!start)
        return -1;
    *start = (struct demo_thread_start){run, arg};
    if (demo_thread_begin(thread, start) == 0)
        return 0;
    free(start);
    return -1;
}

/* Resident memory in KiB; 0 where there is no /proc to tell. */
static inline long demo_memory_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib;
}

#endif
