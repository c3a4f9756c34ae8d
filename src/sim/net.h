/* net.h - simulated sockets, and who is told when they become ready. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_NET_H
#define RONDO_SIM_NET_H

#include "sim/sim.h"

enum { SIM_FIRST_FD = 1000000 };

enum sim_socket_kind { SIM_STREAM, SIM_DATAGRAM, SIM_WAKE, SIM_OTHER };

/* Bytes on their way to the other end, or there and not read yet. */
struct sim_segment {
    struct sim_segment *next;
    int64_t arrives;
    size_t start, end;         /* of its bytes */
    struct sim_parcel *parcel; /* descriptors beside the first; or NULL */
    enum sim_carries { SIM_OPEN, SIM_BYTES, SIM_FIN, SIM_RESET } carries;
    char bytes[];
};

/* A datagram in a receiver's queue. */
struct sim_packet {
    struct sim_packet *next;
    rondo_address from;
    size_t size;
    char bytes[];
};

/* Who is told of a socket's changes. */
struct sim_watch {
    struct sim_watch *next, **link; /* of the socket */
    struct sim_socket *socket;      /* NULL: its descriptor was closed */
    sys_fd fd;
    void (*changed)(struct sim_watch *watch);
    void (*lost)(struct sim_watch *watch);
};

struct sim_group {
    struct sim_group *next;
    rondo_address ip;
};

/* What a descriptor leads to that is no socket. */
struct sim_class {
    enum sys_kind kind;
    bool refuses_waits; /* as a device without a driver's help */
    unsigned (*events)(const struct sim_socket *s);
    int64_t (*read)(struct sim_socket *s, void *data, size_t size);
    int64_t (*write)(struct sim_socket *s, const rondo_buffer *buffers,
                     size_t count);
    void (*close)(struct sim_socket *s); /* its last descriptor is closed */
    void (*report)(FILE *to, const struct sim_socket *s);
};

struct sim_socket {
    struct sim_socket *next,
        **link; /* of its host, while it has a descriptor */
    struct sim_host *host;
    enum sim_socket_kind kind;
    rondo_family family;
    unsigned number;
    unsigned uses; /* descriptors, the other end, events: then it is freed */
    unsigned descriptors;
    bool bound, listening, connecting, connected;
    bool write_ended, fin_sent, resets, was_reset, eof, blocked, sticky;
    bool v6only;                         /* IPV6_V6ONLY */
    bool shares, broadcasts, loops_back; /* options of datagrams */
    rondo_address local, peer;
    int error; /* of errno, to be told once */

    struct sim_socket *other; /* the other end of a stream; NULL: gone */
    struct sim_host *far;     /* whose host that is */
    struct sim_segment *way_first, *way_last; /* what this one has sent */
    struct sim_event way;                     /* its first one arrives */
    int64_t way_arrives;   /* the last one, at the earliest */
    int64_t stalled_since; /* 0: it is not */
    int tries;
    struct sim_event acks; /* sends again, as no acknowledgement comes */
    int64_t acks_since, acks_until; /* it began; the last one has come */
    int acks_tries;
    int64_t heard;            /* when the peer's last packet has come */
    bool keeps_alive, probes; /* SO_KEEPALIVE; `acks` is that */
    struct sim_segment *in_first, *in_last; /* what has arrived here */
    size_t in_bytes;
    size_t used;    /* bytes on the way and not read: the other end's window */
    size_t unheard; /* of those, bytes that were read; the acknowledgement is
                       lost */
    size_t window;  /* how much `used` may be */
    size_t receive_window; /* how much it may be at the other end */

    struct sim_socket *server, *queue_next; /* a client in a backlog */
    bool half_open; /* ... whose end of the handshake is not there yet */
    struct sim_socket *queue_first, *queue_last;
    unsigned queued, backlog;

    struct sim_packet *packet_first, *packet_last;
    size_t packet_bytes;
    int64_t drops;
    struct sim_group *groups;

    bool awake; /* of a SIM_WAKE */

