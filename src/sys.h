/* sys.h - everything that shared code asks of the operating system. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SYS_H
#define RONDO_SYS_H

#include "system.h"

#include "rondo.h"

#include <stdatomic.h>

#include <string.h>
#if defined(SYSTEM_WIN)
#include "win/sys_types.h"
#elif defined(SYSTEM_SIM)
#include "sim/sys_types.h"
#else
#include "unix/sys_types.h"
#endif

/* A function that can fail returns 0 (or a count), or a negative RONDO_E...,
 * and sets the thread's last OS error (error.h) to the system's own code.
 * RONDO_EAGAIN means "the kernel would block".
 *
 * No function blocks, except the thread functions, sys_resolve,
 * sys_resolve_back, sys_file_read, sys_fs_... and the sys_pipe_..._waiting
 * functions.
 *
 * A descriptor that a function creates is non-blocking, close-on-exec and
 * never 0, 1 or 2. */

/* The sides of a descriptor. */
enum { SIDE_READ = 1, SIDE_WRITE = 2 };

/* ---- clock ---- */

/* Nanoseconds of a monotonic clock: setting the wall clock does not change
 * it. */
int64_t sys_clock(void);
/* Blocks this thread, when there is nothing to wait for but time. */
void sys_sleep(int64_t ns);
/* The clock's name and its resolution. */
void sys_clock_facts(const char **name, int64_t *resolution_ns);

/* ---- errors ---- */

/* The RONDO_E... for an error number of the system. */
int sys_error_code(int64_t os_error);
/* The system's name of it ("EACCES"); NULL: it has none. */
const char *sys_error_name(int64_t os_error);
/* Writes what it means, in English, with a NUL byte at the end. */
void sys_error_text(int64_t os_error, char *text, size_t size);

/* ---- sockets ---- */

enum sys_option {
    SYS_REUSE_ADDRESS,
    SYS_SHARE_ADDRESS, /* datagrams: all sockets that set it may share a port */
    SYS_EXCLUSIVE,
    SYS_REUSE_PORT,
    SYS_V6ONLY,
    SYS_NO_DELAY,
    SYS_KEEP_ALIVE,
    SYS_BROADCAST,
    SYS_UNREACHABLE,   /* Windows: report that a destination does not take
                        datagrams; elsewhere connected sockets do so */
    SYS_MULTICAST_TTL, /* this and the next one: IPv4 */
    SYS_MULTICAST_LOOP,
    SYS_MULTICAST_TTL6, /* this and the next one: IPv6 */
    SYS_MULTICAST_LOOP6,
    SYS_RECEIVE_BUFFER, /* bytes; the kernel may grant fewer */
    SYS_SEND_BUFFER
};

/* What a descriptor is: a call that does not take it says so in its error. */
enum sys_kind {
    SYS_KIND_BAD,      /* not open */
    SYS_KIND_FILE,     /* regular file, directory, block device */
    SYS_KIND_STREAM,   /* stream socket, connected or not */
    SYS_KIND_LISTENER, /* listening stream socket */
    SYS_KIND_DATAGRAM, /* datagram socket */
    SYS_KIND_SOCKET,   /* any other socket */
    SYS_KIND_OTHER     /* pipe, terminal, eventfd, device */
};

enum sys_kind sys_kind(sys_fd fd);
/* Tells a directory from the others of SYS_KIND_FILE. */
bool sys_is_directory(sys_fd fd);
/* Standard input, output or error of the program (0, 1, 2); SYS_NO_FD: the
 * program has none. */
sys_fd sys_stdio(int which);
int sys_socket_stream(rondo_family family, sys_fd *fd);
/* Prepares a socket that the program made: it becomes non-blocking. */
int sys_adopt(sys_fd fd);
/* RONDO_EINVAL: the socket is blocking. Windows cannot tell: there the call
 * makes it non-blocking. RONDO_EBADF, RONDO_ENOTSOCK. */
int sys_check_nonblocking(sys_fd fd);
int sys_option(sys_fd fd, enum sys_option option, int value);
int sys_bind(sys_fd fd, const rondo_address *address);
int sys_listen(sys_fd fd, int backlog); /* 0: the largest of the system */
int sys_accept(sys_fd fd, sys_fd *accepted, rondo_address *peer);
/* RONDO_EAGAIN: the connect is under way. When the socket is writable,
 * sys_connect_result has the result.
 * RONDO_EBUSY: the backlog of the server is full, and the connect did not
 * begin. */
