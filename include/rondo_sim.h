/* rondo_sim.h - a simulated system: test a program of Rondo's under faults. */
/* SPDX-License-Identifier: MIT */
/** @file
 * A program that links with rondo::sim instead of rondo::rondo runs on virtual
 * time and a simulated network, in one process. One seed gives one run, event
 * for event: on each machine, at each optimization.
 *
 *     static void server(void *arg) { ... rondo_loop_run(loop); ... }
 *     static void client(void *arg) { ... }
 *
 *     static int scenario(uint64_t seed, void *arg)
 *     {
 *         rondo_sim_begin(RONDO_SIM(.seed = seed));
 *         int s = rondo_sim_add_host("server", "10.0.0.1", server, NULL);
 *         int c = rondo_sim_add_host("client", "10.0.0.2", client, NULL);
 *         rondo_sim_run_for(RONDO_SEC(1));
 *         rondo_sim_partition(s, c);
 *         rondo_sim_run_for(RONDO_SEC(10));
 *         rondo_sim_heal(s, c);
 *         rondo_sim_run_for(RONDO_SEC(60));
 *         rondo_sim_check(counter == 10, "the counter is %d", counter);
 *         return rondo_sim_end();
 *     }
 *
 *     int main(void) { return rondo_sim_try(1000, scenario, NULL); }
 *
 * doc/testing.md is the tutorial.
 *
 * Rules
 * - The driver is the thread that calls rondo_sim_begin. The hosts run only
 *   while the driver is in one of the rondo_sim_run_... functions.
 * - Each host's main is a thread. The loops, jobs and look-ups of a host are
 *   that host's. One thread of the world runs at a time.
 * - Hosts share the program's static variables: keep a host's state in what
 *   its `arg` points at, or in memory that its main allocates.
 * - A host starts no threads of its own with pthread_create: rondo_sim_thread
 *   and jobs of Rondo's executors are threads of the simulation.
 * - Real sockets, files, pipes, child processes and signals do not exist in a
 *   host. Rondo's calls use simulated ones; child processes are functions
 *   (rondo_sim_program). What is not simulated answers RONDO_ENOTSUP: terminals,
 *   named pipes, fork. Descriptors begin at
 *   1,000,000, so that a call past Rondo fails with EBADF.
 * - time(2), rand(3), the addresses of objects and reads of real files are not
 *   simulated: a program that uses them may run differently with one seed.
 * - The whole process runs on one processor core while a world exists.
 *
 * A function that can fail returns a negative RONDO_E..., and rondo_last_error
 * has the sentence. RONDO_EINVAL: no world exists, unless stated otherwise.
 */
#ifndef RONDO_SIM_H
#define RONDO_SIM_H

#include "rondo.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the world ---- */

/** What lies between two hosts, in one direction. */
typedef struct rondo_sim_link {
    int64_t latency_ns;       /**< each packet takes so long */
    int64_t jitter_ns;        /**< and up to so much longer, by chance */
    int64_t bytes_per_second; /**< 0: no limit */
    double loss; /**< the share of packets that are lost. Streams send them
                    again after 200 ms, then 400 ms and so on; datagrams are
                    gone */
} rondo_sim_link;

/** Each fault, as X(name): a member of rondo_sim_faults. */
#define RONDO_SIM_FAULTS(X)                                                    \
    X(short_read)                                                              \
    X(short_write)                                                             \
    X(again)                                                                   \
    X(spurious)                                                                \
    X(late)                                                                    \
    X(early)                                                                   \
    X(split)                                                                   \
    X(no_descriptor)                                                           \
    X(no_file)                                                                 \
    X(no_buffers)                                                              \
    X(no_memory)                                                               \
    X(no_thread)                                                               \
    X(accept_error)                                                            \
    X(reset)                                                                   \
    X(refuse)                                                                  \
    X(no_name)                                                                 \
    X(slow_name)                                                               \
    X(duplicate)                                                               \
    X(reorder)                                                                 \
    X(disk_full)                                                               \
    X(disk_error)                                                              \
    X(slow_disk)                                                               \
    X(stall)                                                                   \
    X(partition)                                                               \
    X(crash)                                                                   \
    X(no_process)                                                              \
    X(lost_change)

