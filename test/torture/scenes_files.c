/* scenes_files.c - pipes, children, files and directories. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "scene.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- pipes ---- */

static void pipes(struct play *p)
{
    struct peer *from = peer_new(p, "reads"), *to = peer_new(p, "writes");
    int fds[2];
    to->sends = DATA_MOST;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return;
    if (rondo_connect_read_pipe(p->loop, fds[0], 0, &peer_protocol, from,
                                NULL) != 0)
        close(fds[0]);
    if (rondo_connect_write_pipe(p->loop, fds[1], 0, &peer_protocol, to,
                                 NULL) != 0)
        close(fds[1]);
}

/* ---- children ---- */

struct child {
    rondo_process *process;
    struct play *play;
    unsigned made, exited, lost, pipes_lost[3];
    size_t received;
    struct op communicate;
};

static void child_made(rondo_process *process, void *self)
{
    struct child *c = self;
    must(c->play, c->made++ == 0, "made twice", "child");
    rondo_transport *in = rondo_process_pipe(process, 0);
    if (in && rondo_transport_write(in, play_data, 3000) == 0)
        (void)rondo_transport_write_eof(in);
    else if (in)
        rondo_transport_abort(in);
}

static void child_received(rondo_process *process, void *self, int fd,
                           const void *data, size_t size)
{
    struct child *c = self;
    (void)process;
    must(c->play, fd == 1 && data && size, "received nothing", "child");
    must(c->play, !c->pipes_lost[1] && !c->lost, "received too late", "child");
    c->received += size;
}

static void child_pipe_lost(rondo_process *process, void *self, int fd,
                            int error)
{
    struct child *c = self;
    (void)process;
    (void)error;
    must(c->play, c->pipes_lost[fd]++ == 0 && !c->lost, "a pipe lost twice",
         "child");
}

static void child_exited(rondo_process *process, void *self, rondo_exit status)
{
    struct child *c = self;
    (void)process;
    (void)status;
    must(c->play, c->exited++ == 0 && !c->lost, "exited twice", "child");
}

static void child_lost(rondo_process *process, void *self, int error)
{
    struct child *c = self;
    (void)process;
    (void)error;
    must(c->play, c->lost++ == 0, "lost twice", "child");
    c->process = NULL;
}

static const rondo_process_protocol child_protocol = {
    .connection_made = child_made,
    .pipe_data_received = child_received,
    .pipe_connection_lost = child_pipe_lost,
    .process_exited = child_exited,
    .connection_lost = child_lost,
};

static void child(struct play *p)
{
    static const char *const argv[] = {"cat", NULL};
    struct child *c = p->more;
    c->play = p;
    (void)rondo_subprocess_exec(p->loop,
                                RONDO_PROCESS(.program = "/bin/cat",
                                              .argv = argv,
                                              .stdin_kind = RONDO_STDIO_PIPE,
                                              .stdout_kind = RONDO_STDIO_PIPE,
                                              .stderr_kind = RONDO_STDIO_NULL),
                                &child_protocol, c, &c->process);
}

static void child_end(struct play *p)
{
    struct child *c = p->more;
    must(p, c->lost == c->made, "not lost", "child");
    must(p, c->pipes_lost[0] == c->made && c->pipes_lost[1] == c->made,
         "a pipe is not lost", "child");
}

static void communicated(rondo_loop *loop, void *arg, const rondo_output *o,
                         int error)
{
    struct op *op = arg;
    (void)loop;
    must(op->play, error || (o && o->out_size == 2000), "no output, no error",
         "communicate");
    op_over(op, error);
}

static void communicate(struct play *p)
{
    static const char *const argv[] = {"cat", NULL};
    struct child *c = p->more;
    op_init(&c->communicate, p, "communicate");
    op_begun(&c->communicate,
             rondo_communicate(
                 p->loop, RONDO_PROCESS(.program = "/bin/cat", .argv = argv),
                 play_data, 2000, 10000, communicated, &c->communicate));
}

/* ---- files ---- */

struct file {
    rondo_file *file;
    struct op open, write, read, sync, stat, truncate, close, unlink;
    struct op mkdir, rename, rmdir, list, look;
    rondo_file_info info;
    char room[3000], path[100], other[100], sub[100];
};

static void file_unlink(struct play *p, int64_t result)
{
    struct file *f = p->more;
    (void)result;
    op_init(&f->unlink, p, "unlink");
    op_begun(&f->unlink,
             rondo_fs_unlink(p->loop, f->other, op_done, &f->unlink));
}

