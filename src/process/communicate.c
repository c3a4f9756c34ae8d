/* communicate.c - runs a program to its end and collects what it writes. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "process/process.h"

#include <assert.h>
#include <string.h>

/* One output. */
struct collected {
    char *data; /* at most room - 1 bytes, and a NUL byte behind them */
    size_t size, room;
};

struct communicate {
    rondo_loop *loop;
    rondo_process *process;
    rondo_id id;
    rondo_communicate_fn done;
    void *arg;
    struct collected got[2]; /* stdout, stderr */
    size_t limit;            /* bytes of both; 0: none */
    int error;               /* why it was ended early; 0: it was not */
};

static const rondo_process_protocol silent = {0};

/* Kills the child. Of several errors the first one counts. */
static void communicate_stop(struct communicate *c, int error)
{
    assert(error < 0 && c->process);
    if (!c->error)
        c->error = error;
    rondo_process_close(c->process);
}

static void communicate_cancel(rondo_loop *loop, struct handle *handle)
{
    const rondo_process *p = (const rondo_process *)(const void *)handle;
    (void)loop;
    assert(((const struct communicate *)p->self)->process == p);
    communicate_stop(p->self, RONDO_ECANCELED);
}

/* ---- collecting ---- */

static bool communicate_append(rondo_loop *loop, struct collected *to,
                               const void *data, size_t size)
{
    size_t room = to->room ? to->room : 4096;
    while (room - to->size <= size && room <= SIZE_MAX / 2)
        room *= 2;
    if (room - to->size <= size)
        return false;
    if (room != to->room) {
        char *grown = loop_realloc(loop, to->data, room);
        if (!grown)
            return false;
        to->data = grown;
        to->room = room;
    }
    assert(to->size + size < to->room);
    memcpy(to->data + to->size, data, size);
    to->size += size;
    to->data[to->size] = '\0';
    return true;
}

static void communicate_data_received(rondo_process *p, void *self, int fd,
                                      const void *data, size_t size)
{
    struct communicate *c = self;
    size_t left = c->limit - c->got[0].size - c->got[1].size;
    bool fits = !c->limit || size <= left;
    assert(!c->limit || left <= c->limit);
    (void)p;
    if (c->error)
        return;
    assert(fd == 1 || fd == 2);
    if (!communicate_append(c->loop, &c->got[fd == 2], data,
                            fits ? size : left))
        communicate_stop(c, RONDO_ENOMEM);
    else if (!fits)
        communicate_stop(c, RONDO_ETOOMUCH);
}

/* A child need not read its input, and what it does not want is no failure. */
static bool communicate_is_unwanted(int error)
{
    return error == RONDO_EPIPE || error == RONDO_ECONNRESET ||
           error == RONDO_ECANCELED || /* cut off when it is killed */
           error == RONDO_ECLOSED;
}

/* Any other failure makes the output incomplete, or the input. */
static void communicate_pipe_lost(rondo_process *p, void *self, int fd,
                                  int error)
{
    (void)p;
    if (error && !(fd == 0 && communicate_is_unwanted(error)))
        communicate_stop(self, error);
}

/* ---- the end ---- */

static void communicate_describe(int error, size_t limit)
{
    if (error == RONDO_ETOOMUCH)
        error_set(error, "communicate: more than %zu bytes of output", limit);
    else
        error_set(error, "communicate: %s", rondo_strerror(error));
}

static void communicate_connection_lost(rondo_process *p, void *self, int error)
{
    struct communicate *c = self;
    rondo_loop *loop = c->loop;
    assert(c->process == p);
    rondo_output output = {
        .size = sizeof output,
        .out = c->got[0].data ? c->got[0].data : "",
        .err = c->got[1].data ? c->got[1].data : "",
        .out_size = c->got[0].size,
        .err_size = c->got[1].size,
    };
    (void)rondo_process_returncode(p, &output.status);
    id_free(loop, c->id);
    error = c->error ? c->error : error;
    if (error == RONDO_ECLOSED) /* the loop closes, which cancels operations */
        error = RONDO_ECANCELED;
    if (error)
        communicate_describe(error, c->limit);
    OBSERVE_DONE(loop, "communicate", c->done, loop, c->arg, &output, error);
    loop_free(loop, c->got[0].data);
    loop_free(loop, c->got[1].data);
    loop_free(loop, c);
}