/** How often each fault happens: a share from 0 (never) to 1 (each time) of
 * the occasions. All are 0 unless set. */
typedef struct rondo_sim_faults {
    double short_read;  /**< a receive gives fewer bytes than there are */
    double short_write; /**< a send takes fewer bytes than there is room for */
    double again;       /**< EAGAIN from a receive, a send or an accept although
                           the socket is ready */
    double spurious;    /**< a wait reports a socket that is not ready */
    double late;        /**< a wait leaves out a ready socket; a later one
                           reports it */
    double early;       /**< a wait ends early, as after a signal (EINTR) */
    double split;       /**< what one send has sent arrives in two pieces */
    double
        no_descriptor; /**< EMFILE from socket, accept, dup, pipe and open, and
                             where descriptors arrive */
    double no_file;    /**< ENFILE from the same */
    double no_buffers; /**< ENOBUFS from a send or a connect */
    double no_memory;  /**< an allocation of the library's fails */
    double no_thread;  /**< a thread of the library's cannot start */
    double accept_error; /**< ECONNABORTED from an accept; the client is gone */
    double reset;   /**< a connection is reset, of the occasions on which bytes
                     arrive */
    double refuse;  /**< a connect is refused although a server listens */
    double no_name; /**< a look-up fails: RONDO_EAGAIN or RONDO_ENONAME */
    double slow_name;  /**< a look-up takes up to 10 s */
    double duplicate;  /**< a datagram arrives twice */
    double reorder;    /**< a datagram arrives up to 100 ms late */
    double disk_full;  /**< ENOSPC from what makes a file, or makes it longer */
    double disk_error; /**< EIO from a call on a file or a path */
    double slow_disk;  /**< ... takes up to 100 ms */
    double stall;      /**< a host stops for up to 1 s, of its waits */
    double
        partition; /**< two hosts, chosen by seed, are cut off from each other
                         for up to 10 s, one time of three in one way alone;
                         asked once a second */
    double crash; /**< a host, chosen by seed, crashes, and restarts after up to
                     10 s; asked once a second */
    double no_process;  /**< a child process cannot start: EAGAIN */
    double lost_change; /**< of a watched path: the program hears of the loss
                           (RONDO_PATH_OVERFLOW) */
} rondo_sim_faults;

/** How a world is made. */
typedef struct rondo_sim_options {
    size_t size;         /**< RONDO_SIM sets it */
    uint64_t seed;       /**< all that happens by chance follows from it */
    rondo_sim_link link; /**< between hosts without a link of their own. All 0:
                            1 ms, and up to 1 ms of jitter. A host reaches
                            itself at once */
    rondo_sim_faults faults; /**< from the beginning on */
    const char *backend;     /**< of loops that name none: "ready" (the default)
                            tells what is ready, as epoll; "done" carries
                            operations out, as Windows' ports and io_uring */
    int64_t give_up_ns; /**< a stream whose packets are not acknowledged for so
                           long ends with RONDO_ETIMEDOUT; 0: 2 minutes */
    size_t segment;     /**< the most bytes that arrive at once; 0: 16 KiB */
    size_t window;      /**< the room of a stream's receiver; 0: 128 KiB */
    unsigned descriptors; /**< of each host; 0: 1,024 */
    double switches;      /**< how often another thread of the host goes on at a
                        lock, an atomic access and the like; 0: 0.1 */
    FILE *trace;          /**< gets each event as a line; NULL: no trace */
} rondo_sim_options;

/** Options in place: `RONDO_SIM(.seed = 7)`. */
#define RONDO_SIM(...)                                                         \
    (&(rondo_sim_options){.size = sizeof(rondo_sim_options), __VA_ARGS__})

/** Makes the world. The calling thread is its driver. NULL: all defaults,
 * seed 0. RONDO_EBUSY: a world exists, and a process has one at a time;
 * RONDO_EINVAL: a rate is not from 0 to 1, or a number is negative;
 * RONDO_ENOTSUP: no such backend. */
RONDO_API int rondo_sim_begin(const rondo_sim_options *options);
/** Ends all hosts, as a crash does, and the world. Returns 0, or 1 after a
 * rondo_sim_check that did not hold. RONDO_EBUSY: called inside a run. */
RONDO_API int rondo_sim_end(void);
/** True while a world exists. */
RONDO_API bool rondo_sim_exists(void);

