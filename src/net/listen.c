/* listen.c - create_server: which sockets, bound to what. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "net/server.h"

enum { SAME_PORT_TRIES = 16, UNIX_MODES = 07777 };

/* ---- one socket ---- */

/* What to do about it; NULL: who knows. */
static const char *listen_advice(int error, const rondo_address *address)
{
    bool path = rondo_address_family(address) == RONDO_FAMILY_UNIX;
    switch (error) {
    case RONDO_EADDRINUSE:
        return path ? "another program serves there"
                    : "another socket has that port; is the program running "
                      "already?";
    case RONDO_EADDRNOTAVAIL:
        return "it is not an address of this machine";
    case RONDO_EACCES:
        return path ? "this user may not write in its folder"
               : rondo_address_port(address) < 1024
                   ? "ports below 1024 need a privilege"
                   : "another program has that port for itself";
    case RONDO_ENOENT:
        return "its folder has to exist";
    default:
        return NULL;
    }
}

static int listen_fail_on(int error, const char *verb,
                          const rondo_address *address)
{
    char text[RONDO_ADDRESS_TEXT];
    (void)rondo_address_text(address, text, sizeof text);
    error_os(error, "create_server: cannot %s %s", verb, text);
    return error_advise(error, listen_advice(error, address));
}

static int listen_set_up(sys_fd fd, const rondo_server_options *o,
                         const rondo_address *address)
{
    int error = 0;
    if (o->reuse_address != RONDO_OFF)
        error = sys_option(fd, SYS_REUSE_ADDRESS, true);
    if (!error && o->exclusive != RONDO_OFF)
        error = sys_option(fd, SYS_EXCLUSIVE, true);
    if (!error && o->reuse_port == RONDO_ON)
        error = sys_option(fd, SYS_REUSE_PORT, true);
    if (!error && rondo_address_family(address) == RONDO_FAMILY_INET6)
        error = sys_option(fd, SYS_V6ONLY, o->v6only != RONDO_OFF);
    if (error)
        return listen_fail_on(error, "set the options of", address);
    error = sys_bind(fd, address);
    if (error)
        return listen_fail_on(error, "bind", address);
    error = sys_listen(fd, o->backlog);
    return error ? listen_fail_on(error, "listen on", address) : 0;
}

/* Bound to one address, so that is the local one of each client. */
static bool listen_is_at_one(const rondo_address *address)
{
    unsigned char bytes[16];
    size_t size = sys_address_bytes(address, bytes);
    while (size)
        if (bytes[--size])
            return true;
    return rondo_address_family(address) == RONDO_FAMILY_UNIX;
}

/* What clients will have from a listener of the library's own: asked for here,
 * once. */
static void listen_prepare(struct listener *l, sys_fd fd,
                           const rondo_server_options *o)
{
    if (sys_local_address(fd, &l->local) || !listen_is_at_one(&l->local))
        l->local.native_size = 0;
    if (!SYS_ACCEPT_INHERITS ||
        rondo_address_family(&l->local) == RONDO_FAMILY_UNIX)
        return;
    l->inherits =
        (o->no_delay == RONDO_OFF || sys_option(fd, SYS_NO_DELAY, true) == 0) &&
        (o->keep_alive != RONDO_ON ||
         sys_option(fd, SYS_KEEP_ALIVE, true) == 0);
}

static int listen_add_listener(rondo_server *s, sys_fd fd)
{
    int error = server_add(s, fd);
    return error ? error_in("create_server", error) : 0;
}

static int listen_add_address(rondo_server *s, const rondo_server_options *o,
                              const rondo_address *address)
{
    sys_fd fd;
    int error = sys_socket_stream(rondo_address_family(address), &fd);
    if (error)
        return listen_fail_on(error, "make a socket for", address);
    error = listen_set_up(fd, o, address);
    if (!error)
        listen_prepare(&s->listener[s->listeners], fd, o);
    if (!error)
        error = listen_add_listener(s, fd);
    if (error)
        sys_close(fd);
    return error;
}

/* ---- a path ---- */

static bool listen_is_abstract(const rondo_address *address)
{
    const char *path;
    return sys_address_path(address, &path) && !*path;
}

