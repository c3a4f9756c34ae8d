/* sockets.c - sockets of a program's own, whose calls may block: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

/* When a call that blocks looks again at a socket that is ready, since a fault
 * has said that it is not. */
enum { LOOK_NS = 10000 };

static int sockets_check(const char *what, rondo_fd fd)
{
    if (!sim_host())
        return error_set(RONDO_EINVAL,
                         "%s: called by the driver, not by a host", what);
    if (!net_get(sys_fd_of(fd)))
        return error_os(RONDO_EBADF,
                        "%s: descriptor %lld is none of host \"%s\"", what,
                        (long long)fd, sim_host()->name);
    return 0;
}

static int sockets_check_data(const char *what, rondo_fd fd, const void *data,
                              size_t size)
{
    int error = sockets_check(what, fd);
    if (!error && !data && size)
        error = error_set(RONDO_EINVAL, "%s: no data", what);
    return error;
}

static int sockets_result(const char *what, int64_t result)
{
    return result < 0 ? error_os((int)result, "%s", what) : (int)result;
}

/* A thread that waits for a socket. It is its host's memory and not on the
 * thread's stack, which a crash leaves at once. */
struct sockets_waiter {
    struct sim_watch watch;
    struct sim_thread *thread;
};

static void sockets_changed(struct sim_watch *watch)
{
    sim_unblock(((struct sockets_waiter *)(void *)watch)->thread);
}

bool sockets_wait(sys_fd fd, unsigned events, int64_t until)
{
    struct sim_socket *s = net_get(fd);
    if (sim.now >= until || !s)
        return false;
    if (net_events(s) & events) {
        int64_t next = sim.now + LOOK_NS;
        (void)sim_block("a socket of the program's",
                        next < until ? next : until);
        return true;
    }
    struct sockets_waiter *w = sim_alloc_for(sim_process(), sizeof *w);
    memset(w, 0, sizeof *w);
    w->thread = sim.current;
    w->watch.fd = fd;
    w->watch.changed = w->watch.lost = sockets_changed;
    net_watch(&w->watch, s);
    (void)sim_block("a socket of the program's", until);
    net_unwatch(&w->watch);
    sim_free(w);
    return true;
}

static int64_t sockets_until(int64_t timeout_ns)
{
    return sim_host_deadline(sim_host(), timeout_ns > 0 ? timeout_ns : 0);
}

rondo_fd rondo_sim_socket(rondo_family family, bool datagram)
{
    sys_fd fd;
    if (!sim_host())
        return error_set(RONDO_EINVAL,
                         "sim_socket: called by the driver, not by a host");
    if (family != RONDO_FAMILY_INET && family != RONDO_FAMILY_INET6 &&
        family != RONDO_FAMILY_UNIX)
        return error_set(RONDO_EAFNOSUPPORT, "sim_socket: no such family");
    int error = datagram ? sys_socket_datagram(family, &fd)
                         : sys_socket_stream(family, &fd);
    return error ? error_os(error, "sim_socket") : fd;
}

int rondo_sim_bind(rondo_fd fd, const rondo_address *address)
{
    struct sys_file file;
    int error = sockets_check("sim_bind", fd);
    if (error)
        return error;
    if (!address)
        return error_set(RONDO_EINVAL, "sim_bind: no address");
    return sockets_result("sim_bind",
                          sys_path_bind(sys_fd_of(fd), address, 0, &file));
}

int rondo_sim_listen(rondo_fd fd, int backlog)
{
    int error = sockets_check("sim_listen", fd);
    return error ? error
                 : sockets_result("sim_listen",
                                  sys_listen(sys_fd_of(fd), backlog));
}

rondo_fd rondo_sim_accept(rondo_fd fd, rondo_address *peer, int64_t timeout_ns)
{
    sys_fd accepted;
    rondo_address from;
    int error = sockets_check("sim_accept", fd);
    if (error)
        return error;
    int64_t until = sockets_until(timeout_ns);
    do
        error = sys_accept(sys_fd_of(fd), &accepted, &from);
    while (error == RONDO_EAGAIN &&
           sockets_wait(sys_fd_of(fd), RONDO_READABLE, until));
    if (error)
        return error_os(error, "sim_accept");
    if (peer)
        *peer = from;
    return accepted;
}

int rondo_sim_connect(rondo_fd fd, const rondo_address *address,
                      int64_t timeout_ns)
{
    int error = sockets_check("sim_connect", fd);
    if (error)
        return error;
    if (!address)
        return error_set(RONDO_EINVAL, "sim_connect: no address");
    int64_t until = sockets_until(timeout_ns);
    error = sys_connect(sys_fd_of(fd), address);
    while (error == RONDO_EAGAIN && sockets_wait(sys_fd_of(fd), 0, until))
        error = sys_connect_result(sys_fd_of(fd));
    return sockets_result("sim_connect", error);
}