/* ---- hosts ---- */

/** A host's program. The host goes on when it returns, as a machine does. */
typedef void (*rondo_sim_main)(void *arg);

/** Adds a host and starts its main with the next run. The name is known to
 * rondo_getaddrinfo of all hosts. ip is the numeric address; NULL: one of
 * 10.0.0.0/8. Each host also has 127.0.0.1 and ::1. run is its main; NULL: a host
 * that does nothing. Returns its number, which is 0 for the first one. RONDO_EINVAL: no
 * name, one of more than 63 bytes, "localhost" or a numeric address as a name,
 * not a numeric address, or one that no host can have (0.0.0.0, loopback,
 * multicast); RONDO_EEXIST: a
 * host has that name or address; RONDO_ENOMEM. */
RONDO_API int rondo_sim_add_host(const char *name, const char *ip,
                                 rondo_sim_main run, void *arg);
/** Gives a host one more address, IPv4 or IPv6. Errors as above;
 * RONDO_ETOOMUCH: it has two already. */
RONDO_API int rondo_sim_add_ip(int host, const char *ip);
/** Makes a name known to the look-ups of all hosts; several calls give it
 * several addresses, in this order. RONDO_EINVAL: no name, one of more than 255
 * bytes, or one that is never looked up; not a numeric address. */
RONDO_API int rondo_sim_add_name(const char *name, const char *ip);
/** The number of a host. RONDO_ENONAME: there is none of that name. */
RONDO_API int rondo_sim_find_host(const char *name);
/** The host that calls; -1: the driver calls, or there is no world. */
RONDO_API int rondo_sim_self(void);

/** The power fails: the host's threads stop where they are, its memory and its
 * sockets are gone. Nobody is told. Memory of the program's own malloc is not
 * freed; rondo_sim_alloc's is. A thread of the host itself that calls this does
 * not return. RONDO_ENONAME: no such host. A host that is down: 0. */
RONDO_API int rondo_sim_crash(int host);
/** The process is killed: as a crash, but the host's system goes on, and
 * resets or ends its connections. */
RONDO_API int rondo_sim_kill(int host);
/** Starts main again, of a host that is down, or whose main and threads have
 * returned. RONDO_EBUSY: one of them is running. */
RONDO_API int rondo_sim_restart(int host);
/** The host's threads stop, as a process does at SIGSTOP; what arrives waits.
 * rondo_sim_resume lets it go on. Twice, or of a host that is down: 0. */
RONDO_API int rondo_sim_pause(int host);
RONDO_API int rondo_sim_resume(int host);
/** Sends the process of a host a signal, as kill(2). Its loops are told that watch
 * for the signal; a host that sends it to itself has been told when this returns.
 * Else it does what signals do: it ends the process (rondo_sim_kill), stops it
 * (SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU: rondo_sim_pause), lets it go on (SIGCONT)
 * or does nothing (SIGCHLD, SIGURG, SIGWINCH). RONDO_EINVAL: no such signal.
 * A host that is down, or whose main has returned: 0. */
RONDO_API int rondo_sim_signal(int host, int signum);
/** From now on the host's clock gains `drift` seconds each second. From -0.5 to
 * 1, else RONDO_EINVAL. */
RONDO_API int rondo_sim_set_drift(int host, double drift);
/** How many bytes its files may have together: then RONDO_ENOSPC. A host's files
 * stay when it is killed. A crash takes from them what was not synced: the bytes
 * of a file since rondo_file_sync of it, and the names of a directory since a
 * sync of the directory (RONDO_FILE_AS_DIRECTORY). */
RONDO_API int rondo_sim_set_disk(int host, int64_t bytes);
/** Its limit of open descriptors. */
RONDO_API int rondo_sim_set_descriptors(int host, unsigned most);
/** Its limit of memory in bytes, of the library's allocations and of
 * rondo_sim_alloc: beyond it they fail with RONDO_ENOMEM. 0: no limit, as at
 * first. What it has already stays. */
RONDO_API int rondo_sim_set_memory(int host, size_t most);
/** How much of that memory a host has. */
RONDO_API int64_t rondo_sim_count_memory(int host);

/* ---- the network ---- */

