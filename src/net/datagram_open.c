/* datagram_open.c - create_datagram_endpoint: which socket, bound to what. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"

enum {
    DATAGRAM_OPEN_INFO = RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE |
                         RONDO_INFO_ECN | RONDO_INFO_TTL | RONDO_INFO_SEGMENTS |
                         RONDO_INFO_TIME
};

static const char create[] = "create_datagram_endpoint";

static int datagram_open_fail_on(int error, const char *verb,
                                 const rondo_address *address)
{
    char text[RONDO_ADDRESS_TEXT] = "";
    (void)rondo_address_text(address, text, sizeof text);
    return error_os(error, "%s: cannot %s %s", create, verb, text);
}

/* ---- a socket of our own ---- */

static int datagram_open_set_options(sys_fd fd, const rondo_datagram_options *o,
                                     rondo_family family)
{
    int error = 0;
    /* Windows reports an unreachable destination to the socket's next receive.
     * Without a peer the program could not tell whose it was. */
    error = sys_option(fd, SYS_UNREACHABLE, o->remote_address != NULL);
    if (!error && o->reuse_address == RONDO_ON)
        error = sys_option(fd, SYS_SHARE_ADDRESS, true);
    else if (!error)
        error = sys_option(fd, SYS_EXCLUSIVE, true);
    if (!error && o->reuse_port == RONDO_ON)
        error = sys_option(fd, SYS_REUSE_PORT, true);
    if (!error && o->broadcast == RONDO_ON)
        error = sys_option(fd, SYS_BROADCAST, true);
    if (!error && family == RONDO_FAMILY_INET6)
        error = sys_option(fd, SYS_V6ONLY, o->v6only != RONDO_OFF);
    if (!error)
        error = sys_only_own_groups(fd, family);
    return error ? error_os(error, "%s: cannot set the options", create) : 0;
}

/* Of the program's sockets, too. */
static int datagram_open_set_buffers(sys_fd fd, const rondo_datagram_options *o)
{
    int error = 0;
    if (o->receive_buffer)
        error = sys_option(fd, SYS_RECEIVE_BUFFER, (int)o->receive_buffer);
    if (!error && o->send_buffer)
        error = sys_option(fd, SYS_SEND_BUFFER, (int)o->send_buffer);
    return error ? error_os(error, "%s: cannot set the buffers", create) : 0;
}

static int datagram_open_ask(rondo_datagram *d, const rondo_datagram_options *o,
                             rondo_family family)
{
    bool ip = family == RONDO_FAMILY_INET || family == RONDO_FAMILY_INET6;
    unsigned can = ip ? sys_datagram_infos() : 0;
    if (o->info & ~can)
        return error_set(RONDO_ENOTSUP,
                         "%s: this system does not tell info %#x of such a "
                         "socket (rondo_loop_supports says what it does)",
                         create, o->info & ~can);
    if (o->fragments && (!ip || !sys_supports(RONDO_CAN_DONT_FRAGMENT)))
        return error_set(RONDO_ENOTSUP,
                         "%s: fragments: this system does not take it for "
                         "such a socket (rondo_loop_supports says so)",
                         create);
    int error = 0;
    if (o->info)
        error = sys_datagram_ask(d->io.fd, family, o->info);
    if (!error && o->fragments)
        error = sys_datagram_fragments(d->io.fd, family, o->fragments);
    d->wants = o->info;
    return error ? error_os(error, "%s: cannot set info or fragments", create)
                 : 0;
}

static int datagram_open_bind_to(rondo_datagram *d,
                                 const rondo_address *address)
{
    int error = rondo_address_family(address) == RONDO_FAMILY_UNIX
                    ? sys_path_bind(d->io.fd, address, 0, &d->file)
                    : sys_bind(d->io.fd, address);
    if (error == RONDO_EEXIST) /* a file that is not a socket */
        error = RONDO_EADDRINUSE;
    if (error)
        return datagram_open_fail_on(error, "bind", address);
    d->local = *address; /* so that the file can be removed after an error */
    return 0;
}

/* Windows refuses to receive on a socket that is not bound. */
static int datagram_open_bind_somewhere(rondo_datagram *d, rondo_family family)
{
    rondo_address any;
    if (family != RONDO_FAMILY_INET && family != RONDO_FAMILY_INET6)
        return 0;
    (void)sys_address_any(&any, family, 0);
    return datagram_open_bind_to(d, &any);
}

