/* services.c - keeps many programs running, each with a log of its own. */
/* SPDX-License-Identifier: MIT */
/* Build: cc services.c -o services $(pkg-config --cflags --libs rondo)
 * Try:   printf 'one ./worker 1\ntwo ./worker 2\n' > list; ./services list logs
 *
 * Each line of the list is a name and a command of the shell. logs/NAME.log gets
 * what the program prints and what happens to it. A disk that is slow makes
 * nobody wait: lines that do not fit into memory are left out, and counted. */
#include <rondo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_DELAY_NS RONDO_MS(100)
#define LONGEST_DELAY_NS  RONDO_SEC(30)
#define GOOD_START_NS     RONDO_SEC(10) /* one that lives so long has begun well */
#define PATIENCE_NS       RONDO_SEC(5) /* to end when it is asked to */

enum { MOST_SERVICES = 1000, LINE_ROOM = 1024, LOG_ROOM = 64 * 1024 };

struct service {
    char name[64];
    char *command;
    rondo_process *process; /* NULL: it does not run */
    rondo_id retry;         /* > 0: it is to be started then */
    int64_t started, delay;
    rondo_file *log; /* NULL: not open yet, or not any more */
    char *bytes[2];  /* one is filled while the other is written */
    size_t used, line_used;
    int filling;
    bool writing;
    unsigned long lost;
    char line[LINE_ROOM]; /* the program's, that is not complete */
};

static rondo_loop *loop;
static struct service services[MOST_SERVICES];
static int service_count;
static bool stopping;

/* ---- logs ---- */

static void write_on(struct service *s);

static void written(rondo_loop *l, void *arg, size_t count, int error)
{
    struct service *s = arg;
    (void)l, (void)count;
    s->writing = false;
    if (error < 0)
        fprintf(stderr, "%s.log: %s\n", s->name, rondo_last_error());
    write_on(s);
}

static void write_on(struct service *s)
{
    if (!s->log || s->writing || !s->used)
        return;
    rondo_buffer bytes = {s->bytes[s->filling], s->used};
    if (rondo_file_write(s->log, RONDO_FILE_CURRENT, &bytes, 1, written, s) < 0)
        return; /* the next line tries again */
    s->writing = true;
    s->filling = !s->filling;
    s->used = 0;
}

static bool RONDO_PRINTF(2, 3)
    append(struct service *s, const char *format, ...)
{
    size_t room = LOG_ROOM - s->used;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(s->bytes[s->filling] + s->used, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room)
        return false;
    s->used += (size_t)n;
    return true;
}

/* A line, with the loop's time in seconds. */
static void log_line(struct service *s, const char *text, size_t size)
{
    double now = (double)rondo_loop_time(loop) / 1e9;
    if (s->lost && append(s, "%.3f (%lu lines are missing)\n", now, s->lost))
        s->lost = 0;
    if (s->lost || !append(s, "%.3f %.*s\n", now, (int)size, text))
        s->lost++;
    write_on(s);
}

/* For the log, and for who has started this. */
static void RONDO_PRINTF(2, 3) note(struct service *s, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("%s: %s\n", s->name, text);
    fflush(stdout);
    log_line(s, text, strlen(text));
}

static void opened(rondo_loop *l, void *arg, rondo_file *file, int error)
{
    struct service *s = arg;
    (void)l;
    if (error < 0)
        fprintf(stderr, "%s.log: %s\n", s->name, rondo_last_error());
    else
        s->log = file;
    write_on(s);
}

/* ---- one program ---- */

static void start(rondo_loop *l, void *arg);

static void start_later(struct service *s)
{
    if (stopping)
        return;
    if (rondo_loop_time(loop) - s->started >= GOOD_START_NS || !s->delay)
        s->delay = SHORTEST_DELAY_NS;
    else if (s->delay < LONGEST_DELAY_NS / 2)
        s->delay *= 2;
    else
        s->delay = LONGEST_DELAY_NS;
    note(s, "again in %lld ms", (long long)(s->delay / RONDO_MS(1)));
    s->retry = rondo_call_later(loop, s->delay, start, s);
    if (s->retry < 0)
        note(s, "%s", rondo_last_error());
}

