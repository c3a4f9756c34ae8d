/* rondo.h - the public interface of Rondo, a portable event loop for C. */
/* SPDX-License-Identifier: MIT */
/**
 * Rondo has the shape of Python's asyncio: one loop object, callbacks, timers,
 * transports with protocols. Where a function follows an asyncio method, a
 * manual page or an RFC, its comment names it. What holds everywhere:
 *
 * Errors. A function that can fail returns a negative RONDO_E... number, the
 * same on every platform; the failure is then a sentence in rondo_last_error().
 * Any function can return RONDO_EINVAL (NULL where something is needed, a
 * value that makes no sense), RONDO_ENOMEM, RONDO_EFORKED (the loop came from
 * the parent process, see rondo_loop_after_fork), in debug mode RONDO_ETHREAD,
 * and, if it creates or schedules something, RONDO_ECLOSED while the loop is
 * being closed. The comments below name what else there is.
 *
 * Threads. A loop and all that belongs to it are used by the thread that made
 * the loop (or took it: rondo_loop_take). "Any thread" marks the exceptions. In
 * debug mode a call from another thread is RONDO_ETHREAD; functions that return
 * no error then do nothing but set rondo_last_error().
 *
 * Callbacks. They run on the loop's thread, from the loop, never inside the
 * call that caused them. (rondo_loop_close, the allocator, the line function
 * of rondo_loop_dump, rondo_loop_call_exception_handler and a filter's
 * functions, see rondo_filter, call directly.) A callback may close, abort,
 * cancel or stop anything, itself included.
 *
 * Names. Strings are UTF-8 and end with a NUL byte; those passed in are copied
 * where they are needed longer. Times are nanoseconds on the loop's monotonic
 * clock, durations are nanoseconds. In option structs zero is the default of
 * every member and `size` is sizeof the struct, so that programs compiled
 * against an older header go on working. Tables of functions (protocols,
 * filters, resolvers) have `reserved` members for that, which a program leaves
 * zero; a function that is given a table with a member of a later version is
 * RONDO_ENOTSUP.
 */
#ifndef RONDO_H
#define RONDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(RONDO_SHARED)
#ifdef RONDO_BUILDING
#define RONDO_API __declspec(dllexport)
#else
#define RONDO_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) && defined(RONDO_BUILDING)
#define RONDO_API __attribute__((__visibility__("default")))
#else
#define RONDO_API
#endif

#if defined(__clang__)
#define RONDO_MUST_CHECK __attribute__((__warn_unused_result__))
#define RONDO_PRINTF(format, first)                                            \
    __attribute__((__format__(__printf__, format, first)))
#elif defined(__GNUC__) /* plain "printf" is Microsoft's on some systems */
#define RONDO_MUST_CHECK __attribute__((__warn_unused_result__))
#define RONDO_PRINTF(format, first)                                            \
    __attribute__((__format__(__gnu_printf__, format, first)))
#else
#define RONDO_MUST_CHECK
#define RONDO_PRINTF(format, first)
#endif

#define RONDO_VERSION_MAJOR 0
#define RONDO_VERSION_MINOR 1
#define RONDO_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. basic types ---------------------------------------------------- */

/** An event loop. */
typedef struct rondo_loop rondo_loop;
/** One end of a stream connection. */
typedef struct rondo_transport rondo_transport;
/** One or more listening sockets and the clients that came through them. */
typedef struct rondo_server rondo_server;
/** A socket for datagrams. */
typedef struct rondo_datagram rondo_datagram;
/** A child process, and the pipes to it. */
typedef struct rondo_process rondo_process;
/** A counted sender of callbacks to a loop; outlives the loop. */
typedef struct rondo_remote rondo_remote;
/** Threads for jobs; outlives loops. */
typedef struct rondo_executor rondo_executor;
/** What a thread sees of the job that it is at. */
typedef struct rondo_job rondo_job;

/**
 * Names one pending thing (callback, timer, operation) of one loop. Valid ids
 * are > 0; 0 is never one, so it can mean "none"; a negative value returned
 * where an id is expected is an error. An id is never reused for a newer thing:
 * using one twice or too late is harmless.
 */
typedef int64_t rondo_id;

/**
 * What the system calls int, SOCKET or HANDLE. Unix: the descriptor. Windows:
 * a SOCKET or a HANDLE, never a descriptor of the C runtime.
 */
typedef intptr_t rondo_fd;
/** No descriptor. */
#define RONDO_NO_FD ((rondo_fd)-1)

/** n microseconds, milliseconds, seconds (n up to 9,223,372,036) in ns. */
#define RONDO_US(n)  ((int64_t)(n)*INT64_C(1000))
#define RONDO_MS(n)  ((int64_t)(n)*INT64_C(1000000))
#define RONDO_SEC(n) ((int64_t)(n)*INT64_C(1000000000))
/** A point in time that does not come; as a timeout: none. */
#define RONDO_NEVER INT64_MAX

/** A member that a table keeps for later versions: zero. */
typedef void (*rondo_reserved)(void);

/** Error numbers: far from -1 and from every -errno. */
typedef enum rondo_error {
    RONDO_OK = 0,
    RONDO_EOTHER = -20001,        /**< none of these: rondo_last_os_error */
    RONDO_EINVAL = -20002,        /**< an argument makes no sense */
    RONDO_ENOMEM = -20003,        /**< out of memory */
    RONDO_ENOTSUP = -20004,       /**< this platform or backend cannot */
    RONDO_EBUSY = -20005,         /**< in use, or running */
    RONDO_ECLOSED = -20006,       /**< closed, or closing */
    RONDO_ECANCELED = -20007,     /**< cancelled, or aborted by this side */
    RONDO_ETIMEDOUT = -20008,     /**< took too long */
    RONDO_ENOENT = -20009,        /**< no such thing */
    RONDO_EEXIST = -20010,        /**< exists already */
    RONDO_EACCES = -20011,        /**< permission denied */
    RONDO_EPERM = -20012,         /**< not permitted on this kind of thing */
    RONDO_EBADF = -20013,         /**< not an open descriptor */
    RONDO_EMFILE = -20014,        /**< the process or backend has no room */
    RONDO_ENFILE = -20015,        /**< the system has no room */
    RONDO_ENOBUFS = -20016,       /**< no buffer space */
    RONDO_EFORKED = -20017,       /**< the loop came through fork */
    RONDO_ETHREAD = -20018,       /**< not the loop's thread */
    RONDO_ENAMETOOLONG = -20019,  /**< name too long */
    RONDO_ENOTDIR = -20020,       /**< not a directory */
    RONDO_ENOEXEC = -20021,       /**< not a program */
    RONDO_EADDRINUSE = -20022,    /**< address in use */
    RONDO_EADDRNOTAVAIL = -20023, /**< address not of this machine */
    RONDO_EAFNOSUPPORT = -20024,  /**< address family not supported */
    RONDO_ECONNREFUSED = -20025,  /**< nobody listens there */
    RONDO_ECONNRESET = -20026,    /**< the peer reset the connection */
    RONDO_ECONNABORTED = -20027,  /**< gone before it was accepted */
    RONDO_EPIPE = -20028,         /**< writing has ended */
    RONDO_ENOTCONN = -20029,      /**< not connected */
    RONDO_EISCONN = -20030,       /**< connected already */
    RONDO_EHOSTUNREACH = -20031,  /**< no route to the host */
    RONDO_ENETUNREACH = -20032,   /**< no route to the network */
    RONDO_ENETDOWN = -20033,      /**< the network is down */
    RONDO_EMSGSIZE = -20034,      /**< message too large */
    RONDO_ENOTSOCK = -20035,      /**< not a socket */
    RONDO_EIO = -20036,           /**< input or output error */
    RONDO_ENOSPC = -20037,        /**< no space left */
    RONDO_ESRCH = -20038,         /**< no such process */
    RONDO_ENONAME = -20039,       /**< look-up: no such host or service */
    RONDO_EAGAIN = -20040,        /**< not now: try again later */
    RONDO_EPROTO = -20041,        /**< the peer broke the protocol */
    RONDO_ETOOMUCH = -20042,      /**< more than the limit given */
    RONDO_EOF = -20043,           /**< ended before what was asked for came */
    RONDO_EISDIR = -20044,        /**< a directory */
    RONDO_ENOTEMPTY = -20045,     /**< a directory that is not empty */
    RONDO_EFBIG = -20046,         /**< a file would be too large */
    RONDO_EROFS = -20047,         /**< on a read-only file system */
    RONDO_ELOOP = -20048,         /**< too many symbolic links in a path */
    RONDO_EXDEV = -20049          /**< not on the same file system */
} rondo_error;

/** One place to read into: readv(2)'s element, in iovec's order. */
typedef struct rondo_room {
    void *data;
    size_t size; /**< in bytes */
} rondo_room;

/** get_buffers is offered at least so many. */
#define RONDO_ROOMS 16

/** One piece of a gathered write: writev(2)'s element, in iovec's order. */
typedef struct rondo_buffer {
    const void *data;
    size_t size; /**< in bytes */
} rondo_buffer;

/** What an error number means: a static text, never NULL. Any thread. */
RONDO_API const char *rondo_strerror(int error);

/**
 * An error number's name without the prefix: "EACCES"; "OK" for 0; "unknown"
 * for a number that is none of Rondo's. Static, never NULL. Any thread.
 */
RONDO_API const char *rondo_error_name(int error);

/**
 * This thread's last failure as a sentence: what was tried, on what, and why,
 * for instance "create_server: cannot bind [::1]:80: permission denied
 * (EACCES)". Set by every function that fails, and before every callback that
 * carries an error. "" before the first failure, never NULL; valid until this
 * thread's next failure. Any thread.
 */
RONDO_API const char *rondo_last_error(void);

/** The system's own code (errno, GetLastError) of this thread's last failure;
 * 0 when it did not come from the system. Any thread. */
RONDO_API int64_t rondo_last_os_error(void);

/**
 * Sets both and returns the error (< 0): for a callback that ends something
 * with an error of its own, `return rondo_set_error(RONDO_EPROTO, "no hello")`
 * in a filter or a setup function; the sentence is then told wherever the error
 * is. RONDO_EINVAL: not an error. Any thread.
 */
RONDO_API int rondo_set_error(int error, const char *format, ...)
    RONDO_PRINTF(2, 3);

/** The library's version, "0.1.0". Static. Any thread. */
RONDO_API const char *rondo_version(void);

/** What the loop calls; every callback gets the loop. */
typedef void (*rondo_fn)(rondo_loop *loop, void *arg);

/** How an operation has ended: result >= 0 is a count or a value, < 0 a
 * RONDO_E... */
typedef void (*rondo_done_fn)(rondo_loop *loop, void *arg, int64_t result);

/* ---- addresses --------------------------------------------------------- */

/** The address families. ANY leaves the choice open. */
typedef enum rondo_family {
    RONDO_FAMILY_ANY = 0,
    RONDO_FAMILY_INET,
    RONDO_FAMILY_INET6,
    RONDO_FAMILY_UNIX
} rondo_family;

/**
 * A socket address. A value: copy it, compare it with rondo_address_equal,
 * never look inside. All zero it is the empty address, of RONDO_FAMILY_ANY. The
 * rondo_address_* functions need no loop and may be called from any thread.
 */
typedef struct rondo_address {
    union {
        unsigned char bytes[128];
        uint64_t align;
    } native;
    uint32_t native_size;
    uint32_t reserved;
} rondo_address;

/** Room enough for rondo_address_text, whatever the address. */
#define RONDO_ADDRESS_TEXT 160

/**
 * Makes an address of a numeric one: "127.0.0.1", "::1", "fe80::1%eth0". Names
 * are not looked up. 0, or RONDO_EINVAL: not a numeric address, or no such
 * scope. See inet_pton(3) and RFC 4007.
 */
RONDO_API int rondo_address_parse(rondo_address *a, const char *ip,
                                  uint16_t port);

/**
 * Makes the address of a unix socket from size bytes of path, without the NUL
 * byte. On Linux a path that begins with a NUL byte is an abstract name. 0,
 * RONDO_ENAMETOOLONG (RONDO_LIMIT_UNIX_PATH says how long one may be), or
 * RONDO_ENOTSUP where there are none. See unix(7).
 */
RONDO_API int rondo_address_unix(rondo_address *a, const char *path,
                                 size_t size);

/** Takes a struct sockaddr of size bytes. 0, RONDO_EINVAL (a size that does
 * not fit the family) or RONDO_EAFNOSUPPORT. */
RONDO_API int rondo_address_from_native(rondo_address *a, const void *sockaddr,
                                        size_t size);

/** The struct sockaddr inside, valid as long as *a is; its size in *size. */
RONDO_API const void *rondo_address_native(const rondo_address *a,
                                           size_t *size);

/** The family; RONDO_FAMILY_ANY for the empty address. */
RONDO_API rondo_family rondo_address_family(const rondo_address *a);

/** The port in host order; 0 for a family without ports. */
RONDO_API uint16_t rondo_address_port(const rondo_address *a);

/** Sets the port, given in host order; nothing for a family without ports. */
RONDO_API void rondo_address_set_port(rondo_address *a, uint16_t port);

/** Writes the IP address in network order, at most 16 bytes, and returns how
 * many there are: 4, 16, or 0 for another family. */
RONDO_API size_t rondo_address_ip(const rondo_address *a, void *bytes16);

/** The scope (interface index) of an IPv6 address; 0: none. See RFC 4007. */
RONDO_API uint32_t rondo_address_scope(const rondo_address *a);

/** The flow label of an IPv6 address, 20 bits in host order; 0: none. Linux
 * sends with it where IPV6_FLOWINFO_SEND is set. See RFC 6437. */
RONDO_API uint32_t rondo_address_flow(const rondo_address *a);

/** Sets it: its lowest 20 bits. Nothing for another family. The other bits of
 * sin6_flowinfo (the traffic class) stay. */
RONDO_API void rondo_address_set_flow(rondo_address *a, uint32_t flow);

/**
 * Writes the address as text with a NUL byte: "127.0.0.1:80",
 * "[fe80::1%2]:80", a unix path as it is, "@name" for an abstract one. Returns
 * the number of bytes before the NUL, or RONDO_ETOOMUCH when size bytes are not
 * enough (text is then ""). RONDO_ADDRESS_TEXT bytes always are.
 */
RONDO_API int rondo_address_text(const rondo_address *a, char *text,
                                 size_t size);

/** The same family, address, port and scope; flow labels do not count. */
RONDO_API bool rondo_address_equal(const rondo_address *a,
                                   const rondo_address *b);

/* ---- 2. loop and policy ------------------------------------------------ */

/**
 * Where a loop's memory comes from. The functions are called on the loop's
 * thread, and from any thread that posts to the loop; sizes are never 0.
 */
typedef struct rondo_allocator {
    void *(*malloc_fn)(size_t size, void *context);
    void *(*realloc_fn)(void *p, size_t size, void *context);
    void (*free_fn)(void *p, void *context);
    void *context;
} rondo_allocator;

/** How a loop is made; begin with RONDO_LOOP_OPTIONS_INIT. */
typedef struct rondo_loop_options {
    size_t size;
    /** One of rondo_backends(), or NULL: rondo_set_default_backend's, else
     * the environment's RONDO_BACKEND (not when set-user-id), else the
     * platform's best. */
    const char *backend;
    /** How the ends of children are noticed: "pidfd" (Linux 5.4), "kqueue"
     * (with that backend), "thread" (a thread waits for each), "sigchld" (a
     * handler of that signal, for as long as there are children; the program
     * must not replace it meanwhile). NULL: the first of these that this system
     * has. RONDO_ENOTSUP for others, and where RONDO_CAN_CHILD_WATCHER is
     * false. */
    const char *child_watcher;
    const rondo_allocator *allocator; /**< NULL: malloc(3)'s. Copied */
    /** How many threads the loop's own executor has at most, up to 10,000. 0:
     * 32, or the number of processors + 4, whichever is less */
    unsigned executor_threads;
    /** How long rondo_loop_close waits for jobs that run. 0: 5 s; < 0: not at
     * all; RONDO_NEVER: until they end */
    int64_t close_grace_ns;
    int debug;                /**< 1 on, -1 off, 0: RONDO_DEBUG=1 */
    int64_t slow_callback_ns; /**< longer is reported. 0: 100 ms */
} rondo_loop_options;

/** What rondo_loop_supports can be asked. */
typedef enum rondo_capability {
    RONDO_CAN_TCP,
    RONDO_CAN_UDP,                /**< rondo_create_datagram_endpoint */
    RONDO_CAN_UNIX,               /**< unix sockets */
    RONDO_CAN_NAMED_PIPES,        /**< Windows named pipes */
    RONDO_CAN_PIPES,              /**< pipes as transports */
    RONDO_CAN_WATCH_SOCKETS,      /**< rondo_add_reader on sockets */
    RONDO_CAN_WATCH_PIPES,        /**< ... on pipes and FIFOs */
    RONDO_CAN_WATCH_CHAR_DEVICES, /**< ... on any character device */
    RONDO_CAN_SUBPROCESS,
    RONDO_CAN_CHILD_WATCHER, /**< a child watcher can be chosen */
    RONDO_CAN_SIGNALS,
    RONDO_CAN_REUSE_PORT,       /**< SO_REUSEPORT that spreads the load */
    RONDO_CAN_EMBED,            /**< rondo_loop_prepare_poll */
    RONDO_CAN_PASS_DESCRIPTORS, /**< rondo_transport_send_fd */
    RONDO_CAN_DETACH,           /**< rondo_transport_detach */
    RONDO_CAN_WATCH_PRIORITY,   /**< rondo_watch for RONDO_PRIORITY */
    RONDO_CAN_WATCH_HALF_CLOSE, /**< ... for RONDO_HALF_CLOSED */
    RONDO_CAN_WATCH_ERRORS,     /**< ... for 0: RONDO_ERROR is told apart */
    RONDO_CAN_TERMINALS,        /**< RONDO_STDIO_TERMINAL */
    RONDO_CAN_CGROUPS,          /**< rondo_process_options.cgroup */
    RONDO_CAN_JOB_OBJECTS,      /**< ....job */
    RONDO_CAN_LIMITS,           /**< ....limits */
    RONDO_CAN_DIE_WITH_PARENT,  /**< ....die_with_parent */
    /* What a datagram endpoint can be told, and can say for one datagram: */
    RONDO_CAN_PACKET_INFO,   /**< RONDO_INFO_LOCAL, RONDO_INFO_INTERFACE */
    RONDO_CAN_ECN,           /**< RONDO_INFO_ECN */
    RONDO_CAN_TTL,           /**< RONDO_INFO_TTL */
    RONDO_CAN_SEGMENTATION,  /**< RONDO_INFO_SEGMENTS */
    RONDO_CAN_TIMESTAMPS,    /**< RONDO_INFO_TIME: of what is received */
    RONDO_CAN_DONT_FRAGMENT, /**< rondo_datagram_options.fragments */
    RONDO_CAN_PIN_THREADS,   /**< rondo_group_options.pin */
    RONDO_CAN_FILE_OWNERS,   /**< RONDO_CHANGE_OWNER */
    RONDO_CAN_LOCK_RANGES,   /**< rondo_file_lock of a part of a file */
    RONDO_CAN_WATCH_PATHS,   /**< rondo_watch_path is told of changes; else it
                                looks again and again */
    RONDO_CAN_WATCH_NETWORK, /**< rondo_watch_interfaces */
    RONDO_CAN_EMBED_FD       /**< rondo_loop_prepare: by one descriptor */
} rondo_capability;

/** What rondo_loop_limit can be asked. */
typedef enum rondo_limit {
    RONDO_LIMIT_DESCRIPTORS,       /**< how many there can be */
    RONDO_LIMIT_DESCRIPTOR_NUMBER, /**< the numbers must be below this */
    RONDO_LIMIT_UNIX_PATH,         /**< longest unix path, bytes, no NUL */
    RONDO_LIMIT_DATAGRAM           /**< largest UDP payload, bytes */
} rondo_limit;

/** What rondo_get_clock_info fills in; set size first. As Python's
 * time.get_clock_info. */
typedef struct rondo_clock_info {
    size_t size;
    const char *name;           /**< the system's clock. Static */
    int64_t resolution_ns;      /**< of rondo_loop_time */
    int64_t wait_resolution_ns; /**< of the backend's wait */
    bool monotonic;             /**< setting the wall clock changes nothing */
} rondo_clock_info;

/** What rondo_loop_get_metrics fills in; set size first. The first members
 * count from the loop's start, the live_ ones say what exists now. */
typedef struct rondo_loop_metrics {
    size_t size;
    uint64_t iterations;
    uint64_t events;         /**< reported by the backend */
    uint64_t callbacks;      /**< run by the loop, of any kind */
    uint64_t allocations;    /**< calls of the allocator's malloc, realloc */
    uint64_t timers_skipped; /**< periods that rondo_call_every missed */
    int64_t idle_ns;         /**< spent waiting */
    size_t live_timers;
    size_t live_watchers;   /**< readers and writers, each one */
    size_t live_transports; /**< made, and connection_lost not yet returned */
    size_t live_servers;    /**< created, and not yet closed for good */
    size_t live_datagrams;  /**< endpoints, connection_lost not yet returned */
    size_t live_processes;  /**< started, and connection_lost not returned */
    size_t live_operations; /**< pending connects, look-ups asked for, calls on
                                 files */
    size_t live_jobs;       /**< jobs, and name look-ups in flight */
    size_t live_groups;     /**< groups, of their home loop; not yet ended */
    size_t live_paths;      /**< watched paths */
} rondo_loop_metrics;

/**
 * Makes a loop that belongs to the calling thread. options may be NULL. 0,
 * RONDO_ENOTSUP (a backend of that name is unknown or not available; the
 * sentence lists what there is), RONDO_EMFILE, RONDO_ENFILE, RONDO_ENOMEM; on
 * error *loop is NULL. As asyncio.new_event_loop.
 */
RONDO_API RONDO_MUST_CHECK int rondo_loop_new(
    rondo_loop **loop, const rondo_loop_options *options);

/**
 * Ends everything the loop holds and frees the loop: runs the posts accepted
 * before (rondo_call_soon_threadsafe, rondo_remote_call); drops callbacks and
 * timers; gives each pending operation's callback RONDO_ECANCELED, and the
 * connection_lost of each transport, datagram endpoint and process
 * RONDO_ECLOSED (which the callbacks of writes that wait get, too); calls each
 * server's closed; kills children that are not to be left running. Jobs that
 * run are waited for (close_grace_ns); one that goes on is reported to the
 * exception handler, its thread ends alone, and its callback is not called.
 * The callbacks run inside this call; what they try to create is
 * RONDO_ECLOSED. 0, and the pointer has ended; RONDO_EBUSY while the loop runs
 * (so also from its own callbacks), and nothing has happened. If the backend's
 * waits have failed for about 5 s, what still lives is given up without its
 * callback: their error, and the pointer has ended. As loop.close.
 */
RONDO_API int rondo_loop_close(rondo_loop *loop);

/**
 * Runs until nothing is left (returns 0) or rondo_loop_stop was called (1).
 * What keeps it alive: callbacks, timers, watchers, transports, servers,
 * processes, jobs, pending connects and look-ups, and idle hooks, unless marked
 * background. RONDO_EBUSY: it runs already; also the error of a backend whose
 * wait failed. A different loop may be run inside a callback. In C++: an
 * exception must not leave a callback; where the library can, it ends the
 * program by std::terminate then. As libuv's uv_run with UV_RUN_DEFAULT.
 */
RONDO_API int rondo_loop_run(rondo_loop *loop);

/** As rondo_loop_run, but ends only when stopped: returns 1, or an error. As
 * loop.run_forever. */
RONDO_API int rondo_loop_run_forever(rondo_loop *loop);

/**
 * One iteration: waits at most timeout_ns for something to happen (0 or less:
 * only looks; RONDO_NEVER: no limit; with nothing left it does not wait), runs
 * what is due. 1: something is left, 0: nothing (uv_loop_alive). Errors as
 * rondo_loop_run's. As uv_run with UV_RUN_ONCE, or UV_RUN_NOWAIT.
 */
RONDO_API int rondo_loop_run_once(rondo_loop *loop, int64_t timeout_ns);

