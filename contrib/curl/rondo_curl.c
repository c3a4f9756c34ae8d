/* rondo_curl.c - libcurl's multi interface on a Rondo loop. */
/* SPDX-License-Identifier: MIT */
#include "rondo_curl.h"

#include <stdlib.h>

struct transfer {
    struct transfer *next, **link;
    rondo_curl *owner;
    CURL *easy;
    rondo_curl_done_fn done;
    void *arg;
};

struct rondo_curl {
    rondo_loop *loop;
    CURLM *multi;
    struct transfer *transfers;
    rondo_id timer; /* 0: none */
    bool busy;      /* a done is being called: */
    bool ended;     /* it was freed there, and the memory goes after it */
};

/* ---- the end of transfers ----------------------------------------------- */

static void drop(struct transfer *t)
{
    (void)curl_multi_remove_handle(t->owner->multi, t->easy);
    (void)curl_easy_setopt(t->easy, CURLOPT_PRIVATE, NULL);
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    free(t);
}

static struct transfer *transfer_of(CURL *easy)
{
    struct transfer *t = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
    return t;
}

/* Tells those that have ended. A done may start and stop others, and free c. */
static void tell(rondo_curl *c)
{
    CURLMsg *message;
    int left;
    c->busy = true;
    while (!c->ended && (message = curl_multi_info_read(c->multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* the message goes with it */
        struct transfer *t = transfer_of(easy);
        rondo_loop *loop = c->loop;
        if (message->msg != CURLMSG_DONE || !t)
            continue;
        rondo_curl_done_fn done = t->done;
        void *arg = t->arg;
        drop(t);
        done(loop, arg, easy, result);
    }
    c->busy = false;
    if (c->ended)
        free(c);
}

static void act(rondo_curl *c, curl_socket_t socket, int events)
{
    int running;
    (void)curl_multi_socket_action(c->multi, socket, events, &running);
    tell(c);
}

/* ---- sockets and time --------------------------------------------------- */

static void on_event(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    (void)loop;
    act(arg, (curl_socket_t)fd,
        (events & RONDO_READABLE ? CURL_CSELECT_IN : 0) |
            (events & RONDO_WRITABLE ? CURL_CSELECT_OUT : 0) |
            (events & (RONDO_ERROR | RONDO_HANG_UP) ? CURL_CSELECT_ERR : 0));
}

static void on_time(rondo_loop *loop, void *arg)
{
    rondo_curl *c = arg;
    (void)loop;
    c->timer = 0;
    act(c, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl's. -1 makes the multi handle fail: all of its transfers end with
 * CURLE_ABORTED_BY_CALLBACK. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    rondo_curl *c = arg;
    (void)multi;
    if (c->timer > 0)
        (void)rondo_cancel(c->loop, c->timer);
    c->timer = timeout_ms < 0 ? 0
                              : rondo_call_later(c->loop, RONDO_MS(timeout_ms),
                                                 on_time, c);
    return c->timer < 0 ? -1 : 0;
}

static int watch(CURL *easy, curl_socket_t socket, int what, void *arg,
                 void *of_socket)
{
    rondo_curl *c = arg;
    unsigned events = (what & CURL_POLL_IN ? RONDO_READABLE : 0U) |
                      (what & CURL_POLL_OUT ? RONDO_WRITABLE : 0U);
    (void)easy, (void)of_socket;
    if (!events) /* CURL_POLL_REMOVE, CURL_POLL_NONE */
        return rondo_unwatch(c->loop, (rondo_fd)socket) < 0 ? -1 : 0;
    return rondo_watch(c->loop, (rondo_fd)socket, events, on_event, c) < 0 ? -1
                                                                           : 0;
}

/* ---- for the program ---------------------------------------------------- */

static bool set_options(const rondo_curl *c)
{
    CURLM *m = c->multi;
    return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, watch) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_SOCKETDATA, c) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, set_timer) ==
               CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_TIMERDATA, c) == CURLM_OK;
}

int rondo_curl_new(rondo_loop *loop, rondo_curl **curl)
{
    if (!loop || !curl)
        return rondo_set_error(RONDO_EINVAL, "rondo_curl_new: no loop or curl");
    rondo_curl *c = calloc(1, sizeof *c);
    CURLM *multi = c ? curl_multi_init() : NULL;
    if (!multi) {
        free(c);
        return rondo_set_error(RONDO_ENOMEM, "rondo_curl_new: no memory");
    }
    c->loop = loop;
    c->multi = multi;
    if (!set_options(c)) {
        rondo_curl_free(c);
        return rondo_set_error(RONDO_EOTHER,
                               "rondo_curl_new: this libcurl has no "
                               "curl_multi_socket_action");
    }
    *curl = c;
    return 0;
}

void rondo_curl_free(rondo_curl *c)
{
    if (!c)
        return;
    for (struct transfer *next, *t = c->transfers; t; t = next) {
        next = t->next;
        drop(t);
    }
    (void)curl_multi_cleanup(c->multi);
    if (c->timer > 0)
        (void)rondo_cancel(c->loop, c->timer);
    c->ended = true;
    if (!c->busy)
        free(c);
}

CURLM *rondo_curl_multi(rondo_curl *curl)
{
    return curl->multi;
}

static int error_of(CURLMcode code)
{
    switch (code) {
    case CURLM_OK:
        return 0;
    case CURLM_OUT_OF_MEMORY:
        return RONDO_ENOMEM;
    case CURLM_ADDED_ALREADY:
    case CURLM_RECURSIVE_API_CALL:
        return RONDO_EBUSY;
    case CURLM_BAD_EASY_HANDLE:
        return RONDO_EINVAL;
    default:
        return RONDO_EOTHER;
    }
}

int rondo_curl_start(rondo_curl *curl, CURL *easy, rondo_curl_done_fn done,
                     void *arg)
{
    if (!curl || !easy || !done)
        return rondo_set_error(RONDO_EINVAL,
                               "rondo_curl_start: no curl, easy or done");
    if (transfer_of(easy))
        return rondo_set_error(RONDO_EBUSY,
                               "rondo_curl_start: it is under way already");
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        return rondo_set_error(RONDO_ENOMEM, "rondo_curl_start: no memory");
    *t = (struct transfer){.owner = curl,
                           .easy = easy,
                           .done = done,
                           .arg = arg,
                           .next = curl->transfers,
                           .link = &curl->transfers};
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    CURLMcode code = curl_multi_add_handle(curl->multi, easy);
    if (code != CURLM_OK) {
        (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
        free(t);
        return rondo_set_error(error_of(code), "rondo_curl_start: %s",
                               curl_multi_strerror(code));
    }
    if (t->next)
        t->next->link = &t->next;
    curl->transfers = t;
    return 0;
}

int rondo_curl_stop(rondo_curl *curl, CURL *easy)
{
    struct transfer *t = curl && easy ? transfer_of(easy) : NULL;
    if (!t || t->owner != curl)
        return rondo_set_error(RONDO_ENOENT,
                               "rondo_curl_stop: it is not under way");
    CURLMcode code = curl_multi_remove_handle(curl->multi, easy);
    if (code != CURLM_OK)
        return rondo_set_error(error_of(code), "rondo_curl_stop: %s",
                               curl_multi_strerror(code));
    drop(t);
    return 0;
}
