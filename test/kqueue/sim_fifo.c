/* sim_fifo.c - what the filters say of FIFOs and pipes, system by system. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

static int attach_never(struct sim_kq *kq, struct sim_note *note)
{
    return sim_attach_helper(kq, note, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/* EVFILT_READ on a FIFO that is open for writing only. Bytes that the reader
 * has not taken count where the filter looks at the FIFO and not at the
 * descriptor (xnu: vnode_readable_data_count, NetBSD: filt_fiforead). Those
 * that come later are not seen here, which no caller may rely on. */
static int attach_other_side(struct sim_kq *kq, struct sim_note *note)
{
    int bytes = 0;

    switch (sim_profile()->fifo) {
    case SIM_FIFO_SOCKETS:
        return EINVAL; /* OpenBSD: fifo_kqfilter */
    case SIM_FIFO_PIPE:
        break; /* FreeBSD: pipe_nfiltops */
    case SIM_FIFO_VNODE:
    case SIM_FIFO_WRONG_SIDE:
        (void)ioctl((int)note->ident, FIONREAD, &bytes);
        break;
    }
    return bytes > 0 ? sim_attach_always(kq, note) : attach_never(kq, note);
}

int sim_attach_fifo(struct sim_kq *kq, struct sim_note *note)
{
    if (note->filter == EVFILT_READ && sim_only_writes((int)note->ident))
        return attach_other_side(kq, note);
    /* NetBSD: filt_fifowrite asks the reading socket, which cannot send */
    if (note->filter == EVFILT_WRITE &&
        sim_profile()->fifo == SIM_FIFO_WRONG_SIDE)
        return sim_attach_always(kq, note);
    return sim_note_arm(kq, note) < 0 ? errno : 0;
}

uint32_t sim_fifo_events(const struct sim_note *note, uint32_t seen)
{
    const uint32_t ends = EPOLLHUP | EPOLLERR | EPOLLRDHUP;
    const struct sim_profile *is = sim_profile();
    int fd = (int)note->ident;
    bool named = sim_is_fifo(fd, true);

    if (note->filter == EVFILT_READ)
        return named && is->fifo == SIM_FIFO_VNODE ? seen & ~ends : seen;
    if (is->unheard == SIM_WHO_ONLY_WRITES_A_FIFO && named &&
        sim_only_writes(fd))
        return seen & ~ends; /* there may be room, and no more is said */
    if (is->unheard == SIM_ANY_PIPE && seen & ends && sim_is_fifo(fd, false))
        return 0;
    return seen;
}