/**
 * Ends the current run after the callbacks of this iteration. Called before a
 * run, that run looks once without waiting, then returns; the run after that
 * is not stopped. Any thread, signal handlers. As loop.stop, and uv_stop.
 */
RONDO_API void rondo_loop_stop(rondo_loop *loop);

/**
 * Ends the current wait, so that the loop goes through one iteration; if it
 * does not wait now, its next wait returns at once. So the callbacks and hooks
 * (rondo_add_hook) that follow see what was set before the call. Several calls
 * before a wait are one. Any thread, signal handlers. As uv_async_send.
 */
RONDO_API void rondo_loop_wake(rondo_loop *loop);

/** Inside rondo_loop_run and its sisters. As loop.is_running. */
RONDO_API bool rondo_loop_is_running(const rondo_loop *loop);

/** The monotonic clock now, in ns; it advances inside a callback too. As
 * loop.time, and libuv's uv_hrtime; see clock_gettime(2). */
RONDO_API int64_t rondo_loop_time(const rondo_loop *loop);

/** The clock as it was read in this iteration, in ns; costs nothing. As
 * libuv's uv_now. */
RONDO_API int64_t rondo_loop_iteration_time(const rondo_loop *loop);

/**
 * Makes a loop usable again in a child process, after fork(2), when until then
 * everything is RONDO_EFORKED. The child gets kernel objects of its own; the
 * parent's are not touched. What waits to be sent waits in both processes: the
 * one that is not to send it aborts the transport. Called where there was no
 * fork it does nothing. 0, RONDO_EMFILE, RONDO_ENFILE, RONDO_ENOMEM. As
 * libuv's uv_loop_fork.
 */
RONDO_API int rondo_loop_after_fork(rondo_loop *loop);

/** The calling thread owns the loop from now on. The old owner must have
 * finished with it. 0, or RONDO_EBUSY while the loop runs. */
RONDO_API int rondo_loop_take(rondo_loop *loop);

/** A pointer of the program's, kept with the loop; NULL at first. */
RONDO_API void rondo_loop_set_data(rondo_loop *loop, void *data);
RONDO_API void *rondo_loop_data(const rondo_loop *loop);

/** What a foreign main loop has to wait for; set size first. */
typedef struct rondo_loop_wait {
    size_t size;
    /** Readable (Windows: signalled) when there is work; RONDO_NO_FD: there
     * is nothing to watch. The loop's: neither read nor close it. */
    rondo_fd fd;
    /** 0: run_once now; RONDO_NEVER: no deadline */
    int64_t timeout_ns;
} rondo_loop_wait;

/**
 * Embeds the loop in another one: hands pending changes to the kernel and
 * says what to wait for. After that wait, for whatever reason it ended, call
 * rondo_loop_run_once(loop, 0), then prepare again. From the first prepare
 * on, scheduling anything from outside the loop makes the descriptor
 * readable, also if rondo_loop_run_once(loop, 0) was called before the wait.
 * A run that may wait itself ends that: prepare again after it. 0,
 * RONDO_ENOTSUP (poll and select: RONDO_CAN_EMBED_FD; they have
 * rondo_loop_prepare_poll), RONDO_EBUSY while the loop runs. As libuv's
 * uv_backend_fd and uv_backend_timeout, GSource's prepare.
 */
RONDO_API int rondo_loop_prepare(rondo_loop *loop, rondo_loop_wait *wait);

/** One descriptor that a main loop waits for. */
typedef struct rondo_poll_entry {
    rondo_fd fd;     /**< the loop's: neither read nor close it */
    unsigned events; /**< RONDO_READABLE, RONDO_WRITABLE, ... */
} rondo_poll_entry;

/**
 * As rondo_loop_prepare, for every backend: lists all descriptors that a main
 * loop has to wait for. That loop ends its wait when one of them has one of its
 * events, an error or a hang-up, or after *timeout_ns (0: do not wait;
 * RONDO_NEVER: no deadline). Then, for whatever reason the wait ended, call
 * rondo_loop_run_once(loop, 0), and prepare again.
 *
 * Fills in the first `room` entries, which are the caller's, and returns how
 * many there are; if that is more, make room and call again. epoll, kqueue and
 * iocp have one. What is scheduled, watched or connected from outside meanwhile
 * ends the wait, too. A descriptor that is closed meanwhile stays an entry
 * until the next prepare (poll: POLLNVAL, select: EBADF). On Windows iocp's is
 * a handle and all others are sockets; a connect that fails shows in exceptfds
 * (WSAPoll: POLLERR). RONDO_EBUSY while the loop runs; RONDO_EINVAL. As
 * libcurl's curl_multi_fdset and GLib's g_main_context_query; see poll(2)'s
 * struct pollfd.
 */
RONDO_API int rondo_loop_prepare_poll(rondo_loop *loop,
                                      rondo_poll_entry *entries, size_t room,
                                      int64_t *timeout_ns);

/** The backend's name, "epoll". Static. */
RONDO_API const char *rondo_loop_backend(const rondo_loop *loop);

/** Whether this loop can do it; what it cannot is RONDO_ENOTSUP. */
RONDO_API bool rondo_loop_supports(const rondo_loop *loop,
                                   rondo_capability what);

/** The limit in force now; INT64_MAX: none. */
RONDO_API int64_t rondo_loop_limit(const rondo_loop *loop, rondo_limit what);

/** Tells the facts of the loop's clock, as measured. 0. */
RONDO_API int rondo_get_clock_info(const rondo_loop *loop,
                                   rondo_clock_info *info);

/**
 * Chooses the backend of all later loops that name none; NULL: back to
 * RONDO_BACKEND or the platform's best. 0, or RONDO_ENOTSUP, the sentence
 * listing what there is. Any thread. As asyncio.set_event_loop_policy.
 */
RONDO_API int rondo_set_default_backend(const char *name);

/** Sets *names to the names of this build's backends, the platform's best
 * first, and returns how many there are. Static. Any thread. */
RONDO_API size_t rondo_backends(const char *const **names);

/** Tells the loop's counts. 0. */
RONDO_API int rondo_loop_get_metrics(const rondo_loop *loop,
                                     rondo_loop_metrics *metrics);

/** Gets one line of a dump: size bytes, no newline, lent for the call. */
typedef void (*rondo_line_fn)(void *arg, const char *line, size_t size);

/**
 * Describes each live handle in one line: kind, descriptor, state, age. line
 * is called from inside this call and must not touch the loop. Returns the
 * number of lines. As libuv's uv_print_all_handles, and uv_walk.
 */
RONDO_API int rondo_loop_dump(const rondo_loop *loop, rondo_line_fn line,
                              void *arg);

/** What an exception handler is told. Lent for the call. */
typedef struct rondo_exception {
    size_t size;
    const char *message;
    int error;            /**< RONDO_E... */
    int64_t os_error;     /**< the system's code, or 0 */
    rondo_server *server; /**< at most one of these is not NULL */
    rondo_transport *transport;
    rondo_process *process;
} rondo_exception;

/** Gets what nobody else can be told: a failed accept, for instance. It may
 * close the loop's handles. */
typedef void (*rondo_exception_fn)(rondo_loop *loop, void *arg,
                                   const rondo_exception *what);

/** Sets the loop's handler; NULL restores the default. 0. As
 * loop.set_exception_handler. */
RONDO_API int rondo_loop_set_exception_handler(rondo_loop *loop,
                                               rondo_exception_fn fn,
                                               void *arg);

/** Calls the loop's handler, from inside this call. As
 * loop.call_exception_handler. */
RONDO_API void rondo_loop_call_exception_handler(rondo_loop *loop,
                                                 const rondo_exception *what);

/** The default: one line on stderr. A handler may call it; arg is not used.
 * As loop.default_exception_handler. */
RONDO_API void rondo_loop_default_exception_handler(
    rondo_loop *loop, void *arg, const rondo_exception *what);

/**
 * Turns debug mode on or off. In it, calls from a wrong thread are refused,
 * callbacks, timers, posts, watchers and signal handlers that take longer than
 * slow_callback_ns (0: as before) are reported with their name and duration,
 * and close lists what was open. 0. As loop.set_debug and
 * slow_callback_duration.
 */
RONDO_API int rondo_loop_set_debug(rondo_loop *loop, bool debug,
                                   int64_t slow_callback_ns);

/* ---- 3. callbacks and timers ------------------------------------------- */

/**
 * Calls fn(loop, arg) in the next iteration; first in, first out. An id, or
 * RONDO_ENOMEM. As loop.call_soon.
 */
RONDO_API rondo_id rondo_call_soon(rondo_loop *loop, rondo_fn fn, void *arg);

/**
 * As rondo_call_soon, from any thread, waking the loop. Posts and callbacks
 * run in one order: what was posted or scheduled before, on this thread or on
 * one that it knows of, runs before. One that is accepted (0) before close
 * begins is run. The loop must not have been freed: use a rondo_remote where
 * it can be. 0, RONDO_ENOMEM, RONDO_ECLOSED. As loop.call_soon_threadsafe.
 */
RONDO_API int rondo_call_soon_threadsafe(rondo_loop *loop, rondo_fn fn,
                                         void *arg);

/**
 * Calls fn once, delay_ns from now, never earlier. A negative delay is 0; one
 * that is too long saturates; RONDO_NEVER never fires. Timers of the same
 * deadline fire in the order scheduled. An id, or RONDO_ENOMEM. As
 * loop.call_later, and libuv's uv_timer_start.
 */
RONDO_API rondo_id rondo_call_later(rondo_loop *loop, int64_t delay_ns,
                                    rondo_fn fn, void *arg);

/**
 * Calls fn once, when the loop's clock shows when_ns. A time before this
 * iteration's (rondo_loop_iteration_time) counts as that: such timers fire in
 * the next iteration, in the order scheduled. An
 * id, or RONDO_ENOMEM. As loop.call_at.
 */
RONDO_API rondo_id rondo_call_at(rondo_loop *loop, int64_t when_ns, rondo_fn fn,
                                 void *arg);

/**
 * Calls fn every period_ns, the first time one period from now, until it is
 * cancelled. It keeps its phase; periods that have passed before fn could run
 * are skipped and counted (rondo_missed). An id, RONDO_EINVAL (a period <= 0),
 * RONDO_ENOMEM.
 */
RONDO_API rondo_id rondo_call_every(rondo_loop *loop, int64_t period_ns,
                                    rondo_fn fn, void *arg);

/** How many periods of a rondo_call_every have been skipped so far.
 * RONDO_ENOENT: there is no such timer; RONDO_EINVAL: it is another kind. */
RONDO_API int64_t rondo_missed(const rondo_loop *loop, rondo_id id);

/**
 * Moves a timer to when_ns (as rondo_call_at); a rondo_call_every goes on from
 * there with its period. Moving a deadline later costs next to nothing. Also
 * inside the timer's own callback, where one that fires once is started again
 * under the same id. 0; RONDO_ENOENT: it has fired, was cancelled, or is
 * another loop's; RONDO_EINVAL: not a timer. As libuv's uv_timer_again.
 */
RONDO_API int rondo_reschedule(rondo_loop *loop, rondo_id id, int64_t when_ns);

/** A timer's next deadline, in ns. Errors as rondo_reschedule's. As
 * TimerHandle.when. */
RONDO_API int64_t rondo_when(const rondo_loop *loop, rondo_id id);

/**
 * Cancels what the id names. A callback or timer then never runs. The callback
 * of a connect, a look-up, a job or another operation still runs once, with
 * RONDO_ECANCELED, or with the operation's result if it had happened already; a
 * job's comes when its work has returned, or was not begun. 0; RONDO_ENOENT
 * once it has run, was cancelled, or belongs to another loop. As Handle.cancel,
 * and libuv's uv_cancel, uv_timer_stop.
 */
RONDO_API int rondo_cancel(rondo_loop *loop, rondo_id id);

/**
 * Says who frees the arg of a callback (rondo_call_soon), a timer, a hook or a
 * signal watch that ends without being called any more: release(loop, arg) is
 * called once, from the loop when the id is cancelled, inside rondo_loop_close
 * when it is dropped there. Once a callback or a timer has run for the last
 * time release is not called: arg was fn's to free. So it is always called for
 * a rondo_call_every, a hook and a signal watch, except for a watch with
 * RONDO_SIGNAL_ONCE that was called. Setting again replaces, NULL removes it.
 *
 * An operation needs none: its done is called in any case. Neither does a post:
 * each that is accepted runs, unless it is cancelled, and then arg is whose it
 * was before. 0; RONDO_ENOENT: as rondo_cancel's; RONDO_EINVAL: an operation or
 * a post; RONDO_ENOMEM. As the free functions of GLib (GDestroyNotify).
 */
RONDO_API int rondo_set_release(rondo_loop *loop, rondo_id id,
                                rondo_fn release);

/** When a hook is called: bits. */
typedef enum rondo_hook_when {
    RONDO_BEFORE_WAIT = 1, /**< in each iteration, before the loop waits */
    RONDO_AFTER_WAIT = 2,  /**< after that, before any other callback */
    RONDO_IDLE = 4         /**< when there is nothing else to run */
} rondo_hook_when;

/**
 * Calls fn(loop, arg) in each iteration, at each of the times in `when`,
 * until the id is cancelled. Several hooks are called in the order in which
 * they were added. What a hook schedules runs in the same iteration; scheduled
 * before a wait, it makes that wait end at once. An idle hook is the place for
 * work in pieces: with one the loop never waits, and calls the hook if nothing
 * is ready and no callback or timer is due. Idle hooks keep rondo_loop_run
 * going, the others do not (rondo_set_background). rondo_loop_prepare calls
 * none. An id, for rondo_cancel; RONDO_EINVAL: no function, no time or an
 * unknown one; RONDO_ENOMEM. As libuv's uv_prepare, uv_check and uv_idle.
 */
RONDO_API rondo_id rondo_add_hook(rondo_loop *loop, unsigned when, rondo_fn fn,
                                  void *arg);

/** Whether a callback, timer, hook, signal watch, job or pending operation
 * keeps rondo_loop_run going (false) or not (true). It begins as false; for
 * signal watches, and for hooks that are not idle ones, as true. 0;
 * RONDO_ENOENT; RONDO_EINVAL: a post. As libuv's uv_unref and uv_ref. */
RONDO_API int rondo_set_background(rondo_loop *loop, rondo_id id,
                                   bool background);

/** A sender to the loop that stays valid after the loop is gone, or NULL
 * (rondo_last_error). Each call counts: release it as often. As libuv's
 * uv_async_t. */
RONDO_API rondo_remote *rondo_loop_remote(rondo_loop *loop);

/** As rondo_call_soon_threadsafe; RONDO_ECLOSED once the loop is closing or
 * gone. Any thread. */
RONDO_API int rondo_remote_call(rondo_remote *remote, rondo_fn fn, void *arg);

/**
 * As rondo_remote_call, with an id by which any thread can cancel it:
 * rondo_remote_cancel, or rondo_cancel on the loop's thread. An id;
 * RONDO_ECLOSED, RONDO_EFORKED, RONDO_ENOMEM. Any thread. As the Handle that
 * loop.call_soon_threadsafe returns.
 */
RONDO_API rondo_id rondo_remote_post(rondo_remote *remote, rondo_fn fn,
                                     void *arg);

/**
 * Cancels a post of rondo_remote_post. 0: it never runs, and arg is whose it
 * was before; RONDO_ENOENT: it has run, runs, was cancelled, is another loop's,
 * or is one of the next few (64 at most) that the loop is just running. Those
 * only the loop's thread can still cancel, by rondo_cancel. Any thread.
 */
RONDO_API int rondo_remote_cancel(rondo_remote *remote, rondo_id id);

/** Gives the sender back; NULL is ignored. Any thread. */
RONDO_API void rondo_remote_release(rondo_remote *remote);

/* ---- 4. watching descriptors ------------------------------------------- */

/** Called while the descriptor is ready. */
typedef void (*rondo_fd_fn)(rondo_loop *loop, rondo_fd fd, void *arg);

/**
 * Calls fn in each iteration in which fd can be read without waiting:
 * level-triggered, so fn is called again until it has read what there is. The
 * end of the data, a hang-up and an error count as readable and as writable.
 * Adding again replaces fn and arg. The descriptor stays the caller's: remove
 * it, then close it. For both sides by one callback see rondo_watch.
 *
 * 0; RONDO_EPERM: a regular file or directory, or a device this backend's
 * kernel interface refuses (the sentence names a backend that takes it);
 * RONDO_EBADF: not open; RONDO_EBUSY: a transport's, or rondo_watch has it;
 * RONDO_EMFILE: over the backend's limit; RONDO_ENOTSUP, RONDO_ENOSPC. As
 * loop.add_reader.
 */
RONDO_API int rondo_add_reader(rondo_loop *loop, rondo_fd fd, rondo_fd_fn fn,
                               void *arg);

/** The same for writing. As loop.add_writer. */
RONDO_API int rondo_add_writer(rondo_loop *loop, rondo_fd fd, rondo_fd_fn fn,
                               void *arg);

/** 1: removed, and fn is not called again; 0: there was none; RONDO_EBUSY: a
 * transport's. As loop.remove_reader. */
RONDO_API int rondo_remove_reader(rondo_loop *loop, rondo_fd fd);

/** The same for writing. As loop.remove_writer. */
RONDO_API int rondo_remove_writer(rondo_loop *loop, rondo_fd fd);

/** What a descriptor can be watched for: bits. See poll(2). */
typedef enum rondo_event {
    RONDO_READABLE = 1,    /**< data, a client, or the end (POLLIN) */
    RONDO_WRITABLE = 2,    /**< there is room (POLLOUT) */
    RONDO_PRIORITY = 4,    /**< urgent data, or what the device means by it
                                (POLLPRI, EPOLLPRI, exceptfds) */
    RONDO_HALF_CLOSED = 8, /**< the peer has ended its writing side
                                (POLLRDHUP, EPOLLRDHUP, EV_EOF) */
    RONDO_ERROR = 16,      /**< told unasked: an error waits (POLLERR) */
    RONDO_HANG_UP = 32     /**< told unasked: the other end is gone (POLLHUP) */
} rondo_event;

/** Called while one of the events is there: all of them that are, at once. */
typedef void (*rondo_watch_fn)(rondo_loop *loop, rondo_fd fd, unsigned events,
                               void *arg);

/**
 * Calls fn in each iteration in which fd has one of these events, which are
 * bits of rondo_event: level-triggered, both sides of the descriptor by one
 * callback. Watching again replaces events, fn and arg, also inside fn. The
 * descriptor stays the caller's: unwatch it, then close it.
 *
 * RONDO_ERROR and RONDO_HANG_UP are told unasked, where the system tells
 * them; then RONDO_READABLE and RONDO_WRITABLE are told, too, if they were
 * asked for, as the next call finds the error. 0 asks for these two alone.
 *
 * 0; RONDO_EINVAL: no function, an unknown bit; RONDO_ENOTSUP: the backend
 * cannot tell one of them (RONDO_CAN_WATCH_PRIORITY,
 * RONDO_CAN_WATCH_HALF_CLOSE; 0 events: RONDO_CAN_WATCH_ERRORS); RONDO_EBUSY:
 * a transport's, or it has a reader or a writer. A file or a directory is
 * taken where the backend's kernel interface takes it (poll and select:
 * always ready; epoll: only those of /proc and /sys that can be polled), else
 * it is RONDO_EPERM. Other errors as rondo_add_reader's. As libuv's
 * uv_poll_start; see poll(2), epoll_ctl(2), kqueue(2).
 */
RONDO_API int rondo_watch(rondo_loop *loop, rondo_fd fd, unsigned events,
                          rondo_watch_fn fn, void *arg);

/** 1: fn of rondo_watch is not called again; 0: there was none; RONDO_EBUSY: a
 * transport's. As uv_poll_stop. */
RONDO_API int rondo_unwatch(rondo_loop *loop, rondo_fd fd);

/**
 * As rondo_set_release, for the arg of a watcher, which has no id. event names
 * it: RONDO_READABLE, the descriptor's reader; RONDO_WRITABLE, its writer; 0,
 * its rondo_watch. release(loop, arg) is called once, from the loop, when the
 * watcher is removed, lost (the descriptor was closed), or added again with
 * another arg; inside rondo_loop_close when the loop drops it. Added again with
 * the same arg, the release stays. Setting again replaces, NULL removes it. 0;
 * RONDO_ENOENT: no such watcher; RONDO_EBUSY: a transport's; RONDO_EINVAL:
 * another event; RONDO_ENOMEM: nothing has changed.
 */
RONDO_API int rondo_set_watch_release(rondo_loop *loop, rondo_fd fd,
                                      unsigned event, rondo_fn release);

/* ---- 5. stream transports ---------------------------------------------- */

/** One direction of a connection. */
typedef enum rondo_direction {
    RONDO_READING = 1,
    RONDO_WRITING = 2
} rondo_direction;

/**
 * What the program does on a connection. Any member may be NULL. The table is
 * not copied: it must outlive the connection. self is the caller's pointer; the
 * library never looks at it. As asyncio.Protocol and asyncio.BufferedProtocol.
 *
 * Order: connection_made, data, at most one eof_received, connection_lost. The
 * transport is valid until connection_lost returns.
 */
typedef struct rondo_protocol {
    /** Once, first. From then on connection_lost is owed, exactly once. */
    void (*connection_made)(rondo_transport *t, void *self);
    /** size > 0 bytes, lent for the call. */
    void (*data_received)(rondo_transport *t, void *self, const void *data,
                          size_t size);
    /**
     * Set, it takes data_received's place (asyncio's BufferedProtocol, libuv's
     * alloc_cb). Called when something is there to read, it returns where to
     * read into, with *size bytes of room. hint is a size that would be useful.
     * The buffer is lent until buffer_updated follows, or, where nothing came
     * after all, until get_buffer is called again or the connection ends.
     * NULL or *size 0: not now; reading pauses, as by
     * rondo_transport_pause_reading, until rondo_transport_resume_reading.
     * The kernel puts the bytes there itself, except those that had been read
     * before (filters, rondo_transport_unread, a change of protocol), those
     * that a thread reads, and those for a buffer below 4 KiB: they are copied.
     */
    void *(*get_buffer)(rondo_transport *t, void *self, size_t hint,
                        size_t *size);
    /** size > 0 bytes have been read into the buffer. */
    void (*buffer_updated)(rondo_transport *t, void *self, size_t size);
    /** The peer has ended its side. false, or NULL: close once the write
     * buffer is out. true: writing goes on until rondo_transport_write_eof or
     * rondo_transport_close. */
    bool (*eof_received)(rondo_transport *t, void *self);
    /** The write buffer has grown over its high limit: stop writing. */
    void (*pause_writing)(rondo_transport *t, void *self);
    /** It is down to its low limit again; while the transport closes, too. */
    void (*resume_writing)(rondo_transport *t, void *self);
    /** Last. 0: closed in order; RONDO_ECANCELED: aborted by this side;
     * RONDO_ECLOSED: the loop closes; else what broke it. Addresses still
     * answer; the descriptor is gone. */
    void (*connection_lost)(rondo_transport *t, void *self, int error);
    /** A time of rondo_transport_set_timeouts ran out. true: go on, it starts
     * again. false, or NULL: abort with RONDO_ETIMEDOUT. */
    bool (*timed_out)(rondo_transport *t, void *self,
                      rondo_direction direction);
    /**
     * Set, it takes get_buffer's place: several places to read into at once
     * (readv(2), WSARecv). The protocol sets rooms[0] to rooms[most - 1], as
     * many as it needs, and returns how many; most is at least RONDO_ROOMS.
     * They are lent as get_buffer's buffer is, and filled in their order;
     * buffer_updated tells how many bytes went into all of them. A room with
     * data NULL or size 0 is left out. None left: not now, as get_buffer's
     * NULL. Bytes are copied where get_buffer's are (where all rooms together
     * are below 4 KiB), and, when there is more than one room, on every
     * transport that is not a TCP connection.
     */
    size_t (*get_buffers)(rondo_transport *t, void *self, size_t hint,
                          rondo_room *rooms, size_t most);
    rondo_reserved reserved[6];
} rondo_protocol;

/** A yes or no whose zero leaves the default. */
typedef enum rondo_switch {
    RONDO_DEFAULT = 0,
    RONDO_ON = 1,
    RONDO_OFF = -1
} rondo_switch;

