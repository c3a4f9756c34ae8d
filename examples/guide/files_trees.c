/* files_trees.c - directories: make, list, walk, remove. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char top[400]; /* a temporary directory */

static const char *below(const char *name)
{
    static char path[800];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path; /* the calls copy it */
}

/* Ends a step: here each run of the loop is one. */
static void done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    if (result < 0)
        printf("%s: %s\n", (const char *)arg, rondo_last_error());
}

static bool each(rondo_loop *loop, void *arg, const rondo_walk_entry *entry)
{
    size_t *count = arg;
    (void)loop;
    if (entry->error) /* a directory that cannot be read; the walk goes on */
        printf("%s: %s\n", entry->path, rondo_error_name(entry->error));
    else if (entry->type == RONDO_FILE_REGULAR)
        (*count)++;
    return strcmp(entry->name, "cache") != 0; /* not into this one */
}

static void listed(rondo_loop *loop, void *arg, const rondo_dir_entry *entries,
                   size_t count, int error)
{
    rondo_file *directory = arg;
    (void)loop;
    for (size_t i = 0; i < count; i++)
        printf("%s%s\n", entries[i].name,
               entries[i].type == RONDO_FILE_DIRECTORY ? "/" : "");
    if (count > 0 && !error) /* more of them, or none: that is the end */
        rondo_file_list(directory, 0, 0, listed, directory);
    else
        rondo_file_close(directory, NULL, NULL);
}

static void opened(rondo_loop *loop, void *arg, rondo_file *directory,
                   int error)
{
    (void)loop;
    (void)arg;
    if (!error)
        rondo_file_list(directory, 0, 0, listed, directory);
}

static void file_made(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    (void)loop;
    (void)arg;
    if (!error)
        rondo_file_close(file, NULL, NULL);
}

/* Starts one thing and runs the loop until it is done. */
static int step(rondo_loop *loop, rondo_id id)
{
    return id < 0 ? -1 : rondo_loop_run(loop);
}

static rondo_id make(rondo_loop *loop, const char *name)
{
    return rondo_file_open(loop, below(name),
                           RONDO_FILE_WRITE | RONDO_FILE_CREATE, 0, file_made,
                           NULL);
}

static int work(rondo_loop *loop)
{
    size_t files = 0;
    if (step(loop, rondo_fs_make_path(loop, below("www/cache"), 0, done,
                                      "make")) < 0 ||
        step(loop, make(loop, "www/index.html")) < 0 ||
        step(loop, make(loop, "www/cache/old")) < 0 ||
        step(loop, rondo_fs_copy(loop, below("www/index.html"), top, 0, done,
                                 "copy")) < 0 ||
        step(loop, rondo_file_open(loop, top,
                                   RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY, 0,
                                   opened, NULL)) < 0 ||
        step(loop, rondo_fs_walk(loop, top, NULL, each, done, &files)) < 0)
        return -1;
    printf("%zu file outside of the cache\n", files);
    return step(loop, rondo_fs_remove_tree(loop, top, done, "remove"));
}

int main(void)
{
    const char *folder = getenv("TEMP"); /* Windows */
    char prefix[300];
    rondo_loop *loop;
    snprintf(prefix, sizeof prefix, "%s/guide-", folder ? folder : "/tmp");
    if (rondo_loop_new(&loop, NULL) < 0 ||
        step(loop, rondo_fs_mkdir_temporary(loop, prefix, top, sizeof top, done,
                                            "temporary")) < 0 ||
        work(loop) < 0) {
        fprintf(stderr, "files_trees: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
