/* model_system.c - pipes, files, descriptors that travel, signals. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- pipes ---- */

static int64_t pipe_end(struct place *p, struct side *s, rondo_fd fd)
{
    bool reads = s->kind == SIDE_PIPE_READER;
    int error = reads ? rondo_connect_read_pipe(p->loop, fd, RONDO_PIPE_OWN,
                                                side_protocol(s), s, NULL)
                      : rondo_connect_write_pipe(p->loop, fd, RONDO_PIPE_OWN,
                                                 side_protocol(s), s, NULL);
    must(error == 0 || model.faults, "connect_pipe: %s", rondo_last_error());
    if (error == 0)
        return 0;
    s->leaves = true; /* the other end hears of it */
    (void)rondo_sim_close(fd, false);
    return error;
}

/* Both ends are transports of this loop. */
int64_t pipe_act(struct place *p, struct step *step)
{
    rondo_fd ends[2];
    int error = rondo_sim_pipe(ends);
    if (error) {
        must(model.faults, "pipe: %s", rondo_last_error());
        return error;
    }
    struct side *r = side_new(p, SIDE_PIPE_READER, step);
    struct side *w = side_new(p, SIDE_PIPE_WRITER, step);
    w->peer = r;
    int64_t result = pipe_end(p, r, ends[0]);
    int64_t other = pipe_end(p, w, ends[1]);
    return result ? result : other;
}

/* ---- descriptors that travel ---- */

int64_t v_send_fd(struct side *s, struct step *step)
{
    rondo_fd ends[2];
    (void)step;
    if (s->kind != SIDE_UNIX_CLIENT && s->kind != SIDE_UNIX_SERVER)
        return RONDO_ENOTSUP;
    int error = rondo_sim_pipe(ends);
    if (error)
        return error;
    s->fds_sent++;
    error = rondo_transport_send_fd(s->t, ends[1]);
    if (error)
        s->fds_sent--;
    (void)rondo_sim_close(ends[0], false);
    (void)rondo_sim_close(ends[1], false);
    return error;
}

/* Some of those that came with the bytes at hand; the others are closed. */
void side_takes_fds(struct side *s, rondo_transport *t)
{
    struct step step;
    rondo_fd fd;
    if (s->kind != SIDE_UNIX_CLIENT && s->kind != SIDE_UNIX_SERVER)
        return;
    bool acts = step_begin(&step, &s->actor, "take_fd");
    unsigned most = acts ? step_below(&step, 4) : 4;
    while (most-- && (fd = rondo_transport_take_fd(t)) != RONDO_NO_FD) {
        s->fds_taken++;
        side_has(s, TRAIT_TAKES_FDS);
        must(!s->peer || s->fds_taken <= s->peer->fds_sent,
             "%s %u has taken more descriptors than were sent", s->actor.kind,
             s->actor.number);
        int64_t result = rondo_sim_write(fd, "x", 1, 0);
        must(result == RONDO_EPIPE || result == RONDO_EAGAIN,
             "%s %u has taken what is no pipe's end: %s", s->actor.kind,
             s->actor.number, rondo_error_name((int)result));
        must(rondo_sim_close(fd, false) == 0, "a taken descriptor: %s",
             rondo_last_error());
    }
}

/* ---- sendfile ---- */

/* A file with the next bytes of the side. */
static rondo_fd file_of_side(struct side *s, size_t size)
{
    char path[24], *bytes = host_alloc(size);
    side_fill(s, bytes, size);
    (void)snprintf(path, sizeof path, "/tmp/%u", model.files++);
    rondo_fd fd =
        rondo_sim_open(path, RONDO_FILE_READ | RONDO_FILE_WRITE |
                                 RONDO_FILE_CREATE | RONDO_FILE_TRUNCATE);
    size_t at = 0;
    while (fd >= 0 && at < size) {
        int64_t count = rondo_sim_write(fd, bytes + at, size - at, 0);
        if (count < 0) {
            (void)rondo_sim_close(fd, false);
            fd = (rondo_fd)count;
        } else {
            at += (size_t)count;
        }
    }
    while (rondo_sim_remove(path) == RONDO_EIO)
        ; /* a fault; the next one is another */
    rondo_sim_free(bytes);
    if (fd >= 0)
        (void)rondo_sim_seek(fd, 0);
    return fd;
}

struct sent_file {
    struct op *op;
    rondo_fd fd;
    uint64_t from;
};