/**
 * Called for a connection just made, before anything is read: the place for
 * rondo_transport_push_filter. connection_made waits until the filters are
 * ready. Not 0: the connection is dropped, and no member of the protocol is
 * called.
 */
typedef int (*rondo_setup_fn)(rondo_transport *t, void *arg);

/** Where and how to connect; RONDO_CONNECT(.host = "a", .port = 80). */
typedef struct rondo_connect_options {
    size_t size;
    /** Exactly one of host, path, address and socket. A host is a name or a
     * numeric address, with %scope where needed. */
    const char *host;
    /** A unix socket, see unix(7); on Linux "@name" is an abstract one. On
     * Windows a pipe, as "\\\\.\\pipe\\name" (RONDO_CAN_NAMED_PIPES); elsewhere
     * that is a path like any other. */
    const char *path;
    const rondo_address *address;
    /** A stream socket that is connected already. By pointer, since 0 is a
     * descriptor. The loop's once an id has been returned; until then, and
     * when the call fails, the caller's. */
    const rondo_fd *socket;
    uint16_t port;       /**< with host */
    rondo_family family; /**< with host: only addresses of this family */
    /** Where to connect from. Addresses of another family are skipped. The
     * file that a unix socket makes of it is the program's to remove. */
    const rondo_address *local_address;
    /** For look-up, connecting and the handshakes of filters. 0: none */
    int64_t timeout_ns;
    /** How long an address of several has to itself before the next one is
     * tried beside it (RFC 8305). 0: 250 ms; < 0: until it has failed */
    int64_t happy_eyeballs_delay_ns;
    /** How many addresses of the first family come before the first of the
     * other one, from where on they take turns. 0: 1; < 0: all in the
     * resolver's order */
    int interleave;
    rondo_switch no_delay;   /**< TCP_NODELAY. Default: on */
    rondo_switch keep_alive; /**< SO_KEEPALIVE. Default: off */
    rondo_setup_fn setup;    /**< pushes filters; a refusal fails the connect */
    void *setup_arg;
    /** Off: reading is paused from the start, as by
     * rondo_transport_pause_reading before connection_made. Default: on */
    rondo_switch start_reading;
    /**
     * asyncio's protocol_factory: runs just before connection_made, when the
     * filters are ready. *protocol and *self come in as those of
     * rondo_create_connection, whose protocol may then be NULL, and may be
     * replaced. Writing to t is allowed. Not 0: the connection is dropped, no
     * member of the protocol is called, and done gets that error
     * (RONDO_ECANCELED for a number above 0).
     */
    int (*protocol_factory)(rondo_loop *loop, void *arg, rondo_transport *t,
                            const rondo_protocol **protocol, void **self);
    void *factory_arg;
} rondo_connect_options;

/** Where and how to listen; RONDO_SERVE(.port = 80). */
typedef struct rondo_server_options {
    size_t size;
    /** A numeric address; NULL or "": every interface, IPv4 and IPv6. Never
     * looked up: listen to the addresses that rondo_getaddrinfo finds. */
    const char *host;
    /** A unix socket instead of host and port; on Linux "@name" is an abstract
     * one. The file that a server left behind which is gone is replaced; it is
     * removed at close, if it is still this server's. A relative path is
     * looked up from the working directory each time. On Windows a pipe, as
     * "\\\\.\\pipe\\name" (RONDO_CAN_NAMED_PIPES): it has no addresses, no
     * descriptor of its own and no backlog to choose. */
    const char *path;
    /** A stream socket, listening or not yet, instead of host. One that is not
     * bound is bound to every interface of its family and to port. By pointer,
     * since 0 is a descriptor. The server's once the call has succeeded; a file
     * of it is never removed. */
    const rondo_fd *socket;
    uint16_t port; /**< 0: the kernel chooses, one for all families */
    rondo_family family;
    int backlog;                /**< of listen(2). 0: SOMAXCONN */
    unsigned max_clients;       /**< accepting pauses beyond. 0: no limit */
    rondo_switch reuse_address; /**< SO_REUSEADDR. Default: on (Unix) */
    rondo_switch exclusive;     /**< Windows: nobody else may bind. On */
    rondo_switch reuse_port;    /**< SO_REUSEPORT. Default: off */
    rondo_switch start_serving; /**< accept from the start. Default: on */
    rondo_switch no_delay;      /**< TCP_NODELAY of clients. Default: on */
    rondo_switch keep_alive;    /**< SO_KEEPALIVE of clients. Default: off */
    rondo_switch v6only;        /**< IPV6_V6ONLY. Default: on */
    /** Who may connect to path: its file's mode, such as 0660, before anybody
     * can. 0: what the umask leaves. An abstract name has none. See chmod(2).
     */
    unsigned unix_mode;
    /** How long a client's filters may take to get ready. 0: 60 s;
     * RONDO_NEVER: as long as they like. */
    int64_t handshake_timeout_ns;
    /** Pushes filters. RONDO_ECANCELED, or a number above 0, refuses the
     * client. Any other error of it, and that of a filter which fails before it
     * is ready, goes to the exception handler. */
    rondo_setup_fn setup;
    void *setup_arg;
    /**
     * asyncio's protocol_factory: runs just before each client's
     * connection_made, when its filters are ready. *protocol and *self come in
     * as rondo_create_server's protocol and arg, and may be replaced. Writing
     * to t is allowed. Not 0: the connection is dropped, and no member of the
     * protocol is called.
     */
    int (*protocol_factory)(rondo_server *server, void *arg, rondo_transport *t,
                            const rondo_protocol **protocol, void **self);
    /** The listener, closed, and its last client are gone. The pointer ends
     * when this returns; with closed NULL it is valid until the loop is
     * freed. */
    void (*closed)(rondo_server *server, void *arg);
    /** Instead of a protocol: gets each accepted socket (libuv's uv_accept,
     * accept(2)), which is the program's from now on and attached to no loop;
     * for instance for another loop's rondo_connect_accepted_socket. */
    void (*accepted)(rondo_server *server, void *arg, rondo_fd socket,
                     const rondo_address *peer);
    /** Off: clients' reading is paused from the start, as by
     * rondo_transport_pause_reading before connection_made. Default: on */
    rondo_switch start_reading;
    /**
     * Several addresses instead of host, path and socket, lent for the call:
     * one socket each, in this order for rondo_server_fd. All or none. Those
     * with port 0 share one port that the kernel chooses. Unix addresses among
     * them are treated as path, but taken literally: "@" begins no abstract
     * name (rondo_address_unix). What rondo_getaddrinfo has found is such an
     * array: so a server listens on a name (examples/echo.c).
     */
    const rondo_address *addresses;
    size_t address_count;
} rondo_server_options;

/** Called exactly once for each connect: (t, 0) directly after
 * connection_made, or (NULL, error) and there was no connection_made. If it is
 * NULL the exception handler gets the error, except RONDO_ECANCELED. */
typedef void (*rondo_connect_fn)(rondo_loop *loop, void *arg,
                                 rondo_transport *t, int error);

/**
 * Connects. A name is looked up off the loop's thread; its addresses are tried
 * one after another. A unix socket whose backlog is full, and a pipe each of
 * whose instances has a client, are tried again until there is room, timeout_ns
 * runs out, or it is cancelled. done may be NULL. Returns an id, which
 * rondo_cancel takes until connection_made starts, or an error (done is then
 * not called): RONDO_EINVAL (not exactly one of host, path, address, socket;
 * the socket is not a stream socket), RONDO_ENAMETOOLONG (the path:
 * RONDO_LIMIT_UNIX_PATH; a pipe's name: 256 characters), RONDO_ENOTSUP (a path
 * where there are no unix sockets, a pipe on a backend without them),
 * RONDO_EAFNOSUPPORT (a pipe with a local_address), RONDO_EBADF, RONDO_EBUSY
 * (the socket is in use by a transport or watcher), RONDO_EMFILE, RONDO_ENFILE.
 *
 * done's error: RONDO_ENONAME, RONDO_EAGAIN (look-up), RONDO_ENOENT (no such
 * path), RONDO_ECONNREFUSED, RONDO_ETIMEDOUT, RONDO_EHOSTUNREACH,
 * RONDO_ENETUNREACH, RONDO_EACCES, RONDO_EADDRINUSE, RONDO_EADDRNOTAVAIL
 * (local_address), RONDO_EAFNOSUPPORT (no address of the families asked for),
 * RONDO_ECANCELED, RONDO_EMFILE; the sentence then names each address tried and
 * why it failed. As loop.create_connection, loop.create_unix_connection and,
 * for a pipe, the proactor loop's create_pipe_connection; libuv's
 * uv_tcp_connect, uv_pipe_connect; see connect(2), and CreateFile.
 */
RONDO_API rondo_id rondo_create_connection(rondo_loop *loop,
                                           const rondo_connect_options *options,
                                           const rondo_protocol *protocol,
                                           void *self, rondo_connect_fn done,
                                           void *arg);

/**
 * Listens; options may be NULL: everywhere, on a port of the kernel's choice.
 * arg is self of every connection (unless protocol_factory sets
 * another) and the arg of the options' callbacks; server may be NULL. 0;
 * RONDO_EINVAL (a host that is not numeric, neither protocol, factory nor
 * accepted, ...), RONDO_EADDRINUSE (for a path also: it is no socket's),
 * RONDO_EADDRNOTAVAIL (no address of them available), RONDO_EACCES,
 * RONDO_EAFNOSUPPORT, RONDO_EMFILE, RONDO_ENFILE, RONDO_ENOTSUP (reuse_port);
 * for a socket: RONDO_EBADF, RONDO_EBUSY; for a path: RONDO_ENAMETOOLONG,
 * RONDO_ENOENT (no such folder), RONDO_ENOTDIR, RONDO_ENOTSUP (also accepted
 * with a pipe). When accepting fails later, the exception handler hears of it
 * once and accepting goes on by itself. As loop.create_server,
 * loop.create_unix_server and, for a pipe, the proactor loop's
 * start_serving_pipe; libuv's uv_tcp_bind, uv_pipe_bind, uv_listen; see
 * bind(2), listen(2), and CreateNamedPipe.
 */
RONDO_API int rondo_create_server(rondo_loop *loop,
                                  const rondo_server_options *options,
                                  const rondo_protocol *protocol, void *arg,
                                  rondo_server **server);

/**
 * Makes a transport of a connected stream socket; connection_made comes from
 * the loop. TCP_NODELAY is set, as for a connection that a server accepts;
 * rondo_adopt leaves the options as they are. t may be NULL. 0, and the socket
 * is the transport's; on an error it stays the caller's: RONDO_EINVAL (not a
 * connected stream socket), RONDO_EBADF, RONDO_EBUSY (in use by a transport or
 * watcher), RONDO_EMFILE (over the backend's limit). As
 * loop.connect_accepted_socket.
 */
RONDO_API int rondo_connect_accepted_socket(rondo_loop *loop, rondo_fd socket,
                                            const rondo_protocol *protocol,
                                            void *self, rondo_transport **t);

/** Flags of rondo_adopt, rondo_connect_read_pipe and rondo_connect_write_pipe,
 * to be combined: whose the descriptor is, of what kind it may be, and which
 * options it gets. */
typedef enum rondo_pipe_flags {
    RONDO_PIPE_OWN = 0,    /**< the transport's: closed with it */
    RONDO_PIPE_BORROW = 1, /**< the program's: never closed, left as found */
    RONDO_PIPE_FILE = 2,   /**< not rondo_adopt: a regular file is taken, too */
    RONDO_ADOPT_NO_DELAY = 4,  /**< rondo_adopt alone: sets TCP_NODELAY */
    RONDO_ADOPT_KEEP_ALIVE = 8 /**< rondo_adopt alone: sets SO_KEEPALIVE */
} rondo_pipe_flags;

/**
 * Makes a transport that reads and writes, of one descriptor that can do both:
 * a connected stream socket, a terminal or the master of a pseudo terminal, a
 * character device, on Windows an overlapped pipe; connection_made comes from
 * the loop. flags: RONDO_PIPE_OWN or RONDO_PIPE_BORROW, as for
 * rondo_connect_read_pipe. A borrowed one is never closed, shut down only by
 * rondo_transport_write_eof, and has its mode back in the end (on Windows a
 * socket is then blocking). An abort of a borrowed socket sends no reset; a
 * borrowed unix socket carries descriptors (rondo_transport_send_fd). Only
 * those options of a socket are set that flags ask for; a borrowed one takes
 * none. A terminal ends both ways at once (rondo_transport_can_write_eof is
 * false).
 *
 * t may be NULL. 0; on an error the descriptor stays the caller's, as it was:
 * RONDO_EINVAL (a file, a directory, a listening, unconnected or datagram
 * socket, not open for both; flags unknown or together), RONDO_EBADF,
 * RONDO_EBUSY (in use by a transport or watcher), RONDO_EPERM (a device that
 * this backend cannot wait for, as /dev/null with epoll), RONDO_EMFILE,
 * RONDO_ENOMEM, RONDO_ENOTSUP (where RONDO_CAN_PIPES is false: all but a socket
 * with RONDO_PIPE_OWN; on Windows: a pipe that is borrowed or not overlapped).
 * As libuv's uv_tcp_open, uv_tty_init and uv_pipe_open.
 */
RONDO_API int rondo_adopt(rondo_loop *loop, rondo_fd fd, unsigned flags,
                          const rondo_protocol *protocol, void *self,
                          rondo_transport **t);

/** The program's standard input (0), output (1) or error (2), as the system
 * calls it; RONDO_NO_FD: there is none. To be borrowed. Any thread. */
RONDO_API rondo_fd rondo_stdio(int which);

/**
 * Makes a transport that only reads, of a pipe, FIFO, connected stream socket,
 * terminal or character device; connection_made comes from the loop. Where a
 * descriptor cannot be waited for (/dev/null with epoll; with RONDO_PIPE_FILE
 * a regular file or block device) a thread reads it, at most 64 KiB ahead. The
 * end of the input (a terminal's hang-up, too) is eof_received, whose answer
 * is not asked for, and then connection_lost(0). Writing is RONDO_EPIPE.
 *
 * flags are rondo_pipe_flags. A descriptor of one's own is non-blocking
 * from now on. A borrowed one is never closed and has its mode back when
 * connection_lost is called or the loop is closed; until then its mode, which
 * it shares with whoever has it too, changes only where there is no other way:
 * a terminal, and on Linux a pipe, is opened once more for the transport alone.
 * In a forked child what a thread reads or writes ends with RONDO_EFORKED.
 *
 * t may be NULL. 0; on an error the descriptor stays the caller's, as it was:
 * RONDO_EINVAL (a regular file without RONDO_PIPE_FILE, a directory, a
 * listening, unconnected or datagram socket, not open for this direction),
 * RONDO_EBADF, RONDO_EBUSY (in use by a transport or watcher; for both
 * directions of a terminal see rondo_adopt), RONDO_EMFILE, RONDO_ENOTSUP
 * (RONDO_CAN_PIPES). As loop.connect_read_pipe.
 */
RONDO_API int rondo_connect_read_pipe(rondo_loop *loop, rondo_fd fd,
                                      unsigned flags,
                                      const rondo_protocol *protocol,
                                      void *self, rondo_transport **t);

/**
 * The same for writing. There is no SIGPIPE. The reader's leaving is
 * connection_lost(0), or RONDO_EPIPE while bytes wait; from a terminal or a
 * TCP socket it is heard only with the next write. rondo_transport_write_eof
 * is rondo_transport_close here; aborting cannot be told from an end by a
 * pipe's reader, but drops what waits. A thread that is writing to a file then
 * finishes the piece it is at. As loop.connect_write_pipe; see pipe(7).
 */
RONDO_API int rondo_connect_write_pipe(rondo_loop *loop, rondo_fd fd,
                                       unsigned flags,
                                       const rondo_protocol *protocol,
                                       void *self, rondo_transport **t);

/**
 * Sends size bytes: at once what the kernel takes, a copy of the rest later.
 * Allowed from protocol_factory on, before connection_made too. Zero bytes do
 * nothing.
 *
 * 0: taken. 1: taken, and the buffer is now over its high limit (pause_writing
 * follows, from the loop). < 0: refused, nothing sent, nothing kept:
 * RONDO_EPIPE after write_eof, RONDO_ECLOSED after close or abort,
 * RONDO_ENOMEM, or what the kernel said. Once bytes may have left, a failure
 * also arrives as connection_lost, so the result may be ignored. As
 * WriteTransport.write; see send(2).
 *
 * Backend io_uring sends small writes of callbacks together, before the loop
 * waits: a process that ends itself inside the callback loses them. Before, call
 * rondo_transport_get_write_buffer_size, which sends them.
 */
RONDO_API int rondo_transport_write(rondo_transport *t, const void *data,
                                    size_t size);

/** The same for any number of pieces in order. As WriteTransport.writelines;
 * see writev(2). */
RONDO_API int rondo_transport_writev(rondo_transport *t,
                                     const rondo_buffer *buffers, size_t count);

/**
 * The same without a copy: data must stay as it is until release(arg) is
 * called, so that for malloc'ed data they can be free and data. On an error
 * release is never called and the data stays the caller's; else it is called
 * once, from the loop, before connection_lost.
 */
RONDO_API RONDO_MUST_CHECK int rondo_transport_write_owned(
    rondo_transport *t, const void *data, size_t size,
    void (*release)(void *arg), void *arg);

/** The same for formatted text, without a NUL byte. See printf(3). */
RONDO_API int rondo_transport_printf(rondo_transport *t, const char *format,
                                     ...) RONDO_PRINTF(2, 3);

/**
 * As rondo_transport_writev, for pieces that are lent and not copied: they stay
 * as and where they are until done is called. The array itself may go. done
 * comes exactly once, from the loop, after connection_made and before
 * connection_lost, in the order of the writes:
 *
 * - result >= 0: the number of bytes, which the kernel has now (on a connection
 *   the peer need not have received them). Through filters: what they have sent
 *   for these bytes until then has left.
 * - result < 0: the transport ended before, with this error (RONDO_ECANCELED:
 *   closed at once or aborted; RONDO_ECLOSED: the loop closes;
 *   RONDO_ECONNRESET: the peer left while the transport was closing). A part of
 *   the bytes may have left.
 *
 * Zero bytes: done follows all that was written before. Returns as
 * rondo_transport_write: 0 or 1, and done will be called; < 0 (also
 * RONDO_EINVAL: no done), and it will not. No id: what stands behind these
 * bytes could not be sent without them, so they are not taken back. (A datagram
 * that waits can be: rondo_datagram_send_then returns its id.) As libuv's
 * uv_write; see WriteFile's lpOverlapped.
 */
RONDO_API int rondo_transport_write_then(rondo_transport *t,
                                         const rondo_buffer *buffers,
                                         size_t count, rondo_done_fn done,
                                         void *arg);

/**
 * Sends what the kernel takes at once and keeps nothing: the bytes are lent for
 * the call. Returns how many have left, 0 for zero bytes. RONDO_EAGAIN: bytes
 * or a file wait already, or the kernel takes none now; write them, or try
 * again when rondo_transport_drain says that none wait. RONDO_ENOTSUP: the
 * transport has filters, which take all or nothing; or a thread writes, or on
 * Windows an operation of a pipe. Other errors are those of
 * rondo_transport_write. As uv_try_write.
 */
RONDO_API int64_t rondo_transport_try_write(rondo_transport *t,
                                            const rondo_buffer *buffers,
                                            size_t count);

/**
 * Sends size bytes of a file from offset on, or what there is of them
 * (INT64_MAX: to the file's end), behind what has been written before. The
 * kernel sends them without a copy where it can (sendfile(2), TransmitFile);
 * else a thread reads them, piece by piece, which are then written as by
 * rondo_transport_write. So it is with what has no positions either: a pipe, a
 * terminal, a device, on Unix alone, with offset 0. Windows: file is a HANDLE.
 *
 * Until done is called the file stays open and is not to be written to (what
 * the kernel has of it may still be its own pages), and writing to the
 * transport is RONDO_EBUSY. Reading goes on. Closing the transport lets the
 * file go out first.
 *
 * done's result is how many bytes have been sent: fewer than size at the end of
 * the file alone. RONDO_ECANCELED (rondo_cancel, rondo_loop_close), or why the
 * transport was aborted; RONDO_ECONNRESET: the peer has left; an error of the
 * file: the transport goes on, short of the rest. After an error the file's
 * position is behind what was sent (through filters: what they were given);
 * otherwise it is as it was. What a thread has read of a pipe or the like by
 * then, 64 KiB at most, is lost. On Windows, as much as 256 KiB that the kernel
 * has may still be sent after a cancel.
 *
 * Returns an id, for rondo_cancel; or RONDO_EINVAL (offset or size below 0, a
 * directory or a socket, no done), RONDO_EBADF (not open for reading),
 * RONDO_EBUSY (one is under way, or a filter gets ready), RONDO_ENOTCONN
 * (before connection_made), RONDO_ECLOSED, RONDO_EPIPE, RONDO_ENOMEM. As
 * loop.sendfile.
 */
RONDO_API rondo_id rondo_transport_sendfile(rondo_transport *t, rondo_fd file,
                                            int64_t offset, int64_t size,
                                            rondo_done_fn done, void *arg);

/**
 * Ends this side's writing once the buffer is out; reading goes on. Where the
 * peer has ended its side too, both directions are over then: the transport
 * closes by itself, with connection_lost(0). (asyncio leaves that to the
 * program.) Twice is harmless. 0, RONDO_ECLOSED after close or abort, or
 * RONDO_ENOTSUP: a pipe by name ends both ways at once. As
 * WriteTransport.write_eof; see shutdown(2).
 */
RONDO_API int rondo_transport_write_eof(rondo_transport *t);

/**
 * As rondo_transport_write_eof, with a done that says when the end has left. It
 * comes once, from the loop, before connection_lost: 0, behind all that was
 * written before and behind the done of each rondo_transport_write_then; or why
 * the end did not leave. Twice, and after write_eof, are allowed. No id: an end
 * is not taken back, as bytes are not (rondo_transport_write_then). 0; the
 * errors of rondo_transport_write_eof, and RONDO_EINVAL: no done; RONDO_EPIPE:
 * the transport only reads; RONDO_ENOMEM; then done does not come. As
 * uv_shutdown.
 */
RONDO_API int rondo_transport_shutdown(rondo_transport *t, rondo_done_fn done,
                                       void *arg);

/** Whether the transport can end one side alone. As
 * WriteTransport.can_write_eof. */
RONDO_API bool rondo_transport_can_write_eof(const rondo_transport *t);

/** Stops reading, sends the buffer, then connection_lost(0). Twice is
 * harmless. As BaseTransport.close. */
RONDO_API void rondo_transport_close(rondo_transport *t);

/**
 * As rondo_transport_close, but what is not done after timeout_ns is aborted:
 * connection_lost(RONDO_ETIMEDOUT). Where filters only wait for the peer's end
 * by then, the connection has ended in order: connection_lost(0). While the
 * transport closes, another call sets the time anew. RONDO_NEVER: no limit. 0;
 * RONDO_EINVAL: a negative time; RONDO_ENOMEM: then nothing has changed. As
 * asyncio's ssl_shutdown_timeout, for every transport.
 */
RONDO_API int rondo_transport_close_within(rondo_transport *t,
                                           int64_t timeout_ns);

/** Drops the buffer and closes: the peer sees an end after a part of the bytes,
 * and no reset. Filters do not send their shutdown, so the peer of a TLS
 * connection knows that it was cut. connection_lost(RONDO_ECANCELED) follows.
 * Twice is harmless. As uv_close, and as WriteTransport.abort, which sends no
 * reset either. */
RONDO_API void rondo_transport_close_now(rondo_transport *t);

/** Drops the buffer; the peer sees a reset (an end where the system has no
 * reset: unix sockets, the client of a pipe); connection_lost(RONDO_ECANCELED)
 * follows. As libuv's uv_tcp_close_reset. (WriteTransport.abort sends no reset:
 * rondo_transport_close_now.) */
RONDO_API void rondo_transport_abort(rondo_transport *t);

/** The same with an error (< 0) of the program's choice. */
RONDO_API void rondo_transport_abort_with(rondo_transport *t, int error);

/** Closed, aborted or lost. As BaseTransport.is_closing, and uv_is_closing. */
RONDO_API bool rondo_transport_is_closing(const rondo_transport *t);

