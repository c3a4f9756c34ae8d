/* recipe_queue_unix.c - a bounded queue: a thread produces, the loop consumes. */
/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <rondo.h>
#include <stdio.h>

enum { ROOM = 64, BATCH = 32, ITEMS = 10000 };

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t room;  /* where a producer waits */
    rondo_remote *remote; /* how it wakes the loop */
    int items[ROOM];
    size_t first, count, largest;
    bool posted; /* the loop has been asked to look */
    bool closed; /* nobody consumes any more */
};

struct consumer {
    struct queue queue;
    rondo_loop *loop;
    long long sum;
    int received;
};

static void consume(rondo_loop *loop, void *arg);

/* Any thread. Waits while the queue is full. */
static int queue_put(struct queue *q, struct consumer *c, int item)
{
    int error = 0;
    pthread_mutex_lock(&q->lock);
    while (q->count == ROOM && !q->closed)
        pthread_cond_wait(&q->room, &q->lock);
    if (q->closed)
        error = RONDO_ECLOSED;
    else if (!q->posted) /* one post for all that comes until it runs */
        error = rondo_remote_call(q->remote, consume, c);
    if (!error) {
        q->posted = true;
        q->items[(q->first + q->count++) % ROOM] = item;
        if (q->count > q->largest)
            q->largest = q->count;
    }
    pthread_mutex_unlock(&q->lock);
    return error;
}

/* The loop's thread: takes what there is, and never waits. */
static size_t queue_take(struct queue *q, int *items, size_t most)
{
    size_t n = 0;
    pthread_mutex_lock(&q->lock);
    for (; n < most && q->count; n++, q->count--) {
        items[n] = q->items[q->first];
        q->first = (q->first + 1) % ROOM;
    }
    q->posted = q->count > 0; /* then this thread looks again */
    pthread_cond_broadcast(&q->room);
    pthread_mutex_unlock(&q->lock);
    return n;
}

static void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->room);
    pthread_mutex_unlock(&q->lock);
}

static void consume(rondo_loop *loop, void *arg)
{
    struct consumer *c = arg;
    int items[BATCH];
    size_t n = queue_take(&c->queue, items, BATCH);
    for (size_t i = 0; i < n; i++)
        c->sum += items[i];
    c->received += (int)n;
    if (c->received == ITEMS)
        rondo_loop_stop(loop);
    else if (n == BATCH) /* the loop's other work has its turn in between */
        rondo_call_soon(loop, consume, c);
}

static void *produce(void *arg)
{
    struct consumer *c = arg;
    for (int i = 1; i <= ITEMS; i++)
        if (queue_put(&c->queue, c, i) < 0)
            break;
    return NULL;
}

int main(void)
{
    static struct consumer c = {.queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                          .room = PTHREAD_COND_INITIALIZER}};
    pthread_t thread;
    if (rondo_loop_new(&c.loop, NULL) < 0 ||
        !(c.queue.remote = rondo_loop_remote(c.loop)) ||
        pthread_create(&thread, NULL, produce, &c))
        goto failed;
    if (rondo_loop_run_forever(c.loop) < 0) /* posts do not keep it running */
        goto failed;
    queue_close(&c.queue); /* a producer that waits goes on, and ends */
    pthread_join(thread, NULL);
    rondo_remote_release(c.queue.remote);
    printf("%d items, their sum is %lld\n", c.received, c.sum);
    printf("at most %d were queued: %s\n", ROOM,
           c.queue.largest <= ROOM ? "yes" : "no");
    return rondo_loop_close(c.loop) < 0;
failed:
    fprintf(stderr, "recipe_queue_unix: %s\n", rondo_last_error());
    return 1;
}
