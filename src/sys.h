/* sys.h - everything shared code may ask of an operating system. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SYS_H
#define RONDO_SYS_H

#include "rondo.h"
#include "sys_types.h" /* src/unix or src/win, chosen by the build */

/* Every function that can fail returns 0 (or a count) or a negative
 * RONDO_E..., and keeps the system's own code in the thread's last OS error
 * (error.h). Nothing here blocks but the thread functions, sys_resolve and
 * sys_resolve_back. RONDO_EAGAIN means "the kernel would block". Descriptors
 * made here are non-blocking, close-on-exec and never 0, 1 or 2. */

/* The sides of a descriptor. */
enum { SIDE_READ = 1, SIDE_WRITE = 2 };

/* ---- clock ---- */

/* Monotonic nanoseconds; never goes back, never stepped. */
int64_t sys_clock(void);
/* The clock's name, its resolution, and the finest wait of any backend. */
void sys_clock_facts(const char **name, int64_t *resolution_ns);

/* ---- errors ---- */

/* The RONDO_E... for the system's error number. */
int sys_error_code(int64_t os_error);
/* The system's name ("EACCES"), or NULL where it has none. */
const char *sys_error_name(int64_t os_error);
/* Describes an error number into text; always terminated. */
void sys_error_text(int64_t os_error, char *text, size_t size);

/* ---- sockets ---- */

enum sys_option {
    SYS_REUSE_ADDRESS,
    SYS_SHARE_ADDRESS, /* datagrams: with others that ask for it, too */
    SYS_EXCLUSIVE,
    SYS_REUSE_PORT,
    SYS_V6ONLY,
    SYS_NO_DELAY,
    SYS_KEEP_ALIVE,
    SYS_BROADCAST,
    SYS_UNREACHABLE,   /* Windows: a destination that does not take datagrams
                        is told of; elsewhere connected sockets tell */
    SYS_MULTICAST_TTL, /* of IPv4; the two below of IPv6 */
    SYS_MULTICAST_LOOP,
    SYS_MULTICAST_TTL6,
    SYS_MULTICAST_LOOP6
};

/* What a descriptor is, for refusing the wrong ones with a clear error. */
enum sys_kind {
    SYS_KIND_BAD,      /* not open */
    SYS_KIND_FILE,     /* regular file, directory, block device */
    SYS_KIND_STREAM,   /* stream socket, connected or not yet */
    SYS_KIND_LISTENER, /* listening stream socket */
    SYS_KIND_DATAGRAM, /* datagram socket */
    SYS_KIND_SOCKET,   /* any other socket */
    SYS_KIND_OTHER     /* pipe, terminal, eventfd, device */
};

enum sys_kind sys_kind(sys_fd fd);
bool sys_is_directory(sys_fd fd); /* among SYS_KIND_FILE */
/* The program's standard input, output, error: 0, 1, 2; or SYS_NO_FD. */
sys_fd sys_stdio(int which);
int sys_socket_stream(rondo_family family, sys_fd *fd);
/* Makes somebody else's socket fit for a loop: non-blocking. */
int sys_adopt(sys_fd fd);
/* RONDO_EINVAL: calls on this socket may block. Where the system cannot tell,
 * they do not from now on. RONDO_EBADF, RONDO_ENOTSOCK. */
int sys_check_nonblocking(sys_fd fd);
int sys_option(sys_fd fd, enum sys_option option, int value);
int sys_bind(sys_fd fd, const rondo_address *address);
int sys_listen(sys_fd fd, int backlog); /* 0: the system's largest */
int sys_accept(sys_fd fd, sys_fd *accepted, rondo_address *peer);
/* RONDO_EAGAIN: under way; ready to write when sys_connect_result knows.
 * RONDO_EBUSY: the other side has no room now, and nothing is under way. */
int sys_connect(sys_fd fd, const rondo_address *address);
int sys_connect_result(sys_fd fd);
/* Counts of bytes, or an error. A receive of 0 is the peer's orderly end. */
int64_t sys_recv(sys_fd fd, void *data, size_t size);
int64_t sys_send(sys_fd fd, const void *data, size_t size);
int64_t sys_sendv(sys_fd fd, const rondo_buffer *buffers, size_t count);
int sys_shutdown_write(sys_fd fd);
/* The close that follows sends a reset instead of an orderly end. */
void sys_reset_on_close(sys_fd fd);
void sys_close(sys_fd fd);
int sys_local_address(sys_fd fd, rondo_address *address);
int sys_peer_address(sys_fd fd, rondo_address *address);

