/* harness_act.h - ready-made callbacks: what tests do inside callbacks.
 * SPDX-License-Identifier: MIT
 *
 * act_* are hooks of a peer: p->on_made = act_close. The others are callbacks
 * of the library: count_* counts its calls in the unsigned that `arg` points
 * to, ignore_* does nothing, never_* fails the test.
 */
#ifndef RONDO_TEST_HARNESS_ACT_H
#define RONDO_TEST_HARNESS_ACT_H

#include "harness.h"

/* ---- hooks of a peer: all but on_data and on_updated -------------------- */

void act_close(struct peer *p);
void act_abort(struct peer *p);
void act_pause(struct peer *p); /* pause_reading, which must succeed */
void act_resume(struct peer *p);
void act_write_eof(struct peer *p);
void act_hello(struct peer *p); /* writes "hello" */
void act_stop_loop(struct peer *p);

/* This is what it does inside each callback but get_buffer. */
void act_in_all(struct peer *p, void (*act)(struct peer *p));

/* ---- on_data ------------------------------------------------------------ */

void act_echo(struct peer *p, const void *data, size_t size);
void act_close_in_data(struct peer *p, const void *data, size_t size);
void act_abort_in_data(struct peer *p, const void *data, size_t size);
void act_pause_in_data(struct peer *p, const void *data, size_t size);

/* ---- rondo_fn: call_soon, timers, posts --------------------------------- */

unsigned *test_counter(struct world *w);
void count_call(rondo_loop *loop, void *arg);
void ignore_call(rondo_loop *loop, void *arg);
void set_true(rondo_loop *loop, void *arg); /* arg: a bool */
void stop_call(rondo_loop *loop, void *arg);
void stop_and_count(rondo_loop *loop, void *arg);
void never_call(rondo_loop *loop, void *arg); /* arg: the world */

/* ---- others ------------------------------------------------------------- */

void count_fd(rondo_loop *loop, rondo_fd fd, void *arg);
void ignore_fd(rondo_loop *loop, rondo_fd fd, void *arg);
int ignore_client(rondo_server *server, void *arg, rondo_transport *t,
                  const rondo_protocol **protocol, void **self);
void never_accepted(rondo_server *server, void *arg, rondo_fd socket,
                    const rondo_address *peer);
void never_fd(rondo_loop *loop, rondo_fd fd, void *arg);
void count_release(void *arg);
void count_signal(rondo_loop *loop, int signum, void *arg);
void count_exception(rondo_loop *loop, void *arg, const rondo_exception *what);
void count_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                     int error);
void count_line(void *arg, const char *line, size_t size);
void ignore_release(void *arg);
void never_release(void *arg);
void ignore_signal(rondo_loop *loop, int signum, void *arg);
void ignore_line(void *arg, const char *line, size_t size);
void copy_line(void *arg, const char *line, size_t size); /* a char[256] */

#endif