static int listen_bind_path(struct listener *l, sys_fd fd,
                            const rondo_server_options *o)
{
    char text[RONDO_ADDRESS_TEXT];
    int error = sys_path_bind(fd, &l->address, o->unix_mode, &l->file);
    if (error == RONDO_EEXIST) {
        (void)rondo_address_text(&l->address, text, sizeof text);
        return error_set(RONDO_EADDRINUSE,
                         "create_server: cannot bind %s: there is a file that "
                         "is no socket; remove it, or choose another path",
                         o->path ? o->path : text);
    }
    if (error)
        return listen_fail_on(error, "bind", &l->address);
    error = sys_listen(fd, o->backlog);
    return error ? listen_fail_on(error, "listen on", &l->address) : 0;
}

static int listen_add_pipe(rondo_server *s, const rondo_server_options *o)
{
    int error = stream_pipe_name(s->loop, o->path, "create_server");
    if (error)
        return error;
    if (o->unix_mode)
        return error_set(RONDO_EINVAL, "create_server: a pipe has no mode");
    if (o->accepted)
        return error_set(RONDO_ENOTSUP,
                         "create_server: a pipe's clients stay with their "
                         "loop, and cannot be handed on by accepted");
    return server_pipe_open(s, o->path);
}

static int listen_add_unix(rondo_server *s, const rondo_server_options *o,
                           const rondo_address *address)
{
    sys_fd fd;
    struct listener *l = &s->listener[s->listeners];
    if (o->unix_mode && listen_is_abstract(address))
        return error_set(RONDO_EINVAL,
                         "create_server: an abstract name has no mode");
    int error = sys_socket_stream(RONDO_FAMILY_UNIX, &fd);
    if (error)
        return listen_fail_on(error, "make a socket for", address);
    l->address = *address;
    error = listen_bind_path(l, fd, o);
    if (!error)
        listen_prepare(l, fd, o);
    if (!error)
        error = listen_add_listener(s, fd);
    if (!error)
        return 0;
    sys_path_remove(&l->address, &l->file);
    sys_close(fd);
    return error;
}

static int listen_add_path(rondo_server *s, const rondo_server_options *o)
{
    rondo_address address;
    if (sys_is_pipe_name(o->path))
        return listen_add_pipe(s, o);
    int error = address_of_path(&address, o->path, "create_server");
    return error ? error : listen_add_unix(s, o, &address);
}

/* ---- which ones ---- */

static void listen_undo(rondo_server *s)
{
    while (s->listeners) {
        struct listener *l = &s->listener[--s->listeners];
        io_detach(s->loop, &l->io);
        sys_path_remove(&l->address, &l->file);
        sys_close(l->io.fd);
    }
}

static bool listen_is_missing(int error)
{
    return error == RONDO_EAFNOSUPPORT || error == RONDO_EADDRNOTAVAIL;
}

/* Listens on both families; the second gets the first one's port. */
static int listen_try_everywhere(rondo_server *s, const rondo_server_options *o)
{
    static const rondo_family families[] = {RONDO_FAMILY_INET6,
                                            RONDO_FAMILY_INET};
    uint16_t port = o->port;
    int error = RONDO_EAFNOSUPPORT;
    for (int i = 0; i < 2; i++) {
        rondo_address address;
        if (o->family != RONDO_FAMILY_ANY && o->family != families[i])
            continue;
        /* A dual-stack socket takes IPv4 as well. */
        if (i == 1 && s->listeners && o->v6only == RONDO_OFF)
            continue;
        (void)sys_address_any(&address, families[i], port);
        error = listen_add_address(s, o, &address);
        if (error && !listen_is_missing(error))
            return error;
        if (!error && sys_local_address(s->listener[0].io.fd, &address) == 0)
            port = rondo_address_port(&address);
    }
    return s->listeners ? 0 : error;
}

static int listen_add_everywhere(rondo_server *s, const rondo_server_options *o)
{
    int error = RONDO_EADDRINUSE;
    int tries = o->port ? 1 : SAME_PORT_TRIES;
    while (tries-- && error == RONDO_EADDRINUSE) {
        listen_undo(s);
        error = listen_try_everywhere(s, o);
    }
    return error;
}

