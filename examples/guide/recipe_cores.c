/* recipe_cores.c - one loop for each core, and a server on all of them. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdatomic.h>
#include <stdio.h>

enum { LOOPS = 2, CLIENTS = 4 };

struct app {
    rondo_loop *home;
    rondo_group *group;
    rondo_group_server *server;
    atomic_int requests; /* what all threads use needs protection */
    int on[LOOPS], answers;
};

/* Called on the thread of the loop that has the client: state of one client
 * needs no lock. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct app *app = self;
    int index = rondo_group_index(app->group, rondo_transport_loop(t));
    (void)data, (void)size;
    atomic_fetch_add(&app->requests, 1);
    rondo_transport_printf(t, "%d", index);
}

static const rondo_protocol serving = {.data_received = received};

static void ended(rondo_loop *loop, void *arg, int64_t result)
{
    struct app *app = arg;
    (void)loop;
    printf("all threads have ended: %d\n", (int)result);
    printf("requests: %d\n", atomic_load(&app->requests));
}

/* ---- clients, on the home loop ---- */

static void ask(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_write(t, "?", 1);
}

static void show(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct app *app = self;
    int index = *(const char *)data - '0';
    (void)size;
    if (index >= 0 && index < LOOPS)
        app->on[index]++;
    rondo_transport_close(t);
    if (++app->answers < CLIENTS)
        return;
    for (int i = 0; i < LOOPS; i++)
        printf("loop %d: %d clients\n", i, app->on[i]);
    /* clients have a second to end; then they are aborted */
    rondo_group_close(app->group, RONDO_SEC(1), ended, app);
}

static const rondo_protocol asking = {.connection_made = ask,
                                      .data_received = show};

int main(void)
{
    static struct app app;
    rondo_group_options options = RONDO_GROUP_OPTIONS_INIT;
    rondo_address at;
    options.loops = LOOPS; /* 0: one for each core */
    if (rondo_loop_new(&app.home, NULL) < 0 ||
        rondo_create_group(app.home, &options, &app.group) < 0 ||
        rondo_group_serve(app.group, RONDO_SERVE(.host = "127.0.0.1"),
                          RONDO_SPREAD_IN_TURN, &serving, &app,
                          &app.server) < 0 ||
        rondo_group_server_address(app.server, 0, &at) < 0)
        goto failed;
    for (int i = 0; i < CLIENTS; i++)
        if (rondo_create_connection(app.home, RONDO_CONNECT(.address = &at),
                                    &asking, &app, NULL, NULL) < 0)
            goto failed;
    if (rondo_loop_run(app.home) < 0)
        goto failed;
    return rondo_loop_close(app.home) < 0;
failed:
    fprintf(stderr, "recipe_cores: %s\n", rondo_last_error());
    return 1;
}
