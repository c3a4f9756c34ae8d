/* harness_kinds.h - every kind of transport, for tests of kinds x features.
 * SPDX-License-Identifier: MIT
 *
 * A table has a row for each kind of transport and a column for each feature.
 * Its cells say what is expected: 0, the feature works; a RONDO_E..., it is
 * refused with that error and a sentence; or one of CELL_... below. A test
 * tries one column on every kind that this loop and this system have. When
 * something is not as expected, the table is printed at the end.
 *
 *   RONDO_TEST_TABLE  print it in any case
 */
#ifndef RONDO_TEST_HARNESS_KINDS_H
#define RONDO_TEST_HARNESS_KINDS_H

#include "harness.h"
#include "raw_net.h"

enum kind_id {
    KIND_TCP,
    KIND_UNIX,
    KIND_SERVED, /* the server's side of a named pipe */
    KIND_CLIENT, /* the other one */
    KIND_PIPE_READS,
    KIND_PIPE_WRITES,
    KIND_LENT_READS, /* a borrowed pipe */
    KIND_LENT_WRITES,
    KIND_OVERLAPPED_READS, /* a pipe of Windows that a port serves */
    KIND_OVERLAPPED_WRITES,
    KIND_FIFO_READS,
    KIND_FIFO_WRITES,
    KIND_TERMINAL_READS,
    KIND_TERMINAL_WRITES,
    KIND_HALF_TCP_READS, /* a TCP socket taken as a pipe */
    KIND_HALF_TCP_WRITES,
    KIND_HALF_UNIX_READS,
    KIND_HALF_UNIX_WRITES,
    KIND_CHILD_READS, /* a child's stdout */
    KIND_CHILD_WRITES,
    KIND_CHILD_EXTRA, /* a child's descriptor 3; here it only reads */
    KIND_FILE_READS,
    KIND_FILE_WRITES,
    KINDS
};

struct rig;

struct kind {
    const char *name;
    /* Makes rig->p's transport, and far's. false: this system has none. */
    bool (*open)(struct rig *r);
    bool reads, writes; /* what the rig can do with it */
    bool half;          /* the transport has one direction */
    bool file;          /* there is no other end */
    bool drops; /* what was not read when the other end leaves is lost */
};

extern const struct kind kinds[KINDS];

enum { RIG_SUPPLY = 200000, RIG_MUCH = 1 << 20 };

/* One transport and what is at its other end: a second transport of the same
 * loop. What goes either way is the pattern, from its start. */
struct rig {
    struct world *w;
    enum kind_id id;
    const struct kind *kind;
    struct peer *p;   /* tried */
    struct peer *far; /* NULL: a file */
    uint64_t fed, written;
    raw_fd copy;          /* of a file that is written, or RONDO_NO_FD */
    raw_fd lent;          /* borrowed by p, or RONDO_NO_FD */
    struct proc *proc;    /* whose pipe it is */
    struct listener *l;   /* of a named pipe */
    bool cut;             /* what was written need not have arrived */
    bool torn;            /* ... and how much there was is not known */
    rondo_server *serves; /* accepts p */
};

/* Neither is made yet. NULL: this loop or this system has no such kind. */
struct rig *rig_open(struct world *w, enum kind_id id);
/* Both are made. */
struct rig *rig_new(struct world *w, enum kind_id id);
/* p's transport has this protocol from now on. */
void rig_use(struct rig *r, const rondo_protocol *protocol);
/* Sends the next bytes of the pattern to p, at most RIG_SUPPLY in all; a file
 * has all of them from the beginning. As rondo_transport_write. */
int rig_feed(struct rig *r, size_t size);
/* The other end leaves in order, once all that was fed has left. */
void rig_hang_up(struct rig *r);
/* Where it reads: all of its supply goes through the protocol's buffers, of so
 * many bytes, and then the end is told; else nothing asks for one. 0, as an
 * attempt of a table answers. */
int rig_fills_buffers(struct rig *r, const rondo_protocol *protocol,
                      size_t size);
/* p writes the next bytes of the pattern; as rondo_transport_write. */
int rig_write(struct rig *r, size_t size);
/* What p writes stays in its buffer until rig_unblock: RIG_MUCH bytes have been
 * written. A file never blocks: they wait until the loop runs. */
void rig_block(struct rig *r);
void rig_unblock(struct rig *r);
/* Runs until the other end has all that was written, and nothing else. */
void rig_arrives(struct rig *r);
/* Closes what is open, runs until all of it is gone, and checks that each was
 * lost once. */
void rig_end(struct rig *r);
/* A call's result: 0; or its error, whose sentence must be that call's. */
int rig_result(int64_t result, const char *call);

/* How a protocol takes the bytes: those before `position` are taken. */
struct taking {
    struct rig *r;
    uint64_t position;
    unsigned calls, refusals;
    bool held; /* something was given back, and reading paused */
};

struct taking *taking_new(struct rig *r); /* r->p->user */
/* Inside data_received: takes the first `used` bytes and gives the others
 * back. */
void take(struct peer *p, const void *data, size_t size, size_t used);
void take_all(struct peer *p, const void *data, size_t size); /* on_data */
/* Takes a quarter, gives the rest back and pauses: it is held. */
void take_and_hold(struct peer *p, const void *data, size_t size);
/* The rest is fed, the other end leaves, and all of it is taken once. 0. */
int read_to_the_end(struct rig *r, const struct taking *t);

/* ---- tables ------------------------------------------------------------- */

enum { CELL_NONE = 1 /* makes no sense here */ };

enum { KIND_COLUMNS = 16 };

/* Rows of a table for kinds that have one direction and another end: all pipes
 * but overlapped ones, and sockets that are taken as pipes. A row is a
 * list in braces, which cannot stand in parentheses. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define KIND_PIPE_ROWS(reads, writes)                                          \
    [KIND_PIPE_READS] = reads, [KIND_PIPE_WRITES] = writes,                    \
    [KIND_LENT_READS] = reads, [KIND_LENT_WRITES] = writes,                    \
    [KIND_FIFO_READS] = reads, [KIND_FIFO_WRITES] = writes,                    \
    [KIND_TERMINAL_READS] = reads, [KIND_TERMINAL_WRITES] = writes,            \
    [KIND_CHILD_READS] = reads, [KIND_CHILD_WRITES] = writes
#define KIND_HALF_SOCKET_ROWS(reads, writes)                                   \
    [KIND_HALF_TCP_READS] = reads, [KIND_HALF_TCP_WRITES] = writes,            \
    [KIND_HALF_UNIX_READS] = reads, [KIND_HALF_UNIX_WRITES] = writes
/* NOLINTEND(bugprone-macro-parentheses) */

struct kind_column {
    const char *name;
    /* 0, or the error of the call that was refused */
    int (*attempt)(struct rig *r);
    bool unmade; /* begins before connection_made */
};

struct kind_table {
    const char *title;
    struct kind_column columns[KIND_COLUMNS];
    int cells[KINDS][KIND_COLUMNS];
    int rows; /* the first ones alone; 0: all */
};

/* Tries that column on every kind. */
void kinds_try(struct world *w, const struct kind_table *table, size_t column);

#endif
