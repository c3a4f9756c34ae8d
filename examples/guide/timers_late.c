/* timers_late.c - a callback that takes too long, and who finds that out. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

struct state {
    rondo_id period;
    int calls, reports;
};

static void every(rondo_loop *loop, void *arg)
{
    struct state *s = arg;
    if (++s->calls == 1) { /* the mistake: the loop waits for this */
        int64_t begin = rondo_loop_time(loop);
        while (rondo_loop_time(loop) - begin < RONDO_MS(55))
            ;
    } else {
        printf("periods missed: %s\n",
               rondo_missed(loop, s->period) >= 4 ? "4 or more" : "few");
        rondo_cancel(loop, s->period);
    }
}

/* In debug mode the loop reports what took longer than 50 ms. */
static void report(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    struct state *s = arg;
    (void)loop;
    (void)what; /* what->message: "a timer took 55 ms: every" */
    s->reports++;
}

int main(void)
{
    struct state s = {0};
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_loop_set_debug(loop, true, RONDO_MS(50)) < 0 ||
        rondo_loop_set_exception_handler(loop, report, &s) < 0 ||
        (s.period = rondo_call_every(loop, RONDO_MS(10), every, &s)) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "timers_late: %s\n", rondo_last_error());
        return 1;
    }
    printf("slow callbacks were reported: %s\n", s.reports ? "yes" : "no");
    rondo_loop_set_debug(loop, false, 0);
    return rondo_loop_close(loop) < 0;
}
