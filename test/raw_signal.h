/* raw_signal.h - signals, sent and caught without Rondo.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_SIGNAL_H
#define RONDO_TEST_RAW_SIGNAL_H

#include "raw.h"

/* The signals that can be sent to this process and that a loop can be told
 * of, lowest number first; their count, 0 where there are none. The first
 * call may make a console. */
int raw_signals(int *numbers, int room);
/* Why there are fewer than two. */
const char *raw_signals_reason(void);
/* To this process: 0, or -1. It has been caught when this returns. One at a
 * time. */
int raw_signal_send(int signum);
bool raw_signals_are_quick(void); /* microseconds, not milliseconds */

/* Those that nobody can catch, and those that report a fault. */
int raw_signals_uncatchable(int *numbers, int room);
int raw_signals_of_faults(int *numbers, int room);
int raw_signal_of_children(void); /* SIGCHLD, or -1 */
int raw_signal_of_users(void);    /* SIGUSR1, or -1 */

/* What is to happen with a signal. */
enum raw_disposition {
    RAW_DEFAULT,
    RAW_IGNORED,
    RAW_PLAIN, /* a function that counts its calls */
    RAW_INFO,  /* the same with SA_SIGINFO, other flags and a mask */
    RAW_OTHER  /* not one of these exactly: Rondo's */
};
enum raw_disposition raw_signal_disposition(int signum);
/* false: there are no dispositions on this system */
bool raw_signal_dispose(int signum, enum raw_disposition what);
unsigned raw_signal_caught(void); /* calls of RAW_PLAIN and RAW_INFO, ever */

/* SA_RESTART and SA_ONSTACK are set */
bool raw_signal_is_considerate(int signum);
/* errno is the same after it as before */
bool raw_signal_keeps_errno(int signum);
/* A child that ended stays as a zombie until it is waited for: 1, 0, or -1
 * (no fork). */
int raw_children_stay(void);
/* Sends it to a child that shares this process's memory: 0, or -1. */
int raw_signal_send_to_vforked(int signum);

#endif
