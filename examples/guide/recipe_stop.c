/* recipe_stop.c - a server that stops gracefully: it finishes what it is at. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE_NS RONDO_MS(300)

struct app {
    rondo_loop *loop;
    rondo_server *server;
    struct client *clients;
    rondo_id deadline;
    bool stopping;
    int begun; /* of this demonstration: the clients that are there */
};

struct client {
    struct client *next, **link;
    struct app *app;
    rondo_transport *t;
    rondo_id work; /* > 0: a request is being worked on */
};

static void stop(rondo_loop *loop, void *arg);

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **protocol, void **self)
{
    struct app *app = arg;
    struct client *c = calloc(1, sizeof *c);
    (void)server, (void)protocol;
    if (!c)
        return RONDO_ENOMEM;
    *c = (struct client){app->clients, &app->clients, app, t, 0};
    if (c->next)
        c->next->link = &c->next;
    app->clients = c;
    *self = c;
    return 0;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)error;
    rondo_cancel(rondo_transport_loop(t), c->work);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c);
}

static void answer(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    (void)loop;
    c->work = 0;
    rondo_transport_write(c->t, "done", 4);
    if (c->app->stopping)
        rondo_transport_close(c->t); /* when the answer has left */
}

/* A request is one byte: 'i'dle is none, 's'hort is done soon, 'l'ong is not. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    int64_t takes = RONDO_MS(80);
    (void)size;
    if (*(const char *)data == 'l')
        takes = RONDO_SEC(60);
    if (*(const char *)data != 'i')
        c->work = rondo_call_later(rondo_transport_loop(t), takes, answer, c);
    if (++c->app->begun == 3) /* as if somebody had pressed Ctrl-C */
        rondo_call_soon(c->app->loop, stop, c->app);
}

static void too_long(rondo_loop *loop, void *arg)
{
    struct app *app = arg;
    (void)loop;
    printf("the time is over\n");
    rondo_server_abort_clients(app->server);
}

static void stop(rondo_loop *loop, void *arg)
{
    struct app *app = arg;
    if (app->stopping) { /* asked twice: at once */
        rondo_server_abort_clients(app->server);
        return;
    }
    app->stopping = true;
    printf("stopping\n");
    rondo_server_close(app->server); /* nobody new; clients stay */
    for (struct client *c = app->clients; c; c = c->next)
        if (c->work <= 0)
            rondo_transport_close(c->t);
    app->deadline = rondo_call_later(loop, GRACE_NS, too_long, app);
}

static void on_signal(rondo_loop *loop, int signum, void *arg)
{
    (void)signum;
    stop(loop, arg);
}

/* The listener is closed and the last client has gone. */
static void closed(rondo_server *server, void *arg)
{
    struct app *app = arg;
    rondo_cancel(rondo_server_loop(server), app->deadline);
    printf("stopped\n");
}

static const rondo_protocol serving = {.data_received = received,
                                       .connection_lost = lost};

/* ---- three clients ---- */

static void ask(rondo_transport *t, void *self)
{
    rondo_transport_write(t, self, 1);
}

static void show(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)t;
    printf("%s request: %.*s\n", (char *)self, (int)size, (const char *)data);
}

static void ended(rondo_transport *t, void *self, int error)
{
    (void)t;
    printf("%s request: %s\n", (char *)self,
           error ? rondo_error_name(error) : "closed");
}

static const rondo_protocol client = {
    .connection_made = ask, .data_received = show, .connection_lost = ended};

int main(void)
{
    static char *requests[] = {"idle, no", "short", "long"};
    struct app app = {0};
    rondo_address at;
    if (rondo_loop_new(&app.loop, NULL) < 0 ||
        rondo_add_signal_handler(app.loop, SIGINT, on_signal, &app) < 0 ||
        rondo_create_server(app.loop,
                            RONDO_SERVE(.host = "127.0.0.1",
                                        .protocol_factory = accepted,
                                        .closed = closed),
                            &serving, &app, &app.server) < 0 ||
        rondo_server_address(app.server, 0, &at) < 0)
        goto failed;
    for (int i = 0; i < 3; i++)
        if (rondo_create_connection(app.loop, RONDO_CONNECT(.address = &at),
                                    &client, requests[i], NULL, NULL) < 0)
            goto failed;
    if (rondo_loop_run(app.loop) < 0)
        goto failed;
    return rondo_loop_close(app.loop) < 0;
failed:
    fprintf(stderr, "recipe_stop: %s\n", rondo_last_error());
    return 1;
}