/** Sets the link in both directions, or in one. RONDO_EINVAL: a link to itself,
 * a negative number, a packet that takes more than a year, or a rate that is not
 * from 0 to 1. */
RONDO_API int rondo_sim_set_link(int a, int b, const rondo_sim_link *link);
RONDO_API int rondo_sim_set_link_one_way(int from, int to,
                                         const rondo_sim_link *link);
/** Cuts two hosts off from each other. Packets are lost; the hosts are not
 * told. RONDO_EINVAL: a link to itself. */
RONDO_API int rondo_sim_partition(int a, int b);
/** What `from` sends to `to` is lost, and the other way goes on. Of streams also
 * the acknowledgements for what `to` sends: it arrives, and `to` sends it again
 * until it gives up. */
RONDO_API int rondo_sim_partition_one_way(int from, int to);
RONDO_API int rondo_sim_heal(int a, int b);
/** Cuts a host off from all others, or joins it again. */
RONDO_API int rondo_sim_isolate(int host);
RONDO_API int rondo_sim_rejoin(int host);
/** Heals all partitions. */
RONDO_API int rondo_sim_heal_all(void);
/** Changes all rates of faults. RONDO_EINVAL: a rate is not from 0 to 1, or
 * NULL. */
RONDO_API int rondo_sim_set_faults(const rondo_sim_faults *faults);

/* ---- running ---- */

/** What a run ends with. */
enum {
    RONDO_SIM_DONE = 0, /**< the time is over, or the condition holds */
    RONDO_SIM_QUIET = 1 /**< nothing can happen any more: each thread has ended
                           or waits for another (a deadlock, or the end) */
};

/** Runs all hosts for so long. Goes on to the end of that time even if nothing
 * can happen. RONDO_EINVAL: a negative time; RONDO_EBUSY: called inside a
 * run, by a host. */
RONDO_API int rondo_sim_run_for(int64_t ns);
/** Runs until `holds` returns true, which is asked whenever a thread waits and
 * after each event, as the driver, and must only look; for `most_ns` at most.
 * RONDO_SIM_DONE, RONDO_SIM_QUIET; RONDO_ETIMEDOUT: the time is over. */
RONDO_API int rondo_sim_run_until(bool (*holds)(void *arg), void *arg,
                                  int64_t most_ns);
/** Runs until nothing can happen any more, for `most_ns` at most:
 * RONDO_SIM_QUIET or RONDO_ETIMEDOUT. */
RONDO_API int rondo_sim_run_quiet(int64_t most_ns);
/** Virtual time since the world began, in ns. */
RONDO_API int64_t rondo_sim_now(void);
/** Events so far, the switches between threads among them, and a number that
 * all of them have made: two runs with one hash were the same. */
RONDO_API uint64_t rondo_sim_events(void);
RONDO_API uint64_t rondo_sim_switches(void);
RONDO_API uint64_t rondo_sim_hash(void);
/** Writes what each thread of each host waits for. */
RONDO_API int rondo_sim_report(FILE *to);

/* ---- for hosts, and for the driver ---- */

/** A number from the world's chance; below n. n 0: any number. */
RONDO_API uint64_t rondo_sim_random(uint64_t n);
/** Writes a line to the trace. */
RONDO_PRINTF(1, 2) RONDO_API void rondo_sim_log(const char *format, ...);
/** If `holds` is false: the scenario has failed. The first such sentence is
 * kept; rondo_sim_end returns 1, and rondo_sim_try prints the sentence. Returns
 * `holds`. */
RONDO_PRINTF(2, 3)
RONDO_API bool rondo_sim_check(bool holds, const char *format, ...);
/** The sentence of the first check that did not hold; NULL: all did. Valid
 * until the next world begins. */
RONDO_API const char *rondo_sim_failure(void);
/** Blocks the calling thread of a host for so long. RONDO_EINVAL: the driver
 * calls, or a negative time. */
RONDO_API int rondo_sim_sleep(int64_t ns);
/** Starts a thread on the calling host. RONDO_EINVAL: the driver calls;
 * RONDO_ENOMEM. */
RONDO_API int rondo_sim_thread(void (*run)(void *arg), void *arg);
/** Memory of the calling host, zeroed. It is freed by rondo_sim_free, when the
 * host crashes, or when the world ends. NULL: no memory, or a fault. */