static int listen_add_host(rondo_server *s, const rondo_server_options *o)
{
    rondo_address address;
    if (rondo_address_parse(&address, o->host, o->port))
        return error_set(RONDO_EINVAL,
                         "create_server: host \"%.100s\" is not a numeric "
                         "address, and names are not looked up; "
                         "rondo_getaddrinfo does that",
                         o->host);
    if (o->family != RONDO_FAMILY_ANY &&
        o->family != rondo_address_family(&address))
        return error_set(RONDO_EINVAL,
                         "create_server: host \"%s\" is not of the family "
                         "asked for",
                         o->host);
    return listen_add_address(s, o, &address);
}

/* All of them, or none; `port` for those that ask for none. */
static int listen_try_addresses(rondo_server *s, const rondo_server_options *o)
{
    uint16_t port = 0;
    for (size_t i = 0; i < o->address_count; i++) {
        rondo_address address = o->addresses[i];
        bool chosen = false;
        int error;
        if (rondo_address_family(&address) == RONDO_FAMILY_UNIX) {
            error = listen_add_unix(s, o, &address);
        } else {
            chosen = !rondo_address_port(&address);
            if (chosen)
                rondo_address_set_port(&address, port);
            error = listen_add_address(s, o, &address);
        }
        if (error)
            return error;
        if (chosen && sys_local_address(s->listener[i].io.fd, &address) == 0)
            port = rondo_address_port(&address);
    }
    return 0;
}

/* A port that is free at one address may be taken at the next one. */
static int listen_add_addresses(rondo_server *s, const rondo_server_options *o)
{
    int error = RONDO_EADDRINUSE;
    int tries = 1;
    for (size_t i = 0; i < o->address_count; i++)
        if (rondo_address_family(&o->addresses[i]) != RONDO_FAMILY_UNIX &&
            !rondo_address_port(&o->addresses[i]))
            tries = SAME_PORT_TRIES;
    while (tries-- && error == RONDO_EADDRINUSE) {
        listen_undo(s);
        error = listen_try_addresses(s, o);
    }
    return error;
}

/* The address tells the family of a socket only where it is bound (Windows). */
static int listen_bind_everywhere(sys_fd fd, uint16_t port)
{
    rondo_address address;
    (void)sys_address_any(&address, RONDO_FAMILY_INET, port);
    if (sys_bind(fd, &address) == 0)
        return 0;
    (void)sys_address_any(&address, RONDO_FAMILY_INET6, port);
    return sys_bind(fd, &address);
}

static int listen_bind_socket(sys_fd fd, uint16_t port, long long number)
{
    rondo_address bound;
    bool known = sys_local_address(fd, &bound) == 0;
    if (known && (rondo_address_family(&bound) == RONDO_FAMILY_UNIX ||
                  rondo_address_port(&bound)))
        return 0;
    int error = listen_bind_everywhere(fd, port);
    return error ? error_os(error, "create_server: cannot bind descriptor %lld",
                            number)
                 : 0;
}

static int listen_add_socket(rondo_server *s, const rondo_server_options *o)
{
    sys_fd fd = sys_fd_of(*o->socket);
    long long number = (long long)*o->socket;
    enum sys_kind kind = sys_kind(fd);
    if (kind == SYS_KIND_BAD)
        return error_set(RONDO_EBADF,
                         "create_server: descriptor %lld is not open", number);
    if (kind != SYS_KIND_LISTENER && kind != SYS_KIND_STREAM)
        return error_set(RONDO_EINVAL,
                         "create_server: descriptor %lld is not a stream "
                         "socket",
                         number);
    if (io_find_used(s->loop, fd))
        return error_set(RONDO_EBUSY,
                         "create_server: descriptor %lld is in use by the loop",
                         number);
    int error = listen_bind_socket(fd, o->port, number);
    if (error)
        return error;
    if (kind == SYS_KIND_STREAM || o->backlog)
        error = sys_listen(fd, o->backlog);
    if (error)
        return error_os(error,
                        "create_server: cannot listen on descriptor "
                        "%lld",
                        number);
    error = sys_adopt(fd);
    if (error)
        return error_os(error, "create_server: descriptor %lld", number);
    return listen_add_listener(s, fd);
}

