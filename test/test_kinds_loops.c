/* test_kinds_loops.c - descriptors, other threads and forks, on every kind. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_kinds.h"
#include "raw_local.h"

/* ---- S16: descriptors ---------------------------------------------------- */

static void take_one(struct peer *p, const void *data, size_t size)
{
    raw_fd *fd = p->user;

    (void)data;
    (void)size;
    if (*fd == RONDO_NO_FD)
        *fd = rondo_transport_take_fd(p->transport);
}

static int passes(struct rig *r)
{
    raw_fd got = RONDO_NO_FD, file = raw_file();
    int64_t result = rondo_transport_send_fd(r->p->transport, file);

    if (result >= 0 && r->kind->writes) {
        r->far->user = &got;
        r->far->on_data = take_one;
        assert_ok(rig_write(r, 1000));
        rig_arrives(r);
        assert_true(raw_same_file(got, file));
        raw_close(got);
    }
    raw_close(file);
    return rig_result(result, "transport_send_fd");
}

/* Nothing has come: whether there could be any is in the sentence. */
static int takes_none(struct rig *r)
{
    const char *said;

    assert_true(rondo_transport_take_fd(r->p->transport) == RONDO_NO_FD);
    said = rondo_last_error();
    assert_true(strncmp(said, "transport_take_fd: ", 19) == 0);
    if (strstr(said, "only unix sockets"))
        return RONDO_ENOTSUP;
    return strstr(said, "none") ? 0 : RONDO_EOTHER;
}

/* ---- G3: another thread -------------------------------------------------- */

/* What a thread does with the loop: it has no assertions. */
struct errand {
    rondo_loop *loop;
    struct rig *r;
    int64_t end;
    uint64_t wanted, arriving; /* bytes of r->p, and of r->far */
    bool failed;
};

static bool errand_is_done(const struct errand *e)
{
    const struct peer *p = e->r->p, *far = e->r->far;

    return p->bytes >= e->wanted &&
           (far ? far->bytes >= e->arriving : !peer_buffered(p));
}

static int run_errand(struct errand *e)
{
    while (!errand_is_done(e))
        if (raw_now_ns() > e->end ||
            rondo_loop_run_once(e->loop, RONDO_MS(5)) < 0)
            return 1;
    return 0;
}

static struct errand *errand_new(struct rig *r)
{
    struct errand *e = test_alloc(r->w, sizeof *e);

    e->loop = r->w->loop;
    e->r = r;
    e->end = raw_now_ns() + RONDO_SEC(20) * test_slowness();
    e->wanted = r->fed;
    e->arriving = r->written;
    return e;
}

static void take_and_run(void *arg)
{
    struct errand *e = arg;

    e->failed = rondo_loop_take(e->loop) < 0 || run_errand(e);
}

/* With bytes on the way; the thread brings them, and the loop comes back. */
static int moves(struct rig *r)
{
    struct raw_thread *thread;
    struct errand *e;

    if (r->kind->writes)
        rig_block(r);
    if (r->kind->reads)
        assert_ok(rig_feed(r, 100000));
    rig_unblock(r);
    e = errand_new(r);
    if (r->kind->file && r->kind->reads)
        e->wanted = RIG_SUPPLY;
    thread = raw_thread_start(take_and_run, e);
    raw_thread_join(thread);
    assert_ok(rondo_loop_take(r->w->loop));
    assert_false(e->failed);
    if (r->kind->writes)
        rig_arrives(r);
    if (r->kind->reads)
        assert_true(r->p->checksum == test_pattern_checksum(r->p->bytes));
    return 0;
}

/* ---- C4: a second transport ---------------------------------------------- */

static int adopted_again(struct rig *r)
{
    struct peer *again = test_peer(r->w);
    rondo_fd fd = rondo_transport_fd(r->p->transport);
    int result;

    if (!r->kind->half)
        return rig_result(rondo_connect_accepted_socket(r->w->loop, fd,
                                                        &recorder, again, NULL),
                          "connect_accepted_socket");
    if (r->kind->reads)
        result =
            rig_result(rondo_connect_read_pipe(r->w->loop, fd, RONDO_PIPE_FILE,
                                               &recorder, again, NULL),
                       "connect_read_pipe");
    else
        result =
            rig_result(rondo_connect_write_pipe(r->w->loop, fd, RONDO_PIPE_FILE,
                                                &recorder, again, NULL),
                       "connect_write_pipe");
    assert_string_equal(again->order, "");
    return result;
}

