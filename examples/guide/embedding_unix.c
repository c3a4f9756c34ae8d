/* embedding_unix.c - a main loop by poll(2), which runs a Rondo loop, too. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 64 };

struct program {
    rondo_loop *loop;
    rondo_id ticking;
    int own[2]; /* a pipe of the main loop's */
    int ticks;
};

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "embedding: %s\n", rondo_last_error());
    exit(1);
}

/* Rounded up: a wait that ends before the timer is due would spin. */
static int to_ms(int64_t ns)
{
    if (ns == RONDO_NEVER)
        return -1;
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms > 60000 ? 60000 : (int)ms;
}

/* Prepare: what the loop waits for, behind the program's own descriptor. */
static nfds_t prepare(struct program *p, struct pollfd *fds, int64_t *timeout)
{
    rondo_poll_entry entries[MOST];
    int count = rondo_loop_prepare_poll(p->loop, entries, MOST, timeout);
    must(count);
    if (count > MOST) /* poll and select have one for each descriptor */
        abort();
    fds[0] = (struct pollfd){.fd = p->own[0], .events = POLLIN};
    for (int i = 0; i < count; i++) {
        bool in = entries[i].events & RONDO_READABLE;
        bool out = entries[i].events & RONDO_WRITABLE;
        bool urgent = entries[i].events & RONDO_PRIORITY;
        int events =
            (in ? POLLIN : 0) | (out ? POLLOUT : 0) | (urgent ? POLLPRI : 0);
        fds[1 + i] =
            (struct pollfd){.fd = (int)entries[i].fd, .events = (short)events};
    }
    return (nfds_t)count + 1;
}

static void main_loop(struct program *p)
{
    struct pollfd fds[1 + MOST];
    int64_t timeout;
    char byte = 0;
    while (byte != 'q') {
        nfds_t count = prepare(p, fds, &timeout);
        if (poll(fds, count, to_ms(timeout)) < 0 && errno != EINTR)
            abort();
        if (fds[0].revents & POLLIN && read(p->own[0], &byte, 1) == 1)
            printf("main loop: read %c\n", byte);
        must(rondo_loop_run_once(p->loop, 0)); /* never waits */
    }
}

/* Something in the Rondo loop: it tells the main loop by its pipe. */
static void tick(rondo_loop *loop, void *arg)
{
    struct program *p = arg;
    bool last = ++p->ticks == 3;
    printf("Rondo: tick %d\n", p->ticks);
    must(write(p->own[1], last ? "q" : "t", 1));
    if (last)
        must(rondo_cancel(loop, p->ticking));
}

int main(void)
{
    struct program p = {0};
    must(pipe(p.own));
    must(rondo_loop_new(&p.loop, NULL));
    p.ticking = rondo_call_every(p.loop, RONDO_MS(20), tick, &p);
    must(p.ticking);
    main_loop(&p);
    must(rondo_loop_close(p.loop));
    return 0;
}
