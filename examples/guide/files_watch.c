/* files_watch.c - sees that a file is replaced, as editors and servers do. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    char folder[400], file[500], other[500];
    rondo_id watch;
};

static void failed(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    if (result < 0)
        printf("%s: %s\n", (const char *)arg, rondo_last_error());
}

/* A new file, complete, takes the place: nobody ever sees a half one. */
static void replace(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct state *s = arg;
    if (error)
        return;
    rondo_file_close(file, NULL, NULL);
    rondo_fs_rename(loop, s->other, s->file, failed, "rename");
}

static void changed(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    struct state *s = arg;
    if (e->what & RONDO_PATH_BEGUN) {
        printf("begun\n"); /* now read the file: what follows is told */
        rondo_file_open(loop, s->other, RONDO_FILE_WRITE | RONDO_FILE_CREATE, 0,
                        replace, s);
    }
    if (e->what & RONDO_PATH_OVERFLOW)
        printf("look at the file again\n");
    if (e->what & RONDO_PATH_ENDED)
        printf("ended: %s\n", rondo_last_error());
    if (e->what & (RONDO_PATH_CREATED | RONDO_PATH_CHANGED)) {
        printf("%s is there, %s\n", strrchr(e->path, '/') + 1,
               e->what & RONDO_PATH_CREATED ? "and was not" : "changed");
        rondo_cancel(loop, s->watch);
        rondo_fs_remove_tree(loop, s->folder, failed, "remove");
    }
}

static void made(rondo_loop *loop, void *arg, int64_t result)
{
    struct state *s = arg;
    if (result < 0)
        return;
    snprintf(s->file, sizeof s->file, "%s/config", s->folder);
    snprintf(s->other, sizeof s->other, "%s/config.new", s->folder);
    s->watch = rondo_watch_path(
        loop, s->file,
        RONDO_PATH(.may_be_missing = true, .settle_ns = RONDO_MS(20)), changed,
        s);
    if (s->watch < 0)
        printf("%s\n", rondo_last_error());
}

int main(void)
{
    const char *folder = getenv("TEMP"); /* Windows */
    char prefix[300];
    struct state s = {0};
    rondo_loop *loop;
    snprintf(prefix, sizeof prefix, "%s/guide-", folder ? folder : "/tmp");
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_fs_mkdir_temporary(loop, prefix, s.folder, sizeof s.folder, made,
                                 &s) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "files_watch: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
