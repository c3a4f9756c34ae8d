/* stream_address.c - the two addresses that a transport keeps. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"

static int stream_keep_address(rondo_transport *t, struct small_address *which,
                               const rondo_address *a)
{
    if (address_keep(which, a))
        return 0;
    struct stream_extra *x = stream_extra(t);
    rondo_address *copy = x ? loop_alloc(t->loop, sizeof *copy) : NULL;
    if (!copy)
        return error_set(RONDO_ENOMEM, "out of memory for an address");
    *copy = *a;
    *(which == &t->peer ? &x->peer : &x->local) = copy;
    return 0;
}

int stream_remember(rondo_transport *t, const rondo_address *peer,
                    const rondo_address *local)
{
    rondo_address address;
    /* a pipe may be waited for by another descriptor */
    sys_fd fd = (sys_fd)stream_kind(t)->fd(t);
    int error = 0;
    if (!peer && sys_peer_address(fd, &address) == 0)
        peer = &address;
    if (peer)
        error = stream_keep_address(t, &t->peer, peer);
    if (!local && !error && sys_local_address(fd, &address) == 0)
        local = &address;
    if (error || !local)
        return error;
    if ((t->kind == STREAM_SOCKET || t->kind == STREAM_LENT_SOCKET) &&
        rondo_address_family(local) == RONDO_FAMILY_UNIX) {
        t->kind = t->kind == STREAM_SOCKET ? STREAM_UNIX_SOCKET
                                           : STREAM_LENT_UNIX_SOCKET;
        /* a backend that reads by itself would lose descriptors */
        t->read.task.kind = OP_WAIT_READ;
    }
    return stream_keep_address(t, &t->local, local);
}

int stream_address(const rondo_transport *t, const struct small_address *which,
                   rondo_address *a)
{
    const struct stream_extra *x = t->extra;
    const rondo_address *large = !x                  ? NULL
                                 : which == &t->peer ? x->peer
                                                     : x->local;
    if (!large)
        return address_recall(which, a);
    *a = *large;
    return 0;
}