int64_t rondo_sim_send(rondo_fd fd, const void *data, size_t size,
                       int64_t timeout_ns)
{
    int64_t result = sockets_check_data("sim_send", fd, data, size);
    if (result)
        return result;
    int64_t until = sockets_until(timeout_ns);
    do
        result = sys_send(sys_fd_of(fd), data, size);
    while (result == RONDO_EAGAIN &&
           sockets_wait(sys_fd_of(fd), RONDO_WRITABLE, until));
    return result < 0 ? sockets_result("sim_send", result) : result;
}

int64_t rondo_sim_recv(rondo_fd fd, void *data, size_t size, int64_t timeout_ns)
{
    int64_t result = sockets_check_data("sim_recv", fd, data, size);
    if (result)
        return result;
    int64_t until = sockets_until(timeout_ns);
    do
        result = sys_recv(sys_fd_of(fd), data, size);
    while (result == RONDO_EAGAIN &&
           sockets_wait(sys_fd_of(fd), RONDO_READABLE, until));
    return result < 0 ? sockets_result("sim_recv", result) : result;
}

int64_t rondo_sim_send_to(rondo_fd fd, const void *data, size_t size,
                          const rondo_address *to)
{
    int error = sockets_check_data("sim_send_to", fd, data, size);
    if (error)
        return error;
    struct sys_outgoing one = {.data = data, .size = size};
    if (to) {
        one.to = &to->native;
        one.to_size = to->native_size;
    }
    error = sys_send_batch(sys_fd_of(fd), &one, 1);
    return error < 0 ? sockets_result("sim_send_to", error) : (int64_t)size;
}

int64_t rondo_sim_recv_from(rondo_fd fd, void *data, size_t size,
                            rondo_address *from, int64_t timeout_ns)
{
    struct sys_received one = {.data = data};
    int result = sockets_check_data("sim_recv_from", fd, data, size);
    if (result)
        return result;
    int64_t until = sockets_until(timeout_ns);
    do
        result = sys_receive_batch(sys_fd_of(fd), &one, 1, size);
    while (result == RONDO_EAGAIN &&
           sockets_wait(sys_fd_of(fd), RONDO_READABLE, until));
    if (result < 0)
        return sockets_result("sim_recv_from", result);
    if (from)
        *from = one.from;
    return (int64_t)one.size;
}

int rondo_sim_shutdown(rondo_fd fd)
{
    int error = sockets_check("sim_shutdown", fd);
    return error ? error
                 : sockets_result("sim_shutdown",
                                  sys_shutdown_write(sys_fd_of(fd)));
}

int rondo_sim_close(rondo_fd fd, bool reset)
{
    int error = sockets_check("sim_close", fd);
    if (error)
        return error;
    if (reset)
        sys_reset_on_close(sys_fd_of(fd));
    sys_close(sys_fd_of(fd));
    return 0;
}

rondo_fd rondo_sim_duplicate(rondo_fd fd)
{
    sys_fd copy;
    int error = sockets_check("sim_duplicate", fd);
    if (!error)
        error = sockets_result("sim_duplicate",
                               sys_duplicate(sys_fd_of(fd), &copy));
    return error ? error : copy;
}

int rondo_sim_duplicate_to(rondo_fd fd, int number)
{
    int error = sockets_check("sim_duplicate_to", fd);
    if (error)
        return error;
    if (number < 0 || number >= SIM_FIRST_FD)
        return error_set(RONDO_EINVAL, "sim_duplicate_to: the number %d",
                         number);
    struct sim_socket *s = net_get(sys_fd_of(fd));
    if (net_get(number) == s)
        return 0;
    net_hold(s);
    sys_close(number);
    net_give_number(sim_process(), s, number);
    net_release(s);
    return 0;
}

int rondo_sim_address(rondo_fd fd, bool peer, rondo_address *address)
{
    int error = sockets_check("sim_address", fd);
    if (error)
        return error;
    if (!address)
        return error_set(RONDO_EINVAL, "sim_address: no address");
    error = peer ? sys_peer_address(sys_fd_of(fd), address)
                 : sys_local_address(sys_fd_of(fd), address);
    return sockets_result("sim_address", error);
}

int rondo_sim_set_v6only(rondo_fd fd, bool v6only)
{
    int error = sockets_check("sim_set_v6only", fd);
    if (error)
        return error;
    const struct sim_socket *s = net_get(sys_fd_of(fd));
    if (s->family != RONDO_FAMILY_INET6 || s->bound)
        return error_set(RONDO_EINVAL, "sim_set_v6only: descriptor %lld %s",
                         (long long)fd,
                         s->bound ? "has an address" : "is not of IPv6");
    return sys_option(sys_fd_of(fd), SYS_V6ONLY, v6only);
}

int rondo_sim_set_buffers(rondo_fd fd, size_t bytes)
{
    int error = sockets_check("sim_set_buffers", fd);
    if (error)
        return error;
    int value = bytes > INT_MAX ? INT_MAX : (int)bytes;
    (void)sys_option(sys_fd_of(fd), SYS_SEND_BUFFER, value);
    return sys_option(sys_fd_of(fd), SYS_RECEIVE_BUFFER, value);
}
#endif
