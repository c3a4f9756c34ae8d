/* file.c - how operations on files begin, wait for each other, and end. */
/* SPDX-License-Identifier: MIT */
#include "threads/file.h"

#include "base/error.h"
#include "core/observe.h"
#include "core/part.h"

#include <stdio.h>
#include <string.h>

struct file_state {
    struct pool *pool; /* made with the first call */
};

enum { FILE_THREADS = 4 };

const struct file_verb_words file_verbs[FILE_VERBS] = {
    [FILE_OPEN] = {"file_open", "open"},
    [FILE_CLOSE] = {"file_close", "close"},
    [FILE_READ] = {"file_read", "read"},
    [FILE_WRITE] = {"file_write", "write"},
    [FILE_SYNC] = {"file_sync", "sync"},
    [FILE_SYNC_DATA] = {"file_sync", "sync the data of"},
    [FILE_STAT] = {"file_stat", "examine"},
    [FILE_TRUNCATE] = {"file_truncate", "change the size of"},
    [PATH_STAT] = {"fs_stat", "examine"},
    [PATH_LSTAT] = {"fs_lstat", "examine"},
    [PATH_RENAME] = {"fs_rename", "rename"},
    [PATH_UNLINK] = {"fs_unlink", "remove"},
    [PATH_MKDIR] = {"fs_mkdir", "make the directory"},
    [PATH_RMDIR] = {"fs_rmdir", "remove the directory"},
    [PATH_SYMLINK] = {"fs_symlink", "make the link"},
    [PATH_READLINK] = {"fs_readlink", "read the link"},
    [FILE_CHANGE] = {"file_change", "change"},
    [FILE_ALLOCATE] = {"file_allocate", "make room for"},
    [FILE_ADVISE] = {"file_advise", "give advice on"},
    [FILE_LOCK] = {"file_lock", "lock"},
    [FILE_UNLOCK] = {"file_unlock", "unlock"},
    [FILE_LIST] = {"file_list", "read the directory"},
    [PATH_CHANGE] = {"fs_change", "change"},
    [PATH_LINK] = {"fs_link", "give another name to"},
    [PATH_ACCESS] = {"fs_access", "have access to"},
    [PATH_REALPATH] = {"fs_realpath", "find the path of"},
    [PATH_SPACE] = {"fs_space", "examine the file system of"},
    [PATH_MAKE] = {"fs_make_path", "make the directory"},
    [PATH_TEMPORARY] = {"fs_mkdir_temporary", "make the directory"},
    [PATH_COPY] = {"fs_copy", "copy"},
    [PATH_REMOVE] = {"fs_remove_tree", "remove"},
};

static struct file_state *file_state_of(const rondo_loop *loop)
{
    return loop_part_state(loop, PART_FILE);
}

static struct file_call *file_call_of(struct handle *handle)
{
    return (struct file_call *)(void *)handle;
}

static const char *file_path_of(const struct file_call *c)
{
    return c->file ? c->file->path : c->path;
}

/* ---- to a thread ---- */

static void file_end_later(struct file_call *c, int error)
{
    assert(error <= 0 && c->task.state == TASK_IDLE && !c->link);
    c->result = error;
    c->os_error = error ? rondo_last_os_error() : 0;
    loop_push(c->loop, &c->task);
    loop_nudge(c->loop);
}

/* Returns 0, or an error without a sentence; then the call stays ours. */
static int file_submit(struct file_call *c)
{
    struct file_state *state = file_state_of(c->loop);
    if (c->verb == FILE_READ && file_read_now(c)) {
        file_end_later(c, 0);
        return 0;
    }
    if (!state->pool)
        state->pool = pool_new(FILE_THREADS);
    error_no_os();
    return state->pool ? pool_submit(state->pool, &c->work) : RONDO_ENOMEM;
}

static void file_close_now(rondo_file *f)
{
    struct file_call *c = f->own;
    if (file_submit(c) == 0)
        return;
    /* There is no thread. What blocks then is better than a descriptor that is
     * lost. */
    error_no_os();
    file_end_later(c, file_close_fd(f));
}

static void file_ask_position(struct file_call *c)
{
    if (c->current)
        c->position = c->file->seeks ? c->file->position : -1;
    if (c->verb == FILE_WRITE && c->file->flags & RONDO_FILE_APPEND)
        c->position = -1;
}

static void file_unqueue(struct file_call *c)
{
    rondo_file *f = c->file;
    assert(c->link && *c->link == c);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    else
        f->last = c->link;
    c->link = NULL;
}

