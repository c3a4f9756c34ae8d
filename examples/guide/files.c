/* files.c - writes a file, reads it again, and removes it. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

struct state {
    rondo_file *file;
    char path[500];
    char bytes[64]; /* lent to a read until its done is called */
};

static void failed(const char *what)
{
    printf("%s: %s\n", what, rondo_last_error());
}

/* ---- one step starts the next one; the error of a call is its result ---- */

static void removed(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)arg;
    printf("removed: %s\n", rondo_error_name((int)result));
}

static void closed(rondo_loop *loop, void *arg, int64_t result)
{
    struct state *s = arg;
    (void)result;
    if (rondo_fs_unlink(loop, s->path, removed, s) < 0)
        failed("unlink");
}

static void has_read(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct state *s = arg;
    (void)loop;
    if (error)
        failed("read");
    else /* the file has ended before the room was full */
        printf("read %zu bytes: %.*s\n", count, (int)count, s->bytes);
    rondo_file_close(s->file, closed, s);
}

static void written(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct state *s = arg;
    rondo_room room = {s->bytes, sizeof s->bytes};
    (void)loop;
    if (error) { /* a full disk: count bytes were written */
        failed("write");
        rondo_file_close(s->file, closed, s);
        return;
    }
    printf("wrote %zu bytes\n", count);
    rondo_file_read(s->file, 7, &room, 1, has_read, s); /* from byte 7 on */
}

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct state *s = arg;
    static const char text[] = "hello, file"; /* lent, too: it is static */
    rondo_buffer buffer = {text, sizeof text - 1};
    (void)loop;
    if (error) {
        failed("open");
        return;
    }
    s->file = file;
    snprintf(s->path, sizeof s->path, "%s", rondo_file_path(file));
    rondo_file_write(file, 0, &buffer, 1, written, s);
}

static void missing(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    (void)loop;
    (void)arg;
    printf("file %s, %s\n", file ? "open" : "NULL", rondo_error_name(error));
}

int main(void)
{
    struct state s = {0};
    char prefix[400];
    const char *folder = getenv("TEMP"); /* Windows */
    rondo_loop *loop;
    snprintf(prefix, sizeof prefix, "%s/guide-", folder ? folder : "/tmp");
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_file_open(loop, "no-such-file", RONDO_FILE_READ, 0, missing,
                        NULL) < 0 ||
        rondo_loop_run(loop) < 0 ||
        rondo_file_open_temporary(loop, prefix, 0, opened, &s) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "files: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