    const struct sim_class *is; /* of a SIM_OTHER; else NULL */
    void *of_class;             /* its own */
    unsigned sides;             /* for which it is open */
    bool blocking;              /* without O_NONBLOCK */

    struct sim_watch *watches;
};

struct sim_file {
    struct sim_socket *socket; /* NULL: the number is free */
    struct sim_process *process;
};

/* The socket of a descriptor of the calling process, or NULL. */
struct sim_socket *net_get(sys_fd fd);
/* Makes a socket and a descriptor of it. Returns 0, or an error as sys.h. */
int net_make(enum sim_socket_kind kind, rondo_family family, sys_fd *fd);
struct sim_socket *net_new(struct sim_host *host, enum sim_socket_kind kind,
                           rondo_family family);
/* Gives a socket one descriptor more. */
int net_add_descriptor(struct sim_process *process, struct sim_socket *s,
                       sys_fd *fd);
/* Gives a child one, which has that number there. */
void net_give_number(struct sim_process *process, struct sim_socket *s,
                     sys_fd number);
void net_unuse(struct sim_socket *s);
/* Keeps a socket open without a number, and lets it go. */
void net_hold(struct sim_socket *s);
void net_release(struct sim_socket *s);
/* Its events, bits of enum rondo_event. */
unsigned net_events(const struct sim_socket *s);
/* Tells those that watch it. */
void net_changed(struct sim_socket *s);
void net_watch(struct sim_watch *w, struct sim_socket *s);
void net_unwatch(struct sim_watch *w);
void net_report(FILE *to, const struct sim_socket *s);
/* The process has ended, and its system goes on or not. */
void net_process_stops(struct sim_process *process, bool system_goes_on);
/* The host's main has, or, if the system does not go on, all have. */
void net_host_stops(struct sim_host *host, bool system_goes_on);
/* Packets between the two hosts are lost from now on, in one way or both. */
void net_path_lost(struct sim_host *host, const struct sim_host *far);
/* The error that is to be told; 0: none. */
int net_take_error(struct sim_socket *s);
/* The socket of that kind that is bound to where `to` leads. */
struct sim_socket *net_find_bound(struct sim_host *host,
                                  enum sim_socket_kind kind,
                                  const rondo_address *to);

int net_choose_port(struct sim_socket *s, rondo_address *a);
/* Linux: a unix socket knows at once that its peer is closed. */
bool net_peer_is_closed(const struct sim_socket *s);
/* Unlinks the two ends of a stream. */
void net_part(struct sim_socket *s);
/* Calls fn(s) in so many ns; the socket stays until then. */
void net_later(struct sim_socket *s, int64_t ns,
               void (*fn)(struct sim_socket *s));

/* families.c */
/* "::ffff:1.2.3.4" counts as 1.2.3.4 in each of these. */
bool net_is_any(const rondo_address *a);
bool net_is_multicast(const rondo_address *a);
bool net_is_for_all(const rondo_address *a); /* broadcast */
bool net_is_loopback(const rondo_address *a);
bool net_is_mapped(const rondo_address *a);
bool net_same_ip(const rondo_address *a, const rondo_address *b);
/* Makes it what a socket of that family shows. */
void net_show(rondo_family family, rondo_address *a);
/* Does a bound socket get what is for that address and port? */
bool net_covers(const struct sim_socket *s, const rondo_address *to);
/* Or would one that is bound to `a` get some of it? */
bool net_overlaps(const struct sim_socket *s, const rondo_address *a,
                  bool v6only);
/* Gives a socket a port of its own, and an address if it has none. */
int net_bind_any(struct sim_socket *s, const rondo_address *towards);