static const rondo_process_protocol collector = {
    .pipe_data_received = communicate_data_received,
    .pipe_connection_lost = communicate_pipe_lost,
    .connection_lost = communicate_connection_lost,
};

/* ---- the call ---- */

static void communicate_nothing(void *arg)
{
    (void)arg;
}

/* Writes the input and ends it. */
static void communicate_feed(struct communicate *c, const void *input,
                             size_t size)
{
    rondo_transport *t = rondo_process_pipe(c->process, 0);
    if (!t)
        return;
    int error = 0;
    if (size)
        error = rondo_transport_write_owned(t, input, size, communicate_nothing,
                                            NULL);
    if (error < 0 && !communicate_is_unwanted(error))
        communicate_stop(c, error);
    (void)rondo_transport_write_eof(t);
}

/* An entry in extra says what a descriptor is as well as its own option. */
static void communicate_set_kind(const rondo_process_options *o, int fd,
                                 rondo_stdio_kind *kind,
                                 rondo_stdio_kind otherwise)
{
    for (size_t i = 0; o->extra && i < o->extra_count; i++)
        if (o->extra[i].child_fd == fd)
            return;
    if (!*kind)
        *kind = otherwise;
}

static void communicate_set_kinds(rondo_process_options *o, const void *input)
{
    communicate_set_kind(o, 0, &o->stdin_kind,
                         input ? RONDO_STDIO_PIPE : RONDO_STDIO_NULL);
    communicate_set_kind(o, 1, &o->stdout_kind, RONDO_STDIO_PIPE);
    communicate_set_kind(o, 2, &o->stderr_kind, RONDO_STDIO_PIPE);
    o->leave_running = false;
}

/* A terminal has no end to write, and mixes stdout, stderr and an echo. */
static bool communicate_has_terminal(const rondo_process_options *o)
{
    bool found = o->stdin_kind == RONDO_STDIO_TERMINAL ||
                 o->stdout_kind == RONDO_STDIO_TERMINAL ||
                 o->stderr_kind == RONDO_STDIO_TERMINAL;
    for (size_t i = 0; o->extra && i < o->extra_count; i++)
        found = found || o->extra[i].kind == RONDO_STDIO_TERMINAL;
    return found;
}

static int communicate_check(const rondo_process_options *o, const void *input,
                             size_t input_size, bool has_done)
{
    if (!has_done || (input_size && !input))
        return error_set(RONDO_EINVAL, "communicate: %s",
                         has_done ? "no input of that size" : "no function");
    if (communicate_has_terminal(o))
        return error_set(RONDO_EINVAL, "communicate: a child on a terminal: "
                                       "subprocess_exec starts one");
    for (size_t i = 0; o->extra && i < o->extra_count; i++)
        if (o->extra[i].child_fd > 2 && o->extra[i].kind == RONDO_STDIO_PIPE)
            return error_set(RONDO_EINVAL,
                             "communicate: descriptor %d of the child would be "
                             "a pipe, and only stdout and stderr are collected",
                             o->extra[i].child_fd);
    return 0;
}

static int communicate_start(struct communicate *c,
                             const rondo_process_options *o)
{
    rondo_process *p;
    int error =
        process_start(c->loop, "communicate", NULL, o, &collector, c, &p);
    if (error)
        return error;
    c->process = p;
    c->id = id_new(c->loop, &p->handle, communicate_cancel);
    if (c->id > 0)
        return 0;
    p->protocol = &silent; /* the child runs; it ends without calling c */
    rondo_process_close(p);
    return (int)c->id;
}

rondo_id rondo_communicate(rondo_loop *loop,
                           const rondo_process_options *options,
                           const void *input, size_t input_size, size_t limit,
                           rondo_communicate_fn done, void *arg)
{
    rondo_process_options o;
    int error = loop_check_create(loop, "communicate");
    if (!error)
        error = loop_options(&o, sizeof o, options, "communicate");
    if (!error)
        error = communicate_check(&o, input, input_size, done != NULL);
    if (error)
        return error;
    communicate_set_kinds(&o, input);
    struct communicate *c = loop_alloc(loop, sizeof *c);
    if (!c)
        return error_set(RONDO_ENOMEM, "communicate: out of memory");
    *c = (struct communicate){
        .loop = loop, .done = done, .arg = arg, .limit = limit};
    error = communicate_start(c, &o);
    if (error) {
        loop_free(loop, c);
        return error;
    }
    communicate_feed(c, input, input_size);
    return c->id;
}
