/* timers.c - once, again and again, moved, cancelled. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

struct clock {
    rondo_id tick, end;
    int ticks;
};

static void soon(rondo_loop *loop, void *arg)
{
    (void)loop;
    printf("%s\n", (const char *)arg);
}

/* Once, 1 s later: but each tick moves it to 1 s from then. */
static void end(rondo_loop *loop, void *arg)
{
    struct clock *c = arg;
    (void)loop;
    printf("the end, after %d ticks\n", c->ticks);
}

static void tick(rondo_loop *loop, void *arg)
{
    struct clock *c = arg;
    printf("tick %d\n", ++c->ticks);
    if (c->ticks < 3) {
        rondo_reschedule(loop, c->end, rondo_loop_time(loop) + RONDO_SEC(1));
    } else {
        rondo_cancel(loop, c->tick); /* itself */
        rondo_reschedule(loop, c->end, rondo_loop_time(loop));
    }
}

int main(void)
{
    struct clock c = {0};
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0) {
        fprintf(stderr, "timers: %s\n", rondo_last_error());
        return 1;
    }
    rondo_call_later(loop, RONDO_MS(5), soon, "in 5 ms");
    rondo_call_soon(loop, soon, "soon");
    rondo_id never = rondo_call_later(loop, RONDO_MS(1), soon, "never");
    c.tick = rondo_call_every(loop, RONDO_MS(20), tick, &c);
    c.end = rondo_call_later(loop, RONDO_SEC(1), end, &c);
    if (never < 0 || c.tick < 0 || c.end < 0) /* the memory is full */
        fprintf(stderr, "timers: %s\n", rondo_last_error());
    printf("cancelled: %d\n", rondo_cancel(loop, never));
    int again = rondo_cancel(loop, never);
    printf("once more: %s\n", rondo_error_name(again));
    if (rondo_loop_run(loop) < 0)
        fprintf(stderr, "timers: %s\n", rondo_last_error());
    return rondo_loop_close(loop) < 0;
}
