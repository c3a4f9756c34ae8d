/* test_curl.c - libcurl on a loop, against nginx. */
/* SPDX-License-Identifier: MIT */
#include "../../test/server.h"
#include "harness.h"
#include "rondo_curl.h"

enum { PAGE = 100000 };

static bool start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
           server_start_nginx(RONDO_TEST_NGINX);
}

TEST_AROUND(start, server_stop);

struct fetch;

struct town {
    struct world *w;
    rondo_curl *curl;
    unsigned ended;
};

struct fetch {
    struct town *t;
    CURL *easy;
    size_t bytes;
    unsigned done;
    CURLcode result;
    void (*act)(struct fetch *f);
    struct fetch *other;
};

static struct town *town_new(struct world *w)
{
    struct town *t = test_alloc(w, sizeof *t);

    t->w = w;
    w->allow_descriptors = true; /* libcurl keeps some of its own */
    assert_ok(rondo_curl_new(w->loop, &t->curl));
    assert_non_null(rondo_curl_multi(t->curl));
    return t;
}

static void town_end(struct town *t)
{
    rondo_curl_free(t->curl);
    assert_int_equal(rondo_loop_run(t->w->loop), 0);
}

static size_t take(const char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;

    (void)bytes;
    f->bytes += size * count;
    return size * count;
}

static void fetched(rondo_loop *loop, void *arg, CURL *easy, CURLcode result)
{
    struct fetch *f = arg;

    assert_ptr_equal(loop, f->t->w->loop);
    assert_ptr_equal(easy, f->easy);
    f->done++;
    f->result = result;
    f->t->ended++;
    if (f->act)
        f->act(f);
}

static struct fetch *fetch_new(struct town *t, const char *path)
{
    struct fetch *f = test_alloc(t->w, sizeof *f);
    const char *url = test_format(t->w, "http://localhost/%s", path);

    f->t = t;
    f->easy = curl_easy_init();
    assert_non_null(f->easy);
    assert_int_equal(curl_easy_setopt(f->easy, CURLOPT_URL, url), CURLE_OK);
    assert_int_equal(
        curl_easy_setopt(f->easy, CURLOPT_UNIX_SOCKET_PATH, server_socket()),
        CURLE_OK);
    assert_int_equal(curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, take),
                     CURLE_OK);
    assert_int_equal(curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f), CURLE_OK);
    assert_int_equal(curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L), CURLE_OK);
    assert_int_equal(curl_easy_setopt(f->easy, CURLOPT_NOPROXY, "*"), CURLE_OK);
    return f;
}

static struct fetch *fetch(struct town *t, const char *path)
{
    struct fetch *f = fetch_new(t, path);

    assert_ok(rondo_curl_start(t->curl, f->easy, fetched, f));
    return f;
}

static void fetch_end(struct fetch *f)
{
    curl_easy_cleanup(f->easy);
}

static void was_fetched(const struct fetch *f, long wanted)
{
    long status = 0;

    assert_int_equal(f->done, 1);
    assert_int_equal(f->result, CURLE_OK);
    assert_int_equal(
        curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status), CURLE_OK);
    assert_int_equal(status, wanted);
}

TEST(A4_a_page)
{
    struct town *t = town_new(w);
    struct fetch *f = fetch(t, "page");

    test_run_until(w, f->done);
    was_fetched(f, 200);
    assert_int_equal(f->bytes, PAGE);
    fetch_end(f);
    town_end(t);
}

/* The loop ends with the last of them. */
TEST(A4_a_hundred_at_once)
{
    enum { COUNT = 100 };
    struct town *t = town_new(w);
    struct fetch *f[COUNT];

    for (int i = 0; i < COUNT; i++)
        f[i] = fetch(t, i % 10 == 0 ? "missing" : "page");
    test_run_loop(w);
    assert_int_equal(t->ended, COUNT);
    for (int i = 0; i < COUNT; i++) {
        was_fetched(f[i], i % 10 == 0 ? 404 : 200);
        assert_true(i % 10 == 0 || f[i]->bytes == PAGE);
        fetch_end(f[i]);
    }
    town_end(t);
}