/* ---- L5: the loop is closed ---------------------------------------------- */

static int loop_closed(struct rig *r)
{
    rondo_loop_options options = test_loop_options(r->w);
    unsigned *released = test_counter(r->w);

    r->cut = true;
    if (r->kind->reads)
        assert_ok(rig_feed(r, 5000));
    if (r->kind->writes) {
        rig_block(r);
        assert_ok(rondo_transport_write_owned(r->p->transport, "lent", 4,
                                              count_release, released));
    }
    test_close_loop(r->w);
    assert_int_equal(r->p->lost, 1);
    assert_int_equal(r->p->error, RONDO_ECLOSED);
    assert_int_equal(*released, r->kind->writes);
    assert_ok(rondo_loop_new(&r->w->loop, &options));
    return 0;
}

/* ---- L8: a forked child -------------------------------------------------- */

/* What the child may do to the loop that came through the fork. */
struct forked {
    struct rig *r;
    int (*act)(struct rig *r);
};

static int run_forked(void *arg)
{
    const struct forked *f = arg;

    if (rondo_loop_after_fork(f->r->w->loop) != 0)
        return 1;
    return f->act(f->r);
}

/* The parent goes on as if there had been no child. */
static void fork_and_go_on(struct rig *r, int (*act)(struct rig *r))
{
    struct forked f = {r, act};

    test_run_child(r->w, run_forked, &f);
    rig_unblock(r);
    if (r->kind->writes) {
        assert_ok(rig_write(r, 1000));
        rig_arrives(r);
    }
    if (!r->kind->reads)
        return;
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, r->p->bytes >= r->fed);
    assert_true(r->p->checksum == test_pattern_checksum(r->p->bytes));
}

static int close_the_loop(struct rig *r)
{
    if (rondo_loop_close(r->w->loop) != 0)
        return 2;
    return r->p->lost == 1 ? 0 : 3;
}

static int child_closes_loop(struct rig *r)
{
    if (r->kind->writes)
        rig_block(r);
    fork_and_go_on(r, close_the_loop);
    return 0;
}

static bool run_until_lost(const struct rig *r)
{
    int64_t end = raw_now_ns() + RONDO_SEC(20) * test_slowness();

    while (!r->p->lost && raw_now_ns() < end)
        if (rondo_loop_run_once(r->w->loop, RONDO_MS(5)) < 0)
            return false;
    return r->p->lost;
}

static int abort_it(struct rig *r)
{
    rondo_transport_abort(r->p->transport);
    return run_until_lost(r) ? 0 : 2;
}

static int child_aborts(struct rig *r)
{
    if (r->kind->writes)
        rig_block(r);
    fork_and_go_on(r, abort_it);
    return 0;
}

static int close_it(struct rig *r)
{
    rondo_transport_close(r->p->transport);
    return run_until_lost(r) && r->p->error == 0 ? 0 : 2;
}

static int child_closes(struct rig *r)
{
    if (r->kind->writes) {
        assert_ok(rig_write(r, 1000));
        rig_arrives(r);
    }
    fork_and_go_on(r, close_it);
    return 0;
}

/* Bytes go through it in the child, both ways. */
static int use_it(struct rig *r)
{
    unsigned char bytes[1000];
    struct errand e = {.loop = r->w->loop, .r = r};

    e.end = raw_now_ns() + RONDO_SEC(20) * test_slowness();
    e.wanted = r->p->bytes + (r->kind->reads ? sizeof bytes : 0);
    e.arriving =
        (r->far ? r->far->bytes : 0) + (r->kind->writes ? sizeof bytes : 0);
    memset(bytes, 'x', sizeof bytes);
    if (r->kind->reads && r->far &&
        rondo_transport_write(r->far->transport, bytes, sizeof bytes) < 0)
        return 2;
    if (r->kind->writes &&
        rondo_transport_write(r->p->transport, bytes, sizeof bytes) < 0)
        return 3;
    if (!r->kind->file)
        return run_errand(&e) ? 4 : 0;
    /* its thread is not here */
    return run_until_lost(r) && r->p->error == RONDO_EFORKED ? 0 : 5;
}