static int datagram_open_set_up(rondo_datagram *d,
                                const rondo_datagram_options *o,
                                rondo_family family)
{
    int error = datagram_open_set_options(d->io.fd, o, family);
    if (!error)
        error = datagram_open_set_buffers(d->io.fd, o);
    if (!error)
        error = datagram_open_ask(d, o, family);
    if (!error && o->local_address)
        error = datagram_open_bind_to(d, o->local_address);
    else if (!error && !o->remote_address)
        error = datagram_open_bind_somewhere(d, family);
    if (error || !o->remote_address)
        return error;
    error = sys_connect(d->io.fd, o->remote_address);
    return error ? datagram_open_fail_on(error, "connect to", o->remote_address)
                 : 0;
}

static int datagram_open_attach(rondo_datagram *d)
{
    int error = io_attach(d->loop, &d->io);
    return error ? error_in(create, error) : 0;
}

static int datagram_open_make(rondo_datagram *d,
                              const rondo_datagram_options *o,
                              rondo_family family)
{
    int error = sys_socket_datagram(family, &d->io.fd);
    if (error)
        return error_os(error, "%s: cannot make a socket", create);
    error = datagram_open_set_up(d, o, family);
    if (!error)
        error = datagram_open_attach(d);
    if (!error)
        return 0;
    sys_path_remove(&d->local, &d->file);
    sys_close(d->io.fd);
    return error;
}

/* ---- a socket of the program's ---- */

static int datagram_open_refuse(int error, rondo_fd fd, const char *why)
{
    return error_set(error, "%s: descriptor %lld %s", create, (long long)fd,
                     why);
}

static bool datagram_open_is_bound(sys_fd fd)
{
    rondo_address a;
    return sys_local_address(fd, &a) == 0 && rondo_address_port(&a) != 0;
}

static int datagram_open_adopt(rondo_datagram *d,
                               const rondo_datagram_options *o)
{
    rondo_fd number = *o->socket;
    sys_fd fd = sys_fd_of(number);
    rondo_address address;
    enum sys_kind kind = sys_kind(fd);
    if (kind == SYS_KIND_BAD)
        return datagram_open_refuse(RONDO_EBADF, number, "is not open");
    if (kind != SYS_KIND_DATAGRAM)
        return datagram_open_refuse(RONDO_EINVAL, number,
                                    "is not a datagram socket");
    if (io_find_used(d->loop, fd))
        return datagram_open_refuse(RONDO_EBUSY, number,
                                    "is in use by the loop");
    d->io.fd = fd;
    rondo_family family = RONDO_FAMILY_ANY;
    if (sys_local_address(fd, &address) == 0)
        family = rondo_address_family(&address);
    int error = datagram_open_set_buffers(fd, o);
    if (!error)
        error = datagram_open_ask(d, o, family);
    /* attached late: what a completion port once had no other one takes */
    if (!error)
        error = datagram_open_attach(d);
    if (error)
        return error;
    error = sys_adopt(fd);
    if (error)
        return error_os(error, "%s: descriptor %lld", create,
                        (long long)number);
    if (!datagram_open_is_bound(fd))
        (void)datagram_open_bind_somewhere(d, family);
    return 0;
}

/* ---- the call ---- */

static int datagram_open_check(const rondo_datagram_options *o,
                               const rondo_datagram_protocol *protocol)
{
    int error = LOOP_CHECK_TABLE(protocol, create, "protocol");
    if (error)
        return error;
    if (o->socket && (o->local_address || o->remote_address))
        return error_set(RONDO_EINVAL, "%s: both a socket and an address",
                         create);
    if (o->receive_size > INT32_MAX)
        return error_set(RONDO_EINVAL, "%s: receive_size %zu", create,
                         o->receive_size);
    if (o->receive_buffer > INT32_MAX || o->send_buffer > INT32_MAX)
        return error_set(RONDO_EINVAL,
                         "%s: receive_buffer %zu, send_buffer %zu", create,
                         o->receive_buffer, o->send_buffer);
    if ((unsigned)o->fragments > RONDO_FRAGMENTS_PROBE)
        return error_set(RONDO_EINVAL, "%s: fragments %d", create,
                         (int)o->fragments);
    if (o->info & ~(unsigned)DATAGRAM_OPEN_INFO)
        return error_set(RONDO_EINVAL, "%s: info %#x", create, o->info);
    if (o->reuse_port == RONDO_ON && !sys_supports(RONDO_CAN_REUSE_PORT))
        return error_set(RONDO_ENOTSUP,
                         "%s: reuse_port: this system does not spread "
                         "datagrams over sockets of one port (Linux does)",
                         create);
    return 0;
}

