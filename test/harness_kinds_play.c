/* harness_kinds_play.c - random calls on a transport. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds_play.h"

#include "harness_act.h"
#include "harness_filter.h"
#include "raw_pipe.h"

/* xorshift64* */
unsigned play_draw(struct play *play, unsigned below)
{
    play->random ^= play->random >> 12;
    play->random ^= play->random << 25;
    play->random ^= play->random >> 27;
    return (unsigned)((play->random * UINT64_C(0x2545f4914f6cdd1d)) >> 33) %
           below;
}

rondo_transport *play_transport(const struct play *play)
{
    return play->r->p->transport;
}

/* A call that nothing but a lack of memory may refuse, or what has become of
 * the transport by it, or by its end. */
static void is_ok(const struct play *play, int64_t result)
{
    if (!play->hungry && !play->ending)
        assert_ok(result);
    assert_true(result != RONDO_EINVAL);
}

/* ---- filters ------------------------------------------------------------- */

static int filter_start(rondo_layer *layer, void *self)
{
    struct play_filter *f = self;

    f->layer = layer;
    if (play_draw(f->play, 2) == 0)
        return 0;
    f->layer = NULL;
    return rondo_layer_ready(layer);
}

static void filter_lost(rondo_layer *layer, void *self, int error)
{
    struct play_filter *f = self;

    (void)layer;
    (void)error;
    f->layer = NULL;
    f->lost++;
}

static const rondo_filter passing_filter = {.start = filter_start,
                                            .lost = filter_lost};

static void push_one(struct play *play)
{
    struct play_filter *f = &play->filters[play->pushed];
    int result;

    if (play->pushed == PLAY_FILTERS || !play->filtering)
        return;
    f->play = play;
    result = rondo_transport_push_filter(play_transport(play), &passing_filter,
                                         f, NULL, NULL);
    if (result == 0)
        play->pushed++;
    else if (play->hungry || play->ending)
        assert_true(result != RONDO_EINVAL);
    else if (play->r->kind->half)
        assert_int_equal(result, RONDO_ENOTSUP);
    else if (play->eof)
        assert_int_equal(result, RONDO_EPIPE);
    else
        assert_error(result, RONDO_EBUSY);
    /* a descriptor whose byte could not be written waits for another one */
    if (result == RONDO_EBUSY)
        assert_true(play->file_id != 0 || (play->hungry && play->passed));
}

void play_be_ready(struct play *play)
{
    for (unsigned i = 0; i < play->pushed; i++) {
        rondo_layer *layer = play->filters[i].layer;

        play->filters[i].layer = NULL;
        if (layer)
            is_ok(play, rondo_layer_ready(layer));
    }
}

/* ---- taking -------------------------------------------------------------- */

/* Another protocol hears of a pause again. */
static void change_protocol(struct play *play)
{
    struct peer *p = play->r->p;
    bool buffered = play_draw(play, 2);

    if (buffered != play->buffered && p->pauses > p->resumes)
        p->pauses--;
    play->buffered = buffered;
    is_ok(play,
          rondo_transport_set_protocol(
              p->transport, buffered ? &buffered_recorder : &recorder, p));
}

/* What may be done inside a callback, and outside. */
static void anything(struct play *play)
{
    rondo_transport *t = play_transport(play);

    if (!t)
        return;
    if (play->last) {
        play->last(t);
        play->last = NULL;
        return;
    }
    switch (play_draw(play, 9)) {
    case 8:
        rondo_transport_set_pause_inside(t, play_draw(play, 2));
        break;
    case 0:
        is_ok(play, rondo_transport_pause_reading(t));
        break;
    case 1:
        is_ok(play, rondo_transport_resume_reading(t));
        break;
    case 2:
        change_protocol(play);
        break;
    case 3:
        is_ok(play,
              rondo_transport_set_write_buffer_limits(
                  t, play_draw(play, 3) * 10000, play_draw(play, 2) * 100));
        break;
    case 4:
        is_ok(play, rondo_transport_set_timeouts(
                        t, RONDO_US(play_draw(play, 2) * 100),
                        RONDO_US(play_draw(play, 2) * 100)));
        break;
    case 5:
        push_one(play);
        break;
    default:
        break;
    }
}

/* The descriptors that came with these bytes. */
static unsigned take_fds(const struct play *play, struct peer *p)
{
    unsigned count = 0;
    raw_fd fd;

    while (play->passes &&
           (fd = rondo_transport_take_fd(p->transport)) != RONDO_NO_FD) {
        count++;
        raw_close(fd);
    }
    return count;
}

static void take_at_far(struct peer *p, const void *data, size_t size)
{
    struct play *play = p->user;

    (void)data;
    (void)size;
    play->came += take_fds(play, p);
}

static void take_somehow(struct peer *p, const void *data, size_t size)
{
    struct play *play = p->user;
    size_t used = size;

    play->taken += take_fds(play, p);
    if (play_draw(play, 4) == 0)
        used = play_draw(play, (unsigned)size + 1);
    if (!used && play->refused)
        used = size;
    play->refused = !used;
    take(p, data, size, used);
    anything(play);
}

static void updated_somehow(struct peer *p, size_t size)
{
    struct play *play = p->user;

    assert_true(test_matches(p->buffer, play->taking.position, size));
    play->taking.position += size;
    play->taken += take_fds(play, p);
    anything(play);
}

static void anything_in_flow(struct peer *p)
{
    anything(p->user);
}

void play_released(void *arg)
{
    struct play *play = arg;

    play->released++;
    anything(play);
}

/* ---- writing ------------------------------------------------------------- */

bool play_is_taken(const struct play *play, int64_t result)
{
    if (result >= 0)
        return true;
    if (play->hungry || play->ending)
        return false;
    if (!play->r->kind->writes || play->eof)
        assert_error(result, RONDO_EPIPE);
    else
        assert_error(result, RONDO_EBUSY);
    return false;
}

