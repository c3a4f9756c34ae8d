/* test_kinds_inside.c - calls inside callbacks, and questions, on every kind. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_filter.h"
#include "harness_kinds.h"
#include "raw_pipe.h"

/* ---- S3, S15: what is begun when the last one has ended ------------------ */

/* A chain of calls, each begun inside the callback of the one before. */
struct chain {
    struct rig *r;
    unsigned char *bytes; /* of the pattern */
    unsigned links, most;
    raw_fd file;
    int result;
};

enum { LINK = 20000 };

static struct chain *chain_new(struct rig *r, unsigned most)
{
    struct chain *c = test_alloc(r->w, sizeof *c);

    c->r = r;
    c->most = most;
    c->bytes = test_alloc(r->w, (size_t)LINK * (most + 1));
    test_fill(c->bytes, 0, (size_t)LINK * (most + 1));
    c->file = RONDO_NO_FD;
    return c;
}

static void next_owned(void *arg)
{
    struct chain *c = arg;
    struct rig *r = c->r;

    if (c->links++ == c->most) {
        rondo_transport_close(r->p->transport);
        return;
    }
    c->result = rondo_transport_write_owned(
        r->p->transport, c->bytes + r->written, LINK, next_owned, c);
    if (c->result >= 0)
        r->written += LINK;
}

static int owned_in_release(struct rig *r)
{
    struct chain *c = chain_new(r, 20);

    next_owned(c);
    if (c->result < 0)
        return rig_result(c->result, "transport_write_owned");
    test_run_until(r->w, r->p->lost);
    assert_int_equal(c->links, c->most + 1);
    assert_int_equal(r->p->error, 0);
    rig_arrives(r);
    return 0;
}

static void abort_it(void *arg)
{
    struct chain *c = arg;

    c->links++;
    rondo_transport_abort(c->r->p->transport);
}

static int abort_in_release(struct rig *r)
{
    struct chain *c = chain_new(r, 1);

    r->cut = true;
    c->result = rondo_transport_write_owned(r->p->transport, c->bytes, LINK,
                                            abort_it, c);
    if (c->result < 0)
        return rig_result(c->result, "transport_write_owned");
    r->written = LINK;
    assert_ok(rondo_transport_write_owned(r->p->transport, c->bytes + LINK,
                                          LINK, abort_it, c));
    r->written += LINK;
    test_run_until(r->w, r->p->lost);
    assert_int_equal(c->links, 2);
    assert_int_equal(r->p->error, RONDO_ECANCELED);
    return 0;
}

static void next_file(rondo_loop *loop, void *arg, int64_t result)
{
    struct chain *c = arg;
    struct rig *r = c->r;

    (void)loop;
    assert_int_equal(result, c->links ? LINK : 0);
    r->written += (uint64_t)result;
    if (c->links++ == c->most) {
        rondo_transport_close(r->p->transport);
        return;
    }
    if (c->links % 2) {
        assert_ok(rig_write(r, 10));
        assert_int_equal(rondo_transport_set_write_buffer_limits(
                             r->p->transport, c->links * 1000, 0),
                         0);
    }
    assert_ok(rondo_transport_sendfile(
        r->p->transport, c->file, (int64_t)r->written, LINK, next_file, c));
}

static int files_in_done(struct rig *r)
{
    struct chain *c = chain_new(r, 12);
    int64_t id;

    c->file = call_file((size_t)LINK * 20);
    id = rondo_transport_sendfile(r->p->transport, c->file, 0, 0, next_file, c);
    if (id >= 0) {
        test_run_until(r->w, r->p->lost);
        assert_int_equal(c->links, c->most + 1);
        assert_int_equal(r->p->error, 0);
        rig_arrives(r);
    }
    raw_close(c->file);
    return rig_result(id, "transport_sendfile");
}

/* ---- S4: writing in pause_writing and resume_writing --------------------- */

static void write_on(struct peer *p)
{
    struct rig *r = p->user;

    if (p->pauses < 8)
        assert_ok(rig_write(r, 30000));
}