/** No data is delivered and none is read from the kernel until resume, so that
 * in the end the peer blocks. Twice, and after close: harmless. 0. As
 * ReadTransport.pause_reading, and libuv's uv_read_stop. */
RONDO_API int rondo_transport_pause_reading(rondo_transport *t);

/** Goes on reading. Harmless where it was not paused. 0. As
 * ReadTransport.resume_reading, and libuv's uv_read_start. */
RONDO_API int rondo_transport_resume_reading(rondo_transport *t);

/** Neither paused, nor at the end of the data, nor closing. As
 * ReadTransport.is_reading. */
RONDO_API bool rondo_transport_is_reading(const rondo_transport *t);

/** Between the moment the buffer passed its high limit and the one it came
 * down to its low one. */
RONDO_API bool rondo_transport_is_writing_paused(const rondo_transport *t);

/**
 * Exchanges protocol and self, from the next callback on; between data_received
 * and get_buffer too. If writing is paused, the new protocol hears
 * pause_writing first. 0. As BaseTransport.set_protocol.
 */
RONDO_API int rondo_transport_set_protocol(rondo_transport *t,
                                           const rondo_protocol *protocol,
                                           void *self);

/** Exchanges self alone. */
RONDO_API void rondo_transport_set_self(rondo_transport *t, void *self);
/** The self in force. */
RONDO_API void *rondo_transport_self(const rondo_transport *t);

/**
 * Inside data_received: gives back the last size bytes of the data, which must
 * be data's tail. The protocol then in force gets them again. A protocol that
 * gives everything back, as one does with half a message, gets it again
 * together with the next bytes that come; or when it resumes reading, when
 * another protocol is set, or once more before the peer's end. 0;
 * RONDO_EINVAL: elsewhere, or not the tail; RONDO_ENOMEM.
 */
RONDO_API int rondo_transport_unread(rondo_transport *t, const void *data,
                                     size_t size);

/** high of rondo_transport_set_write_buffer_limits: a limit of 0 bytes, which 0
 * itself does not say. As asyncio's high=0. */
#define RONDO_NO_BUFFER (SIZE_MAX - 1)

/**
 * Sets the limits of the write buffer, in bytes: pause_writing when it holds
 * more than high, resume_writing when it holds no more than low. They act at
 * once. high alone (low 0) sets low to a quarter of it, low alone (high 0) sets
 * high to four times it, (0, 0) restores the default: 64 KiB and 16 KiB.
 * (RONDO_NO_BUFFER, 0) sets both to 0: pause_writing at the first byte that
 * waits, resume_writing when none does. 0, or RONDO_EINVAL: high < low. As
 * WriteTransport.set_write_buffer_limits.
 */
RONDO_API int rondo_transport_set_write_buffer_limits(rondo_transport *t,
                                                      size_t high, size_t low);

/** Tells the limits; either pointer may be NULL. As
 * WriteTransport.get_write_buffer_limits. */
RONDO_API void rondo_transport_get_write_buffer_limits(const rondo_transport *t,
                                                       size_t *high,
                                                       size_t *low);

/** How many bytes wait for the kernel to take them. As
 * WriteTransport.get_write_buffer_size, and libuv's
 * uv_stream_get_write_queue_size. */
RONDO_API size_t
rondo_transport_get_write_buffer_size(const rondo_transport *t);

/**
 * true: pause_writing is called inside the write (or the setting of limits)
 * that passes the high limit, as asyncio does. false, as it begins: from the
 * loop, after it. Always from the loop: where bytes of a
 * rondo_transport_sendfile, or of a write before connection_made, pass the
 * limit. The write returns 1 either way. true makes each write a few
 * nanoseconds slower.
 */
RONDO_API void rondo_transport_set_pause_inside(rondo_transport *t,
                                                bool inside);

/**
 * Waits until the write buffer holds no more than `mark` bytes, also while the
 * transport closes. done comes once, from the loop, before connection_lost: 0,
 * also where it is so already; or the error that ended the transport before.
 * Those that come together come in the order of the calls. Of a file on its way
 * only what is in memory counts. Returns an id, for rondo_cancel (done gets
 * RONDO_ECANCELED); RONDO_EINVAL: no done; RONDO_EPIPE: the transport only
 * reads; RONDO_ECLOSED, or a failed write's error: it has ended; RONDO_ENOMEM.
 * As StreamWriter.drain.
 */
RONDO_API rondo_id rondo_transport_drain(rondo_transport *t, size_t mark,
                                         rondo_done_fn done, void *arg);

/**
 * How long nothing may be received (not counted while reading is paused), and
 * how long no byte may leave while there is something to send (during close
 * too); then timed_out is asked. Set earlier, both begin with
 * connection_made. 0 or RONDO_NEVER: no limit, as it begins. 0, or
 * RONDO_EINVAL: negative.
 */
RONDO_API int rondo_transport_set_timeouts(rondo_transport *t, int64_t read_ns,
                                           int64_t write_ns);

/** The peer's address and our own; also in connection_lost. Most clients of a
 * unix socket have no name: their address has its family, and the text "". 0,
 * or RONDO_ENOTCONN: the system could not tell, or it is a pipe. As
 * get_extra_info("peername"), ("sockname"). */
RONDO_API int rondo_transport_peer_address(const rondo_transport *t,
                                           rondo_address *address);
RONDO_API int rondo_transport_local_address(const rondo_transport *t,
                                            rondo_address *address);

/** Whose process is at the other end; -1: the system does not say. Set size
 * first (RONDO_CREDENTIALS_INIT). */
typedef struct rondo_credentials {
    size_t size;
    int64_t pid, uid, gid;
} rondo_credentials;

/**
 * Who connected, or listened, as the kernel noted it then; with a socket pair,
 * who made it. 0; RONDO_ENOTSUP: not a unix socket; RONDO_ENOTCONN: the
 * descriptor is gone. See SO_PEERCRED in unix(7), getpeereid(3).
 */
RONDO_API int rondo_transport_peer_credentials(const rondo_transport *t,
                                               rondo_credentials *peer);

/**
 * Sends a descriptor to the process at the other end of a unix socket, beside
 * the byte that is written next; up to 64 may go beside one byte. fd stays the
 * caller's and may be closed at once: a duplicate travels. One that no byte
 * follows is not sent. 0; RONDO_ENOTSUP: not a unix socket, or one that only
 * reads or writes (rondo_connect_write_pipe); RONDO_EBADF: not open;
 * RONDO_EMFILE: no room for the duplicate; RONDO_ETOOMUCH: beside one byte;
 * RONDO_EBUSY: a file is under way, or a filter gets ready; RONDO_EPIPE,
 * RONDO_ECLOSED as rondo_transport_write. With filters it leaves beside the
 * next byte that they send. As libuv's uv_write2; see SCM_RIGHTS in unix(7).
 */
RONDO_API int rondo_transport_send_fd(rondo_transport *t, rondo_fd fd);

/**
 * Inside data_received or buffer_updated: takes the next of the descriptors
 * that came with these bytes, in the order sent. It is the caller's,
 * close-on-exec; whether it blocks is as its sender had it. What is not taken
 * is closed when the bytes are done with (those given back or held while
 * reading is paused are not). The bytes delivered at once never have the
 * descriptors of two writes; they may begin with bytes of earlier writes that
 * had none. A process that has no room for all descriptors of a write loses
 * the connection: RONDO_EMFILE; so does one that leaves more than 253 of them
 * beside bytes that it has not taken: RONDO_ETOOMUCH. A filter may keep their
 * bytes until more have come: they wait for the next bytes that the protocol is
 * given. A reader takes none: they are closed. RONDO_NO_FD: none, or no unix
 * socket (rondo_last_error). As libuv's uv_accept on an ipc pipe.
 */
RONDO_API rondo_fd rondo_transport_take_fd(rondo_transport *t);

/** What rondo_transport_detach gives back; set size first
 * (RONDO_DETACHED_INIT). */
typedef struct rondo_detached {
    size_t size;
    rondo_fd fd; /**< the program's from now on */
    /** Bytes that were read and that the protocol was not given, or has given
     * back: they come before those that the descriptor still has. Lent until
     * connection_lost returns. NULL: none */
    const void *unread;
    size_t unread_size;
} rondo_detached;

/**
 * Takes the descriptor out of the loop and out of the transport: to serve it on
 * a thread of its own, to hand it to another loop or a child, to speak TLS by
 * another library. out->fd is the program's, which closes it. It stays in the
 * mode that it was used in: a socket is non-blocking, a pipe as it was given.
 * No byte is lost or read twice. The transport takes no more calls, and
 * connection_lost(0) follows from the loop. Descriptors that came with unread
 * bytes can be taken (rondo_transport_take_fd) until connection_lost returns.
 * It may be called in any callback, get_buffer too, from connection_made on.
 *
 * 0; on an error nothing has changed: RONDO_EBUSY: bytes, a file or a
 * descriptor wait to be sent; RONDO_ENOTSUP: with filters, where a thread makes
 * the calls, and where RONDO_CAN_DETACH is false (iocp: the handle is tied to
 * the loop's completion port); RONDO_ENOTCONN: before connection_made;
 * RONDO_ECLOSED: it closes; a failed write's error; RONDO_ENOMEM;
 * RONDO_EINVAL: out has no size. asyncio and libuv have none; as the hijack of
 * Go's net/http.
 */
RONDO_API int rondo_transport_detach(rondo_transport *t, rondo_detached *out);

/** The descriptor, still the transport's: for socket options, not for reading,
 * writing or closing. RONDO_NO_FD once it is gone. As get_extra_info("socket"),
 * and libuv's uv_fileno. To take it away: rondo_transport_detach. */
RONDO_API rondo_fd rondo_transport_fd(const rondo_transport *t);

/** The loop it belongs to. */
RONDO_API rondo_loop *rondo_transport_loop(const rondo_transport *t);

/** The server it came through, or NULL. */
RONDO_API rondo_server *rondo_transport_server(const rondo_transport *t);

/** Whether it keeps rondo_loop_run going (false, as it begins) or not. As
 * libuv's uv_unref. */
RONDO_API void rondo_transport_set_background(rondo_transport *t,
                                              bool background);

/** The address of the i-th listening socket (from 0; a pipe has none). 0, or
 * RONDO_ENOENT: there are fewer, or the server is closed. As Server.sockets. */
RONDO_API int rondo_server_address(const rondo_server *server, size_t i,
                                   rondo_address *address);

/** The loop it belongs to. */
RONDO_API rondo_loop *rondo_server_loop(const rondo_server *server);

/** The i-th listening descriptor (from 0), still the server's; RONDO_NO_FD:
 * there are fewer, or the server is closed. */
RONDO_API rondo_fd rondo_server_fd(const rondo_server *server, size_t i);

/** Accepts from now on. Harmless where it does. 0, or RONDO_ECLOSED. As
 * Server.start_serving. */
RONDO_API int rondo_server_start_serving(rondo_server *server);

/** Accepts nobody until start_serving; the sockets go on listening, so clients
 * wait in the backlog. Harmless where it does. 0, or RONDO_ECLOSED. */
RONDO_API int rondo_server_pause_serving(rondo_server *server);

/** Stops listening at once; clients stay. closed follows after the last one.
 * Twice is harmless. As Server.close. */
RONDO_API void rondo_server_close(rondo_server *server);

/** rondo_transport_close on each client. As Server.close_clients. */
RONDO_API void rondo_server_close_clients(rondo_server *server);

/** rondo_transport_abort on each client. As Server.abort_clients. */
RONDO_API void rondo_server_abort_clients(rondo_server *server);

/** Neither paused nor closed. As Server.is_serving. */
RONDO_API bool rondo_server_is_serving(const rondo_server *server);

/** Whether its listening keeps rondo_loop_run going (false, as it begins) or
 * not; each client counts for itself. */
RONDO_API void rondo_server_set_background(rondo_server *server,
                                           bool background);

/* ---- filters: TLS, compression, framing -------------------------------- */

/** A filter's place on a transport. */
typedef struct rondo_layer rondo_layer;

/**
 * What stands between a transport's bytes and its protocol, which does not
 * know. Filters are a stack: each delivers up and sends down. Any member may
 * be NULL: bytes and ends then pass as they are, and without start the filter
 * is ready at once. The table is not copied; self is the filter's.
 *
 * A result below 0 ends the connection with that error (rondo_set_error gives
 * it words, of which 255 bytes are kept). All run on the loop's thread: write
 * inside the program's own write, received, eof_received and the protocol's
 * members inside what is below, the others from the loop. As asyncio's
 * SSLProtocol, for anything.
 */
typedef struct rondo_filter {
    /** Once, first: what is below is ready. rondo_layer_ready is due, here or
     * later. */
    int (*start)(rondo_layer *layer, void *self);
    /** size > 0 bytes from below, lent for the call. */
    int (*received)(rondo_layer *layer, void *self, const void *data,
                    size_t size);
    /** Below is the end. An end that nobody announced may be a truncation. An
     * end before the filter is ready is RONDO_ECONNRESET in any case. */
    int (*eof_received)(rondo_layer *layer, void *self);
    /** size > 0 bytes from above, once the filter is ready. It takes them all.
     */
    int (*write)(rondo_layer *layer, void *self, const void *data, size_t size);
    /** Nothing more will be written: send what is left, and the shutdown. Not
     * called before the filter is ready, nor after an abort. */
    int (*write_eof)(rondo_layer *layer, void *self);
    /** Once, last, after connection_lost: free self here. 0, or the error that
     * ended the connection. */
    void (*lost)(rondo_layer *layer, void *self, int error);
    rondo_reserved reserved[6];
} rondo_filter;

/**
 * Puts a filter under the transport's protocol, on top of those that are there:
 * in a setup function, or on a connection that is in use (start_tls). Bytes
 * that the protocol has not been given yet (rondo_transport_unread) go through
 * the filter, and so do writes from now on, which wait until it is ready.
 * pause_reading does not stop a handshake. Outside setup a handshake may take
 * 60 s (on a server's transport its handshake_timeout_ns), then
 * RONDO_ETIMEDOUT. done (may be NULL) is called once: 0, the filter is ready;
 * or the error that ended the connection, just before connection_lost.
 *
 * 0, and lost will be called. On an error self stays the caller's:
 * RONDO_ECLOSED after close or abort, RONDO_EPIPE after write_eof,
 * RONDO_ENOTSUP (a pipe of one direction), RONDO_EBUSY (a file is under way, or
 * a descriptor waits for the byte that it goes with). As loop.start_tls.
 */
RONDO_API int rondo_transport_push_filter(rondo_transport *t,
                                          const rondo_filter *filter,
                                          void *self, rondo_done_fn done,
                                          void *arg);

/** The handshake is over: what waited for it (done, connection_made, earlier
 * writes) comes inside this call, or follows when the filters above are ready
 * too. Twice is harmless. 0, or RONDO_ECLOSED once the connection is over. */
RONDO_API int rondo_layer_ready(rondo_layer *layer);

/** Gives bytes to what is above, which runs inside this call. What the
 * protocol cannot take now (it is paused, or not made yet) is kept. 0, what
 * the filter above answered, or RONDO_EINVAL after rondo_layer_deliver_eof. */
RONDO_API int rondo_layer_deliver(rondo_layer *layer, const void *data,
                                  size_t size);

/** The same for the end of the data. Twice is harmless. */
RONDO_API int rondo_layer_deliver_eof(rondo_layer *layer);

/** Gives bytes to what is below. 0 or 1, as rondo_transport_write, whose
 * limits count these bytes; or an error, which ends the connection by itself.
 */
RONDO_API int rondo_layer_send(rondo_layer *layer, const void *data,
                               size_t size);

/** The transport it is on. */
RONDO_API rondo_transport *rondo_layer_transport(const rondo_layer *layer);

/** self of the topmost filter with this table; NULL: there is none. For what a
 * filter knows, as get_extra_info("ssl_object"). */
RONDO_API void *rondo_transport_filter(const rondo_transport *t,
                                       const rondo_filter *filter);

/* ---- 6. datagrams ------------------------------------------------------ */

/** Bits that name what is known of a datagram, or asked for it, beside its
 * bytes and its address: the members of rondo_datagram_info. */
enum {
    RONDO_INFO_LOCAL = 1,     /**< local: IP_PKTINFO, IPV6_PKTINFO,
                                 IP_RECVDSTADDR */
    RONDO_INFO_INTERFACE = 2, /**< interface_index: the same */
    RONDO_INFO_ECN = 4,       /**< ecn: IP_RECVTOS, IP_TOS, IPV6_TCLASS,
                                 IP_ECN; RFC 3168 */
    RONDO_INFO_TTL = 8,       /**< ttl: IP_RECVTTL, IP_TTL, IPV6_HOPLIMIT */
    RONDO_INFO_SEGMENTS = 16, /**< segment_size: UDP_SEGMENT (GSO), UDP_GRO;
                                 Windows: USO, URO */
    RONDO_INFO_TIME = 32,     /**< time_ns: SO_TIMESTAMPNS; received only */
    RONDO_INFO_TRUNCATED = 64 /**< received only: it was longer than its room,
                                 and the rest is lost. Need not be asked for */
};

/**
 * What goes with a datagram. Received: `known` names the members that the
 * kernel has told; the others are zero. To be sent: `known` names those that
 * the program has set; set size first (RONDO_DATAGRAM_INFO_INIT).
 */
typedef struct rondo_datagram_info {
    size_t size;
    unsigned known; /**< RONDO_INFO_... */
    /** The interface that it came through or is to leave by; 0: any */
    uint32_t interface_index;
    /** The IP address that it was sent to, with the endpoint's port; or that
     * it is to be sent from: one of this machine's, whose port is ignored */
    rondo_address local;
    int ecn; /**< 0 to 3: not capable, ECT(1), ECT(0), congestion met */
    int ttl; /**< TTL of IPv4, hop limit of IPv6: 0 to 255; to send from 1 */
    /** The bytes are several datagrams of this size, one behind the other; the
     * last one may be shorter. Received: 0 is one datagram */
    size_t segment_size;
    int64_t time_ns; /**< when the kernel received it, since 1970, wall clock */
} rondo_datagram_info;

/** What becomes of datagrams that are larger than the path takes. See
 * IP_MTU_DISCOVER of ip(7), IP_DONTFRAG. */
typedef enum rondo_fragments {
    RONDO_FRAGMENTS_DEFAULT = 0, /**< as the system has it */
    RONDO_FRAGMENTS_ALLOW = 1,   /**< routers and the kernel may cut them */
    /** Nobody cuts them (DF); larger than the path's MTU, as far as the kernel
     * knows it, is RONDO_EMSGSIZE. See rondo_datagram_path_mtu */
    RONDO_FRAGMENTS_NEVER = 2,
    /** Nobody cuts them, and the kernel's knowledge of the path is not asked:
     * for programs that probe it (RFC 8899). Where the system has no such mode
     * it is RONDO_FRAGMENTS_NEVER */
    RONDO_FRAGMENTS_PROBE = 3
} rondo_fragments;

/**
 * What happens on a datagram endpoint, in this order: connection_made; then
 * the others, as they come; connection_lost, once and last. Members may be
 * NULL. The table must outlive the endpoint. As asyncio.DatagramProtocol.
 */
typedef struct rondo_datagram_protocol {
    /** From the loop, before anything is received. */
    void (*connection_made)(rondo_datagram *d, void *self);
    /** One datagram, which may be empty. data and from are lent until this
     * returns. from is the empty address where the sender has none (a unix
     * socket that is not bound). truncated: it was longer than receive_size,
     * and the rest is lost. */
    void (*datagram_received)(rondo_datagram *d, void *self, const void *data,
                              size_t size, const rondo_address *from,
                              bool truncated);
    /**
     * Sending or receiving has failed, and the endpoint lives: a datagram sent
     * earlier was refused where it went (RONDO_ECONNREFUSED, on a connected
     * endpoint), one that waited could not be sent and was dropped
     * (RONDO_EHOSTUNREACH, RONDO_ENETUNREACH, RONDO_EMSGSIZE, RONDO_EACCES,
     * RONDO_EPERM, ...), or receiving was shut down by shutdown(2)
     * (RONDO_EPIPE), and nothing more is received. What one call of the
     * program's meets comes as one.
     */
    void (*error_received)(rondo_datagram *d, void *self, int error);
    /** The write buffer has passed its high limit. */
    void (*pause_writing)(rondo_datagram *d, void *self);
    /** ... and is down to its low limit. */
    void (*resume_writing)(rondo_datagram *d, void *self);
    /** It is over: 0 after rondo_datagram_close, RONDO_ECANCELED after abort,
     * RONDO_ECLOSED when the loop is closed, RONDO_EBADF (the program has
     * closed the descriptor), RONDO_ENOMEM. The pointer ends when this
     * returns. */
    void (*connection_lost)(rondo_datagram *d, void *self, int error);
    /** Instead of datagram_received, if it is not NULL. info, lent too, knows
     * what rondo_datagram_options.info asked for and the kernel has told. With
     * RONDO_INFO_SEGMENTS, data may be several datagrams of one sender. */
    void (*datagram_received_with)(rondo_datagram *d, void *self,
                                   const void *data, size_t size,
                                   const rondo_address *from,
                                   const rondo_datagram_info *info);
    /**
     * Where to receive to: returns memory of the program's, and its bytes in
     * *size. It is the endpoint's until it asks again or ends. hint is
     * receive_size. Room for several times hint takes as many datagrams as one
     * call can receive; room for less than hint cuts the datagram. There may be
     * nothing to receive after all. NULL, or *size 0: not now; receiving pauses
     * as by rondo_datagram_pause_reading. As uv_alloc_cb, and asyncio's
     * BufferedProtocol.get_buffer.
     */
    void *(*get_buffer)(rondo_datagram *d, void *self, size_t hint,
                        size_t *size);
    rondo_reserved reserved[4];
} rondo_datagram_protocol;

/** Where to receive from and send to; RONDO_DATAGRAM(.local_address = &a). */
typedef struct rondo_datagram_options {
    size_t size;
    /** Bound to: an IP address (port 0: the system's choice) or, on Unix, a
     * path. A socket file that nobody has open any more is replaced; the file
     * is removed at the end, if it is still that one. NULL: any address and
     * port, or no path. Addresses, since the call cannot wait for a name. */
    const rondo_address *local_address;
    /** Connected with: only what comes from there is received, errors that it
     * answers with are told, and rondo_datagram_send needs no destination. */
    const rondo_address *remote_address;
    /** A datagram socket of the program's, connected or not, instead of the
     * two above. A pointer, since 0 is a descriptor. */
    const rondo_fd *socket;
    rondo_family family;        /**< where no address says it; or it must fit */
    size_t receive_size;        /**< bytes of the largest one. 0: 64 KiB */
    rondo_switch reuse_address; /**< SO_REUSEADDR: other sockets that ask for
                                   it may have the same address, which a
                                   multicast port is shared by. Default: off */
    rondo_switch reuse_port;    /**< SO_REUSEPORT. Default: off */
    rondo_switch broadcast;     /**< SO_BROADCAST. Default: off */
    rondo_switch v6only;        /**< IPV6_V6ONLY. Default: on */
    /** Bytes of the kernel's buffers (SO_RCVBUF, SO_SNDBUF), of which it may
     * grant fewer. 0: the system's choice */
    size_t receive_buffer, send_buffer;
    /** RONDO_INFO_...: what datagram_received_with is to be told. IP only */
    unsigned info;
    rondo_fragments fragments; /**< IP only */
} rondo_datagram_options;

/**
 * Makes a datagram endpoint; connection_made comes from the loop. It may be
 * used at once. datagram may be NULL. 0, and a socket that was given is the
 * endpoint's; on an error it stays the caller's. RONDO_EINVAL (no protocol,
 * neither address nor family nor socket, a socket and an address, two
 * families, no datagram socket), RONDO_EBADF, RONDO_EBUSY (in use by the
 * loop), RONDO_EADDRINUSE (a path that somebody has, too, or any other file),
 * RONDO_EADDRNOTAVAIL, RONDO_EAFNOSUPPORT, RONDO_EACCES, RONDO_EMFILE,
 * RONDO_ENFILE, RONDO_ENOTSUP (reuse_port; an info or fragments that this
 * system does not have, see rondo_loop_supports); for the remote address
 * RONDO_ENETUNREACH, for a remote path RONDO_ENOENT and RONDO_ECONNREFUSED. As
 * loop.create_datagram_endpoint, and libuv's uv_udp_bind, uv_udp_connect; see
 * udp(7) and unix(7). On Linux many datagrams are received and sent with one
 * call: recvmmsg(2), sendmmsg(2).
 */
