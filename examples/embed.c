/* embed.c - the loop as one source of a foreign main loop made of poll(2):
 * prepare, wait, run once. The same three steps serve GLib, libev or a GUI. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <poll.h>

enum { TICKS = 5 };

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

/* Until the loop has nothing left. What the main loop schedules between its
 * turns makes the descriptor readable, so poll comes back for it. */
static int main_loop(rondo_loop *loop)
{
    for (int turn = 0;; turn++) {
        rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
        if (rondo_loop_prepare(loop, &wait) < 0)
            return -1;
        if (turn == 2 && rondo_call_soon(loop, called, NULL) < 0)
            return -1;
        struct pollfd fd = {.fd = (int)wait.fd, .events = POLLIN};
        if (poll(&fd, 1, to_ms(wait.timeout_ns)) < 0 && errno != EINTR)
            return -1;
        int alive = rondo_loop_run_once(loop, 0);
        if (alive <= 0)
            return alive;
    }
}

int main(int argc, char **argv)
{
    struct args args = {.usage = ""};
    rondo_loop *loop;
    rondo_id ticking;
    args_parse(&args, argc, argv, 0);
    if (args_loop(&args, &loop) < 0)
        return args_failed(loop);
    if (!rondo_loop_supports(loop, RONDO_CAN_EMBED)) {
        printf("backend %s cannot be embedded\n", rondo_loop_backend(loop));
        rondo_loop_close(loop);
        return 0;
    }
    ticking = rondo_call_every(loop, RONDO_MS(200), tick, &ticking);
    if (ticking < 0 || main_loop(loop) < 0)
        return args_failed(loop);
    rondo_loop_close(loop);
    return 0;
}