static void write_one(struct play *play)
{
    struct rig *r = play->r;
    size_t size = play_draw(play, 30000) + 1;
    unsigned char *bytes = test_alloc(r->w, size);
    rondo_buffer pieces[2];
    int result;

    test_fill(bytes, r->written, size);
    pieces[0] = (rondo_buffer){bytes, size / 3};
    pieces[1] = (rondo_buffer){bytes + size / 3, size - size / 3};
    switch (play_draw(play, 4)) {
    case 3:
        result = play_write_then(play, pieces);
        break;
    case 0:
        result = rondo_transport_write(play_transport(play), bytes, size);
        break;
    case 1:
        result = rondo_transport_writev(play_transport(play), pieces, 2);
        break;
    default:
        result = rondo_transport_write_owned(play_transport(play), bytes, size,
                                             play_released, play);
        play->lent += result >= 0;
    }
    if (play_is_taken(play, result))
        r->written += size;
    else
        assert_true(result != RONDO_EBUSY || play->file_id != 0);
}

static void pass_one(struct play *play)
{
    int result;

    if (!play->passes)
        return;
    result = rondo_transport_send_fd(play_transport(play), play->file);
    if (!play_is_taken(play, result)) {
        assert_true(result != RONDO_EBUSY || play->file_id != 0 ||
                    play->pushed > 0);
        return;
    }
    play->passed++;
    is_ok(play, rig_write(play->r, 1));
}

static void file_done(rondo_loop *loop, void *arg, int64_t result)
{
    struct play *play = arg;

    (void)loop;
    assert_true(play->file_id != 0);
    play->done++;
    play->file_id = 0;
    play->r->written =
        result >= 0    ? (uint64_t)(play->file_from + play->file_size)
        : play->r->cut ? (uint64_t)(play->file_from + play->file_size)
                       : (uint64_t)raw_file_position(play->file);
}

static void send_file(struct play *play)
{
    int64_t size = play_draw(play, 300000);
    int64_t from = (int64_t)play->r->written;
    int64_t id;

    if (from + size > PLAY_FILE)
        return;
    id = rondo_transport_sendfile(play_transport(play), play->file, from, size,
                                  file_done, play);
    if (!play_is_taken(play, id)) {
        assert_true(id != RONDO_EBUSY || play->file_id != 0 ||
                    play->pushed > 0);
        return;
    }
    play->files++;
    play->file_id = id;
    play->file_from = from;
    play->file_size = size;
}

/* Where the kernel is not asked to go on with it. */
static void cancel_file(struct play *play)
{
    if (play->file_id && raw_pipe_can_be_waited_for() && !play->eof)
        (void)rondo_cancel(play->r->w->loop, play->file_id);
}

static void feed(struct play *play)
{
    struct rig *r = play->r;
    unsigned room = (unsigned)(RIG_SUPPLY - r->fed);

    if (!r->kind->reads || !room || (r->far && !r->far->transport))
        return;
    if (play->passes && r->far && play_draw(play, 2)) {
        is_ok(play, rondo_transport_send_fd(r->far->transport, play->file));
        play->fed++;
    }
    is_ok(play, rig_feed(r, play_draw(play, room < 9000 ? room : 9000) + 1));
}

/* ---- one call ------------------------------------------------------------ */

void play_one(struct play *play)
{
    struct rig *r = play->r;

    if (play->hungry && play_draw(play, 4) == 0)
        test_fail_allocation(r->w, play_draw(play, 6) + 1);
    switch (play_draw(play, 16)) {
    case 14:
        play_try(play);
        break;
    case 15:
        play_drain(play);
        break;
    case 0:
    case 1:
        feed(play);
        break;
    case 2:
    case 3:
        write_one(play);
        break;
    case 4:
        pass_one(play);
        break;
    case 5:
        send_file(play);
        break;
    case 6:
        cancel_file(play);
        break;
    case 7:
        if (r->far && r->far->transport)
            assert_ok(rondo_transport_pause_reading(r->far->transport));
        break;
    case 8:
        rig_unblock(r);
        break;
    case 9:
        play_be_ready(play);
        break;
    case 10:
        anything(play);
        break;
    default:
        test_spin(r->w, (int)play_draw(play, 3) + 1);
    }
}

/* A cipher under both ends, so that bytes are not those that were written. */
static void encipher(struct play *play)
{
    struct rig *r = play->r;
    struct toy *ours = test_toy(r->w, 42), *theirs = test_toy(r->w, 99);

    toy_push(r->p->transport, ours);
    toy_push(r->far->transport, theirs);
    test_run_until(r->w, ours->done && theirs->done);
}

struct play *play_new(struct world *w, enum kind_id id, unsigned seed,
                      raw_fd file)
{
    struct play *play = test_alloc(w, sizeof *play);
    struct rig *r = rig_new(w, id);

    if (!r)
        return NULL;
    play->r = play->taking.r = r;
    play->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    play->file = file;
    play->filtering = seed % 2;
    play->passes = id == KIND_UNIX &&
                   rondo_loop_supports(w->loop, RONDO_CAN_PASS_DESCRIPTORS);
    if (seed % 3 == 0 && r->far && !r->kind->half && id != KIND_CHILD_EXTRA)
        encipher(play);
    r->p->user = play;
    r->p->no_checksum = true;
    r->p->on_data = take_somehow;
    r->p->on_updated = updated_somehow;
    r->p->on_pause = r->p->on_resume = r->p->on_timeout = anything_in_flow;
    r->p->go_on = true;
    if (r->far) {
        r->far->user = play;
        r->far->on_data = take_at_far;
    }
    return play;
}