static void start_again(struct fetch *f)
{
    if (f->done < 5)
        assert_ok(rondo_curl_start(f->t->curl, f->easy, fetched, f));
}

TEST(A4_started_again_when_it_has_ended)
{
    struct town *t = town_new(w);
    struct fetch *f = fetch(t, "page");

    f->act = start_again;
    test_run_until(w, f->done == 5);
    assert_int_equal(f->bytes, 5 * PAGE);
    fetch_end(f);
    town_end(t);
}

TEST(A4_stopped_before_it_begins_and_in_the_middle)
{
    struct town *t = town_new(w);
    struct fetch *slow = fetch(t, "slow"), *never = fetch(t, "page");

    assert_error(rondo_curl_start(t->curl, slow->easy, fetched, slow),
                 RONDO_EBUSY);
    assert_ok(rondo_curl_stop(t->curl, never->easy));
    assert_error(rondo_curl_stop(t->curl, never->easy), RONDO_ENOENT);
    test_run_until(w, slow->bytes > 0);
    assert_ok(rondo_curl_stop(t->curl, slow->easy));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(t->ended, 0);
    fetch_end(slow);
    fetch_end(never);
    town_end(t);
}

static void stop_other(struct fetch *f)
{
    assert_ok(rondo_curl_stop(f->t->curl, f->other->easy));
}

TEST(A4_one_is_stopped_by_another)
{
    struct town *t = town_new(w);
    struct fetch *slow = fetch(t, "slow"), *f = fetch(t, "page");

    f->act = stop_other;
    f->other = slow;
    test_run_loop(w);
    was_fetched(f, 200);
    assert_int_equal(slow->done, 0);
    fetch_end(slow);
    fetch_end(f);
    town_end(t);
}

static void free_all(struct fetch *f)
{
    rondo_curl_free(f->t->curl);
    f->t->curl = NULL;
}

TEST(A4_freed_in_a_done)
{
    struct town *t = town_new(w);
    struct fetch *slow = fetch(t, "slow"), *f = fetch(t, "page");

    f->act = free_all;
    test_run_loop(w);
    assert_int_equal(f->done, 1);
    assert_int_equal(slow->done, 0);
    fetch_end(slow);
    fetch_end(f);
    town_end(t);
}

TEST(A4_its_own_time_is_up)
{
    struct town *t = town_new(w);
    struct fetch *f = fetch_new(t, "slow");

    assert_int_equal(curl_easy_setopt(f->easy, CURLOPT_TIMEOUT_MS, 50L),
                     CURLE_OK);
    assert_ok(rondo_curl_start(t->curl, f->easy, fetched, f));
    test_run_until(w, f->done);
    assert_int_equal(f->result, CURLE_OPERATION_TIMEDOUT);
    fetch_end(f);
    town_end(t);
}

TEST(A4_nobody_listens)
{
    struct town *t = town_new(w);
    struct fetch *f = fetch_new(t, "page");

    assert_int_equal(
        curl_easy_setopt(f->easy, CURLOPT_UNIX_SOCKET_PATH, "/no/where"),
        CURLE_OK);
    assert_ok(rondo_curl_start(t->curl, f->easy, fetched, f));
    test_run_until(w, f->done);
    assert_int_equal(f->result, CURLE_COULDNT_CONNECT);
    fetch_end(f);
    town_end(t);
}

TEST(A4_bad_arguments)
{
    struct town *t = town_new(w);
    struct fetch *f = fetch_new(t, "page");
    rondo_curl *made;

    assert_error(rondo_curl_new(NULL, &made), RONDO_EINVAL);
    assert_error(rondo_curl_new(w->loop, NULL), RONDO_EINVAL);
    assert_error(rondo_curl_start(NULL, f->easy, fetched, f), RONDO_EINVAL);
    assert_error(rondo_curl_start(t->curl, NULL, fetched, f), RONDO_EINVAL);
    assert_error(rondo_curl_start(t->curl, f->easy, NULL, f), RONDO_EINVAL);
    assert_error(rondo_curl_stop(t->curl, NULL), RONDO_ENOENT);
    rondo_curl_free(NULL);
    fetch_end(f);
    town_end(t);
}
