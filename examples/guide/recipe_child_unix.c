/* recipe_child_unix.c - a server whose work a child does: while the child is
 * started again, requests wait. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_NS RONDO_MS(5) /* of a real program: 100 ms to 30 s */
#define LONGEST_NS  RONDO_SEC(1)
#define GOOD_NS     RONDO_SEC(10) /* who lives so long has begun well */
#define MOST        100           /* requests that wait; more are refused */

struct request {
    struct request *next;
    rondo_transport *client; /* NULL: it has left */
    char text[64];
};

struct app {
    rondo_loop *loop;
    rondo_server *server;
    rondo_process *worker; /* NULL: it does not run */
    int64_t started, delay;
    int starts;
    bool stopping;
    struct request *first, **last; /* the first `sent` ones are at the worker */
    int count, sent;
};

static void start(rondo_loop *loop, void *arg);

/* ---- the worker: a line in, a line out, in the same order ---- */

static void send_more(struct app *app)
{
    struct request *r = app->first;
    rondo_transport *in =
        app->worker ? rondo_process_pipe(app->worker, 0) : NULL;
    for (int i = 0; i < app->sent && r; i++)
        r = r->next;
    for (; in && r; r = r->next, app->sent++)
        rondo_transport_printf(in, "%s\n", r->text);
}

static void finish_first(struct app *app, const char *answer, size_t size)
{
    struct request *r = app->first;
    if (!r)
        return;
    app->first = r->next;
    if (!app->first)
        app->last = &app->first;
    app->count--;
    app->sent--;
    if (r->client)
        rondo_transport_write(r->client, answer, size);
    free(r);
}

/* Here answers come whole; a real program keeps what is left of a line. */
static void answered(rondo_process *p, void *self, int fd, const void *data,
                     size_t size)
{
    const char *line = data, *end;
    (void)p, (void)fd;
    while (size && (end = memchr(line, '\n', size))) {
        size_t length = (size_t)(end - line) + 1;
        finish_first(self, line, length);
        line += length;
        size -= length;
    }
}

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    struct app *app = self;
    (void)p;
    if (!app->stopping)
        printf("worker %d: exit %lu\n", app->starts,
               (unsigned long)status.code);
}

/* What the worker had begun is given to the next one: right for requests that
 * can be repeated; else answer with an error here. */
static void lost(rondo_process *p, void *self, int error)
{
    struct app *app = self;
    int64_t lived = rondo_loop_time(app->loop) - app->started;
    (void)p, (void)error;
    app->worker = NULL;
    app->sent = 0;
    if (app->stopping)
        return;
    app->delay = lived >= GOOD_NS || !app->delay ? SHORTEST_NS
                 : app->delay < LONGEST_NS / 2   ? app->delay * 2
                                                 : LONGEST_NS;
    rondo_call_later(app->loop, app->delay, start, app);
}

static const rondo_process_protocol worker = {.pipe_data_received = answered,
                                              .process_exited = exited,
                                              .connection_lost = lost};

static void start(rondo_loop *loop, void *arg)
{
    struct app *app = arg;
    /* the first two of them fail */
    const char *const argv[] = {
        "sh", "-c", app->starts++ < 2 ? "exit 3" : "exec cat", NULL};
    app->started = rondo_loop_time(loop);
    if (rondo_subprocess_exec(loop,
                              RONDO_PROCESS(.argv = argv,
                                            .stdin_kind = RONDO_STDIO_PIPE,
                                            .stdout_kind = RONDO_STDIO_PIPE,
                                            .die_with_parent = true),
                              &worker, app, &app->worker) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return;
    }
    send_more(app);
}

/* ---- the server ---- */

static void requested(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    struct app *app = self;
    struct request *r = app->count < MOST ? calloc(1, sizeof *r) : NULL;
    const char *end = memchr(data, '\n', size); /* or what came at once */
    if (end)
        size = (size_t)(end - (const char *)data);
    if (!r || size >= sizeof r->text) {
        rondo_transport_printf(t, "busy\n");
        free(r);
        return;
    }
    memcpy(r->text, data, size);
    r->client = t;
    *app->last = r;
    app->last = &r->next;
    app->count++;
    send_more(app);
}

static void client_left(rondo_transport *t, void *self, int error)
{
    struct app *app = self;
    (void)error;
    for (struct request *r = app->first; r; r = r->next)
        if (r->client == t)
            r->client = NULL;
}

static const rondo_protocol serving = {.data_received = requested,
                                       .connection_lost = client_left};

/* ---- a client ---- */

static void ask(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_write(t, "hello", 5);
}

static void show(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct app *app = self;
    printf("client: %.*s", (int)size, (const char *)data);
    rondo_transport_close(t);
    rondo_server_close(app->server);
    app->stopping = true;
    rondo_transport_close(rondo_process_pipe(app->worker, 0)); /* cat ends */
}

static const rondo_protocol asking = {.connection_made = ask,
                                      .data_received = show};

int main(void)
{
    struct app app = {.last = &app.first};
    rondo_address at;
    if (rondo_loop_new(&app.loop, NULL) < 0 ||
        rondo_create_server(app.loop, RONDO_SERVE(.host = "127.0.0.1"),
                            &serving, &app, &app.server) < 0 ||
        rondo_server_address(app.server, 0, &at) < 0 ||
        rondo_call_soon(app.loop, start, &app) < 0 ||
        rondo_create_connection(app.loop, RONDO_CONNECT(.address = &at),
                                &asking, &app, NULL, NULL) < 0 ||
        rondo_loop_run(app.loop) < 0) {
        fprintf(stderr, "recipe_child_unix: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(app.loop) < 0;
}