int sys_connect(sys_fd fd, const rondo_address *address);
/* RONDO_EAGAIN: still under way. */
int sys_connect_result(sys_fd fd);
/* sys_types.h declares sys_recv and sys_send, of some bytes. All of these return
 * how many bytes, or an error. A receive returns 0 when the peer has ended its
 * writing side. */
/* At most SYS_ROOMS of them are used. */
enum { SYS_ROOMS = RONDO_ROOMS };
int64_t sys_recvv(sys_fd fd, const rondo_room *rooms, size_t count);
int64_t sys_sendv(sys_fd fd, const rondo_buffer *buffers, size_t count);
int sys_shutdown_write(sys_fd fd);
/* Makes sys_close send a reset instead of an orderly end. */
void sys_reset_on_close(sys_fd fd);
void sys_close(sys_fd fd);
int sys_local_address(sys_fd fd, rondo_address *address);
int sys_peer_address(sys_fd fd, rondo_address *address);

/* ---- files to send ---- */

enum sys_source {
    SYS_SOURCE_BAD,  /* not open for reading */
    SYS_SOURCE_NONE, /* cannot be sent: a directory, a socket */
    SYS_SOURCE_FILE, /* has a size and positions */
    SYS_SOURCE_FLOW  /* has neither: a pipe, a terminal, a device */
};

struct sys_dir;

/* A piece of a file; the buffer of OP_SENDFILE. */
struct sys_part {
    sys_fd file;
    int64_t offset;
    size_t size;
};

enum sys_source sys_source(sys_fd file);
int64_t sys_file_size(sys_fd file);
void sys_file_seek(sys_fd file, int64_t offset);
/* Blocks, for a thread. 0: the end. Offset -1 reads from a SYS_SOURCE_FLOW,
 * and returns RONDO_EAGAIN if no bytes arrive for some milliseconds. */
int64_t sys_file_read(sys_fd file, void *data, size_t size, int64_t offset);
/* Another descriptor of the same open file; sys_file_close closes it. */
int sys_file_copy(sys_fd file, sys_fd *copy);
void sys_file_close(sys_fd file);
/* The kernel sends bytes of a SYS_SOURCE_FILE to a stream socket. Returns how
 * many, 0 at the end of the file. RONDO_ENOTSUP: the system has no such call.
 * Any other error but RONDO_EAGAIN may come from the file or from the socket.
 * quiet: what sys_is_quiet said. */
int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet);
/* Makes a pipe for sys_splice, with room for so many bytes if that may be.
 * RONDO_ENOTSUP: the system has no such call. */
int sys_splice_pipe(sys_fd fds[2], size_t size);
/* Moves bytes from a socket into a pipe, or from a pipe to a socket, without
 * waiting. As sys_recv and sys_send; quiet: as for sys_sendfile. */
int64_t sys_splice(sys_fd from, sys_fd to, size_t size, bool quiet);
/* Copies what is in a pipe, if that is so many bytes, into an empty one, and
 * leaves it there. Returns how many were copied, or an error. */
int64_t sys_splice_copy(sys_fd from, sys_fd to, size_t size);
/* True: sys_sendfile raises no SIGPIPE, because the call never does so or the
 * program ignores the signal. False: each sys_sendfile must block it. */
bool sys_is_quiet(void);

/* ---- files: on a thread, since each call may block ---- */

/* Opens a file, with the RONDO_FILE_ flags and the mode of rondo_file_open. The
 * path begins at that directory; SYS_NO_FD: none. *seeks: it has positions.
 * RONDO_EISDIR; RONDO_ENOTDIR; RONDO_ENOTSUP: a pipe or a socket. */
int sys_fs_open(sys_fd directory, const char *path, unsigned flags,
                unsigned mode, sys_fd *file, bool *seeks);
/* Closes it and says what the system had to say of that; closed it is in any
 * case. */
int sys_fs_close(sys_fd file);
/* Return how many bytes, which may be fewer than asked for, or an error. 0 from
 * sys_fs_read: the end. The parts have `size` > 0. Offset -1: a file without
 * positions, and for sys_fs_write also the end of one that was opened with
 * RONDO_FILE_APPEND. sys_fs_read writes to the parts. */