/* Begins what the file's calls have waited for: the next ordered one, or the
 * close. */
static void file_go_on(rondo_file *f)
{
    if (!f->at && f->first) {
        struct file_call *c = f->first;
        file_unqueue(c);
        f->at = c;
        file_ask_position(c);
        int error = file_submit(c);
        if (error)
            file_end_later(c, error);
    }
    assert(f->calls || !f->first);
    if (f->closing && !f->calls)
        file_close_now(f);
}

/* ---- its end ---- */

void file_call_free(struct file_call *c)
{
    rondo_remote_release(c->remote);
    loop_free(c->loop, c);
}

void file_free(rondo_file *f)
{
    assert(!f->calls && !f->first && !f->at);
    id_free(f->loop, f->close_id);
    file_call_free(f->own);
    loop_free(f->loop, f);
}

static void file_leave(struct file_call *c)
{
    rondo_file *f = c->file;
    assert(f->calls > 0 && !c->link);
    f->calls--;
    if (f->at == c) {
        if (c->current && c->position >= 0)
            f->position = c->position + (int64_t)c->moved;
        f->at = NULL;
    }
    file_go_on(f);
}

static void file_leave_base(rondo_file *f)
{
    rondo_file *base = f->base;
    assert(base->calls > 0);
    f->base = NULL;
    base->calls--;
    file_go_on(base);
}

static void file_explain(const struct file_call *c)
{
    if (c->result >= 0)
        return;
    if (c->os_error)
        (void)error_from_os(c->os_error);
    else
        error_no_os();
    (void)error_os((int)c->result, "%s: cannot %s \"%s\"",
                   file_verbs[c->verb].call, file_verbs[c->verb].words,
                   file_path_of(c));
}

/* A loop that closes has closed its files already when this one arrives. */
static void file_opened(const struct file_call *c)
{
    rondo_loop *loop = c->loop;
    rondo_file *f = c->file;
    rondo_file_fn done = c->done.opened;
    void *arg = c->arg;
    int error = c->result < 0 ? (int)c->result : 0;
    assert(f);
    if (error) {
        file_free(f);
        OBSERVE_DONE(loop, "file_open", done, loop, arg, NULL, error);
        return;
    }
    handle_open(loop, &f->handle, HANDLE_FILE);
    handle_set_background(loop, &f->handle, true);
    OBSERVE_DONE(loop, "file_open", done, loop, arg, f, 0);
    /* f lives: to close it takes another iteration */
    if (loop->closing && !f->closing)
        file_close_begin(f, NULL, NULL);
}

static void file_closed(struct file_call *c)
{
    rondo_loop *loop = c->loop;
    rondo_done_fn done = c->done.plain;
    void *arg = c->arg;
    int64_t result = c->result;
    assert(c->file);
    file_free(c->file);
    if (done)
        OBSERVE_DONE(loop, "file_close", done, loop, arg, result);
}

static void file_call_done(const struct file_call *c)
{
    const char *what = file_verbs[c->verb].call;
    int error = c->result < 0 ? (int)c->result : 0;
    if (c->verb == FILE_READ || c->verb == FILE_WRITE) {
        OBSERVE_DONE(c->loop, what, c->done.moved, c->loop, c->arg, c->moved,
                     error);
        return;
    }
    if (c->verb == FILE_LIST) {
        OBSERVE_DONE(c->loop, what, c->done.listed, c->loop, c->arg,
                     (const rondo_dir_entry *)(const void *)c->tail, c->moved,
                     error);
        return;
    }
    bool tells =
        c->verb == FILE_STAT || c->verb == PATH_STAT || c->verb == PATH_LSTAT;
    if (tells && !error)
        (void)loop_give(c->to, &c->info, sizeof c->info,
                        file_verbs[c->verb].call);
    if (c->verb == PATH_SPACE && !error)
        (void)loop_give(c->to, &c->space, sizeof c->space,
                        file_verbs[c->verb].call);
    OBSERVE_DONE(c->loop, what, c->done.plain, c->loop, c->arg, c->result);
}

static void file_lock_again(rondo_loop *loop, void *arg)
{
    struct file_call *c = arg;
    (void)loop;
    c->backoff.timer = 0;
    atomic_store(&c->begun, false);
    int error = file_submit(c);
    if (error)
        file_end_later(c, error);
}

/* A lock that another one has: no thread waits for it. Returns true if it will
 * be tried again. */
