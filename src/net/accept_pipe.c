/* accept_pipe.c - a server by a pipe's name: its instances and clients. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "net/server.h"

#include <stdio.h>
#include <string.h>

/* Windows connects each client to an instance that was made before it came.
 * The server keeps SERVER_ACCEPTS of them ready: they are its backlog. */
struct instance {
    struct op op;
    struct instances *all;
    rondo_transport *t; /* the stream that waits for a client; NULL: none */
    uint64_t arrived;   /* not 0: a client waits in it until there is room */
};

struct instances {
    rondo_server *server;
    uint64_t arrivals;
    struct instance list[SERVER_ACCEPTS];
    char name[];
};

enum { BOTH = SIDE_READ | SIDE_WRITE };

static int accept_pipe_make(struct instance *i, bool first)
{
    rondo_server *s = i->all->server;
    sys_fd fd;
    assert(!i->t && !i->arrived);
    int error = sys_pipe_listen(i->all->name, first, &fd);
    if (error)
        return error_os(error, "cannot listen on %s", i->all->name);
    error = stream_new_pipe(s->loop, fd, BOTH, 0, &i->t);
    if (error)
        sys_pipe_discard(fd);
    return error;
}

static void accept_pipe_drop(struct instance *i)
{
    if (i->t)
        stream_discard(i->t);
    i->t = NULL;
    i->arrived = 0;
}

/* ---- one client ---- */

static void accept_pipe_take(struct instance *i)
{
    rondo_server *s = i->all->server;
    rondo_transport *t = i->t;
    assert(t && !i->arrived && op_is_idle(&i->op));
    i->t = NULL;
    s->clients++; /* so that settle sees whether this client is the last */
    server_settle(s);
    s->clients--;
    server_begin(s, t);
}

static void accept_pipe_connected(rondo_loop *loop, struct task *task)
{
    struct instance *i =
        (struct instance *)(void *)((char *)task -
                                    offsetof(struct instance, op.task));
    rondo_server *s = i->all->server;
    (void)loop;
    assert(!i->arrived && !s->ended);
    dispatch_begin(&s->dispatch);
    if (s->closing || task->error == RONDO_ECANCELED) {
        accept_pipe_drop(i);
    } else if (task->error) {
        if (task->error != RONDO_ENOMEM)
            accept_pipe_drop(i); /* without memory the instance is still good */
        error_keep_os(i->op.os_error);
        server_pause_for(s, error_os(task->error, "accept"));
    } else if (server_accepts(s)) {
        accept_pipe_take(i);
    } else {
        i->arrived = ++i->all->arrivals;
    }
    server_finish(s);
}

/* ---- for server.c ---- */

/* An instance that cannot be made is reported by its done, as a failed accept
 * is. */
static void accept_pipe_arm(struct instance *i)
{
    rondo_loop *loop = i->all->server->loop;
    assert(op_is_idle(&i->op));
    int error = i->t ? 0 : accept_pipe_make(i, false);
    op_init(&i->op, i->t ? &i->t->io : NULL, OP_ACCEPT, accept_pipe_connected);
    if (error)
        op_finish(loop, &i->op, error);
    else
        op_submit(loop, &i->op);
}

static struct instance *accept_pipe_longest_waiting(struct instances *all)
{
    struct instance *found = NULL;
    for (int n = 0; n < SERVER_ACCEPTS; n++) {
        struct instance *i = &all->list[n];
        if (i->arrived && (!found || i->arrived < found->arrived))
            found = i;
    }
    return found;
}

void server_pipe_settle(rondo_server *s)
{
    struct instances *all = s->instances;
    struct instance *waiting;
    if (!server_accepts(s))
        return;
    /* All waiting clients come again through the ready list. One that finds no
     * place then waits again, in the same order. */
    while ((waiting = accept_pipe_longest_waiting(all))) {
        waiting->arrived = 0;
        op_finish(s->loop, &waiting->op, 0);
    }
    for (int n = 0; n < SERVER_ACCEPTS; n++)
        if (op_is_idle(&all->list[n].op))
            accept_pipe_arm(&all->list[n]);
}

bool server_pipe_is_idle(const rondo_server *s)
{
    for (int n = 0; n < SERVER_ACCEPTS; n++)
        if (!op_is_idle(&s->instances->list[n].op))
            return false;
    return true;
}

/* Closes the instances before the cancelled operations are done, so that no
 * client can connect from now on. */
void server_pipe_stop(rondo_server *s)
{
    for (int n = 0; n < SERVER_ACCEPTS; n++) {
        struct instance *i = &s->instances->list[n];
        if (!i->t || i->t->io.fd == SYS_NO_FD)
            continue;
        op_cancel(s->loop, &i->op);
        if (op_is_idle(&i->op))
            accept_pipe_drop(i);
        else
            stream_pipe_shut(i->t);
    }
}

void server_pipe_free(rondo_server *s)
{
    if (!s->instances)
        return;
    for (int n = 0; n < SERVER_ACCEPTS; n++) {
        assert(op_is_idle(&s->instances->list[n].op));
        accept_pipe_drop(&s->instances->list[n]);
    }
    loop_free(s->loop, s->instances);
    s->instances = NULL;
}

int server_pipe_open(rondo_server *s, const char *name)
{
    size_t size = strlen(name) + 1;
    struct instances *all = loop_alloc(s->loop, sizeof *all + size);
    if (!all)
        return error_set(RONDO_ENOMEM, "create_server: out of memory");
    memset(all, 0, sizeof *all);
    memcpy(all->name, name, size);
    all->server = s;
    s->instances = all;
    for (int n = 0; n < SERVER_ACCEPTS; n++)
        all->list[n].all = all;
    int error = accept_pipe_make(&all->list[0], true);
    if (!error)
        return 0;
    error = error_in("create_server", error);
    server_pipe_free(s);
    return error;
}

const char *server_pipe_name(const rondo_server *s)
{
    return s->instances->name;
}