/* ---- the call ---- */

static int listen_check_addresses(const rondo_server_options *o)
{
    bool path = o->path != NULL;
    if (!o->addresses != !o->address_count)
        return error_set(RONDO_EINVAL,
                         "create_server: addresses without address_count, or "
                         "the other way round");
    for (size_t i = 0; i < o->address_count; i++) {
        rondo_family family = rondo_address_family(&o->addresses[i]);
        if (family == RONDO_FAMILY_ANY)
            return error_set(RONDO_EINVAL,
                             "create_server: address %zu is empty", i);
        path = path || family == RONDO_FAMILY_UNIX;
    }
    if (o->unix_mode && (!path || o->unix_mode > UNIX_MODES))
        return error_set(RONDO_EINVAL,
                         "create_server: unix_mode %o without a path, or no "
                         "mode",
                         o->unix_mode);
    return 0;
}

static int listen_check(const rondo_server_options *o,
                        const rondo_protocol *protocol)
{
    if (!protocol && !o->protocol_factory && !o->accepted)
        return error_set(RONDO_EINVAL, "create_server: no protocol, no "
                                       "protocol_factory, no accepted");
    int error = LOOP_CHECK_TABLE_OR_NULL(protocol, "create_server", "protocol");
    if (error)
        return error;
    if ((o->socket ? 1 : 0) + (o->path ? 1 : 0) + (o->host ? 1 : 0) +
            (o->addresses ? 1 : 0) >
        1)
        return error_set(RONDO_EINVAL,
                         "create_server: more than one of host, path, "
                         "addresses and socket");
    error = listen_check_addresses(o);
    if (error)
        return error;
    if (o->reuse_port == RONDO_ON && !sys_supports(RONDO_CAN_REUSE_PORT))
        return error_set(RONDO_ENOTSUP,
                         "create_server: reuse_port: this system does not "
                         "spread clients over sockets of one port (Linux "
                         "does)");
    if (o->handshake_timeout_ns < 0)
        return error_set(RONDO_EINVAL, "create_server: a negative "
                                       "handshake_timeout_ns");
    if (o->backlog < 0)
        return error_set(RONDO_EINVAL, "create_server: a negative backlog");
    if ((unsigned)o->family > RONDO_FAMILY_INET6)
        return error_set(RONDO_EINVAL, "create_server: family %d", o->family);
    return 0;
}

void server_drop(rondo_server *s)
{
    listen_undo(s);
    loop_free(s->loop, s);
}

sys_fd server_take_listener(rondo_server *s)
{
    if (!s->listeners)
        return SYS_NO_FD;
    struct listener *l = &s->listener[--s->listeners];
    io_detach(s->loop, &l->io);
    return l->io.fd;
}

int server_listen(rondo_loop *loop, const rondo_server_options *o,
                  const rondo_protocol *protocol, void *arg,
                  rondo_server **server)
{
    int error = listen_check(o, protocol);
    if (error)
        return error;
    rondo_server *s = server_new(loop, o, protocol, arg);
    if (!s)
        return error_set(RONDO_ENOMEM, "create_server: out of memory");
    if (o->socket)
        error = listen_add_socket(s, o);
    else if (o->path)
        error = listen_add_path(s, o);
    else if (o->addresses)
        error = listen_add_addresses(s, o);
    else if (o->host && *o->host)
        error = listen_add_host(s, o);
    else
        error = listen_add_everywhere(s, o);
    if (error)
        server_drop(s);
    else
        *server = s;
    return error;
}

int rondo_create_server(rondo_loop *loop, const rondo_server_options *options,
                        const rondo_protocol *protocol, void *arg,
                        rondo_server **server)
{
    rondo_server_options o;
    rondo_server *s = NULL;
    int error = loop_check_create(loop, "create_server");
    if (!error)
        error = loop_options(&o, sizeof o, options, "create_server");
    if (!error)
        error = server_listen(loop, &o, protocol, arg, &s);
    if (error)
        return error;
    assert(s);
    server_open(s);
    if (server)
        *server = s;
    return 0;
}
