/* timers_owned.c - who frees the argument; timers that nobody waits for. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *p = malloc(size);
    return p ? memcpy(p, text, size) : NULL;
}

/* It has run for the last time: the argument is the callback's to free. */
static void show(rondo_loop *loop, void *arg)
{
    (void)loop;
    printf("runs: %s\n", (char *)arg);
    free(arg);
}

/* It will not run any more: cancelled, or the loop is closed. */
static void release(rondo_loop *loop, void *arg)
{
    (void)loop;
    printf("released: %s\n", (char *)arg);
    free(arg);
}

static rondo_id later(rondo_loop *loop, int64_t delay, const char *text)
{
    char *p = copy(text);
    rondo_id id = p ? rondo_call_later(loop, delay, show, p) : RONDO_ENOMEM;
    if (id < 0) {
        free(p); /* no timer: still ours */
        return id;
    }
    rondo_set_release(loop, id, release);
    return id;
}

int main(void)
{
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0) {
        fprintf(stderr, "timers_owned: %s\n", rondo_last_error());
        return 1;
    }
    later(loop, RONDO_MS(1), "this one");
    rondo_cancel(loop, later(loop, RONDO_MS(1), "the cancelled one"));
    /* rondo_loop_run does not wait an hour for this one. */
    rondo_set_background(loop, later(loop, RONDO_SEC(3600), "the hourly one"),
                         true);
    int result = rondo_loop_run(loop);
    printf("the run ends with %d\n", result);
    return rondo_loop_close(loop) < 0;
}
