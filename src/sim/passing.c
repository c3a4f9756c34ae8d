/* passing.c - descriptors that travel with the bytes of unix sockets: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

/* What travels keeps its sockets, pipes and files open. */
struct sim_parcel {
    size_t count;
    struct sim_socket *sockets[];
};

void passing_drop(struct sim_parcel *parcel)
{
    for (size_t i = 0; parcel && i < parcel->count; i++)
        net_release(parcel->sockets[i]);
    free(parcel);
}

static struct sim_parcel *passing_find(struct sim_segment *segment)
{
    for (; segment; segment = segment->next)
        if (segment->parcel) {
            struct sim_parcel *found = segment->parcel;
            segment->parcel = NULL;
            return found;
        }
    return NULL;
}

static struct sim_parcel *passing_of_host(const struct sim_host *host)
{
    struct sim_parcel *found = NULL;
    for (struct sim_socket *s = host->sockets; s && !found; s = s->next) {
        found = passing_find(s->in_first);
        if (!found)
            found = passing_find(s->way_first);
        if (!found && s->other)
            found = passing_find(s->other->way_first);
        for (struct sim_socket *q = s->queue_first; q && !found;
             q = q->queue_next)
            found = passing_find(q->in_first);
    }
    return found;
}

/* Also those that only each other's queues keep. */
void passing_forget(struct sim_host *host)
{
    struct sim_parcel *parcel;
    while ((parcel = passing_of_host(host)))
        passing_drop(parcel);
}

/* ---- sending ---- */

static int passing_pack(const sys_fd *fds, size_t count,
                        struct sim_parcel **packed)
{
    struct sim_parcel *p = malloc(sizeof *p + count * sizeof *p->sockets);
    if (!p)
        sim_die("out of memory for descriptors");
    p->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct sim_socket *s = net_get(fds[i]);
        if (!s) {
            passing_drop(p);
            return RONDO_EBADF;
        }
        net_hold(s);
        p->sockets[p->count++] = s;
    }
    *packed = p;
    return 0;
}

int64_t sys_send_fds(sys_fd fd, const rondo_buffer *buffers, size_t count,
                     const sys_fd *fds, size_t fds_count)
{
    struct sim_socket *s = net_get(fd);
    struct sim_parcel *parcel;
    if (!s)
        return RONDO_EBADF;
    if (s->is || s->kind != SIM_STREAM || s->family != RONDO_FAMILY_UNIX)
        return sim_fail(EINVAL);
    int error = passing_pack(fds, fds_count, &parcel);
    if (error)
        return error;
    const struct sim_segment *last = s->way_first ? s->way_last : NULL;
    int64_t sent = flow_send(s, buffers, count);
    if (sent > 0)
        (last ? last->next : s->way_first)->parcel = parcel;
    else
        passing_drop(parcel);
    return sent;
}

/* ---- receiving ---- */

/* All of them, or none. */
static int passing_unpack(const struct sim_parcel *parcel, sys_fd *fds,
                          size_t *count)
{
    for (size_t i = 0; i < parcel->count; i++) {
        int error =
            net_add_descriptor(sim_process(), parcel->sockets[i], &fds[i]);
        if (error) {
            while (i)
                sys_close(fds[--i]);
            return sim_fail(EMFILE);
        }
    }
    *count = parcel->count;
    return 0;
}

int64_t sys_recv_fds(sys_fd fd, void *data, size_t size, sys_fd *fds,
                     size_t *count)
{
    struct sim_socket *s = net_get(fd);
    struct sim_parcel *parcel = NULL;
    *count = 0;
    if (!s)
        return RONDO_EBADF;
    if (s->kind != SIM_STREAM)
        return sim_fail(ENOTSOCK);
    if (sim_fault(SIM_FAULT_again))
        return sim_fail(EAGAIN);
    int64_t received = flow_take_with(s, data, size, &parcel);
    if (!parcel)
        return received;
    int error = passing_unpack(parcel, fds, count);
    passing_drop(parcel);
    return error ? error : received;
}

/* ---- of a program's own ---- */

enum { LOOK_NS = 10000 };

static int passing_check(const char *what, rondo_fd fd, size_t count)
{
    if (!sim_host())
        return error_set(RONDO_EINVAL,
                         "%s: called by the driver, not by a host", what);
    if (!net_get(sys_fd_of(fd)))
        return error_os(RONDO_EBADF, "%s: descriptor %lld", what,
                        (long long)fd);
    return count > SYS_FDS_MOST
               ? error_set(RONDO_ETOOMUCH, "%s: %zu descriptors", what, count)
               : 0;
}

int64_t rondo_sim_send_fds(rondo_fd fd, const void *data, size_t size,
                           const rondo_fd *fds, size_t count)
{
    sys_fd numbers[SYS_FDS_MOST];
    const rondo_buffer one = {data, size};
    int error = passing_check("sim_send_fds", fd, count);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++)
        numbers[i] = sys_fd_of(fds[i]);
    int64_t sent = sys_send_fds(sys_fd_of(fd), &one, 1, numbers, count);
    return sent < 0 ? error_os((int)sent, "sim_send_fds") : sent;
}

int64_t rondo_sim_recv_fds(rondo_fd fd, void *data, size_t size, rondo_fd *fds,
                           size_t *count, int64_t timeout_ns)
{
    sys_fd numbers[SYS_FDS_MOST];
    size_t room = *count;
    int64_t received = passing_check("sim_recv_fds", fd, 0);
    *count = 0;
    if (received)
        return received;
    int64_t until = sim_host_deadline(sim_host(), timeout_ns);
    while ((received = sys_recv_fds(sys_fd_of(fd), data, size, numbers,
                                    count)) == RONDO_EAGAIN &&
           sim.now < until)
        (void)sim_block("a socket of the program's",
                        until - sim.now < LOOK_NS ? until : sim.now + LOOK_NS);
    for (size_t i = 0; i < *count; i++)
        if (i < room)
            fds[i] = numbers[i];
        else
            sys_close(numbers[i]);
    *count = *count < room ? *count : room;
    return received < 0 ? error_os((int)received, "sim_recv_fds") : received;
}
#endif