/* ---- files, to be sent ---- */

enum sys_source {
    SYS_SOURCE_BAD,  /* not open for reading */
    SYS_SOURCE_NONE, /* nothing that can be sent: a directory, a socket */
    SYS_SOURCE_FILE, /* has a size and positions */
    SYS_SOURCE_FLOW  /* a pipe, a terminal, a device: what comes, comes */
};

/* What OP_SENDFILE's buffer is: bytes of a file. */
struct sys_part {
    sys_fd file;
    int64_t offset;
    size_t size;
};

enum sys_source sys_source(sys_fd file);
int64_t sys_file_size(sys_fd file); /* now */
void sys_file_seek(sys_fd file, int64_t offset);
/* Blocks. Offset -1: of a flow; RONDO_EAGAIN: nothing has come of it for a
 * while. 0: the end. */
int64_t sys_file_read(sys_fd file, void *data, size_t size, int64_t offset);
/* Another descriptor of the same file, for sys_file_close. */
int sys_file_copy(sys_fd file, sys_fd *copy);
void sys_file_close(sys_fd file);
/* The kernel sends bytes of a SYS_SOURCE_FILE to a stream: how many, 0 at its
 * end. Errors other than RONDO_EAGAIN may be the file's or the stream's;
 * RONDO_ENOTSUP: there is no such call. quiet: see below. */
int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet);
/* Sending to whom has left raises no signal anyway, since the program ignores
 * it: so it need not be kept off in each sys_sendfile. */
bool sys_is_quiet(void);

/* ---- unix sockets ---- */

/* A socket's file, whatever its name is by now; number 0: none. */
struct sys_file {
    uint64_t device, number;
};

/* The address of a path; on Linux "@name" is an abstract one, without a file.
 * RONDO_EINVAL, RONDO_ENAMETOOLONG, RONDO_ENOTSUP. */
int sys_path_address(rondo_address *a, const char *path);
/* Binds. The file of a socket that nobody holds any more is replaced;
 * RONDO_EADDRINUSE: somebody holds it; RONDO_EEXIST: it is no socket. A mode
 * that is not 0 is the file's before anybody can connect. */
int sys_path_bind(sys_fd fd, const rondo_address *a, unsigned mode,
                  struct sys_file *file);
/* Removes the file if it is still there and still that one. */
void sys_path_remove(const rondo_address *a, const struct sys_file *file);
/* Who connected, or made the pair; -1: not known. */
int sys_peer_credentials(sys_fd fd, int64_t *pid, int64_t *uid, int64_t *gid);

/* How many descriptors one message has at most. */
enum { SYS_FDS_MOST = 253 };
/* As sys_recv, with the descriptors that came beside: *count of them, set to 0
 * where there are none. RONDO_EMFILE: the process had no room for all of
 * them; none is kept, nor are the bytes. */
int64_t sys_recv_fds(sys_fd fd, void *data, size_t size, sys_fd *fds,
                     size_t *count);
/* As sys_sendv, with descriptors beside the first byte. */
int64_t sys_send_fds(sys_fd fd, const rondo_buffer *buffers, size_t count,
                     const sys_fd *fds, size_t fds_count);
int sys_duplicate(sys_fd fd, sys_fd *copy);

/* ---- datagrams ---- */

struct sys_received {
    void *data;         /* the caller's */
    size_t size;        /* how much of it has come */
    bool truncated;     /* there was more, and it is lost */
    rondo_address from; /* empty: the sender has no name */
};

struct sys_outgoing {
    const void *data;
    size_t size;
    const void *to; /* native bytes; NULL: where the socket is connected */
    size_t to_size;
};

int sys_socket_datagram(rondo_family family, sys_fd *fd);
/* How many have come, into at most room bytes each; RONDO_EAGAIN: none. No
 * call is for more than SYS_BATCH. */