/* What has left cannot be told: nothing more is written. */
static void file_gives_up(struct side *s)
{
    s->resets = true;
    s->steps_left = 0;
    if (!s->t || s->lost || s->leaves)
        return;
    s->aborted = true;
    rondo_transport_abort(s->t);
}

static void file_sent(rondo_loop *loop, void *arg, int64_t result)
{
    struct sent_file *f = arg;
    struct side *s = f->op->side;
    int64_t position = rondo_sim_seek(f->fd, -1);
    must(rondo_sim_close(f->fd, false) == 0, "the file that was sent: %s",
         rondo_last_error());
    must(result < 0 || position == 0, "sendfile has moved the position");
    s->sends_file = false;
    if (result < 0)
        s->sent = f->from + (uint64_t)position;
    (void)op_ended(f->op, loop, result);
    must(result >= 0 || result == RONDO_ECANCELED || model.faults ||
             s->aborted || s->closed || s->cut || s->leaves || s->timeouts ||
             result == RONDO_ECONNRESET || result == RONDO_EPIPE ||
             s->place->closing,
         "sendfile: %s", rondo_error_name((int)result));
    if (result < 0 && (model.backend_sends_files || s->filtered)) {
        s->sent = f->from + (uint64_t)f->op->expects;
        file_gives_up(s);
    }
    side_act(s, "sendfile's done");
}

int64_t v_sendfile(struct side *s, struct step *step)
{
    size_t size = 1 + step_below(step, step_below(step, 2) ? 200 : 40000);
    struct sent_file *f = model_alloc(sizeof *f);
    f->from = s->sent;
    f->fd = file_of_side(s, size);
    if (f->fd < 0)
        return f->fd;
    f->op = op_new("sendfile", s->place, s, (int64_t)size);
    bool had = s->sends_file;
    s->sends_file = true;
    s->sent += size;
    rondo_id id =
        op_called(f->op, rondo_transport_sendfile(
                             s->t, f->fd, 0,
                             step_below(step, 2) ? INT64_MAX : (int64_t)size,
                             file_sent, f));
    if (id < 0) {
        s->sent -= size;
        s->sends_file = had;
        (void)rondo_sim_close(f->fd, false);
        return id;
    }
    must(!step->after_end, "%s %u: a file after the end is taken",
         s->actor.kind, s->actor.number);
    if (step_below(step, 6) == 0)
        (void)rondo_cancel(s->place->loop, id);
    else
        op_may_be_cancelled(s->place, id);
    return id;
}

/* ---- files ---- */

enum { FILE_MOST = 6000 };

/* Makes a file, writes, reads what was written, and removes it. */
struct chain {
    struct place *place;
    struct actor actor;
    rondo_file *file;
    struct op *op;
    unsigned at;
    bool made;
    int64_t position, size;
    char path[24], bytes[FILE_MOST], got[FILE_MOST];
};

static void chain_goes_on(struct chain *c, bool held);

static void chain_ends_op(struct chain *c, rondo_loop *loop, int64_t result)
{
    (void)op_ended(c->op, loop, result);
    must(result >= 0 || model.faults || result == RONDO_ECANCELED ||
             c->place->closing || (result == RONDO_ENOENT && !c->made),
         "%s: %s", c->op->what, rondo_error_name((int)result));
}

static void chain_opened(rondo_loop *loop, void *arg, rondo_file *file,
                         int error)
{
    struct chain *c = arg;
    must(!file == (error != 0), "a file and an error");
    c->file = file;
    c->made = file;
    chain_ends_op(c, loop, error);
    chain_goes_on(c, error == 0);
}

static void chain_moved(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct chain *c = arg;
    bool reads = strcmp(c->op->what, "file_read") == 0;
    chain_ends_op(c, loop, error ? error : (int64_t)count);
    must(error || count == (size_t)c->size, "%s: %zu bytes of %lld",
         c->op->what, count, (long long)c->size);
    must(!reads || memcmp(c->bytes, c->got, count) == 0,
         "a file does not have what was written");
    chain_goes_on(c, error == 0);
}

static void chain_done(rondo_loop *loop, void *arg, int64_t result)
{
    struct chain *c = arg;
    chain_ends_op(c, loop, result);
    chain_goes_on(c, result >= 0);
}