int64_t sys_fs_read(sys_fd file, const rondo_buffer *parts, size_t count,
                    int64_t offset);
int64_t sys_fs_write(sys_fd file, const rondo_buffer *parts, size_t count,
                     int64_t offset);
/* As sys_fs_read, of what can be had without waiting for a device. RONDO_EAGAIN:
 * not all of that is there; RONDO_ENOTSUP: of this file that cannot be told. */
int64_t sys_fs_read_now(sys_fd file, void *data, size_t size, int64_t offset);
int sys_fs_sync(sys_fd file, bool only_data);
int sys_fs_stat(sys_fd file, rondo_file_info *info);
int sys_fs_truncate(sys_fd file, int64_t size);
/* follow: a symbolic link leads on. */
int sys_fs_stat_path(const char *path, bool follow, rondo_file_info *info);
int sys_fs_rename(const char *from, const char *to);
int sys_fs_unlink(const char *path);
int sys_fs_mkdir(const char *path, unsigned mode); /* 0: the default */
int sys_fs_rmdir(const char *path);
/* RONDO_ENOTSUP: no symbolic links. */
int sys_fs_symlink(const char *target, const char *path);
/* Returns the size of the text, or RONDO_ETOOMUCH: it has `room` bytes or
 * more. It has no NUL byte. */
int64_t sys_fs_readlink(const char *path, char *text, size_t room);
/* With a file, path is NULL; else by path. */
int sys_fs_change(sys_fd file, const char *path,
                  const rondo_file_changes *changes);
int sys_fs_link(const char *path, const char *name);
int sys_fs_access(const char *path, unsigned access);
int64_t sys_fs_realpath(const char *path, char *text, size_t room);
int sys_fs_space(const char *path, rondo_space_info *space);
int sys_fs_allocate(sys_fd file, int64_t position, int64_t size);
int sys_fs_advise(sys_fd file, int64_t position, int64_t size,
                  rondo_advice advice);
/* Does not wait: RONDO_EBUSY. */
int sys_fs_lock(sys_fd file, int64_t position, int64_t size, unsigned flags);
int sys_fs_unlock(sys_fd file, int64_t position, int64_t size);
/* Is that a separator of names in a path? */
bool sys_fs_separates(char c);
/* Copies to a path where nothing is (RONDO_EEXIST), unless *stop becomes true:
 * RONDO_ECANCELED. Returns the number of bytes. After an error there is no such
 * file. */
int64_t sys_fs_copy(const char *from, const char *to, unsigned flags,
                    const atomic_bool *stop);

/* An entry of a directory. */
struct sys_entry {
    const char *name; /* until the next call on that directory */
    rondo_file_type type;
    rondo_file_info *info; /* set before the call; NULL: not asked for */
};
/* Begins to read an open directory, which belongs to *dir then: sys_dir_close
 * closes it, too. After an error it does not. */
int sys_dir_open(sys_fd directory, struct sys_dir **dir);
/* Returns 1; 0: the end; or an error. "." and ".." are left out. */
int sys_dir_next(struct sys_dir *dir, struct sys_entry *entry);
void sys_dir_again(struct sys_dir *dir); /* the last one is the next one */
int sys_dir_close(struct sys_dir *dir);
/* Removes a file, a link, or a directory and all that is in it, and follows no
 * link. It ends with the first error, or when *stop becomes true
 * (RONDO_ECANCELED). */
int sys_fs_remove_tree(const char *path, const atomic_bool *stop);

/* ---- unix sockets ---- */

/* Names the file of a socket, even if its path has changed; number 0: none. */
struct sys_file {
    uint64_t device, number;
};

/* The address of a path. On Linux "@name" is an abstract address, without a
 * file. RONDO_EINVAL, RONDO_ENAMETOOLONG, RONDO_ENOTSUP. */
int sys_path_address(rondo_address *a, const char *path);
/* Binds, and replaces the file of a socket that is no longer open.
 * RONDO_EADDRINUSE: that socket is still open. RONDO_EEXIST: the file is not a
 * socket. The file has the mode before a client can connect; mode 0: the one
 * that the umask leaves. */
int sys_path_bind(sys_fd fd, const rondo_address *a, unsigned mode,
                  struct sys_file *file);
