/* local.c - unix sockets, whose paths each host has for itself: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A file of a socket. It stays when the socket is closed. */
struct sim_path {
    struct sim_path *next;
    rondo_address address;
    uint64_t number;
};

int sys_path_address(rondo_address *a, const char *path)
{
    size_t size = strlen(path);
    char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
    if (*path != '@')
        return sys_address_unix(a, path, size);
    if (size == 1)
        return RONDO_EINVAL;
    if (size >= sizeof name)
        return RONDO_ENAMETOOLONG;
    memcpy(name, path, size);
    name[0] = '\0';
    return sys_address_unix(a, name, size);
}

void local_unnamed(rondo_address *a)
{
    const sa_family_t family = AF_UNIX;
    memset(a, 0, sizeof *a);
    memcpy(a->native.bytes + offsetof(struct sockaddr_un, sun_family), &family,
           sizeof family);
    a->native_size = offsetof(struct sockaddr_un, sun_path);
}

struct sim_socket *local_find(struct sim_host *host, enum sim_socket_kind kind,
                              const rondo_address *a)
{
    for (struct sim_socket *s = host->sockets; s; s = s->next)
        if (s->bound && !s->other && s->kind == kind &&
            s->family == RONDO_FAMILY_UNIX && rondo_address_equal(&s->local, a))
            return s;
    return NULL;
}

static struct sim_path **local_path(struct sim_host *host,
                                    const rondo_address *a)
{
    struct sim_path **link = &host->paths;
    while (*link && !rondo_address_equal(&(*link)->address, a))
        link = &(*link)->next;
    return link;
}

int sys_path_bind(sys_fd fd, const rondo_address *a, unsigned mode,
                  struct sys_file *file)
{
    const char *path;
    struct sim_socket *s = net_get(fd);
    (void)mode;
    *file = (struct sys_file){0, 0};
    int error = s ? sys_bind(fd, a) : RONDO_EBADF;
    if (error || !sys_address_path(a, &path) || !*path)
        return error;
    struct sim_path **link = local_path(s->host, a), *p = *link;
    if (!p) {
        p = calloc(1, sizeof *p);
        if (!p)
            sim_die("out of memory for paths");
        p->address = *a;
        *link = p;
    }
    p->number = s->number;
    *file = (struct sys_file){1, p->number};
    return 0;
}

void sys_path_remove(const rondo_address *a, const struct sys_file *file)
{
    struct sim_host *host = sim_host();
    struct sim_path **link = host ? local_path(host, a) : NULL;
    if (!link || !*link || !file->number || (*link)->number != file->number)
        return;
    struct sim_path *p = *link;
    *link = p->next;
    free(p);
}

void local_forget(struct sim_host *host)
{
    while (host->paths) {
        struct sim_path *p = host->paths;
        host->paths = p->next;
        free(p);
    }
}

/* The client is connected at once, before the server accepts it. */
int local_connect(struct sim_socket *s, const rondo_address *address)
{
    struct sim_socket *server = local_find(s->host, s->kind, address);
    if (!server && !*local_path(s->host, address))
        return sim_fail(ENOENT);
    if (!server || !server->listening || sim_fault(SIM_FAULT_refuse))
        return sim_fail(ECONNREFUSED);
    if (server->queued >= server->backlog) {
        (void)sim_fail(EAGAIN);
        return RONDO_EBUSY;
    }
    s->peer = *address;
    s->connected = true;
    (void)dial_queue(dial_arrive(server, s));
    sim_note(s->host, NOTE_CONNECTED, s->number, 0);
    return 0;
}

int sys_peer_credentials(sys_fd fd, int64_t *pid, int64_t *uid, int64_t *gid)
{
    const struct sim_socket *s = net_get(fd);
    *pid = *uid = *gid = -1;
    if (!s)
        return RONDO_EBADF;
    if (!s->far)
        return sim_fail(ENOTCONN);
    *pid = s->far->number + 1;
    *uid = *gid = 1000;
    return 0;
}
#endif
