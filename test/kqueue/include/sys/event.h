/* event.h - kqueue(2) for tests on Linux: what a BSD's <sys/event.h> has. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_SYS_EVENT_H
#define RONDO_TEST_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

/* No system has the members in this order or all of these types: whoever
 * initialises them by position, or takes one for an int, finds out here. */
struct kevent {
#ifdef SIM_UDATA_IS_A_NUMBER /* NetBSD before 10 */
    intptr_t udata;
#else
    void *udata;
#endif
    int64_t data;
    uint32_t filter;
    uint32_t fflags;
    uintptr_t ident;
    uint64_t ext[4];
    uint32_t flags;
};

#define EVFILT_WRITE 1U
#define EVFILT_READ  2U
#define EVFILT_PROC  3U
#define EVFILT_USER  4U
#ifndef SIM_NO_EXCEPT /* FreeBSD, NetBSD, old macOS */
#define EVFILT_EXCEPT 5U
#define NOTE_OOB      0x00000002U
#endif
#define EVFILT_VNODE 6U

#define EV_ADD      0x0001U
#define EV_DELETE   0x0002U
#define EV_ENABLE   0x0004U
#define EV_DISABLE  0x0008U
#define EV_ONESHOT  0x0010U
#define EV_CLEAR    0x0020U
#define EV_RECEIPT  0x0040U
#define EV_DISPATCH 0x0080U
#define EV_ERROR    0x4000U
#define EV_EOF      0x8000U

#define NOTE_LOWAT   0x00000001U /* EVFILT_READ, EVFILT_WRITE */
#define NOTE_TRIGGER 0x01000000U /* EVFILT_USER */
/* EVFILT_VNODE */
#define NOTE_DELETE 0x00010000U
#define NOTE_WRITE  0x00020000U
#define NOTE_EXTEND 0x00040000U
#define NOTE_ATTRIB 0x00080000U
#define NOTE_LINK   0x00100000U
#define NOTE_RENAME 0x00200000U
#define NOTE_REVOKE 0x00400000U
#define NOTE_EXIT   0x80000000U /* EVFILT_PROC */

#define EV_SET(event, ident_, filter_, flags_, fflags_, data_, udata_)         \
    (*(event) = (struct kevent){.ident = (uintptr_t)(ident_),                  \
                                .filter = (filter_),                           \
                                .flags = (flags_),                             \
                                .fflags = (fflags_),                           \
                                .data = (data_),                               \
                                .udata = (udata_)})

int kqueue(void);
int kevent(int fd, const struct kevent *changes, int change_count,
           struct kevent *events, int room, const struct timespec *timeout);

#endif