RONDO_API int rondo_create_datagram_endpoint(
    rondo_loop *loop, const rondo_datagram_options *options,
    const rondo_datagram_protocol *protocol, void *self,
    rondo_datagram **datagram);

/**
 * Sends one datagram of size bytes (0 is one, too): at once if the kernel takes
 * it, else a copy waits its turn. to may be NULL on a connected endpoint, or
 * the address that it is connected with.
 *
 * 0: taken. 1: taken, and the buffer is now over its high limit (pause_writing
 * follows, from the loop). < 0: this datagram is refused, the endpoint lives:
 * RONDO_EMSGSIZE (too large, see RONDO_LIMIT_DATAGRAM), RONDO_EINVAL (another
 * destination than the one connected with, an empty one), RONDO_ENOTCONN (no
 * destination, not connected), RONDO_ECLOSED after close or abort,
 * RONDO_ENOMEM, or what the kernel said: RONDO_ENETUNREACH,
 * RONDO_EHOSTUNREACH, RONDO_EACCES (broadcast), RONDO_ECONNREFUSED, ...
 *
 * Taken is not delivered. What fails later is told by error_received, and so
 * is all that datagram_received sends on its own endpoint while more have
 * come with the one at hand: the answers to one batch leave together when its
 * last one has been delivered. Backend io_uring sends what an endpoint sends
 * inside its own callbacks before the loop waits. As DatagramTransport.sendto;
 * see send(2).
 */
RONDO_API int rondo_datagram_send(rondo_datagram *d, const void *data,
                                  size_t size, const rondo_address *to);

/** How many pieces one datagram can be given in. */
enum { RONDO_DATAGRAM_PIECES = 64 };

/**
 * As rondo_datagram_send, of a datagram in pieces: the bytes of `count` buffers
 * one behind the other, at most RONDO_DATAGRAM_PIECES. info, lent for the call
 * as the bytes are, may be NULL. With RONDO_INFO_SEGMENTS they are several
 * datagrams, which the kernel cuts: 64 are always possible, and all take one
 * turn and fail together.
 *
 * Also RONDO_EINVAL (more pieces; a member of info that makes no sense, an
 * address of another family, RONDO_INFO_TIME), RONDO_ENOTSUP (this system, or
 * this family, does not take a member), RONDO_EADDRNOTAVAIL or RONDO_EINVAL
 * (no address of this machine), RONDO_EMSGSIZE (see rondo_fragments). See
 * sendmsg(2), ip(7), ipv6(7), udp(7); WSASendMsg.
 */
RONDO_API int rondo_datagram_send_with(rondo_datagram *d,
                                       const rondo_buffer *buffers,
                                       size_t count, const rondo_address *to,
                                       const rondo_datagram_info *info);

/** As rondo_datagram_send_with, if the kernel takes it now; nothing is kept. 0;
 * RONDO_EAGAIN: the kernel has no room, or other datagrams wait; or the same
 * errors. As uv_udp_try_send. */
RONDO_API int rondo_datagram_try_send(rondo_datagram *d,
                                      const rondo_buffer *buffers, size_t count,
                                      const rondo_address *to,
                                      const rondo_datagram_info *info);

/**
 * As rondo_datagram_send_with, with a done for this datagram: its result is the
 * size once the kernel has it, or the error that it was dropped for, which
 * error_received then does not get. done comes once, from the loop, before
 * connection_lost. If the datagram has to wait, its bytes are copied. Returns
 * an id, by which rondo_cancel takes it back while it waits (done gets
 * RONDO_ECANCELED); < 0: refused, and done does not come: also RONDO_EINVAL: no
 * done. As uv_udp_send.
 */
RONDO_API rondo_id rondo_datagram_send_then(rondo_datagram *d,
                                            const rondo_buffer *buffers,
                                            size_t count,
                                            const rondo_address *to,
                                            const rondo_datagram_info *info,
                                            rondo_done_fn done, void *arg);

/**
 * Receives nothing, until it is resumed. What comes waits in the kernel's
 * buffer, and is lost when that is full. Also before connection_made. Twice is
 * harmless. 0, or RONDO_ECLOSED. As ReadTransport.pause_reading, and
 * uv_udp_recv_stop.
 */
RONDO_API int rondo_datagram_pause_reading(rondo_datagram *d);

/** Receives again, first what the endpoint had taken from the kernel when it
 * was paused. Harmless where it was not paused. 0, or RONDO_ECLOSED. As
 * ReadTransport.resume_reading, and uv_udp_recv_start. */
RONDO_API int rondo_datagram_resume_reading(rondo_datagram *d);

/** Receives nothing more, sends what waits, then connection_lost(0). Twice is
 * harmless. As BaseTransport.close. */
RONDO_API void rondo_datagram_close(rondo_datagram *d);

/** Drops what waits; connection_lost(RONDO_ECANCELED) follows. As
 * DatagramTransport.abort. */
RONDO_API void rondo_datagram_abort(rondo_datagram *d);

/** Closed, aborted or lost. As BaseTransport.is_closing. */
RONDO_API bool rondo_datagram_is_closing(const rondo_datagram *d);

/** Datagrams that are lost on this machine. Set size first
 * (RONDO_DATAGRAM_DROPS_INIT). */
typedef struct rondo_datagram_drops {
    size_t size;
    int64_t received; /**< the receive buffer had no room; -1: not counted here
                           (Linux counts) */
    int64_t unsent;   /**< waited, and were refused: as often error_received */
} rondo_datagram_drops;

/** How many so far. 0. See SO_MEMINFO in the kernel's sources. */
RONDO_API int rondo_datagram_get_drops(const rondo_datagram *d,
                                       rondo_datagram_drops *drops);

/** Our own address and the one connected with; also in connection_lost. 0, or
 * RONDO_ENOTCONN: there is none. As get_extra_info("sockname"), ("peername").
 */
RONDO_API int rondo_datagram_local_address(const rondo_datagram *d,
                                           rondo_address *address);
RONDO_API int rondo_datagram_peer_address(const rondo_datagram *d,
                                          rondo_address *address);

/** The largest IP packet, in bytes with its headers, that the kernel believes
 * the path to the peer takes. RONDO_ENOTCONN: the endpoint is not connected;
 * RONDO_ENOTSUP. As IP_MTU of ip(7), IPV6_MTU of ipv6(7). */
RONDO_API int64_t rondo_datagram_path_mtu(const rondo_datagram *d);

/**
 * Sets the limits of the write buffer, in bytes, as
 * rondo_transport_set_write_buffer_limits does. Each datagram that waits counts
 * 32 bytes more than it has, so that empty ones are bounded, too. 0, or
 * RONDO_EINVAL: high < low.
 */
RONDO_API int rondo_datagram_set_write_buffer_limits(rondo_datagram *d,
                                                     size_t high, size_t low);

/** What waits for the kernel to take it, counted like that. */
RONDO_API size_t rondo_datagram_get_write_buffer_size(const rondo_datagram *d);

/**
 * Receives what is sent to this multicast group, or no longer; the group is of
 * the endpoint's family. interface_name: "eth0", or its index as text ("2"),
 * which works everywhere; NULL: an IPv6 group's scope, else the system's
 * choice. 0, RONDO_EINVAL (no multicast group), RONDO_ENOENT (no such
 * interface), RONDO_EADDRINUSE (joined already), RONDO_EADDRNOTAVAIL (not
 * joined), RONDO_ECLOSED. As uv_udp_set_membership; see ip(7) and ipv6(7).
 */
RONDO_API int rondo_datagram_join(rondo_datagram *d, const rondo_address *group,
                                  const char *interface_name);
RONDO_API int rondo_datagram_leave(rondo_datagram *d,
                                   const rondo_address *group,
                                   const char *interface_name);

/** How many routers multicast datagrams may pass: 0 to 255, 1 at first. 0, or
 * RONDO_EINVAL. As IP_MULTICAST_TTL of ip(7). */
RONDO_API int rondo_datagram_set_multicast_ttl(rondo_datagram *d, int ttl);

/** Whether members on this machine receive what is sent from here: yes at
 * first. On Windows it is the receiving endpoint that has to be told. 0. As
 * IP_MULTICAST_LOOP of ip(7). */
RONDO_API int rondo_datagram_set_multicast_loop(rondo_datagram *d, bool on);

/** The self it was made with. */
RONDO_API void *rondo_datagram_self(const rondo_datagram *d);

/** The descriptor, still the endpoint's: for socket options, not for reading,
 * writing or closing. RONDO_NO_FD once it is gone. */
RONDO_API rondo_fd rondo_datagram_fd(const rondo_datagram *d);

/** The loop it belongs to. */
RONDO_API rondo_loop *rondo_datagram_loop(const rondo_datagram *d);

/** Whether it keeps rondo_loop_run going (false, as it begins) or not. */
RONDO_API void rondo_datagram_set_background(rondo_datagram *d,
                                             bool background);

/* ---- 7. subprocesses --------------------------------------------------- */

/** How a process ended. A Windows exit code has 32 bits, so it cannot share a
 * number with the signals. */
typedef struct rondo_exit {
    bool known; /**< false: somebody else has reaped it (SIGCHLD ignored, a
                 * stray wait), and the rest is 0 */
    bool signaled;
    int signal;    /**< what killed it; 0 unless signaled */
    uint32_t code; /**< of its exit; 0 when signaled */
} rondo_exit;

/**
 * What the program does about a child. Any member may be NULL. The table is
 * not copied: it must outlive the process. self is the caller's pointer.
 *
 * Order: connection_made first, even if the child has ended already; then the
 * others as they come; connection_lost last, once the child has ended and
 * every pipe is lost. process_exited does not wait for the pipes, which a
 * grandchild may hold open; data may follow it. The process is valid until
 * connection_lost returns. As asyncio.SubprocessProtocol.
 */
typedef struct rondo_process_protocol {
    /** Once, first. From then on connection_lost is owed, exactly once. */
    void (*connection_made)(rondo_process *p, void *self);
    /** size > 0 bytes from the child's descriptor fd, lent for the call. */
    void (*pipe_data_received)(rondo_process *p, void *self, int fd,
                               const void *data, size_t size);
    /** The pipe to the child's descriptor fd is gone. 0: closed, by either
     * side; else what broke it. */
    void (*pipe_connection_lost)(rondo_process *p, void *self, int fd,
                                 int error);
    /** The child does not read fd fast enough: stop writing. */
    void (*pause_writing)(rondo_process *p, void *self, int fd);
    void (*resume_writing)(rondo_process *p, void *self, int fd);
    /** The child has ended; not called where rondo_process_close has let go
     * of one that is left running. */
    void (*process_exited)(rondo_process *p, void *self, rondo_exit status);
    /** Last. 0, or RONDO_ECLOSED: the loop closes. */
    void (*connection_lost)(rondo_process *p, void *self, int error);
    rondo_reserved reserved[5];
} rondo_process_protocol;

/** What a descriptor of the child is. */
typedef enum rondo_stdio_kind {
    RONDO_STDIO_INHERIT = 0, /**< the parent's of the same number */
    /** A pipe: the child reads 0 and writes all others. Beyond 0-2 a pair of
     * connected sockets, both ways. */
    RONDO_STDIO_PIPE,
    RONDO_STDIO_NULL,   /**< the null device */
    RONDO_STDIO_FD,     /**< a descriptor of the caller's, which stays so */
    RONDO_STDIO_STDOUT, /**< the same as the child's 1 */
    /** A pseudo terminal of the child's own, for 0, 1 and 2; all that name it
     * share one (RONDO_CAN_TERMINALS). See below. */
    RONDO_STDIO_TERMINAL
} rondo_stdio_kind;

/** One more descriptor of the child; beyond 0, 1 and 2 on Unix only. */
typedef struct rondo_stdio_entry {
    int child_fd; /**< 0, 1 and 2: in place of a kind that is zero */
    rondo_stdio_kind kind;
    rondo_fd fd; /**< RONDO_STDIO_FD's */
} rondo_stdio_entry;

/** soft or hard of a rondo_resource_limit: no limit (RLIM_INFINITY). */
#define RONDO_UNLIMITED UINT64_MAX

/** A limit of the child's, in the unit of its resource. See setrlimit(2). */
typedef struct rondo_resource_limit {
    int resource;  /**< one of the system's RLIMIT_... */
    uint64_t soft; /**< in force; at most hard */
    uint64_t hard; /**< how far the child can raise soft */
} rondo_resource_limit;

/** What to run, and how; RONDO_PROCESS(.program = "ls"). */
typedef struct rondo_process_options {
    size_t size;
    /** A path, or a name that is looked up in the parent's PATH (or in the
     * child's: own_path). NULL: argv[0]. A relative path starts from cwd. */
    const char *program;
    /** Ends with NULL, argv[0] included. NULL: the program alone. */
    const char *const *argv;
    /** "NAME=value", ends with NULL. NULL: the parent's. */
    const char *const *env;
    const char *cwd; /**< NULL: the parent's */
    rondo_stdio_kind stdin_kind, stdout_kind, stderr_kind;
    rondo_fd stdin_fd, stdout_fd, stderr_fd; /**< RONDO_STDIO_FD's */
    const rondo_stdio_entry *extra;
    size_t extra_count;
    bool new_group;     /**< setpgid(2); Windows: a console group */
    bool new_session;   /**< setsid(2); Unix */
    bool hide_window;   /**< Windows */
    bool leave_running; /**< close, the loop's too, does not kill */
    /** setuid(2) and setgid(2), with no supplementary groups where the parent
     * may drop them; by pointer, since 0 is a value. RONDO_EINVAL: a uid that
     * is not 0 without a gid, where the child would keep group 0. Unix. */
    const int64_t *uid, *gid;
    const int *umask;  /**< by pointer, since 0 is a value. Unix */
    int columns, rows; /**< of the child's terminal. 0: 80 and 24 */
    /** Further descriptors that the child gets, each under the number that it
     * has here, as Python's pass_fds. Windows: handles, which other children
     * may inherit, too, while the call lasts, unless a list of their own
     * excludes them. */
    const rondo_fd *inherit;
    size_t inherit_count;
    bool own_path; /**< a name is looked up in the PATH of env, if env is set */
    /** The folder of a control group, such as "/sys/fs/cgroup/x", in which the
     * child begins. Linux (RONDO_CAN_CGROUPS). See cgroups(7). */
    const char *cgroup;
    /** A job object in which the child begins; 0: none. Windows
     * (RONDO_CAN_JOB_OBJECTS). See AssignProcessToJobObject. */
    rondo_fd job;
    const rondo_resource_limit *limits; /**< Unix (RONDO_CAN_LIMITS) */
    size_t limit_count;
    /** -20 to 19, by pointer, since 0 is a value. Windows: the nearest priority
     * class. See setpriority(2). */
    const int *nice;
    /** The child is killed when this process ends in any way
     * (RONDO_CAN_DIE_WITH_PARENT). Linux: also when the thread that started it
     * ends, and not if its program has more rights (set-user-ID). See
     * PR_SET_PDEATHSIG, procctl(2), JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE. */
    bool die_with_parent;
} rondo_process_options;

/**
 * Starts a program. The child gets the descriptors listed and no others; its
 * signals are unblocked and at their defaults. The time this takes does not
 * depend on the parent's memory, except with uid or gid, where it is a
 * fork(2). p may be NULL.
 *
 * 0; an error, and nothing is left: RONDO_ENOENT, RONDO_ENOTDIR, RONDO_EACCES
 * (not executable, a directory), RONDO_ENOEXEC, RONDO_ENAMETOOLONG,
 * RONDO_ETOOMUCH (argv and env together too long), RONDO_EBADF (a descriptor
 * that is not open), RONDO_EPERM (uid, gid, limits, cgroup), RONDO_EACCES
 * (nice, cgroup), RONDO_EAGAIN (too many processes), RONDO_EMFILE,
 * RONDO_ENFILE, RONDO_EINVAL (neither program nor argv, an unknown kind, a
 * number of a descriptor below 0 or named twice, a terminal beyond 0-2, a value
 * out of range), RONDO_ENOTSUP (this platform cannot). As loop.subprocess_exec,
 * and libuv's uv_spawn; see execve(2).
 */
RONDO_API int rondo_subprocess_exec(rondo_loop *loop,
                                    const rondo_process_options *options,
                                    const rondo_process_protocol *protocol,
                                    void *self, rondo_process **p);

/** The same for a command of the system's shell (/bin/sh -c); options may be
 * NULL and name neither program nor argv. As loop.subprocess_shell. */
RONDO_API int rondo_subprocess_shell(rondo_loop *loop, const char *command,
                                     const rondo_process_options *options,
                                     const rondo_process_protocol *protocol,
                                     void *self, rondo_process **p);

/*
 * A child on a terminal (RONDO_STDIO_TERMINAL; see pty(7), openpty(3)). The
 * child leads a session of its own, whose terminal it is: Ctrl-C, job control,
 * SIGWINCH and isatty(3) work as in a terminal's window. Our end is one
 * transport both ways: rondo_process_pipe returns it for each of 0, 1 and 2
 * that is the terminal. pause_writing and resume_writing get it as fd 0, the
 * other callbacks as fd 1 (as 2 where 1 is something else). Where the terminal
 * is the child's input alone, or its output alone, all get that number.
 *
 * The terminal begins with the system's modes: it echoes, gives the child whole
 * lines and writes "\r\n" for each "\n"; tcsetattr(3) on rondo_transport_fd
 * changes that. rondo_transport_write_eof is RONDO_ENOTSUP: the child reads an
 * end where Ctrl-D ("\4") is written at the start of a line. Closing the
 * transport hangs up: the child gets SIGHUP. When the last process has closed
 * the terminal, pipe_connection_lost says 0, or RONDO_ECONNRESET where a write
 * could not end.
 *
 * On Windows (10, version 1809) it is a pseudo console (ConPTY,
 * CreatePseudoConsole), for console programs. What it shows comes as UTF-8 with
 * the sequences of a VT100 between, the whole screen again where Windows thinks
 * fit; what is written is what keys send ("\r" is Enter, "\3" Ctrl-C). The
 * console ends with the child, and when the transport is gone: Windows then
 * ends what is on it (CTRL_CLOSE_EVENT), leave_running or not. hide_window is
 * ignored.
 */

/** Changes the size of the child's terminal, 1 to 65535 each; a change is
 * SIGWINCH to the programs in its foreground. 0; RONDO_EINVAL: no terminal, no
 * such size (Windows: 1 to 32767); RONDO_ECLOSED: it is closed; RONDO_ENOTSUP:
 * Wine. As ioctl(2)'s TIOCSWINSZ, ResizePseudoConsole. */
RONDO_API int rondo_process_set_window_size(rondo_process *p, int columns,
                                            int rows);

/** The number of the process, which another may get once it has ended. */
RONDO_API int64_t rondo_process_pid(const rondo_process *p);

/** Whether the loop has noticed its end; then *status (may be NULL) is how. As
 * BaseTransport.get_returncode. */
RONDO_API bool rondo_process_returncode(const rondo_process *p,
                                        rondo_exit *status);

/**
 * The transport of the pipe to the child's descriptor fd, to write to it,
 * pause or close it. NULL: there is no such pipe, or it is gone. After
 * rondo_transport_set_protocol the new protocol hears of that pipe alone, to
 * the end. As get_pipe_transport.
 */
RONDO_API rondo_transport *rondo_process_pipe(const rondo_process *p, int fd);

/** Sends a signal, never to a process that has taken its number. 0;
 * RONDO_ESRCH: it has ended; RONDO_EINVAL, RONDO_EPERM. As send_signal, and
 * uv_process_kill. */
RONDO_API int rondo_process_send_signal(rondo_process *p, int signum);

/** The same to each process of the group that the child leads (new_group or
 * new_session), as long as the child has not ended. RONDO_EINVAL: it leads
 * none. Windows: SIGBREAK only, else RONDO_ENOTSUP. See killpg(3). */
RONDO_API int rondo_process_signal_group(rondo_process *p, int signum);

/** SIGTERM, or TerminateProcess. Otherwise the same. */
RONDO_API int rondo_process_terminate(rondo_process *p);

/** SIGKILL, or TerminateProcess. Otherwise the same. */
RONDO_API int rondo_process_kill(rondo_process *p);

/**
 * Kills the child if it runs (unless leave_running), delivers what its pipes
 * hold and closes them without waiting for a grandchild; process_exited and
 * connection_lost follow. One that is left running is let go at once. Harmless
 * after its end, and twice. As SubprocessTransport.close.
 */
RONDO_API void rondo_process_close(rondo_process *p);

/** The caller's pointer. */
RONDO_API void *rondo_process_self(const rondo_process *p);
/** The loop it belongs to. */
RONDO_API rondo_loop *rondo_process_loop(const rondo_process *p);
/** Whether it and its pipes keep rondo_loop_run going (false, as it begins) or
 * not. */
RONDO_API void rondo_process_set_background(rondo_process *p, bool background);

/** What a child has written, and how it ended. */
typedef struct rondo_output {
    size_t size;
    rondo_exit status;
    /** Lent for the callback; a NUL byte follows each. Never NULL. */
    const void *out, *err;
    size_t out_size, err_size;
} rondo_output;

/** The child has ended and its pipes are closed. error: 0, RONDO_ETOOMUCH,
 * RONDO_ENOMEM, RONDO_ECANCELED, or why a pipe could not be read or written to
 * its end (not: that the child did not read); output is then what came
 * before. */
typedef void (*rondo_communicate_fn)(rondo_loop *loop, void *arg,
                                     const rondo_output *output, int error);

/**
 * Runs a program to its end: feeds it input, then the end of input, and
 * collects stdout and stderr. Where the options leave a kind at zero, stdin
 * is a pipe (the null device when input is NULL) and stdout and stderr are
 * pipes. input must stay until done is called. More than limit bytes of
 * output in all (0: no limit) kill the child: RONDO_ETOOMUCH. A child that
 * does not read its input is no error. Returns an id, with which rondo_cancel
 * kills the child, or the errors of rondo_subprocess_exec; RONDO_EINVAL also: a
 * pipe in extra beyond stderr, a terminal. As Process.communicate.
 */
RONDO_API rondo_id rondo_communicate(rondo_loop *loop,
                                     const rondo_process_options *options,
                                     const void *input, size_t input_size,
                                     size_t limit, rondo_communicate_fn done,
                                     void *arg);

/* ---- 8. signals -------------------------------------------------------- */

/** SIGHUP's number, also on Windows, whose <signal.h> lacks it: there it says
 * that the console is being closed. */
#define RONDO_SIGHUP 1

/** Called from the loop after the signal has arrived. */
typedef void (*rondo_signal_fn)(rondo_loop *loop, int signum, void *arg);

/**
 * Calls fn from the loop, as any callback, when the process gets the signal;
 * the loop is woken at once. Any number of loops, in any threads, may handle
 * one signal: each is told. Adding again replaces fn and arg. A handler does
 * not keep rondo_loop_run going, and ends with the loop.
 *
 * A signal that arrives several times before the loop comes to it is told once;
 * of different ones the lowest number comes first. System calls of other code
 * go on by themselves (SA_RESTART). In a child process signals wait for
 * rondo_loop_after_fork. SIGCHLD alone is also passed on to the handler that
 * was there before.
 *
 * On Windows there are SIGINT (Ctrl-C), SIGBREAK (Ctrl-Break) and RONDO_SIGHUP
 * (the console is being closed: the process then has about five seconds to
 * end by itself).
 *
 * 0; RONDO_EINVAL: no such signal, one that cannot be caught (SIGKILL,
 * SIGSTOP), or one that reports a fault of the program (SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL); RONDO_ENOTSUP: not on this platform. As
 * loop.add_signal_handler; see sigaction(2), signal(7), SetConsoleCtrlHandler.
 */
RONDO_API int rondo_add_signal_handler(rondo_loop *loop, int signum,
                                       rondo_signal_fn fn, void *arg);

