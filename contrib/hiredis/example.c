/* example.c - counts in a Redis server: counter SOCKET [TIMES] increments
 * "rondo:counter" so often, all at once, and prints what it is then.
 *
 *   cc example.c -lhiredis -lrondo -pthread */
/* SPDX-License-Identifier: MIT */
#include "rondo_hiredis.h"

#include <signal.h>
#include <stdio.h>

struct count {
    redisAsyncContext *redis;
    long left;
    int error;
};

static void counted(redisAsyncContext *redis, void *reply, void *arg)
{
    struct count *c = arg;
    const redisReply *answer = reply;
    if (!answer) /* the connection has ended */
        return;
    if (answer->type != REDIS_REPLY_INTEGER) {
        fprintf(stderr, "counter: %s\n", answer->str);
        c->error = 1;
    }
    if (--c->left)
        return;
    printf("%lld\n", answer->integer);
    redisAsyncDisconnect(redis);
}

static void disconnected(const redisAsyncContext *redis, int status)
{
    if (status != REDIS_OK)
        fprintf(stderr, "counter: %s\n", redis->errstr);
}

static int count_all(struct count *c)
{
    for (long i = 0; i < c->left; i++)
        if (redisAsyncCommand(c->redis, counted, c, "INCR rondo:counter") !=
            REDIS_OK)
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct count c = {.left = argc > 2 ? strtol(argv[2], NULL, 10) : 1000};
    rondo_loop *loop;
    if (argc < 2 || c.left < 1) {
        fprintf(stderr, "usage: counter SOCKET [TIMES]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* hiredis writes with it */
    if (rondo_loop_new(&loop, NULL) < 0) {
        fprintf(stderr, "counter: %s\n", rondo_last_error());
        return 1;
    }
    c.redis = redisAsyncConnectUnix(argv[1]);
    if (!c.redis || c.redis->err ||
        redisRondoAttach(c.redis, loop) != REDIS_OK) {
        fprintf(stderr, "counter: cannot connect: %s\n",
                c.redis ? c.redis->errstr : "no memory");
        return 1;
    }
    redisAsyncSetDisconnectCallback(c.redis, disconnected);
    if (count_all(&c) < 0 || rondo_loop_run(loop) < 0)
        c.error = 1;
    rondo_loop_close(loop);
    return c.error || c.left;
}
