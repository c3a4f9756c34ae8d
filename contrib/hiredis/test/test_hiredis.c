/* test_hiredis.c - hiredis on a loop, against a Redis server. */
/* SPDX-License-Identifier: MIT */
#include "../../test/server.h"
#include "harness.h"
#include "rondo_hiredis.h"

#include <signal.h>

static bool start(void)
{
    (void)signal(SIGPIPE, SIG_IGN); /* hiredis writes with it */
    return server_start_redis(RONDO_TEST_REDIS);
}

TEST_AROUND(start, server_stop);

struct client {
    struct world *w;
    redisAsyncContext *redis;
    unsigned connected, disconnected, replies, ended; /* ended: without one */
    int status;
    long long sum;
    char text[64];
    void (*act)(struct client *c);
};

static void on_connect(const redisAsyncContext *redis, int status)
{
    struct client *c = redis->data;

    c->connected++;
    c->status = status;
    if (status != REDIS_OK)
        c->redis = NULL; /* hiredis frees it */
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct client *c = redis->data;

    c->disconnected++;
    c->status = status;
    c->redis = NULL;
}

static struct client *client_to(struct world *w, const char *path)
{
    struct client *c = test_alloc(w, sizeof *c);

    c->w = w;
    c->redis = redisAsyncConnectUnix(path);
    assert_non_null(c->redis);
    assert_int_equal(c->redis->err, 0);
    c->redis->data = c;
    assert_int_equal(redisRondoAttach(c->redis, w->loop), REDIS_OK);
    assert_int_equal(redisRondoAttach(c->redis, w->loop), REDIS_ERR);
    assert_int_equal(redisAsyncSetConnectCallback(c->redis, on_connect),
                     REDIS_OK);
    assert_int_equal(redisAsyncSetDisconnectCallback(c->redis, on_disconnect),
                     REDIS_OK);
    return c;
}

static struct client *client_new(struct world *w)
{
    return client_to(w, server_socket());
}

static void on_reply(redisAsyncContext *redis, void *reply, void *arg)
{
    struct client *c = arg;
    const redisReply *r = reply;

    (void)redis;
    if (!r) {
        c->ended++;
        return;
    }
    c->replies++;
    c->sum += r->type == REDIS_REPLY_INTEGER ? r->integer : 0;
    if (r->type == REDIS_REPLY_ARRAY && r->elements == 3)
        r = r->element[2];
    if (r->str)
        (void)snprintf(c->text, sizeof c->text, "%s", r->str);
    if (c->act)
        c->act(c);
}

static void leave(struct client *c)
{
    redisAsyncDisconnect(c->redis);
    test_run_until(c->w, c->disconnected == 1);
    assert_int_equal(c->status, REDIS_OK);
    assert_int_equal(rondo_loop_run(c->w->loop), 0);
}

#define ASK(c, ...)                                                            \
    assert_int_equal(redisAsyncCommand((c)->redis, on_reply, c, __VA_ARGS__),  \
                     REDIS_OK)

TEST(A5_commands_and_replies)
{
    struct client *c = client_new(w);

    ASK(c, "SET %s %s", "a-key", "a value");
    ASK(c, "GET %s", "a-key");
    test_run_until(w, c->replies == 2);
    assert_int_equal(c->connected, 1);
    assert_string_equal(c->text, "a value");
    leave(c);
}

TEST(A5_ten_thousand_at_once)
{
    struct client *c = client_new(w);

    ASK(c, "DEL count");
    for (int i = 0; i < 10000; i++)
        ASK(c, "INCR count");
    test_run_until(w, c->replies == 10001);
    assert_true(c->sum >= 10000LL * 10001 / 2);
    leave(c);
}

/* More than a socket takes at once, both ways. */
TEST(A5_a_large_value)
{
    enum { SIZE = 4000000 };
    struct client *c = client_new(w);
    char *value = test_alloc(w, SIZE);

    memset(value, 'v', SIZE);
    ASK(c, "SET large %b", value, (size_t)SIZE);
    ASK(c, "STRLEN large");
    ASK(c, "GET large");
    test_run_until(w, c->replies == 3);
    assert_int_equal(c->sum, SIZE);
    leave(c);
}

TEST(A5_published_messages)
{
    struct client *reader = client_new(w), *writer = client_new(w);

    ASK(reader, "SUBSCRIBE news");
    test_run_until(w, reader->replies == 1);
    for (unsigned i = 1; i <= 10; i++) {
        ASK(writer, "PUBLISH news number-%u", i);
        test_run_until(w, reader->replies == 1 + i);
    }
    assert_string_equal(reader->text, "number-10");
    redisAsyncFree(reader->redis);
    leave(writer);
}

static void free_it(struct client *c)
{
    redisAsyncFree(c->redis);
}

TEST(A5_freed_in_a_reply)
{
    struct client *c = client_new(w);

    c->act = free_it;
    for (int i = 0; i < 5; i++)
        ASK(c, "PING");
    test_run_until(w, c->disconnected == 1);
    assert_int_equal(c->replies, 1);
    assert_int_equal(c->ended, 4);
    assert_int_equal(rondo_loop_run(w->loop), 0);
}

TEST(A5_freed_before_it_is_connected)
{
    struct client *c = client_new(w);

    ASK(c, "PING");
    redisAsyncFree(c->redis);
    assert_int_equal(c->ended, 1);
    assert_int_equal(rondo_loop_run(w->loop), 0);
}

TEST(A5_the_server_ends_the_connection)
{
    struct client *c = client_new(w), *other = client_new(w);

    ASK(c, "CLIENT SETNAME victim");
    test_run_until(w, c->replies == 1);
    ASK(c, "BLPOP nothing 0");
    ASK(other, "CLIENT KILL TYPE normal SKIPME yes");
    test_run_until(w, c->disconnected == 1);
    assert_int_equal(c->status, REDIS_ERR);
    assert_int_equal(c->ended, 1);
    leave(other);
}

TEST(A5_nobody_listens)
{
    redisAsyncContext *redis = redisAsyncConnectUnix("/nowhere/at/all");

    assert_non_null(redis);
    assert_int_not_equal(redis->err, 0);
    assert_int_equal(redisRondoAttach(redis, NULL), REDIS_ERR);
    redisAsyncFree(redis);
}
