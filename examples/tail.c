/* tail.c - collects what is appended to log files, also when they are rotated:
 * "tail app.log error.log". */
/* SPDX-License-Identifier: MIT */
/* Build: cc tail.c -o tail $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>

enum { MOST_FILES = 64 };

struct log_file {
    const char *path;
    rondo_loop *loop;
    rondo_id watch;
    rondo_file *file;           /* NULL: not open */
    rondo_file_info own, named; /* of the open file, of the path */
    int64_t position;
    bool busy;  /* an operation is under way */
    bool again; /* it has changed meanwhile */
    bool last;  /* another file has the path: this one is read to its end */
    char bytes[16384];
};

static void look(struct log_file *f);

static void rest(struct log_file *f)
{
    f->busy = false;
    if (f->again)
        look(f);
}

/* ---- one file after another by the same path ---- */

static void closed(rondo_loop *loop, void *arg, int64_t result)
{
    struct log_file *f = arg;
    (void)loop, (void)result;
    f->last = false;
    f->again = true; /* the next file */
    rest(f);
}

static void read_on(struct log_file *f);

/* A file that is shorter than what was read was emptied: begin again. */
static void named(rondo_loop *loop, void *arg, int64_t result)
{
    struct log_file *f = arg;
    (void)loop;
    bool same = result == 0 && f->named.number == f->own.number &&
                f->named.device == f->own.device;
    if (same && f->named.bytes < f->position) {
        f->position = 0;
        read_on(f);
    } else if (same || result < 0) { /* it may be made in a moment */
        rest(f);
    } else if (!f->last) { /* who writes may have it open still */
        f->last = true;
        read_on(f);
    } else {
        rondo_file *old = f->file;
        f->file = NULL;
        rondo_file_close(old, closed, f);
    }
}

static void came(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct log_file *f = arg;
    f->position += (int64_t)count;
    fwrite(f->bytes, 1, count, stdout);
    fflush(stdout);
    f->named = (rondo_file_info)RONDO_FILE_INFO_INIT;
    if (count && !error)
        read_on(f);
    else if (rondo_fs_stat(loop, f->path, &f->named, named, f) < 0)
        rest(f);
}

static void read_on(struct log_file *f)
{
    rondo_room room = {f->bytes, sizeof f->bytes};
    if (rondo_file_read(f->file, f->position, &room, 1, came, f) < 0)
        rest(f);
}

static void examined(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop, (void)result;
    read_on(arg);
}

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct log_file *f = arg;
    (void)loop;
    f->file = file;
    f->position = 0;
    f->own = (rondo_file_info)RONDO_FILE_INFO_INIT;
    if (error || rondo_file_stat(file, &f->own, examined, f) < 0)
        rest(f); /* not there yet: the watch tells when it is */
}

static void look(struct log_file *f)
{
    f->again = f->busy;
    if (f->busy)
        return;
    f->busy = true;
    if (f->file)
        read_on(f);
    else if (rondo_file_open(f->loop, f->path, RONDO_FILE_READ, 0, opened, f) <
             0)
        f->busy = false;
}

static void changed(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    (void)loop;
    if (e->what & RONDO_PATH_ENDED)
        fprintf(stderr, "%s\n", rondo_last_error());
    else if (!(e->what & RONDO_PATH_REMOVED))
        look(arg);
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

static int failed(rondo_loop *loop)
{
    fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return 1;
}

/* Until nothing is left, or Ctrl-C. */
static int run(rondo_loop *loop)
{
    if (rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0 ||
        rondo_loop_run(loop) < 0)
        return failed(loop);
    rondo_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    static struct log_file files[MOST_FILES];
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0)
        return failed(loop);
    for (int i = 0; i < argc - 1 && i < MOST_FILES; i++) {
        struct log_file *f = &files[i];
        f->path = argv[i + 1];
        f->loop = loop;
        f->watch = rondo_watch_path(
            loop, f->path, RONDO_PATH(.may_be_missing = true), changed, f);
        if (f->watch < 0)
            return failed(loop);
    }
    return run(loop);
}
