/* du.c - adds up the sizes of all files below folders, in parallel:
 * "du src test". */
/* SPDX-License-Identifier: MIT */
/* Build: cc du.c -o du $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_FOLDERS = 64, READ_AT_ONCE = 16 };

/* A file with several names counts once. */
struct known {
    uint64_t device, number; /* number 0: the place is free */
};

struct folder {
    const char *path;
    rondo_file_info own;
    int64_t bytes, files, folders;
};

static struct known *seen;
static size_t seen_used, seen_room; /* a power of two */
static int64_t total;
static int failures;

/* ---- files with several names ------------------------------------------- */

/* false: it was there already. There is room. */
static bool enter(uint64_t device, uint64_t number)
{
    size_t i = (size_t)(number * UINT64_C(0x9E3779B97F4A7C15) >> 32);
    for (;; i++) {
        struct known *k = &seen[i & (seen_room - 1)];
        if (k->number == number && k->device == device)
            return false;
        if (!k->number) {
            *k = (struct known){device, number};
            return true;
        }
    }
}

static bool is_first(const rondo_file_info *info)
{
    if (info->links < 2 || !info->number)
        return true;
    if (seen_used * 2 >= seen_room) {
        struct known *old = seen;
        size_t old_room = seen_room;
        seen_room = old_room ? old_room * 2 : 1024;
        seen = calloc(seen_room, sizeof *seen);
        if (!seen)
            abort();
        for (size_t i = 0; i < old_room; i++)
            if (old[i].number)
                enter(old[i].device, old[i].number);
        free(old);
    }
    bool first = enter(info->device, info->number);
    seen_used += first;
    return first;
}

/* ---- one folder --------------------------------------------------------- */

static void count(struct folder *f, const rondo_file_info *info)
{
    if (info->type == RONDO_FILE_DIRECTORY)
        f->folders++;
    else if (is_first(info)) {
        f->files++;
        f->bytes += info->bytes;
    }
}

static bool found(rondo_loop *loop, void *arg, const rondo_walk_entry *e)
{
    (void)loop;
    if (e->error) {
        fprintf(stderr, "%s: %s\n", e->path, rondo_strerror(e->error));
        failures++;
    } else {
        count(arg, e->info);
    }
    return true;
}

static void walked(rondo_loop *loop, void *arg, int64_t result)
{
    struct folder *f = arg;
    (void)loop;
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", f->path, rondo_last_error());
        failures++;
        return;
    }
    printf("%12lld bytes in %lld files and %lld folders: %s\n",
           (long long)f->bytes, (long long)f->files, (long long)f->folders,
           f->path);
    total += f->bytes;
}

/* A word may be a file, too. */
static void examined(rondo_loop *loop, void *arg, int64_t result)
{
    struct folder *f = arg;
    rondo_walk_options options = RONDO_WALK_OPTIONS_INIT;
    options.flags = RONDO_LIST_INFO;
    options.most = READ_AT_ONCE;
    if (result == 0)
        count(f, &f->own);
    if (result == 0 && f->own.type == RONDO_FILE_DIRECTORY)
        result = rondo_fs_walk(loop, f->path, &options, found, walked, f);
    else
        walked(loop, f, result);
    if (result < 0)
        failures++;
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

static int failed(rondo_loop *loop)
{
    fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return 1;
}

/* Until nothing is left, or Ctrl-C. */
static int run(rondo_loop *loop)
{
    if (rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0 ||
        rondo_loop_run(loop) < 0)
        return failed(loop);
    rondo_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    static char here[] = ".";
    static struct folder folders[MOST_FOLDERS];
    rondo_loop *loop = NULL;
    char **word = argc > 1 ? argv + 1 : (char *[]){here};
    int words = argc > 1 ? argc - 1 : 1;
    if (words > MOST_FOLDERS)
        words = MOST_FOLDERS;
    if (rondo_loop_new(&loop, NULL) < 0)
        return failed(loop);
    for (int i = 0; i < words; i++) {
        struct folder *f = &folders[i];
        f->path = word[i];
        f->own = (rondo_file_info)RONDO_FILE_INFO_INIT;
        if (rondo_fs_lstat(loop, f->path, &f->own, examined, f) < 0)
            return failed(loop);
    }
    int result = run(loop);
    if (words > 1)
        printf("%12lld bytes in all\n", (long long)total);
    free(seen);
    return result || failures;
}