static int child_goes_on(struct rig *r)
{
    fork_and_go_on(r, use_it);
    return 0;
}

/* ---- the table ----------------------------------------------------------- */

enum {
    SEND_FD,
    TAKE_FD,
    MOVES,
    AGAIN,
    LOOP_CLOSED,
    CHILD_GOES_ON,
    CHILD_CLOSES,
    CHILD_ABORTS,
    CHILD_CLOSES_LOOP
};

#define PLAIN                                                                  \
    {                                                                          \
        [SEND_FD] = RONDO_ENOTSUP, [TAKE_FD] = RONDO_ENOTSUP,                  \
        [AGAIN] = RONDO_EBUSY                                                  \
    }
/* a pipe is no socket */
#define NAMED                                                                  \
    {                                                                          \
        [SEND_FD] = RONDO_ENOTSUP, [TAKE_FD] = RONDO_ENOTSUP,                  \
        [AGAIN] = RONDO_EINVAL                                                 \
    }

static const struct kind_table loops = {
    .title = "descriptors and loops",
    .columns =
        {[SEND_FD] = {.name = "send_fd", .attempt = passes},
         [TAKE_FD] = {.name = "take_fd", .attempt = takes_none},
         [MOVES] = {.name = "loop_take", .attempt = moves},
         [AGAIN] = {.name = "adopt again", .attempt = adopted_again},
         [LOOP_CLOSED] = {.name = "loop_close", .attempt = loop_closed},
         [CHILD_GOES_ON] = {.name = "fork: use", .attempt = child_goes_on},
         [CHILD_CLOSES] = {.name = "fork: close", .attempt = child_closes},
         [CHILD_ABORTS] = {.name = "fork: abort", .attempt = child_aborts},
         [CHILD_CLOSES_LOOP] = {.name = "fork: loop",
                                .attempt = child_closes_loop}},
    .cells = {[KIND_TCP] = PLAIN,
              [KIND_UNIX] = {[AGAIN] = RONDO_EBUSY},
              [KIND_SERVED] = NAMED,
              [KIND_CLIENT] = NAMED,
              KIND_PIPE_ROWS(PLAIN, PLAIN),
              [KIND_OVERLAPPED_READS] = PLAIN,
              [KIND_OVERLAPPED_WRITES] = PLAIN,
              KIND_HALF_SOCKET_ROWS(PLAIN, PLAIN),
              [KIND_CHILD_EXTRA] = {[AGAIN] = RONDO_EBUSY},
              [KIND_FILE_READS] = PLAIN,
              [KIND_FILE_WRITES] = PLAIN}};

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void try_in_a_child(struct world *w, size_t column)
{
    test_run_child(w, nothing, NULL); /* skips where there is no fork */
    kinds_try(w, &loops, column);
}

TEST_CASE(S16_kinds_send_fd, kinds_try(w, &loops, SEND_FD));
TEST_CASE(S16_kinds_take_fd, kinds_try(w, &loops, TAKE_FD));
TEST_CASE(G3_kinds_loop_take, kinds_try(w, &loops, MOVES));
TEST_CASE(C4_kinds_adopted_again, kinds_try(w, &loops, AGAIN));
TEST_CASE(L5_kinds_loop_close, kinds_try(w, &loops, LOOP_CLOSED));
TEST_CASE(L8_kinds_the_child_goes_on, try_in_a_child(w, CHILD_GOES_ON));
TEST_CASE(L8_kinds_the_child_closes, try_in_a_child(w, CHILD_CLOSES));
TEST_CASE(L8_kinds_the_child_aborts, try_in_a_child(w, CHILD_ABORTS));
TEST_CASE(L8_kinds_the_child_s_loop, try_in_a_child(w, CHILD_CLOSES_LOOP));
