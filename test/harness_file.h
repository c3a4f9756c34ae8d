/* harness_file.h - files in a folder of the executable's own.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_FILE_H
#define RONDO_TEST_HARNESS_FILE_H

#include "harness.h"
#include "raw_fs.h"

enum { RW = RONDO_FILE_READ | RONDO_FILE_WRITE };

/* What an operation has told. */
struct file_told {
    struct world *w;
    rondo_id id;
    unsigned done;
    unsigned place; /* among all that were told, from 1 */
    int64_t result; /* or the error */
    size_t count;   /* of a read or a write */
    rondo_file *file;
    char sentence[256];
    void (*then)(struct file_told *t); /* called in done */
    void *data;
};

struct file_told *file_told(struct world *w);
/* The three kinds of done; arg is a struct file_told. */
void file_plain(rondo_loop *loop, void *arg, int64_t result);
void file_opened(rondo_loop *loop, void *arg, rondo_file *file, int error);
void file_moved(rondo_loop *loop, void *arg, size_t count, int error);
/* It has begun with that id: waits for it, and checks what it told, and, after
 * an error, that there is a sentence. */
void file_ends(struct file_told *t, rondo_id id, int64_t result);
/* One operation, whose arg is `it`: FILE_DO(0, rondo_fs_unlink(w->loop, path,
 * file_plain, it)); */
#define FILE_DO(result, call)                                                  \
    do {                                                                       \
        struct file_told *it = file_told(w);                                   \
        file_ends(it, call, result);                                           \
    } while (0)
/* The same for a read or a write, all of whose bytes were moved. */
void file_moves(struct file_told *t, rondo_id id, size_t count);

/* A path in the folder; nothing is there at first. */
const char *file_path(struct world *w, const char *name);
rondo_file *file_open(struct world *w, const char *path, unsigned flags);
void file_open_fails(struct world *w, const char *path, unsigned flags,
                     int error);
/* A new file, for reading and writing, with that text in it. */
rondo_file *file_new(struct world *w, const char *name, unsigned flags,
                     const char *text);
void file_close(struct world *w, rondo_file *f);
/* These wait until the operation has ended, and check that it worked. */
void file_put(struct world *w, rondo_file *f, int64_t position,
              const char *text);
void file_holds(struct world *w, rondo_file *f, const char *text);
void file_unlink(struct world *w, const char *path);
void file_close_and_unlink(struct world *w, rondo_file *f, const char *name);
/* Directories, with those above; a small file; these, too, are names in the
 * folder. */
void file_make_path(struct world *w, const char *name);
void file_touch(struct world *w, const char *name);
/* A symbolic link; false: the system makes none here. */
bool file_link(struct world *w, const char *target, const char *name);
/* Skips the test where there are none. It comes before anything is made: a
 * skipped test leaves that. */
void file_need_links(struct world *w);

/* Skips the test where threads cannot be held. A test that uses the next two
 * begins with it. */
void file_need_hold(struct world *w);
/* Makes all four threads wait inside syncs of that file. The other one: lets
 * them go on, and waits until the syncs are done. */
struct file_told *file_hold(struct world *w, rondo_file *f);
void file_let_go(struct world *w, struct file_told *held);
enum { FILE_THREADS = 4 };

#endif
