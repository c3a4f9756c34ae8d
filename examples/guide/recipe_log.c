/* recipe_log.c - a log that a slow disk does not make wait: lines that do not
 * fit are lost, and counted. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 4096 /* of a real program: 1 MiB */

struct log {
    rondo_file *file;
    char buffers[2][ROOM]; /* one is filled while the other is written */
    size_t used;
    int filling;
    bool writing;
    unsigned long lost;
};

static void write_on(struct log *log);

static void written(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct log *log = arg;
    (void)loop, (void)count;
    log->writing = false;
    if (error) /* a full disk, for instance; the log goes on with the next */
        fprintf(stderr, "log: %s\n", rondo_last_error());
    write_on(log);
}

static void write_on(struct log *log)
{
    if (log->writing || !log->used)
        return;
    rondo_buffer bytes = {log->buffers[log->filling], log->used};
    if (rondo_file_write(log->file, RONDO_FILE_CURRENT, &bytes, 1, written,
                         log) < 0)
        return; /* the next line tries again */
    log->writing = true;
    log->filling = !log->filling;
    log->used = 0;
}

static bool append(struct log *log, const char *format, ...)
{
    size_t room = ROOM - log->used;
    va_list args;
    va_start(args, format);
    int n =
        vsnprintf(log->buffers[log->filling] + log->used, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room)
        return false;
    log->used += (size_t)n;
    return true;
}

/* Never waits. */
static void log_line(struct log *log, const char *line)
{
    if (log->lost) {
        if (!append(log, "(%lu lines are missing)\n", log->lost)) {
            log->lost++;
            return;
        }
        log->lost = 0;
    }
    if (!append(log, "%s\n", line))
        log->lost++;
    write_on(log);
}

/* ---- a program that logs more than there is room for ---- */

static char text[4 * ROOM];

static void stop(rondo_loop *loop, void *arg, int64_t result)
{
    (void)arg, (void)result;
    rondo_loop_stop(loop);
}

static void check(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct log *log = arg;
    const char *missing;
    unsigned long n = 0, lines = 0;
    (void)error;
    for (size_t i = 0; i < count; i++)
        lines += text[i] == '\n';
    missing = strchr(text, '(');
    if (missing)
        n = strtoul(missing + 1, NULL, 10);
    printf("lines in the file, and missing: %lu\n", lines - 1 + n);
    printf("some are missing: %s\n", n > 0 ? "yes" : "no");
    rondo_fs_unlink(loop, rondo_file_path(log->file), stop, log);
}

static void last(rondo_loop *loop, void *arg)
{
    struct log *log = arg;
    static rondo_room room = {text, sizeof text - 1};
    if (log->writing) { /* then it would wait in a buffer */
        rondo_call_later(loop, RONDO_MS(10), last, log);
        return;
    }
    log_line(log, "the last one");
    rondo_file_read(log->file, 0, &room, 1, check, log); /* in order */
}

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct log *log = arg;
    if (error) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return;
    }
    log->file = file;
    for (int i = 0; i < 499; i++)
        log_line(log, "something has happened");
    rondo_call_later(loop, RONDO_MS(10), last, log);
}

int main(void)
{
    static struct log log;
    const char *folder = getenv("TMPDIR"), *temp = getenv("TEMP");
    rondo_loop *loop = NULL;
    char prefix[512];
    folder = folder ? folder : temp ? temp : "/tmp";
    (void)snprintf(prefix, sizeof prefix, "%s/recipe-log-", folder);
    /* a log that exists: rondo_file_open with RONDO_FILE_CREATE */
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_file_open_temporary(loop, prefix,
                                  RONDO_FILE_APPEND | RONDO_FILE_IN_ORDER,
                                  opened, &log) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_log: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