static int64_t chain_read(struct chain *c)
{
    size_t first = (size_t)c->size / 3;
    rondo_room rooms[2] = {{c->got, first},
                           {c->got + first, (size_t)c->size - first}};
    c->op = op_new("file_read", c->place, NULL, -1);
    return rondo_file_read(c->file, c->position, rooms, 2, chain_moved, c);
}

static int64_t chain_write(struct chain *c, struct step *step)
{
    c->position = step_below(step, 9000);
    c->size = 1 + step_below(step, FILE_MOST - 1);
    for (int64_t i = 0; i < c->size; i++)
        c->bytes[i] = (char)(step->key + (uint64_t)i * 13);
    size_t first = (size_t)c->size / 2;
    rondo_buffer parts[2] = {{c->bytes, first},
                             {c->bytes + first, (size_t)c->size - first}};
    c->op = op_new("file_write", c->place, NULL, -1);
    return rondo_file_write(c->file, c->position, parts, 2, chain_moved, c);
}

static int64_t chain_next(struct chain *c, struct step *step)
{
    rondo_loop *loop = c->place->loop;
    switch (c->at++) {
    case 0:
        c->op = op_new("file_open", c->place, NULL, 0);
        return rondo_file_open(loop, c->path,
                               RONDO_FILE_READ | RONDO_FILE_WRITE |
                                   RONDO_FILE_CREATE | RONDO_FILE_EXCLUSIVE,
                               0, chain_opened, c);
    case 1:
        return chain_write(c, step);
    case 2:
        return chain_read(c);
    case 3:
        c->op = op_new("file_sync", c->place, NULL, 0);
        return rondo_file_sync(c->file, step_below(step, 2), chain_done, c);
    case 4: {
        rondo_file *file = c->file;
        c->file = NULL;
        c->op = op_new("file_close", c->place, NULL, 0);
        return rondo_file_close(file, chain_done, c);
    }
    default:
        c->op = op_new("fs_unlink", c->place, NULL, 0);
        return rondo_fs_unlink(loop, c->path, chain_done, c);
    }
}

/* held: the call before has succeeded. Else the file is closed and removed. */
static void chain_goes_on(struct chain *c, bool held)
{
    struct step step;
    if (c->place->closing || c->at > 5)
        return;
    bool acts = step_begin(&step, &c->actor, "file");
    if (!acts && !c->at)
        return;
    if (!acts || !held)
        c->at = c->file ? 4 : c->at > 5 ? c->at : 5;
    int64_t id = chain_next(c, &step);
    (void)op_called(c->op, id);
    step_did(&step, c->op->what, id);
    must(id > 0 || model.faults, "%s: %s", c->op->what, rondo_last_error());
    if (id > 0 && step_below(&step, 12) == 0)
        (void)rondo_cancel(c->place->loop, id);
    else if (id < 0 && c->at <= 5)
        chain_goes_on(c, false);
}

int64_t file_act(struct place *p, struct step *step)
{
    struct chain *c = model_alloc(sizeof *c);
    c->place = p;
    c->actor = actor_child(step, "file");
    c->actor.number = model.files++;
    (void)snprintf(c->path, sizeof c->path, "/tmp/%u", c->actor.number);
    chain_goes_on(c, true);
    return 0;
}

/* ---- signals ---- */

struct signalled {
    struct place *place;
    int64_t when;
    bool called;
};

static void signal_comes(rondo_loop *loop, int signum, unsigned count,
                         void *arg)
{
    struct signalled *s = arg;
    (void)signum;
    must(loop == s->place->loop, "a signal on another loop");
    must(count > 0 && !s->called, "a signal that comes once: %u", count);
    s->called = true;
    place_calls(s->place, "a signal", s->when);
    loop_act_some(s->place, "signal");
}

int64_t signal_act(struct place *p, struct step *step)
{
    struct signalled *s = model_alloc(sizeof *s);
    int signum = step_below(step, 2) ? SIGUSR1 : SIGUSR2;
    s->place = p;
    s->when = rondo_sim_now();
    rondo_id id =
        rondo_watch_signal(p->loop, signum, RONDO_SIGNAL_ONCE, signal_comes, s);
    if (id < 0) {
        must(model.faults, "watch_signal: %s", rondo_last_error());
        return id;
    }
    must(rondo_sim_signal(p->host, signum) == 0, "signal: %s",
         rondo_last_error());
    if (step_below(step, 4) == 0 && rondo_cancel(p->loop, id) == 0)
        s->called = true; /* it may not come any more */
    return id;
}
