/* torture.c - scenes on a real kernel in which one call after the other fails. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "calls.h"
#include "scene.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 20, DESCRIPTORS_MOST = 1024, FAILURES_MOST = 20 };

static const struct scene *const lists[] = {scenes_stream, scenes_files,
                                            scenes_others};

/* What the process that plays tells. */
static struct shared {
    uint64_t n, plays;
    char broken[300];
} * shared;
static const char *backend;
static char folder[] = "/tmp/rondo-torture-XXXXXX";

/* ---- descriptors ---- */

static void list_descriptors(bool open[DESCRIPTORS_MOST])
{
    DIR *dir = opendir("/proc/self/fd");
    memset(open, 0, DESCRIPTORS_MOST);
    if (!dir)
        abort();
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        long fd = strtol(e->d_name, NULL, 10);
        if (e->d_name[0] != '.' && fd < DESCRIPTORS_MOST)
            open[fd] = true;
    }
    open[dirfd(dir)] = false;
    closedir(dir);
}

/* Threads that a loop has left behind may close theirs a moment later. */
static bool descriptors_are(const bool *before, char *text, size_t size)
{
    bool after[DESCRIPTORS_MOST];
    for (int tries = 0; tries < 2000; tries++) {
        list_descriptors(after);
        if (memcmp(before, after, sizeof after) == 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    for (int fd = 0; fd < DESCRIPTORS_MOST; fd++)
        if (before[fd] != after[fd])
            snprintf(text, size, "descriptor %d is %s", fd,
                     after[fd] ? "left" : "closed");
    return false;
}

static bool blocks_are(int64_t before)
{
    for (int tries = 0; tries < 2000 && torture_blocks() != before; tries++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return torture_blocks() == before;
}

/* ---- one play ---- */

static void ignore(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    (void)loop;
    (void)arg;
    (void)what;
}

static void check(struct play *p)
{
    for (size_t i = 0; i < p->op_count; i++) {
        const struct op *op = p->ops[i];
        if (!op->timer || !p->cut_short)
            must(p, op->dones == op->begun,
                 op->begun ? "not done" : "done, but refused", op->what);
    }
    for (size_t i = 0; i < p->peer_count; i++)
        must(p, p->peers[i].lost == p->peers[i].made, "not lost",
             p->peers[i].what);
    must(p, p->closed == p->servers, "not closed", "server");
}

static void play_scene(const struct scene *scene, struct play *p)
{
    rondo_loop_options o = RONDO_LOOP_OPTIONS_INIT;
    o.backend = backend;
    o.executor_threads = 2;
    if (rondo_loop_new(&p->loop, &o) != 0)
        return;
    (void)rondo_loop_set_exception_handler(p->loop, ignore, NULL);
    scene->begin(p);
    p->cut_short = rondo_loop_run(p->loop) < 0;
    must(p, rondo_loop_close(p->loop) == 0, rondo_last_error(), "loop_close");
    p->loop = NULL;
}

/* Returns how many calls there were; what broke is in shared. */
static uint64_t play(const struct scene *scene, unsigned way, uint64_t n)
{
    static bool before[DESCRIPTORS_MOST];
    struct play p = {.backend = backend, .folder = folder};
    char text[100];
    list_descriptors(before);
    int64_t blocks = torture_blocks();
    p.more = calloc(1, scene->size ? scene->size : 1);
    torture_begin(way, n);
    play_scene(scene, &p);
    uint64_t calls = torture_end();
    check(&p);
    for (size_t i = 0; !n && i < p.op_count; i++)
        if (p.ops[i]->result < 0)
            must(&p, false, rondo_error_name((int)p.ops[i]->result),
                 p.ops[i]->what);
    if (scene->end)
        scene->end(&p);
    for (size_t i = 0; i < p.own_count; i++)
        close(p.own[i]);
    if (!descriptors_are(before, text, sizeof text))
        must(&p, false, text, "loop");
    must(&p, blocks_are(blocks), "memory is left", "loop");
    free(p.more);
    snprintf(shared->broken, sizeof shared->broken, "%s", p.broken);
    shared->plays++;
    return calls;
}

/* ---- each call of a scene, in another process, since it may crash ---- */

enum { ALL_DONE = 0, BROKEN = 1 };

static void play_from(const struct scene *scene, unsigned way, uint64_t n)
{
    /* what is made once for the process is made here */
    shared->n = 0;
    alarm(PATIENCE_S);
    (void)play(scene, way, 0);
    uint64_t calls = play(scene, way, 0);
    if (shared->broken[0]) {
        shared->n = 0;
        _exit(BROKEN);
    }
    for (; n <= calls; n++) {
        shared->n = n;
        alarm(PATIENCE_S);
        (void)play(scene, way, n);
        if (shared->broken[0])
            _exit(BROKEN);
    }
}

static void tell(const struct scene *scene, unsigned way, int status)
{
    const char *broken = shared->broken;
    if (WIFSIGNALED(status))
        broken = WTERMSIG(status) == SIGALRM ? "it does not end"
                                             : strsignal(WTERMSIG(status));
    fprintf(stderr, "%s: %s: way %u, call %llu (%s): %s\n", backend,
            scene->name, way, (unsigned long long)shared->n,
            torture_failed() ? torture_failed() : "none", broken);
}

/* Returns how many failures there were. */
static unsigned torture(const struct scene *scene, unsigned way)
{
    unsigned failures = 0;
    for (uint64_t n = 1; failures < FAILURES_MOST; n = shared->n + 1) {
        int status = 0;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            play_from(scene, way, n);
            exit(ALL_DONE); /* the leak sanitizer looks, too */
        }
        if (waitpid(child, &status, 0) != child)
            abort();
        if (status == 0)
            break;
        failures++;
        tell(scene, way, status);
        if (!shared->n)
            break; /* even without a fault */
    }
    return failures;
}

/* torture [SCENE [WAY N]]: one play, for a debugger, or all. The backend is that
 * of RONDO_TEST_BACKEND. */
int main(int argc, char **argv)
{
    unsigned failures = 0;
    backend = getenv("RONDO_TEST_BACKEND");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || !mkdtemp(folder))
        abort();
    signal(SIGPIPE, SIG_DFL);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const struct scene *s = lists[l]; s->name; s++) {
            if (argc > 1 && strcmp(argv[1], s->name) != 0)
                continue;
            uint64_t before = shared->plays;
            for (unsigned way = 0; argc < 3 && way < TORTURE_WAYS; way++)
                failures += torture(s, way);
            if (argc > 3) {
                (void)play(s, (unsigned)atoi(argv[2]), 0);
                (void)play(s, (unsigned)atoi(argv[2]),
                           strtoull(argv[3], NULL, 10));
                printf("%s: %s\n", torture_failed(), shared->broken);
                failures += shared->broken[0] != 0;
            }
            printf("%s: %s: %llu plays\n", backend ? backend : "default",
                   s->name, (unsigned long long)(shared->plays - before));
        }
    printf("%s: torture: %llu plays, %u failures\n",
           backend ? backend : "default", (unsigned long long)shared->plays,
           failures);
    rmdir(folder);
    return failures != 0;
}
