/* recipe_config.c - reads a configuration file again when it changes; a wrong
 * one is not taken. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    int workers;
};

struct app {
    rondo_loop *loop;
    struct config config; /* in force */
    char text[256];       /* what is being read */
    rondo_room room;
    rondo_file *file;
    bool reading, again; /* it has changed once more meanwhile */
    int step;            /* of this demonstration */
    char folder[512], path[600];
};

static void read_config(struct app *app);
static void next_step(struct app *app);

/* All of a new configuration is tried before any of it is taken. */
static int parse(const char *text, struct config *config)
{
    char end;
    if (sscanf(text, "workers = %d %c", &config->workers, &end) != 1)
        return rondo_set_error(RONDO_EINVAL,
                               "config: not \"workers = NUMBER\"");
    if (config->workers < 1 || config->workers > 100)
        return rondo_set_error(RONDO_EINVAL, "config: workers: 1 to 100");
    return 0;
}

static void take(struct app *app)
{
    struct config config;
    if (parse(app->text, &config) < 0) {
        printf("%s; still %d workers\n", rondo_last_error(),
               app->config.workers);
    } else {
        app->config = config;
        printf("%d workers\n", config.workers);
    }
    next_step(app);
}

/* The file is closed by now: Windows replaces none that is open. */
static void closed(rondo_loop *loop, void *arg, int64_t result)
{
    struct app *app = arg;
    (void)loop, (void)result;
    app->reading = false;
    if (app->again) /* what was read is older than what is there now */
        read_config(app);
    else
        take(app);
}

static void have_read(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct app *app = arg;
    (void)loop;
    app->text[count] = 0;
    if (error) {
        printf("%s\n", rondo_last_error());
        app->text[0] = 0;
    }
    rondo_file_close(app->file, closed, app);
}

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct app *app = arg;
    (void)loop;
    if (error) { /* between an editor's remove and its rename, for instance */
        app->reading = false;
        if (app->again)
            read_config(app);
        return;
    }
    app->file = file;
    app->room = (rondo_room){app->text, sizeof app->text - 1};
    rondo_file_read(file, 0, &app->room, 1, have_read, app);
}

static void read_config(struct app *app)
{
    app->again = app->reading;
    if (app->reading)
        return;
    app->reading = rondo_file_open(app->loop, app->path, RONDO_FILE_READ, 0,
                                   opened, app) > 0;
}

static void event(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    (void)loop;
    if (e->what & RONDO_PATH_ENDED)
        printf("%s\n", rondo_error_name(e->error));
    else if (!(e->what & RONDO_PATH_REMOVED)) /* BEGUN: the first time, too */
        read_config(arg);
}

/* ---- somebody who changes the file: as editors do, by rename ---- */

static void removed(rondo_loop *loop, void *arg, int64_t result)
{
    (void)arg, (void)result;
    rondo_loop_stop(loop);
}

static void renamed(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop, (void)arg;
    if (result < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

static void put(struct app *app, const char *text)
{
    char other[640];
    (void)snprintf(other, sizeof other, "%s.new", app->path);
    FILE *file = fopen(other, "w");
    if (!file || fputs(text, file) < 0 || fclose(file)) {
        perror(other);
        return;
    }
    if (rondo_fs_rename(app->loop, other, app->path, renamed, app) < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

static void next_step(struct app *app)
{
    static const char *texts[] = {"workers = 8\n", "workers = many\n",
                                  "workers = 2\n"};
    if (app->step < 3)
        put(app, texts[app->step++]);
    else
        rondo_fs_remove_tree(app->loop, app->folder, removed, app);
}

static void made_folder(rondo_loop *loop, void *arg, int64_t result)
{
    struct app *app = arg;
    rondo_path_options options = RONDO_PATH_OPTIONS_INIT;
    if (result < 0) {
        printf("%s\n", rondo_last_error());
        return;
    }
    (void)snprintf(app->path, sizeof app->path, "%s/config", app->folder);
    put(app, "workers = 4\n");
    options.may_be_missing = true;    /* while an editor replaces it */
    options.settle_ns = RONDO_MS(20); /* several changes are one */
    if (rondo_watch_path(loop, app->path, &options, event, app) < 0)
        printf("%s\n", rondo_last_error());
}

int main(void)
{
    static struct app app;
    const char *tmp = getenv("TMPDIR"), *temp = getenv("TEMP");
    char prefix[256];
    (void)snprintf(prefix, sizeof prefix, "%s/recipe-config-",
                   tmp    ? tmp
                   : temp ? temp
                          : "/tmp");
    if (rondo_loop_new(&app.loop, NULL) < 0 ||
        rondo_fs_mkdir_temporary(app.loop, prefix, app.folder,
                                 sizeof app.folder, made_folder, &app) < 0 ||
        rondo_loop_run(app.loop) < 0) {
        fprintf(stderr, "recipe_config: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(app.loop) < 0;
}