static int write_in_flow(struct rig *r)
{
    r->p->user = r;
    r->p->on_pause = write_on;
    r->p->on_resume = write_on;
    assert_ok(
        rondo_transport_set_write_buffer_limits(r->p->transport, 1000, 500));
    rig_block(r);
    rig_unblock(r);
    test_run_until(r->w, r->p->resumes && !peer_buffered(r->p));
    rig_arrives(r);
    test_run_until(r->w, r->p->pauses == r->p->resumes);
    return 0;
}

static int close_in_pause(struct rig *r)
{
    r->p->on_pause = act_close;
    rig_block(r);
    rig_unblock(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(r->p->pauses, 1);
    rig_arrives(r);
    return 0;
}

static int abort_in_resume(struct rig *r)
{
    r->p->on_resume = act_abort;
    r->cut = true;
    rig_block(r);
    rig_unblock(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ECANCELED);
    assert_string_equal(r->p->order, "MPRL");
    return 0;
}

/* ---- G7: everything in connection_lost ----------------------------------- */

static void use_when_lost(struct peer *p)
{
    rondo_transport *t = p->transport;
    const rondo_buffer piece = {"x", 1};
    struct toy *y = test_toy(p->w, 1);
    bool unix_socket =
        p->user == &kinds[KIND_UNIX] || p->user == &kinds[KIND_CHILD_EXTRA];

    assert_true(rondo_transport_is_closing(t));
    assert_true(rondo_transport_fd(t) == RONDO_NO_FD);
    assert_false(rondo_transport_is_reading(t));
    assert_true(rondo_transport_self(t) == p);
    assert_true(rondo_transport_loop(t) == p->w->loop);
    assert_int_equal(rondo_transport_get_write_buffer_size(t), 0);
    assert_refused(rondo_transport_write(t, "x", 1), RONDO_ECLOSED, NULL);
    assert_refused(rondo_transport_writev(t, &piece, 1), RONDO_ECLOSED, NULL);
    assert_refused(rondo_transport_printf(t, "x"), RONDO_ECLOSED, NULL);
    assert_refused(rondo_transport_write_owned(t, "x", 1, never_release, NULL),
                   RONDO_ECLOSED, NULL);
    assert_refused(
        rondo_transport_sendfile(t, RONDO_NO_FD, 0, 1, call_done, NULL),
        RONDO_ECLOSED, NULL);
    assert_refused(rondo_transport_write_eof(t), RONDO_ECLOSED, NULL);
    assert_refused(rondo_transport_push_filter(t, &toy_filter, y, NULL, NULL),
                   RONDO_ECLOSED, NULL);
    assert_refused(rondo_transport_unread(t, "x", 1), RONDO_EINVAL, NULL);
    assert_refused(rondo_transport_send_fd(t, RONDO_NO_FD),
                   unix_socket ? RONDO_ECLOSED : RONDO_ENOTSUP, NULL);
    assert_true(rondo_transport_take_fd(t) == RONDO_NO_FD);
    assert_ok(rondo_transport_pause_reading(t));
    assert_ok(rondo_transport_resume_reading(t));
    assert_ok(rondo_transport_set_timeouts(t, 1, 1));
    assert_ok(rondo_transport_set_write_buffer_limits(t, 10, 1));
    assert_ok(rondo_transport_set_protocol(t, &buffered_recorder, p));
    rondo_transport_set_background(t, true);
    rondo_transport_set_self(t, NULL);
    rondo_transport_close(t);
    rondo_transport_abort(t);
    rondo_transport_abort_with(t, RONDO_EPROTO);
}

static int used_when_lost(struct rig *r)
{
    r->p->user = (void *)(uintptr_t)r->kind;
    r->p->on_lost = use_when_lost;
    r->cut = true;
    if (r->kind->writes)
        rig_block(r);
    if (r->kind->reads)
        assert_ok(rig_feed(r, 1000));
    rondo_transport_abort(r->p->transport);
    test_run_until(r->w, r->p->lost);
    test_spin(r->w, 3);
    return 0;
}

/* ---- S12: what it is asked ----------------------------------------------- */

static int asked_for_peer(struct rig *r)
{
    rondo_address address;

    return rig_result(rondo_transport_peer_address(r->p->transport, &address),
                      "transport_peer_address");
}

static int asked_for_credentials(struct rig *r)
{
    rondo_credentials who = RONDO_CREDENTIALS_INIT;

    return rig_result(rondo_transport_peer_credentials(r->p->transport, &who),
                      "transport_peer_credentials");
}

static int asked_for_server(struct rig *r)
{
    bool is_served = r->id == KIND_SERVED;

    assert_int_equal(rondo_transport_server(r->p->transport) != NULL,
                     is_served);
    return 0;
}

/* ---- the table ----------------------------------------------------------- */

enum {
    OWNED,
    OWNED_ABORT,
    FILES,
    FLOW,
    PAUSE_CLOSE,
    RESUME_ABORT,
    WHEN_LOST,
    PEER,
    CREDENTIALS,
    SERVER
};

#define WRITER(peer, credentials)                                              \
    {                                                                          \
        [PEER] = (peer), [CREDENTIALS] = (credentials)                         \
    }
#define READER(peer)                                                           \
    {                                                                          \
        [OWNED] = RONDO_EPIPE, [OWNED_ABORT] = RONDO_EPIPE,                    \
        [FILES] = RONDO_EPIPE, [FLOW] = CELL_NONE, [PAUSE_CLOSE] = CELL_NONE,  \
        [RESUME_ABORT] = CELL_NONE, [PEER] = (peer),                           \
        [CREDENTIALS] = RONDO_ENOTSUP                                          \
    }
#define PIPE_WRITER WRITER(RONDO_ENOTCONN, RONDO_ENOTSUP)
#define PIPE_READER READER(RONDO_ENOTCONN)

static const struct kind_table inside = {
    .title = "inside",
    .columns =
        {[OWNED] = {.name = "in release", .attempt = owned_in_release},
         [OWNED_ABORT] = {.name = "... abort", .attempt = abort_in_release},
         [FILES] = {.name = "in done", .attempt = files_in_done},
         [FLOW] = {.name = "in flow", .attempt = write_in_flow},
         [PAUSE_CLOSE] = {.name = "... close", .attempt = close_in_pause},
         [RESUME_ABORT] = {.name = "... abort", .attempt = abort_in_resume},
         [WHEN_LOST] = {.name = "when lost", .attempt = used_when_lost},
         [PEER] = {.name = "address", .attempt = asked_for_peer},
         [CREDENTIALS] = {.name = "credentials",
                          .attempt = asked_for_credentials},
         [SERVER] = {.name = "server", .attempt = asked_for_server}},
    .cells = {[KIND_TCP] = WRITER(0, RONDO_ENOTSUP),
              [KIND_UNIX] = WRITER(0, 0),
              [KIND_SERVED] = PIPE_WRITER,
              [KIND_CLIENT] = PIPE_WRITER,
              KIND_PIPE_ROWS(PIPE_READER, PIPE_WRITER),
              [KIND_OVERLAPPED_READS] = PIPE_READER,
              [KIND_OVERLAPPED_WRITES] = PIPE_WRITER,
              KIND_HALF_SOCKET_ROWS(READER(0), WRITER(0, RONDO_ENOTSUP)),
              [KIND_CHILD_EXTRA] = {CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE,
                                    CELL_NONE, CELL_NONE, 0, 0, 0, 0},
              [KIND_FILE_READS] = PIPE_READER,
              [KIND_FILE_WRITES] = PIPE_WRITER}};

TEST_CASE(S3_kinds_owned_in_release, kinds_try(w, &inside, OWNED));
TEST_CASE(S3_kinds_abort_in_release, kinds_try(w, &inside, OWNED_ABORT));
TEST_CASE(S15_kinds_files_in_done, kinds_try(w, &inside, FILES));
TEST_CASE(S4_kinds_write_in_flow, kinds_try(w, &inside, FLOW));
TEST_CASE(S4_kinds_close_in_pause, kinds_try(w, &inside, PAUSE_CLOSE));
TEST_CASE(S4_kinds_abort_in_resume, kinds_try(w, &inside, RESUME_ABORT));
TEST_CASE(G7_kinds_used_when_lost, kinds_try(w, &inside, WHEN_LOST));
TEST_CASE(S12_kinds_peer_address, kinds_try(w, &inside, PEER));
TEST_CASE(S12_kinds_credentials, kinds_try(w, &inside, CREDENTIALS));
TEST_CASE(S12_kinds_server, kinds_try(w, &inside, SERVER));
