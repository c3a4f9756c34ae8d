/* model.h - random programs over the public interface, held against a model. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_MODEL_H
#define RONDO_SIM_MODEL_H

#include "rondo.h"
#include "rondo_sim.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- chance ---- */

/* All that acts: a loop's program, a side of a connection. What it does at its
 * n-th occasion depends on the seed, its key and n alone. So a step that is
 * left out leaves the steps of the others as they are, and a failing program
 * can be made shorter. */
struct actor {
    uint64_t key;
    unsigned count, number;
    const char *kind;
};

/* One occasion to do something. */
struct step {
    struct actor *actor;
    uint64_t key, bits;
    const char *where;
    bool after_end; /* of a side that writes no more */
};

/* false: this step is left out. */
bool step_begin(struct step *step, struct actor *actor, const char *where);
unsigned step_below(struct step *step, unsigned n);
/* Keeps what the step did, for the list of a failure. */
void step_did(const struct step *step, const char *verb, int64_t result);
struct actor actor_child(struct step *step, const char *kind);

/* ---- what is held against the model ---- */

#define must(...) rondo_sim_check(__VA_ARGS__)

/* Memory of a run: freed, all at once, at its end. Never fails. */
void *model_alloc(size_t size);
void model_free_all(void);
/* Memory of the calling host, which a crash frees, too. Never fails. */
void *host_alloc(size_t size);

/* An operation that owes exactly one done. */
struct op {
    struct op *next;
    const char *what;
    struct side *side;   /* whose it is, or NULL */
    struct place *place; /* the loop that owes it */
    int64_t expects;     /* the result of a success; -1: any */
    uint64_t order;      /* of writes */
    bool accepted;
    unsigned dones;
    void *bytes; /* lent until done, then freed */
    struct step step;
    struct raw *raw;
    void *arg;
};

struct op *op_new(const char *what, struct place *place, struct side *side,
                  int64_t expects);
/* The call has returned: id or 0 is accepted. Returns the result. */
int64_t op_called(struct op *op, int64_t result);
/* It has ended. false: a second time. */
bool op_ended(struct op *op, rondo_loop *loop, int64_t result);

/* Any operation that has begun may be cancelled later. */
void op_may_be_cancelled(struct place *place, rondo_id id);

/* A loop, and the thread that runs it. */
struct place {
    struct actor actor;
    rondo_loop *loop;
    int host;
    bool main;        /* a host's, not one of a group */
    bool ending;      /* nothing new; all that is there ends */
    bool closing;     /* in rondo_loop_close */
    bool finished;    /* its host's main has returned */
    int64_t awake_at; /* when a callback has last slept */
    uint64_t timer_order, timer_ran_order;
    int64_t timer_ran_when;
    uint64_t soon_order, soon_ran;
    size_t blocks, allocations; /* of its allocator */
    int64_t called_at;          /* the last callback */
    bool stopped;
    unsigned open; /* sides made and not lost */
    unsigned steps_left;
    unsigned server_count, hook_count;
    rondo_server *servers[8];
    rondo_id hooks[8];
    rondo_id ids[16]; /* of operations, to be cancelled some time */
    unsigned id_count;
    struct timer *timers[16];
    rondo_datagram *datagram;
    unsigned kids; /* processes that are not lost */
    rondo_group *group;
    rondo_group_server *group_server;
    rondo_executor *executor;
    rondo_allocator allocator;
};

struct place *place_of(rondo_loop *loop);
/* The place's loop calls the program: is this a moment at which it may? A
 * callback that was due at `due` runs exactly then. */
void place_calls(struct place *p, const char *what, int64_t due);
void place_sleep(struct place *p, int64_t ns);

/* From here on a focus is one of the kinds of sides, and of their endings. */
enum { FOCUS_KIND = 64, FOCUS_ENDING = 128 };

/* Everything of a run. */
struct model {
    uint64_t seed;
    bool faults;       /* errors may come from nowhere */
    bool exact;        /* callbacks run exactly when they are due */
    bool relays_break; /* those between a client and a server */
    const uint64_t *skipped, *kept;
    size_t skip_count, kept_count;
    bool backend_sends_files; /* a cancel catches a part on its way */
    unsigned sides, ops_count, files;
    uint64_t steps;
    struct place *places;
    unsigned place_count;
    int crashed; /* a host, or -1 */
    struct side *all_sides[4096];
    struct op *ops;
    struct timer *timers;
    struct soon *soons;
    struct kid *kids;
    unsigned focus[2];          /* what happens more often */
    const unsigned char *bytes; /* of the steps to come, as in the options */
    size_t byte_count;
    /* NULL, or is told of each step: its key when it begins, its text later */
    void (*did)(uint64_t key, const char *text);
};