static void output(rondo_process *p, void *self, int fd, const void *data,
                   size_t size)
{
    struct service *s = self;
    const char *text = data;
    (void)p, (void)fd;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\n')
            s->line[s->line_used++] = text[i];
        if (text[i] == '\n' || s->line_used == LINE_ROOM) {
            log_line(s, s->line, s->line_used);
            s->line_used = 0;
        }
    }
}

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    struct service *s = self;
    if (status.signaled)
        note(s, "signal %d", status.signal);
    else
        note(s, "exit %lu", (unsigned long)status.code);
    rondo_process_close(p); /* a grandchild may hold the pipes for ever */
}

static void lost(rondo_process *p, void *self, int error)
{
    struct service *s = self;
    (void)p, (void)error;
    if (s->line_used)
        log_line(s, s->line, s->line_used);
    s->line_used = 0;
    s->process = NULL;
    start_later(s);
}

static const rondo_process_protocol protocol = {.pipe_data_received = output,
                                                .process_exited = exited,
                                                .connection_lost = lost};

static void start(rondo_loop *l, void *arg)
{
    struct service *s = arg;
    s->retry = 0;
    s->started = rondo_loop_time(l);
    if (rondo_subprocess_shell(l, s->command,
                               RONDO_PROCESS(.stdin_kind = RONDO_STDIO_NULL,
                                             .stdout_kind = RONDO_STDIO_PIPE,
                                             .stderr_kind = RONDO_STDIO_STDOUT),
                               &protocol, s, &s->process) < 0) {
        note(s, "%s", rondo_last_error());
        start_later(s);
        return;
    }
    note(s, "process %lld", (long long)rondo_process_pid(s->process));
}

/* ---- all of them ---- */

static void lose_patience(rondo_loop *l, void *arg)
{
    (void)l, (void)arg;
    for (int i = 0; i < service_count; i++)
        if (services[i].process)
            rondo_process_kill(services[i].process);
}

static void stop(rondo_loop *l, int signum, void *arg)
{
    (void)signum, (void)arg;
    if (stopping)
        return;
    stopping = true;
    for (int i = 0; i < service_count; i++) {
        struct service *s = &services[i];
        if (s->retry > 0)
            rondo_cancel(l, s->retry);
        if (s->process)
            rondo_process_terminate(s->process);
    }
    rondo_set_background(
        l, rondo_call_later(l, PATIENCE_NS, lose_patience, NULL), true);
}

static bool add(char *line, const char *folder)
{
    struct service *s = &services[service_count];
    char path[1024];
    size_t name = strcspn(line, " \t");
    if (!line[name] || name == 0 || name >= sizeof s->name ||
        service_count == MOST_SERVICES)
        return false;
    memcpy(s->name, line, name);
    s->command = malloc(strlen(line + name));
    if (s->command)
        strcpy(s->command, line + name + 1);
    s->bytes[0] = malloc(LOG_ROOM);
    s->bytes[1] = malloc(LOG_ROOM);
    service_count++;
    snprintf(path, sizeof path, "%s/%s.log", folder, s->name);
    if (!s->command || !s->bytes[0] || !s->bytes[1] ||
        rondo_file_open(loop, path,
                        RONDO_FILE_WRITE | RONDO_FILE_CREATE |
                            RONDO_FILE_APPEND | RONDO_FILE_IN_ORDER,
                        0666, opened, s) < 0)
        return false;
    start(loop, s);
    return true;
}

static bool add_all(const char *list, const char *folder)
{
    char line[2048];
    FILE *file = fopen(list, "r");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line && *line != '#' && !add(line, folder))
            fprintf(stderr, "left out: %s\n", line);
    }
    fclose(file);
    return service_count > 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s LIST FOLDER\n", argv[0]);
        return 2;
    }
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_add_signal_handler(loop, SIGTERM, stop, NULL) < 0 ||
        rondo_add_signal_handler(loop, SIGINT, stop, NULL) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    if (add_all(argv[1], argv[2]))
        rondo_loop_run(loop); /* until all have ended, and are not restarted */
    else
        fprintf(stderr, "%s: no services in it\n", argv[1]);
    rondo_loop_close(loop);
    for (int i = 0; i < service_count; i++) {
        free(services[i].command);
        free(services[i].bytes[0]);
        free(services[i].bytes[1]);
    }
    return service_count == 0;
}
