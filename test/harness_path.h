/* harness_path.h - watched paths, and what they tell.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_PATH_H
#define RONDO_TEST_HARNESS_PATH_H

#include "harness_file.h"

enum { PATH_TOLD_MOST = 2048 };

/* One event that was told. */
struct path_told {
    unsigned what;
    rondo_file_type type;
    const char *path; /* behind the folder of the test */
    const char *from; /* the same; "" : none */
    bool more;
    uint64_t iteration;
};

struct path_log {
    struct world *w;
    rondo_loop *loop;
    rondo_id id;
    const char *path;
    unsigned events; /* all that were told, RONDO_PATH_BEGUN too */
    unsigned begun, overflows, ended;
    bool may_again; /* it may begin once more */
    int error;      /* of the end */
    char sentence[512];
    bool more;    /* the next event was seen with the last one */
    size_t count; /* of told: those of files */
    struct path_told told[PATH_TOLD_MOST];
    /* called for each event of a file, after it is written down */
    void (*act)(struct path_log *log, const struct path_told *told);
    void *data;
};

/* Watches what has that name in the folder ("": the folder made for this), and
 * waits until it has begun. options: NULL, or from RONDO_PATH(...). */
struct path_log *path_watch(struct world *w, const char *name,
                            const rondo_path_options *options);
/* The same without waiting, in any loop. */
struct path_log *path_watch_on(struct world *w, rondo_loop *loop,
                               const char *name,
                               const rondo_path_options *options);
void path_end(struct path_log *log);
/* Runs until such an event was told: a bit of it, and its path. */
void path_sees(struct path_log *log, unsigned what, const char *name);
void path_sees_rename(struct path_log *log, const char *from, const char *to);
/* Has it been told? How often? */
bool path_has(const struct path_log *log, unsigned what, const char *name);
unsigned path_times(const struct path_log *log, unsigned what,
                    const char *name);
/* Forgets what was told so far. */
void path_forget(struct path_log *log);
/* Has `act` called in the loop's callback of an event, so that all it does is
 * seen as one; then runs until the event of a last file was told, which it makes
 * itself. What was told of that one is not in the log. */
void path_at_once(struct path_log *log, void (*act)(struct path_log *log));
/* Fails unless these are all events: "C name", "M name", "A name", "D name",
 * "R from to", in any order, NULL at the end. A file that is told as new may be
 * told once more, as the hints of the system come later than the file. */
void path_told_exactly(struct path_log *log, const char *const *words);

/* Changes that need no loop. */
void path_write(struct world *w, const char *name, const char *text);
void path_append(struct world *w, const char *name, const char *text);
void path_rename(struct world *w, const char *from, const char *to);
void path_unlink(struct world *w, const char *name);
void path_mkdir(struct world *w, const char *name);
void path_rmdir(struct world *w, const char *name);
/* With all that is in it. */
void path_clear(struct world *w, const char *name);

#endif