RONDO_API void *rondo_sim_alloc(size_t size);
RONDO_API void rondo_sim_free(void *p);

/* ---- sockets of a host's own ---- */

/* What socket(2), connect(2), send(2) and so on are on a real system, for
 * programs that give Rondo sockets of their own (rondo_add_reader,
 * rondo_sock_recv, rondo_adopt, ...), and for the other side of a test. They
 * are called by a host and block its thread for timeout_ns at most; 0: not at
 * all. Besides the errors of the network: RONDO_EINVAL (the driver calls),
 * RONDO_EBADF, and RONDO_EAGAIN when the time is over. */

/** Makes a stream or datagram socket, non-blocking to Rondo. A descriptor. */
RONDO_API rondo_fd rondo_sim_socket(rondo_family family, bool datagram);
/** Port 0 is one that is free. An unix address is a path of this host alone. */
RONDO_API int rondo_sim_bind(rondo_fd fd, const rondo_address *address);
/** backlog 0: the most. */
RONDO_API int rondo_sim_listen(rondo_fd fd, int backlog);
/** A descriptor. peer may be NULL. */
RONDO_API rondo_fd rondo_sim_accept(rondo_fd fd, rondo_address *peer,
                                    int64_t timeout_ns);
RONDO_API int rondo_sim_connect(rondo_fd fd, const rondo_address *address,
                                int64_t timeout_ns);
/** How many bytes: 1 at least, where there are any. */
RONDO_API int64_t rondo_sim_send(rondo_fd fd, const void *data, size_t size,
                                 int64_t timeout_ns);
/** How many bytes; 0: the peer has ended. */
RONDO_API int64_t rondo_sim_recv(rondo_fd fd, void *data, size_t size,
                                 int64_t timeout_ns);
/** One datagram. to NULL: to where the socket is connected. */
RONDO_API int64_t rondo_sim_send_to(rondo_fd fd, const void *data, size_t size,
                                    const rondo_address *to);
/** One datagram; what is longer than size is lost. from may be NULL. */
RONDO_API int64_t rondo_sim_recv_from(rondo_fd fd, void *data, size_t size,
                                      rondo_address *from, int64_t timeout_ns);
/** Ends the writing side: the peer reads the end. */
RONDO_API int rondo_sim_shutdown(rondo_fd fd);
/** reset: the peer of a stream sees a reset instead of an end. */
RONDO_API int rondo_sim_close(rondo_fd fd, bool reset);
/** One more descriptor of the same socket. */
RONDO_API rondo_fd rondo_sim_duplicate(rondo_fd fd);
/** One that has that number in the calling process, as dup2(2): below 1,000,000. What
 * had it before is closed. */
RONDO_API int rondo_sim_duplicate_to(rondo_fd fd, int number);
/** Its own address, or that of its peer: RONDO_ENOTCONN. */
RONDO_API int rondo_sim_address(rondo_fd fd, bool peer, rondo_address *address);
/** Sets how many bytes may be on their way to it, and from it. */
RONDO_API int rondo_sim_set_buffers(rondo_fd fd, size_t bytes);
/** IPV6_V6ONLY. An IPv6 socket that does not have it, as all have not at first,
 * takes IPv4, too, and shows such addresses as "::ffff:10.0.0.1". Set it before
 * rondo_sim_bind. RONDO_EINVAL: it is not an IPv6 socket, or has an address. */
RONDO_API int rondo_sim_set_v6only(rondo_fd fd, bool v6only);
/** How many descriptors a host has open. */
RONDO_API int rondo_sim_count_descriptors(int host);

/* ---- pipes and other descriptors of a host's own ---- */

/* For programs that give Rondo pipes of their own, and for the other side of a
 * test. They are called by a host, as the functions of sockets above, with the
 * same errors. */

/** A pipe, as pipe(2): ends[0] reads, ends[1] writes. It has room for 64 KiB,
 * or for rondo_sim_options.window bytes if those are fewer. */
RONDO_API int rondo_sim_pipe(rondo_fd ends[2]);
/** Two connected unix sockets, as socketpair(2). */
RONDO_API int rondo_sim_pair(rondo_fd ends[2]);
/** As sendmsg(2) and recvmsg(2) with SCM_RIGHTS: the descriptors travel with the
 * first byte, and are open until they have arrived. *count is how many there is
 * room for, then how many came; others are closed. RONDO_EMFILE: the host had no
 * room for all of them; the bytes and the descriptors are lost. */