/* The family that all that was given agrees on; RONDO_EINVAL: there is none. */
static int datagram_open_choose_family(const rondo_datagram_options *o,
                                       rondo_family *family)
{
    const rondo_address *given[] = {o->local_address, o->remote_address};
    *family = o->family;
    if ((unsigned)o->family > RONDO_FAMILY_UNIX)
        return error_set(RONDO_EINVAL, "%s: family %d", create, o->family);
    for (int i = 0; i < 2; i++) {
        if (!given[i])
            continue;
        rondo_family its = rondo_address_family(given[i]);
        if (its == RONDO_FAMILY_ANY)
            return error_set(RONDO_EINVAL, "%s: an empty address", create);
        if (*family != RONDO_FAMILY_ANY && *family != its)
            return error_set(RONDO_EINVAL, "%s: addresses of two families",
                             create);
        *family = its;
    }
    if (*family == RONDO_FAMILY_ANY && !o->socket)
        return error_set(RONDO_EINVAL, "%s: no address, no family, no socket",
                         create);
    return 0;
}

/* An endpoint for larger datagrams than the loop's buffers has its own. */
static int datagram_open_choose_room(rondo_datagram *d, size_t receive_size)
{
    d->receive_size = receive_size ? receive_size : LOOP_SCRATCH;
    if (d->receive_size <= LOOP_SCRATCH)
        return 0;
    d->room = loop_alloc(d->loop, sizeof *d->room + d->receive_size);
    if (!d->room)
        return error_set(RONDO_ENOMEM, "%s: out of memory", create);
    d->room->slot[0].data = d->room + 1;
    return 0;
}

static void datagram_open_remember(rondo_datagram *d)
{
    const rondo_datagram_protocol *p = d->protocol;
    d->special =
        d->room || d->wants || p->get_buffer || p->datagram_received_with;
    rondo_address address;
    if (sys_local_address(d->io.fd, &address) == 0)
        d->local = address;
    d->most = sys_datagram_most(rondo_address_family(&d->local));
    d->by_destination = rondo_address_family(&d->local) == RONDO_FAMILY_UNIX;
    d->ahead = io_reads_datagrams(d->loop) && !d->special && !d->by_destination;
    if (io_reads_datagrams(d->loop) && !d->ahead)
        d->receive.task.kind = OP_WAIT_READ;
    d->sends_later = io_sends_datagrams_later(d->loop) && !d->by_destination;
    if (sys_peer_address(d->io.fd, &address) != 0)
        return;
    d->by_destination = false;
    d->peer = address;
    d->connected = true;
}

int rondo_create_datagram_endpoint(rondo_loop *loop,
                                   const rondo_datagram_options *options,
                                   const rondo_datagram_protocol *protocol,
                                   void *self, rondo_datagram **datagram)
{
    rondo_datagram_options o;
    rondo_family family;
    int error = loop_check_create(loop, create);
    if (!error)
        error = loop_options(&o, sizeof o, options, create);
    if (!error)
        error = datagram_open_check(&o, protocol);
    if (!error)
        error = datagram_open_choose_family(&o, &family);
    if (error)
        return error;
    rondo_datagram *d = datagram_new(loop, protocol, self);
    if (!d)
        return error_set(RONDO_ENOMEM, "%s: out of memory", create);
    error = datagram_open_choose_room(d, o.receive_size);
    if (!error)
        error = o.socket ? datagram_open_adopt(d, &o)
                         : datagram_open_make(d, &o, family);
    if (error) {
        datagram_discard(d);
        return error;
    }
    datagram_open_remember(d);
    datagram_begin(d);
    if (datagram)
        *datagram = d;
    return 0;
}
