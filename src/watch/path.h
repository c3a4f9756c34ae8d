/* path.h - watched paths: the tree, the thread, and what both sides share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WATCH_PATH_H
#define RONDO_WATCH_PATH_H

#include "base/error.h"
#include "core/notify.h"
#include "core/remote.h"

struct path_tree;

/* ---- what is told ---- */

/* One event. The texts are offsets in the batch; NO_TEXT: none. */
struct path_item {
    unsigned what; /* enum rondo_path_what */
    unsigned type; /* rondo_file_type */
    size_t path, from;
};
#define PATH_NO_TEXT SIZE_MAX

/* Events for the loop. From malloc. */
struct path_batch {
    struct path_item *items;
    size_t count, room;
    char *text;
    size_t text_used, text_room;
    bool lost; /* there was no memory for some */
};

/* The path of a node, below `prefix`, and for a rename the former one. Without
 * memory the batch becomes lost. */
void path_batch_put(struct path_batch *b, unsigned what, unsigned type,
                    const char *path, const char *from);
void path_batch_clear(struct path_batch *b);

/* ---- the tree: what is known of each file ---- */

/* The lists of a tree. A node is in one at most. */
enum path_list {
    PATH_DIRTY,   /* to be looked at */
    PATH_LATER,   /* the same, once it is known where a directory above it is */
    PATH_CHANGED, /* something is to be told of it */
    PATH_CAME,    /* it is there and was not */
    PATH_GONE,    /* it is not there any more: detached, its name is its path */
    PATH_LISTS,
    PATH_NO_LIST = PATH_LISTS
};

/* A name in a directory. It is known by its parent and its name; a rename moves
 * it with all that is below it. */
struct path_node {
    struct path_node *chain;                /* in the table */
    struct path_node *parent;               /* NULL: the root, or detached */
    struct path_node *first, *next, **link; /* its children; its siblings */
    struct path_node *list_next, **list_link;
    struct path_node *other; /* of one that came: the one that was there, and
                                the other way; NULL: none */
    struct path_tree *tree;
    struct notify_mark *mark; /* NULL: none */
    char *name;               /* malloc's; the root has "" */
    uint64_t device, number;
    int64_t bytes, modified_ns, uid, gid;
    uint32_t round; /* of the last listing that has seen it */
    unsigned mode;
    unsigned char type;  /* rondo_file_type */
    unsigned char hints; /* enum notify_what, since it was last looked at */
    unsigned char list;  /* enum path_list */
    unsigned char what;  /* PATH_CHANGED: enum rondo_path_what */
    bool there;          /* when it was last looked at */
    bool gone;           /* of the mark: it tells nothing any more */
    bool full;           /* NOTIFY_LIST: look at each file that is listed */
};

struct path_nodes {
    struct path_node *first, **last;
};

/* What the loop asks of the thread. */
enum path_request { PATH_ADD = 1, PATH_TAKEN = 2, PATH_DROP = 4 };

/* One watch. From malloc. The thread owns it, except for `asked`, which its lock
 * guards, and from a delivery to the PATH_TAKEN that answers it the loop has
 * `completion`, `batch`, `events`, `error` and the sentence. After a delivery
 * with `last` it is the loop's. */
struct path_tree {
    struct path_tree *next;       /* the thread's */
    struct path_tree *asked_next; /* in the thread's queue */
    unsigned asked;               /* enum path_request */
    struct completion completion;
    void *handle; /* the loop's */
    bool delivered, last;

    /* as the program wants it */
    char *given;    /* the path */
    char *absolute; /* the same, from the root */
    bool recursive, poll, may_be_missing;
    int64_t settle_ns, interval_ns;

    /* what is known */
    struct notifier *notifier;
    struct path_node *root;
    struct notify_mark *above;    /* of the directory that the root is in */
    struct path_node *above_node; /* what owns it; in no table */
    struct path_node **buckets;
    size_t room, used;
    struct path_nodes list[PATH_LISTS];
    size_t unknown; /* nodes of names that are not known to be there */
    uint32_t round;
    bool begun, overflow, removing;
    bool astray; /* a directory has moved, and its hint has not come yet */
    int64_t due; /* when the dirty nodes are looked at; RONDO_NEVER: none */
    int64_t due_most; /* ... whatever is renamed until then */
    int64_t look;     /* when all is looked at; RONDO_NEVER: not by the time */
    char *buffer[2];  /* paths that are being made */
    size_t buffer_room[2];

    /* what is told */
    struct path_batch batch;
    unsigned events; /* RONDO_PATH_BEGUN, RONDO_PATH_OVERFLOW, _ENDED */
    int error;
    int64_t os_error;
    char sentence[512];
};

/* Makes one, with copies of the paths. NULL: out of memory. */
struct path_tree *path_tree_new(const char *given, const char *absolute);
/* Frees what the thread has made: nodes and marks. */
void path_tree_clear(struct path_tree *tree);
/* Frees one without nodes and marks. */
void path_tree_free(struct path_tree *tree);

/* NULL: there is none. */
struct path_node *path_find(const struct path_tree *tree,
                            const struct path_node *parent, const char *name);
/* Makes a node that is not there, and not in the table yet with that name. NULL:
 * out of memory. */
struct path_node *path_node_new(struct path_tree *tree,
                                struct path_node *parent, const char *name);
/* Takes it out of its parent and the table; it keeps its children. */
void path_node_detach(struct path_node *node);
/* Puts a detached one in the place of another one, which is freed. */
void path_node_replace(struct path_node *node, struct path_node *by);
/* Moves it to the end of a list, out of the one in which it is. */
void path_node_list(struct path_node *node, enum path_list list);
/* Gives it another name; it must be detached, and takes the text over. */
void path_node_rename(struct path_node *node, char *name);
/* Frees it, its marks, and all below. Detaches it first unless it is. */
void path_node_free(struct path_node *node);
/* The next one of a walk through all below `top`, from node on; it and all its
 * children come before their parent. path_first_below begins. */
struct path_node *path_first_below(struct path_node *top);
struct path_node *path_next_below(struct path_node *node);

/* Writes prefix and the path of the node below it into buffer `which` of the
 * tree. NULL: out of memory. */
const char *path_text(struct path_tree *tree, int which, const char *prefix,
                      const struct path_node *node);

/* It is to be looked at. */
void path_mark_dirty(struct path_node *node, unsigned hints);
/* All is: the hints that would have told were lost. */
void path_mark_all(struct path_tree *tree);
/* The notify_fn. */
void path_hint(void *owner, const char *name, unsigned what);

/* ---- looking: path_look.c ---- */

/* Begins: looks at all. Returns 0, or an error with a sentence. */
int path_begin(struct path_tree *tree);
/* Looks at what is dirty and puts what has changed into the batch. The same. */
int path_look(struct path_tree *tree);

/* ---- the thread: path_thread.c ---- */

struct path_thread;

/* 0, or an error with a sentence. */
int path_thread_start(rondo_loop *loop, struct path_thread **made);
/* Waits until it has ended. All trees are the loop's. */
void path_thread_stop(struct path_thread *t);
void path_thread_forked(struct path_thread *t);
void path_thread_ask(struct path_thread *t, struct path_tree *tree,
                     enum path_request what);
/* It is the loop's: drops what was asked for it meanwhile. */
void path_thread_forget(struct path_thread *t, const struct path_tree *tree);

/* The arg of a HANDLE_PATH: for parts.c. */
void *path_arg(const struct handle *handle);
/* The thread's completion of a tree has come: path_watch.c. */
void path_told(rondo_loop *loop, struct completion *completion);

#endif