static void file_close(struct play *p, int64_t result)
{
    struct file *f = p->more;
    (void)result;
    op_init(&f->rename, p, "rename");
    op_begun(&f->rename,
             rondo_fs_rename(p->loop, f->path, f->other, op_done, &f->rename));
    f->close.then = file_unlink;
    op_init(&f->close, p, "file_close");
    op_begun(&f->close, rondo_file_close(f->file, op_done, &f->close));
}

static void file_io(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct op *op = arg;
    struct file *f = op->play->more;
    (void)loop;
    must(op->play, count <= 3000, "too many bytes", op->what);
    must(op->play, error || count == 3000, "too few bytes, no error", op->what);
    if (op == &f->read && !error)
        must(op->play, memcmp(f->room, play_data, 3000) == 0, "other bytes",
             op->what);
    op_over(op, error);
}

static void file_more(struct play *p, int64_t result)
{
    struct file *f = p->more;
    rondo_room room = {f->room, sizeof f->room};
    (void)result;
    f->info = (rondo_file_info)RONDO_FILE_INFO_INIT;
    op_init(&f->stat, p, "file_stat");
    op_begun(&f->stat, rondo_file_stat(f->file, &f->info, op_done, &f->stat));
    op_init(&f->sync, p, "file_sync");
    op_begun(&f->sync, rondo_file_sync(f->file, true, op_done, &f->sync));
    f->read.then = file_close;
    op_init(&f->read, p, "file_read");
    if (!result && !op_begun(&f->read, rondo_file_read(f->file, 0, &room, 1,
                                                       file_io, &f->read)))
        file_close(p, 0);
    else if (result)
        file_close(p, 0);
}

static void file_opened(rondo_loop *loop, void *arg, rondo_file *file,
                        int error)
{
    struct play *p = arg;
    struct file *f = p->more;
    rondo_buffer piece = {play_data, 3000};
    (void)loop;
    must(p, !file == (error != 0), "a file and an error", "file_open");
    op_over(&f->open, error);
    f->file = file;
    if (error)
        return;
    f->write.then = file_more;
    op_init(&f->write, p, "file_write");
    if (!op_begun(&f->write,
                  rondo_file_write(file, 0, &piece, 1, file_io, &f->write)))
        file_close(p, 0);
}

static void file(struct play *p)
{
    struct file *f = p->more;
    play_path(p, f->path, sizeof f->path, "file");
    play_path(p, f->other, sizeof f->other, "renamed");
    op_init(&f->open, p, "file_open");
    op_begun(&f->open,
             rondo_file_open(p->loop, f->path,
                             RONDO_FILE_READ | RONDO_FILE_WRITE |
                                 RONDO_FILE_CREATE | RONDO_FILE_TRUNCATE,
                             0600, file_opened, p));
}

static void file_end(struct play *p)
{
    struct file *f = p->more;
    unlink(f->path);
    unlink(f->other);
}

/* ---- directories ---- */

static bool walked(rondo_loop *loop, void *arg, const rondo_walk_entry *entry)
{
    struct op *op = arg;
    (void)loop;
    must(op->play, entry->path && entry->name, "no name", "walk");
    return true;
}

static void remove_all(struct play *p, int64_t result)
{
    struct file *f = p->more;
    (void)result;
    op_init(&f->rmdir, p, "remove_tree");
    op_begun(&f->rmdir,
             rondo_fs_remove_tree(p->loop, f->path, op_done, &f->rmdir));
}

static void directory(struct play *p)
{
    struct file *f = p->more;
    play_path(p, f->path, sizeof f->path, "folder");
    play_path(p, f->sub, sizeof f->sub, "folder/sub");
    play_path(p, f->other, sizeof f->other, "folder/sub/dir");
    mkdir(f->path, 0700);
    mkdir(f->sub, 0700);
    op_init(&f->mkdir, p, "make_path");
    op_begun(&f->mkdir,
             rondo_fs_make_path(p->loop, f->other, 0700, op_done, &f->mkdir));
    f->list.then = remove_all;
    op_init(&f->list, p, "walk");
    op_begun(&f->list,
             rondo_fs_walk(p->loop, f->path, NULL, walked, op_done, &f->list));
}

static void directory_end(struct play *p)
{
    struct file *f = p->more;
    rmdir(f->other);
    rmdir(f->sub);
    rmdir(f->path);
}

const struct scene scenes_files[] = {
    {"pipes", pipes, NULL, 0},
    {"child", child, child_end, sizeof(struct child)},
    {"communicate", communicate, NULL, sizeof(struct child)},
    {"file", file, file_end, sizeof(struct file)},
    {"directory", directory, directory_end, sizeof(struct file)},
    {NULL, NULL, NULL, 0},
};
