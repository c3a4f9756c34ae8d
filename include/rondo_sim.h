/* rondo_sim.h - a simulated system: test a program of Rondo's under faults. */
/* SPDX-License-Identifier: MIT */
/**
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
 * Rules:
 * - The driver is the thread that calls rondo_sim_begin. The hosts run only
 *   while the driver is in one of the rondo_sim_run_... functions.
 * - Each host's main is a thread. The loops, jobs and look-ups of a host are
 *   that host's. One thread of the world runs at a time.
 * - Hosts share the program's static variables: keep a host's state in what
 *   its `arg` points at, or in memory that its main allocates.
 * - A host must not start threads with pthread_create: the threads of the
 *   simulation are those of rondo_sim_thread and the jobs of Rondo's executors.
 * - Real sockets, files, pipes, child processes and signals do not exist in a
 *   host. Rondo's calls use simulated ones, and child processes are functions
 *   (rondo_sim_program). What is not simulated returns RONDO_ENOTSUP: terminals,
 *   named pipes, fork. Descriptors begin at 1,000,000, so that a system call of
 *   the program fails with EBADF.
 * - time(2), rand(3), the addresses of objects and reads of real files are not
 *   simulated: a program that uses them may run differently with one seed.
 * - The whole process runs on one processor core while a world exists.
 *
 * Errors. A function that can fail returns a negative RONDO_E..., and
 * rondo_last_error has the sentence. A function that returns int, and whose
 * comment names no other result, returns 0. Without a world each function
 * returns RONDO_EINVAL, unless its comment says otherwise.
 */
#ifndef RONDO_SIM_H
#define RONDO_SIM_H

#include "rondo.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the world ---- */
/* Stability: young; since 0.1. */

