/* consumer.c - proves that an installed or embedded Rondo links and runs. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>

#include <stdio.h>
#include <string.h>

static void called(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(int *)arg;
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    int calls = 0;

    if (argc != 2 || strcmp(argv[1], rondo_version()) != 0) {
        fprintf(stderr, "this is rondo %s\n", rondo_version());
        return 1;
    }
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_call_soon(loop, called, &calls) < 0 || rondo_loop_run(loop) < 0 ||
        rondo_loop_close(loop) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    return calls == 1 ? 0 : 1;
}