/**
 * The handler is not called any more, not even for what has arrived already.
 * When no loop handles the signal any longer, what was there before is
 * restored; a handler that the program has put there since stays. 1: removed,
 * 0: there was none; RONDO_EINVAL: no such signal. As
 * loop.remove_signal_handler.
 */
RONDO_API int rondo_remove_signal_handler(rondo_loop *loop, int signum);

/** count: how many of the signal have arrived since its watches were last
 * called: 1 or more. */
typedef void (*rondo_signal_watch_fn)(rondo_loop *loop, int signum,
                                      unsigned count, void *arg);

/** Flags of rondo_watch_signal. */
typedef enum rondo_signal_flags {
    RONDO_SIGNAL_ONCE = 1 /**< ends just before its first call */
} rondo_signal_flags;

/**
 * As rondo_add_signal_handler, but any number of watches of one signal can be
 * in a loop, beside its handler: each is called, in the order in which they
 * were added, with the count of those that came. (The kernel counts real-time
 * signals only; it takes several others that wait for one. See signal(7).)
 * flags: 0 or RONDO_SIGNAL_ONCE. rondo_cancel ends the watch,
 * rondo_set_background(loop, id, false) lets it keep rondo_loop_run going. An
 * id, or the errors of rondo_add_signal_handler; RONDO_EINVAL: unknown flags.
 * As libuv's uv_signal_start and uv_signal_start_oneshot.
 */
RONDO_API rondo_id rondo_watch_signal(rondo_loop *loop, int signum,
                                      unsigned flags, rondo_signal_watch_fn fn,
                                      void *arg);

/* ---- 9. threads and names ---------------------------------------------- */

/** A job's work, on a thread: returns what done gets, a value >= 0 or a
 * RONDO_E... */
typedef int64_t (*rondo_work_fn)(rondo_job *job, void *arg);

/**
 * Runs work(job, arg) on a thread of an executor (NULL: the loop's default),
 * then done(loop, arg, result) on the loop; done may be NULL: then the
 * exception handler gets what work returns, if that is an error. done never
 * runs while work does. An id, RONDO_ECLOSED (the executor has been shut
 * down), or the system's error where a thread cannot be started and there is
 * none. As loop.run_in_executor, and libuv's uv_queue_work.
 *
 * Cancelled before it has begun, work never runs; while it runs,
 * rondo_job_canceled turns true and what it returns is dropped. done gets
 * RONDO_ECANCELED either way; rondo_job_begun tells which it was. A job that
 * an executor's shutdown drops gets RONDO_ECLOSED, one that was the parent
 * process's RONDO_EFORKED.
 */
RONDO_API rondo_id rondo_run_in_executor(rondo_loop *loop,
                                         rondo_executor *executor,
                                         rondo_work_fn work, rondo_done_fn done,
                                         void *arg);

/**
 * Inside a job's done: whether its work had begun, so that it may have done a
 * part of it. Both kinds of cancelled jobs get RONDO_ECANCELED: true for one
 * that ran, false for one that never did. Outside a done: false. As the results
 * of Future.cancel and uv_cancel, which refuse a job that has begun.
 */
RONDO_API bool rondo_job_begun(const rondo_loop *loop);

/** Whether the job was cancelled, or its loop closes: work should return. On
 * the job's thread. */
RONDO_API bool rondo_job_canceled(const rondo_job *job);

/** As rondo_call_soon_threadsafe, to the job's loop, on the job's thread:
 * called in order, and before the job's done. 0, or RONDO_ECLOSED once the
 * loop is closing, RONDO_ENOMEM. */
RONDO_API int rondo_job_call_soon(rondo_job *job, rondo_fn fn, void *arg);

/**
 * Makes an executor for any number of loops, with at most so many threads (0:
 * as the loop's own), started as they are needed. Its memory is malloc(3)'s. 0,
 * RONDO_EINVAL (more than 10,000) or RONDO_ENOMEM. Any thread. As
 * concurrent.futures.ThreadPoolExecutor.
 */
RONDO_API RONDO_MUST_CHECK int rondo_executor_new(rondo_executor **executor,
                                                  unsigned threads);

/**
 * No more jobs: from now on they are RONDO_ECLOSED. wait: returns when all
 * that were queued have run and the threads have ended; else jobs that have not
 * begun are dropped (their done gets RONDO_ECLOSED) and those that run end by
 * themselves. Any number of times; the pointer stays valid. 0; RONDO_EBUSY: one
 * of its own jobs wants to wait, and nothing has happened. Any thread. As
 * Executor.shutdown.
 */
RONDO_API int rondo_executor_shutdown(rondo_executor *executor, bool wait);

/** Shuts it down without waiting, unless that was done, and ends the pointer;
 * NULL is ignored. Loops may still have it as their default, and jobs may still
 * run: the threads end with the last. Any thread. */
RONDO_API void rondo_executor_free(rondo_executor *executor);

/** How many processors this process may use, at least 1: as many loops, each
 * on a thread of its own, use them all. Any thread. As
 * os.process_cpu_count. */
RONDO_API unsigned rondo_cpu_count(void);

/** Where this loop's jobs go when they name no executor; NULL: back to its own,
 * which is made with its first job. 0. As loop.set_default_executor. */
RONDO_API int rondo_set_default_executor(rondo_loop *loop,
                                         rondo_executor *executor);

/** A socket_type of rondo_lookup_hints: any. */
#define RONDO_ANY_SOCKET (-1)

/** What a look-up asks for; RONDO_LOOKUP_HINTS_INIT. As getaddrinfo(3)'s
 * hints. */
typedef struct rondo_lookup_hints {
    size_t size;
    rondo_family family;  /**< only these */
    bool datagram;        /**< a service of UDP, not of TCP */
    bool passive;         /**< no host: addresses to listen at (AI_PASSIVE) */
    bool numeric_host;    /**< the host is no name (AI_NUMERICHOST) */
    bool numeric_service; /**< the service is a number (AI_NUMERICSERV) */
    bool canonical_name;  /**< the host's own name, too (AI_CANONNAME) */
    /** The system's SOCK_... and IPPROTO_...; 0: SOCK_STREAM or what datagram
     * says, and its usual protocol. RONDO_ANY_SOCKET: services of any type;
     * each address is then given once. */
    int socket_type, protocol;
    bool configured; /**< only families that this machine has addresses of
                        (AI_ADDRCONFIG) */
    /** With RONDO_FAMILY_INET6: where there are no IPv6 addresses, IPv4 ones as
     * "::ffff:1.2.3.4" (AI_V4MAPPED); with all_mapped these, too, where there
     * are (AI_ALL). */
    bool v4_mapped, all_mapped;
} rondo_lookup_hints;

/** What a look-up has found, lent for the call: count addresses in the order
 * in which they should be tried, and the canonical name, or NULL where it was
 * not asked for or is not known. After an error all are NULL or 0. */
typedef void (*rondo_getaddrinfo_fn)(rondo_loop *loop, void *arg,
                                     const rondo_address *addresses,
                                     size_t count, const char *canonical_name,
                                     int error);

/**
 * Looks up a host (1 to 255 bytes; NULL: this machine) and a service (a port
 * from 0 to 65535, or a name; NULL: port 0), one of which may be NULL. A
 * numeric host with a port or no service needs no look-up; all else is asked of
 * the loop's resolver, off the loop's thread. hints may be NULL. done gets
 * RONDO_ENONAME, RONDO_EAGAIN, RONDO_EAFNOSUPPORT, RONDO_ENOMEM, RONDO_ENOTSUP
 * (no v4_mapped on this system; no such type or protocol), or the resolver's
 * own. An id; RONDO_EINVAL: a host or service that cannot be one;
 * RONDO_ENONAME, RONDO_EAFNOSUPPORT: not what the hints ask for. Cancelled, it
 * ends at once. As loop.getaddrinfo, and uv_getaddrinfo.
 */
RONDO_API rondo_id rondo_getaddrinfo(rondo_loop *loop, const char *host,
                                     const char *service,
                                     const rondo_lookup_hints *hints,
                                     rondo_getaddrinfo_fn done, void *arg);

/** What rondo_getnameinfo is to do otherwise; as getnameinfo(3)'s flags. */
typedef enum rondo_nameinfo_flags {
    RONDO_NAMEINFO_NUMERIC_HOST = 1 << 0,
    RONDO_NAMEINFO_NUMERIC_SERVICE = 1 << 1,
    RONDO_NAMEINFO_REQUIRED = 1 << 2, /**< no name is RONDO_ENONAME */
    RONDO_NAMEINFO_DATAGRAM = 1 << 3  /**< a service of UDP */
} rondo_nameinfo_flags;

/** Lent for the call; NULL after an error. */
typedef void (*rondo_getnameinfo_fn)(rondo_loop *loop, void *arg,
                                     const char *host, const char *service,
                                     int error);

/**
 * Looks up the names of an IP address and its port; what has no name is given
 * as a number. flags are any of rondo_nameinfo_flags. It asks the system, off
 * the loop's thread unless both are to be numeric. An id; RONDO_EAFNOSUPPORT:
 * not an IP address; RONDO_EINVAL: no address, no done or unknown flags;
 * RONDO_ENOMEM. done's errors: RONDO_ENONAME (with RONDO_NAMEINFO_REQUIRED),
 * RONDO_ECANCELED, RONDO_EFORKED, or what the system said. As loop.getnameinfo,
 * and uv_getnameinfo.
 */
RONDO_API rondo_id rondo_getnameinfo(rondo_loop *loop,
                                     const rondo_address *address, int flags,
                                     rondo_getnameinfo_fn done, void *arg);

/** A look-up that a resolver of the program's is asked for: valid until it has
 * been answered or cancelled. */
typedef struct rondo_lookup rondo_lookup;

/** A resolver of the program's. */
typedef struct rondo_resolver {
    /**
     * Called from inside rondo_getaddrinfo, or from the loop for a connect, for
     * each host that is a name. service is as it came, or NULL. All is lent for
     * the call. 0: rondo_resolver_answer will be called once, inside start or
     * later; < 0: a RONDO_E..., and it will not. If start cancels the connect
     * that asks, cancel is called inside it and the result is ignored.
     */
    int (*start)(void *context, rondo_lookup *lookup, const char *host,
                 const char *service, const rondo_lookup_hints *hints);
    /** Nobody waits any more: lookup ends when this returns. Called from inside
     * rondo_cancel and rondo_loop_close, too. */
    void (*cancel)(void *context, rondo_lookup *lookup);
    void *context;
    rondo_reserved reserved[5];
} rondo_resolver;

/**
 * Who looks up this loop's hosts from now on, for rondo_getaddrinfo and
 * rondo_create_connection; NULL: the system's getaddrinfo(3), on up to four
 * threads. *resolver is copied; its context must live until the last look-up
 * that it began has ended. 0, or RONDO_EINVAL: no start, or no cancel.
 */
RONDO_API int rondo_set_resolver(rondo_loop *loop,
                                 const rondo_resolver *resolver);

/**
 * A resolver's answer: count addresses, which are copied, or an error (none:
 * RONDO_ENONAME; more than 4,096: RONDO_EINVAL). A port
 * that was given as a number need not be set. On the loop's thread; whoever
 * asked is told from the loop. A second answer, and one inside cancel, are
 * ignored.
 */
RONDO_API void rondo_resolver_answer(rondo_lookup *lookup,
                                     const rondo_address *addresses,
                                     size_t count, int error);

/* ---- 10. reading by line and by size ------------------------------------ */

/** Keeps what a transport receives until it is asked for: a protocol of its
 * own, with self a reader. As asyncio.StreamReader. */
typedef struct rondo_reader rondo_reader;

/**
 * How a read has ended: size bytes, lent for the call and taken, and error 0;
 * or an error: RONDO_EOF (the data end before what was asked for; data is what
 * was left), RONDO_ETOOMUCH (rondo_read_until: over the limit; nothing is
 * taken), or what broke the connection (data is what was left). The next read
 * may be begun here, and the reader freed.
 */
typedef void (*rondo_read_fn)(rondo_reader *reader, void *arg, const void *data,
                              size_t size, int error);

/** The protocol to be given to a connection together with a reader. Static. */
RONDO_API const rondo_protocol *rondo_reader_protocol(void);

/**
 * Makes a reader for one connection. At most limit bytes (0: 64 KiB) can be
 * asked for; reading from the transport pauses while more than twice that is
 * kept, so the transport's pause_reading is the reader's. protocol (may be
 * NULL) and self hear everything but data. Without an eof_received of theirs
 * the connection is closed when RONDO_EOF has been told, so that what came
 * before can still be answered. 0, RONDO_ENOMEM, or RONDO_EINVAL: an absurd
 * limit (over SIZE_MAX / 8), or nowhere to put it.
 */
RONDO_API RONDO_MUST_CHECK int rondo_reader_new(rondo_loop *loop, size_t limit,
                                                const rondo_protocol *protocol,
                                                void *self,
                                                rondo_reader **reader);

/**
 * Frees it: inside its own callback, in connection_lost, later, also after the
 * loop; NULL is ignored. A read that is under way is forgotten. A connection
 * that it still has goes on with protocol and self, which get the bytes that
 * nobody took; where there is no protocol it is closed. A reader that has been
 * given to a connection must live until connection_made, and as long as it
 * lives the transport's protocol must not be exchanged.
 */
RONDO_API void rondo_reader_free(rondo_reader *reader);

/** A client has connected: the first read may be begun, and
 * rondo_reader_set_protocol be called. The reader is the program's, to be freed
 * by rondo_reader_free, which closes the connection. */
typedef void (*rondo_reader_fn)(rondo_reader *reader, void *arg);

/**
 * rondo_create_server with a reader for each client, whose limit is as for
 * rondo_reader_new; options without protocol_factory and accepted. server may
 * be NULL. Errors as rondo_create_server's. As asyncio.start_server.
 */
RONDO_API int rondo_start_server(rondo_loop *loop,
                                 const rondo_server_options *options,
                                 size_t limit, rondo_reader_fn connected,
                                 void *arg, rondo_server **server);

/** Whether reads wait while the transport's write buffer is over its limit
 * (from pause_writing to resume_writing), so that a peer that does not take the
 * answers is asked for nothing more. false, as it begins. As
 * StreamWriter.drain before each read. */
RONDO_API void rondo_reader_set_drain(rondo_reader *reader, bool on);

/**
 * Reads up to and including a separator of size bytes, which is copied. done is
 * called once, from the loop, also where everything is there already. Bytes
 * before the separator beyond the limit are RONDO_ETOOMUCH. 0; RONDO_EBUSY: a
 * read is under way; RONDO_ECLOSED: the loop is being closed; RONDO_EINVAL: no
 * separator, no done; RONDO_ENOMEM. As StreamReader.readuntil.
 */
RONDO_API int rondo_read_until(rondo_reader *reader, const void *separator,
                               size_t size, rondo_read_fn done, void *arg);

/** The same with "\n", which is part of the data. As StreamReader.readline. */
RONDO_API int rondo_read_line(rondo_reader *reader, rondo_read_fn done,
                              void *arg);

/** The same for size bytes; 0 bytes are there at once. RONDO_ETOOMUCH: more
 * than the limit. As StreamReader.readexactly. */
RONDO_API int rondo_read_exactly(rondo_reader *reader, size_t size,
                                 rondo_read_fn done, void *arg);

/** The same for whatever there is, one byte at least. As StreamReader.read. */
RONDO_API int rondo_read_some(rondo_reader *reader, rondo_read_fn done,
                              void *arg);

/** Who hears everything but data from now on: the protocol and self of
 * rondo_reader_new, which the reader of a server's client begins without.
 * Without one the leaving of the peer is told to a read alone, so a program
 * that reads only now and then sets one with eof_received and connection_lost.
 * NULL: nobody. 0. */
RONDO_API int rondo_reader_set_protocol(rondo_reader *reader,
                                        const rondo_protocol *protocol,
                                        void *self);

/** The loop it belongs to, which may have been closed before it. */
RONDO_API rondo_loop *rondo_reader_loop(const rondo_reader *reader);

/** The connection, for writing; NULL before the first callback and once it is
 * lost. */
RONDO_API rondo_transport *rondo_reader_transport(const rondo_reader *reader);

/** How many bytes are kept that nobody has taken. Before a filter is pushed
 * (start_tls) it should be 0: they came in clear. */
RONDO_API size_t rondo_reader_buffered(const rondo_reader *reader);

/* ---- 11. operations on sockets of the program's ------------------------- */

/*
 * The socket is non-blocking, stays the program's, and stays open until done is
 * called, which is once, from the loop, unless the call itself fails. So it is
 * with the bytes. Every system's sockets are taken, on every backend. One
 * operation at a time reads (recv, recvfrom, accept) and one writes (sendall,
 * sendto, connect, sendfile); when done is called, or the operation has been
 * cancelled, the next one may begin.
 *
 * Returns an id, for rondo_cancel; or RONDO_EBUSY (the socket is a transport's
 * or another object's, or is watched, or such an operation is under way),
 * RONDO_EINVAL (the socket blocks, and for recv and sendall: it would have to
 * be waited for; no done; not the kind of socket),
 * RONDO_EBADF, RONDO_ENOTSOCK, RONDO_EMFILE (beyond the backend's limit).
 * Windows does not tell whether a socket blocks: there it is made non-blocking.
 *
 * A cancelled operation's result is RONDO_ECANCELED, or what had happened
 * already: no byte that came is lost and no connection. rondo_loop_close does
 * the same. Other errors are the system's.
 */

/** Receives up to size bytes: at least one, or 0 at the peer's orderly end (an
 * empty datagram; a size of 0). As loop.sock_recv_into; see recv(2). */
RONDO_API rondo_id rondo_sock_recv(rondo_loop *loop, rondo_fd s, void *data,
                                   size_t size, rondo_done_fn done, void *arg);

/** The result is a size or an error; from is valid during the call, empty where
 * the sender has no name, NULL with an error. */
typedef void (*rondo_recvfrom_fn)(rondo_loop *loop, void *arg, int64_t result,
                                  const rondo_address *from);

/** Receives a datagram, of which what is beyond size bytes is lost. As
 * loop.sock_recvfrom_into; see recvfrom(2). */
RONDO_API rondo_id rondo_sock_recvfrom(rondo_loop *loop, rondo_fd s, void *data,
                                       size_t size, rondo_recvfrom_fn done,
                                       void *arg);

/** Sends all of the bytes; the result is size. With an error some may have been
 * sent. As loop.sock_sendall; see send(2). There is no SIGPIPE. */
RONDO_API rondo_id rondo_sock_sendall(rondo_loop *loop, rondo_fd s,
                                      const void *data, size_t size,
                                      rondo_done_fn done, void *arg);

/** Sends a datagram; the result is size. As loop.sock_sendto; see sendto(2). */
RONDO_API rondo_id rondo_sock_sendto(rondo_loop *loop, rondo_fd s,
                                     const void *data, size_t size,
                                     const rondo_address *to,
                                     rondo_done_fn done, void *arg);

/** Connects; the result is 0. After a cancel the connecting goes on in the
 * kernel, and calling again waits for it. RONDO_EBUSY as done's result: a unix
 * socket's backlog is full. As loop.sock_connect; see connect(2). */
RONDO_API rondo_id rondo_sock_connect(rondo_loop *loop, rondo_fd s,
                                      const rondo_address *to,
                                      rondo_done_fn done, void *arg);

/** The socket is the program's: non-blocking, close-on-exec. peer is valid
 * during the call. With an error they are RONDO_NO_FD and NULL. */
typedef void (*rondo_accept_fn)(rondo_loop *loop, void *arg, rondo_fd socket,
                                const rondo_address *peer, int error);

/** Accepts a connection. As loop.sock_accept; see accept(2). */
RONDO_API rondo_id rondo_sock_accept(rondo_loop *loop, rondo_fd s,
                                     rondo_accept_fn done, void *arg);

/** Sends of a file, as rondo_transport_sendfile does, whose errors for the file
 * these are, too: RONDO_EBADF, RONDO_EINVAL (a negative number, a directory or
 * a socket, no stream socket to send to); a file that cannot be sent is told by
 * done. After an error the file's position is behind what was sent. As
 * loop.sock_sendfile. */
RONDO_API rondo_id rondo_sock_sendfile(rondo_loop *loop, rondo_fd s,
                                       rondo_fd file, int64_t offset,
                                       int64_t size, rondo_done_fn done,
                                       void *arg);

/* ---- 12. files ---------------------------------------------------------- */

/**
 * Files are read and written on threads of the loop's own, at most four, with
 * every backend: a slow disk holds up neither the loop nor jobs nor look-ups.
 * What holds for all calls below:
 *
 * Each starts an operation and returns its id, or an error, and then nothing
 * has begun: RONDO_EINVAL (no done; a number that makes no sense), or the
 * system's error where no thread can be started and there is none. done is
 * called once, from the loop. Memory that is handed over (bytes, a
 * rondo_file_info, room for a text) is lent until done is called. Paths and the
 * arrays of buffers are copied.
 *
 * rondo_cancel prevents an operation that has not begun: its done gets
 * RONDO_ECANCELED, and nothing has happened. One that has begun goes on, and
 * done gets its real result. rondo_loop_close does the same to all of them, and
 * waits for those that have begun. In a forked child (rondo_loop_after_fork)
 * each gets RONDO_EFORKED: the parent's thread may have carried it out.
 *
 * Operations run at the same time and end in any order, also those on one file,
 * with two exceptions: those of a file opened with RONDO_FILE_IN_ORDER run one
 * after another as they were started, and so do those at RONDO_FILE_CURRENT of
 * any file among each other.
 *
 * On Unix a path is any bytes; on Windows it is UTF-8. A path of a file that
 * does not exist is RONDO_ENOENT; further errors are RONDO_EACCES,
 * RONDO_ENOTDIR, RONDO_ELOOP, RONDO_ENAMETOOLONG, RONDO_EROFS, RONDO_EIO and
 * others of the system's.
 */

/** An open file. */
typedef struct rondo_file rondo_file;

/** How rondo_file_open opens a file. */
typedef enum rondo_file_flags {
    RONDO_FILE_READ = 1 << 0,
    RONDO_FILE_WRITE = 1 << 1,
    /** For writing, each time at the end: see rondo_file_write. */
    RONDO_FILE_APPEND = 1 << 2,
    RONDO_FILE_CREATE = 1 << 3,    /**< unless it exists */
    RONDO_FILE_EXCLUSIVE = 1 << 4, /**< ... and then RONDO_EEXIST */
    RONDO_FILE_TRUNCATE = 1 << 5,  /**< removes what is in it */
    RONDO_FILE_IN_ORDER = 1 << 6,  /**< one operation after another */
    /** A directory, to be read by rondo_file_list, and a place where
     * rondo_file_open_at begins; with READ and IN_ORDER alone. What is none is
     * RONDO_ENOTDIR. It can be examined, changed and synced. */
    RONDO_FILE_AS_DIRECTORY = 1 << 7,
    RONDO_FILE_NO_FOLLOW = 1 << 8 /**< a symbolic link: RONDO_ELOOP */
} rondo_file_flags;

/** A position: that of the file, which begins at 0 and moves behind what is read
 * or written there. The library keeps it; no other process shares it. */
#define RONDO_FILE_CURRENT ((int64_t)-1)

/** What a path names. */
typedef enum rondo_file_type {
    RONDO_FILE_OTHER = 0, /**< a device, a pipe, a socket */
    RONDO_FILE_REGULAR,
    RONDO_FILE_DIRECTORY,
    RONDO_FILE_SYMLINK
} rondo_file_type;

/** What rondo_file_stat and rondo_fs_stat fill in; set size first. Times are
 * nanoseconds since 1970. See stat(2). */
typedef struct rondo_file_info {
    size_t size; /**< of this struct; set it first */
    rondo_file_type type;
    unsigned mode; /**< permission bits; Windows: made up */
    int64_t bytes; /**< how long the file is */
    int64_t accessed_ns, modified_ns, changed_ns;
    uint64_t device, number, links;
    int64_t uid, gid; /**< -1: the system has none */
} rondo_file_info;

/** file is NULL with an error. */
typedef void (*rondo_file_fn)(rondo_loop *loop, void *arg, rondo_file *file,
                              int error);

/** How many bytes were read or written, and why not all; error is 0, and count
 * is what was asked for, or less at the end of a file. */
typedef void (*rondo_file_io_fn)(rondo_loop *loop, void *arg, size_t count,
                                 int error);