/* Removes the file if the path still names that file. */
void sys_path_remove(const rondo_address *a, const struct sys_file *file);
/* The process that connected, or that made the pair; -1: not known. */
int sys_peer_credentials(sys_fd fd, int64_t *pid, int64_t *uid, int64_t *gid);

/* The largest number of descriptors in one message. */
enum { SYS_FDS_MOST = 253 };
/* Like sys_recv. Also takes the descriptors that arrived with the bytes, and
 * sets *count, to 0 if there are none. RONDO_EMFILE: the process had no room
 * for all of them; the bytes and all descriptors are lost. */
int64_t sys_recv_fds(sys_fd fd, void *data, size_t size, sys_fd *fds,
                     size_t *count);
/* Like sys_sendv; the descriptors travel with the first byte. */
int64_t sys_send_fds(sys_fd fd, const rondo_buffer *buffers, size_t count,
                     const sys_fd *fds, size_t fds_count);
int sys_duplicate(sys_fd fd, sys_fd *copy);

/* ---- datagrams ---- */

struct sys_received {
    void *data;         /* the buffer of the caller */
    size_t size;        /* bytes that were received into it */
    bool truncated;     /* the rest did not fit and is lost */
    rondo_address from; /* empty: the sender has no address */
};

struct sys_outgoing {
    const void *data;
    size_t size;
    const void *to; /* native bytes; NULL: the peer of a connected socket */
    size_t to_size;
};

/* A datagram in pieces, with what goes beside its bytes. */
struct sys_message {
    const rondo_buffer *pieces;
    size_t count;   /* at most RONDO_DATAGRAM_PIECES */
    const void *to; /* as in a sys_outgoing */
    size_t to_size;
    const rondo_address *target;     /* to, or the peer of a connected socket */
    const rondo_datagram_info *info; /* NULL: nothing */
};

int sys_socket_datagram(rondo_family family, sys_fd *fd);
/* Linux: receiving has been shut down by shutdown(2), so that the socket is
 * readable for ever and nothing comes. */
bool sys_is_shut_for_reading(sys_fd fd);
/* Only groups that this socket has joined are heard: Linux gives it all groups
 * that any socket of the machine has joined. */
int sys_only_own_groups(sys_fd fd, rondo_family family);
/* How many datagrams had no room in the receive buffer so far; -1: the system
 * does not count them. */
int64_t sys_datagram_drops(sys_fd fd);
/* Returns how many datagrams it received, each into at most `room` bytes.
 * RONDO_EAGAIN: none has arrived. RONDO_EPIPE: receiving has been shut down by
 * shutdown(2), if the system says so here. count is at most SYS_BATCH. */
int sys_receive_batch(sys_fd fd, struct sys_received *list, unsigned count,
                      size_t room);
/* Returns how many datagrams it sent, beginning with the first one. An error
 * is about the first one, or about one that was sent earlier. */
int sys_send_batch(sys_fd fd, const struct sys_outgoing *list, unsigned count);
/* As sys_receive_batch; also tells what the kernel knows of each, and the port
 * of a local address is 0. */
int sys_receive_messages(sys_fd fd, struct sys_received *list,
                         rondo_datagram_info *infos, unsigned count,
                         size_t room);
/* As sys_send_batch of one. RONDO_ENOTSUP: a member of info that this system
 * does not take. */
int sys_send_message(sys_fd fd, const struct sys_message *m);
/* Has the kernel tell these RONDO_INFO_... of an IP socket. RONDO_ENOTSUP. */
int sys_datagram_ask(sys_fd fd, rondo_family family, unsigned info);
/* RONDO_ENOTSUP. */
int sys_datagram_fragments(sys_fd fd, rondo_family family,
                           rondo_fragments fragments);
/* RONDO_ENOTSUP, RONDO_ENOTCONN. */
int64_t sys_datagram_path_mtu(sys_fd fd, rondo_family family);
/* The RONDO_INFO_... that this kernel knows, in both directions. */
unsigned sys_datagram_infos(void);
/* Joins or leaves a group; interface 0: the system chooses. */
int sys_multicast(sys_fd fd, const rondo_address *group, uint32_t interface,
                  bool join);
/* Sends to groups by that interface; 0: the system chooses. */
int sys_multicast_from(sys_fd fd, rondo_family family, uint32_t interface);
/* The largest payload of a family, in bytes. */
size_t sys_datagram_most(rondo_family family);

