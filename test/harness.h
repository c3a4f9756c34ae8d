/* harness.h - what every test file is written with.
 * SPDX-License-Identifier: MIT
 *
 * A test executable runs its tests on one backend: RONDO_TEST_BACKEND names
 * it, the platform's best otherwise. Each test gets a world of its own: a
 * fresh loop, an allocator that counts, and a snapshot of the open
 * descriptors. After the test the loop is closed, and memory or descriptors
 * left over fail the test.
 *
 *   RONDO_TEST_RESULTS  file to append START and RESULT lines to
 *   RONDO_TEST_FILTER   a pattern of test names with * and ?
 *   RONDO_TEST_SLOW     factor for deadlines, where the harness cannot measure
 *
 * Callbacks may run until the loop is closed, which is after the test
 * function has returned: what they touch comes from test_peer, test_alloc or
 * static storage, never from the test's own stack.
 */
#ifndef RONDO_TEST_HARNESS_H
#define RONDO_TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "raw.h"
#include "rondo.h"

/* ---- 1. tests and their world ------------------------------------------ */

struct memory; /* harness_memory.c */
struct own;    /* harness_own.c */

struct world {
    rondo_loop *loop;       /* NULL it after closing it yourself */
    rondo_loop *other;      /* a second loop, from test_other_loop */
    const char *backend;    /* never to be compared with: ask supports */
    bool leaves;            /* something may live in the loop at the end */
    bool allow_descriptors; /* the test means to leave descriptors changed */
    struct memory *memory;
    rondo_allocator allocator;
    struct raw_snapshot descriptors;
    raw_fd *exhausted;
    size_t exhausted_count;
    int64_t descriptor_limit; /* to restore; 0: it was not changed */
    void *arena;
    struct own *own;
    const char *row; /* of the table that EACH_ROW is at */
    char reason[256];
};

struct test {
    const char *name, *file;
    int line; /* tests run in the order of their lines */
    void (*fn)(struct world *w);
    bool leaves; /* see TEST_LEAVES */
    struct test *next;
};

/* Defines a test and registers it: TEST(S4_low_alone) { ... }, with its world
 * in `w`. At its end nothing may live in its loop. */
#define TEST(function) TEST_AS(function, false)
/* The same, but it leaves something alive, which the loop is closed with. */
#define TEST_LEAVES(function) TEST_AS(function, true)