extern struct model model;

enum { MODEL_HOSTS = 2, MODEL_PORT = 1000, MODEL_PORTS = 6 };
extern const char *const model_hosts[MODEL_HOSTS];

/* ---- model_loop.c: timers, callbacks, posts, jobs, datagrams ---- */

struct timer {
    struct timer *next;
    struct place *place;
    rondo_id id;
    int64_t when, period; /* period 0: once */
    uint64_t order;
    bool pending, firing;
    void (*fn)(struct timer *timer);
    void *arg;
};

struct soon {
    struct soon *next;
    struct place *place;
    int64_t when;
    uint64_t order; /* 0: in no order that can be told */
    bool pending;
    rondo_id id;
    void (*fn)(struct soon *soon);
    void *arg;
};

/* NULL: it could not be started. */
struct timer *timer_start(struct place *p, int64_t delay_ns,
                          void (*fn)(struct timer *timer), void *arg);
void timer_cancel(struct timer *timer);
void loop_act(struct place *p, struct step *step);
/* In a callback of the loop's: something, now and then. */
void loop_act_some(struct place *p, const char *where);
int64_t datagram_act(struct place *p, struct step *step);
void loop_end_all(struct place *p);
void loop_check_end(void);
/* model_net.c */
int64_t v_reader_free(struct side *s, struct step *step);
int64_t v_reader_drain(struct side *s, struct step *step);
void net_begin(struct place *p);
int64_t net_connect(struct place *p, struct step *step);
int64_t net_serve(struct place *p, struct step *step);
void net_end(struct place *p);

/* ---- model_side.c: one side of a stream ---- */

enum side_kind {
    SIDE_CLIENT,
    SIDE_SERVER,
    SIDE_UNIX_CLIENT,
    SIDE_UNIX_SERVER,
    SIDE_GROUP,
    SIDE_ACCEPTED,
    SIDE_PIPE_READER,
    SIDE_PIPE_WRITER,
    SIDE_KINDS
};

/* Each is the end of a side. */
#define SIDE_ENDINGS(X)                                                        \
    X(close)                                                                   \
    X(close_within)                                                            \
    X(close_now)                                                               \
    X(abort)                                                                   \
    X(abort_with)                                                              \
    X(by_server)                                                               \
    X(both_ended)                                                              \
    X(reset)                                                                   \
    X(timed_out)                                                               \
    X(loop_closed)
#define SIDE_ENDING(name) ENDED_##name,
enum side_ending { SIDE_ENDINGS(SIDE_ENDING) ENDINGS };

struct side {
    struct actor actor;
    enum side_kind kind;
    struct place *place;
    rondo_transport *t; /* NULL: not made yet, lost, or raw */
    struct side *peer;
    uint64_t sent, received;
    unsigned char head[8]; /* the first bytes: who the peer is */
    uint64_t used;         /* verbs and traits, by bit */
    unsigned steps_left;
    bool made, leaves, lost, eof, raw; /* leaves: connection_lost has begun */
    bool wrote_end, closed, cut, aborted, resets, detached, moving, timeouts;
    bool writing_paused, pause_inside, filtered, by_server, within;
    bool background, heard_end, adopted, had_reader;
    bool relayed;           /* a relay stands between it and its peer */
    bool paused;            /* by the program: no data comes */
    int64_t over_by;        /* when connection_lost comes at the latest */
    int abort_error, fails; /* fails: the error of connection_lost */
    size_t high;
    unsigned ops; /* that owe a done before connection_lost */
    uint64_t write_order, write_done;
    rondo_reader *reader;
    struct op *read; /* of the reader, under way */
    struct timer *tick;
    char *room; /* of get_buffer, which it may fill */
    size_t room_size;
    unsigned protocol; /* which of the tables */
    unsigned fds_sent, fds_taken;
    bool sends_file;
    enum side_ending ending;
};