/* ---- pipes, terminals, devices ---- */

/* One direction of a descriptor, which may be a socket or something else. */
struct sys_pipe {
    sys_fd given; /* the descriptor of the program */
    sys_fd fd;    /* the one to use: given, or another one of the same file */
    SYS_PIPE_MEMBERS
};

/* The sides for which it is open. */
unsigned sys_pipe_sides(sys_fd fd);
/* Prepares one side for a loop. shared: others use the descriptor too, so
 * sys_pipe_close must restore its mode. */
int sys_pipe_open(sys_fd fd, unsigned side, bool shared, struct sys_pipe *pipe);
/* Restores the mode of the given descriptor and leaves it open; close: closes
 * it instead. inherited: it belongs to the parent process, so its mode stays
 * as it is. */
void sys_pipe_close(struct sys_pipe *pipe, bool close, bool inherited);
/* Return how many bytes, or an error; they raise no SIGPIPE. A read of 0 is
 * the end of input, or the hang-up of a terminal. */
int64_t sys_pipe_read(struct sys_pipe *pipe, void *data, size_t size);
int64_t sys_pipe_write(struct sys_pipe *pipe, const rondo_buffer *buffers,
                       size_t count);
/* True: sys_pipe_write makes a call; else only an operation writes. */
bool sys_pipe_tries(const struct sys_pipe *pipe);
/* True: each of its calls may block, as on a file. */
bool sys_pipe_blocks(const struct sys_pipe *pipe);
/* From now on a thread makes the calls, and they may block. */
int sys_pipe_block(struct sys_pipe *pipe);
/* The same calls for that thread: they wait instead of returning
 * RONDO_EAGAIN. */
int64_t sys_pipe_read_waiting(struct sys_pipe *pipe, void *data, size_t size);
int64_t sys_pipe_write_waiting(struct sys_pipe *pipe, const void *data,
                               size_t size);
/* Called by the loop's thread: ends the wait of the other thread, for good.
 * true: call again until that thread has returned; false: it will return
 * soon. */
bool sys_pipe_cancel(struct sys_pipe *pipe);
/* True: the reading side of a writer becomes ready when its reader leaves. */
bool sys_pipe_tells(const struct sys_pipe *pipe);
/* True: the reader has left. */
bool sys_pipe_hung_up(const struct sys_pipe *pipe);

/* ---- named pipes, both directions ---- */

/* True: the name of a pipe; false: the path of a unix socket. */
bool sys_is_pipe_name(const char *path);
/* 0, or why no pipe can have that name: RONDO_EINVAL, RONDO_ENAMETOOLONG. */
int sys_pipe_check(const char *name);
/* RONDO_ENOENT: no server has the name; RONDO_EBUSY: each instance has a
 * client. */
int sys_pipe_connect(const char *name, sys_fd *fd);
/* Makes one more instance, for one client. RONDO_EADDRINUSE: it is the first,
 * and another server has the name. */
int sys_pipe_listen(const char *name, bool first, sys_fd *fd);
/* Closes a descriptor of one of these two that did not become a stream. */
void sys_pipe_discard(sys_fd fd);
/* Just before a close: makes the peer see a reset instead of an end. Does
 * nothing if it is not an instance. */
void sys_pipe_cut(sys_fd fd);

/* ---- descriptors of a child ---- */

/* Makes a pipe to a child. sides are the sides of our end; both sides: a pair
 * of sockets. The child's end is blocking, as programs expect. */
int sys_child_pipe(unsigned sides, sys_fd *ours, sys_fd *theirs);
/* The null device. */
int sys_null(sys_fd *fd);
/* Closes a descriptor of these that no transport owns. */
void sys_child_close(sys_fd fd);
enum { SYS_TERMINAL_MOST = 65535 }; /* columns, and rows */
/* The pseudo terminal of a child, or its pseudo console. */
struct sys_terminal {
    sys_fd reads, writes; /* our ends, for stream_new_terminal; on Unix one */
    sys_fd child;         /* the child's end; SYS_NO_FD: a console has none */
    void *console;        /* Windows: for sys_console_close; else NULL */
};
/* The sizes are up to SYS_TERMINAL_MOST. */
int sys_child_terminal(unsigned columns, unsigned rows,
                       struct sys_terminal *made);
