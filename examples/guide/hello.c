/* hello.c - a timer: the smallest program. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

static void hello(rondo_loop *loop, void *arg)
{
    (void)loop;
    printf("hello, %s\n", (const char *)arg);
}

int main(void)
{
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_call_later(loop, RONDO_MS(10), hello, "world") < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "hello: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