struct side *side_new(struct place *p, enum side_kind kind, struct step *step);
const rondo_protocol *side_protocol(struct side *s);
void side_act(struct side *s, const char *where);
/* Does something to any side of that loop. */
int64_t side_act_any(struct place *p, struct step *step);
void side_received(struct side *s, const void *data, size_t size);
/* The peer's orderly end has come. */
void side_ended(struct side *s);
void side_over(struct side *s, int error);
unsigned char side_byte(const struct side *s, uint64_t place);
void side_fill(struct side *s, char *bytes, size_t size);
void side_tick(struct side *s);
/* In a protocol's factory. */
void side_writes_early(struct side *s, rondo_transport *t);
/* What a side is or has, beside the verbs that were used on it. */
enum side_trait {
    TRAIT_ADOPTED,
    TRAIT_READER,
    TRAIT_GET_BUFFER,
    TRAIT_GET_BUFFERS,
    TRAIT_UNREAD,
    TRAIT_RAW,
    TRAIT_RELAYED,
    TRAIT_TAKES_FDS
};
void side_has(struct side *s, enum side_trait trait);
/* The program tries what readers do, descriptors that travel, an ending. */
bool side_wants_reader(void);
bool side_wants_fds(void);
bool side_wants_kind(enum side_kind kind);
bool side_wants_ending(enum side_ending ending);
unsigned side_verbs(void);
const char *side_verb_name(unsigned i);

/* ---- model_write.c ---- */

int64_t v_write(struct side *s, struct step *step);
int64_t v_writev(struct side *s, struct step *step);
int64_t v_write_owned(struct side *s, struct step *step);
int64_t v_write_then(struct side *s, struct step *step);
int64_t v_try_write(struct side *s, struct step *step);
int64_t v_drain(struct side *s, struct step *step);

/* ---- model_system.c ---- */

int64_t v_send_fd(struct side *s, struct step *step);
int64_t v_sendfile(struct side *s, struct step *step);
/* Inside a callback of bytes. */
void side_takes_fds(struct side *s, rondo_transport *t);
int64_t pipe_act(struct place *p, struct step *step);
int64_t file_act(struct place *p, struct step *step);
int64_t signal_act(struct place *p, struct step *step);

/* ---- model_child.c ---- */

void child_programs(void);
int64_t child_act(struct place *p, struct step *step);
void child_end_all(struct place *p);
void child_check_end(void);
/* A stopped child of a host that was killed stays, with its descriptors. */
bool child_may_stay(void);

/* ---- model_watch.c ---- */

int64_t watch_act(struct place *p, struct step *step);

/* ---- model_filter.c ---- */

int filter_push(rondo_transport *t, struct side *s, struct step *step,
                bool holds, rondo_done_fn done, void *arg);
/* As a setup function; arg is an actor. */
int filter_setup(rondo_transport *t, void *arg);

/* ---- model_raw.c: descriptors of the program's ---- */

void raw_begin(struct side *s, rondo_fd fd);

/* ---- model_relay.c ---- */

int relay_serve(struct place *p, const char *ip, uint16_t port,
                void (*closed)(rondo_server *server, void *arg), void *arg,
                rondo_server **server);

/* ---- model.c ---- */

struct model_result {
    uint64_t events, hash, steps, bytes;
    unsigned connections;
};

struct model_options {
    const char *backend;
    const char *trace; /* a file's name, or NULL */
    bool faults;
    const uint64_t *skipped; /* sorted: steps that are left out */
    size_t skip_count;
    const uint64_t
        *kept; /* sorted: the only steps; NULL: all but those above */
    size_t kept_count;
    unsigned focus[2]; /* verbs + 1, or as above; 0: none */
    bool tortures;     /* a short program, in which each fault may happen */
    /* a byte for each step: 0 leaves what the seed decides, and others do not */
    const unsigned char *bytes;
    size_t byte_count;
    void (*did)(uint64_t key, const char *text);
    /* pairs met: bits of [verb * verbs + verb], then kinds and endings */
    void (*met)(unsigned verb, unsigned other, unsigned kind, unsigned ending);
};

/* What a seed says besides its chance: which verbs are tried more often, and
 * whether there are faults. */
struct model_options model_options_of(uint64_t seed, const char *backend);
/* Plays one program. 0: all held; 1: rondo_sim_failure tells what did not. */
int model_play(uint64_t seed, const struct model_options *options,
               struct model_result *result);

#endif
