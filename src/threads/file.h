/* file.h - operations on files: what each is, and how it begins and ends. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_FILE_H
#define RONDO_THREADS_FILE_H

#include "base/pool.h"
#include "core/backoff.h"
#include "core/id.h"
#include "core/remote.h"

#include <stdatomic.h>

enum file_verb {
    FILE_OPEN,
    FILE_CLOSE,
    FILE_READ,
    FILE_WRITE,
    FILE_SYNC,
    FILE_SYNC_DATA,
    FILE_STAT,
    FILE_TRUNCATE,
    PATH_STAT,
    PATH_LSTAT,
    PATH_RENAME,
    PATH_UNLINK,
    PATH_MKDIR,
    PATH_RMDIR,
    PATH_SYMLINK,
    PATH_READLINK,
    FILE_CHANGE,
    FILE_ALLOCATE,
    FILE_ADVISE,
    FILE_LOCK,
    FILE_UNLOCK,
    FILE_LIST,
    PATH_CHANGE,
    PATH_LINK,
    PATH_ACCESS,
    PATH_REALPATH,
    PATH_SPACE,
    PATH_MAKE,
    PATH_TEMPORARY,
    PATH_COPY,
    PATH_REMOVE,
    FILE_VERBS
};

/* Each verb's function without "rondo_", and what it cannot do then. */
struct file_verb_words {
    const char *call, *words;
};
extern const struct file_verb_words file_verbs[FILE_VERBS];

/* One operation, from the loop's allocator: the loop outlives it, since a loop
 * that closes waits for each. From pool_submit until the loop runs its
 * completion a thread may have it: the thread uses `work`, `completion`,
 * `remote`, `begun`, `stop`, `verb`, the question and the answer, and of its file
 * `fd`, `dir`, `flags`, `mode`, `path`, `seeks`, and `fd` of `base`. All others belong to the loop's thread. */
struct file_call {
    struct handle handle;
    struct work work;
    struct completion completion;
    struct task task;               /* ends it if no thread will run it */
    struct file_call *next, **link; /* in its file's queue; link NULL: not */
    rondo_loop *loop;
    rondo_remote *remote;
    rondo_file *file; /* NULL: by path */
    rondo_id id;
    enum file_verb verb;
    bool ordered; /* waits for those before it in its file */
    bool current; /* at the file's position */
    atomic_bool begun;
    atomic_bool stop;       /* it is cancelled: for those that can be ended */
    struct backoff backoff; /* of a lock that is tried again */
    union {
        rondo_done_fn plain;
        rondo_file_fn opened;
        rondo_file_io_fn moved;
        rondo_list_fn listed;
    } done;
    void *arg;

    /* the question */
    const char *path, *other; /* in tail */
    const char *beside;       /* in tail: where a copy is made */
    int64_t position;         /* -1: none; FILE_TRUNCATE: the size */
    int64_t size;             /* of the part that is locked and the like */
    unsigned flags;           /* of that verb */
    rondo_buffer *parts;      /* in tail */
    size_t count;
    unsigned mode;
    void *to; /* the program's text or rondo_file_info */
    size_t room;

    /* the answer */
    int64_t result; /* >= 0, or an error */
    int64_t os_error;
    size_t moved;
    union {
        rondo_file_info info;
        rondo_space_info space;
        rondo_file_changes changes; /* of the question */
    };
    _Alignas(rondo_buffer) char tail[];
};

/* From the loop's allocator, too. */
struct rondo_file {
    struct handle handle; /* while it is open, in the background */
    rondo_loop *loop;
    rondo_id close_id; /* kept for closing, which needs no memory then */
    sys_fd fd;
    struct sys_dir *dir; /* reads it, and owns fd; NULL: nothing was read yet */
    unsigned flags, mode;
    rondo_file
        *base; /* the directory where the path begins, until it is open */
    bool seeks;
    bool waits; /* its bytes cannot be had without waiting */
    bool closing;
    int64_t position;                /* RONDO_FILE_CURRENT */
    size_t calls;                    /* that have not ended, except `own` */
    struct file_call *at;            /* the ordered one that is under way */
    struct file_call *first, **last; /* ordered ones behind it */
    struct file_call *own;           /* opens and closes it */
    char path[];
};

/* Makes a call with so many bytes of tail; it is not begun. NULL: out of memory,
 * with a sentence. */
struct file_call *file_call_new(rondo_loop *loop, rondo_file *file,
                                enum file_verb verb, size_t tail_size);
/* Frees one that is not begun or has ended. */
void file_call_free(struct file_call *c);

/* Begins it. Returns its id; or an error with a sentence, and it is freed. */
rondo_id file_call_begin(struct file_call *c);

/* What public functions of a file begin with: it is open, there is a done, and
 * it was opened for that. Returns 0, or an error with a sentence. */
int file_check(const rondo_file *file, enum file_verb verb, bool done);
/* Makes a call whose done is a rondo_done_fn; NULL: out of memory. */
struct file_call *file_plain_new(rondo_file *file, enum file_verb verb,
                                 rondo_done_fn done, void *arg);
/* Checks a mode that the program has passed. */
int file_check_mode(enum file_verb verb, unsigned mode);
/* Makes a call with copies of its path, and of the other one, which may be NULL.
 * Returns NULL after an error, with a sentence. */
struct file_call *path_call_new(rondo_loop *loop, enum file_verb verb,
                                const char *path, const char *other,
                                int *error);
/* Begins it, or frees it and returns an error: no done. */
rondo_id path_call_begin(struct file_call *c, rondo_done_fn done, void *arg);
/* Both, where the answer is a text for the program's room, which is called
 * `word` in a sentence. */
rondo_id path_call_into(rondo_loop *loop, enum file_verb verb, const char *path,
                        char *text, size_t room, const char *word,
                        rondo_done_fn done, void *arg);

/* Makes a file that is not open yet, by that path with so many bytes behind it.
 * NULL: out of memory, with a sentence. */
rondo_file *file_new(rondo_loop *loop, const char *path, size_t more);
/* Opens it. */
rondo_id file_open_begin(rondo_file *f, unsigned flags, unsigned mode,
                         rondo_file_fn done, void *arg);
/* Writes RONDO_TEMPORARY_CHARACTERS random ones and a NUL. */
void file_random_name(char *text);

/* Begins to close a file, as soon as its other calls have ended. */
void file_close_begin(rondo_file *file, rondo_done_fn done, void *arg);
/* Frees a file that is closed, or was never open. */
void file_free(rondo_file *file);

/* On the loop's thread: reads a little if no device has to be waited for. false:
 * that is a thread's to do. */
bool file_read_now(struct file_call *c);

/* ---- on a thread of the pool ---- */

void file_call_run(struct work *work);
/* Closes the file, and what reads it as a directory. */
int file_close_fd(rondo_file *f);
/* The verbs behind PATH_READLINK: file_run_more.c. */
int64_t file_carry_out_more(struct file_call *c);

#endif
