/* happy_eyeballs.c - one connection out of several addresses (RFC 8305). */
/* SPDX-License-Identifier: MIT */
#include "net/happy_eyeballs.h"

#include "base/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- what failed, in words ---- */

static void happy_eyeballs_append(struct happy_eyeballs *r,
                                  const char *sentence)
{
    size_t used = strlen(r->tried);
    snprintf(r->tried + used, sizeof r->tried - used, "%s%s", used ? "; " : "",
             sentence);
}

static void happy_eyeballs_note(struct happy_eyeballs *r, int error,
                                const rondo_address *a, const char *verb)
{
    char where[RONDO_ADDRESS_TEXT];
    (void)rondo_address_text(a, where, sizeof where);
    error_os(error, "%s%s%s", verb, *verb ? " " : "", where);
    r->error = error;
    r->os_error = rondo_last_os_error();
    happy_eyeballs_append(r, rondo_last_error());
}

/* Lists an address whose attempt was under way when the race was stopped. */
static void happy_eyeballs_note_stopped(struct happy_eyeballs *r,
                                        const rondo_address *a)
{
    char where[RONDO_ADDRESS_TEXT], sentence[RONDO_ADDRESS_TEXT + 80];
    (void)rondo_address_text(a, where, sizeof where);
    snprintf(sentence, sizeof sentence, "%s: %s (%s)", where,
             rondo_strerror(r->stopped), rondo_error_name(r->stopped));
    happy_eyeballs_append(r, sentence);
}

/* ---- one address ---- */

static void happy_eyeballs_attempted(rondo_loop *loop, struct task *task);

void happy_eyeballs_set_options(const struct happy_eyeballs *r, sys_fd fd)
{
    if (r->no_delay)
        (void)sys_option(fd, SYS_NO_DELAY, true);
    if (r->keep_alive)
        (void)sys_option(fd, SYS_KEEP_ALIVE, true);
}

/* Makes a socket for this address and sets its options. */
static int happy_eyeballs_make_socket(struct happy_eyeballs *r,
                                      const rondo_address *a, sys_fd *fd)
{
    int error = sys_socket_stream(rondo_address_family(a), fd);
    if (error) {
        happy_eyeballs_note(r, error, a, "socket for");
        return error;
    }
    if (rondo_address_family(a) != RONDO_FAMILY_UNIX)
        happy_eyeballs_set_options(r, *fd);
    if (r->has_local) {
        error = sys_bind(*fd, &r->local);
        if (error)
            happy_eyeballs_note(r, error, &r->local, "bind");
    }
    if (error)
        sys_close(*fd);
    return error;
}

static bool happy_eyeballs_begin(struct happy_eyeballs *r, struct attempt *a)
{
    sys_fd fd;
    assert(!a->t && op_is_idle(&a->op) && !r->winner && !r->stopped);
    if (happy_eyeballs_make_socket(r, &a->address, &fd))
        return false;
    int error = stream_new(r->loop, fd, &a->t);
    if (error) {
        happy_eyeballs_note(r, error, &a->address, "connect");
        sys_close(fd);
        a->t = NULL;
        return false;
    }
    op_init(&a->op, &a->t->io, OP_CONNECT, happy_eyeballs_attempted);
    a->op.buffer = &a->address;
    a->op.size = sizeof a->address;
    op_submit(r->loop, &a->op);
    r->running++;
    return true;
}

/* ---- the race ---- */

static void happy_eyeballs_disarm(struct happy_eyeballs *r)
{
    if (r->timer > 0)
        (void)timers_cancel(r->loop, r->timer);
    r->timer = 0;
}

/* Without memory for the timer the next attempt waits for a failure. */
static void happy_eyeballs_arm(struct happy_eyeballs *r, rondo_fn on_timer)
{
    int64_t now = sys_clock();
    happy_eyeballs_disarm(r);
    if (r->delay_ns >= 0 && r->next < r->count &&
        r->delay_ns < RONDO_NEVER - now)
        r->timer = timers_start_hidden(r->loop, now + r->delay_ns, on_timer, r);
}

static void happy_eyeballs_cancel_all(struct happy_eyeballs *r)
{
    happy_eyeballs_disarm(r);
    for (size_t i = 0; i < r->next; i++) {
        struct attempt *a = &r->attempts[i];
        if (backoff_end(r->loop, &a->backoff)) {
            a->op.task.error = RONDO_ECANCELED;
            loop_push(r->loop, &a->op.task);
        } else if (a->t) {
            op_cancel(r->loop, &a->op);
        }
    }
}

static void happy_eyeballs_end(struct happy_eyeballs *r)
{
    rondo_transport *winner = r->winner;
    assert(!r->running);
    happy_eyeballs_disarm(r);
    r->winner = NULL;
    if (winner && r->stopped) {
        stream_discard(winner);
        winner = NULL;
    }
    r->over(r, winner, winner ? 0 : r->stopped ? r->stopped : r->error);
}

static void happy_eyeballs_on_timer(rondo_loop *loop, void *arg);

/* Begins the next attempt that can begin, and notes why the others cannot. */
static void happy_eyeballs_begin_next(struct happy_eyeballs *r)
{
    while (r->next < r->count &&
           !happy_eyeballs_begin(r, &r->attempts[r->next++]))
        ;
    happy_eyeballs_arm(r, happy_eyeballs_on_timer);
}

static void happy_eyeballs_on_timer(rondo_loop *loop, void *arg)
{
    struct happy_eyeballs *r = arg;
    (void)loop;
    assert(r->running && !r->winner && !r->stopped);
    r->timer = 0;
    happy_eyeballs_begin_next(r);
}

static void happy_eyeballs_lose(struct attempt *a)
{
    stream_discard(a->t);
    a->t = NULL;
}