/* flow.c */
/* The last descriptor is closed. */
void flow_stop(struct sim_socket *s, bool resets);
void flow_drop_way(struct sim_socket *s);
void flow_arrive(struct sim_event *event);
void flow_way_ends(struct sim_event *event);
int64_t flow_again_ns(int tries);
void flow_reset_comes(struct sim_socket *s);
/* Sends the end of the handshake. */
void flow_open(struct sim_socket *s);
/* Makes the two ends of a connection know each other. */
void flow_link(struct sim_socket *a, struct sim_socket *b);
void flow_broke(struct sim_socket *s, int os_error);
/* As sys_sendv and sys_recv, of any host's socket. */
int64_t flow_send(struct sim_socket *s, const rondo_buffer *buffers,
                  size_t count);
int64_t flow_take(struct sim_socket *s, void *data, size_t size);
/* The same, up to the first bytes that have descriptors beside them, which the
 * caller gets; NULL: none came. */
int64_t flow_take_with(struct sim_socket *s, void *data, size_t size,
                       struct sim_parcel **parcel);
void flow_free(struct sim_segment *segment);

/* acks.c */
/* Does what the peer's machine sends arrive here? */
bool acks_arrive(const struct sim_socket *s);
/* They do, and the peer has read so many bytes. */
void acks_come(struct sim_socket *s, size_t size);
/* They do not, and something waits for one. */
void acks_miss(struct sim_socket *s);
/* The way to or from the peer is cut, or its machine is down. */
void acks_path_lost(struct sim_socket *s);
void acks_stop(struct sim_socket *s);
void acks_look(struct sim_event *event);
void acks_end(struct sim_event *event);

/* dial.c */
int dial_begin(struct sim_socket *s, const rondo_address *address);
/* As sys_accept and sys_connect_result. */
int dial_accept(struct sim_process *process, struct sim_socket *server,
                sys_fd *accepted, rondo_address *peer);
int dial_result(struct sim_socket *s);
/* A server's end for a client, which is not in the backlog yet. */
struct sim_socket *dial_arrive(struct sim_socket *server,
                               struct sim_socket *client);
/* The handshake of a server's end is over: into the backlog, or false: the
 * server has gone. */
bool dial_queue(struct sim_socket *s);
/* It is over, and the backlog is full. */
bool dial_has_no_room(const struct sim_socket *s);

/* packets.c */
/* As recv(2) and sendmsg(2), of a datagram socket. */
int64_t packets_receive_one(struct sim_socket *s, void *data, size_t size);
int64_t packets_send_parts(struct sim_socket *s, const rondo_buffer *parts,
                           size_t count);
/* As sys_send_batch of one. */
int packets_send_out(struct sim_socket *s, const struct sys_outgoing *o);
int packets_connect(struct sim_socket *s, const rondo_address *address);
void packets_drop_all(struct sim_socket *s);

/* local.c */
void local_forget(struct sim_host *host);
struct sim_socket *local_find(struct sim_host *host, enum sim_socket_kind kind,
                              const rondo_address *a);
/* The address of a unix socket without a path. */
void local_unnamed(rondo_address *a);
int local_connect(struct sim_socket *s, const rondo_address *address);

/* passing.c */
/* NULL: nothing. */
void passing_drop(struct sim_parcel *parcel);
/* All that is on its way on that host. */
void passing_forget(struct sim_host *host);

/* pipes.c */
/* A pipe's ends, in blocking mode. */
int pipes_make(sys_fd ends[2]);

/* descriptors.c */
/* Two connected unix sockets. */
int descriptors_pair(sys_fd fds[2]);

/* sockets.c */
/* Blocks until the descriptor has one of the events. Returns whether to look
 * again. */
bool sockets_wait(sys_fd fd, unsigned events, int64_t until);

/* disk.c */
/* What was not synced is lost. */
void disk_crash(struct sim_host *host);
void disk_end(struct sim_host *host);

/* files.c */
/* As sys_sendfile, of any host's socket. */
int64_t files_send(struct sim_socket *to, const struct sys_part *part);

/* changes.c */
void changes_forget(struct sim_process *process);

/* done.c */
void done_forget(struct sim_process *process);

/* hosts.c */
int hosts_check_link(const rondo_sim_link *link, const char *what);
int hosts_check_faults(const rondo_sim_faults *faults, const char *what);

#endif
