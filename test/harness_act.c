/* harness_act.c - ready-made callbacks. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* ---- hooks of a peer ---------------------------------------------------- */

void act_close(struct peer *p)
{
    rondo_transport_close(p->transport);
}

void act_abort(struct peer *p)
{
    rondo_transport_abort(p->transport);
}

void act_pause(struct peer *p)
{
    assert_ok(rondo_transport_pause_reading(p->transport));
}

void act_resume(struct peer *p)
{
    assert_ok(rondo_transport_resume_reading(p->transport));
}

void act_write_eof(struct peer *p)
{
    assert_ok(rondo_transport_write_eof(p->transport));
}

void act_hello(struct peer *p)
{
    assert_ok(rondo_transport_write(p->transport, "hello", 5));
}

void act_stop_loop(struct peer *p)
{
    rondo_loop_stop(p->w->loop);
}

void act_in_all(struct peer *p, void (*act)(struct peer *p))
{
    p->on_made = act;
    p->on_bytes = act;
    p->on_eof = act;
    p->on_pause = act;
    p->on_resume = act;
    p->on_timeout = act;
    p->on_lost = act;
    p->on_connected = act;
}

void act_echo(struct peer *p, const void *data, size_t size)
{
    assert_ok(rondo_transport_write(p->transport, data, size));
}

void act_close_in_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    act_close(p);
}

void act_abort_in_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    act_abort(p);
}

void act_pause_in_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    act_pause(p);
}

/* ---- callbacks of the library ------------------------------------------- */

unsigned *test_counter(struct world *w)
{
    return test_alloc(w, sizeof(unsigned));
}

void count_call(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(unsigned *)arg;
}

void ignore_call(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
}

void set_true(rondo_loop *loop, void *arg)
{
    (void)loop;
    *(bool *)arg = true;
}

void stop_call(rondo_loop *loop, void *arg)
{
    (void)arg;
    rondo_loop_stop(loop);
}

void stop_and_count(rondo_loop *loop, void *arg)
{
    rondo_loop_stop(loop);
    count_call(loop, arg);
}

void never_call(rondo_loop *loop, void *arg)
{
    (void)loop;
    test_fail(arg, "the loop waits for ever");
}

void count_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)fd;
    count_call(loop, arg);
}

void ignore_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
}

int ignore_client(rondo_server *server, void *arg, rondo_transport *t,
                  const rondo_protocol **protocol, void **self)
{
    (void)server;
    (void)arg;
    (void)t;
    (void)protocol;
    (void)self;
    return 0;
}

void never_accepted(rondo_server *server, void *arg, rondo_fd socket,
                    const rondo_address *peer)
{
    (void)server;
    (void)arg;
    (void)socket;
    (void)peer;
    fail();
}

void never_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
    fail_msg("the descriptor's callback was called");
}

void count_release(void *arg)
{
    ++*(unsigned *)arg;
}

void count_signal(rondo_loop *loop, int signum, void *arg)
{
    (void)signum;
    count_call(loop, arg);
}

void count_exception(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    (void)what;
    count_call(loop, arg);
}

void count_connected(rondo_loop *loop, void *arg, rondo_transport *t, int error)
{
    (void)t;
    (void)error;
    count_call(loop, arg);
}

void count_line(void *arg, const char *line, size_t size)
{
    (void)line;
    (void)size;
    count_call(NULL, arg);
}

void ignore_release(void *arg)
{
    (void)arg;
}

void never_release(void *arg)
{
    (void)arg;
    fail();
}

void ignore_signal(rondo_loop *loop, int signum, void *arg)
{
    (void)loop;
    (void)signum;
    (void)arg;
}

void ignore_line(void *arg, const char *line, size_t size)
{
    (void)arg;
    (void)line;
    (void)size;
}

void copy_line(void *arg, const char *line, size_t size)
{
    (void)snprintf(arg, 256, "%.*s", (int)size, line);
}