/* A change is SIGWINCH to the terminal's foreground group. `ours`: reads. */
int sys_terminal_size(sys_fd ours, void *console, unsigned columns,
                      unsigned rows);
/* The child has ended, or never began: its console ends once its output is
 * read. Does not wait. NULL: there is none. */
void sys_console_close(void *console);

/* ---- the program's terminal: any thread ---- */

bool sys_is_terminal(sys_fd fd);
/* fd is a terminal. guard: signals that end or stop the process restore it. The
 * first change has exit(3) restore it, too. */
int sys_terminal_mode(sys_fd fd, rondo_terminal_mode mode, bool guard);
/* To what it was before the first change. Any signal handler. */
void sys_terminal_restore(void);
int sys_terminal_measure(sys_fd fd, unsigned *columns, unsigned *rows);
/* The signal that tells of another size; 0: there is none. */
int sys_terminal_signal(void);
/* 1: from now on it understands sequences, which some do not until they are
 * asked; 0: it cannot; -1: the system does not know. */
int sys_terminal_sequences(sys_fd fd);

/* ---- the machine: any thread ---- */

/* Fills the bytes with numbers that nobody can guess, or is an error. */
int sys_random(void *data, size_t size);
/* Returns the size of the name, or an error; RONDO_ETOOMUCH: it has `room` bytes
 * or more. */
int sys_host_name(char *name, size_t room);
/* INT64_MAX: no limit. RONDO_ENOTSUP: the system has none of its own. */
int64_t sys_memory_limit(void);
/* Calls fn for each address of each interface, and once for one without an
 * address, those of one interface in a row, until it returns an error. What
 * `one` points at is valid in the call. Returns 0 or the error. */
int sys_interfaces(int (*fn)(void *arg, const rondo_interface *one), void *arg);
/* Notices that interfaces or addresses may have changed. *fd: it is readable
 * then, until sys_network_read. SYS_NO_FD: changed(arg) is called, by another
 * thread, until sys_network_close has returned. RONDO_ENOTSUP. */
struct sys_network;
int sys_network_open(void (*changed)(void *arg), void *arg, sys_fd *fd,
                     struct sys_network **network);
/* Empties fd. Returns whether something may have changed. */
bool sys_network_read(sys_fd fd);
void sys_network_close(sys_fd fd, struct sys_network *network);

/* ---- addresses ---- */

/* Numeric text without brackets, port or scope; RONDO_EINVAL. */
int sys_address_ip(rondo_address *a, const char *ip, uint16_t port,
                   uint32_t scope);
int sys_address_any(rondo_address *a, rondo_family family, uint16_t port);
int sys_address_unix(rondo_address *a, const char *path, size_t size);
/* How many of these bytes the sockaddr of its family has; a sockaddr_storage
 * has more. RONDO_EINVAL: too few bytes. RONDO_EAFNOSUPPORT. */
int sys_address_size(const void *native, size_t size);
rondo_family sys_address_family(const rondo_address *a);
uint16_t sys_address_port(const rondo_address *a);
void sys_address_set_port(rondo_address *a, uint16_t port);
/* Copies the bytes of the IP address; returns how many: 4, 16 or 0. */
size_t sys_address_bytes(const rondo_address *a, void *bytes16);
uint32_t sys_address_scope(const rondo_address *a);
/* sin6_flowinfo in host order; nothing for another family. */
uint32_t sys_address_flow(const rondo_address *a);
void sys_address_set_flow(rondo_address *a, uint32_t flow);
/* Writes numeric text without brackets, port or scope. */
void sys_address_ip_text(const rondo_address *a, char *text, size_t size);
/* The path of a unix address and its size; 0: it has none. */
size_t sys_address_path(const rondo_address *a, const char **path);

/* ---- names ---- */

/* The result of a look-up. The caller frees the members, with sys_free. */
struct sys_names {
    rondo_address *addresses;
    size_t count;
    char *host;    /* canonical name, or name of the address */
    char *service; /* name of the port of the address */
};

/* The address behind the last one is among those before it. */
static inline bool sys_names_has_last(const struct sys_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (rondo_address_equal(&names->addresses[i],
                                &names->addresses[names->count]))
            return true;
    return false;
}
/* A service that is a number, not a name. */
static inline bool sys_is_port(const char *service)
{
    return service && *service >= '0' && *service <= '9' &&
           !service[strspn(service, "0123456789")];
}
/* getaddrinfo(3). Blocks. host or service may be NULL. */
int sys_resolve(const char *host, const char *service,
                const rondo_lookup_hints *hints, struct sys_names *names);
