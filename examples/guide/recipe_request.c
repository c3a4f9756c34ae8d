/* recipe_request.c - many requests over one connection: each has a deadline,
 * and each can be cancelled. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called once for each request, from the loop. text is NULL with an error. */
typedef void (*answer_fn)(void *arg, const char *text, int error);

struct request {
    struct request *next;
    struct caller *caller;
    unsigned number; /* which the answer carries, too */
    rondo_id timer;  /* the deadline; or that it was cancelled */
    bool canceled;
    answer_fn done;
    void *arg;
};

struct caller {
    rondo_loop *loop;
    rondo_reader *reader;
    rondo_transport *t; /* NULL: not connected */
    struct request *pending;
    unsigned last;
};

static void finish(struct caller *c, struct request *r, const char *text,
                   int error)
{
    struct request **p = &c->pending;
    while (*p != r)
        p = &(*p)->next;
    *p = r->next;
    rondo_cancel(c->loop, r->timer);
    r->done(r->arg, text, error);
    free(r);
}

static void timer(rondo_loop *loop, void *arg)
{
    struct request *r = arg;
    (void)loop;
    finish(r->caller, r, NULL, r->canceled ? RONDO_ECANCELED : RONDO_ETIMEDOUT);
}

/* NULL: it was not sent, and done is not called. */
static struct request *call(struct caller *c, const char *text,
                            int64_t deadline_ns, answer_fn done, void *arg)
{
    struct request *r = c->t ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return NULL;
    *r = (struct request){c->pending, c, ++c->last, 0, false, done, arg};
    r->timer = rondo_call_later(c->loop, deadline_ns, timer, r);
    if (r->timer < 0 ||
        rondo_transport_printf(c->t, "%u %s\n", r->number, text) < 0) {
        rondo_cancel(c->loop, r->timer);
        free(r);
        return NULL;
    }
    return c->pending = r;
}

/* done gets RONDO_ECANCELED, from the loop. */
static void cancel(struct request *r)
{
    r->canceled = true;
    rondo_reschedule(r->caller->loop, r->timer, 0);
}

static void answered(rondo_reader *reader, void *arg, const void *data,
                     size_t size, int error)
{
    struct caller *c = arg;
    char line[128] = "";
    int begin = 0;
    unsigned number;
    if (error) { /* no more answers: those who wait are told */
        c->t = NULL;
        while (c->pending)
            finish(c, c->pending, NULL, error);
        rondo_reader_free(reader);
        return;
    }
    memcpy(line, data, size - 1 < sizeof line ? size - 1 : sizeof line - 1);
    if (sscanf(line, "%u %n", &number, &begin) == 1 && begin)
        for (struct request *r = c->pending; r; r = r->next)
            if (r->number == number) { /* none: it comes too late */
                finish(c, r, line + begin, 0);
                break;
            }
    rondo_read_line(reader, answered, c);
}

/* ---- a server: "echo" is answered at once, "slow" later, "end" ends ---- */

static rondo_transport *served; /* its one client; NULL: it has left */

static void answer_late(rondo_loop *loop, void *arg)
{
    unsigned *number = arg;
    (void)loop;
    if (served)
        rondo_transport_printf(served, "%u at last\n", *number);
    free(number);
}

static void requested(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    char line[65] = "", word[16] = "";
    unsigned number;
    if (error) {
        served = NULL;
        rondo_reader_free(reader);
        return;
    }
    memcpy(line, data, size < 64 ? size : 64);
    if (sscanf(line, "%u %15s", &number, word) == 2 && !strcmp(word, "slow")) {
        unsigned *copy = malloc(sizeof *copy);
        if (!copy)
            abort();
        *copy = number;
        rondo_call_later(rondo_reader_loop(reader), RONDO_MS(300), answer_late,
                         copy);
    } else if (!strcmp(word, "end")) {
        rondo_server_close(rondo_transport_server(t));
        served = NULL;
        rondo_reader_free(reader);
        return;
    } else {
        rondo_transport_write(t, data, size);
    }
    rondo_read_line(reader, requested, arg);
}

static void accepted(rondo_reader *reader, void *arg)
{
    served = rondo_reader_transport(reader);
    rondo_read_line(reader, requested, arg);
}

/* ---- the program ---- */

static struct caller caller;

static void ended(void *name, const char *text, int error)
{
    printf("%s: %s\n", (char *)name, text ? text : rondo_error_name(error));
}

static void wait_over(rondo_loop *loop, void *arg)
{
    (void)loop, (void)arg;
    /* the late answer has come by now, and nobody was there for it */
    call(&caller, "slow", RONDO_SEC(5), ended, "broken");
    call(&caller, "end", RONDO_SEC(5), ended, "end");
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct request *r;
    (void)arg;
    if (error)
        return;
    caller.t = t;
    r = call(&caller, "slow", RONDO_SEC(5), ended, "unwanted");
    if (r)
        cancel(r);
    call(&caller, "echo hello", RONDO_SEC(5), ended, "echo");
    call(&caller, "slow", RONDO_MS(200), ended, "slow");
    rondo_call_later(loop, RONDO_MS(450), wait_over, NULL);
}

int main(void)
{
    rondo_server *server;
    rondo_address at;
    if (rondo_loop_new(&caller.loop, NULL) < 0 ||
        rondo_start_server(caller.loop, RONDO_SERVE(.host = "127.0.0.1"), 64,
                           accepted, NULL, &server) < 0 ||
        rondo_server_address(server, 0, &at) < 0 ||
        rondo_reader_new(caller.loop, 0, NULL, NULL, &caller.reader) < 0 ||
        rondo_create_connection(caller.loop, RONDO_CONNECT(.address = &at),
                                rondo_reader_protocol(), caller.reader,
                                connected, NULL) < 0 ||
        rondo_read_line(caller.reader, answered, &caller) < 0 ||
        rondo_loop_run(caller.loop) < 0) {
        fprintf(stderr, "recipe_request: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(caller.loop) < 0;
}
