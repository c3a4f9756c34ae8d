/* daemon.c - a daemon that lives by signals: it greets each client, and ends,
 * reloads its configuration and says how it is when it is told to. */
/* SPDX-License-Identifier: MIT */
/* Build: cc daemon.c -o daemon $(pkg-config --cflags --libs rondo) */
/*
 *     TERM, INT   nobody new, clients get what is in their buffers, the end;
 *                 a second time: at once
 *     HUP         reads the file CONFIG again
 *     USR1        prints counts and what is open
 *
 * On Windows Ctrl-C and the closing of the console end it, and Ctrl-Break
 * prints. CONFIG has lines of a name and a value: "greeting hello" (as it is),
 * "idle_seconds 60" (then a silent client is shown out).
 */
#include <rondo.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    char greeting[200];
    int64_t idle_seconds;
};

struct service {
    const char *path; /* NULL: no file, the defaults */
    struct config config;
    rondo_server *server;
    unsigned now, served;
    bool stopping;
};

/* Flushed, for whoever follows the log. */
RONDO_PRINTF(1, 2) static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

/* ---- configuration ---- */

/* A whole number from 0 to a million, or -1. */
static int64_t number(const char *text)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || end == text || *end || n < 0 || n > 1000000 ? -1 : n;
}

static bool take(struct config *config, const char *name, const char *value)
{
    if (strcmp(name, "greeting") == 0) {
        int size =
            snprintf(config->greeting, sizeof config->greeting, "%s", value);
        return size >= 0 && (size_t)size < sizeof config->greeting;
    }
    if (strcmp(name, "idle_seconds") == 0) {
        config->idle_seconds = number(value);
        return config->idle_seconds >= 0;
    }
    return false;
}

/* All of the file or nothing of it: a mistake leaves what was in force. A
 * small local file: nobody notices the time that it takes. */
static bool load(struct service *service)
{
    struct config config = {.greeting = "hello", .idle_seconds = 60};
    char line[256];
    int line_number = 0;
    bool good = true;
    FILE *file = service->path ? fopen(service->path, "r") : NULL;
    if (service->path && !file) {
        say("%s: %s", service->path, strerror(errno));
        return false;
    }
    while (good && file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        char *value = line + strcspn(line, " ");
        if (*value)
            *value++ = '\0';
        line_number++;
        good = !*line || *line == '#' || take(&config, line, value);
    }
    if (file)
        fclose(file);
    if (good)
        service->config = config;
    else
        say("%s: line %d makes no sense", service->path, line_number);
    return good;
}

/* ---- clients ---- */

static void made(rondo_transport *t, void *self)
{
    struct service *service = self;
    service->now++;
    service->served++;
    rondo_transport_set_timeouts(t, RONDO_SEC(service->config.idle_seconds),
                                 RONDO_SEC(10));
    rondo_transport_printf(t, "%s\r\n", service->config.greeting);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

static void pause_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct service *service = self;
    (void)t;
    service->now--;
    if (error && error != RONDO_ETIMEDOUT && !service->stopping)
        say("client: %s", rondo_last_error());
}

static const rondo_protocol greeter = {
    .connection_made = made,
    .data_received = received,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .connection_lost = lost,
};

/* ---- signals ---- */

static void abort_clients(rondo_loop *loop, void *server)
{
    (void)loop;
    rondo_server_abort_clients(server);
}

static void stop(rondo_loop *loop, int signum, void *arg)
{
    struct service *service = arg;
    if (service->stopping) {
        say("signal %d again: %u clients are dropped", signum, service->now);
        rondo_server_abort_clients(service->server);
        return;
    }
    service->stopping = true;
    /* nothing else keeps the loop running: it ends when they have gone */
    rondo_server_close(service->server);
    rondo_server_close_clients(service->server);
    rondo_id id =
        rondo_call_later(loop, RONDO_SEC(1), abort_clients, service->server);
    rondo_set_background(loop, id, true);
    say("signal %d: stopping, %u clients", signum, service->now);
}

#ifdef SIGHUP
static void reload(rondo_loop *loop, int signum, void *arg)
{
    struct service *service = arg;
    (void)loop, (void)signum;
    if (load(service))
        say("reloaded: greeting \"%s\", idle after %lld s",
            service->config.greeting, (long long)service->config.idle_seconds);
}
#endif

static void print_line(void *arg, const char *line, size_t size)
{
    (void)arg;
    say("  %.*s", (int)size, line);
}

static void print_state(rondo_loop *loop, int signum, void *arg)
{
    const struct service *service = arg;
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    (void)signum;
    rondo_loop_get_metrics(loop, &m);
    say("%u clients now, %u served; %llu iterations, %llu callbacks",
        service->now, service->served, (unsigned long long)m.iterations,
        (unsigned long long)m.callbacks);
    rondo_loop_dump(loop, print_line, NULL);
    say("end of state");
}

static const struct {
    int signum;
    rondo_signal_fn fn;
} signals[] = {
    {SIGINT, stop},          {SIGTERM, stop},
#ifdef SIGHUP
    {SIGHUP, reload},
#else /* there it says that the console is being closed */
    {RONDO_SIGHUP, stop},
#endif
#ifdef SIGUSR1
    {SIGUSR1, print_state},
#endif
#ifdef SIGBREAK
    {SIGBREAK, print_state},
#endif
};

/* What the platform does not have is left out. */
static int handle_signals(rondo_loop *loop, struct service *service)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        int error = rondo_add_signal_handler(loop, signals[i].signum,
                                             signals[i].fn, service);
        if (error && error != RONDO_ENOTSUP)
            return error;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct service service = {0};
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7002);
    rondo_loop *loop = NULL;
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    service.path = argc > 2 ? argv[2] : NULL;
    if (!load(&service))
        return 1;
    if (rondo_loop_new(&loop, NULL) < 0 || handle_signals(loop, &service) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port),
                            &greeter, &service, &service.server) < 0 ||
        rondo_server_address(service.server, 0, &address) < 0 ||
        rondo_address_text(&address, text, sizeof text) < 0) {
        say("%s", rondo_last_error());
        rondo_loop_close(loop);
        return 1;
    }
    say("listening on %s", text);
    int result = rondo_loop_run(loop);
    if (result < 0)
        say("%s", rondo_last_error());
    rondo_loop_close(loop);
    say("ended, %u served", service.served);
    return result < 0;
}