/**
 * Opens a file, with flags of rondo_file_flags. mode: the permissions of a
 * file that is created, less the umask; 0: 0666. (Windows: without 0222 it is
 * read-only.) The program closes the file (rondo_file_close), also if it has
 * asked to cancel; rondo_loop_close closes those that are open. An open file
 * does not keep rondo_loop_run running. Children do not inherit it. See
 * open(2).
 *
 * RONDO_EINVAL: flags that do not go together (neither READ nor WRITE nor
 * APPEND; EXCLUSIVE without CREATE; TRUNCATE without WRITE or APPEND), or a
 * mode beyond 07777. As done's error: RONDO_EISDIR; RONDO_EEXIST; RONDO_ENOTSUP:
 * a pipe or a socket, which no thread is to wait for; RONDO_EMFILE.
 */
RONDO_API rondo_id rondo_file_open(rondo_loop *loop, const char *path,
                                   unsigned flags, unsigned mode,
                                   rondo_file_fn done, void *arg);

/**
 * Reads into count rooms, one after another, from the byte at position on (or
 * at RONDO_FILE_CURRENT), until they are full or the file ends. If it fails
 * after some bytes, done gets their count and the error. A file without
 * positions (a terminal, some devices) is read at RONDO_FILE_CURRENT only, and
 * once: what it has now, RONDO_EAGAIN if that is nothing. RONDO_EBADF: not
 * opened for reading. RONDO_ECLOSED: the file is being closed; so it is for all
 * calls below. See pread(2).
 */
RONDO_API rondo_id rondo_file_read(rondo_file *file, int64_t position,
                                   const rondo_room *rooms, size_t count,
                                   rondo_file_io_fn done, void *arg);

/**
 * Writes all bytes of count buffers, one after another, from position on. If it
 * fails after some, done gets their count and the error: RONDO_ENOSPC,
 * RONDO_EFBIG and others. There is no SIGXFSZ. In a file opened with
 * RONDO_FILE_APPEND the position is RONDO_FILE_CURRENT, and the bytes go to the
 * end, wherever that is then; else RONDO_EINVAL. RONDO_EBADF: not opened for
 * writing. See pwrite(2).
 */
RONDO_API rondo_id rondo_file_write(rondo_file *file, int64_t position,
                                    const rondo_buffer *buffers, size_t count,
                                    rondo_file_io_fn done, void *arg);

/** Waits until what was written is on the disk: the bytes, and all that is
 * needed to read them; else (only_data false) also the times. It covers writes
 * whose done was called, and in order (RONDO_FILE_IN_ORDER) all before it. The
 * result is 0. See fsync(2), fdatasync(2); macOS: F_FULLFSYNC. */
RONDO_API rondo_id rondo_file_sync(rondo_file *file, bool only_data,
                                   rondo_done_fn done, void *arg);

/** Fills in *info before done gets 0; after an error it is as it was. See
 * fstat(2). */
RONDO_API rondo_id rondo_file_stat(rondo_file *file, rondo_file_info *info,
                                   rondo_done_fn done, void *arg);

/** Makes the file size bytes long: cuts it, or appends zeros. The result is 0.
 * See ftruncate(2). */
RONDO_API rondo_id rondo_file_truncate(rondo_file *file, int64_t size,
                                       rondo_done_fn done, void *arg);

/**
 * Closes the file once all its operations have ended. No other call can be made
 * on it from now on, but rondo_cancel can still prevent those that wait; the
 * pointer is valid until done is called, or the loop would call it (done may be
 * NULL). The result is 0 or an error of close(2), and the file is closed in both
 * cases. It needs no memory, and cannot be cancelled. RONDO_ECLOSED: it is being
 * closed already.
 */
RONDO_API rondo_id rondo_file_close(rondo_file *file, rondo_done_fn done,
                                    void *arg);

/** The descriptor or HANDLE (it is overlapped), which stays the file's:
 * RONDO_NO_FD once it is being closed. For rondo_transport_sendfile and the
 * like; the file must stay open meanwhile. */
RONDO_API rondo_fd rondo_file_fd(const rondo_file *file);

/** What path names; a symbolic link leads on. As rondo_file_stat. */
RONDO_API rondo_id rondo_fs_stat(rondo_loop *loop, const char *path,
                                 rondo_file_info *info, rondo_done_fn done,
                                 void *arg);

/** The same, of a symbolic link itself. See lstat(2). */
RONDO_API rondo_id rondo_fs_lstat(rondo_loop *loop, const char *path,
                                  rondo_file_info *info, rondo_done_fn done,
                                  void *arg);

/** Gives it another name, replacing a file that has it. Windows: RONDO_EACCES
 * where that file is open. RONDO_EXDEV. The result is 0, as it is below. See
 * rename(2). */
RONDO_API rondo_id rondo_fs_rename(rondo_loop *loop, const char *from,
                                   const char *to, rondo_done_fn done,
                                   void *arg);

/** Removes a name of a file. RONDO_EISDIR: a directory, on every system. See
 * unlink(2). */
RONDO_API rondo_id rondo_fs_unlink(rondo_loop *loop, const char *path,
                                   rondo_done_fn done, void *arg);

/** Makes a directory; mode 0: 0777. RONDO_EEXIST. See mkdir(2). */
RONDO_API rondo_id rondo_fs_mkdir(rondo_loop *loop, const char *path,
                                  unsigned mode, rondo_done_fn done, void *arg);

/** Removes an empty directory, else RONDO_ENOTEMPTY. See rmdir(2). */
RONDO_API rondo_id rondo_fs_rmdir(rondo_loop *loop, const char *path,
                                  rondo_done_fn done, void *arg);

/** Makes a symbolic link that leads to target. Windows: to a directory if target
 * is one now, else to a file; RONDO_EPERM: the process may not make links (it
 * may in Windows' developer mode, and as administrator); RONDO_ENOTSUP: the
 * system has none. See symlink(2). */
RONDO_API rondo_id rondo_fs_symlink(rondo_loop *loop, const char *target,
                                    const char *path, rondo_done_fn done,
                                    void *arg);

/** Writes where a symbolic link leads to, with a NUL byte. The result is the
 * number of bytes before it; RONDO_ETOOMUCH: room bytes are not enough;
 * RONDO_EINVAL: it is no link. See readlink(2). */
RONDO_API rondo_id rondo_fs_readlink(rondo_loop *loop, const char *path,
                                     char *text, size_t room,
                                     rondo_done_fn done, void *arg);

/* ---- 13. files: attributes, locks, copies, directories, trees ----------- */

/* What holds for all calls of section 12 holds here, too. RONDO_EINVAL also for
 * unknown flags, and for an option struct without a size. */

/** What rondo_file_change and rondo_fs_change set. */
enum rondo_changes {
    RONDO_CHANGE_MODE = 1 << 0,
    RONDO_CHANGE_OWNER = 1 << 1,
    RONDO_CHANGE_TIMES = 1 << 2,
    /** Of a symbolic link itself, by path. Linux: it has no mode of its own,
     * RONDO_ENOTSUP. */
    RONDO_CHANGE_LINK = 1 << 3
};

/** Times of a rondo_file_changes: as it was, and now. */
#define RONDO_TIME_KEEP INT64_MIN
#define RONDO_TIME_NOW  INT64_MAX

typedef struct rondo_file_changes {
    size_t size;      /**< of this struct; set it first */
    unsigned changes; /**< of enum rondo_changes */
    /** Permission bits, at most 07777. Windows: without 0222 it is read-only,
     * and nothing else. */
    unsigned mode;
    int64_t uid, gid; /**< -1: as it was. See RONDO_CAN_FILE_OWNERS */
    int64_t accessed_ns, modified_ns; /**< since 1970 */
} rondo_file_changes;

/** Changes mode, owner and times of a file, those that are asked for: the owner
 * first, then the mode, then the times. After an error those before it are
 * changed. The struct is copied. The result is 0. See fchmod(2), fchown(2),
 * futimens(3). */
RONDO_API rondo_id rondo_file_change(rondo_file *file,
                                     const rondo_file_changes *changes,
                                     rondo_done_fn done, void *arg);

/** The same by path. See chmod(2), lchown(2), utimensat(2). */
RONDO_API rondo_id rondo_fs_change(rondo_loop *loop, const char *path,
                                   const rondo_file_changes *changes,
                                   rondo_done_fn done, void *arg);

/** Gives a file one more name, on the same file system. RONDO_EEXIST,
 * RONDO_EXDEV; RONDO_EPERM (Windows: RONDO_EACCES): a directory. The result is 0.
 * See link(2). */
RONDO_API rondo_id rondo_fs_link(rondo_loop *loop, const char *path,
                                 const char *name, rondo_done_fn done,
                                 void *arg);

/** What rondo_fs_access asks for; 0: whether the path exists. */
enum rondo_access {
    RONDO_ACCESS_READ = 1 << 0,
    RONDO_ACCESS_WRITE = 1 << 1,
    RONDO_ACCESS_EXECUTE = 1 << 2
};

/** The result is 0 if the process may do all that with the file, for its real
 * user; else RONDO_EACCES or RONDO_EROFS. Windows: RONDO_EACCES to write a file
 * that is read-only, and nothing else. See access(2). */
RONDO_API rondo_id rondo_fs_access(rondo_loop *loop, const char *path,
                                   unsigned access, rondo_done_fn done,
                                   void *arg);

/** Writes the absolute path without links, "." and "..", with a NUL byte. The
 * result and RONDO_ETOOMUCH: as rondo_fs_readlink. See realpath(3). */
RONDO_API rondo_id rondo_fs_realpath(rondo_loop *loop, const char *path,
                                     char *text, size_t room,
                                     rondo_done_fn done, void *arg);

/** What rondo_fs_space fills in; set size first. */
typedef struct rondo_space_info {
    size_t size;           /**< of this struct; set it first */
    uint64_t block_bytes;  /**< the unit of allocation; 0: not known */
    uint64_t total_bytes;  /**< of the file system */
    uint64_t free_bytes;   /**< of these */
    uint64_t usable_bytes; /**< ... for this user */
    uint64_t files;        /**< that it can have; 0: it has no such limit */
    uint64_t free_files;   /**< ... more */
} rondo_space_info;

/** How large the file system of a path is, and how full. Fills in *space before
 * done gets 0. See statvfs(3). */
RONDO_API rondo_id rondo_fs_space(rondo_loop *loop, const char *path,
                                  rondo_space_info *space, rondo_done_fn done,
                                  void *arg);

/** Makes a directory and those above it that are missing; mode as
 * rondo_fs_mkdir, for all of them. The result is 0 also if the path is a
 * directory already. RONDO_EEXIST: it is something else. As os.makedirs. */
RONDO_API rondo_id rondo_fs_make_path(rondo_loop *loop, const char *path,
                                      unsigned mode, rondo_done_fn done,
                                      void *arg);

/** How many characters a temporary name has behind its prefix. */
enum { RONDO_TEMPORARY_CHARACTERS = 12 };

/** Makes and opens a file that only this user can read, with random characters
 * behind prefix ("/tmp/thing-"), for reading and writing. flags:
 * RONDO_FILE_APPEND, RONDO_FILE_IN_ORDER or 0. rondo_file_path has its name. The
 * program unlinks it. RONDO_EEXIST is as good as impossible. See mkstemp(3). */
RONDO_API rondo_id rondo_file_open_temporary(rondo_loop *loop,
                                             const char *prefix, unsigned flags,
                                             rondo_file_fn done, void *arg);

/** Makes such a directory, and writes its path to text, which has room bytes:
 * those of prefix, RONDO_TEMPORARY_CHARACTERS and a NUL, else RONDO_EINVAL. The
 * text is complete before the call returns. The result is 0. See mkdtemp(3). */
RONDO_API rondo_id rondo_fs_mkdir_temporary(rondo_loop *loop,
                                            const char *prefix, char *text,
                                            size_t room, rondo_done_fn done,
                                            void *arg);

/** The path that the file was opened by; until it is closed. NULL: no file. */
RONDO_API const char *rondo_file_path(const rondo_file *file);

/** Opens a file as rondo_file_open does, by a path that begins at an open
 * directory (RONDO_FILE_AS_DIRECTORY), even if that was renamed meanwhile. The
 * directory may be closed at once: it stays open until this has ended. Windows
 * looks up the directory's path first, so between the two it may change.
 * RONDO_EINVAL: it is no directory. See openat(2). */
RONDO_API rondo_id rondo_file_open_at(rondo_file *directory, const char *path,
                                      unsigned flags, unsigned mode,
                                      rondo_file_fn done, void *arg);

/** Makes sure that the disk has room for size bytes from position on; the file
 * is at least that long then. RONDO_ENOSPC. RONDO_ENOTSUP: the file system
 * cannot. The result is 0. See posix_fallocate(3); macOS: F_PREALLOCATE. */
RONDO_API rondo_id rondo_file_allocate(rondo_file *file, int64_t position,
                                       int64_t size, rondo_done_fn done,
                                       void *arg);

/** How a part of a file will be used. */
typedef enum rondo_advice {
    RONDO_ADVICE_NORMAL = 0,
    RONDO_ADVICE_SEQUENTIAL,
    RONDO_ADVICE_RANDOM,
    RONDO_ADVICE_WILL_NEED, /**< soon: read it ahead */
    RONDO_ADVICE_DONT_NEED  /**< not again: drop it from the cache */
} rondo_advice;

/** Tells the system; size 0: to the end. Systems without such a call ignore it.
 * The result is 0. See posix_fadvise(2). */
RONDO_API rondo_id rondo_file_advise(rondo_file *file, int64_t position,
                                     int64_t size, rondo_advice advice,
                                     rondo_done_fn done, void *arg);

/** How rondo_file_lock locks. */
enum rondo_lock_flags {
    RONDO_LOCK_SHARED = 1 << 0, /**< with others; else alone */
    RONDO_LOCK_WAIT = 1 << 1    /**< until the others have left */
};

/**
 * Locks size bytes from position on, 0: all from there on, against other opened
 * files of this process and of others. To lock alone the file must be open for
 * writing, to share it for reading (RONDO_EBADF). The lock ends with
 * rondo_file_unlock, with the same numbers, or when the file is closed. The
 * result is 0; RONDO_EBUSY: another one has a lock there, and RONDO_LOCK_WAIT is
 * not set. With it the lock is tried again, at most 16 ms apart, without a
 * thread that waits; rondo_cancel ends that with RONDO_ECANCELED, and nothing is
 * locked. Two that wait for each other wait for ever: no deadlock is detected.
 *
 * Linux and macOS: fcntl(2) with F_OFD_SETLK. Other Unix: flock(2), so the whole
 * file only (position and size 0), else RONDO_ENOTSUP: RONDO_CAN_LOCK_RANGES.
 * Windows: LockFileEx; others cannot read or write what is locked. */
RONDO_API rondo_id rondo_file_lock(rondo_file *file, int64_t position,
                                   int64_t size, unsigned flags,
                                   rondo_done_fn done, void *arg);
RONDO_API rondo_id rondo_file_unlock(rondo_file *file, int64_t position,
                                     int64_t size, rondo_done_fn done,
                                     void *arg);

/** How rondo_fs_copy copies. */
enum rondo_copy_flags {
    RONDO_COPY_EXCLUSIVE = 1 << 0, /**< RONDO_EEXIST if `to` exists */
    RONDO_COPY_CLONE = 1 << 1 /**< without moving bytes, or RONDO_ENOTSUP */
};

/**
 * Copies a regular file with its mode. `to` is there when all is copied, and not
 * before: until then the bytes are in a file beside it, whose name is ".copy-"
 * and random characters. So a copy that fails or is cancelled leaves what
 * `to` was, and so does a copy of a file to itself. A link that has the name `to`
 * is replaced, not followed. The result is the number of bytes. The kernel
 * copies where it can: FICLONE and copy_file_range(2), CopyFileEx.
 *
 * rondo_cancel ends also a copy that has begun: RONDO_ECANCELED, and nothing has
 * happened. RONDO_EISDIR: `from` or `to` is a directory. RONDO_ENOTSUP: one of
 * them is a pipe, a device or a socket; or with RONDO_COPY_CLONE: the file
 * system cannot share blocks, or the system has no such call. */
RONDO_API rondo_id rondo_fs_copy(rondo_loop *loop, const char *from,
                                 const char *to, unsigned flags,
                                 rondo_done_fn done, void *arg);

/** An entry of a directory, valid during the callback. */
typedef struct rondo_dir_entry {
    const char *name;
    rondo_file_type type;
    const rondo_file_info
        *info; /**< of the entry itself; NULL: not asked for */
} rondo_dir_entry;

/** count entries, in no order; none and no error: the directory has no more. */
typedef void (*rondo_list_fn)(rondo_loop *loop, void *arg,
                              const rondo_dir_entry *entries, size_t count,
                              int error);

/** What rondo_file_list is to do besides; also for rondo_walk_options. */
enum rondo_list_flags { RONDO_LIST_INFO = 1 << 0 /**< examine each entry */ };

/**
 * Reads the next entries of a directory (RONDO_FILE_AS_DIRECTORY), at most
 * `most` (0: 128), without "." and "..". A directory may have any number of
 * them; each call goes on where the one before has ended. What is added or
 * removed meanwhile may be there or not. After an error there may be some
 * entries. Windows: the info comes without device and links. RONDO_ENOTDIR: not
 * opened as a directory. RONDO_EINVAL: more than a million. As os.scandir; see
 * readdir(3). */
RONDO_API rondo_id rondo_file_list(rondo_file *directory, unsigned flags,
                                   size_t most, rondo_list_fn done, void *arg);

/** How rondo_fs_walk walks; set size first, all else may be 0. */
typedef struct rondo_walk_options {
    size_t size;    /**< of this struct; set it first */
    unsigned flags; /**< RONDO_WALK_FOLLOW, RONDO_LIST_INFO */
    unsigned most;  /**< directories that are read at the same time; 0: 4 */
} rondo_walk_options;

/** Goes also into directories that a symbolic link leads to. One that is
 * inside itself is told once more, with RONDO_ELOOP, and not entered. */
enum { RONDO_WALK_FOLLOW = 1 << 8 };

/** What a walk has found, valid during the callback. */
typedef struct rondo_walk_entry {
    const char *path; /**< that of the walk, then the names to the entry */
    const char *name; /**< the end of it */
    rondo_file_type type;
    int error;      /**< a directory, told before, cannot be read (further) */
    unsigned depth; /**< 1: what is in the directory of the walk */
    const rondo_file_info *info; /**< NULL: not asked for */
} rondo_walk_entry;

/** Returns whether to go into the entry, if it is a directory (or a link, with
 * RONDO_WALK_FOLLOW); for all else that is ignored. */
typedef bool (*rondo_walk_fn)(rondo_loop *loop, void *arg,
                              const rondo_walk_entry *entry);

/**
 * Calls each for everything below a directory, in no order, except that a
 * directory comes before what is in it. A directory that cannot be read is told
 * with its error, and the walk goes on. Links are not followed unless asked for;
 * a path may be longer than the system's calls take. done's result is the number
 * of calls without an error, or why the directory of the walk could not be
 * opened. rondo_cancel, also in each, ends it: each is not called any more, and
 * done gets RONDO_ECANCELED. RONDO_EFORKED and RONDO_ENOMEM end it, too. As
 * os.walk; see fts(3). */
RONDO_API rondo_id rondo_fs_walk(rondo_loop *loop, const char *path,
                                 const rondo_walk_options *options,
                                 rondo_walk_fn each, rondo_done_fn done,
                                 void *arg);

/**
 * Removes a file, a link, or a directory with all that is in it. No link is
 * followed, also if one takes the place of a directory meanwhile. It ends with
 * the first error: what was removed until then is gone. So it is when
 * rondo_cancel ends it in the middle (RONDO_ECANCELED; the exception to what
 * section 12 says). RONDO_EBUSY: a directory was moved away meanwhile.
 * RONDO_ENOENT. RONDO_EINVAL, and nothing has begun: the path is a root, or ends
 * in "." or "..". The result is 0. As shutil.rmtree. */
RONDO_API rondo_id rondo_fs_remove_tree(rondo_loop *loop, const char *path,
                                        rondo_done_fn done, void *arg);

/* ---- 14. pumps ---------------------------------------------------------- */

/** How a pump treats its ends. */
enum rondo_pump_flags {
    RONDO_PUMP_KEEP_OPEN = 1 << 0 /**< `to` is not ended when `from` ends */
};

/** moved: how many bytes `to`, or its write buffer, was given. */
typedef void (*rondo_pump_fn)(rondo_loop *loop, void *arg, uint64_t moved,
                              int error);

/**
 * Moves what `from` receives to `to`, until `from` ends or size bytes have gone
 * (-1: no limit). Two pumps make a proxy; the two transports may be one, which
 * then sends back what it gets. Between TCP transports without filters Linux
 * moves the bytes by splice(2), and they never enter the process (with io_uring
 * but for those that it had read by then). Elsewhere they go through its memory.
 * Either way `from` is read no faster than `to` sends: by the limits of its write
 * buffer, or what the kernel holds.
 *
 * Meanwhile no data_received, get_buffer and eof_received of `from` come; all
 * other callbacks do. Its reading may be paused. To `to` nothing else can be
 * written (RONDO_EBUSY), and no filter can be pushed on either. What `from` has
 * not delivered before goes first; what comes after size bytes is its
 * protocol's.
 *
 * done comes from the loop, once, before the protocol gets bytes of `from`
 * again. Error 0: all has been given to `to`; and where
 * `from` has ended, its end, too, by rondo_transport_write_eof, unless
 * RONDO_PUMP_KEEP_OPEN is set. Both transports stay open; `from` has ended then,
 * without eof_received. An error: that of the transport that was lost, which its
 * connection_lost is given, too, or RONDO_ECLOSED if the program has closed it.
 * The other transport goes on. rondo_cancel ends the pump: RONDO_ECANCELED, when
 * the bytes that it has are with `to`. In a forked child it has a copy of them,
 * if rondo_loop_after_fork is called before the parent's loop runs; else `to`
 * ends there with RONDO_EFORKED.
 *
 * Errors: RONDO_EINVAL (two loops, size 0, no done), RONDO_ECLOSED,
 * RONDO_ENOTCONN (connection_made is still to come), RONDO_EOF (`from` has ended
 * or only writes), RONDO_EPIPE (`to` only reads, or was ended), RONDO_EBUSY
 * (`from` or `to` has a pump, or `to` a sendfile), RONDO_ENOMEM.
 */
RONDO_API rondo_id rondo_pump(rondo_transport *from, rondo_transport *to,
                              int64_t size, unsigned flags, rondo_pump_fn done,
                              void *arg);

/* ---- 15. groups: loops on several threads ------------------------------- */

/**
 * A group is a number of loops, each on a thread of its own, and a home loop
 * that made them. A server of the group has its clients spread over the loops.
 * A client belongs to one loop at a time: its protocol's members are called on
 * that loop's thread, one after another, as with any loop. What several loops
 * use, such as the arg of a server, the program protects itself.
 *
 * Unless a comment says "any thread", the calls below are for the home loop's
 * thread. All `done` here come from the home loop, except rondo_group_move's.
 *
 * In a forked child the threads do not exist. All calls are RONDO_EFORKED, also
 * after rondo_loop_after_fork of the home loop, which ends the group: each
 * `done` that waits gets RONDO_EFORKED. The child's copies of what the group's
 * loops had open (clients, and sockets that listen) stay open until it ends or
 * executes another program: until then a peer of the parent's sees no end when
 * the parent closes. As Netty's EventLoopGroup.
 */
typedef struct rondo_group rondo_group;

/** A server whose clients are spread over a group's loops. */
typedef struct rondo_group_server rondo_group_server;

/** How a group is made. */
typedef struct rondo_group_options {
    size_t size;
    /** How many loops, up to 1,024. 0: one for each core that the process may
     * use, by its affinity and (Linux) the CPU quota of its cgroup */
    unsigned loops;
    /** Pins each thread to a core: the i-th to the i-th that the process may
     * use, in turn. So are, on Linux, the threads that its loop starts for jobs
     * and files. RONDO_ENOTSUP where RONDO_CAN_PIN_THREADS is false. */
    rondo_switch pin;
    /** How each loop is made; NULL: by default. Lent for the call. All threads
     * call the allocator at the same time, and one may free what another has
     * allocated. */
    const rondo_loop_options *loop;
    /**
     * A loop has ended although the group is not closing: its run failed with
     * this error (rondo_last_error has its sentence), or, with error 0, the
     * program has stopped it. What it held has ended by rondo_loop_close. The
     * other loops go on, and get the clients to come; posts to it are
     * RONDO_ECLOSED. From the home loop. NULL: its exception handler is told.
     */
    void (*loop_ended)(rondo_group *group, void *arg, size_t index, int error);
    void *arg;
} rondo_group_options;