/* getnameinfo(3) with the flags RONDO_NAMEINFO_... Blocks, unless host and
 * service are both numeric. */
int sys_resolve_back(const rondo_address *address, unsigned flags,
                     struct sys_names *names);
/* Of a network interface, such as "eth0"; 0: none has that name. */
uint32_t sys_interface_index(const char *name);

/* ---- threads ---- */

bool sys_thread_is_self(sys_thread_id id);
sys_thread_id sys_thread_self(void);
/* Starts a detached thread, with all signals blocked. */
int sys_thread_start(void (*run)(void *arg), void *arg);
void sys_thread_yield(void);
int sys_mutex_init(sys_mutex *m);
void sys_mutex_destroy(sys_mutex *m);
/* sys_types.h defines sys_mutex_lock and sys_mutex_unlock. */
int sys_cond_init(sys_cond *c);
void sys_cond_destroy(sys_cond *c);
void sys_cond_wait(sys_cond *c, sys_mutex *m);
void sys_cond_signal(sys_cond *c);
void sys_cond_broadcast(sys_cond *c);

/* ---- signals ---- */

enum { SYS_SIGNALS = 128 }; /* all signal numbers are below */

/* What sys_signal_watch calls. arrived may run at any moment, in a signal
 * handler (Windows: on a thread of the system). forked runs in the child of
 * each fork, on its only thread, with the lock held. */
struct sys_signals_told {
    void (*arrived)(int signum);
    void (*forked)(void);
};

/* The process has one lock around the two functions below. All signals are
 * blocked in the thread that holds it. */
void sys_signals_lock(void);
void sys_signals_unlock(void);
/* From now on the signal calls whom->arrived. All calls must pass the same
 * `whom`; calling again is harmless. RONDO_EINVAL, RONDO_ENOTSUP: the sentence
 * of the error is set. */
int sys_signal_watch(int signum, const struct sys_signals_told *whom);
/* Restores what the first sys_signal_watch found, unless the program has
 * installed another handler since. */
void sys_signal_unwatch(int signum);

/* ---- process ---- */

/* How many forks the process came through; starts at 0. Only a forked child
 * writes it. It is atomic because other threads read it. */
extern _Atomic uint32_t sys_fork_generation;
/* Starts to count forks; calling again is harmless. */
void sys_fork_watch(void);

/* A lock that a fork takes first: base/lock.h. */
enum sys_fork_lock_state { SYS_LOCK_FREE, SYS_LOCK_TAKEN, SYS_LOCK_AWAITED };
struct sys_fork_lock {
    atomic_uint state; /* enum sys_fork_lock_state */
    sys_mutex mutex;   /* these two: for threads that wait for it */
    sys_cond cond;
    struct sys_fork_lock *next, **link;
};
/* From now on, until the second, each fork takes it. */
void sys_fork_lock_enter(struct sys_fork_lock *lock);
void sys_fork_lock_leave(struct sys_fork_lock *lock);
/* getenv; NULL also if the program runs with the rights of another user. */
const char *sys_env(const char *name);
/* May there be a variable whose name begins with these capitals? false: no
 * sys_env of such a name finds one. Cheaper than one of them. */
bool sys_env_has(const char *beginning);
/* Writes the name that the dynamic linker has for a function, else its file and
 * the place in it, else its address. */
void sys_function_name(rondo_fn fn, char *text, size_t size);
/* How many processors the process may use, at least 1. */
unsigned sys_cores(void);
/* How many of them it may keep busy: fewer, where its cgroup has a quota. */
unsigned sys_cores_usable(void);
/* The calling thread runs on one processor alone from now on: that of this
 * index among those that it may use, in turn. RONDO_ENOTSUP. */
int sys_thread_pin(unsigned index);
/* The soft limit of open descriptors; INT64_MAX: no limit. */
int64_t sys_descriptor_limit(void);
/* The longest path of a unix socket, in bytes; 0: no unix sockets. */
int64_t sys_unix_path_limit(void);
/* Capabilities of the platform; a backend may have fewer. */
bool sys_supports(rondo_capability what);

#endif