int sys_receive_batch(sys_fd fd, struct sys_received *list, unsigned count,
                      size_t room);
/* How many have left, beginning with the first. An error is the first one's,
 * or news of one that left before. */
int sys_send_batch(sys_fd fd, const struct sys_outgoing *list, unsigned count);
/* Joins or leaves; interface 0: the system's choice. */
int sys_multicast(sys_fd fd, const rondo_address *group, uint32_t interface,
                  bool join);
/* The largest payload of a family, bytes. */
size_t sys_datagram_most(rondo_family family);

/* ---- pipes, terminals, devices ---- */

/* One direction of a descriptor that need not be a socket. */
struct sys_pipe {
    sys_fd given; /* the descriptor that was asked for */
    sys_fd fd;    /* the one to use: that, or another of the same file */
    SYS_PIPE_MEMBERS
};

/* The sides it is open for. */
unsigned sys_pipe_sides(sys_fd fd);
/* Makes it fit for a loop, for the one side. `shared`: others go on using it,
 * so it is to be left as it was found. */
int sys_pipe_open(sys_fd fd, unsigned side, bool shared, struct sys_pipe *pipe);
/* Lets go of it, leaving it as it was found. The given descriptor stays open,
 * unless `close`. `inherited`: it is the parent process's, and not touched. */
void sys_pipe_close(struct sys_pipe *pipe, bool close, bool inherited);
/* Counts of bytes, or an error; no SIGPIPE. A read of 0 is the end, a
 * terminal's hang-up too. */
int64_t sys_pipe_read(struct sys_pipe *pipe, void *data, size_t size);
int64_t sys_pipe_write(struct sys_pipe *pipe, const rondo_buffer *buffers,
                       size_t count);
/* Does each of its calls take its time, whatever is asked of it: a file? */
bool sys_pipe_blocks(const struct sys_pipe *pipe);
/* From now on a thread makes the calls: they may take their time. */
int sys_pipe_block(struct sys_pipe *pipe);
/* For that thread: the same calls, but never RONDO_EAGAIN. */
int64_t sys_pipe_read_waiting(struct sys_pipe *pipe, void *data, size_t size);
int64_t sys_pipe_write_waiting(struct sys_pipe *pipe, const void *data,
                               size_t size);
/* For the loop: ends what a thread is waiting in, for good. true: try again
 * until it is over; false: it ends by itself, soon. */
bool sys_pipe_cancel(struct sys_pipe *pipe);
/* Does the reading side become ready when the writer's reader leaves? */
bool sys_pipe_tells(const struct sys_pipe *pipe);
/* Has it left? */
bool sys_pipe_hung_up(const struct sys_pipe *pipe);

/* ---- pipes by name, both ways ---- */

/* Is it a pipe's name, and no path of a unix socket? */
bool sys_is_pipe_name(const char *path);
/* 0, or why no pipe is called that: RONDO_EINVAL, RONDO_ENAMETOOLONG. */
int sys_pipe_check(const char *name);
/* RONDO_ENOENT: nobody serves it; RONDO_EBUSY: each instance has a client. */
int sys_pipe_connect(const char *name, sys_fd *fd);
/* One more instance, for one client. The first: RONDO_EADDRINUSE, it is served
 * already. */
int sys_pipe_listen(const char *name, bool first, sys_fd *fd);
/* Closes what of these two became no stream. */
void sys_pipe_discard(sys_fd fd);
/* Just before a close: the other end is to see a cut and no end. Only an
 * instance can; else nothing happens. */
void sys_pipe_cut(sys_fd fd);

/* ---- descriptors of a child ---- */

/* A pipe to a child, by the sides of ours; both sides: connected sockets.
 * Theirs blocks, as programs expect. */
int sys_child_pipe(unsigned sides, sys_fd *ours, sys_fd *theirs);
/* The null device. */
int sys_null(sys_fd *fd);
/* Closes what these have made and no transport has. */
void sys_child_close(sys_fd fd);

/* ---- addresses ---- */

/* Numeric text without brackets, port or scope; RONDO_EINVAL. */
int sys_address_ip(rondo_address *a, const char *ip, uint16_t port,
                   uint32_t scope);