RONDO_API int64_t rondo_sim_send_fds(rondo_fd fd, const void *data, size_t size,
                                     const rondo_fd *fds, size_t count);
RONDO_API int64_t rondo_sim_recv_fds(rondo_fd fd, void *data, size_t size,
                                     rondo_fd *fds, size_t *count,
                                     int64_t timeout_ns);
/** As rondo_sim_recv and rondo_sim_send, of any descriptor. RONDO_EPIPE: the
 * pipe has no reader. */
RONDO_API int64_t rondo_sim_read(rondo_fd fd, void *data, size_t size,
                                 int64_t timeout_ns);
RONDO_API int64_t rondo_sim_write(rondo_fd fd, const void *data, size_t size,
                                  int64_t timeout_ns);
/** 1: the descriptor is in blocking mode; 0: it is not. A new pipe is. Rondo
 * changes the mode of a pipe that it is lent, and changes it back. */
RONDO_API int rondo_sim_is_blocking(rondo_fd fd);
RONDO_API int rondo_sim_set_blocking(rondo_fd fd, bool blocking);
/** Opens a file, or a side of a FIFO, with the RONDO_FILE_... flags of
 * rondo_file_open. It does not wait for the other side of a FIFO: a writer that
 * would have no reader is refused (ENXIO). A path without "/" at its beginning
 * begins at the process's folder, which is "/" unless its parent has said
 * otherwise. A host has "/tmp" and "/dev/null" from the beginning on. */
RONDO_API rondo_fd rondo_sim_open(const char *path, unsigned flags);
RONDO_API int rondo_sim_make_fifo(const char *path);
/** Where the next rondo_sim_read or _write of a file begins; -1: where it would.
 * Returns the position. */
RONDO_API int64_t rondo_sim_seek(rondo_fd fd, int64_t position);
/** Sets a file's size; what is new is zeros. */
RONDO_API int rondo_sim_truncate(rondo_fd fd, int64_t size);
RONDO_API int rondo_sim_make_directory(const char *path);
/** Removes a file, or a directory with all that is in it. */
RONDO_API int rondo_sim_remove(const char *path);
/** As rename(2): what is at `to` is replaced. */
RONDO_API int rondo_sim_rename(const char *from, const char *to);
/** As chmod(2), and link(2). */
RONDO_API int rondo_sim_set_mode(const char *path, unsigned mode);
RONDO_API int rondo_sim_make_hard_link(const char *path, const char *name);
/** A symbolic link. */
RONDO_API int rondo_sim_make_link(const char *target, const char *path);
/** How many names are in a directory; 0: it is something else. RONDO_ENOENT. */
RONDO_API int rondo_sim_count_files(const char *path);
/** 1: both are descriptors of the same open socket, pipe or file; 0: not. */
RONDO_API int rondo_sim_same(rondo_fd a, rondo_fd b);

/* ---- child processes ---- */

/* What rondo_subprocess_exec starts on a host is a function of the program's. It
 * runs in a process of its own: with its own threads, loops, memory
 * (rondo_sim_alloc), descriptors and signals, on the disk and the network of its
 * host. It ends when the function returns, by rondo_sim_exit, or by a signal that
 * no loop of it watches for. Its descriptors are then closed, and its parent is
 * told. */

/** A program: what it returns is its exit code, of which 8 bits count. argv ends
 * with NULL. */
typedef int (*rondo_sim_program_main)(int argc, char **argv, void *arg);

/** Makes a program known to all hosts, by the name that rondo_subprocess_exec gets:
 * a path or not, it is compared as it is. rondo_subprocess_shell starts the
 * program "sh" with "-c" and the command. The name of a file on a host's disk is
 * answered with RONDO_EACCES, another one with RONDO_ENOENT. Another uid or gid
 * than 1000, which is each process's, is RONDO_EPERM. RONDO_EINVAL: no name or no
 * function; RONDO_EEXIST: there is a program of that name; RONDO_ENOMEM. */
RONDO_API int rondo_sim_program(const char *name, rondo_sim_program_main run,
                                void *arg);
