/* harness_file.h - files in a folder of the executable's own.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_FILE_H
#define RONDO_TEST_HARNESS_FILE_H

#include "harness.h"
#include "raw_fs.h"

enum { RW = RONDO_FILE_READ | RONDO_FILE_WRITE };

/* What an operation has told. */
struct told {
    struct world *w;
    rondo_id id;
    unsigned done;
    unsigned place; /* among all that were told, from 1 */
    int64_t result; /* or the error */
    size_t count;   /* of a read or a write */
    rondo_file *file;
    char sentence[256];
    void (*then)(struct told *t); /* called in done */
    void *data;
};

struct told *told_new(struct world *w);
/* The three kinds of done; arg is a struct told. */
void told_plain(rondo_loop *loop, void *arg, int64_t result);
void told_opened(rondo_loop *loop, void *arg, rondo_file *file, int error);
void told_moved(rondo_loop *loop, void *arg, size_t count, int error);
/* It has begun with that id: waits for it, and checks what it told, and, after
 * an error, that the sentence names it. */
void told_ends(struct told *t, rondo_id id, int64_t result);
/* The same for a read or a write, all of whose bytes were moved. */
void told_moves(struct told *t, rondo_id id, size_t count);

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

/* Makes all four threads wait inside syncs of that file. Skips the test where
 * that cannot be done. The other three: lets them go on, and waits until the
 * syncs are done. */
struct told *file_hold(struct world *w, rondo_file *f);
void file_let_go(struct world *w, struct told *held);
enum { FILE_THREADS = 4 };

#endif