int sys_address_any(rondo_address *a, rondo_family family, uint16_t port);
int sys_address_unix(rondo_address *a, const char *path, size_t size);
/* How many of these bytes are a sockaddr of its family; a sockaddr_storage
 * has more. RONDO_EINVAL: too few, RONDO_EAFNOSUPPORT. */
int sys_address_size(const void *native, size_t size);
rondo_family sys_address_family(const rondo_address *a);
uint16_t sys_address_port(const rondo_address *a);
void sys_address_set_port(rondo_address *a, uint16_t port);
/* The address's own bytes: 4, 16 or 0 of them. */
size_t sys_address_bytes(const rondo_address *a, void *bytes16);
uint32_t sys_address_scope(const rondo_address *a);
/* The numeric text without brackets, port or scope. */
void sys_address_ip_text(const rondo_address *a, char *text, size_t size);
/* The path of a unix address; its size, 0 when it has no name. */
size_t sys_address_path(const rondo_address *a, const char **path);

/* ---- names ---- */

/* What a look-up has found; all malloc'ed. */
struct sys_names {
    rondo_address *addresses;
    size_t count;
    char *host;    /* the canonical name, or the name of the address */
    char *service; /* of the address */
};

/* getaddrinfo(3); blocks. A host or service may be NULL. */
int sys_resolve(const char *host, const char *service,
                const rondo_lookup_hints *hints, struct sys_names *names);
/* getnameinfo(3); blocks, but not when both are to be numeric. Flags are
 * RONDO_NAMEINFO_... */
int sys_resolve_back(const rondo_address *address, unsigned flags,
                     struct sys_names *names);
/* The number of an IPv6 scope ("eth0", "2"), or 0. */
uint32_t sys_scope(const char *name);

/* ---- threads ---- */

bool sys_thread_is_self(sys_thread_id id);
sys_thread_id sys_thread_self(void);
/* Starts a detached thread with every signal blocked. */
int sys_thread_start(void (*run)(void *arg), void *arg);
void sys_thread_yield(void);
int sys_mutex_init(sys_mutex *m);
void sys_mutex_destroy(sys_mutex *m);
/* sys_mutex_lock and sys_mutex_unlock are in sys_types.h, inline. */
int sys_cond_init(sys_cond *c);
void sys_cond_destroy(sys_cond *c);
void sys_cond_wait(sys_cond *c, sys_mutex *m);
void sys_cond_signal(sys_cond *c);
void sys_cond_broadcast(sys_cond *c);

/* ---- signals ---- */

enum { SYS_SIGNALS = 128 }; /* their numbers end below */

/* Who is told of signals. arrived may run at any moment, in a signal handler
 * (Windows: on a thread of the system's). forked runs in the child of each
 * fork, on its only thread, with the lock held. */
struct sys_signals_told {
    void (*arrived)(int signum);
    void (*forked)(void);
};

/* The process's one lock around the two functions below; while a thread holds
 * it, no signal is delivered to that thread. */
void sys_signals_lock(void);
void sys_signals_unlock(void);
/* From now on `whom` hears of this signal; the same one each time. Harmless
 * where it does. An error's sentence is set: RONDO_EINVAL, RONDO_ENOTSUP. */
int sys_signal_watch(int signum, const struct sys_signals_told *whom);
/* What the first watch found is restored, unless the program has put another
 * thing there. */
void sys_signal_unwatch(int signum);

/* ---- process ---- */

/* How often this process has become the child of a fork; starts at 0. Written in
 * the child alone, where a thread of the parent may have been reading it. */
extern _Atomic uint32_t sys_fork_generation;
/* Starts counting forks; any number of calls. */
void sys_fork_watch(void);
/* getenv, or NULL when the program runs with somebody else's rights. */
const char *sys_env(const char *name);
/* A function's name as the dynamic linker knows it, else its address. */
void sys_function_name(rondo_fn fn, char *text, size_t size);
/* How many processors this process may use, at least 1. */
unsigned sys_cores(void);
/* The soft limit of open descriptors; INT64_MAX: none. */
int64_t sys_descriptor_limit(void);
/* sun_path's room, 0 without unix sockets. */
int64_t sys_unix_path_limit(void);
/* Facts of this platform that no backend changes. */
bool sys_supports(rondo_capability what);

#endif
