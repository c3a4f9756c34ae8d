/* demo_posts.c - four threads post to one loop as fast as they can; each post
 * must arrive, once, in its thread's order. */
/* SPDX-License-Identifier: MIT */
#include "demo.h"
#include "demo_thread.h"

enum { THREADS = 4 };

struct poster {
    struct posts *posts;
    rondo_remote *remote;
    demo_thread thread;
    const char *mark; /* post number n carries mark + n */
    int64_t next;     /* the number expected next */
    int failed;       /* written by the thread, read after the join */
};

struct posts {
    struct poster poster[THREADS];
    int64_t each, arrived;
    const char *wrong;
    char *mark; /* one byte a post, to tell by its address which it is */
};

static void arrived(rondo_loop *loop, void *arg)
{
    struct posts *posts = rondo_loop_data(loop);
    int64_t at = (const char *)arg - posts->mark;
    struct poster *poster = &posts->poster[at / posts->each];
    if (at % posts->each != poster->next)
        posts->wrong = "a thread's posts were lost or came out of order";
    poster->next = at % posts->each + 1;
    if (++posts->arrived == posts->each * THREADS)
        rondo_loop_stop(loop);
    if (posts->arrived % 4096 == 0)
        demo_progress("posts arrived", posts->arrived, posts->each * THREADS);
}

static void post(void *arg)
{
    struct poster *poster = arg;
    for (int64_t n = 0; n < poster->posts->each && !poster->failed; n++)
        poster->failed = rondo_remote_call(poster->remote, arrived,
                                           (void *)(poster->mark + n));
    rondo_remote_release(poster->remote);
}

static void too_long(rondo_loop *loop, void *arg)
{
    struct posts *posts = arg;
    posts->wrong = "posts are missing after a minute";
    rondo_loop_stop(loop);
}

static int storm(rondo_loop *loop, struct posts *posts)
{
    int64_t before = demo_now();
    int started = 0, result = 0;
    while (started < THREADS && result == 0) {
        struct poster *poster = &posts->poster[started];
        poster->posts = posts;
        poster->mark = posts->mark + started * posts->each;
        poster->remote = rondo_loop_remote(loop);
        if (!poster->remote)
            result = demo_fail("%s", rondo_last_error());
        else if (demo_thread_start(&poster->thread, post, poster) < 0)
            result = demo_fail("no thread");
        else
            started++;
    }
    if (result == 0 && rondo_loop_run_forever(loop) < 0)
        result = demo_fail("%s", rondo_last_error());
    int64_t took = demo_now() - before;
    for (int i = 0; i < started; i++) {
        demo_thread_join(posts->poster[i].thread);
        if (posts->poster[i].failed && result == 0)
            result = demo_fail("a post was refused: %s",
                               rondo_strerror(posts->poster[i].failed));
    }
    if (result == 0 && posts->wrong)
        return demo_fail("%s", posts->wrong);
    if (result == 0)
        demo_say("  %s posts from %d threads arrived, each thread's in order, "
                 "%s a second",
                 demo_count(posts->arrived), THREADS,
                 demo_count(demo_rate(posts->arrived, took)));
    return result;
}

int demo_posts(struct demo *demo)
{
    struct posts posts = {.each = 250000 / demo->divisor};
    rondo_loop *loop = demo_loop(demo);
    if (!loop)
        return -1;
    demo_say("posts");
    posts.mark = malloc((size_t)posts.each * THREADS);
    rondo_loop_set_data(loop, &posts);
    int result = -1;
    if (!posts.mark)
        demo_fail("no memory");
    else if (rondo_call_later(loop, RONDO_SEC(60), too_long, &posts) < 0)
        demo_fail("%s", rondo_last_error());
    else
        result = storm(loop, &posts);
    rondo_loop_close(loop);
    free(posts.mark);
    return result;
}
