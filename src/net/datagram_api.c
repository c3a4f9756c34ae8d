/* datagram_api.c - closing an endpoint, its options, small questions. */
/* SPDX-License-Identifier: MIT */
#include "base/address.h"
#include "base/error.h"
#include "core/buf.h"
#include "core/quarantine.h"
#include "net/datagram.h"

/* ---- ending ---- */

void rondo_datagram_close(rondo_datagram *d)
{
    if (loop_check(d ? d->loop : NULL, "datagram_close") ||
        d->phase >= PHASE_CLOSING)
        return;
    io_send_now(d->loop, &d->io);
    d->phase = PHASE_CLOSING;
    datagram_settle(d);
}

void datagram_abort_with(rondo_datagram *d, int error)
{
    if (loop_check(d ? d->loop : NULL, "datagram_abort"))
        return;
    datagram_commit(d);
    error_no_os();
    datagram_fail(d, error);
    datagram_settle(d);
}

void rondo_datagram_abort(rondo_datagram *d)
{
    datagram_abort_with(d, RONDO_ECANCELED);
}

bool rondo_datagram_is_closing(const rondo_datagram *d)
{
    return !d || d->phase >= PHASE_CLOSING;
}

/* ---- flow control ---- */

int rondo_datagram_set_write_buffer_limits(rondo_datagram *d, size_t high,
                                           size_t low)
{
    const char *what = "datagram_set_write_buffer_limits";
    int error = loop_check(d ? d->loop : NULL, what);
    if (!error)
        error = buf_limits(&high, &low, what);
    if (error)
        return error;
    datagram_commit(d);
    d->high = high;
    d->low = low;
    if (d->queue.size > high && d->flow == FLOW_ON)
        d->flow = FLOW_PAUSE_DUE;
    datagram_settle(d);
    return 0;
}

size_t rondo_datagram_get_write_buffer_size(const rondo_datagram *d)
{
    if (!d || d->phase >= PHASE_ENDING)
        return 0;
    io_send_now(d->loop, &d->io);
    return d->queue.size;
}

/* ---- multicast ---- */

static int datagram_api_check_open(rondo_datagram *d, const char *what)
{
    int error = loop_check(d ? d->loop : NULL, what);
    if (error)
        return error;
    if (d->phase >= PHASE_ENDING)
        return error_set(RONDO_ECLOSED, "%s: the endpoint is closed", what);
    datagram_commit(d);
    return 0;
}

static int datagram_api_multicast(rondo_datagram *d, const rondo_address *group,
                                  const char *interface_name, bool join)
{
    const char *what = join ? "datagram_join" : "datagram_leave";
    int error = datagram_api_check_open(d, what);
    if (error)
        return error;
    rondo_family family = rondo_address_family(group);
    if (family != RONDO_FAMILY_INET && family != RONDO_FAMILY_INET6)
        return error_set(RONDO_EINVAL, "%s: the group is not an IP address",
                         what);
    if (family != rondo_address_family(&d->local))
        return error_set(RONDO_EINVAL,
                         "%s: the group is not of the endpoint's family", what);
    uint32_t interface = rondo_address_scope(group);
    if (interface_name)
        interface = address_scope(interface_name);
    if (interface_name && !interface)
        return error_set(RONDO_ENOENT, "%s: no interface \"%.100s\"", what,
                         interface_name);
    error = sys_multicast(d->io.fd, group, interface, join);
    if (!error)
        return 0;
    char text[RONDO_ADDRESS_TEXT];
    (void)rondo_address_text(group, text, sizeof text);
    return error_os(error, "%s: %s", what, text);
}

int rondo_datagram_join(rondo_datagram *d, const rondo_address *group,
                        const char *interface_name)
{
    return datagram_api_multicast(d, group, interface_name, true);
}

int rondo_datagram_leave(rondo_datagram *d, const rondo_address *group,
                         const char *interface_name)
{
    return datagram_api_multicast(d, group, interface_name, false);
}

int rondo_datagram_set_multicast_interface(rondo_datagram *d,
                                           const char *interface_name)
{
    const char *what = "datagram_set_multicast_interface";
    int error = datagram_api_check_open(d, what);
    if (error)
        return error;
    rondo_family family = rondo_address_family(&d->local);
    if (family != RONDO_FAMILY_INET && family != RONDO_FAMILY_INET6)
        return error_set(RONDO_EINVAL, "%s: not an IP endpoint", what);
    uint32_t interface = interface_name ? address_scope(interface_name) : 0;
    if (interface_name && !interface)
        return error_set(RONDO_ENOENT, "%s: no interface \"%.100s\"", what,
                         interface_name);
    error = sys_multicast_from(d->io.fd, family, interface);
    return error ? error_os(error, "%s: \"%.100s\"", what,
                            interface_name ? interface_name : "any")
                 : 0;
}

