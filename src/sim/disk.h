/* disk.h - the file system of a simulated host. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_DISK_H
#define RONDO_SIM_DISK_H

#include "sim/net.h"

enum { DISK_LINKS_MOST = 40, DISK_TEXT = 65536, DISK_NAME_MOST = 255 };

enum disk_type { DISK_FILE, DISK_DIRECTORY, DISK_LINK, DISK_FIFO, DISK_NULL };

/* A name in a directory. */
struct disk_entry {
    struct disk_entry *next, **link; /* of the directory, in order */
    struct disk_entry *chain;        /* of those with one hash */
    struct disk_node *node;
    char name[];
};

struct disk_bytes {
    char *bytes;
    size_t size, room;
};

struct disk_lock {
    struct disk_lock *next;
    const struct disk_open *owner;
    int64_t start, end;
    bool shared;
};

/* What a name leads to. It stays until the world ends. */
struct disk_node {
    struct disk_node *next;
    struct sim_disk *disk;
    enum disk_type type;
    uint64_t number;
    unsigned mode;
    int64_t uid, gid;
    int64_t accessed_ns, modified_ns, changed_ns;
    unsigned links, opens;
    struct disk_bytes now, kept;        /* of a file; what a crash leaves */
    char *target;                       /* of a symbolic link */
    struct disk_node *parent;           /* of a directory */
    struct disk_entry *entries, **last; /* ... */
    struct disk_entry *old;             /* what a crash leaves of them */
    struct disk_entry **buckets;
    size_t count, bucket_count;
    struct sim_pipe *pipe; /* of a FIFO, while it is open */
    struct disk_lock *locks;
    struct notify_mark *marks; /* that watch it */
};

struct sim_disk {
    struct sim_host *host;
    struct disk_node *root, *nodes;
    uint64_t numbers;
    int64_t most, used; /* bytes */
};

/* An open file; its descriptors share it. */
struct disk_open {
    struct disk_node *node;
    unsigned flags; /* RONDO_FILE_... */
    size_t position;
};

/* disk.c */
struct sim_disk *disk_of(struct sim_host *host);
struct disk_node *disk_new_node(enum disk_type type, unsigned mode);
/* Where a path leads. The name is its last part, in `parent`; node NULL: there
 * is none of that name. Returns 0 or an error, if the parent is not there. */
struct disk_place {
    struct disk_node *parent, *node;
    char name[DISK_NAME_MOST + 1]; /* "": the node is no entry of a name */
    bool slash;                    /* a separator ends the path */
};
int disk_find(struct disk_node *base, const char *path, bool follow,
              struct disk_place *place);
/* The same; RONDO_ENOENT if there is none. */
int disk_find_node(const char *path, bool follow, struct disk_place *place);
/* Puts a node there. The place is free. moves: it had another name. */
void disk_enter(const struct disk_place *place, struct disk_node *node);
void disk_enter_moved(const struct disk_place *place, struct disk_node *node);
/* What a name leads to; NULL: there is none. */
struct disk_node *disk_look(const struct disk_node *parent, const char *name);
/* Takes the name away. */
void disk_leave(struct disk_node *parent, const char *name);
void disk_leave_moved(struct disk_node *parent, const char *name);
/* A call may take its time, and may fail: 0, or RONDO_EIO. */
int disk_call(void);
int64_t disk_time(void);
void disk_change_time(struct disk_node *node, bool bytes);
/* Sets the size. 0, or RONDO_ENOSPC. What is new is zeros. */
int disk_resize(struct disk_node *node, size_t size);
void disk_sync(struct disk_node *node);
void disk_unopen(struct disk_node *node);
void disk_tell(const struct disk_node *node, rondo_file_info *info);
int disk_refuse(int error);

/* files.c */
/* The open file of a descriptor; NULL, and the error: RONDO_EBADF. */
struct disk_open *files_get(sys_fd fd);
int64_t files_read_at(const struct disk_open *o, void *data, size_t size,
                      size_t at);
int64_t files_write_at(struct disk_open *o, const void *data, size_t size,
                       size_t at);
/* fifos: they are opened, too. */
int files_open(struct disk_node *base, const char *path, unsigned flags,
               unsigned mode, bool fifos, sys_fd *fd);
void files_unlock_all(struct disk_node *node, const struct disk_open *owner);

/* changes.c: what watched paths hear, in bits of enum notify_what */
/* Of a thing, by each of its names. */
void changes_of(const struct disk_node *node, unsigned what);
/* Of a name. */
void changes_named(const struct disk_node *parent, const char *name,
                   unsigned what);
/* No name leads to it any more. */
void changes_gone(const struct disk_node *node);

/* pipes.c */
int pipes_open_fifo(struct sim_pipe **pipe, unsigned sides, sys_fd *fd);

#endif