static bool file_lock_waits(struct file_call *c)
{
    if (c->verb != FILE_LOCK || c->result != RONDO_EBUSY ||
        !(c->flags & RONDO_LOCK_WAIT))
        return false;
    if (atomic_load(&c->stop) || c->loop->closing) {
        c->result = RONDO_ECANCELED;
        c->os_error = 0;
        return false;
    }
    int error = backoff_begin(c->loop, &c->backoff, file_lock_again, c);
    if (error)
        c->result = error;
    return !error;
}

static void file_finish(struct file_call *c)
{
    assert(c->task.state == TASK_IDLE);
    if (file_lock_waits(c))
        return;
    id_free(c->loop, c->id);
    handle_close(c->loop, &c->handle);
    bool own = c->verb == FILE_OPEN || c->verb == FILE_CLOSE;
    if (c->file && !own)
        file_leave(c); /* which may fail, so the sentence is written after it */
    if (c->file && c->verb == FILE_OPEN && c->file->base)
        file_leave_base(c->file);
    file_explain(c);
    if (c->verb == FILE_OPEN) {
        file_opened(c);
    } else if (c->verb == FILE_CLOSE) {
        file_closed(c);
    } else {
        file_call_done(c);
        file_call_free(c);
    }
}

static void file_completed(rondo_loop *loop, struct completion *completion)
{
    (void)loop;
    file_finish(
        (struct file_call *)(void *)((char *)completion -
                                     offsetof(struct file_call, completion)));
}

static void file_ended(rondo_loop *loop, struct task *task)
{
    (void)loop;
    file_finish((struct file_call *)(void *)((char *)task -
                                             offsetof(struct file_call, task)));
}

/* On a thread of the pool. The loop waits for it, so the loop is there. */
static void file_give_back(struct work *work)
{
    struct file_call *c =
        (struct file_call *)(void *)((char *)work -
                                     offsetof(struct file_call, work));
    bool taken = remote_deliver(c->remote, &c->completion);
    assert(taken);
    (void)taken;
}

/* ---- cancelling ---- */

static void file_cancel(rondo_loop *loop, struct handle *handle)
{
    struct file_call *c = file_call_of(handle);
    struct pool *pool = file_state_of(loop)->pool;
    if (c->task.state != TASK_IDLE || c->verb == FILE_CLOSE)
        return;
    if (c->link) {
        file_unqueue(c);
    } else if (!backoff_end(loop, &c->backoff) &&
               (!pool || !pool_withdraw(pool, &c->work))) {
        atomic_store(&c->stop, true); /* a thread may look */
        return;
    }
    error_no_os();
    file_end_later(c, RONDO_ECANCELED);
}

/* ---- its beginning ---- */

struct file_call *file_call_new(rondo_loop *loop, rondo_file *file,
                                enum file_verb verb, size_t tail_size)
{
    struct file_call *c = tail_size <= SIZE_MAX - sizeof *c
                              ? loop_alloc(loop, sizeof *c + tail_size)
                              : NULL;
    if (!c) {
        (void)error_set(RONDO_ENOMEM, "%s: out of memory",
                        file_verbs[verb].call);
        return NULL;
    }
    memset(c, 0, sizeof *c);
    atomic_init(&c->begun, false);
    atomic_init(&c->stop, false);
    c->work.run = file_call_run;
    c->work.end = file_give_back;
    c->completion.done = file_completed;
    c->task.done = file_ended;
    c->loop = loop;
    c->remote = rondo_loop_remote(loop);
    assert(c->remote);
    c->file = file;
    c->verb = verb;
    c->position = -1;
    return c;
}

/* The ordered ones of a file wait for those before them. */
static int file_enter(struct file_call *c)
{
    rondo_file *f = c->file;
    if (!f || c->verb == FILE_OPEN)
        return file_submit(c);
    if (!c->ordered) {
        int error = file_submit(c);
        f->calls += !error;
        return error;
    }
    if (f->at) {
        f->calls++;
        c->link = f->last;
        *f->last = c;
        f->last = &c->next;
        return 0;
    }
    assert(!f->first);
    file_ask_position(c);
    int error = file_submit(c);
    if (!error) {
        f->calls++;
        f->at = c;
    }
    return error;
}

static int file_number(struct file_call *c)
{
    rondo_file *f = c->file;
    c->id = id_new(c->loop, &c->handle, file_cancel);
    if (c->id > 0 && c->verb == FILE_OPEN) {
        f->close_id = id_new(c->loop, &c->handle, file_cancel);
        if (f->close_id < 0) {
            int error = (int)f->close_id;
            f->close_id = 0;
            id_free(c->loop, c->id);
            return error;
        }
    }
    return c->id < 0 ? (int)c->id : 0;
}