static int datagram_api_set_option(rondo_datagram *d, const char *what,
                                   enum sys_option option4,
                                   enum sys_option option6, int value)
{
    int error = datagram_api_check_open(d, what);
    if (error)
        return error;
    rondo_family family = rondo_address_family(&d->local);
    if (family != RONDO_FAMILY_INET && family != RONDO_FAMILY_INET6)
        return error_set(RONDO_EINVAL, "%s: not an IP endpoint", what);
    error = sys_option(d->io.fd,
                       family == RONDO_FAMILY_INET ? option4 : option6, value);
    return error ? error_os(error, "%s", what) : 0;
}

int rondo_datagram_set_multicast_ttl(rondo_datagram *d, int ttl)
{
    const char *what = "datagram_set_multicast_ttl";
    if (ttl < 0 || ttl > 255)
        return error_set(RONDO_EINVAL, "%s: %d is not from 0 to 255", what,
                         ttl);
    return datagram_api_set_option(d, what, SYS_MULTICAST_TTL,
                                   SYS_MULTICAST_TTL6, ttl);
}

int rondo_datagram_set_multicast_loop(rondo_datagram *d, bool on)
{
    return datagram_api_set_option(d, "datagram_set_multicast_loop",
                                   SYS_MULTICAST_LOOP, SYS_MULTICAST_LOOP6, on);
}

/* ---- small questions ---- */

int rondo_datagram_get_drops(const rondo_datagram *d,
                             rondo_datagram_drops *drops)
{
    rondo_datagram_drops known = {.size = sizeof known, .received = -1};
    int error = loop_check(d ? d->loop : NULL, "datagram_get_drops");
    if (error)
        return error;
    known.unsent = (int64_t)d->unsent;
    if (d->io.fd != SYS_NO_FD)
        known.received = sys_datagram_drops(d->io.fd);
    return loop_give(drops, &known, sizeof known, "datagram_get_drops");
}

int64_t rondo_datagram_path_mtu(const rondo_datagram *d)
{
    const char *what = "datagram_path_mtu";
    int error = loop_check(d ? d->loop : NULL, what);
    if (error)
        return error;
    rondo_family family = rondo_address_family(&d->peer);
    if (!d->connected || d->io.fd == SYS_NO_FD)
        return error_set(RONDO_ENOTCONN, "%s: not connected", what);
    if (family != RONDO_FAMILY_INET && family != RONDO_FAMILY_INET6)
        return error_set(RONDO_ENOTSUP, "%s: not an IP endpoint", what);
    int64_t mtu = sys_datagram_path_mtu(d->io.fd, family);
    return mtu < 0 ? error_os((int)mtu, "%s", what) : mtu;
}

static int datagram_api_tell_address(const rondo_address *known,
                                     rondo_address *address, const char *what)
{
    if (!address)
        return error_set(RONDO_EINVAL, "%s: nowhere to put the address", what);
    *address = *known;
    return known->native_size ? 0 : error_set(RONDO_ENOTCONN, "%s: none", what);
}

int rondo_datagram_local_address(const rondo_datagram *d,
                                 rondo_address *address)
{
    const char *what = "datagram_local_address";
    int error = loop_check(d ? d->loop : NULL, what);
    return error ? error : datagram_api_tell_address(&d->local, address, what);
}

int rondo_datagram_peer_address(const rondo_datagram *d, rondo_address *address)
{
    const char *what = "datagram_peer_address";
    int error = loop_check(d ? d->loop : NULL, what);
    return error ? error : datagram_api_tell_address(&d->peer, address, what);
}

void *rondo_datagram_self(const rondo_datagram *d)
{
    return d ? d->self : NULL;
}

rondo_fd rondo_datagram_fd(const rondo_datagram *d)
{
    return d && d->io.fd != SYS_NO_FD ? (rondo_fd)d->io.fd : RONDO_NO_FD;
}

rondo_loop *rondo_datagram_loop(const rondo_datagram *d)
{
    return d ? quarantine_loop_of(d->loop, "datagram_loop") : NULL;
}

void rondo_datagram_set_background(rondo_datagram *d, bool background)
{
    if (!loop_check(d ? d->loop : NULL, "datagram_set_background"))
        handle_set_background(d->loop, &d->handle, background);
}