/** What lies between two hosts, in one direction. */
typedef struct rondo_sim_link {
    int64_t latency_ns;       /**< how long each packet takes */
    int64_t jitter_ns;        /**< up to so much longer, by chance */
    int64_t bytes_per_second; /**< 0: no limit */
    /** The share of packets that are lost. Streams send them again after 200
     * ms, then 400 ms and so on; datagrams are gone. */
    double loss;
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

/** How often each fault happens: a share from 0 (never) to 1 (always) of the
 * occasions. All are 0 unless set. */
typedef struct rondo_sim_faults {
    double short_read;  /**< a receive gives fewer bytes than there are */
    double short_write; /**< a send takes fewer bytes than there is room for */
    /** EAGAIN from a receive, a send or an accept although the socket is
     * ready */
    double again;
    double spurious; /**< a wait reports a socket that is not ready */
    /** a wait leaves out a ready socket; a later wait reports it */
    double late;
    double early; /**< a wait ends early, as after a signal (EINTR) */
    double split; /**< the bytes of one send arrive in two pieces */
    /** EMFILE from socket, accept, dup, pipe and open, and where descriptors
     * arrive */
    double no_descriptor;
    double no_file;      /**< ENFILE from the same */
    double no_buffers;   /**< ENOBUFS from a send or a connect */
    double no_memory;    /**< an allocation of the library fails */
    double no_thread;    /**< a thread of the library cannot start */
    double accept_error; /**< ECONNABORTED from an accept; the client is gone */
    /** a connection is reset, on the occasions on which bytes arrive */
    double reset;
    double refuse;     /**< a connect is refused although a server listens */
    double no_name;    /**< a look-up fails: RONDO_EAGAIN or RONDO_ENONAME */
    double slow_name;  /**< a look-up takes up to 10 s */
    double duplicate;  /**< a datagram arrives twice */
    double reorder;    /**< a datagram arrives up to 100 ms late */
    double disk_full;  /**< ENOSPC from a call that makes or lengthens a file */
    double disk_error; /**< EIO from a call on a file or a path */
    double slow_disk;  /**< a call on a file or a path takes up to 100 ms */
    /** a host stops for up to 1 s, on the occasions of its waits */
    double stall;
    /** Two hosts, chosen by the seed, are cut off from each other for up to 10
     * s, one time in three in one direction only. The occasion comes once a
     * second. */
    double partition;
    /** A host, chosen by the seed, crashes, and restarts after up to 10 s. The
     * occasion comes once a second. */
    double crash;
    double no_process; /**< a child process cannot start: EAGAIN */
    /** a change of a watched path is lost, and the program is told of the loss
     * (RONDO_PATH_OVERFLOW) */
    double lost_change;
} rondo_sim_faults;

/** How a world is made. */
typedef struct rondo_sim_options {
    size_t size;   /**< RONDO_SIM sets it */
    uint64_t seed; /**< everything that happens by chance follows from it */
    /** Between hosts without a link of their own. All 0: 1 ms, and up to 1 ms
     * of jitter. A host reaches itself at once. */
    rondo_sim_link link;
    rondo_sim_faults faults; /**< from the beginning on */
    /** The backend of loops that name none. "ready", the default, tells what is
     * ready, as epoll does; "done" carries operations out, as Windows' ports
     * and io_uring do. */
    const char *backend;
    /** A stream whose packets are not acknowledged for this time ends with
     * RONDO_ETIMEDOUT. 0: 2 minutes. */
    int64_t give_up_ns;
    size_t segment;       /**< the most bytes that arrive at once. 0: 16 KiB */
    size_t window;        /**< the room of a stream's receiver. 0: 128 KiB */
    unsigned descriptors; /**< the most of each host. 0: 1,024 */
    /** How often another thread of the host goes on at a lock, an atomic access
     * and similar. 0: 0.1. */
    double switches;
    FILE *trace; /**< gets each event as a line. NULL: no trace */
} rondo_sim_options;

/** Options in place: RONDO_SIM(.seed = 7). */
#define RONDO_SIM(...)                                                         \
    (&(rondo_sim_options){.size = sizeof(rondo_sim_options), __VA_ARGS__})

/**
 * Makes the world. The calling thread is its driver. options NULL: all
 * defaults, seed 0.
 *
 * Returns 0, or an error:
 * - RONDO_EBUSY: a world exists; a process has one at a time
 * - RONDO_EINVAL: a rate is not from 0 to 1, or a number is negative
 * - RONDO_ENOTSUP: there is no such backend
 */
RONDO_API int rondo_sim_begin(const rondo_sim_options *options);
/** Ends all hosts, as a crash does, and the world. Returns 0; 1: a
 * rondo_sim_check did not hold; RONDO_EBUSY: called inside a run. */
RONDO_API int rondo_sim_end(void);
/** Returns whether a world exists. */
RONDO_API bool rondo_sim_exists(void);

/* ---- hosts ---- */
/* Stability: young; since 0.1. */

/** A host's program. The host goes on when it returns, as a machine does. */
typedef void (*rondo_sim_main)(void *arg);

/**
 * Adds a host. The next run starts its main. `run` is the main; NULL: a host
 * that does nothing. All hosts can look up the name. ip is the host's numeric
 * address; NULL: one of 10.0.0.0/8. Each host also has 127.0.0.1 and ::1.
 *
 * Returns the host's number, which is 0 for the first host, or an error:
 * - RONDO_EINVAL: no name; a name of more than 63 bytes, "localhost", or a
 *   numeric address as a name; not a numeric address, or one that no host can
 *   have (0.0.0.0, loopback, multicast)
 * - RONDO_EEXIST: a host has that name or address
 * - RONDO_ENOMEM
 */
RONDO_API int rondo_sim_add_host(const char *name, const char *ip,
                                 rondo_sim_main run, void *arg);
/** Gives a host one more address, IPv4 or IPv6. Returns 0, or an error as
 * rondo_sim_add_host; RONDO_ETOOMUCH: it has two already. */
RONDO_API int rondo_sim_add_ip(int host, const char *ip);
/** Makes a name known to the look-ups of all hosts. Several calls give it
 * several addresses, in this order. Returns 0, or RONDO_EINVAL: no name, a
 * name of more than 255 bytes, or one that is never looked up; or not a
 * numeric address. */
RONDO_API int rondo_sim_add_name(const char *name, const char *ip);
/** Returns the number of a host, or RONDO_ENONAME: there is none of that
 * name. */
RONDO_API int rondo_sim_find_host(const char *name);
/** Returns the number of the host that calls; -1: the driver calls, or there is
 * no world. */
RONDO_API int rondo_sim_self(void);

/**
 * Crashes a host, as if the power failed: its threads stop where they are, and
 * its memory and its sockets are gone. Other hosts are not told. Memory of the
 * program's own malloc is not freed; that of rondo_sim_alloc is. A thread of
 * the host itself that calls this does not return.
 *
 * Returns 0, also for a host that is down; RONDO_ENONAME: there is no such
 * host.
 */
RONDO_API int rondo_sim_crash(int host);
/** Kills a host's process: as rondo_sim_crash, but the host's system goes on,
 * and resets or ends its connections. */
RONDO_API int rondo_sim_kill(int host);
/** Starts main again, of a host that is down, or whose main and threads have
 * returned. Returns 0, or RONDO_EBUSY: one of them is running. */
RONDO_API int rondo_sim_restart(int host);
/** Stops the host's threads, as SIGSTOP does; what arrives waits. Returns 0,
 * also if they are stopped or the host is down. */
RONDO_API int rondo_sim_pause(int host);
/** Lets the host's threads go on after rondo_sim_pause. Returns as
 * rondo_sim_pause. */
RONDO_API int rondo_sim_resume(int host);
/**
 * Sends a signal to the process of a host, as kill(2). Its loops that watch for
 * the signal are told; if a host sends it to itself, they have been told when
 * this returns. Otherwise the signal acts as usual: it ends the process
 * (rondo_sim_kill), stops it (SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU:
 * rondo_sim_pause), lets it go on (SIGCONT) or does nothing (SIGCHLD, SIGURG,
 * SIGWINCH).
 *
 * Returns 0, also for a host that is down, or whose main has returned;
 * RONDO_EINVAL: there is no such signal.
 */
RONDO_API int rondo_sim_signal(int host, int signum);
/** Makes the host's clock gain `drift` seconds each second, from now on.
 * Returns 0, or RONDO_EINVAL: not from -0.5 to 1. */
RONDO_API int rondo_sim_set_drift(int host, double drift);
/**
 * Limits how many bytes the host's files may have together: beyond it is
 * RONDO_ENOSPC.
 *
 * A host's files stay when it is killed. A crash takes from them what was not
 * synced: the bytes of a file since its last rondo_file_sync, and the names in
 * a directory since the last sync of the directory (RONDO_FILE_AS_DIRECTORY).
 */
RONDO_API int rondo_sim_set_disk(int host, int64_t bytes);
/** Limits how many descriptors the host may have open. */
RONDO_API int rondo_sim_set_descriptors(int host, unsigned most);
/** Limits the host's memory in bytes: that of the library's allocations and of
 * rondo_sim_alloc, which fail with RONDO_ENOMEM beyond it. 0: no limit, the
 * default. What the host has already stays. */
RONDO_API int rondo_sim_set_memory(int host, size_t most);
/** Returns how much of that memory a host has. */
RONDO_API int64_t rondo_sim_count_memory(int host);

/* ---- the network ---- */
/* Stability: young; since 0.1. */

/** Sets the link between two hosts in both directions. Returns 0, or
 * RONDO_EINVAL: a link of a host to itself, a negative number, a packet that
 * takes more than a year, or a rate that is not from 0 to 1. */
RONDO_API int rondo_sim_set_link(int a, int b, const rondo_sim_link *link);
/** Sets the link in one direction. Returns as rondo_sim_set_link. */
RONDO_API int rondo_sim_set_link_one_way(int from, int to,
                                         const rondo_sim_link *link);
/** Cuts two hosts off from each other: packets are lost, and the hosts are not
 * told. Returns 0, or RONDO_EINVAL: a host and itself. */
RONDO_API int rondo_sim_partition(int a, int b);
/** Loses what `from` sends to `to`; the other direction goes on. The
 * acknowledgements for what `to` sends in a stream are lost, too: the bytes
 * arrive, and `to` sends them again until it gives up. Returns as
 * rondo_sim_partition. */
RONDO_API int rondo_sim_partition_one_way(int from, int to);
/** Ends a partition of two hosts, in both directions. */
RONDO_API int rondo_sim_heal(int a, int b);
/** Cuts a host off from all others. */
RONDO_API int rondo_sim_isolate(int host);
/** Ends the partitions of a host. */
RONDO_API int rondo_sim_rejoin(int host);
/** Ends all partitions. */
RONDO_API int rondo_sim_heal_all(void);
/** Changes the rates of all faults. Returns 0, or RONDO_EINVAL: a rate is not
 * from 0 to 1, or NULL. */
RONDO_API int rondo_sim_set_faults(const rondo_sim_faults *faults);

/* ---- running ---- */
/* Stability: young; since 0.1. */

/** How a run ends. */
enum {
    RONDO_SIM_DONE = 0, /**< the time is over, or the condition holds */
    RONDO_SIM_QUIET = 1 /**< nothing can happen any more: each thread has ended
                           or waits for another (a deadlock, or the end) */
};

/** Runs all hosts for this time, also if nothing can happen any more. Returns
 * 0; RONDO_EINVAL: a negative time; RONDO_EBUSY: called inside a run, by a
 * host. */
RONDO_API int rondo_sim_run_for(int64_t ns);
/**
 * Runs until `holds` returns true, at most for `most_ns`. `holds` is called on
 * the driver whenever a thread waits and after each event, and must only look.
 *
 * Returns RONDO_SIM_DONE, RONDO_SIM_QUIET, or RONDO_ETIMEDOUT: the time has
 * passed.
 */
RONDO_API int rondo_sim_run_until(bool (*holds)(void *arg), void *arg,
                                  int64_t most_ns);
/** Runs until nothing can happen any more, at most for `most_ns`. Returns
 * RONDO_SIM_QUIET or RONDO_ETIMEDOUT. */
RONDO_API int rondo_sim_run_quiet(int64_t most_ns);
/** Returns the virtual time since the world began, in nanoseconds. */
RONDO_API int64_t rondo_sim_now(void);
/** Returns how many events there were, with the switches between threads. */
RONDO_API uint64_t rondo_sim_events(void);
/** Returns how many switches between threads there were. */
RONDO_API uint64_t rondo_sim_switches(void);
/** Returns a hash of all events: two runs with one hash were the same. */
RONDO_API uint64_t rondo_sim_hash(void);
/** Writes what each thread of each host waits for. */
RONDO_API int rondo_sim_report(FILE *to);

/* ---- for hosts, and for the driver ---- */
/* Stability: young; since 0.1. */

/** Returns a random number below n, which follows from the seed; n 0: any
 * number. */
RONDO_API uint64_t rondo_sim_random(uint64_t n);
/** Writes a line to the trace. */
RONDO_PRINTF(1, 2) RONDO_API void rondo_sim_log(const char *format, ...);
/** Fails the scenario if `holds` is false. The first such sentence is kept:
 * rondo_sim_end then returns 1, and rondo_sim_try prints the sentence. Returns
 * `holds`. */
RONDO_PRINTF(2, 3)
RONDO_API bool rondo_sim_check(bool holds, const char *format, ...);
/** Returns the sentence of the first check that did not hold, valid until the
 * next world begins; NULL: all did. */
RONDO_API const char *rondo_sim_failure(void);
/** Blocks the calling thread of a host for this time. Returns 0, or
 * RONDO_EINVAL: the driver calls, or a negative time. */
RONDO_API int rondo_sim_sleep(int64_t ns);
/** Starts a thread on the calling host. Returns 0, RONDO_ENOMEM, or
 * RONDO_EINVAL: the driver calls. */
RONDO_API int rondo_sim_thread(void (*run)(void *arg), void *arg);
/** Allocates zeroed memory for the calling host. rondo_sim_free, a crash of the
 * host, or the end of the world frees it. Returns NULL if there is no memory,
 * or as a fault. */
RONDO_API void *rondo_sim_alloc(size_t size);
/** Frees memory of rondo_sim_alloc. */
RONDO_API void rondo_sim_free(void *p);

/* ---- sockets of a host's own ---- */
/* Stability: young; since 0.1. */

/*
 * These functions are what socket(2), connect(2), send(2) and so on are on a
 * real system: for programs that give Rondo sockets of their own
 * (rondo_add_reader, rondo_sock_recv, rondo_adopt, ...), and for the other side
 * of a test. A host calls them. They block its thread for at most timeout_ns;
 * 0: not at all. Besides the errors of the network they return RONDO_EINVAL
 * (the driver calls), RONDO_EBADF, and RONDO_EAGAIN when the time has passed.
 */

/* What socket(2), connect(2), send(2) and so on are on a real system, for
 * programs that give Rondo sockets of their own (rondo_add_reader,
 * rondo_sock_recv, rondo_adopt, ...), and for the other side of a test. They
 * are called by a host and block its thread for timeout_ns at most; 0: not at
 * all. Besides the errors of the network: RONDO_EINVAL (the driver calls),
 * RONDO_EBADF, and RONDO_EAGAIN when the time is over. */

/** Makes a stream or datagram socket, which is non-blocking to Rondo. Returns a
 * descriptor. */
RONDO_API rondo_fd rondo_sim_socket(rondo_family family, bool datagram);
/** Binds a socket. Port 0 is one that is free. A unix address is a path of this
 * host. */
RONDO_API int rondo_sim_bind(rondo_fd fd, const rondo_address *address);
/** Listens. backlog 0: the most. */
RONDO_API int rondo_sim_listen(rondo_fd fd, int backlog);
/** Accepts a connection. peer may be NULL. Returns a descriptor. */
RONDO_API rondo_fd rondo_sim_accept(rondo_fd fd, rondo_address *peer,
                                    int64_t timeout_ns);
/** Connects. */
RONDO_API int rondo_sim_connect(rondo_fd fd, const rondo_address *address,
                                int64_t timeout_ns);
/** Sends bytes. Returns how many: 1 at least, if there are any. */
RONDO_API int64_t rondo_sim_send(rondo_fd fd, const void *data, size_t size,
                                 int64_t timeout_ns);
/** Receives bytes. Returns how many; 0: the peer has ended. */
RONDO_API int64_t rondo_sim_recv(rondo_fd fd, void *data, size_t size,
                                 int64_t timeout_ns);
/** Sends one datagram. `to` NULL: to where the socket is connected. */
RONDO_API int64_t rondo_sim_send_to(rondo_fd fd, const void *data, size_t size,
                                    const rondo_address *to);
/** Receives one datagram; what is beyond size bytes is lost. from may be
 * NULL. */
RONDO_API int64_t rondo_sim_recv_from(rondo_fd fd, void *data, size_t size,
                                      rondo_address *from, int64_t timeout_ns);
/** Ends the writing side: the peer reads the end. */
RONDO_API int rondo_sim_shutdown(rondo_fd fd);
/** Closes a descriptor. reset: the peer of a stream sees a reset instead of an
 * end. */
RONDO_API int rondo_sim_close(rondo_fd fd, bool reset);
/** Returns one more descriptor of the same socket. */
RONDO_API rondo_fd rondo_sim_duplicate(rondo_fd fd);
/** Returns a descriptor of the same socket that has this number in the calling
 * process, as dup2(2): below 1,000,000. It closes what had the number before. */
RONDO_API int rondo_sim_duplicate_to(rondo_fd fd, int number);
/** Gets a socket's own address, or that of its peer. Returns 0, or
 * RONDO_ENOTCONN. */
RONDO_API int rondo_sim_address(rondo_fd fd, bool peer, rondo_address *address);
/** Sets how many bytes may be on their way to a socket, and from it. */
RONDO_API int rondo_sim_set_buffers(rondo_fd fd, size_t bytes);
/** Sets IPV6_V6ONLY, before rondo_sim_bind. An IPv6 socket without it, the
 * default, also takes IPv4, and shows such addresses as "::ffff:10.0.0.1".
 * Returns 0, or RONDO_EINVAL: not an IPv6 socket, or it has an address. */
RONDO_API int rondo_sim_set_v6only(rondo_fd fd, bool v6only);
/** Returns how many descriptors a host has open. */
RONDO_API int rondo_sim_count_descriptors(int host);

/* ---- pipes and other descriptors of a host's own ---- */
/* Stability: young; since 0.1. */

/*
 * For programs that give Rondo pipes of their own, and for the other side of a
 * test. A host calls these functions; they have the errors of the functions of
 * sockets.
 */

/* For programs that give Rondo pipes of their own, and for the other side of a
 * test. They are called by a host, as the functions of sockets above, with the
 * same errors. */

/** Makes a pipe, as pipe(2): ends[0] reads, ends[1] writes. It has room for 64
 * KiB, or for rondo_sim_options.window bytes if those are fewer. */
RONDO_API int rondo_sim_pipe(rondo_fd ends[2]);
/** Makes two connected unix sockets, as socketpair(2). */
RONDO_API int rondo_sim_pair(rondo_fd ends[2]);
/** Sends bytes and descriptors, as sendmsg(2) with SCM_RIGHTS. The descriptors
 * travel with the first byte, and stay open until they have arrived. */
RONDO_API int64_t rondo_sim_send_fds(rondo_fd fd, const void *data, size_t size,
                                     const rondo_fd *fds, size_t count);
/** Receives bytes and descriptors, as recvmsg(2) with SCM_RIGHTS. *count is how
 * many there is room for, then how many came; further ones are closed.
 * RONDO_EMFILE: the host had no room for all of them; the bytes and the
 * descriptors are lost. */
RONDO_API int64_t rondo_sim_recv_fds(rondo_fd fd, void *data, size_t size,
                                     rondo_fd *fds, size_t *count,
                                     int64_t timeout_ns);
/** Reads from any descriptor, as rondo_sim_recv. */
RONDO_API int64_t rondo_sim_read(rondo_fd fd, void *data, size_t size,
                                 int64_t timeout_ns);
/** Writes to any descriptor, as rondo_sim_send. RONDO_EPIPE: the pipe has no
 * reader. */
RONDO_API int64_t rondo_sim_write(rondo_fd fd, const void *data, size_t size,
                                  int64_t timeout_ns);
/** Returns 1: the descriptor is in blocking mode, as a new pipe is; 0: it is
 * not. Rondo changes the mode of a pipe that it borrows, and restores it. */
RONDO_API int rondo_sim_is_blocking(rondo_fd fd);
/** Sets the blocking mode of a descriptor. */
RONDO_API int rondo_sim_set_blocking(rondo_fd fd, bool blocking);
/** Opens a file, or a side of a FIFO, with the RONDO_FILE_... flags of
 * rondo_file_open. It does not wait for the other side of a FIFO: a writer
 * without a reader is refused (ENXIO). A path without "/" at its beginning
 * begins at the process's directory, which is "/" unless its parent has set
 * another. A host has "/tmp" and "/dev/null" from the beginning on. */
RONDO_API rondo_fd rondo_sim_open(const char *path, unsigned flags);
/** Makes a FIFO. */
RONDO_API int rondo_sim_make_fifo(const char *path);
/** Sets where the next rondo_sim_read or rondo_sim_write of a file begins; -1:
 * leaves it. Returns the position. */
RONDO_API int64_t rondo_sim_seek(rondo_fd fd, int64_t position);
/** Sets a file's size; new bytes are zeros. */
RONDO_API int rondo_sim_truncate(rondo_fd fd, int64_t size);
/** Makes a directory. */
RONDO_API int rondo_sim_make_directory(const char *path);
/** Removes a file, or a directory with all that is in it. */
RONDO_API int rondo_sim_remove(const char *path);
/** Renames a file, as rename(2): it replaces what is at `to`. */
RONDO_API int rondo_sim_rename(const char *from, const char *to);
/** Sets a file's mode, as chmod(2). */
RONDO_API int rondo_sim_set_mode(const char *path, unsigned mode);
/** Makes one more name of a file, as link(2). */
RONDO_API int rondo_sim_make_hard_link(const char *path, const char *name);
/** Makes a symbolic link. */
RONDO_API int rondo_sim_make_link(const char *target, const char *path);
/** Returns how many names are in a directory; 0: it is something else;
 * RONDO_ENOENT. */
RONDO_API int rondo_sim_count_files(const char *path);
/** Returns 1: both are descriptors of the same open socket, pipe or file; 0:
 * they are not. */
RONDO_API int rondo_sim_same(rondo_fd a, rondo_fd b);

/* ---- child processes ---- */
/* Stability: young; since 0.1. */

/*
 * What rondo_subprocess_exec starts on a host is a function of the program. It
 * runs in a process of its own: with its own threads, loops, memory
 * (rondo_sim_alloc), descriptors and signals, on the disk and the network of
 * its host. The process ends when the function returns, by rondo_sim_exit, or
 * by a signal that none of its loops watches for. Its descriptors are then
 * closed, and its parent is told.
 */

/** The main function of a program. It returns the exit code, of which 8 bits
 * count. argv ends with NULL. */
typedef int (*rondo_sim_program_main)(int argc, char **argv, void *arg);

/**
 * Makes a program known to all hosts, by the name that rondo_subprocess_exec is
 * given; whether it is a path or not, it is compared as it is.
 * rondo_subprocess_shell starts the program "sh" with "-c" and the command.
 *
 * A start with the name of a file on the host's disk is RONDO_EACCES, with
 * another name RONDO_ENOENT. Another uid or gid than 1000, which each process
 * has, is RONDO_EPERM.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: no name, or no function
 * - RONDO_EEXIST: there is a program of that name
 * - RONDO_ENOMEM
 */
RONDO_API int rondo_sim_program(const char *name, rondo_sim_program_main run,
                                void *arg);
/** Ends the calling process with an exit code, and does not return. The main of
 * a host ends as by rondo_sim_kill. Returns RONDO_EINVAL: the driver calls. */
RONDO_API int rondo_sim_exit(int code);
/** Returns the number of the calling process, as getpid(2). */
RONDO_API int64_t rondo_sim_pid(void);
/** What rondo_process_options has made of a process. */
typedef struct rondo_sim_process {
    int64_t pid; /**< its number */
    /** Its parent's number. 0: the parent has ended, or this is the main of a
     * host. */
    int64_t parent;
    int64_t group;   /**< its process group */
    int64_t session; /**< its session */
    int umask;       /**< its file mode mask */
    int nice;        /**< its nice value */
} rondo_sim_process;
/** Fills in what rondo_process_options has made of the calling process. Returns
 * 0. */
RONDO_API int rondo_sim_get_process(rondo_sim_process *about);
/** Sends a signal to a process of the calling host, as kill(2). signum 0 only
 * looks for the process. See rondo_sim_signal. Returns 0, or RONDO_ESRCH:
 * there is no such process. */
RONDO_API int rondo_sim_signal_process(int64_t pid, int signum);
/** Returns the environment of the calling process, "NAME=value", with NULL at the
 * end. That of a host's main is empty until it sets one. */
RONDO_API const char *const *rondo_sim_environment(void);
/** Sets the environment of the calling process; the list is copied. Its PATH
 * counts for its children. */
RONDO_API int rondo_sim_set_environment(const char *const *list);
/** Writes the path of the calling process's folder. Returns its size, or
 * RONDO_ETOOMUCH: it has `room` bytes or more. */
RONDO_API int64_t rondo_sim_folder(char *path, size_t room);
/**
 * Waits for a child of the calling process, as waitpid(2), for children that
 * Rondo need not tell of. With `status` NULL the child can be waited for again.
 *
 * Returns 0, or an error:
 * - RONDO_EAGAIN: it runs
 * - RONDO_ESRCH: there is no such child, or its end is known already
 */
RONDO_API int rondo_sim_wait(int64_t pid, rondo_exit *status,
                             int64_t timeout_ns);
/** Returns how many processes a host has besides its main: those that run, or
 * those that have ended and for which their parent has not waited. */
RONDO_API int rondo_sim_count_children(int host, bool ended);

/* ---- many seeds ---- */
/* Stability: young; since 0.1. */

/** Makes a world from the seed, plays, and ends the world. It returns 0; any
 * other result is a failure. */
typedef int (*rondo_sim_scenario)(uint64_t seed, void *arg);

/**
 * Runs the scenario with the seeds 1 to `seeds`, on all processor cores, each
 * core in a process of its own.
 *
 * These are failures:
 * - a scenario that does not return 0
 * - an end of its process: exit, abort, any signal
 * - a run that hangs: it is ended after 10 s without an event, or after 12
 *   times as long without an end
 *
 * After a failure the seeds below it are still played. Then the trial prints,
 * to stderr:
 * - the lowest seed that fails, and the sentence of rondo_sim_check
 * - what each thread waited for, if rondo_sim_run_until ended with
 *   RONDO_SIM_QUIET
 * - the command that repeats it, and the fewest faults with which it still
 *   fails
 * - a call of this header that made no sense, such as a partition of a host
 *   that does not exist
 *
 * These variables of the environment change what it does:
 * - RONDO_SIM_SEED=n: runs this seed alone, in this process, for a debugger
 * - RONDO_SIM_SEEDS=n: that many seeds
 * - RONDO_SIM_KEEP="reset:3 late:17": of the faults that would happen only
 *   these do, with RONDO_SIM_SEED
 * - RONDO_SIM_TRACE=file: writes the trace to that file, with RONDO_SIM_SEED
 * - RONDO_SIM_TIMEOUT=seconds: instead of the 10 s; 0: none. With
 *   RONDO_SIM_SEED there is none unless it is set.
 *
 * Returns 0: all seeds passed; 1: one failed; or an error, whose sentence it
 * prints:
 * - RONDO_EBUSY: a world exists
 * - RONDO_EINVAL: no scenario, no seeds, or an invalid variable
 * - RONDO_EIO: the trace cannot be written
 */
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
