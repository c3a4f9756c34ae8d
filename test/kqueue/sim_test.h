/* sim_test.h - what the tests of the kqueue for tests share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_KQUEUE_SIM_TEST_H
#define RONDO_TEST_KQUEUE_SIM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim.h"

/* Each profile runs them: RONDO_KQUEUE names it. Every test has a kqueue of
 * its own, and the descriptors that it opened are closed after it. */
extern int kq;
extern struct kevent got[8];

int sim_setup(void **state);
int sim_teardown(void **state);

struct kevent event_of(int ident, uint32_t filter, uint32_t flags);
/* One change without room for an answer: 0 or errno. */
int change(int ident, uint32_t filter, uint32_t flags);
/* How many events there are, in got: now, or within the time that a loaded
 * machine may need. */
int look(void);
int await(void);
void make_pipe(int fds[2]); /* non-blocking */
void make_fifo(int fds[2]); /* with a name when it is made; non-blocking */
void make_pair(int fds[2]); /* of unix sockets */

#define SIM_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, sim_setup, sim_teardown)

#endif
