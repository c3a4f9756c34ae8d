/* epoll.h - epoll's poller, which io_uring's waits for too. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_EPOLL_H
#define RONDO_UNIX_EPOLL_H

#include "core/backend.h"

/* It watches what `set` asks for, whatever else the reactor has armed. */
extern const struct poller unix_epoll_poller;
/* How often it has replaced its epoll: whoever polls that has to begin anew. */
unsigned unix_epoll_renewals(const void *state);

#endif
