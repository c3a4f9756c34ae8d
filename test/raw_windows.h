/* raw_windows.h - raw.h's odd handles and failing system calls of Windows.
 * SPDX-License-Identifier: MIT
 *
 * Elsewhere all of it is answered with RONDO_NO_FD, -1 or false, except what is
 * said to be for every system; the test then says so with test_skip.
 */
#ifndef RONDO_TEST_RAW_WINDOWS_H
#define RONDO_TEST_RAW_WINDOWS_H

#include "raw.h"

/* ---- handles ------------------------------------------------------------- */

/* The read end, whose calls end later, and the write end of a pipe that keeps
 * messages apart; each may have a mebibyte. */
int raw_message_pipe(raw_fd pair[2]);
/* The null device, whose calls end later. */
raw_fd raw_overlapped_null(void);
/* Begins a read of the program's own, whose calls end later; then ends it:
 * false: somebody else has ended it. */
bool raw_begin_read(raw_fd fd);
bool raw_end_read(raw_fd fd);
/* Something that is no socket, under that number, which was closed just
 * before; RONDO_NO_FD: the system gave it other numbers. */
raw_fd raw_reuse_number(raw_fd number);
/* Puts so many wake-ups into the completion port that rondo_loop_prepare
 * tells; false: it is none. */
bool raw_post_wake_ups(raw_fd port, unsigned count);
/* Every system: one urgent byte of TCP. */
bool raw_send_urgent(raw_fd fd);
/* Every system: a watch is told of a half-close that unread bytes precede. */
bool raw_tells_end_behind_bytes(void);

/* ---- system calls that fail ---------------------------------------------- */

enum raw_fault {
    RAW_FAULT_WAKE,       /* no room for a wake-up */
    RAW_FAULT_WAKE_READ,  /* the wake-up that is read is longer than a byte */
    RAW_FAULT_WAKE_GONE,  /* the wake-up is gone, and no other can be made */
    RAW_FAULT_SEND_ROOM,  /* an overlapped WSASend: no buffers */
    RAW_FAULT_SEND_ABORT, /* an overlapped WSASend: connection aborted */
    RAW_FAULT_SENT_ABORT, /* ... and its packet says so */
    RAW_FAULT_SENT_FILE,  /* a TransmitFile has sent all and then failed */
    RAW_FAULT_WRITE,   /* an overlapped WriteFile of more than 4 MiB: no room */
    RAW_FAULT_LOOK,    /* a look for a datagram: nobody has the port */
    RAW_FAULT_SEND_TO, /* an overlapped WSASendTo: nobody has the port */
    RAW_FAULT_THREAD,  /* no handle of a thread */
    RAW_FAULT_CANCEL, /* a read has not begun when it is to be ended; it counts */
    RAW_FAULT_PATH    /* PATH grows between two looks at it */
};

/* The next `times` such calls of this process fail; false: cannot be done. */
bool raw_fault(enum raw_fault which, unsigned times);
unsigned raw_faults(void); /* how many have failed since */

#endif