static void happy_eyeballs_win(struct attempt *a)
{
    assert(a->t && !a->race->winner && !a->race->stopped);
    a->race->winner = a->t;
    a->t = NULL;
    happy_eyeballs_cancel_all(a->race);
}

static void happy_eyeballs_again(rondo_loop *loop, void *arg)
{
    struct attempt *a = arg;
    a->backoff.timer = 0;
    op_submit(loop, &a->op);
}

/* 0: it has connected, or is tried again. Linux answers EAGAIN (RONDO_EBUSY)
 * while a unix listener's backlog is full, and no event tells when it has
 * room. */
static int happy_eyeballs_take_result(struct attempt *a, int error)
{
    struct happy_eyeballs *r = a->race;
    if (error == RONDO_EBUSY) {
        error = backoff_begin(r->loop, &a->backoff, happy_eyeballs_again, a);
    } else if (error) {
        /* Linux: the peer's end and a reset came before this look */
        if (error == RONDO_EPIPE)
            error = RONDO_ECONNRESET;
        error_keep_os(a->op.os_error);
    } else {
        error = stream_remember(a->t, NULL, NULL);
        if (!error)
            happy_eyeballs_win(a);
    }
    return error;
}

/* A failure begins the next attempt at once. The race is over when the last
 * operation is done, so that all other sockets are closed by then. */
static void happy_eyeballs_attempted(rondo_loop *loop, struct task *task)
{
    struct attempt *a = (struct attempt *)(void *)task;
    struct happy_eyeballs *r = a->race;
    (void)loop;
    assert(a->t && r->running);
    if (r->stopped || r->winner) {
        happy_eyeballs_lose(a);
    } else {
        int error = happy_eyeballs_take_result(a, task->error);
        if (error) {
            happy_eyeballs_note(r, error, &a->address, "");
            happy_eyeballs_lose(a);
            happy_eyeballs_begin_next(r);
        }
    }
    if (!a->t)
        r->running--;
    if (r->running == 0)
        happy_eyeballs_end(r);
}

void happy_eyeballs_start(struct happy_eyeballs *r)
{
    assert(r->attempts && !r->next && !r->running && !r->winner);
    r->error = RONDO_EAFNOSUPPORT;
    if (r->count == 0)
        happy_eyeballs_append(
            r, "no address of the family asked for (EAFNOSUPPORT)");
    happy_eyeballs_begin_next(r);
    if (r->running == 0)
        happy_eyeballs_end(r);
}

void happy_eyeballs_stop(struct happy_eyeballs *r, int error)
{
    assert(r->running && !r->stopped);
    r->stopped = error;
    for (size_t i = 0; i < r->next; i++)
        if (r->attempts[i].t)
            happy_eyeballs_note_stopped(r, &r->attempts[i].address);
    happy_eyeballs_cancel_all(r);
}

void happy_eyeballs_free(struct happy_eyeballs *r)
{
    assert(!r->running && !r->winner);
    happy_eyeballs_disarm(r);
    loop_free(r->loop, r->attempts);
}

sys_fd happy_eyeballs_fd(const struct happy_eyeballs *r)
{
    size_t i = 0;
    while (i < r->next && !r->attempts[i].t)
        i++;
    return i < r->next ? r->attempts[i].t->io.fd : SYS_NO_FD;
}

/* ---- who takes part ---- */

static bool happy_eyeballs_suits(const struct happy_eyeballs *r,
                                 const rondo_address *a)
{
    rondo_family family = rondo_address_family(a);
    if (r->has_local && family != rondo_address_family(&r->local))
        return false;
    return r->family == RONDO_FAMILY_ANY || r->family == family;
}

static void happy_eyeballs_add(struct happy_eyeballs *r, const rondo_address *a)
{
    struct attempt *attempt = &r->attempts[r->count++];
    *attempt = (struct attempt){.race = r, .address = *a};
}

struct field {
    const rondo_address *addresses;
    size_t count;
    rondo_family first; /* the family of the first that suits */
};

/* Adds the next address from *at on that is (first) or is not (!first) of the
 * first family. */
static bool happy_eyeballs_add_next(struct happy_eyeballs *r,
                                    const struct field *f, size_t *at,
                                    bool first)
{
    while (*at < f->count) {
        const rondo_address *a = &f->addresses[(*at)++];
        if (happy_eyeballs_suits(r, a) &&
            (rondo_address_family(a) == f->first) == first) {
            happy_eyeballs_add(r, a);
            return true;
        }
    }
    return false;
}

static void happy_eyeballs_interleave(struct happy_eyeballs *r,
                                      const struct field *f, int lead)
{
    size_t at = 0, at_other = 0;
    bool more;
    while (lead-- > 1 && happy_eyeballs_add_next(r, f, &at, true))
        ;
    do {
        more = happy_eyeballs_add_next(r, f, &at, true);
        more |= happy_eyeballs_add_next(r, f, &at_other, false);
    } while (more);
}

int happy_eyeballs_set(struct happy_eyeballs *r, const rondo_address *addresses,
                       size_t count, int lead)
{
    struct field f = {addresses, count, RONDO_FAMILY_ANY};
    r->attempts = loop_alloc(r->loop, count * sizeof *r->attempts);
    if (!r->attempts)
        return RONDO_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!happy_eyeballs_suits(r, &addresses[i]))
            continue;
        if (lead < 0)
            happy_eyeballs_add(r, &addresses[i]);
        else if (!f.first)
            f.first = rondo_address_family(&addresses[i]);
    }
    if (lead >= 0)
        happy_eyeballs_interleave(r, &f, lead);
    /* Two sockets cannot be bound to one local port at a time. */
    if (r->has_local && rondo_address_port(&r->local))
        r->delay_ns = -1;
    return 0;
}
