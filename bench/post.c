/* post.c - callbacks scheduled on the loop's thread, and sent from others. */
/* SPDX-License-Identifier: MIT */
#include "post.h"

#include "measure.h"

#include <pthread.h>

enum { BATCH = 1000, BATCHES = 5000, POSTS = 4000000, THREADS = 4 };

enum operation { SOON, POST_1, POST_4, OPERATIONS };

static const char *const operation_names[OPERATIONS] = {"call_soon", "post_1",
                                                        "post_4"};

static const struct post *const contestants[] = {
    &post_rondo,
#ifdef BENCH_UV
    &post_uv,
#endif
};
enum { CONTESTANTS = sizeof contestants / sizeof contestants[0] };

static struct figure figures[CONTESTANTS][OPERATIONS];

struct sender {
    pthread_t thread;
    const struct post *post;
    size_t count;
};

static void *send_posts(void *arg)
{
    const struct sender *sender = arg;
    for (size_t i = 0; i < sender->count; i++) {
        sender->post->post();
    }
    return NULL;
}

static double storm(const struct post *post, int threads, size_t posts)
{
    struct sender senders[THREADS];
    int64_t start = measure_process_ns();
    for (int i = 0; i < threads; i++) {
        senders[i].post = post;
        senders[i].count = posts / (size_t)threads;
        if (pthread_create(&senders[i].thread, NULL, send_posts, &senders[i]) !=
            0) {
            measure_die("pthread_create");
        }
    }
    post->run(posts);
    for (int i = 0; i < threads; i++) {
        pthread_join(senders[i].thread, NULL);
    }
    return (double)(measure_process_ns() - start) / (double)posts;
}

static double soon(const struct post *post)
{
    post->soon(10, BATCH);
    int64_t start = measure_thread_ns();
    post->soon(BATCHES, BATCH);
    return (double)(measure_thread_ns() - start) / BATCH / BATCHES;
}

/* Warm-ups let the arrays grow, so that what is measured is steady. */
static void play(const struct post *post, struct figure *figure, int round)
{
    post->open();
    if (post->soon) {
        figure[SOON].ns[round] = soon(post);
    }
    storm(post, THREADS, POSTS / 4);
    figure[POST_1].ns[round] = storm(post, 1, POSTS);
    figure[POST_4].ns[round] = storm(post, THREADS, POSTS);
    post->close();
}

int main(int argc, char **argv)
{
    measure_options(argc, argv);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            play(contestants[i], figures[i], round);
        }
    }
    for (int i = 0; i < CONTESTANTS; i++) {
        for (int j = 0; j < OPERATIONS; j++) {
            if (j != SOON || contestants[i]->soon) {
                measure_print(contestants[i]->name, operation_names[j],
                              &figures[i][j]);
            }
        }
    }
    return 0;
}