/** Ends the calling process with that code. Does not return to a host; the main
 * of a host ends as by rondo_sim_kill. RONDO_EINVAL: the driver calls. */
RONDO_API int rondo_sim_exit(int code);
/** The number of the calling process, as getpid(2). */
RONDO_API int64_t rondo_sim_pid(void);
/** What rondo_process_options has made of a process. */
typedef struct rondo_sim_process {
    int64_t pid;
    int64_t parent; /**< 0: it has ended, or this is the main of a host */
    int64_t group, session;
    int umask, nice;
} rondo_sim_process;
/** Of the calling process. */
RONDO_API int rondo_sim_get_process(rondo_sim_process *about);
/** Sends a process of the calling host a signal, as kill(2). 0: none, it only looks
 * for the process. See rondo_sim_signal. RONDO_ESRCH: there is no such process. */
RONDO_API int rondo_sim_signal_process(int64_t pid, int signum);
/** The environment of the calling process, "NAME=value", with NULL at the end. That
 * of a host's main is empty, until it sets one. Its PATH counts for its children. */
RONDO_API const char *const *rondo_sim_environment(void);
RONDO_API int rondo_sim_set_environment(const char *const *list);
/** Writes the path of the calling process's folder. Returns its size, or
 * RONDO_ETOOMUCH: it has `room` bytes or more. */
RONDO_API int64_t rondo_sim_folder(char *path, size_t room);
/** Waits for a child of the calling process that Rondo need not tell of: as
 * waitpid(2), and with `status` NULL it stays to be waited for. RONDO_EAGAIN: it
 * runs; RONDO_ESRCH: there is no such child, or its end is known already. */
RONDO_API int rondo_sim_wait(int64_t pid, rondo_exit *status,
                             int64_t timeout_ns);
/** How many processes a host has besides its main: those that run, or those that
 * have ended and that their parent has not waited for. */
RONDO_API int rondo_sim_count_children(int host, bool ended);

/* ---- many seeds ---- */

/** Makes a world from the seed, plays, and ends the world. Returns 0; anything
 * else: it has failed. */
typedef int (*rondo_sim_scenario)(uint64_t seed, void *arg);

/** Runs the scenario with the seeds 1 to `seeds`, on all processor cores, each
 * core in a process of its own. A failure is a scenario that does not return 0,
 * an end of its process (exit, abort, any signal), and a run that hangs: without
 * an event for 10 s, or without an end for 12 times as long, it is ended. After
 * a failure the seeds below it are still played. Then the trial prints the lowest
 * seed that fails, the sentence of rondo_sim_check, what everybody waited for if
 * rondo_sim_run_until ended with RONDO_SIM_QUIET, the command that repeats it,
 * and the fewest faults with which it still fails. A call of this header that made
 * no sense, such as a partition of a host that does not exist, is told, too.
 * Prints to stderr, the sentences of its own errors, too. Returns 0: all seeds
 * passed; 1: one failed.
 *
 * These variables of the environment change what it does:
 * - RONDO_SIM_SEED=n: runs this seed alone, in this process, for a debugger;
 * - RONDO_SIM_SEEDS=n: that many seeds;
 * - RONDO_SIM_KEEP="reset:3 late:17": of the faults that would happen only
 *   these do, with RONDO_SIM_SEED;
 * - RONDO_SIM_TRACE=file: writes the trace to that file, with RONDO_SIM_SEED;
 * - RONDO_SIM_TIMEOUT=seconds: instead of the 10 s; 0: none. Of RONDO_SIM_SEED
 *   there is none unless it is set.
 *
 * RONDO_EBUSY: a world exists; RONDO_EINVAL: no scenario, no seeds, or a
 * variable that makes no sense; RONDO_EIO: the trace cannot be written. */
RONDO_API int rondo_sim_try(uint64_t seeds, rondo_sim_scenario scenario,
                            void *arg);
/** Runs the scenario twice with one seed and compares all events. Returns 0:
 * both runs were the same; 1: it prints the first difference to `to`. */
RONDO_API int rondo_sim_compare(uint64_t seed, rondo_sim_scenario scenario,
                                void *arg, FILE *to);

#ifdef __cplusplus
}
#endif

#endif