rondo_id file_call_begin(struct file_call *c)
{
    const char *what = file_verbs[c->verb].call;
    handle_open(c->loop, &c->handle, HANDLE_FILE_CALL);
    int error = file_number(c);
    if (error) {
        (void)error_in(what, error);
    } else if ((error = file_enter(c)) != 0) {
        id_free(c->loop, c->id);
        (void)error_os(error, "%s: cannot start a thread", what);
    }
    if (!error)
        return c->id;
    handle_close(c->loop, &c->handle);
    if (c->verb != FILE_OPEN) {
        file_call_free(c);
        return error;
    }
    if (c->file->base)
        c->file->base->calls--;
    file_free(c->file);
    return error;
}

void file_close_begin(rondo_file *f, rondo_done_fn done, void *arg)
{
    struct file_call *c = f->own;
    assert(!f->closing && c->verb == FILE_OPEN);
    f->closing = true;
    handle_close(f->loop, &f->handle);
    c->verb = FILE_CLOSE;
    c->id = f->close_id;
    c->done.plain = done;
    c->arg = arg;
    c->result = 0;
    atomic_store(&c->begun, false);
    handle_open(f->loop, &c->handle, HANDLE_FILE_CALL);
    if (!f->calls)
        file_close_now(f);
}

/* ---- the part, closing, dump ---- */

static void file_close_pool(rondo_loop *loop)
{
    struct file_state *state = file_state_of(loop);
    if (state->pool)
        pool_release(state->pool);
    state->pool = NULL;
}

/* A descriptor that the parent's thread had opened is in this process, too. One
 * that it was about to close may be closed already, so that its number may be
 * another's: it stays open if it was not. */
static void file_keep_no_descriptor(const struct file_call *c)
{
    const rondo_file *f = c->file;
    bool begun = atomic_load(&c->begun);
    if (c->verb == FILE_OPEN && f->fd != SYS_NO_FD)
        sys_file_close(f->fd);
    else if (c->verb == FILE_CLOSE && !begun)
        (void)file_close_fd(c->file);
}

/* The threads are gone: each call ends with RONDO_EFORKED, except closes that
 * wait for others, which this process carries out. */
static void file_after_fork(rondo_loop *loop)
{
    file_state_of(loop)->pool = NULL; /* leaked: its lock may be held */
    error_no_os();
    for (struct handle *h = loop->handles[HANDLE_FILE_CALL]; h; h = h->next) {
        struct file_call *c = file_call_of(h);
        rondo_file *f = c->file;
        if (c->task.state != TASK_IDLE || (c->verb == FILE_CLOSE && f->calls))
            continue;
        if (c->link)
            file_unqueue(c);
        (void)backoff_end(loop, &c->backoff);
        /* a lock inside it may be held: it is leaked */
        if (c->verb == FILE_LIST && atomic_load(&c->begun))
            f->dir = NULL;
        if (c->verb == FILE_OPEN || c->verb == FILE_CLOSE)
            file_keep_no_descriptor(c);
        c->moved = 0;
        file_end_later(c, RONDO_EFORKED);
    }
}

static void file_call_close_at_loop_close(rondo_loop *loop,
                                          struct handle *handle)
{
    id_free(loop, file_call_of(handle)->id);
    file_cancel(loop, handle);
}

static void file_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    file_close_begin((rondo_file *)(void *)handle, NULL, NULL);
}

static bool file_call_describe(const struct handle *handle, char *text,
                               size_t size)
{
    const struct file_call *c = (const struct file_call *)(const void *)handle;
    snprintf(text, size, "%s \"%.200s\", %s", file_verbs[c->verb].call,
             file_path_of(c), atomic_load(&c->begun) ? "begun" : "waiting");
    return true;
}

static bool file_describe(const struct handle *handle, char *text, size_t size)
{
    const rondo_file *f = (const rondo_file *)(const void *)handle;
    snprintf(text, size, "\"%.200s\", descriptor %lld, %zu operations", f->path,
             (long long)f->fd, f->calls);
    return true;
}

const struct handle_class file_call_class = {
    "file operation", file_call_close_at_loop_close, file_call_describe};
const struct handle_class file_class = {"file", file_close_at_loop_close,
                                        file_describe};

const struct loop_part file_part = {.size = sizeof(struct file_state),
                                    .close = file_close_pool,
                                    .after_fork = file_after_fork};
