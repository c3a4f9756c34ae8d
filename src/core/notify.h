/* notify.h - what a system tells of files and directories that change. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_NOTIFY_H
#define RONDO_CORE_NOTIFY_H

#include "sys.h"

/* A system's folder defines all that is here. A notifier belongs to a thread of
 * its own, which may block; other threads call notify_wake alone. What it tells
 * are hints: who gets one looks at the file itself. */

struct notifier;    /* the system's object: inotify, a kqueue, a port */
struct notify_mark; /* one thing that it watches */

/* What a hint says of a thing. */
enum notify_what {
    NOTIFY_CHECK = 1,       /* it may be there now, or no more */
    NOTIFY_CONTENT = 2,     /* was written to */
    NOTIFY_ATTRIBUTES = 4,  /* its owner, permissions or the like */
    NOTIFY_MOVED = 8,       /* has lost this name by a rename */
    NOTIFY_LIST = 16,       /* names in this directory have come or gone */
    NOTIFY_OVERFLOW = 32,   /* hints were lost; the mark goes on */
    NOTIFY_GONE = 64,       /* the mark tells nothing from now on */
    NOTIFY_MOVED_HERE = 128 /* has got this name by a rename */
};

/* What a mark watches. */
enum notify_kind {
    NOTIFY_FILE,
    NOTIFY_DIRECTORY, /* the names in it, and itself */
    NOTIFY_TREE       /* the same, and all below; only with `trees` */
};

/* How a system differs from others. */
struct notify_traits {
    const char *name; /* NULL: the system tells nothing, and has no marks */
    bool files; /* a directory's mark tells nothing of the content of its files:
                   each needs a mark */
    bool trees; /* takes NOTIFY_TREE */
    bool moves; /* says NOTIFY_MOVED and NOTIFY_MOVED_HERE of each rename */
};
extern const struct notify_traits notify_traits;

/* Receives a hint about the owner of a mark (name NULL), or about what is called
 * name in it; of a NOTIFY_TREE that is a path with slashes. Called by
 * notify_wait alone; it may call no function of the notifier. */
typedef void (*notify_fn)(void *owner, const char *name, unsigned what);

/* Makes a notifier. Any thread. Returns 0, or an error with a sentence. */
int notify_open(struct notifier **made, notify_fn tell);
/* Its thread has ended, and no mark is left. */
void notify_close(struct notifier *n);
/* In a forked child, where its thread does not exist: closes its descriptors,
 * and changes nothing in the parent's objects. Its memory is lost. */
void notify_forked(struct notifier *n);

/* Begins to watch what has this absolute path. Returns 0, or an error without a
 * sentence and with the system's code: RONDO_ENOENT, RONDO_ENOTDIR, RONDO_EACCES;
 * RONDO_ENOSPC, RONDO_EMFILE: a limit of the system is reached, which
 * notify_limit names; RONDO_ENOMEM. */
int notify_add(struct notifier *n, const char *path, enum notify_kind kind,
               void *owner, struct notify_mark **mark);
/* No hint of this mark comes any more. */
void notify_remove(struct notifier *n, struct notify_mark *mark);
/* What to change when a limit is reached: words for a sentence. */
const char *notify_limit(int error);

/* Waits for hints, for at most timeout_ns, and passes them on. */
void notify_wait(struct notifier *n, int64_t timeout_ns);
/* Ends the wait that is under way, or the next one. Any thread. */
void notify_wake(struct notifier *n);

/* ---- directories ---- */

/* As sys_fs_stat_path, but disturbs nobody: on Windows a file that is open
 * elsewhere cannot be replaced, so files are not opened, and `number` is when
 * the file was made. */
int notify_stat(const char *path, bool follow, rondo_file_info *info);

/* Calls fn for each name in a directory except "." and "..", with its number (0:
 * not known), until it returns false. Returns 0 or an error. Blocks. */
int notify_list(const char *path,
                bool (*fn)(void *arg, const char *name, uint64_t number),
                void *arg);
/* Writes the absolute path of a path, as the program's directory is now.
 * Returns 0, RONDO_ENAMETOOLONG or another error. */
int notify_absolute(const char *path, char *text, size_t room);

#endif
