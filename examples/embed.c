/* embed.c - the loop as one source of a foreign main loop made of poll(2):
 * prepare, wait, run once. The same three steps serve GLib, libev or a GUI. */
/* SPDX-License-Identifier: MIT */
/* Build: cc embed.c -o embed $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>

enum { TICKS = 5, MOST = 64 };

static void tick(rondo_loop *loop, void *arg)
{
    rondo_id *ticking = arg;
    static int ticks;
    printf("tick %d, run by Rondo\n", ++ticks);
    if (ticks == TICKS)
        rondo_cancel(loop, *ticking);
}

static void called(rondo_loop *loop, void *arg)
{
    (void)loop, (void)arg;
    printf("a callback the main loop asked for\n");
}

/* Rounded up: a timer that is looked at too early would make poll spin. */
static int to_ms(int64_t ns)
{
    if (ns == RONDO_NEVER)
        return -1;
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms > 60000 ? 60000 : (int)ms;
}

/* Asks the loop what to wait for, and waits. One descriptor on some backends,
 * a list on others. */
static int wait_for(rondo_loop *loop, bool call)
{
    rondo_poll_entry entries[MOST];
    struct pollfd fds[MOST];
    int64_t timeout;
    int count = rondo_loop_prepare_poll(loop, entries, MOST, &timeout);
    if (count < 0 || count > MOST)
        return -1;
    if (call && rondo_call_soon(loop, called, NULL) < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        bool in = entries[i].events & RONDO_READABLE;
        bool out = entries[i].events & RONDO_WRITABLE;
        fds[i] = (struct pollfd){.fd = (int)entries[i].fd};
        fds[i].events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
    }
    int ready = poll(fds, (nfds_t)count, to_ms(timeout));
    return ready < 0 && errno != EINTR ? -1 : 0;
}

/* Until the loop has nothing left. What the main loop schedules between its
 * turns ends its poll, so it comes back for that. */
static int main_loop(rondo_loop *loop)
{
    for (int turn = 0;; turn++) {
        if (wait_for(loop, turn == 2) < 0)
            return -1;
        int alive = rondo_loop_run_once(loop, 0);
        if (alive <= 0)
            return alive;
    }
}

int main(void)
{
    rondo_loop *loop = NULL;
    rondo_id ticking = RONDO_ENOMEM;
    if (rondo_loop_new(&loop, NULL) == 0)
        ticking = rondo_call_every(loop, RONDO_MS(200), tick, &ticking);
    bool good = ticking > 0 && main_loop(loop) == 0;
    if (!good)
        fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return !good;
}