/**
 * Starts the threads and makes their loops; returns when all of them run. The
 * group keeps rondo_loop_run of the home loop going until it is closed, which
 * rondo_loop_close of the home loop does, too. options may be NULL. 0;
 * RONDO_EINVAL; RONDO_ENOTSUP (pin, the backend); RONDO_EMFILE; RONDO_ENOMEM;
 * RONDO_EAGAIN: no more threads; and then none of them is left.
 */
RONDO_API RONDO_MUST_CHECK int rondo_create_group(
    rondo_loop *home, const rondo_group_options *options, rondo_group **group);

/** How many loops it was made with. Any thread. */
RONDO_API size_t rondo_group_size(const rondo_group *group);

/** The home loop. Any thread. */
RONDO_API rondo_loop *rondo_group_home(const rondo_group *group);

/** The index of a loop in the group, from 0. RONDO_ENOENT: it is none of them.
 * Any thread. */
RONDO_API int rondo_group_index(rondo_group *group, const rondo_loop *loop);

/** As rondo_call_soon_threadsafe on the loop of that index. 0; RONDO_ECLOSED:
 * it has ended; RONDO_EINVAL: there is no such loop; RONDO_ENOMEM. Any
 * thread. */
RONDO_API int rondo_group_post(rondo_group *group, size_t index, rondo_fn fn,
                               void *arg);

/** Runs on a loop of the group, from that loop. */
typedef int64_t (*rondo_group_fn)(rondo_loop *loop, size_t index, void *arg);

/**
 * Calls fn once on each loop, at the same time, behind what was posted before.
 * When all have returned, done gets the sum of their results, or, if some are
 * < 0, that of the loop with the lowest index. A loop that has ended counts as
 * 0; one that ends now calls fn before it does. done may be NULL. 0;
 * RONDO_ECLOSED: the group closes, or no loop is left; RONDO_ENOMEM. As done's
 * result RONDO_ETIMEDOUT: a loop was given up by rondo_group_close.
 */
RONDO_API int rondo_group_each(rondo_group *group, rondo_group_fn fn, void *arg,
                               rondo_done_fn done, void *done_arg);

/** Adds up the metrics of all loops. *sum is lent until done is called, with
 * the number of loops that were counted; set its size first. Errors as
 * rondo_group_each's. See rondo_loop_get_metrics. */
RONDO_API int rondo_group_get_metrics(rondo_group *group,
                                      rondo_loop_metrics *sum,
                                      rondo_done_fn done, void *arg);

/** How clients come to the loops. */
typedef enum rondo_spread {
    /** By the kernel where it can and there is a port, else the fewest */
    RONDO_SPREAD_DEFAULT = 0,
    /** Each loop listens for itself at the same port, and the kernel chooses
     * (RONDO_CAN_REUSE_PORT): the least work for each client. */
    RONDO_SPREAD_BY_KERNEL,
    /** The home loop accepts and hands the client to one loop after another. */
    RONDO_SPREAD_IN_TURN,
    /** ... to the loop that has the fewest clients of this server. */
    RONDO_SPREAD_TO_FEWEST
} rondo_spread;

/**
 * Listens, and serves clients on all loops of the group. options, protocol and
 * arg are those of rondo_create_server; the strings are not kept. protocol,
 * setup and protocol_factory are used on all threads; they see a rondo_server
 * that is the loop's part of this one. max_clients holds for each loop. The
 * options `closed` and `accepted` must be NULL, start_serving not off.
 *
 * The sockets listen when this returns, so that its errors are told here: those
 * of rondo_create_server; RONDO_EADDRINUSE also where another process shares
 * the port, unless reuse_port is on; RONDO_ENOTSUP: spread by the kernel
 * without RONDO_CAN_REUSE_PORT or of a path or a socket; a named pipe of
 * Windows; RONDO_ECLOSED: the group closes, or no loop is left. A loop that
 * cannot take its part tells its exception handler; the others serve. When a
 * loop ends, its clients end with it, and so do those that wait in its own
 * backlog (spread by the kernel). server may be NULL.
 */
RONDO_API int rondo_group_serve(rondo_group *group,
                                const rondo_server_options *options,
                                rondo_spread spread,
                                const rondo_protocol *protocol, void *arg,
                                rondo_group_server **server);

/** The i-th address that it listens at, as rondo_server_address. */
RONDO_API int rondo_group_server_address(const rondo_group_server *server,
                                         size_t i, rondo_address *address);

/** How many clients of the server the loop of that index has now; 0 for an
 * index beyond. Any thread. */
RONDO_API size_t rondo_group_server_clients(const rondo_group_server *server,
                                            size_t index);

/** How its clients are spread. */
RONDO_API rondo_spread
rondo_group_server_spread(const rondo_group_server *server);

/**
 * Stops listening; the clients stay until they end. After grace_ns those that
 * are left are aborted with RONDO_ETIMEDOUT, which their connection_lost tells
 * (0: at once; RONDO_NEVER: never). done, which may be NULL, gets how many that
 * were, once the last client is gone; RONDO_ETIMEDOUT: a loop was given up by
 * rondo_group_close. The pointer ends when done returns; without a done it is
 * valid as long as the group. Another call sets the time anew. 0;
 * RONDO_EBUSY: another call with a done; RONDO_EINVAL: a negative time;
 * RONDO_ENOMEM.
 */
RONDO_API int rondo_group_server_close(rondo_group_server *server,
                                       int64_t grace_ns, rondo_done_fn done,
                                       void *arg);

/**
 * Moves a connection, which any of the loops has, to the loop of that index:
 * to balance them. The thread of the loop that has it calls this, in a callback
 * of the connection or elsewhere. The transport stays the same object, with its
 * protocol, self, addresses, limits and timeouts, paused or not. What waits to
 * be sent (with its release functions and the done of each
 * rondo_transport_write_then), descriptors that wait, and bytes that were read
 * and not delivered go along. So do a rondo_transport_drain, whose id is no
 * longer valid, and the server, as the other loop's part of the same
 * rondo_group_server; an ordinary rondo_server loses the client.
 *
 * After 0 nobody calls the transport until done(loop, arg, result) is called,
 * before any other callback of the connection. (Until it has left, callbacks
 * that were due by then are called, by the old loop. On iocp it leaves when the
 * write that the kernel has is over.) max_clients is not looked at.
 * - 0: `loop` is the new loop, on whose thread all its callbacks come from now
 *   on.
 * - RONDO_ECLOSED: `loop` is the old one, where it goes on as before: the new
 *   loop has ended, or the server closes.
 * - Another error: the connection failed meanwhile (`loop` is the old one), or
 *   the new loop cannot take it (RONDO_ENOMEM, RONDO_EMFILE). connection_lost
 *   follows.
 *
 * Otherwise nothing happens: RONDO_EINVAL: none of the group's, no such loop,
 * or that loop has it; RONDO_ENOTSUP: not a socket of the transport's own, with
 * filters (which may use their loop), of a rondo_reader or a process;
 * RONDO_EBUSY: it moves already, or a file or
 * a pump is under way; RONDO_ENOTCONN: before connection_made; RONDO_ECLOSED:
 * it closes, the group closes or the loop has ended; RONDO_ENOMEM. done may be
 * NULL.
 */
RONDO_API int rondo_group_move(rondo_group *group, rondo_transport *t,
                               size_t index, rondo_done_fn done, void *arg);

/**
 * Closes all servers of the group, as rondo_group_server_close does with
 * grace_ns; then ends each loop by rondo_loop_close, and its thread. Posts are
 * taken until a loop ends. done gets 0 when all threads have ended, and the
 * pointer ends when it returns; it may be NULL if nothing but this function is
 * given the pointer any more. A loop that is in a callback when grace_ns is over
 * is waited for, by close_grace_ns of the home loop; then it is given up: done
 * gets RONDO_ETIMEDOUT, its thread ends alone once that callback returns, and
 * what its callbacks use must live until then.
 *
 * Another call sets the time anew. 0; RONDO_EBUSY: another call with a done;
 * RONDO_EINVAL: a negative time; RONDO_ENOMEM: nothing has happened. While
 * the home loop closes the same happens with no grace.
 */
RONDO_API int rondo_group_close(rondo_group *group, int64_t grace_ns,
                                rondo_done_fn done, void *arg);

/* ---- 16. watching files and directories --------------------------------- */

/** What a rondo_path_event tells, in bits. */
enum rondo_path_what {
    /** From here on each change is told; the first event. */
    RONDO_PATH_BEGUN = 1 << 0,
    /** More may have happened than is told: the system dropped events, memory or
     * descriptors ran out, or the process is a forked child. The program looks
     * at its files itself; what differs from before is told as usual. */
    RONDO_PATH_OVERFLOW = 1 << 1,
    RONDO_PATH_CREATED = 1 << 2,    /**< path is there, and was not */
    RONDO_PATH_CHANGED = 1 << 3,    /**< was written to, or replaced */
    RONDO_PATH_REMOVED = 1 << 4,    /**< path is not there any more */
    RONDO_PATH_RENAMED = 1 << 5,    /**< was called `from`, with all below it */
    RONDO_PATH_ATTRIBUTES = 1 << 6, /**< permissions, owner and the like */
    /** The watch is over, because of `error`; the last event. */
    RONDO_PATH_ENDED = 1 << 7
};

/** One event. The texts are valid in the callback. */
typedef struct rondo_path_event {
    size_t size;
    unsigned what; /**< enum rondo_path_what */
    /** What was watched, as it was given; or that, "/" and the way from there to
     * a file below it. */
    const char *path;
    const char *from;     /**< RENAMED: the path before these events, or NULL */
    rondo_file_type type; /**< what it is, or was */
    bool more;            /**< the next event was seen at the same time */
    int error;            /**< ENDED: RONDO_E... */
} rondo_path_event;

/** One call an event. */
typedef void (*rondo_path_fn)(rondo_loop *loop, void *arg,
                              const rondo_path_event *event);

/** How a path is watched. */
typedef struct rondo_path_options {
    size_t size;
    bool recursive; /**< all directories below it, too; links lead nowhere */
    /** "poll": looks at each file every interval_ns, for file systems that tell
     * nothing (network, FUSE, /proc); else "inotify", "kqueue" or "changes"
     * (Windows). NULL: the system's, and "poll" where it has none
     * (RONDO_CAN_WATCH_PATHS). RONDO_ENOTSUP: not on this system. */
    const char *watcher;
    /** What happens in that time after a change is told as one, compared with
     * before. 0: as soon as it is seen, but a rename 5 ms later, since it is
     * two changes. */
    int64_t settle_ns;
    int64_t interval_ns; /**< of "poll". 0: 1 s */
    bool may_be_missing; /**< also before it exists, else RONDO_ENOENT */
} rondo_path_options;

/**
 * Watches a file, or a directory and the files in it: fn is called for each
 * change, until rondo_cancel or RONDO_PATH_ENDED. It compares what is there with
 * what was there: of a file that is written to a thousand times before fn is
 * called one change is told, of a file that came and went none. So memory is
 * bounded by the number of files that are watched, about 200 bytes each.
 *
 * What is watched is the path. A file that another one replaces (an editor
 * writes a new one and renames it) is told as one change, a watched path that is
 * removed and made again as REMOVED and CREATED; a symbolic link at the path
 * leads on. A directory that is new in a watched tree brings an event for each
 * file in it, one that is renamed one for itself; a file that is moved out of
 * the tree is removed. Not told are writes through a memory map, and that a
 * directory above the one that holds the path is renamed.
 *
 * One thread of the loop's looks at the files of all its watches: a slow disk
 * holds up other watches, and nothing else. rondo_loop_close waits for it.
 *
 * Returns an id. rondo_set_release says what becomes of arg; a watch keeps
 * rondo_loop_run running (rondo_set_background). As ENDED's error: RONDO_ENOENT,
 * RONDO_EACCES, RONDO_ENOTDIR; RONDO_ENOSPC, RONDO_EMFILE: a limit of the
 * system's that rondo_last_error names ("inotify": a watch a directory, "kqueue":
 * a descriptor a file). RONDO_EINVAL: an empty path, a negative time. See
 * inotify(7), kqueue(2) EVFILT_VNODE, ReadDirectoryChangesW, libuv's
 * uv_fs_event_t and uv_fs_poll_t.
 */
RONDO_API rondo_id rondo_watch_path(rondo_loop *loop, const char *path,
                                    const rondo_path_options *options,
                                    rondo_path_fn fn, void *arg);

/* ---- 17. the program's terminal ----------------------------------------- */

/** How a terminal hands over what is typed. */
typedef enum rondo_terminal_mode {
    RONDO_TERMINAL_NORMAL = 0, /**< as it was before the first change */
    RONDO_TERMINAL_NO_ECHO,    /**< lines that are not shown, as passwords */
    RONDO_TERMINAL_RAW         /**< each byte at once, Ctrl-C too; not shown */
} rondo_terminal_mode;

/** For rondo_terminal_set_mode: SIGHUP, SIGINT, SIGQUIT, SIGTERM and those of a
 * crash restore all terminals before they end the process, and SIGTSTP before it
 * stops the process, which sets them again when it goes on; of these signals only
 * those without a handler at the first such call. They stay caught. Windows:
 * nothing. */
#define RONDO_TERMINAL_GUARD 1

/** Tells whether the descriptor is a terminal. Any thread. See isatty(3). */
RONDO_API bool rondo_is_terminal(rondo_fd fd);

/**
 * Sets the mode of a terminal (Windows: of a console's input), for all who use
 * it. exit(3) restores what was there before the first change, unless the
 * process is in the background; so does RONDO_TERMINAL_NORMAL, which also closes
 * the descriptor that the library keeps meanwhile. The descriptor stays the
 * program's. In raw mode "\n" is still written as a new line. A forked child
 * does not restore what its parent has changed.
 *
 * 0; RONDO_EINVAL: not a terminal; RONDO_EMFILE: eight others have been changed.
 * Any thread. See termios(3), SetConsoleMode; libuv's uv_tty_set_mode.
 */
RONDO_API int rondo_terminal_set_mode(rondo_fd fd, rondo_terminal_mode mode,
                                      unsigned flags);

/** Restores all terminals for now: before _exit(2), or before the program stops
 * itself. Any thread, any signal handler. See libuv's uv_tty_reset_mode. */
RONDO_API void rondo_terminal_restore(void);

/** The size of its window in characters; 0: not known. RONDO_EINVAL: not a
 * terminal. Any thread. See TIOCGWINSZ of ioctl_tty(2),
 * GetConsoleScreenBufferInfo; libuv's uv_tty_get_winsize. */
RONDO_API int rondo_terminal_get_size(rondo_fd fd, unsigned *columns,
                                      unsigned *rows);

/** The size of a terminal now. error: 0, or the last call: the terminal is gone,
 * and the size is 0. */
typedef void (*rondo_terminal_size_fn)(rondo_loop *loop, void *arg,
                                       unsigned columns, unsigned rows,
                                       int error);

/**
 * Calls fn with the terminal's size from the loop, and again after each change
 * of it, until rondo_cancel or an error. The descriptor stays the program's.
 * Unix: by SIGWINCH, which the kernel sends to the foreground processes of a
 * session's terminal; the program may handle it, too. Windows tells those alone
 * who read a console's input as records, so the loop looks each 250 ms.
 *
 * Returns an id. rondo_set_release says what becomes of arg; a watch keeps
 * rondo_loop_run running (rondo_set_background). RONDO_EINVAL: not a terminal.
 * See libuv's SIGWINCH.
 */
RONDO_API rondo_id rondo_watch_terminal_size(rondo_loop *loop, rondo_fd fd,
                                             rondo_terminal_size_fn fn,
                                             void *arg);

/** How many colours it shows: 0, 16, 256 or 16777216; 0 if it is no terminal, and
 * if the environment's NO_COLOR is not empty. Unix: by TERM and COLORTERM.
 * Windows: turns the sequences of virtual terminals on until the process ends; 0
 * where there are none (before Windows 10 1511). Any thread. */
RONDO_API int rondo_terminal_colours(rondo_fd fd);

/* ---- 18. the machine ---------------------------------------------------- */

/**
 * Fills size bytes with random bytes of the system's generator, fit for keys:
 * all of them, or none and an error. Blocks only while a machine that has just
 * started has no entropy yet. 0; RONDO_EINVAL; RONDO_EMFILE, RONDO_ENOENT: an old
 * Linux, where it is a device. Any thread. See getrandom(2), arc4random(3),
 * BCryptGenRandom, libuv's uv_random, os.urandom.
 */
RONDO_API RONDO_MUST_CHECK int rondo_random(void *data, size_t size);

/**
 * Writes the host's name in UTF-8, with a NUL byte. Returns the number of bytes
 * before it; RONDO_ETOOMUCH: size bytes are not enough (name is then ""), 256
 * always are. Any thread. See gethostname(3), GetComputerNameEx's
 * ComputerNameDnsHostname, libuv's uv_os_gethostname.
 */
RONDO_API int rondo_host_name(char *name, size_t size);

/** How many processors the process may keep busy, at least 1: those that it may
 * run on, or fewer where a control group has a quota. Any thread. As
 * os.process_cpu_count, libuv's uv_available_parallelism. */
RONDO_API unsigned rondo_available_cores(void);

/**
 * How many bytes of memory the process may use, with all that shares the limit:
 * Linux: the least memory.max or memory.high of its control groups, in version 1
 * memory.limit_in_bytes; Windows: of its job object. INT64_MAX: no limit.
 * RONDO_ENOTSUP on other systems. Limits of setrlimit(2) do not count. Any
 * thread. See cgroups(7), libuv's uv_get_constrained_memory.
 */
RONDO_API int64_t rondo_memory_limit(void);

/** What an interface is, in bits. */
enum rondo_interface_flag {
    RONDO_INTERFACE_UP = 1 << 0,      /**< turned on */
    RONDO_INTERFACE_RUNNING = 1 << 1, /**< has a carrier */
    RONDO_INTERFACE_LOOPBACK = 1 << 2,
    RONDO_INTERFACE_POINT_TO_POINT = 1 << 3,
    RONDO_INTERFACE_BROADCAST = 1 << 4,
    RONDO_INTERFACE_MULTICAST = 1 << 5
};

/** One address of a network interface. */
typedef struct rondo_interface {
    size_t size;
    struct rondo_interface *next; /**< NULL: the last one */
    const char *name;             /**< "eth0"; Windows: "Ethernet 2" */
    uint32_t index; /**< the scope of its addresses: rondo_address_scope */
    unsigned flags; /**< enum rondo_interface_flag */
    rondo_address address;     /**< port 0; empty: it has none */
    unsigned prefix;           /**< bits of the network's part, 24 for /24 */
    unsigned char hardware[8]; /**< its MAC address or the like */
    size_t hardware_size;      /**< in bytes; 0: none, or a longer one */
} rondo_interface;

/**
 * Lists the addresses of all network interfaces, those of one interface in a
 * row; an interface without one is there once. *first is the program's, for
 * rondo_free_interfaces; NULL: there are none, or an error. 0, RONDO_ENOMEM,
 * RONDO_EMFILE, RONDO_ENFILE. Any thread. See getifaddrs(3),
 * GetAdaptersAddresses, libuv's uv_interface_addresses.
 */
RONDO_API int rondo_list_interfaces(rondo_interface **first);

/** Frees such a list. NULL: nothing. Any thread. */
RONDO_API void rondo_free_interfaces(rondo_interface *first);

/** The interfaces as they are now; the list is valid in the callback. error: 0,
 * or the last call: the interfaces could not be read, or the system no longer
 * tells of them. */
typedef void (*rondo_interfaces_fn)(rondo_loop *loop, void *arg,
                                    const rondo_interface *first, int error);

/**
 * Calls fn with all network interfaces from the loop, and again after each
 * change of what rondo_list_interfaces lists, until rondo_cancel or an error.
 * Changes that come together are one call; the last state is never missed.
 *
 * Returns an id. rondo_set_release says what becomes of arg; a watch keeps
 * rondo_loop_run running (rondo_set_background). RONDO_ENOTSUP where
 * RONDO_CAN_WATCH_NETWORK is false; RONDO_EMFILE, RONDO_ENFILE. See
 * rtnetlink(7), route(4), NotifyIpInterfaceChange.
 */
RONDO_API rondo_id rondo_watch_interfaces(rondo_loop *loop,
                                          rondo_interfaces_fn fn, void *arg);

#ifdef __cplusplus
}

/* Templates cannot have C linkage, hence outside the braces. */
template <class T> inline T rondo_options_init()
{
    T t = T();
    t.size = sizeof(T);
    return t;
}
#define RONDO_INIT_(type) rondo_options_init<type>()
#else
#define RONDO_INIT_(type)                                                      \
    {                                                                          \
        .size = sizeof(type)                                                   \
    }
/** Keyword arguments (C only; in C++ fill a variable made with
 * RONDO_CONNECT_OPTIONS_INIT):
 * rondo_create_connection(loop, RONDO_CONNECT(.host = "a", .port = 80), ...) */
#define RONDO_CONNECT(...)                                                     \
    (&(const rondo_connect_options){.size = sizeof(rondo_connect_options),     \
                                    __VA_ARGS__})
#define RONDO_SERVE(...)                                                       \
    (&(const rondo_server_options){.size = sizeof(rondo_server_options),       \
                                   __VA_ARGS__})
#define RONDO_DATAGRAM(...)                                                    \
    (&(const rondo_datagram_options){.size = sizeof(rondo_datagram_options),   \
                                     __VA_ARGS__})
#define RONDO_PROCESS(...)                                                     \
    (&(const rondo_process_options){.size = sizeof(rondo_process_options),     \
                                    __VA_ARGS__})
#define RONDO_PATH(...)                                                        \
    (&(const rondo_path_options){.size = sizeof(rondo_path_options),           \
                                 __VA_ARGS__})
#endif

/** Option and out structs with their size set and all else zero. */
#define RONDO_LOOP_OPTIONS_INIT     RONDO_INIT_(rondo_loop_options)
#define RONDO_CONNECT_OPTIONS_INIT  RONDO_INIT_(rondo_connect_options)
#define RONDO_SERVER_OPTIONS_INIT   RONDO_INIT_(rondo_server_options)
#define RONDO_DATAGRAM_OPTIONS_INIT RONDO_INIT_(rondo_datagram_options)
#define RONDO_PROCESS_OPTIONS_INIT  RONDO_INIT_(rondo_process_options)
#define RONDO_LOOP_WAIT_INIT        RONDO_INIT_(rondo_loop_wait)
#define RONDO_LOOP_METRICS_INIT     RONDO_INIT_(rondo_loop_metrics)
#define RONDO_CLOCK_INFO_INIT       RONDO_INIT_(rondo_clock_info)
#define RONDO_LOOKUP_HINTS_INIT     RONDO_INIT_(rondo_lookup_hints)
#define RONDO_CREDENTIALS_INIT      RONDO_INIT_(rondo_credentials)
#define RONDO_DATAGRAM_DROPS_INIT   RONDO_INIT_(rondo_datagram_drops)
#define RONDO_DATAGRAM_INFO_INIT    RONDO_INIT_(rondo_datagram_info)
#define RONDO_DETACHED_INIT         RONDO_INIT_(rondo_detached)
#define RONDO_FILE_INFO_INIT        RONDO_INIT_(rondo_file_info)
#define RONDO_GROUP_OPTIONS_INIT    RONDO_INIT_(rondo_group_options)
#define RONDO_FILE_CHANGES_INIT     RONDO_INIT_(rondo_file_changes)
#define RONDO_SPACE_INFO_INIT       RONDO_INIT_(rondo_space_info)
#define RONDO_WALK_OPTIONS_INIT     RONDO_INIT_(rondo_walk_options)
#define RONDO_PATH_OPTIONS_INIT     RONDO_INIT_(rondo_path_options)

#endif