#define TEST_AS(function, leaves_alive)                                        \
    static void function(struct world *w);                                     \
    static struct test function##_test = {                                     \
        .name = #function,                                                     \
        .file = __FILE__,                                                      \
        .line = __LINE__,                                                      \
        .fn = (function),                                                      \
        .leaves = (leaves_alive),                                              \
    };                                                                         \
    TEST_AT_START(function##_register)                                         \
    {                                                                          \
        test_register(&function##_test);                                       \
    }                                                                          \
    static void function(TEST_UNUSED struct world *w)

/* A test of one statement: TEST_CASE(S4_low_alone, try_limits(w, 1, 0)); */
#define TEST_CASE(function, statement) TEST_CASE_AS(function, false, statement)
#define TEST_CASE_LEAVES(function, statement)                                  \
    TEST_CASE_AS(function, true, statement)

#define TEST_CASE_AS(function, leaves_alive, statement)                        \
    TEST_AS(function, leaves_alive)                                            \
    {                                                                          \
        statement;                                                             \
    }                                                                          \
    struct test /* takes the semicolon */

/* Goes through a table whose rows have a `name`, which a failure tells:
 *
 *     static const struct { const char *name; int high, low; } rows[] = {...};
 *
 *     for (EACH_ROW(w, row, rows))
 *         try_limits(w, row->high, row->low);
 */
#define EACH_ROW(w, row, rows)                                                 \
    __typeof__ (&(rows)[0])(row) = (rows);                                     \
    test_row(w, (row) < (rows) + COUNT_OF(rows) ? (row)->name : NULL) &&       \
        (row) < (rows) + COUNT_OF(rows);                                       \
    (row)++
bool test_row(struct world *w, const char *name); /* false: after the last */

/* What all tests of an executable share: `begin` runs before the first one and
 * answers false when it failed, `end` runs after the last one. Wherever the
 * file with this line is linked, they run. */
#define TEST_AROUND(begin_fn, end_fn)                                          \
    TEST_AT_START(register_##begin_fn)                                         \
    {                                                                          \
        static struct test_around around = {.begin = (begin_fn),               \
                                            .end = (end_fn)};                  \
        test_register_around(&around);                                         \
    }                                                                          \
    struct test_around /* takes the semicolon */

struct test_around {
    bool (*begin)(void); /* may be NULL */
    void (*end)(void);   /* may be NULL */
    struct test_around *next;
};

void test_register(struct test *test);
void test_register_around(struct test_around *around);

#define TEST_UNUSED __attribute__((unused))
#define TEST_AT_START(function)                                                \
    static __attribute__((constructor)) void function(void)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* a list of words, with a NULL at its end */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ends the test as skipped: because of rondo_loop_supports, rondo_loop_limit
 * or a fact of the platform, which the reason names */
void test_skip(struct world *w, const char *reason);
void test_skip_if(struct world *w, bool condition, const char *reason);
void test_fail(struct world *w, const char *format, ...) RONDO_PRINTF(2, 3)
#if defined(__GNUC__)
    __attribute__((noreturn))
#endif
    ;

/* zeroed memory that lives until the loop is closed */
void *test_alloc(struct world *w, size_t size);
/* The end of the test calls this once its loops are closed. What was asked for
 * last is done first, test_own's descriptors among it. */
void test_at_end(struct world *w, void (*fn)(void *arg), void *arg);

/* options for another loop of this backend, with this world's allocator */
rondo_loop_options test_loop_options(struct world *w);
/* makes w->other; closed with the world unless the test does it and NULLs it */
rondo_loop *test_other_loop(struct world *w);
void test_close_loop(struct world *w); /* closes w->loop and NULLs it */
void test_close_other(struct world *w);
/* a text that lives as long as what test_alloc gives */
const char *test_format(struct world *w, const char *format, ...)
    RONDO_PRINTF(2, 3);

/* 1 on a machine of its own; up to 10 under sanitizers, valgrind and emulators,
 * and where the machine is busy when the first test asks. Volumes of work are
 * divided by it, limits of time multiplied. */
int test_slowness(void);
/* how long what another program or thread does may take; it knows no bounds */
int test_patience_ms(void);

/* The thread sanitizer ends a child that starts a thread. */
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif
#ifndef THREAD_SANITIZER
#define THREAD_SANITIZER 0
#endif

/* ---- 2. memory ---------------------------------------------------------- */

uint64_t test_allocations(const struct world *w); /* ever made */
size_t test_live_blocks(const struct world *w);
size_t test_live_bytes(const struct world *w);
size_t test_peak_bytes(const struct world *w);
void test_reset_peak(struct world *w);
/* The n-th allocation from now fails, once (1: the next; 0: none). */
void test_fail_allocation(struct world *w, uint64_t n);
/* From the n-th allocation on, each fails until test_fail_allocation(w, 0). */
void test_fail_allocations_from(struct world *w, uint64_t n);
uint64_t test_failed_allocations(const struct world *w); /* since asked for */
/* Tries this with the first allocation failing, the second and so on, until it
 * answers no error: that answer. Before, it was RONDO_ENOMEM, at least once. */
int64_t test_try_without_memory(struct world *w, int64_t (*fn)(void *arg),
                                void *arg);
/* for (uint64_t n = 1; test_nth_fails(w, n); n++): plays it with the first
 * allocation in it failing, then the second, until none fails any more. */
bool test_nth_fails(struct world *w, uint64_t n);

/* ---- descriptors -------------------------------------------------------- */

/* The end of the test closes it, after its loops; answers with it. */
raw_fd test_own(struct world *w, raw_fd fd);
/* The test does that itself, now: closes it, resets it, or gives it away; or
 * closes all that it owns. */
void test_close_own(struct world *w, raw_fd fd);
void test_reset_own(struct world *w, raw_fd fd);
raw_fd test_disown(struct world *w, raw_fd fd);
void test_close_all_own(struct world *w);
/* As test_own for two: put RONDO_NO_FD in place of one that you close or give
 * away. */
raw_fd *test_own_pair(struct world *w, const raw_fd pair[2]);
/* ... and for two plain ends of a TCP connection, or of a pipe: ends the test
 * as skipped where there are no pipes. */
raw_fd *test_sockets(struct world *w);
raw_fd *test_own_pipe(struct world *w);
/* From here to the end of the test the process may have that many; ends the
 * test as skipped where it may not. */
void test_allow_descriptors(struct world *w, int64_t count);
/* ... and no more than that, until test_free_descriptors. */
void test_limit_descriptors(struct world *w, int64_t limit);
/* The lowest number of a descriptor that the backend refuses, which the process
 * may have from here on; ends the test as skipped where there is none. */
int64_t test_number_limit(struct world *w);
/* No more than `left` are left to the process until test_free_descriptors; ends
 * the test as skipped where their number has no limit. */
void test_exhaust_descriptors(struct world *w, size_t left);
void test_free_descriptors(struct world *w);

/* ---- 3. running the loop ------------------------------------------------ */

#define TEST_DEADLINE_MS 20000

/* Runs w->loop, and w->other when there is one, until the condition holds;
 * fails the test loudly when it does not within 20 s (times slowness). */
#define test_run_until(w, condition)                                           \
    do {                                                                       \
        struct test_wait wait_ = {                                             \
            .what = #condition, .file = __FILE__, .line = __LINE__};           \
        while (!(condition))                                                   \
            test_wait_step(w, &wait_);                                         \
    } while (0)

struct test_wait {
    const char *what, *file;
    int line;
    int64_t since_ns, dead_since_ns; /* 0: not yet known */
};
void test_wait_step(struct world *w, struct test_wait *wait);

void test_run_loop(struct world *w);    /* until nothing is left */
void test_spin(struct world *w, int n); /* n iterations that do not wait */
/* Runs w->loop alone until a timer of that length has fired; answers how many
 * iterations it took, which is few unless something makes the loop spin. */
uint64_t test_run_for(struct world *w, int64_t ns);
/* rondo_loop_run_forever, which fails loudly if what stops it does not come
 * within three times that long */
void test_run_until_stopped(struct world *w);
/* rondo_loop_run_forever, which another thread stops after so long. */
void test_run_stopped_by_thread(struct world *w, int ms);
/* Keeps the thread busy for so long by the loop's clock. */
void test_busy(rondo_loop *loop, int64_t ns);
/* Lets other threads, and sometimes the loop, go on: for tests of what happens
 * at whatever moment. */
void test_let_go_on(struct world *w, unsigned *seed);
/* Runs fn in a forked child, which must end with 0; skips the test where there
 * is no fork. */
void test_run_child(struct world *w, int (*fn)(void *arg), void *arg);
/* For use in such a child, where nothing asserts: runs the loop until the value
 * is that high. false: it failed, or took too long. */
bool child_runs_until(rondo_loop *loop, const unsigned *value, unsigned wanted);
/* not under the thread sanitizer, which ends such a child, or an emulator */
bool test_child_may_start_threads(void);
void test_close_in_child(struct world *w); /* the loop, by such a child */
/* Sets the loop's clock ahead and lets it see that; skips the test where that
 * cannot be done. */
void test_advance_clock(struct world *w, int64_t seconds);
uint64_t test_iterations(const struct world *w);
rondo_loop_metrics test_metrics(const struct world *w);

/* ---- 4. assertions ------------------------------------------------------ */

/* a result that must not be an error; prints the error's sentence */
#define assert_ok(expression)                                                  \
    test_check_ok((int64_t)(expression), #expression, __FILE__, __LINE__)
/* a result that must be this RONDO_E... */
#define assert_error(expression, error)                                        \
    test_check_error((int64_t)(expression), (error), #expression, __FILE__,    \
                     __LINE__)
/* a call rondo_NAME(...) that must be refused: with this RONDO_E..., and a
 * sentence that begins with "NAME: " and has these words in it (NULL: any) */
#define assert_refused(call, error, words)                                     \
    test_check_refused((int64_t)(call), (error), (words), #call, __FILE__,     \
                       __LINE__)
#define assert_einval(call)                                                    \
    test_check_refused((int64_t)(call), RONDO_EINVAL, NULL, #call, __FILE__,   \
                       __LINE__)
int64_t test_check_ok(int64_t result, const char *what, const char *file,
                      int line);
void test_check_error(int64_t result, int error, const char *what,
                      const char *file, int line);
void test_check_refused(int64_t result, int error, const char *words,
                        const char *call, const char *file, int line);

/* A row of a table of options that must be refused; EACH_ROW goes through it. */
struct refusal {
    const char *name;
    const void *options; /* RONDO_SERVE(...), RONDO_CONNECT(...) and so on */
    int error;
    const char *words; /* in the sentence; NULL: any */
};

/* ---- 5. peers: a protocol that writes down what happens ----------------- */

/*
 * `order` has a letter a callback: M connection_made, d data_received (one
 * for a run of them), b get_buffer and buffer_updated (one for a run of
 * pairs; a get_buffer that only EOF, the end or another get_buffer follows
 * leaves nothing),
 * E eof_received, P pause_writing, R resume_writing, T timed_out,
 * L connection_lost.
 *
 * The checks of the protocol's order (made first, lost last and once, pause
 * and resume alternating, one EOF, get_buffer and buffer_updated paired)
 * are made by the peer itself at every callback.
 */
enum { PEER_ORDER = 120, PEER_CAPTURED = 120 };

struct peer {
    struct world *w;
    rondo_transport *transport; /* NULL before it is known and when lost */
    raw_fd fd; /* the plain socket at the other end: see harness_plain.h */
    unsigned made, data, eof, pauses, resumes, lost, timeouts, buffers, updates;
    unsigned unused;      /* buffers that nothing came into */
    uint64_t bytes;       /* received in all */
    uint64_t checksum;    /* of them, see test_checksum */
    bool no_checksum;     /* saves the time where there are many */
    size_t captured_size; /* the first of them, with a NUL at their end */
    char captured[PEER_CAPTURED + 1];
    char order[PEER_ORDER + 1];
    int error;             /* connection_lost's */
    char last_error[256];  /* rondo_last_error in connection_lost */
    bool keep_open;        /* eof_received's answer */
    bool go_on;            /* timed_out's answer */
    bool joined;           /* took over a live transport: no made */
    bool no_buffer;        /* get_buffer answers NULL */
    bool empty_buffer;     /* get_buffer answers a size of 0 */
    unsigned char *buffer; /* get_buffer's, NULL: 4 KiB of its own */
    size_t buffer_size;
    size_t last_hint;
    rondo_direction direction; /* timed_out's */
    rondo_id id;               /* of the connect */
    unsigned connected;        /* calls of peer_connected */
    int connect_error;
    /* what to do inside each callback, after it is written down */
    void (*on_made)(struct peer *p);
    void (*on_data)(struct peer *p, const void *data, size_t size);
    void (*on_bytes)(struct peer *p); /* behind on_data and on_updated */
    void (*on_get_buffer)(struct peer *p);
    void (*on_updated)(struct peer *p, size_t size);
    void (*on_eof)(struct peer *p);
    void (*on_pause)(struct peer *p);
    void (*on_resume)(struct peer *p);
    void (*on_lost)(struct peer *p);
    void (*on_timeout)(struct peer *p);
    void (*on_connected)(struct peer *p);
    struct peer *other; /* set by test_pair and by test_serve */
    void *user;
    struct peer *next; /* of the same listener */
};

extern const rondo_protocol recorder;          /* plain */
extern const rondo_protocol buffered_recorder; /* get_buffer, no data */

struct peer *test_peer(struct world *w);
/* a rondo_connect_fn: writes down and checks how the connect ended */
void peer_connected(rondo_loop *loop, void *self, rondo_transport *t,
                    int error);
/* Runs until connection_lost, which must tell that error (0: none), after
 * callbacks in that order (NULL: any). */
#define assert_lost(w, p, order, error)                                        \
    test_check_lost(w, p, order, error, __FILE__, __LINE__)
void test_check_lost(struct world *w, const struct peer *p, const char *order,
                     int error, const char *file, int line);
/* Runs until the peer has received that text, and nothing else. */
#define assert_hears(w, p, text)                                               \
    test_check_hears(w, p, text, __FILE__, __LINE__)
void test_check_hears(struct world *w, const struct peer *p, const char *text,
                      const char *file, int line);
size_t peer_buffered(const struct peer *p); /* in its write buffer */
/* one that takes over a connection that is made already: of->other */
struct peer *peer_successor(struct world *w, struct peer *of);
/* the transport's protocol is this one, with p->other, from now on */
void peer_hand_over(struct peer *p, const rondo_protocol *protocol);

/* A byte of an endless pattern with no short period, by its position. */
unsigned char test_pattern(uint64_t position);
void test_fill(void *data, uint64_t position, size_t size);
bool test_matches(const void *data, uint64_t position, size_t size);
/* of the pattern's first `size` bytes; of any bytes, fed piece by piece */
uint64_t test_pattern_checksum(uint64_t size);
uint64_t test_checksum(uint64_t so_far, const void *data, size_t size);
/* Runs until the peer has received so many bytes, which are the pattern's. */
#define assert_received(p, size)                                               \
    test_check_received(p, size, __FILE__, __LINE__)
void test_check_received(const struct peer *p, uint64_t size, const char *file,
                         int line);

#include "harness_net.h"

#endif
