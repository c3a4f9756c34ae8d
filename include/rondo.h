/* rondo.h - the public interface of Rondo, a portable event loop for C. */
/* SPDX-License-Identifier: MIT */
/**
 * Rondo has the shape of Python's asyncio: one loop object, callbacks, timers,
 * transports with protocols. Where a function follows an asyncio method, a
 * manual page or an RFC, its comment names it. The rest of this comment holds
 * for all functions.
 *
 * Errors. A function that can fail returns a negative RONDO_E... number, which
 * is the same on every platform. rondo_last_error then has a sentence. A
 * comment lists the errors of its function, except these, which any function
 * can return:
 * - RONDO_EINVAL: NULL where something is needed, or an invalid value
 * - RONDO_ENOMEM: out of memory
 * - RONDO_EFORKED: the loop came from the parent process
 *   (rondo_loop_after_fork)
 * - RONDO_ETHREAD: in debug mode, a call from another thread than the loop's
 * - RONDO_ECLOSED: the loop is being closed, and the function creates or
 *   schedules something
 *
 * Threads. One thread owns a loop and all its objects: the thread that made the
 * loop, or that took it (rondo_loop_take). Only that thread may use them. A
 * comment says "Any thread" where others may call, too. In debug mode a call
 * from another thread is RONDO_ETHREAD; a function without a result then does
 * nothing but set rondo_last_error.
 *
 * Callbacks. The loop calls them on its thread, and never inside the call that
 * caused them. These call directly: rondo_loop_close, the allocator, the line
 * function of rondo_loop_dump, rondo_loop_call_exception_handler, the functions
 * of a resolver (rondo_resolver) and of a filter (rondo_filter). A callback may
 * close, abort, cancel or stop anything, also the object that it was called
 * for.
 *
 * Strings. They are UTF-8 and end with a NUL byte. The library copies a string
 * that it needs after the call.
 *
 * Times. A time is in nanoseconds on the loop's monotonic clock; a duration is
 * in nanoseconds.
 *
 * Structs. In an option struct zero is the default of every member, and `size`
 * is the size of the struct, so that a program that was compiled with an older
 * header goes on working. A table of functions (protocol, filter, resolver) has
 * `reserved` members for later functions, which a program leaves zero. A
 * function that is given a table with a member of a later version returns
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

/**
 * The version of the header.
 *
 * Stability: stable; since 0.1.
 */
#define RONDO_VERSION_MAJOR 0
#define RONDO_VERSION_MINOR 1
#define RONDO_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. basic types ---------------------------------------------------- */
/* Stability: stable; since 0.1. */

/** An event loop. */
typedef struct rondo_loop rondo_loop;
/** One end of a stream connection. */
typedef struct rondo_transport rondo_transport;
/** One or more listening sockets, and the clients that they have accepted. */
typedef struct rondo_server rondo_server;
/** A datagram endpoint: one socket for datagrams. */
typedef struct rondo_datagram rondo_datagram;
/** A child process and the pipes to it. */
typedef struct rondo_process rondo_process;
/** A reference-counted sender that posts callbacks to a loop. It outlives the
 * loop. */
typedef struct rondo_remote rondo_remote;
/** A pool of threads that runs jobs. It outlives loops. */
typedef struct rondo_executor rondo_executor;
/** The job that a thread is running, as its work function sees it. */
typedef struct rondo_job rondo_job;

/**
 * Names one pending thing of one loop: a callback, a timer or an operation.
 *
 * Valid ids are above 0, so 0 can mean "none"; a negative value in place of an
 * id is an error. An id is never reused: a call with an id that is used up is
 * harmless.
 */
typedef int64_t rondo_id;

/** What the system calls int, SOCKET or HANDLE. Unix: a file descriptor.
 * Windows: a SOCKET or a HANDLE, never a descriptor of the C runtime. */
typedef intptr_t rondo_fd;
/** No descriptor. */
#define RONDO_NO_FD ((rondo_fd)-1)

/** n microseconds, milliseconds or seconds in nanoseconds. n is at most
 * 9,223,372,036 seconds. */
#define RONDO_US(n)  ((int64_t)(n)*INT64_C(1000))
#define RONDO_MS(n)  ((int64_t)(n)*INT64_C(1000000))
#define RONDO_SEC(n) ((int64_t)(n)*INT64_C(1000000000))
/** A point in time that never comes. As a timeout: no limit. */
#define RONDO_NEVER INT64_MAX

/** The type of the members that a table of functions keeps for later versions.
 * They must be zero. */
typedef void (*rondo_reserved)(void);

/** Error numbers. They are far from -1 and from every -errno. */
typedef enum rondo_error {
    RONDO_OK = 0,             /**< no error */
    RONDO_EOTHER = -20001,    /**< another error: see rondo_last_os_error */
    RONDO_EINVAL = -20002,    /**< invalid argument */
    RONDO_ENOMEM = -20003,    /**< out of memory */
    RONDO_ENOTSUP = -20004,   /**< this platform or backend cannot do it */
    RONDO_EBUSY = -20005,     /**< in use, or running */
    RONDO_ECLOSED = -20006,   /**< closed, or closing */
    RONDO_ECANCELED = -20007, /**< cancelled, or aborted by this side */
    RONDO_ETIMEDOUT = -20008, /**< a time limit has passed */
    RONDO_ENOENT = -20009,    /**< it does not exist */
    RONDO_EEXIST = -20010,    /**< it exists already */
    RONDO_EACCES = -20011,    /**< permission denied */
    RONDO_EPERM = -20012,     /**< not permitted for this kind of object */
    RONDO_EBADF = -20013,     /**< not an open descriptor */
    RONDO_EMFILE = -20014,  /**< the process or backend has no room for more */
    RONDO_ENFILE = -20015,  /**< the system has no room for more */
    RONDO_ENOBUFS = -20016, /**< no buffer space */
    RONDO_EFORKED = -20017, /**< the loop was made before a fork */
    RONDO_ETHREAD = -20018, /**< the caller is not the loop's thread */
    RONDO_ENAMETOOLONG = -20019,  /**< name too long */
    RONDO_ENOTDIR = -20020,       /**< not a directory */
    RONDO_ENOEXEC = -20021,       /**< not an executable program */
    RONDO_EADDRINUSE = -20022,    /**< address in use */
    RONDO_EADDRNOTAVAIL = -20023, /**< not an address of this machine */
    RONDO_EAFNOSUPPORT = -20024,  /**< address family not supported */
    RONDO_ECONNREFUSED = -20025,  /**< no server listens there */
    RONDO_ECONNRESET = -20026,    /**< the peer reset the connection */
    RONDO_ECONNABORTED = -20027,  /**< the client left before it was accepted */
    RONDO_EPIPE = -20028,         /**< the writing side has ended */
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
    RONDO_EPROTO = -20041,        /**< the peer violated the protocol */
    RONDO_ETOOMUCH = -20042,      /**< more than the limit */
    RONDO_EOF = -20043,           /**< the data end before what was asked for */
    RONDO_EISDIR = -20044,        /**< it is a directory */
    RONDO_ENOTEMPTY = -20045,     /**< the directory is not empty */
    RONDO_EFBIG = -20046,         /**< the file would be too large */
    RONDO_EROFS = -20047,         /**< the file system is read-only */
    RONDO_ELOOP = -20048,         /**< too many symbolic links in a path */
    RONDO_EXDEV = -20049          /**< the paths are on two file systems */
} rondo_error;

/** A buffer to read into: an element of readv(2), with the members in iovec's
 * order. */
typedef struct rondo_room {
    void *data;  /**< where to read to */
    size_t size; /**< its size in bytes */
} rondo_room;

/** get_buffers may always set at least this many rooms. */
#define RONDO_ROOMS 16

/** A piece of a gathered write: an element of writev(2), with the members in
 * iovec's order. */
typedef struct rondo_buffer {
    const void *data; /**< the bytes to write */
    size_t size;      /**< how many */
} rondo_buffer;

/** Returns what an error number means, as a static text; never NULL. Any
 * thread. */
RONDO_API const char *rondo_strerror(int error);

/** Returns an error number's name without the prefix: "EACCES"; "OK" for 0;
 * "unknown" for any other number. The text is static, never NULL. Any
 * thread. */
RONDO_API const char *rondo_error_name(int error);

/**
 * Returns this thread's last failure as a sentence: what was tried, on what,
 * and why it failed. An example: "create_server: cannot bind [::1]:80:
 * permission denied (EACCES)". Any thread.
 *
 * Every function that fails sets it, and the library sets it before every
 * callback that carries an error. A success does not change it. It is "" before
 * the first failure, never NULL, and valid until this thread's next failure.
 */
RONDO_API const char *rondo_last_error(void);

/** Returns the system's own code (errno, GetLastError) of this thread's last
 * failure; 0 if the failure did not come from the system. Any thread. */
RONDO_API int64_t rondo_last_os_error(void);

/**
 * Sets the sentence of rondo_last_error, and rondo_last_os_error to 0, and
 * returns the error. A callback that ends something with an error of its own
 * uses it, such as a filter or a setup function:
 *
 *     return rondo_set_error(RONDO_EPROTO, "no hello");
 *
 * The sentence is then told wherever the error is. Any thread.
 *
 * Returns `error`, or RONDO_EINVAL if that is not an error number.
 */
RONDO_API int rondo_set_error(int error, const char *format, ...)
    RONDO_PRINTF(2, 3);

/** Returns the library's version, "0.1.0". The text is static. Any thread. */
RONDO_API const char *rondo_version(void);

/** A callback. The loop calls it with itself and the arg that was given for
 * it. */
typedef void (*rondo_fn)(rondo_loop *loop, void *arg);

/** Tells how an operation has ended. result is a count or a value, or a
 * RONDO_E... below 0. The loop calls it once for each operation. */
typedef void (*rondo_done_fn)(rondo_loop *loop, void *arg, int64_t result);

/* ---- addresses --------------------------------------------------------- */
/* Stability: stable; since 0.1. */

/** The address families. */
typedef enum rondo_family {
    RONDO_FAMILY_ANY = 0, /**< no family is asked for */
    RONDO_FAMILY_INET,    /**< IPv4 */
    RONDO_FAMILY_INET6,   /**< IPv6 */
    RONDO_FAMILY_UNIX     /**< unix sockets */
} rondo_family;

/**
 * A socket address. It is a value: copy it, compare it with
 * rondo_address_equal, and do not look inside. All zero, it is the empty
 * address, of RONDO_FAMILY_ANY.
 *
 * The rondo_address_... functions need no loop, and any thread may call them.
 */
typedef struct rondo_address {
    /** a struct sockaddr, of rondo_address_native */
    union {
        unsigned char bytes[128];
        uint64_t align;
    } native;
    uint32_t native_size; /**< its size in bytes */
    uint32_t reserved;
} rondo_address;

/** Bytes that are enough for rondo_address_text, whatever the address. */
#define RONDO_ADDRESS_TEXT 160

/**
 * Makes an address of a numeric IP address and a port: "127.0.0.1", "::1",
 * "fe80::1%eth0". Names are not looked up. Any thread.
 *
 * Returns 0, or RONDO_EINVAL: the text is not a numeric address, or the scope
 * does not exist. See inet_pton(3) and RFC 4007.
 */
RONDO_API int rondo_address_parse(rondo_address *a, const char *ip,
                                  uint16_t port);

/**
 * Makes the address of a unix socket from a path of size bytes, without the NUL
 * byte. On Linux a path that begins with a NUL byte is an abstract name. Any
 * thread.
 *
 * Returns 0, or an error:
 * - RONDO_ENAMETOOLONG: the path is longer than RONDO_LIMIT_UNIX_PATH
 * - RONDO_ENOTSUP: the system has no unix sockets
 *
 * See unix(7).
 */
RONDO_API int rondo_address_unix(rondo_address *a, const char *path,
                                 size_t size);

/** Makes an address of a struct sockaddr of size bytes. Returns 0, RONDO_EINVAL
 * (the size does not fit the family) or RONDO_EAFNOSUPPORT. Any thread. */
RONDO_API int rondo_address_from_native(rondo_address *a, const void *sockaddr,
                                        size_t size);

/** Returns the struct sockaddr inside an address, valid as long as *a is. *size
 * gets its size. Any thread. */
RONDO_API const void *rondo_address_native(const rondo_address *a,
                                           size_t *size);

/** Returns the family; RONDO_FAMILY_ANY for the empty address. Any thread. */
RONDO_API rondo_family rondo_address_family(const rondo_address *a);

/** Returns the port in host order; 0 for a family without ports. Any thread. */
RONDO_API uint16_t rondo_address_port(const rondo_address *a);

/** Sets the port, given in host order. A family without ports is left as it is.
 * Any thread. */
RONDO_API void rondo_address_set_port(rondo_address *a, uint16_t port);

/** Writes the IP address in network order, at most 16 bytes. Returns how many
 * bytes: 4, 16, or 0 for another family. Any thread. */
RONDO_API size_t rondo_address_ip(const rondo_address *a, void *bytes16);

/** Returns the scope (interface index) of an IPv6 address; 0: none. Any thread.
 * See RFC 4007. */
RONDO_API uint32_t rondo_address_scope(const rondo_address *a);

/** Returns the flow label of an IPv6 address, 20 bits in host order; 0: none.
 * On Linux datagrams carry it if IPV6_FLOWINFO_SEND is set. Any thread. See
 * RFC 6437. */
RONDO_API uint32_t rondo_address_flow(const rondo_address *a);

/** Sets the flow label of an IPv6 address to the lowest 20 bits of flow. The
 * other bits of sin6_flowinfo (the traffic class) stay. An address of another
 * family is left as it is. Any thread. */
RONDO_API void rondo_address_set_flow(rondo_address *a, uint32_t flow);

/**
 * Writes the address as text with a NUL byte: "127.0.0.1:80", "[fe80::1%2]:80",
 * a unix path as it is, "@name" for an abstract name. RONDO_ADDRESS_TEXT bytes
 * are always enough. Any thread.
 *
 * Returns the number of bytes before the NUL, or RONDO_ETOOMUCH: size bytes are
 * not enough, and text is "".
 */
RONDO_API int rondo_address_text(const rondo_address *a, char *text,
                                 size_t size);

/** Returns whether family, address, port and scope are equal. Flow labels are
 * not compared. Any thread. */
RONDO_API bool rondo_address_equal(const rondo_address *a,
                                   const rondo_address *b);

/* ---- 2. loop and policy ------------------------------------------------ */
/* Stability: stable; since 0.1. */

/** Where a loop gets its memory from. The functions are called on the loop's
 * thread, and on any thread that posts to the loop. Sizes are never 0. */
typedef struct rondo_allocator {
    void *(*malloc_fn)(size_t size, void *context); /**< as malloc(3) */
    /** as realloc(3) */
    void *(*realloc_fn)(void *p, size_t size, void *context);
    void (*free_fn)(void *p, void *context); /**< as free(3) */
    void *context;                           /**< given to each function */
} rondo_allocator;

/** How a loop is made. Begin with RONDO_LOOP_OPTIONS_INIT. */
typedef struct rondo_loop_options {
    size_t size;
    /** One of rondo_backends. NULL: the one that rondo_set_default_backend has
     * set; else that of the environment's RONDO_BACKEND, which a set-user-ID
     * program ignores; else the platform's best. */
    const char *backend;
    /**
     * How the loop notices that a child has ended. NULL: the first of these
     * that this system has. Another name, and any name where
     * RONDO_CAN_CHILD_WATCHER is false, is RONDO_ENOTSUP.
     * - "pidfd": Linux 5.4
     * - "kqueue": with the backend of that name
     * - "thread": a thread waits for each child
     * - "sigchld": a handler of SIGCHLD, installed while there are children.
     *   The program must not replace it in that time.
     */
    const char *child_watcher;
    const rondo_allocator *allocator; /**< NULL: malloc(3)'s. Copied. */
    /** The most threads of the loop's own executor, up to 10,000. 0: 32, or the
     * number of processors + 4 if that is less. */
    unsigned executor_threads;
    /** How long rondo_loop_close waits for running jobs. 0: 5 s; < 0: not at
     * all; RONDO_NEVER: until they end. */
    int64_t close_grace_ns;
    int debug; /**< debug mode. 1: on; -1: off; 0: on if RONDO_DEBUG=1 */
    /** debug mode reports callbacks that take longer. 0: 100 ms */
    int64_t slow_callback_ns;
} rondo_loop_options;

/** What rondo_loop_supports answers. */
typedef enum rondo_capability {
    RONDO_CAN_TCP,         /**< TCP clients and servers */
    RONDO_CAN_UDP,         /**< rondo_create_datagram_endpoint */
    RONDO_CAN_UNIX,        /**< unix sockets */
    RONDO_CAN_NAMED_PIPES, /**< Windows named pipes */
    RONDO_CAN_PIPES,       /**< pipes as transports: rondo_connect_read_pipe */
    RONDO_CAN_WATCH_SOCKETS,      /**< rondo_add_reader on sockets */
    RONDO_CAN_WATCH_PIPES,        /**< ... on pipes and FIFOs */
    RONDO_CAN_WATCH_CHAR_DEVICES, /**< ... on every character device */
    RONDO_CAN_SUBPROCESS,         /**< rondo_subprocess_exec */
    RONDO_CAN_CHILD_WATCHER,      /**< rondo_loop_options.child_watcher */
    RONDO_CAN_SIGNALS,            /**< rondo_add_signal_handler */
    RONDO_CAN_REUSE_PORT,         /**< SO_REUSEPORT that spreads the clients */
    RONDO_CAN_EMBED,              /**< rondo_loop_prepare_poll */
    RONDO_CAN_PASS_DESCRIPTORS,   /**< rondo_transport_send_fd */
    RONDO_CAN_DETACH,             /**< rondo_transport_detach */
    RONDO_CAN_WATCH_PRIORITY,     /**< rondo_watch for RONDO_PRIORITY */
    RONDO_CAN_WATCH_HALF_CLOSE,   /**< ... for RONDO_HALF_CLOSED */
    RONDO_CAN_WATCH_ERRORS,       /**< ... for 0: RONDO_ERROR alone */
    RONDO_CAN_TERMINALS,          /**< RONDO_STDIO_TERMINAL */
    RONDO_CAN_CGROUPS,            /**< rondo_process_options.cgroup */
    RONDO_CAN_JOB_OBJECTS,        /**< ....job */
    RONDO_CAN_LIMITS,             /**< ....limits */
    RONDO_CAN_DIE_WITH_PARENT,    /**< ....die_with_parent */
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
    /** the system tells rondo_watch_path of changes; else it looks at
     * intervals */
    RONDO_CAN_WATCH_PATHS,
    RONDO_CAN_WATCH_NETWORK, /**< rondo_watch_interfaces */
    RONDO_CAN_EMBED_FD       /**< rondo_loop_prepare: by one descriptor */
} rondo_capability;

/** What rondo_loop_limit answers. */
typedef enum rondo_limit {
    RONDO_LIMIT_DESCRIPTORS, /**< the most descriptors */
    /** every descriptor's number is below this */
    RONDO_LIMIT_DESCRIPTOR_NUMBER,
    /** the longest unix path in bytes, without the NUL */
    RONDO_LIMIT_UNIX_PATH,
    RONDO_LIMIT_DATAGRAM /**< the largest UDP payload in bytes */
} rondo_limit;

/** What rondo_get_clock_info fills in. Set size first (RONDO_CLOCK_INFO_INIT).
 * As Python's time.get_clock_info. */
typedef struct rondo_clock_info {
    size_t size;
    const char *name;           /**< the system's name of the clock. Static */
    int64_t resolution_ns;      /**< of rondo_loop_time */
    int64_t wait_resolution_ns; /**< of the backend's wait */
    bool monotonic; /**< setting the wall clock does not change it */
} rondo_clock_info;

/** What a loop does at a time: the activity of a rondo_trace, and the index of
 * rondo_loop_metrics.time_ns. Each callback belongs to one of them. */
typedef enum rondo_activity {
    RONDO_DOES_WAIT,     /**< asks the kernel what is ready, or waits */
    RONDO_DOES_CALLBACK, /**< a callback of rondo_call_soon, a release */
    RONDO_DOES_TIMER,    /**< a timer: rondo_call_later and others */
    /** a post: rondo_call_soon_threadsafe, rondo_group_each */
    RONDO_DOES_POST,
    /** a watcher of descriptors, paths, interfaces or a terminal */
    RONDO_DOES_WATCHER,
    RONDO_DOES_SIGNAL,   /**< a handler or a watch of a signal */
    RONDO_DOES_HOOK,     /**< a hook of rondo_add_hook */
    RONDO_DOES_PROTOCOL, /**< a member of a protocol, a factory */
    /** the callback that ends an operation: a connect, a job, a read, a
     * server's closed */
    RONDO_DOES_DONE,
    /** work of the library for an operation that has ended, or for callbacks
     * that a handle owes */
    RONDO_DOES_OPERATION
} rondo_activity;

enum {
    RONDO_ACTIVITIES = 16, /**< there can be: rondo_loop_metrics.time_ns */
    RONDO_LAG_BUCKETS = 24 /**< of rondo_loop_metrics.lag */
};

/** What rondo_loop_get_metrics fills in. Set size first
 * (RONDO_LOOP_METRICS_INIT). The first members count from the loop's start;
 * those that begin with live_ say what exists now; those from bytes_received
 * on count while rondo_loop_set_metering is on. */
typedef struct rondo_loop_metrics {
    size_t size;
    uint64_t iterations; /**< turns of the loop */
    uint64_t events;     /**< that the backend has reported */
    /** callbacks, timers, posts, and operations that have ended. One of these
     * may call several functions of the program, as a reader does. */
    uint64_t callbacks;
    /** calls of the allocator's malloc_fn and realloc_fn */
    uint64_t allocations;
    uint64_t timers_skipped; /**< periods that rondo_call_every has skipped */
    int64_t idle_ns;         /**< time spent waiting */
    size_t live_timers;      /**< that have not fired */
    size_t live_watchers;    /**< readers and writers, counted apart */
    size_t live_transports;  /**< made; connection_lost has not returned */
    size_t live_servers;     /**< made; not yet closed with their clients */
    size_t live_datagrams;   /**< endpoints; connection_lost has not returned */
    size_t live_processes;   /**< started; connection_lost has not returned */
    size_t live_operations;  /**< pending connects, look-ups, calls on files */
    size_t live_jobs;        /**< jobs, and look-ups on threads */
    size_t live_groups;      /**< groups whose home loop this is */
    size_t live_paths;       /**< watched paths */
    uint64_t bytes_received; /**< by transports and datagram endpoints */
    uint64_t bytes_sent;     /**< ... that the kernel has taken from them */
    /** How many iterations took how long, from the end of their wait to their
     * own end; in that time the loop notices nothing new. lag[0] counts those
     * below 1 us, lag[i] those below 2^i us and not below 2^(i-1) us, the last
     * one all longer ones. */
    uint64_t lag[RONDO_LAG_BUCKETS];
    int64_t lag_most_ns; /**< the longest of them */
    /** By rondo_activity: the time spent in it, without the activities inside
     * it. */
    int64_t time_ns[RONDO_ACTIVITIES];
} rondo_loop_metrics;

/**
 * Makes a loop that belongs to the calling thread. options may be NULL.
 *
 * Returns 0, or an error, and *loop is NULL:
 * - RONDO_ENOTSUP: the backend is unknown or not available; the sentence lists
 *   those that are
 * - RONDO_EMFILE, RONDO_ENFILE
 * - RONDO_ENOMEM
 *
 * As asyncio.new_event_loop.
 */
RONDO_API RONDO_MUST_CHECK int rondo_loop_new(
    rondo_loop **loop, const rondo_loop_options *options);

/**
 * Ends everything that the loop holds, and frees the loop. Callbacks run inside
 * this call; what they try to create is RONDO_ECLOSED.
 *
 * - Posts that were accepted before (rondo_call_soon_threadsafe,
 *   rondo_remote_call) run.
 * - Callbacks and timers are dropped.
 * - The callback of each pending operation gets RONDO_ECANCELED.
 * - The connection_lost of each transport, datagram endpoint and process gets
 *   RONDO_ECLOSED; so do the callbacks of writes that wait.
 * - `closed` of each server is called.
 * - Children are killed, except those with leave_running.
 * - Running jobs are waited for (rondo_loop_options.close_grace_ns). A job that
 *   runs longer is reported to the exception handler; its thread ends alone,
 *   and its callback is not called.
 *
 * If the backend's wait fails, close goes on for about 5 s; then it gives up
 * what still lives, without its callbacks, and returns that error.
 *
 * Returns 0, or an error. The loop is freed except with RONDO_EBUSY: the loop
 * runs, and nothing has happened; so it is in the loop's own callbacks. As
 * loop.close.
 */
RONDO_API int rondo_loop_close(rondo_loop *loop);

/**
 * Runs the loop until nothing is left to wait for, or until rondo_loop_stop.
 *
 * These keep it running, unless they are marked background: callbacks, posts,
 * timers, watchers, idle hooks, transports, servers, datagram endpoints,
 * processes, jobs, look-ups, pending connects and other operations, watched
 * paths and groups. A callback may run a different loop.
 *
 * In C++ an exception must not leave a callback: where the library can, it ends
 * the program by std::terminate then.
 *
 * Returns 0: nothing is left; 1: stopped; RONDO_EBUSY: the loop runs already;
 * or the error of a backend whose wait has failed. As libuv's uv_run with
 * UV_RUN_DEFAULT.
 */
RONDO_API int rondo_loop_run(rondo_loop *loop);

/** Runs the loop until rondo_loop_stop, also when nothing is left to wait for.
 * Returns 1, or an error as rondo_loop_run does. As loop.run_forever. */
RONDO_API int rondo_loop_run_forever(rondo_loop *loop);

/**
 * Runs one iteration: waits until something happens, at most timeout_ns, and
 * runs what is due. With timeout_ns 0 or less it does not wait; RONDO_NEVER is
 * no limit; if nothing is left to wait for, it does not wait either.
 *
 * Returns 1: something is left (uv_loop_alive); 0: nothing is; or an error as
 * rondo_loop_run does. As uv_run with UV_RUN_ONCE, or UV_RUN_NOWAIT.
 */
RONDO_API int rondo_loop_run_once(rondo_loop *loop, int64_t timeout_ns);

/** Ends the current run after the callbacks of this iteration. Called before a
 * run, it makes that run look once without waiting, run what is due, and
 * return; the run after that is not affected. Any thread, and signal handlers.
 * As loop.stop, and uv_stop. */
RONDO_API void rondo_loop_stop(rondo_loop *loop);

/**
 * Ends the current wait, so that the loop goes through one iteration. If the
 * loop does not wait now, its next wait returns at once. The callbacks and
 * hooks (rondo_add_hook) of that iteration see what the program has set before
 * the call. Several calls before a wait count as one. Any thread, and signal
 * handlers. As uv_async_send.
 */
RONDO_API void rondo_loop_wake(rondo_loop *loop);

/** Returns whether the loop is inside rondo_loop_run, rondo_loop_run_forever or
 * rondo_loop_run_once. As loop.is_running. */
RONDO_API bool rondo_loop_is_running(const rondo_loop *loop);

/** Returns the time of the monotonic clock now, in nanoseconds. It advances
 * also inside a callback. As loop.time, and libuv's uv_hrtime; see
 * clock_gettime(2). */
RONDO_API int64_t rondo_loop_time(const rondo_loop *loop);

/** Returns the time of the clock that the loop has read in this iteration, in
 * nanoseconds, without reading it again. As libuv's uv_now. */
RONDO_API int64_t rondo_loop_iteration_time(const rondo_loop *loop);

/**
 * Makes a loop usable in a child process after fork(2). Until then every
 * function returns RONDO_EFORKED for it. The loop belongs to the calling thread
 * from now on.
 *
 * The loop gets kernel objects of its own; those of the parent are not touched.
 * Bytes that waited to be sent at the fork wait in both processes: the process
 * that must not send them aborts the transport. Where there was no fork this
 * does nothing.
 *
 * Returns 0, RONDO_EMFILE, RONDO_ENFILE or RONDO_ENOMEM. As libuv's
 * uv_loop_fork.
 */
RONDO_API int rondo_loop_after_fork(rondo_loop *loop);

/** Makes the calling thread the owner of the loop. The old owner must have
 * finished with the loop. Any thread. Returns 0, or RONDO_EBUSY: the loop
 * runs. */
RONDO_API int rondo_loop_take(rondo_loop *loop);

/** Stores a pointer of the program with the loop. The library does not use
 * it. */
RONDO_API void rondo_loop_set_data(rondo_loop *loop, void *data);
/** Returns the pointer of rondo_loop_set_data; NULL if none was set. */
RONDO_API void *rondo_loop_data(const rondo_loop *loop);

/** What another main loop must wait for, filled in by rondo_loop_prepare. Set
 * size first (RONDO_LOOP_WAIT_INIT). */
typedef struct rondo_loop_wait {
    size_t size;
    /** Becomes readable (Windows: signalled) when the loop has work.
     * RONDO_NO_FD: there is nothing to wait for. It stays the loop's: do not
     * read or close it. */
    rondo_fd fd;
    /** How long to wait at most. 0: do not wait; RONDO_NEVER: no limit. */
    int64_t timeout_ns;
} rondo_loop_wait;

/**
 * Prepares the loop for a wait in another main loop: hands pending changes to
 * the kernel and says what to wait for. After the wait, for whatever reason it
 * ended, call rondo_loop_run_once(loop, 0), then prepare again:
 *
 *     for (;;) {
 *         rondo_loop_prepare(loop, &wait);
 *         ... wait until wait.fd is readable, at most wait.timeout_ns ...
 *         rondo_loop_run_once(loop, 0);
 *     }
 *
 * From the first prepare on, whatever is scheduled from outside the loop makes
 * the descriptor readable, also if rondo_loop_run_once(loop, 0) was called
 * before the wait. A run that may wait itself ends that: prepare again after
 * it.
 *
 * Returns 0, or an error:
 * - RONDO_ENOTSUP: the backend has no such descriptor (RONDO_CAN_EMBED_FD):
 *   poll and select, which have rondo_loop_prepare_poll
 * - RONDO_EBUSY: the loop runs
 *
 * As libuv's uv_backend_fd and uv_backend_timeout, and GSource's prepare.
 */
RONDO_API int rondo_loop_prepare(rondo_loop *loop, rondo_loop_wait *wait);

/** One descriptor that a main loop waits for. */
typedef struct rondo_poll_entry {
    rondo_fd fd;     /**< the loop's: neither read nor close it */
    unsigned events; /**< bits: RONDO_READABLE, RONDO_WRITABLE, ... */
} rondo_poll_entry;

/**
 * Prepares the loop for a wait in another main loop, on every backend: lists
 * all descriptors to wait for. The main loop ends its wait when one of them has
 * one of its events, an error or a hang-up, or after *timeout_ns (0: do not
 * wait; RONDO_NEVER: no limit). After the wait, for whatever reason it ended,
 * call rondo_loop_run_once(loop, 0), then prepare again.
 *
 * It fills in the first `room` entries, which are the caller's. epoll, kqueue
 * and iocp have one entry. On Windows the entry of iocp is a handle, all others
 * are sockets; there a connect that fails shows in exceptfds (WSAPoll:
 * POLLERR).
 *
 * Whatever is scheduled, watched or connected from outside before the wait ends
 * the wait. A descriptor that is closed before the wait stays an entry until
 * the next prepare (poll: POLLNVAL, select: EBADF).
 *
 * Returns how many entries there are; if that is more than `room`, call again
 * with more room. RONDO_EBUSY: the loop runs. As libcurl's curl_multi_fdset and
 * GLib's g_main_context_query; see poll(2)'s struct pollfd.
 */
RONDO_API int rondo_loop_prepare_poll(rondo_loop *loop,
                                      rondo_poll_entry *entries, size_t room,
                                      int64_t *timeout_ns);

/** Returns the backend's name, such as "epoll". The text is static. */
RONDO_API const char *rondo_loop_backend(const rondo_loop *loop);

/** Returns whether this loop has a capability. A function that needs one which
 * is missing returns RONDO_ENOTSUP. */
RONDO_API bool rondo_loop_supports(const rondo_loop *loop,
                                   rondo_capability what);

/** Returns the limit in force now; INT64_MAX: none. */
RONDO_API int64_t rondo_loop_limit(const rondo_loop *loop, rondo_limit what);

/** Describes the loop's clock, with resolutions as measured. Returns 0. */
RONDO_API int rondo_get_clock_info(const rondo_loop *loop,
                                   rondo_clock_info *info);

/**
 * Sets the backend of all later loops that name none. NULL: that of
 * RONDO_BACKEND, else the platform's best. Any thread.
 *
 * Returns 0, or RONDO_ENOTSUP: the backend is not in this build; the sentence
 * lists those that are. As asyncio.set_event_loop_policy.
 */
RONDO_API int rondo_set_default_backend(const char *name);

/** Sets *names to the names of this build's backends, the platform's best
 * first. Any thread. Returns how many there are. The array is static. */
RONDO_API size_t rondo_backends(const char *const **names);

/** Fills in the loop's counts. Returns 0. */
RONDO_API int rondo_loop_get_metrics(const rondo_loop *loop,
                                     rondo_loop_metrics *metrics);

/** Gets one line of a dump: size bytes without a newline, lent for the call. */
typedef void (*rondo_line_fn)(void *arg, const char *line, size_t size);

/**
 * Describes in one line each live handle (kind, descriptor, state, age), each
 * timer (its function, when it is due), and each callback and post that has not
 * run (its function: rondo_function_name). `line` is called from inside this
 * call. It may close handles; to run or close the loop in it is RONDO_EBUSY.
 * Returns the number of lines. As libuv's uv_print_all_handles, and uv_walk.
 */
RONDO_API int rondo_loop_dump(const rondo_loop *loop, rondo_line_fn line,
                              void *arg);

/** Describes what keeps rondo_loop_run going: as rondo_loop_dump, but only
 * those lines. Returns the number of lines; 0: a run would return at once. */
RONDO_API int rondo_loop_explain(const rondo_loop *loop, rondo_line_fn line,
                                 void *arg);

/** What an exception handler is told. It is lent for the call. */
typedef struct rondo_exception {
    size_t size;
    const char *message; /**< the sentence */
    int error;           /**< RONDO_E... */
    int64_t os_error;    /**< the system's code, or 0 */
    /** the object that it is about; one of these three at most is not NULL */
    rondo_server *server;
    rondo_transport *transport; /**< or a transport */
    rondo_process *process;     /**< or a process */
} rondo_exception;

/** An exception handler: gets errors for which there is no other callback, such
 * as a failed accept. It may close the loop's handles. */
typedef void (*rondo_exception_fn)(rondo_loop *loop, void *arg,
                                   const rondo_exception *what);

/** Sets the loop's exception handler. NULL restores the default. Returns 0. As
 * loop.set_exception_handler. */
RONDO_API int rondo_loop_set_exception_handler(rondo_loop *loop,
                                               rondo_exception_fn fn,
                                               void *arg);

/** Calls the loop's exception handler from inside this call. As
 * loop.call_exception_handler. */
RONDO_API void rondo_loop_call_exception_handler(rondo_loop *loop,
                                                 const rondo_exception *what);

/** The default exception handler: prints one line on stderr. A program's
 * handler may call it; arg is not used. As loop.default_exception_handler. */
RONDO_API void rondo_loop_default_exception_handler(
    rondo_loop *loop, void *arg, const rondo_exception *what);

/**
 * Turns debug mode on or off. slow_callback_ns 0: the time stays as it is. In
 * debug mode:
 *
 * - calls from a wrong thread are refused (RONDO_ETHREAD)
 * - calls that use a transport, server, datagram endpoint or process that has
 *   ended are refused (RONDO_ECLOSED); the last 128 are kept for that
 * - callbacks of any kind that take longer than slow_callback_ns are reported
 *   with their name and duration
 * - rondo_loop_close lists what is open
 *
 * The exception handler is told of these; of calls from a wrong thread that come
 * close together it is told of the first. Returns 0. As loop.set_debug and
 * slow_callback_duration.
 */
RONDO_API int rondo_loop_set_debug(rondo_loop *loop, bool debug,
                                   int64_t slow_callback_ns);

/* ---- what a loop does: tracer and meter --------------------------------- */
/* Stability: young; since 0.1. */

/** What a tracer is told. It is lent for the call. */
typedef struct rondo_trace {
    size_t size;
    rondo_activity activity; /**< what the loop does */
    bool begins;     /**< true: told before it begins; false: after its end */
    int64_t time_ns; /**< now, on the loop's clock */
    /** The kind of callback, the member of a protocol, or the function that
     * asked for it: "wait", "timer", "data_received", ... Static. */
    const char *what;
    rondo_fn fn; /**< The program's function, cast. NULL: there is none. */
    /** The transport, endpoint, server or process of a protocol's member; NULL:
     * none. It may have ended if `begins` is false. */
    const void *object;
    /** Of a wait: before it how long it may take, in nanoseconds; after it 0 or
     * the error. Else 0. */
    int64_t value;
} rondo_trace;

/** Called before and after what the loop does. It must not call functions of
 * this library, except rondo_function_name. */
typedef void (*rondo_tracer_fn)(rondo_loop *loop, void *arg,
                                const rondo_trace *trace);

/**
 * Sets a tracer: fn is called before and after each wait, each callback and
 * each operation that has ended. NULL removes it. What begins inside another
 * one ends before it. With a tracer the loop takes the slow paths and reads the
 * clock twice for each of them; without one there is no cost. Returns 0. See
 * examples/trace.c.
 */
RONDO_API int rondo_loop_set_tracer(rondo_loop *loop, rondo_tracer_fn fn,
                                    void *arg);

/** Starts or stops counting bytes, lag and times (rondo_loop_metrics). What was
 * counted stays. It costs what a tracer costs. Returns 0. */
RONDO_API int rondo_loop_set_metering(rondo_loop *loop, bool on);

/** Writes the name of a function of the program: its symbol if the dynamic
 * linker knows it, else the file and the place in it ("program+0x3560", which
 * addr2line understands), else its address. The text always ends with a NUL.
 * Any thread. Returns the length of the whole name, as snprintf. */
RONDO_API size_t rondo_function_name(rondo_fn fn, char *text, size_t size);

/* ---- 3. callbacks and timers ------------------------------------------- */
/* Stability: stable; since 0.1. */

/** Calls fn(loop, arg) in the next iteration. Callbacks run in the order in
 * which they were scheduled. Returns an id, or RONDO_ENOMEM. As
 * loop.call_soon. */
RONDO_API rondo_id rondo_call_soon(rondo_loop *loop, rondo_fn fn, void *arg);

/**
 * Calls fn(loop, arg) on the loop's thread, and wakes the loop. Any thread. The
 * loop must not have been freed: where it could be, use a rondo_remote.
 *
 * Posts and callbacks run in one order: what was posted or scheduled before, on
 * this thread or with a happens-before relation, runs before. A post that is
 * accepted before rondo_loop_close begins runs.
 *
 * Returns 0, RONDO_ENOMEM or RONDO_ECLOSED. As loop.call_soon_threadsafe.
 */
RONDO_API int rondo_call_soon_threadsafe(rondo_loop *loop, rondo_fn fn,
                                         void *arg);

/**
 * Calls fn once, delay_ns from now, never earlier. A negative delay counts as
 * 0. A delay that is too long counts as the longest possible one; RONDO_NEVER
 * never fires. Timers with the same deadline fire in the order in which they
 * were scheduled.
 *
 * Returns an id, or RONDO_ENOMEM. As loop.call_later, and libuv's
 * uv_timer_start.
 */
RONDO_API rondo_id rondo_call_later(rondo_loop *loop, int64_t delay_ns,
                                    rondo_fn fn, void *arg);

/** Calls fn once, when the loop's clock shows when_ns. A time before that of
 * this iteration (rondo_loop_iteration_time) counts as that of this iteration:
 * such timers fire in the next iteration, in the order in which they were
 * scheduled. Returns an id, or RONDO_ENOMEM. As loop.call_at. */
RONDO_API rondo_id rondo_call_at(rondo_loop *loop, int64_t when_ns, rondo_fn fn,
                                 void *arg);

/**
 * Calls fn every period_ns until it is cancelled, the first time one period
 * from now. It keeps its phase: periods that have passed before fn could run
 * are skipped and counted (rondo_missed).
 *
 * Returns an id, RONDO_EINVAL (a period that is not above 0) or RONDO_ENOMEM.
 */
RONDO_API rondo_id rondo_call_every(rondo_loop *loop, int64_t period_ns,
                                    rondo_fn fn, void *arg);

/** Returns how many periods of a rondo_call_every have been skipped.
 * RONDO_ENOENT: there is no such timer; RONDO_EINVAL: the id is of another
 * kind. */
RONDO_API int64_t rondo_missed(const rondo_loop *loop, rondo_id id);

/**
 * Moves a timer to when_ns, which counts as in rondo_call_at. A
 * rondo_call_every goes on from there with its period. Inside its own callback
 * a timer that fires once is started again, under the same id. To move a
 * deadline later costs one store.
 *
 * Returns 0, or an error:
 * - RONDO_ENOENT: the timer has fired, was cancelled, or belongs to another
 *   loop
 * - RONDO_EINVAL: not a timer
 *
 * As libuv's uv_timer_again.
 */
RONDO_API int rondo_reschedule(rondo_loop *loop, rondo_id id, int64_t when_ns);

/** Returns a timer's next deadline in nanoseconds, or an error as
 * rondo_reschedule does. As TimerHandle.when. */
RONDO_API int64_t rondo_when(const rondo_loop *loop, rondo_id id);

/**
 * Cancels what the id names.
 *
 * A callback or timer then never runs. The done of a connect, a look-up, a job
 * or another operation still runs once: with RONDO_ECANCELED, or with the
 * operation's result if that had happened already. The done of a job comes when
 * its work has returned, or at once if the work has not begun.
 *
 * Returns 0; RONDO_ENOENT: it has run, was cancelled, or belongs to another
 * loop. As Handle.cancel, and libuv's uv_cancel, uv_timer_stop.
 */
RONDO_API int rondo_cancel(rondo_loop *loop, rondo_id id);

/**
 * Sets a function that frees the arg of a callback (rondo_call_soon), a timer,
 * a hook or a watch that ends without being called any more. Setting it again
 * replaces it; NULL removes it.
 *
 * release(loop, arg) is called once: from the loop if the id is cancelled,
 * inside rondo_loop_close if the loop drops it. After the last run of a
 * callback or a timer it is not called: fn could free arg there. It is always
 * called for a rondo_call_every, a hook and a signal watch, except a watch with
 * RONDO_SIGNAL_ONCE that was called.
 *
 * Operations need none, since their done is always called. Posts need none:
 * each post that is accepted runs, unless it is cancelled, and whoever cancels
 * it has arg again.
 *
 * Returns 0, or an error:
 * - RONDO_ENOENT: as for rondo_cancel
 * - RONDO_EINVAL: an operation or a post
 * - RONDO_ENOMEM: nothing has changed
 *
 * As the GDestroyNotify functions of GLib.
 */
RONDO_API int rondo_set_release(rondo_loop *loop, rondo_id id,
                                rondo_fn release);

/** When a hook is called: bits. */
typedef enum rondo_hook_when {
    RONDO_BEFORE_WAIT = 1, /**< in each iteration, before the loop waits */
    RONDO_AFTER_WAIT = 2,  /**< after the wait, before other callbacks */
    RONDO_IDLE = 4         /**< when there is nothing else to run */
} rondo_hook_when;

/**
 * Calls fn(loop, arg) in each iteration, at each of the times in `when`, until
 * the id is cancelled. Several hooks are called in the order in which they were
 * added. What a hook schedules runs in the same iteration; if it is scheduled
 * before the wait, the wait ends at once. rondo_loop_prepare calls no hooks.
 *
 * An idle hook is for work in pieces. While there is one the loop does not
 * wait; it calls the hook if nothing is ready and no callback or timer is due.
 * Idle hooks keep rondo_loop_run going, other hooks do not
 * (rondo_set_background changes that).
 *
 * Returns an id, or an error:
 * - RONDO_EINVAL: no function, no time, or an unknown time
 * - RONDO_ENOMEM
 *
 * As libuv's uv_prepare, uv_check and uv_idle.
 */
RONDO_API rondo_id rondo_add_hook(rondo_loop *loop, unsigned when, rondo_fn fn,
                                  void *arg);

/**
 * Sets whether what the id names keeps rondo_loop_run going (false) or not
 * (true). The default is false; for signal watches, and for hooks that are not
 * idle hooks, it is true. The id is that of a callback, a timer, a hook, a
 * watch, a job or a pending operation.
 *
 * Returns 0; RONDO_ENOENT: nothing has this id; RONDO_EINVAL: a post. As
 * libuv's uv_unref and uv_ref.
 */
RONDO_API int rondo_set_background(rondo_loop *loop, rondo_id id,
                                   bool background);

/** Returns a sender of posts to the loop, which stays valid after the loop is
 * freed; NULL: an error (rondo_last_error). Each call adds a reference:
 * release as many (rondo_remote_release). As libuv's uv_async_t. */
RONDO_API rondo_remote *rondo_loop_remote(rondo_loop *loop);

/** Calls fn(loop, arg) on the loop's thread, as rondo_call_soon_threadsafe
 * does. Any thread. Returns 0; RONDO_ECLOSED: the loop is closing or freed;
 * RONDO_ENOMEM. */
RONDO_API int rondo_remote_call(rondo_remote *remote, rondo_fn fn, void *arg);

/**
 * Calls fn(loop, arg) on the loop's thread, as rondo_remote_call does, with an
 * id to cancel it by: rondo_remote_cancel on any thread, or rondo_cancel on the
 * loop's thread. Any thread.
 *
 * Returns an id, RONDO_ECLOSED, RONDO_EFORKED or RONDO_ENOMEM. As the Handle
 * that loop.call_soon_threadsafe returns.
 */
RONDO_API rondo_id rondo_remote_post(rondo_remote *remote, rondo_fn fn,
                                     void *arg);

/**
 * Cancels a post of rondo_remote_post. Any thread.
 *
 * Returns 0: fn never runs, and arg is the caller's again. RONDO_ENOENT: it has
 * run, runs, was cancelled, or belongs to another loop; or it is one of the
 * next posts, 64 at most, that the loop has begun to run. Only the loop's
 * thread can cancel those, by rondo_cancel.
 */
RONDO_API int rondo_remote_cancel(rondo_remote *remote, rondo_id id);

/** Releases one reference of a sender. NULL is ignored. Any thread. */
RONDO_API void rondo_remote_release(rondo_remote *remote);

/* ---- 4. watching descriptors ------------------------------------------- */
/* Stability: stable; since 0.1. */

/** Called in each iteration in which the descriptor is ready. */
typedef void (*rondo_fd_fn)(rondo_loop *loop, rondo_fd fd, void *arg);

/**
 * Calls fn in each iteration in which fd can be read without blocking. It is
 * level-triggered: fn is called again until it has read what there is. The end
 * of the data, a hang-up and an error count as readable and as writable. Adding
 * again replaces fn and arg. To watch both directions by one callback use
 * rondo_watch.
 *
 * The descriptor stays the caller's: remove it first, then close it.
 *
 * Returns 0, or an error:
 * - RONDO_EPERM: a regular file or a directory, or a device that this backend's
 *   kernel interface refuses; the sentence names a backend that takes it
 * - RONDO_EBADF: not open
 * - RONDO_EBUSY: a transport's descriptor, or rondo_watch has it
 * - RONDO_EMFILE: beyond the backend's limit
 * - RONDO_ENOTSUP: this backend cannot watch such a descriptor
 * - RONDO_ENOSPC: the kernel's limit of watches is reached
 *
 * As loop.add_reader.
 */
RONDO_API int rondo_add_reader(rondo_loop *loop, rondo_fd fd, rondo_fd_fn fn,
                               void *arg);

/** Calls fn in each iteration in which fd can be written without blocking.
 * Otherwise, and its errors, as rondo_add_reader. As loop.add_writer. */
RONDO_API int rondo_add_writer(rondo_loop *loop, rondo_fd fd, rondo_fd_fn fn,
                               void *arg);

/** Ends a rondo_add_reader: fn is not called again. Returns 1: removed; 0:
 * there was none; RONDO_EBUSY: a transport's descriptor. As
 * loop.remove_reader. */
RONDO_API int rondo_remove_reader(rondo_loop *loop, rondo_fd fd);

/** Ends a rondo_add_writer. Returns as rondo_remove_reader. As
 * loop.remove_writer. */
RONDO_API int rondo_remove_writer(rondo_loop *loop, rondo_fd fd);

/** What a descriptor can be watched for: bits. See poll(2). */
typedef enum rondo_event {
    RONDO_READABLE = 1, /**< data, a client, or the end (POLLIN) */
    RONDO_WRITABLE = 2, /**< room to write (POLLOUT) */
    /** urgent data, or what the device means by it (POLLPRI, EPOLLPRI,
     * exceptfds) */
    RONDO_PRIORITY = 4,
    /** the peer has ended its writing side (POLLRDHUP, EPOLLRDHUP, EV_EOF) */
    RONDO_HALF_CLOSED = 8,
    RONDO_ERROR = 16,  /**< an error waits (POLLERR); told unasked */
    RONDO_HANG_UP = 32 /**< the other end is gone (POLLHUP); told unasked */
} rondo_event;

/** Called in each iteration in which the descriptor has one of the events.
 * events has all of them. */
typedef void (*rondo_watch_fn)(rondo_loop *loop, rondo_fd fd, unsigned events,
                               void *arg);

/**
 * Calls fn in each iteration in which fd has one of these events, bits of
 * rondo_event. It is level-triggered, and one callback serves both directions.
 * Watching again replaces events, fn and arg, also inside fn. The descriptor
 * stays the caller's: unwatch it first, then close it.
 *
 * RONDO_ERROR and RONDO_HANG_UP are told unasked, where the system tells them.
 * RONDO_READABLE and RONDO_WRITABLE are then set, too, if they were asked for,
 * since the next call finds the error. events 0 asks for these two alone.
 *
 * Poll and select take files and directories, which are always ready. epoll
 * takes those of /proc and /sys that can be polled.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: no function, or an unknown bit
 * - RONDO_ENOTSUP: the backend cannot tell an event (RONDO_CAN_WATCH_PRIORITY,
 *   RONDO_CAN_WATCH_HALF_CLOSE; for 0 events RONDO_CAN_WATCH_ERRORS)
 * - RONDO_EBUSY: a transport's descriptor, or it has a reader or a writer
 * - RONDO_EPERM: a file or a directory that the backend's kernel interface
 *   refuses
 * - the errors of rondo_add_reader
 *
 * As libuv's uv_poll_start; see poll(2), epoll_ctl(2), kqueue(2).
 */
RONDO_API int rondo_watch(rondo_loop *loop, rondo_fd fd, unsigned events,
                          rondo_watch_fn fn, void *arg);

/** Ends a rondo_watch: fn is not called again. Returns 1: ended; 0: there was
 * none; RONDO_EBUSY: a transport's descriptor. As uv_poll_stop. */
RONDO_API int rondo_unwatch(rondo_loop *loop, rondo_fd fd);

/**
 * Sets a function that frees the arg of a watcher, which has no id. event names
 * the watcher: RONDO_READABLE, the descriptor's reader; RONDO_WRITABLE, its
 * writer; 0, its rondo_watch. Setting it again replaces it; NULL removes it.
 *
 * release(loop, arg) is called once: from the loop when the watcher is removed,
 * lost (the descriptor was closed) or added again with another arg; inside
 * rondo_loop_close when the loop drops it. If the watcher is added again with
 * the same arg, the release stays.
 *
 * Returns 0, or an error; then nothing has changed:
 * - RONDO_ENOENT: there is no such watcher
 * - RONDO_EBUSY: a transport's descriptor
 * - RONDO_EINVAL: another event
 * - RONDO_ENOMEM
 */
RONDO_API int rondo_set_watch_release(rondo_loop *loop, rondo_fd fd,
                                      unsigned event, rondo_fn release);

/* ---- 5. stream transports ---------------------------------------------- */
/* Stability: stable; since 0.1. */

/** One direction of a connection. */
typedef enum rondo_direction {
    RONDO_READING = 1, /**< from the peer */
    RONDO_WRITING = 2  /**< to the peer */
} rondo_direction;

/**
 * What the program does on a connection: a table of functions, any of which may
 * be NULL. The table is not copied: it must outlive the connection. self is the
 * caller's pointer; the library does not look at it.
 *
 * The order is connection_made, data, at most one eof_received,
 * connection_lost. The transport is valid until connection_lost returns. As
 * asyncio.Protocol and asyncio.BufferedProtocol.
 */
typedef struct rondo_protocol {
    /** Called once, first. After it connection_lost is called exactly once. */
    void (*connection_made)(rondo_transport *t, void *self);
    /** size > 0 bytes have arrived. They are lent for the call. */
    void (*data_received)(rondo_transport *t, void *self, const void *data,
                          size_t size);
    /**
     * Says where to read to; if it is set, data_received is not called. It is
     * called when there is something to read, and returns a buffer with *size
     * bytes. hint is a useful size.
     *
     * The buffer is lent until buffer_updated is called, or, if nothing came
     * after all, until get_buffer is called again or the connection ends. NULL
     * or *size 0: not now; reading pauses, as by rondo_transport_pause_reading,
     * until rondo_transport_resume_reading.
     *
     * The kernel writes the bytes into the buffer. These are copied: bytes that
     * were read before (filters, rondo_transport_unread, a change of protocol),
     * bytes that a thread reads, and bytes for a buffer below 4 KiB. As
     * asyncio's BufferedProtocol, and libuv's alloc_cb.
     */
    void *(*get_buffer)(rondo_transport *t, void *self, size_t hint,
                        size_t *size);
    /** size > 0 bytes have been read into the buffer. */
    void (*buffer_updated)(rondo_transport *t, void *self, size_t size);
    /** The peer has ended its writing side. false, or NULL: the transport
     * closes once the write buffer is empty. true: the program goes on writing
     * until rondo_transport_write_eof or rondo_transport_close. */
    bool (*eof_received)(rondo_transport *t, void *self);
    /** The write buffer has passed its high limit: stop writing. */
    void (*pause_writing)(rondo_transport *t, void *self);
    /** The write buffer is down to its low limit again. It is called also while
     * the transport closes. */
    void (*resume_writing)(rondo_transport *t, void *self);
    /** Called once, last. error is 0: closed in order; RONDO_ECANCELED: aborted
     * by this side; RONDO_ECLOSED: the loop closes; else what broke the
     * connection. The addresses can still be asked for; the descriptor is
     * gone. */
    void (*connection_lost)(rondo_transport *t, void *self, int error);
    /** A time of rondo_transport_set_timeouts has passed. true: go on, the time
     * starts again. false, or NULL: the transport is aborted with
     * RONDO_ETIMEDOUT. */
    bool (*timed_out)(rondo_transport *t, void *self,
                      rondo_direction direction);
    /**
     * Says where to read to, in several buffers (readv(2), WSARecv); if it is
     * set, get_buffer is not called. The protocol sets rooms[0], rooms[1] and
     * so on, at most `most` of them, and returns how many; most is at least
     * RONDO_ROOMS. They are lent as get_buffer's buffer, and filled in their
     * order; buffer_updated gets the sum of the bytes.
     *
     * A room with data NULL or size 0 is left out. No room: not now, as
     * get_buffer's NULL. Bytes are copied where those of get_buffer are (where
     * all rooms together are below 4 KiB), and, with more than one room, on
     * every transport that is not a TCP connection.
     */
    size_t (*get_buffers)(rondo_transport *t, void *self, size_t hint,
                          rondo_room *rooms, size_t most);
    rondo_reserved reserved[6];
} rondo_protocol;

/** A yes or no whose zero is the default. */
typedef enum rondo_switch {
    RONDO_DEFAULT = 0, /**< as the member's comment says */
    RONDO_ON = 1,      /**< yes */
    RONDO_OFF = -1     /**< no */
} rondo_switch;

/** Called for a new connection before anything is read: the place for
 * rondo_transport_push_filter. connection_made comes when the filters are
 * ready. Not 0: the connection is dropped, and no member of the protocol is
 * called. */
typedef int (*rondo_setup_fn)(rondo_transport *t, void *arg);

/** Where and how to connect; RONDO_CONNECT(.host = "a", .port = 80). */
typedef struct rondo_connect_options {
    size_t size;
    /** A name or a numeric address, with %scope where needed. Set exactly one
     * of host, path, address and socket. */
    const char *host;
    /** A unix socket, see unix(7); on Linux "@name" is an abstract name. On
     * Windows a named pipe, as "\\\\.\\pipe\\name" (RONDO_CAN_NAMED_PIPES);
     * elsewhere that is a path like any other. */
    const char *path;
    const rondo_address *address; /**< A socket address. */
    /** A stream socket that is connected already. It is a pointer since 0 is a
     * descriptor. The socket is the loop's once an id has been returned; if
     * the call fails it stays the caller's. */
    const rondo_fd *socket;
    uint16_t port;       /**< with host */
    rondo_family family; /**< with host: only addresses of this family */
    /** The address to connect from. Remote addresses of another family are
     * skipped. The program removes the file that a unix socket makes of it. */
    const rondo_address *local_address;
    /** For look-up, connecting and the handshakes of filters together. 0: no
     * limit. */
    int64_t timeout_ns;
    /** How long one of several addresses is tried alone before the next one is
     * tried, too (RFC 8305). 0: 250 ms; < 0: until it has failed. */
    int64_t happy_eyeballs_delay_ns;
    /** How many addresses of the first family come before the first of the
     * other family; from there on the families take turns. 0: 1; < 0: all in
     * the resolver's order. */
    int interleave;
    rondo_switch no_delay;   /**< TCP_NODELAY. Default: on */
    rondo_switch keep_alive; /**< SO_KEEPALIVE. Default: off */
    /** pushes filters; if it refuses, the connect fails */
    rondo_setup_fn setup;
    void *setup_arg; /**< given to setup */
    /** Off: reading is paused from the start, as by
     * rondo_transport_pause_reading before connection_made. Default: on. */
    rondo_switch start_reading;
    /** Chooses protocol and self, just before connection_made, when the filters
     * are ready. *protocol and *self begin as those of
     * rondo_create_connection, whose protocol may then be NULL. It may write
     * to t. Not 0: the connection is dropped, no member of the protocol is
     * called, and done gets that error (RONDO_ECANCELED for a number above 0).
     * As asyncio's protocol_factory. */
    int (*protocol_factory)(rondo_loop *loop, void *arg, rondo_transport *t,
                            const rondo_protocol **protocol, void **self);
    void *factory_arg; /**< given to protocol_factory */
} rondo_connect_options;

/** Where and how to listen; RONDO_SERVE(.port = 80). */
typedef struct rondo_server_options {
    size_t size;
    /** A numeric address. NULL or "": every interface, IPv4 and IPv6. Names are
     * not looked up: give the addresses that rondo_getaddrinfo finds as
     * `addresses`. */
    const char *host;
    /**
     * A unix socket instead of host and port; on Linux "@name" is an abstract
     * name. The socket file of a server that is gone is replaced. The file is
     * removed at close, if it is still this server's. A relative path is looked
     * up from the working directory each time.
     *
     * On Windows a named pipe, as "\\\\.\\pipe\\name" (RONDO_CAN_NAMED_PIPES):
     * it has no addresses, no descriptor of its own and no backlog.
     */
    const char *path;
    /** A stream socket instead of host, listening or not yet. If it is not
     * bound, it is bound to every interface of its family, at `port`. It is a
     * pointer since 0 is a descriptor. The socket is the server's once the
     * call has succeeded; its file is never removed. */
    const rondo_fd *socket;
    uint16_t port;        /**< 0: the kernel chooses one for all families */
    rondo_family family;  /**< only addresses of this family */
    int backlog;          /**< of listen(2). 0: SOMAXCONN */
    unsigned max_clients; /**< pause accepting beyond. 0: no limit */
    rondo_switch reuse_address; /**< SO_REUSEADDR. Default: on (Unix) */
    /** Windows: no other program may bind. Default: on */
    rondo_switch exclusive;
    rondo_switch reuse_port;    /**< SO_REUSEPORT. Default: off */
    rondo_switch start_serving; /**< accept from the start. Default: on */
    rondo_switch no_delay;      /**< TCP_NODELAY of clients. Default: on */
    rondo_switch keep_alive;    /**< SO_KEEPALIVE of clients. Default: off */
    rondo_switch v6only;        /**< IPV6_V6ONLY. Default: on */
    /** The mode of path's file, such as 0660: who may connect. It is set before
     * any client can connect. 0: what the umask leaves. An abstract name has
     * no mode. See chmod(2). */
    unsigned unix_mode;
    /** How long the handshakes of a client's filters may take. 0: 60 s;
     * RONDO_NEVER: no limit. */
    int64_t handshake_timeout_ns;
    /** Pushes filters. RONDO_ECANCELED, or a number above 0, refuses the
     * client. Any other error of it goes to the exception handler, and so does
     * the error of a filter that fails before it is ready. */
    rondo_setup_fn setup;
    void *setup_arg; /**< given to setup */
    /** Chooses protocol and self, just before each client's connection_made,
     * when its filters are ready. *protocol and *self begin as
     * rondo_create_server's protocol and arg. It may write to t. Not 0: the
     * connection is dropped, and no member of the protocol is called. As
     * asyncio's protocol_factory. */
    int (*protocol_factory)(rondo_server *server, void *arg, rondo_transport *t,
                            const rondo_protocol **protocol, void **self);
    /** The listener is closed, and its last client is gone. The server's
     * pointer is valid until this returns; if closed is NULL, until the loop
     * is freed. */
    void (*closed)(rondo_server *server, void *arg);
    /** Gets each accepted socket, instead of a protocol. The socket is the
     * program's and belongs to no loop; give it for instance to another loop
     * by rondo_connect_accepted_socket. As libuv's uv_accept; see accept(2). */
    void (*accepted)(rondo_server *server, void *arg, rondo_fd socket,
                     const rondo_address *peer);
    /** Off: reading from clients is paused from the start, as by
     * rondo_transport_pause_reading before connection_made. Default: on. */
    rondo_switch start_reading;
    /**
     * Several addresses instead of host, path and socket, lent for the call:
     * the server listens on all of them, or fails. Each has one socket, in this
     * order for rondo_server_fd. Those with port 0 share one port that the
     * kernel chooses. Unix addresses among them are treated as path, but
     * literally: "@" begins no abstract name (rondo_address_unix). An array
     * that rondo_getaddrinfo has found will do, so a server can listen on a
     * name (examples/echo.c).
     */
    const rondo_address *addresses;
    size_t address_count; /**< how many addresses */
} rondo_server_options;

/** Tells how a connect has ended, exactly once: (t, 0) directly after
 * connection_made, or (NULL, error) without connection_made. If a connect has
 * none, the exception handler gets its error, except RONDO_ECANCELED. */
typedef void (*rondo_connect_fn)(rondo_loop *loop, void *arg,
                                 rondo_transport *t, int error);

/**
 * Connects, and makes a transport of the connection. A name is looked up off
 * the loop's thread; its addresses are tried as RFC 8305 says. done may be
 * NULL.
 *
 *     rondo_create_connection(loop, RONDO_CONNECT(.host = "localhost",
 *                                                 .port = 7000),
 *                             &protocol, self, connected, NULL);
 *
 * A unix socket whose backlog is full, and a named pipe all of whose instances
 * have a client, are tried again until there is room, timeout_ns has passed, or
 * the connect is cancelled.
 *
 * Returns an id, which rondo_cancel takes until connection_made starts, or an
 * error, and done is not called:
 * - RONDO_EINVAL: not exactly one of host, path, address and socket; or the
 *   socket is not a connected stream socket
 * - RONDO_ENAMETOOLONG: a path longer than RONDO_LIMIT_UNIX_PATH, a pipe's name
 *   longer than 256 characters
 * - RONDO_ENOTSUP: a path where there are no unix sockets, or a pipe on a
 *   backend without pipes
 * - RONDO_EAFNOSUPPORT: a pipe with a local_address
 * - RONDO_EBADF: the socket is not open
 * - RONDO_EBUSY: a transport or watcher uses the socket
 * - RONDO_EMFILE, RONDO_ENFILE
 *
 * Errors of done; the sentence names each address that was tried and why it
 * failed:
 * - RONDO_ENONAME, RONDO_EAGAIN: the look-up failed
 * - RONDO_ENOENT: the path does not exist
 * - RONDO_ECONNREFUSED, RONDO_ETIMEDOUT, RONDO_EHOSTUNREACH, RONDO_ENETUNREACH,
 *   RONDO_EACCES
 * - RONDO_EADDRINUSE, RONDO_EADDRNOTAVAIL: local_address
 * - RONDO_EAFNOSUPPORT: there is no address of the family asked for
 * - RONDO_ECANCELED
 * - RONDO_EMFILE
 *
 * As loop.create_connection, loop.create_unix_connection and, for a pipe, the
 * proactor loop's create_pipe_connection; libuv's uv_tcp_connect,
 * uv_pipe_connect; see connect(2), and CreateFile.
 */
RONDO_API rondo_id rondo_create_connection(rondo_loop *loop,
                                           const rondo_connect_options *options,
                                           const rondo_protocol *protocol,
                                           void *self, rondo_connect_fn done,
                                           void *arg);

/**
 * Listens, and makes a transport of each client. options may be NULL: every
 * interface, and a port that the kernel chooses. arg is the self of every
 * connection, unless protocol_factory sets another, and the arg of the options'
 * callbacks. server may be NULL.
 *
 *     rondo_create_server(loop, RONDO_SERVE(.port = 7000), &protocol, NULL,
 *                         &server);
 *
 * If accepting fails later, the exception handler is told once, and accepting
 * goes on by itself.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: a host that is not numeric; neither a protocol nor a factory
 *   nor accepted; options that exclude each other
 * - RONDO_EADDRINUSE: also a path where there is a file that is not a socket
 * - RONDO_EADDRNOTAVAIL: this machine has none of the addresses
 * - RONDO_EACCES, RONDO_EAFNOSUPPORT, RONDO_EMFILE, RONDO_ENFILE
 * - RONDO_ENOTSUP: reuse_port, or for a pipe accepted
 * - RONDO_EBADF, RONDO_EBUSY: for a socket
 * - RONDO_ENAMETOOLONG, RONDO_ENOENT, RONDO_ENOTDIR: for a path
 * - RONDO_ENOTSUP: a path where there are no unix sockets
 *
 * As loop.create_server, loop.create_unix_server and, for a pipe, the proactor
 * loop's start_serving_pipe; libuv's uv_tcp_bind, uv_pipe_bind, uv_listen; see
 * bind(2), listen(2), and CreateNamedPipe.
 */
RONDO_API int rondo_create_server(rondo_loop *loop,
                                  const rondo_server_options *options,
                                  const rondo_protocol *protocol, void *arg,
                                  rondo_server **server);

/**
 * Makes a transport of a connected stream socket; the loop then calls
 * connection_made. It sets TCP_NODELAY, as a server does for its clients;
 * rondo_adopt leaves the options as they are. t may be NULL.
 *
 * Returns 0, and the socket is the transport's; or an error, and the socket
 * stays the caller's:
 * - RONDO_EINVAL: not a connected stream socket
 * - RONDO_EBADF: not open
 * - RONDO_EBUSY: a transport or watcher uses it
 * - RONDO_EMFILE: beyond the backend's limit
 *
 * As loop.connect_accepted_socket.
 */
RONDO_API int rondo_connect_accepted_socket(rondo_loop *loop, rondo_fd socket,
                                            const rondo_protocol *protocol,
                                            void *self, rondo_transport **t);

/** Flags of rondo_adopt, rondo_connect_read_pipe and rondo_connect_write_pipe,
 * to be combined: who owns the descriptor, which kinds are taken, and which
 * options it gets. */
typedef enum rondo_pipe_flags {
    RONDO_PIPE_OWN = 0, /**< the transport owns it, and closes it */
    /** the program owns it: it is not closed, and its mode is restored */
    RONDO_PIPE_BORROW = 1,
    /** a regular file is taken, too; not for rondo_adopt */
    RONDO_PIPE_FILE = 2,
    RONDO_ADOPT_NO_DELAY = 4,  /**< rondo_adopt only: sets TCP_NODELAY */
    RONDO_ADOPT_KEEP_ALIVE = 8 /**< rondo_adopt only: sets SO_KEEPALIVE */
} rondo_pipe_flags;

/**
 * Makes a transport that reads and writes, of one descriptor that can do both:
 * a connected stream socket, a terminal or the master of a pseudo terminal, a
 * character device, on Windows an overlapped pipe. The loop then calls
 * connection_made. t may be NULL.
 *
 * flags has RONDO_PIPE_OWN or RONDO_PIPE_BORROW. A borrowed descriptor is never
 * closed. Only rondo_transport_write_eof shuts it down. Its mode is restored in
 * the end; on Windows a socket is then blocking. An abort of a borrowed socket
 * sends no reset. A borrowed unix socket carries descriptors
 * (rondo_transport_send_fd).
 *
 * Socket options are set only as flags ask for, and never on a borrowed socket.
 * A terminal ends both directions at once (rondo_transport_can_write_eof is
 * false).
 *
 * Returns 0; or an error, and the descriptor stays the caller's, as it was:
 * - RONDO_EINVAL: a file, a directory, a listening, unconnected or datagram
 *   socket; a descriptor that is not open for both; unknown flags, or flags
 *   that exclude each other
 * - RONDO_EBADF: not open
 * - RONDO_EBUSY: a transport or watcher uses it
 * - RONDO_EPERM: a device that this backend cannot wait for, such as /dev/null
 *   with epoll
 * - RONDO_EMFILE, RONDO_ENOMEM
 * - RONDO_ENOTSUP: where RONDO_CAN_PIPES is false all but a socket with
 *   RONDO_PIPE_OWN; on Windows a pipe that is borrowed or not overlapped
 *
 * As libuv's uv_tcp_open, uv_tty_init and uv_pipe_open.
 */
RONDO_API int rondo_adopt(rondo_loop *loop, rondo_fd fd, unsigned flags,
                          const rondo_protocol *protocol, void *self,
                          rondo_transport **t);

/** Returns the program's standard input (0), output (1) or error (2) as a
 * descriptor; RONDO_NO_FD: there is none. Borrow it (RONDO_PIPE_BORROW). Any
 * thread. */
RONDO_API rondo_fd rondo_stdio(int which);

/**
 * Makes a transport that only reads, of a pipe, FIFO, connected stream socket,
 * terminal or character device. The loop then calls connection_made. t may be
 * NULL.
 *
 * A descriptor that the backend cannot wait for is read by a thread, at most 64
 * KiB ahead: /dev/null with epoll; with RONDO_PIPE_FILE a regular file or block
 * device. At the end of the input (also a terminal's hang-up) the loop calls
 * eof_received, whose result is ignored, and then connection_lost(0). Writing
 * is RONDO_EPIPE.
 *
 * flags are rondo_pipe_flags. An owned descriptor is non-blocking from now on.
 * A borrowed descriptor is never closed, and its mode is restored when
 * connection_lost is called or the loop is closed. Until then its mode, which
 * other processes may share, changes only where there is no other way: the
 * transport opens a terminal, and on Linux a pipe, once more for itself. In a
 * forked child what a thread reads or writes ends with RONDO_EFORKED.
 *
 * Returns 0; or an error, and the descriptor stays the caller's, as it was:
 * - RONDO_EINVAL: a regular file without RONDO_PIPE_FILE, a directory, a
 *   listening, unconnected or datagram socket, or a descriptor that is not open
 *   for this direction
 * - RONDO_EBADF: not open
 * - RONDO_EBUSY: a transport or watcher uses it; for both directions of a
 *   terminal see rondo_adopt
 * - RONDO_EMFILE
 * - RONDO_ENOTSUP: RONDO_CAN_PIPES is false
 *
 * As loop.connect_read_pipe.
 */
RONDO_API int rondo_connect_read_pipe(rondo_loop *loop, rondo_fd fd,
                                      unsigned flags,
                                      const rondo_protocol *protocol,
                                      void *self, rondo_transport **t);

/**
 * Makes a transport that only writes, of what rondo_connect_read_pipe takes,
 * with the same flags and errors. There is no SIGPIPE.
 *
 * If the reader leaves, connection_lost gets 0, or RONDO_EPIPE while bytes
 * wait. Of a terminal or a TCP socket this is noticed only with the next write.
 * rondo_transport_write_eof acts as rondo_transport_close. An abort drops the
 * bytes that wait; the reader of a pipe cannot tell it from an end. A thread
 * that is writing to a file then finishes its current piece.
 *
 * Returns as rondo_connect_read_pipe. As loop.connect_write_pipe; see pipe(7).
 */
RONDO_API int rondo_connect_write_pipe(rondo_loop *loop, rondo_fd fd,
                                       unsigned flags,
                                       const rondo_protocol *protocol,
                                       void *self, rondo_transport **t);

/**
 * Sends size bytes: at once what the kernel takes, the rest later from a copy.
 * It may be called from protocol_factory on, also before connection_made. Zero
 * bytes do nothing.
 *
 * Once bytes may have left, a failure also ends the connection with
 * connection_lost, so the result may be ignored. With backend io_uring small
 * writes in callbacks leave together before the loop waits; a process that ends
 * itself inside the callback loses them, unless it calls
 * rondo_transport_get_write_buffer_size before, which sends them.
 *
 * Returns 0: taken; 1: taken, and the buffer is now over its high limit (the
 * loop then calls pause_writing); or an error, and nothing is sent and nothing
 * kept:
 * - RONDO_EPIPE: after rondo_transport_write_eof
 * - RONDO_ECLOSED: after close or abort
 * - RONDO_ENOMEM
 * - any error of the kernel
 *
 * As WriteTransport.write; see send(2).
 */
RONDO_API int rondo_transport_write(rondo_transport *t, const void *data,
                                    size_t size);

/** Sends any number of pieces in order, otherwise as rondo_transport_write. As
 * WriteTransport.writelines; see writev(2). */
RONDO_API int rondo_transport_writev(rondo_transport *t,
                                     const rondo_buffer *buffers, size_t count);

/**
 * Sends bytes without a copy, otherwise as rondo_transport_write. data must not
 * change until release(arg) is called; for malloc'ed data they can be free and
 * data.
 *
 * On an error release is not called, and the data stays the caller's. Else
 * release is called once, from the loop, before connection_lost.
 */
RONDO_API RONDO_MUST_CHECK int rondo_transport_write_owned(
    rondo_transport *t, const void *data, size_t size,
    void (*release)(void *arg), void *arg);

/** Sends formatted text without a NUL byte, otherwise as rondo_transport_write.
 * See printf(3). */
RONDO_API int rondo_transport_printf(rondo_transport *t, const char *format,
                                     ...) RONDO_PRINTF(2, 3);

/**
 * Sends pieces that are lent and not copied, and tells when they have left. The
 * bytes must stay as they are until done is called; the array need not. done is
 * called exactly once, from the loop, after connection_made and before
 * connection_lost, in the order of the writes. Its result is
 *
 * - the number of bytes: the kernel has all of them; the peer need not have
 *   received them. Through filters: what the filters have sent for these bytes
 *   has left.
 * - RONDO_ECANCELED: the transport was closed at once or aborted
 * - RONDO_ECLOSED: the loop closes
 * - RONDO_ECONNRESET: the peer left while the transport was closing
 * - another error that ended the transport
 *
 * With an error a part of the bytes may have left. Zero bytes: done follows all
 * that was written before.
 *
 * There is no id, since bytes behind these could not be sent without them. (A
 * datagram that waits can be cancelled: rondo_datagram_send_then.)
 *
 * Returns as rondo_transport_write: 0 or 1, and done will be called; an error
 * (also RONDO_EINVAL: no done), and it will not. As libuv's uv_write; see
 * WriteFile's lpOverlapped.
 */
RONDO_API int rondo_transport_write_then(rondo_transport *t,
                                         const rondo_buffer *buffers,
                                         size_t count, rondo_done_fn done,
                                         void *arg);

/**
 * Sends what the kernel takes at once, and keeps nothing. The bytes are lent
 * for the call.
 *
 * Returns how many bytes have left, 0 for zero bytes, or an error:
 * - RONDO_EAGAIN: bytes or a file wait already, or the kernel takes none now.
 *   Write them, or try again when rondo_transport_drain says that none wait.
 * - RONDO_ENOTSUP: the transport has filters, which take all or nothing; a
 *   thread writes; or on Windows an operation of a pipe writes
 * - the errors of rondo_transport_write
 *
 * As uv_try_write.
 */
RONDO_API int64_t rondo_transport_try_write(rondo_transport *t,
                                            const rondo_buffer *buffers,
                                            size_t count);

/**
 * Sends size bytes of a file from offset on, or as many as there are
 * (INT64_MAX: to the file's end), behind what was written before. The kernel
 * sends them without a copy where it can (sendfile(2), TransmitFile). Else a
 * thread reads the file piece by piece, and the transport writes the pieces. A
 * pipe, a terminal or a device, which have no positions, are sent this way, on
 * Unix only, with offset 0. Windows: file is a HANDLE.
 *
 * Until done is called the file must stay open and must not be written to,
 * since the kernel may still send its pages; writing to the transport is
 * RONDO_EBUSY. Reading goes on. Closing the transport waits for the file.
 *
 * Returns an id, for rondo_cancel, or an error, and done is not called:
 * - RONDO_EINVAL: offset or size below 0, a directory or a socket, or no done
 * - RONDO_EBADF: not open for reading
 * - RONDO_EBUSY: a sendfile is under way, or a filter's handshake
 * - RONDO_ENOTCONN: before connection_made
 * - RONDO_ECLOSED, RONDO_EPIPE, RONDO_ENOMEM
 *
 * The result of done is the number of bytes sent; it is less than size only at
 * the end of the file. Errors of done:
 * - RONDO_ECANCELED: rondo_cancel, rondo_loop_close, or an abort
 * - RONDO_ECONNRESET: the peer has left
 * - another error: what broke the connection; or an error of the file, and the
 *   transport goes on without the rest
 *
 * After an error the file's position is behind what was sent (through filters:
 * what they were given); else the position has not changed. What a thread has
 * read ahead of a pipe, at most 64 KiB, is lost. On Windows up to 256 KiB that
 * the kernel has may still be sent after a cancel.
 *
 * As loop.sendfile.
 */
RONDO_API rondo_id rondo_transport_sendfile(rondo_transport *t, rondo_fd file,
                                            int64_t offset, int64_t size,
                                            rondo_done_fn done, void *arg);

/**
 * Ends this side's writing once the write buffer is empty. Reading goes on. If
 * the peer has ended its side, too, the transport then closes by itself, with
 * connection_lost(0); asyncio leaves that to the program. It may be called
 * twice.
 *
 * Returns 0, or an error:
 * - RONDO_ECLOSED: after close or abort
 * - RONDO_ENOTSUP: a named pipe ends both directions at once
 *
 * As WriteTransport.write_eof; see shutdown(2).
 */
RONDO_API int rondo_transport_write_eof(rondo_transport *t);

/**
 * Ends this side's writing as rondo_transport_write_eof, and tells when the end
 * has left. done is called once, from the loop, before connection_lost: with 0,
 * behind all that was written before and the done of each
 * rondo_transport_write_then; or with the error that kept the end from leaving.
 * It may be called twice, and after write_eof. There is no id: an end cannot be
 * cancelled.
 *
 * Returns 0, or an error, and done is not called:
 * - RONDO_EINVAL: no done
 * - RONDO_EPIPE: the transport only reads
 * - RONDO_ENOMEM
 * - the errors of rondo_transport_write_eof
 *
 * As uv_shutdown.
 */
RONDO_API int rondo_transport_shutdown(rondo_transport *t, rondo_done_fn done,
                                       void *arg);

/** Returns whether the transport can end its writing side alone. As
 * WriteTransport.can_write_eof. */
RONDO_API bool rondo_transport_can_write_eof(const rondo_transport *t);

/** Closes the transport: stops reading, sends the write buffer, then
 * connection_lost(0). It may be called twice. As BaseTransport.close. */
RONDO_API void rondo_transport_close(rondo_transport *t);

/**
 * Closes the transport, and aborts it if that takes longer than timeout_ns:
 * connection_lost(RONDO_ETIMEDOUT). If filters only wait for the peer's end by
 * then, the connection has ended in order: connection_lost(0). Called again
 * while the transport closes, it sets the time anew. RONDO_NEVER: no limit.
 *
 * Returns 0; or an error, and nothing has changed:
 * - RONDO_EINVAL: a negative time
 * - RONDO_ENOMEM
 *
 * As asyncio's ssl_shutdown_timeout, for every transport.
 */
RONDO_API int rondo_transport_close_within(rondo_transport *t,
                                           int64_t timeout_ns);

/**
 * Closes the transport without sending the write buffer. The peer sees an end
 * after a part of the bytes, and no reset. Filters do not send their shutdown,
 * so the peer of a TLS connection can tell that it was cut.
 * connection_lost(RONDO_ECANCELED) follows. It may be called twice. As
 * uv_close, and as WriteTransport.abort, which sends no reset either.
 */
RONDO_API void rondo_transport_close_now(rondo_transport *t);

/**
 * Aborts the connection: drops the write buffer, and the peer sees a reset (an
 * end where the system has no reset: unix sockets, the client of a named pipe).
 * connection_lost(RONDO_ECANCELED) follows. As libuv's uv_tcp_close_reset.
 * (WriteTransport.abort sends no reset, as rondo_transport_close_now.)
 */
RONDO_API void rondo_transport_abort(rondo_transport *t);

/** Aborts the connection as rondo_transport_abort; connection_lost gets `error`
 * (< 0). */
RONDO_API void rondo_transport_abort_with(rondo_transport *t, int error);

/** Returns whether the transport is closed, aborted or lost. As
 * BaseTransport.is_closing, and uv_is_closing. */
RONDO_API bool rondo_transport_is_closing(const rondo_transport *t);

/**
 * Stops reading until rondo_transport_resume_reading: no data is delivered and
 * none is read from the kernel, so that in the end the peer cannot send. It may
 * be called twice, and after close.
 *
 * While reading is paused the transport does not notice that the peer has left
 * or has reset the connection, unless it writes, since the bytes before the end
 * are still to be read. A program that pauses for long and must know sets
 * rondo_transport_set_timeouts, or writes something now and then.
 *
 * Returns 0. As ReadTransport.pause_reading, and libuv's uv_read_stop.
 */
RONDO_API int rondo_transport_pause_reading(rondo_transport *t);

/** Goes on reading. It may be called where reading is not paused. Returns 0. As
 * ReadTransport.resume_reading, and libuv's uv_read_start. */
RONDO_API int rondo_transport_resume_reading(rondo_transport *t);

/** Returns whether the transport is neither paused, nor at the end of the data,
 * nor closing. As ReadTransport.is_reading. */
RONDO_API bool rondo_transport_is_reading(const rondo_transport *t);

/** Returns whether the write buffer has passed its high limit and has not yet
 * come down to its low limit. */
RONDO_API bool rondo_transport_is_writing_paused(const rondo_transport *t);

/** Replaces protocol and self, from the next callback on, also between
 * data_received and get_buffer. If writing is paused, the new protocol gets
 * pause_writing first. Returns 0. As BaseTransport.set_protocol. */
RONDO_API int rondo_transport_set_protocol(rondo_transport *t,
                                           const rondo_protocol *protocol,
                                           void *self);

/** Replaces self alone. */
RONDO_API void rondo_transport_set_self(rondo_transport *t, void *self);
/** Returns the current self. */
RONDO_API void *rondo_transport_self(const rondo_transport *t);

/**
 * Gives back the last size bytes of the data, inside data_received. The bytes
 * must be the tail of data. The current protocol gets them again.
 *
 * A protocol that gives all of it back, as one does with half a message, gets
 * these bytes again together with the next ones that come; or when it resumes
 * reading, when another protocol is set, or once more before the peer's end.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: not inside data_received, or not the tail
 * - RONDO_ENOMEM
 */
RONDO_API int rondo_transport_unread(rondo_transport *t, const void *data,
                                     size_t size);

/** A high limit of 0 bytes for rondo_transport_set_write_buffer_limits, since 0
 * itself stands for the default. As asyncio's high=0. */
#define RONDO_NO_BUFFER (SIZE_MAX - 1)

/**
 * Sets the limits of the write buffer in bytes: pause_writing is called when it
 * holds more than high, resume_writing when it holds no more than low. New
 * limits act at once.
 *
 * - (0, 0): the default, 64 KiB and 16 KiB
 * - (high, 0): low is a quarter of high
 * - (0, low): high is four times low
 * - (RONDO_NO_BUFFER, 0): both are 0: pause_writing at the first byte that
 *   waits, resume_writing when none waits
 *
 * Returns 0, or RONDO_EINVAL: high < low. As
 * WriteTransport.set_write_buffer_limits.
 */
RONDO_API int rondo_transport_set_write_buffer_limits(rondo_transport *t,
                                                      size_t high, size_t low);

/** Gets the limits of the write buffer. Either pointer may be NULL. As
 * WriteTransport.get_write_buffer_limits. */
RONDO_API void rondo_transport_get_write_buffer_limits(const rondo_transport *t,
                                                       size_t *high,
                                                       size_t *low);

/** Returns how many bytes wait to be sent. As
 * WriteTransport.get_write_buffer_size, and libuv's
 * uv_stream_get_write_queue_size. */
RONDO_API size_t
rondo_transport_get_write_buffer_size(const rondo_transport *t);

/**
 * Sets where pause_writing is called. true: inside the write, or the setting of
 * limits, that passes the high limit, as asyncio does. false, the default: from
 * the loop, after it. The write returns 1 either way. true makes each write a
 * few nanoseconds slower.
 *
 * It always comes from the loop where bytes of a rondo_transport_sendfile, or
 * of a write before connection_made, pass the limit.
 */
RONDO_API void rondo_transport_set_pause_inside(rondo_transport *t,
                                                bool inside);

/**
 * Waits until the write buffer holds no more than `mark` bytes, also while the
 * transport closes. done is called once, from the loop, before connection_lost:
 * with 0, also if that is so already; or with the error that ended the
 * transport before. If several are due at once, they are called in the order of
 * the calls. Of a file under way only the bytes in memory count.
 *
 * Returns an id, for rondo_cancel (done gets RONDO_ECANCELED), or an error:
 * - RONDO_EINVAL: no done
 * - RONDO_EPIPE: the transport only reads
 * - RONDO_ECLOSED, or the error of a failed write: the transport has ended
 * - RONDO_ENOMEM
 *
 * As StreamWriter.drain.
 */
RONDO_API rondo_id rondo_transport_drain(rondo_transport *t, size_t mark,
                                         rondo_done_fn done, void *arg);

/**
 * Sets two times: read_ns, how long nothing may arrive (not counted while
 * reading is paused); and write_ns, how long no byte may leave while there is
 * something to send (also during close). When one has passed, timed_out is
 * called. Both begin with connection_made if they are set before. 0 or
 * RONDO_NEVER: no limit, the default.
 *
 * Returns 0, or RONDO_EINVAL: a negative time.
 */
RONDO_API int rondo_transport_set_timeouts(rondo_transport *t, int64_t read_ns,
                                           int64_t write_ns);

/** Gets the peer's address, also in connection_lost. Most clients of a unix
 * socket have no name: their address has the family, and the text "". Returns
 * 0, or RONDO_ENOTCONN: the system does not tell, or it is a pipe. As
 * get_extra_info("peername"). */
RONDO_API int rondo_transport_peer_address(const rondo_transport *t,
                                           rondo_address *address);
/** Gets the address of this side, also in connection_lost. Returns as
 * rondo_transport_peer_address. As get_extra_info("sockname"). */
RONDO_API int rondo_transport_local_address(const rondo_transport *t,
                                            rondo_address *address);

/** Whose process is at the other end. Set size first
 * (RONDO_CREDENTIALS_INIT). */
typedef struct rondo_credentials {
    size_t size;
    int64_t pid, uid, gid; /**< -1: the system does not tell */
} rondo_credentials;

/**
 * Gets the process that connected or listened, as the kernel noted it then; of
 * a socket pair, the process that made it.
 *
 * Returns 0, or an error:
 * - RONDO_ENOTSUP: not a unix socket
 * - RONDO_ENOTCONN: the descriptor is gone
 *
 * See SO_PEERCRED in unix(7), getpeereid(3).
 */
RONDO_API int rondo_transport_peer_credentials(const rondo_transport *t,
                                               rondo_credentials *peer);

/**
 * Sends a descriptor to the process at the other end of a unix socket, beside
 * the byte that is written next; up to 64 may go beside one byte. A descriptor
 * that no byte follows is not sent. fd stays the caller's and may be closed at
 * once, since a duplicate is sent. With filters it leaves beside the next byte
 * that they send.
 *
 * Returns 0, or an error:
 * - RONDO_ENOTSUP: not a unix socket, or one that only reads or writes
 *   (rondo_connect_write_pipe)
 * - RONDO_EBADF: not open
 * - RONDO_EMFILE: no room for the duplicate
 * - RONDO_ETOOMUCH: more than 64 beside one byte
 * - RONDO_EBUSY: a file is under way, or a filter's handshake
 * - RONDO_EPIPE, RONDO_ECLOSED: as rondo_transport_write
 *
 * As libuv's uv_write2; see SCM_RIGHTS in unix(7).
 */
RONDO_API int rondo_transport_send_fd(rondo_transport *t, rondo_fd fd);

/**
 * Takes the next of the descriptors that came with these bytes, inside
 * data_received or buffer_updated, in the order in which they were sent. The
 * descriptor is the caller's and close-on-exec; its mode is as the sender had
 * it.
 *
 * Descriptors that are not taken are closed when the bytes are consumed; bytes
 * that are given back, or held while reading is paused, keep theirs. Bytes that
 * are delivered together never have the descriptors of two writes; they may
 * begin with bytes of earlier writes without descriptors. If a filter keeps
 * bytes until more have come, their descriptors wait for the next bytes that
 * the protocol gets. A reader takes none: they are closed.
 *
 * If the process has no room for all descriptors of a write, the connection
 * ends with RONDO_EMFILE. If more than 253 of them are beside bytes that the
 * program has not taken, it ends with RONDO_ETOOMUCH.
 *
 * Returns the descriptor; RONDO_NO_FD: there is none, or not a unix socket
 * (rondo_last_error). As libuv's uv_accept on an ipc pipe.
 */
RONDO_API rondo_fd rondo_transport_take_fd(rondo_transport *t);

/** What rondo_transport_detach gives back. Set size first
 * (RONDO_DETACHED_INIT). */
typedef struct rondo_detached {
    size_t size;
    rondo_fd fd; /**< the program's from now on */
    /** Bytes that were read, and that the protocol was not given or has given
     * back. They come before those that the descriptor still has. Lent until
     * connection_lost returns. NULL: none. */
    const void *unread;
    size_t unread_size; /**< how many bytes */
} rondo_detached;

/**
 * Takes the descriptor out of the loop and out of the transport: to serve it on
 * another thread, to hand it to another loop or a child, or to use another TLS
 * library. It may be called in any callback from connection_made on, also in
 * get_buffer.
 *
 * out->fd is the program's, which closes it. A socket is non-blocking, a pipe
 * has its own mode. No byte is lost or read twice. The transport takes no more
 * calls, and connection_lost(0) follows from the loop. Until that returns,
 * descriptors that came with unread bytes can be taken
 * (rondo_transport_take_fd).
 *
 * Returns 0; or an error, and nothing has changed:
 * - RONDO_EBUSY: bytes, a file or a descriptor wait to be sent
 * - RONDO_ENOTSUP: with filters; where a thread makes the calls; where
 *   RONDO_CAN_DETACH is false (iocp: the handle is bound to the loop's
 *   completion port)
 * - RONDO_ENOTCONN: before connection_made
 * - RONDO_ECLOSED, or the error of a failed write: the transport has ended
 * - RONDO_ENOMEM
 * - RONDO_EINVAL: out has no size
 *
 * As the hijack of Go's net/http; asyncio and libuv have no such call.
 */
RONDO_API int rondo_transport_detach(rondo_transport *t, rondo_detached *out);

/** Returns the descriptor, still the transport's, for socket options; do not
 * read, write or close it. RONDO_NO_FD once it is gone. To take it out see
 * rondo_transport_detach. As get_extra_info("socket"), and libuv's
 * uv_fileno. */
RONDO_API rondo_fd rondo_transport_fd(const rondo_transport *t);

/** Returns the loop that it belongs to. */
RONDO_API rondo_loop *rondo_transport_loop(const rondo_transport *t);

/** Returns the server that has accepted it, or NULL. */
RONDO_API rondo_server *rondo_transport_server(const rondo_transport *t);

/** Sets whether the transport keeps rondo_loop_run going (false, the default)
 * or not (true). As libuv's uv_unref. */
RONDO_API void rondo_transport_set_background(rondo_transport *t,
                                              bool background);

/** Gets the address of the i-th listening socket, from 0. A pipe has none.
 * Returns 0, or RONDO_ENOENT: there are fewer, or the server is closed. As
 * Server.sockets. */
RONDO_API int rondo_server_address(const rondo_server *server, size_t i,
                                   rondo_address *address);

/** Returns the loop that it belongs to. */
RONDO_API rondo_loop *rondo_server_loop(const rondo_server *server);

/** Returns the i-th listening descriptor, from 0, still the server's;
 * RONDO_NO_FD: there are fewer, or the server is closed. */
RONDO_API rondo_fd rondo_server_fd(const rondo_server *server, size_t i);

/** Starts to accept clients. It may be called while the server accepts. Returns
 * 0, or RONDO_ECLOSED. As Server.start_serving. */
RONDO_API int rondo_server_start_serving(rondo_server *server);

/** Stops accepting until rondo_server_start_serving. The sockets go on
 * listening, so clients wait in the backlog. It may be called twice. Returns
 * 0, or RONDO_ECLOSED. */
RONDO_API int rondo_server_pause_serving(rondo_server *server);

/** Stops listening at once; the clients stay. `closed` follows after the last
 * client has gone. It may be called twice. As Server.close. */
RONDO_API void rondo_server_close(rondo_server *server);

/** Calls rondo_transport_close for each client. As Server.close_clients. */
RONDO_API void rondo_server_close_clients(rondo_server *server);

/** Calls rondo_transport_abort for each client. As Server.abort_clients. */
RONDO_API void rondo_server_abort_clients(rondo_server *server);

/** Returns whether the server is neither paused nor closed. As
 * Server.is_serving. */
RONDO_API bool rondo_server_is_serving(const rondo_server *server);

/** Sets whether the listening server keeps rondo_loop_run going (false, the
 * default) or not (true). Each client has its own setting. */
RONDO_API void rondo_server_set_background(rondo_server *server,
                                           bool background);

/* ---- filters: TLS, compression, framing -------------------------------- */
/* Stability: may change; since 0.1. */

/** A filter's place on a transport. */
typedef struct rondo_layer rondo_layer;

/**
 * A filter between a transport's bytes and its protocol, such as TLS or
 * compression; the protocol does not notice it. Filters are a stack: each
 * delivers up and sends down. The table is not copied; self is the filter's.
 * Any member may be NULL: bytes and ends then pass unchanged, and without start
 * the filter is ready at once.
 *
 * A result below 0 ends the connection with that error (rondo_set_error sets
 * its sentence, of which 255 bytes are kept). All members run on the loop's
 * thread: write inside the program's own write; received, eof_received and the
 * protocol's members inside the calls of the layer below; the others from the
 * loop. As asyncio's SSLProtocol, for any purpose.
 */
typedef struct rondo_filter {
    /** Called once, first: the layer below is ready. The filter calls
     * rondo_layer_ready, here or later. */
    int (*start)(rondo_layer *layer, void *self);
    /** size > 0 bytes from below, lent for the call. */
    int (*received)(rondo_layer *layer, void *self, const void *data,
                    size_t size);
    /** The layer below has ended. An end that was not announced may be a
     * truncation. An end before the filter is ready is RONDO_ECONNRESET in any
     * case. */
    int (*eof_received)(rondo_layer *layer, void *self);
    /** size > 0 bytes from above, once the filter is ready. It takes all of
     * them. */
    int (*write)(rondo_layer *layer, void *self, const void *data, size_t size);
    /** Nothing more will be written: send what is left, and the shutdown. It is
     * not called before the filter is ready, nor after an abort. */
    int (*write_eof)(rondo_layer *layer, void *self);
    /** Called once, last, after connection_lost: free self here. error is 0, or
     * the error that ended the connection. */
    void (*lost)(rondo_layer *layer, void *self, int error);
    rondo_reserved reserved[6];
} rondo_filter;

/**
 * Puts a filter under the transport's protocol, on top of the filters that are
 * there: in a setup function, or on a connection in use (start_tls). done may
 * be NULL.
 *
 * Bytes that the protocol has not been given yet (rondo_transport_unread) go
 * through the filter, and so do writes from now on, which wait until the filter
 * is ready. rondo_transport_pause_reading does not stop a handshake. Outside of
 * a setup function a handshake may take 60 s (on a server's transport its
 * handshake_timeout_ns), then RONDO_ETIMEDOUT. done is called once: with 0 when
 * the filter is ready, or with the error that ended the connection, just before
 * connection_lost.
 *
 * Returns 0, and lost will be called; or an error, and self stays the caller's:
 * - RONDO_ECLOSED: after close or abort
 * - RONDO_EPIPE: after rondo_transport_write_eof
 * - RONDO_ENOTSUP: a pipe of one direction
 * - RONDO_EBUSY: a file is under way, or a descriptor waits for its byte
 *
 * As loop.start_tls.
 */
RONDO_API int rondo_transport_push_filter(rondo_transport *t,
                                          const rondo_filter *filter,
                                          void *self, rondo_done_fn done,
                                          void *arg);

/** Says that the filter's handshake is over. What waited for it (done,
 * connection_made, earlier writes) comes inside this call, or when the filters
 * above are ready, too. It may be called twice. Returns 0, or RONDO_ECLOSED:
 * the connection is over. */
RONDO_API int rondo_layer_ready(rondo_layer *layer);

/** Gives bytes to the layer above, which runs inside this call. What the
 * protocol cannot take now (it is paused, or not made yet) is kept. Returns 0,
 * what the filter above returned, or RONDO_EINVAL: after
 * rondo_layer_deliver_eof. */
RONDO_API int rondo_layer_deliver(rondo_layer *layer, const void *data,
                                  size_t size);

/** Gives the end of the data to the layer above. It may be called twice.
 * Returns as rondo_layer_deliver. */
RONDO_API int rondo_layer_deliver_eof(rondo_layer *layer);

/** Gives bytes to the layer below. The limits of the write buffer count these
 * bytes. Returns 0 or 1, as rondo_transport_write; or an error, which ends the
 * connection by itself. */
RONDO_API int rondo_layer_send(rondo_layer *layer, const void *data,
                               size_t size);

/** Returns the transport that the filter is on. */
RONDO_API rondo_transport *rondo_layer_transport(const rondo_layer *layer);

/** Returns the self of the topmost filter with this table; NULL: there is none.
 * As get_extra_info("ssl_object"). */
RONDO_API void *rondo_transport_filter(const rondo_transport *t,
                                       const rondo_filter *filter);

/* ---- 6. datagrams ------------------------------------------------------ */
/* Stability: stable; since 0.1. */

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

/** What goes with a datagram. Received: `known` names the members that the
 * kernel has told; the others are zero. To be sent: `known` names those that
 * the program has set. Set size first (RONDO_DATAGRAM_INFO_INIT). */
typedef struct rondo_datagram_info {
    size_t size;
    unsigned known; /**< bits: RONDO_INFO_... */
    /** The interface that it came through, or is to leave by. 0: any. */
    uint32_t interface_index;
    /** The IP address that it was sent to, with the endpoint's port; or that it
     * is to be sent from: an address of this machine, whose port is ignored. */
    rondo_address local;
    int ecn; /**< 0: not capable; 1: ECT(1); 2: ECT(0); 3: congestion met */
    /** TTL of IPv4, hop limit of IPv6: 0 to 255; to send at least 1 */
    int ttl;
    /** The bytes are several datagrams of this size, one behind the other; the
     * last one may be shorter. Received: 0 is one datagram. */
    size_t segment_size;
    /** When the kernel received it: nanoseconds since 1970, wall clock. */
    int64_t time_ns;
} rondo_datagram_info;

/** What happens to datagrams that are larger than the path takes. See
 * IP_MTU_DISCOVER of ip(7), IP_DONTFRAG. */
typedef enum rondo_fragments {
    RONDO_FRAGMENTS_DEFAULT = 0, /**< as the system decides */
    RONDO_FRAGMENTS_ALLOW = 1, /**< routers and the kernel may fragment them */
    /** They are never fragmented (DF). One that is larger than the path's MTU,
     * as far as the kernel knows it, is RONDO_EMSGSIZE. See
     * rondo_datagram_path_mtu. */
    RONDO_FRAGMENTS_NEVER = 2,
    /** They are never fragmented, and the kernel's knowledge of the path is
     * ignored: for programs that probe it (RFC 8899). A system without such a
     * mode takes RONDO_FRAGMENTS_NEVER. */
    RONDO_FRAGMENTS_PROBE = 3
} rondo_fragments;

/** What the program does on a datagram endpoint: a table of functions, any of
 * which may be NULL. The order is connection_made; then the others, as they
 * come; connection_lost, once and last. The table must outlive the endpoint.
 * As asyncio.DatagramProtocol. */
typedef struct rondo_datagram_protocol {
    /** From the loop, before anything is received. */
    void (*connection_made)(rondo_datagram *d, void *self);
    /** One datagram, which may be empty. data and from are lent for the call.
     * from is the empty address if the sender has none (a unix socket that is
     * not bound). truncated: it was longer than receive_size, and the rest is
     * lost. */
    void (*datagram_received)(rondo_datagram *d, void *self, const void *data,
                              size_t size, const rondo_address *from,
                              bool truncated);
    /**
     * Sending or receiving has failed, and the endpoint goes on. Failures
     * inside one call of the program are told as one.
     * - RONDO_ECONNREFUSED: on a connected endpoint, an earlier datagram was
     *   refused at its destination
     * - RONDO_EHOSTUNREACH, RONDO_ENETUNREACH, RONDO_EMSGSIZE, RONDO_EACCES,
     *   RONDO_EPERM and others: a datagram that waited could not be sent, and
     *   was dropped
     * - RONDO_EPIPE: shutdown(2) has ended receiving
     */
    void (*error_received)(rondo_datagram *d, void *self, int error);
    /** The write buffer has passed its high limit: stop sending. */
    void (*pause_writing)(rondo_datagram *d, void *self);
    /** The write buffer is down to its low limit again. */
    void (*resume_writing)(rondo_datagram *d, void *self);
    /** The endpoint has ended, and the pointer is valid until this returns.
     * error is 0 after rondo_datagram_close, RONDO_ECANCELED after
     * rondo_datagram_abort, RONDO_ECLOSED when the loop is closed, RONDO_EBADF
     * if the program has closed the descriptor, or RONDO_ENOMEM. */
    void (*connection_lost)(rondo_datagram *d, void *self, int error);
    /** One datagram with its info; if it is set, datagram_received is not
     * called. info is lent, too. It has what rondo_datagram_options.info asked
     * for and the kernel has told. With RONDO_INFO_SEGMENTS data may be
     * several datagrams of one sender. */
    void (*datagram_received_with)(rondo_datagram *d, void *self,
                                   const void *data, size_t size,
                                   const rondo_address *from,
                                   const rondo_datagram_info *info);
    /**
     * Says where to receive to: returns memory of the program, with *size
     * bytes. The endpoint uses it until it asks again or ends. hint is
     * receive_size. Room for several times hint takes as many datagrams as one
     * call can receive; room for less than hint truncates a datagram. Nothing
     * may come after all. NULL, or *size 0: not now; receiving pauses as by
     * rondo_datagram_pause_reading. As uv_alloc_cb, and asyncio's
     * BufferedProtocol.get_buffer.
     */
    void *(*get_buffer)(rondo_datagram *d, void *self, size_t hint,
                        size_t *size);
    rondo_reserved reserved[4];
} rondo_datagram_protocol;

/** Where to receive from and send to; RONDO_DATAGRAM(.local_address = &a). */
typedef struct rondo_datagram_options {
    size_t size;
    /** The address to bind to: an IP address (port 0: the system chooses) or,
     * on Unix, a path. A socket file that no process has open is replaced; the
     * file is removed at the end, if it is still that one. NULL: any address
     * and port, or no path. A name must be looked up before. */
    const rondo_address *local_address;
    /** The address to connect with: only its datagrams are received, its errors
     * are told, and rondo_datagram_send needs no destination. */
    const rondo_address *remote_address;
    /** A datagram socket of the program, connected or not, instead of the two
     * addresses. It is a pointer since 0 is a descriptor. */
    const rondo_fd *socket;
    rondo_family family; /**< where no address tells it; else it must match */
    size_t receive_size; /**< bytes of the largest one. 0: 64 KiB */
    /** SO_REUSEADDR: sockets that all ask for it may share an address, as a
     * multicast port. Default: off */
    rondo_switch reuse_address;
    rondo_switch reuse_port; /**< SO_REUSEPORT. Default: off */
    rondo_switch broadcast;  /**< SO_BROADCAST. Default: off */
    rondo_switch v6only;     /**< IPV6_V6ONLY. Default: on */
    /** Sizes of the kernel's buffers in bytes (SO_RCVBUF, SO_SNDBUF); the
     * kernel may grant less. 0: the system's choice. */
    size_t receive_buffer, send_buffer;
    /** RONDO_INFO_... that datagram_received_with asks for. IP only. */
    unsigned info;
    /** What happens to large datagrams. IP only. */
    rondo_fragments fragments;
} rondo_datagram_options;

/**
 * Makes a datagram endpoint. The loop then calls connection_made; the endpoint
 * may be used before. datagram may be NULL. On Linux one call receives and
 * sends many datagrams (recvmmsg(2), sendmmsg(2)).
 *
 *     rondo_create_datagram_endpoint(loop, RONDO_DATAGRAM(.local_address = &a),
 *                                    &protocol, self, &datagram);
 *
 * Returns 0, and a socket that was given is the endpoint's; or an error, and
 * the socket stays the caller's:
 * - RONDO_EINVAL: no protocol; neither an address nor a family nor a socket; a
 *   socket and an address; two families; not a datagram socket
 * - RONDO_EBADF: the socket is not open
 * - RONDO_EBUSY: the loop uses the socket
 * - RONDO_EADDRINUSE: also a path that another process has, or where there is
 *   any other file
 * - RONDO_EADDRNOTAVAIL, RONDO_EAFNOSUPPORT, RONDO_EACCES, RONDO_EMFILE,
 *   RONDO_ENFILE
 * - RONDO_ENOTSUP: reuse_port; an info or fragments that this system does not
 *   have (rondo_loop_supports)
 * - RONDO_ENETUNREACH: the remote address
 * - RONDO_ENOENT, RONDO_ECONNREFUSED: a remote path
 *
 * As loop.create_datagram_endpoint, and libuv's uv_udp_bind, uv_udp_connect;
 * see udp(7) and unix(7).
 */
RONDO_API int rondo_create_datagram_endpoint(
    rondo_loop *loop, const rondo_datagram_options *options,
    const rondo_datagram_protocol *protocol, void *self,
    rondo_datagram **datagram);

/**
 * Sends one datagram of size bytes, which may be 0: at once if the kernel takes
 * it, else later from a copy. `to` may be NULL on a connected endpoint, or the
 * address that it is connected with.
 *
 * A datagram that was taken may still be lost. A later failure is told by
 * error_received. What datagram_received sends on its own endpoint while more
 * datagrams of the same batch are to be delivered leaves together when the last
 * one has been delivered, and its failures are told by error_received, too. With
 * backend io_uring the same holds for what an endpoint sends inside its own
 * callbacks: it leaves before the loop waits.
 *
 * Returns 0: taken; 1: taken, and the buffer is now over its high limit (the
 * loop then calls pause_writing); or an error: this datagram is refused, and
 * the endpoint goes on:
 * - RONDO_EMSGSIZE: too large, see RONDO_LIMIT_DATAGRAM
 * - RONDO_EINVAL: another destination than the one connected with, or an empty
 *   one
 * - RONDO_ENOTCONN: no destination, and not connected
 * - RONDO_ECLOSED: after close or abort
 * - RONDO_ENOMEM
 * - RONDO_ENETUNREACH, RONDO_EHOSTUNREACH, RONDO_EACCES (broadcast),
 *   RONDO_ECONNREFUSED and other errors of the kernel
 *
 * As DatagramTransport.sendto; see send(2).
 */
RONDO_API int rondo_datagram_send(rondo_datagram *d, const void *data,
                                  size_t size, const rondo_address *to);

/** How many pieces one datagram can be given in. */
enum { RONDO_DATAGRAM_PIECES = 64 /**< buffers */ };

/**
 * Sends one datagram in pieces, with an info: the bytes of `count` buffers one
 * behind the other, at most RONDO_DATAGRAM_PIECES buffers. Otherwise as
 * rondo_datagram_send. info, lent for the call as the bytes are, may be NULL.
 * With RONDO_INFO_SEGMENTS they are several datagrams, which the kernel cuts:
 * up to 64 are always possible, and all leave together or fail together.
 *
 * Returns as rondo_datagram_send; also
 * - RONDO_EINVAL: more pieces, an invalid member of info, an address of another
 *   family, or RONDO_INFO_TIME
 * - RONDO_ENOTSUP: this system, or this family, does not take a member of info
 * - RONDO_EADDRNOTAVAIL or RONDO_EINVAL: local is not an address of this
 *   machine
 * - RONDO_EMSGSIZE: see rondo_fragments
 *
 * See sendmsg(2), ip(7), ipv6(7), udp(7); WSASendMsg.
 */
RONDO_API int rondo_datagram_send_with(rondo_datagram *d,
                                       const rondo_buffer *buffers,
                                       size_t count, const rondo_address *to,
                                       const rondo_datagram_info *info);

/** Sends a datagram as rondo_datagram_send_with, if the kernel takes it now,
 * and keeps nothing. Returns 0; RONDO_EAGAIN: the kernel has no room, or other
 * datagrams wait; or the errors of rondo_datagram_send_with. As
 * uv_udp_try_send. */
RONDO_API int rondo_datagram_try_send(rondo_datagram *d,
                                      const rondo_buffer *buffers, size_t count,
                                      const rondo_address *to,
                                      const rondo_datagram_info *info);

/**
 * Sends a datagram as rondo_datagram_send_with, and tells what has become of
 * it. done is called once, from the loop, before connection_lost: with the size
 * once the kernel has the datagram, or with the error for which it was dropped,
 * which error_received then does not get. If the datagram has to wait, its
 * bytes are copied.
 *
 * Returns an id, for rondo_cancel while the datagram waits (done gets
 * RONDO_ECANCELED); or an error as rondo_datagram_send_with, also RONDO_EINVAL:
 * no done; and done is not called. As uv_udp_send.
 */
RONDO_API rondo_id rondo_datagram_send_then(rondo_datagram *d,
                                            const rondo_buffer *buffers,
                                            size_t count,
                                            const rondo_address *to,
                                            const rondo_datagram_info *info,
                                            rondo_done_fn done, void *arg);

/** Stops receiving until rondo_datagram_resume_reading. Datagrams wait in the
 * kernel's buffer, and are lost when that is full. It may be called before
 * connection_made, and twice. Returns 0, or RONDO_ECLOSED. As
 * ReadTransport.pause_reading, and uv_udp_recv_stop. */
RONDO_API int rondo_datagram_pause_reading(rondo_datagram *d);

/** Goes on receiving, first what the endpoint had taken from the kernel when it
 * was paused. It may be called where receiving is not paused. Returns 0, or
 * RONDO_ECLOSED. As ReadTransport.resume_reading, and uv_udp_recv_start. */
RONDO_API int rondo_datagram_resume_reading(rondo_datagram *d);

/** Closes the endpoint: stops receiving, sends what waits, then
 * connection_lost(0). It may be called twice. As BaseTransport.close. */
RONDO_API void rondo_datagram_close(rondo_datagram *d);

/** Closes the endpoint without sending what waits;
 * connection_lost(RONDO_ECANCELED) follows. As DatagramTransport.abort. */
RONDO_API void rondo_datagram_abort(rondo_datagram *d);

/** Returns whether the endpoint is closed, aborted or lost. As
 * BaseTransport.is_closing. */
RONDO_API bool rondo_datagram_is_closing(const rondo_datagram *d);

/** Datagrams that were lost on this machine. Set size first
 * (RONDO_DATAGRAM_DROPS_INIT). */
typedef struct rondo_datagram_drops {
    size_t size;
    /** the receive buffer had no room. -1: this system does not count (Linux
     * does) */
    int64_t received;
    /** waited and were refused, each told by error_received */
    int64_t unsent;
} rondo_datagram_drops;

/** Gets how many datagrams were lost so far. Returns 0. See SO_MEMINFO in the
 * kernel's sources. */
RONDO_API int rondo_datagram_get_drops(const rondo_datagram *d,
                                       rondo_datagram_drops *drops);

/** Gets the endpoint's own address, also in connection_lost. Returns 0, or
 * RONDO_ENOTCONN: there is none. As get_extra_info("sockname"). */
RONDO_API int rondo_datagram_local_address(const rondo_datagram *d,
                                           rondo_address *address);
/** Gets the address that the endpoint is connected with, also in
 * connection_lost. Returns 0, or RONDO_ENOTCONN: there is none. As
 * get_extra_info("peername"). */
RONDO_API int rondo_datagram_peer_address(const rondo_datagram *d,
                                          rondo_address *address);

/** Returns the largest IP packet, in bytes with its headers, that the kernel
 * believes the path to the peer takes; RONDO_ENOTCONN: the endpoint is not
 * connected; RONDO_ENOTSUP. As IP_MTU of ip(7), IPV6_MTU of ipv6(7). */
RONDO_API int64_t rondo_datagram_path_mtu(const rondo_datagram *d);

/** Sets the limits of the write buffer in bytes, as
 * rondo_transport_set_write_buffer_limits. Each datagram that waits counts 32
 * bytes more than it has, so that empty ones are bounded, too. Returns 0, or
 * RONDO_EINVAL: high < low. */
RONDO_API int rondo_datagram_set_write_buffer_limits(rondo_datagram *d,
                                                     size_t high, size_t low);

/** Returns how many bytes wait to be sent, 32 more for each datagram. */
RONDO_API size_t rondo_datagram_get_write_buffer_size(const rondo_datagram *d);

/**
 * Joins a multicast group: receives what is sent to it. The group is of the
 * endpoint's family. interface_name is a name, "eth0", or an index as text,
 * "2", which works everywhere. NULL: the scope of an IPv6 group, else the
 * system's choice.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: not a multicast group
 * - RONDO_ENOENT: there is no such interface
 * - RONDO_EADDRINUSE: joined already
 * - RONDO_ECLOSED
 *
 * As uv_udp_set_membership; see ip(7) and ipv6(7).
 */
RONDO_API int rondo_datagram_join(rondo_datagram *d, const rondo_address *group,
                                  const char *interface_name);
/** Leaves a multicast group that rondo_datagram_join has joined. Returns 0, or
 * an error as rondo_datagram_join; RONDO_EADDRNOTAVAIL: not joined. */
RONDO_API int rondo_datagram_leave(rondo_datagram *d,
                                   const rondo_address *group,
                                   const char *interface_name);

/**
 * Sets the interface by which multicast datagrams leave. A datagram for which
 * rondo_datagram_send_with names another one leaves by that. interface_name is
 * that of rondo_datagram_join; NULL: the system's choice again.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: not an IP endpoint
 * - RONDO_ENOENT: there is no such interface
 * - RONDO_EADDRNOTAVAIL: it has no IPv4 address, which IPv4 needs
 * - RONDO_ECLOSED
 *
 * As uv_udp_set_multicast_interface, and IP_MULTICAST_IF of ip(7).
 */
RONDO_API int rondo_datagram_set_multicast_interface(
    rondo_datagram *d, const char *interface_name);

/** Sets how many routers multicast datagrams may pass: 0 to 255. The default is
 * 1. Returns 0, or RONDO_EINVAL. As IP_MULTICAST_TTL of ip(7). */
RONDO_API int rondo_datagram_set_multicast_ttl(rondo_datagram *d, int ttl);

/** Sets whether members of a group on this machine receive what the endpoint
 * sends. The default is yes. On Windows set it on the receiving endpoint.
 * Returns 0. As IP_MULTICAST_LOOP of ip(7). */
RONDO_API int rondo_datagram_set_multicast_loop(rondo_datagram *d, bool on);

/** Returns the self that it was made with. */
RONDO_API void *rondo_datagram_self(const rondo_datagram *d);

/** Returns the descriptor, still the endpoint's, for socket options; do not
 * read, write or close it. RONDO_NO_FD once it is gone. */
RONDO_API rondo_fd rondo_datagram_fd(const rondo_datagram *d);

/** Returns the loop that it belongs to. */
RONDO_API rondo_loop *rondo_datagram_loop(const rondo_datagram *d);

/** Sets whether the endpoint keeps rondo_loop_run going (false, the default) or
 * not (true). */
RONDO_API void rondo_datagram_set_background(rondo_datagram *d,
                                             bool background);

/* ---- 7. subprocesses --------------------------------------------------- */
/* Stability: stable; since 0.1. */

/** How a process has ended. A Windows exit code has 32 bits, so it cannot share
 * a number with the signals. */
typedef struct rondo_exit {
    /** false: other code has reaped it (SIGCHLD ignored, a stray wait), and the
     * rest is 0 */
    bool known;
    bool signaled;        /**< a signal has killed it */
    int signal;           /**< that signal; 0 unless signaled */
    uint32_t code;        /**< its exit code; 0 if signaled */
    uint64_t reserved[4]; /**< 0: for later members */
} rondo_exit;

/**
 * What the program does about a child: a table of functions, any of which may
 * be NULL. The table is not copied: it must outlive the process. self is the
 * caller's pointer.
 *
 * The order is connection_made, also if the child has ended already; then the
 * others, as they come; connection_lost, when the child has ended and every
 * pipe is lost. process_exited does not wait for the pipes, which a grandchild
 * may hold open, so data may follow it. The process is valid until
 * connection_lost returns. As asyncio.SubprocessProtocol.
 */
typedef struct rondo_process_protocol {
    /** Called once, first. After it connection_lost is called exactly once. */
    void (*connection_made)(rondo_process *p, void *self);
    /** size > 0 bytes from the child's descriptor fd, lent for the call. */
    void (*pipe_data_received)(rondo_process *p, void *self, int fd,
                               const void *data, size_t size);
    /** The pipe to the child's descriptor fd is gone. error is 0: closed by
     * either side; else what broke it. */
    void (*pipe_connection_lost)(rondo_process *p, void *self, int fd,
                                 int error);
    /** The child does not read fd fast enough: stop writing to it. */
    void (*pause_writing)(rondo_process *p, void *self, int fd);
    /** The write buffer of fd is down to its low limit again. */
    void (*resume_writing)(rondo_process *p, void *self, int fd);
    /** The child has ended. It is not called if rondo_process_close has
     * released a child with leave_running. */
    void (*process_exited)(rondo_process *p, void *self, rondo_exit status);
    /** Called last. error is 0, or RONDO_ECLOSED: the loop closes. */
    void (*connection_lost)(rondo_process *p, void *self, int error);
    rondo_reserved reserved[5];
} rondo_process_protocol;

/** What a descriptor of the child is. */
typedef enum rondo_stdio_kind {
    RONDO_STDIO_INHERIT = 0, /**< the parent's descriptor of the same number */
    /** A pipe: the child reads 0 and writes the others. Beyond 0 to 2 a pair of
     * connected sockets, for both directions. */
    RONDO_STDIO_PIPE,
    RONDO_STDIO_NULL, /**< the null device */
    /** a descriptor of the caller's, which stays the caller's */
    RONDO_STDIO_FD,
    RONDO_STDIO_STDOUT, /**< the same as the child's 1 */
    /** A pseudo terminal of the child, for 0, 1 and 2; all that name it share
     * one (RONDO_CAN_TERMINALS). See rondo_process_set_window_size. */
    RONDO_STDIO_TERMINAL
} rondo_stdio_kind;

/** One more descriptor of the child. Beyond 0, 1 and 2: Unix only. */
typedef struct rondo_stdio_entry {
    int child_fd;          /**< 0, 1 and 2: in place of a kind that is zero */
    rondo_stdio_kind kind; /**< what it is */
    rondo_fd fd;           /**< that of RONDO_STDIO_FD */
} rondo_stdio_entry;

/** As soft or hard of a rondo_resource_limit: no limit (RLIM_INFINITY). */
#define RONDO_UNLIMITED UINT64_MAX

/** A resource limit of the child, in the unit of its resource. See
 * setrlimit(2). */
typedef struct rondo_resource_limit {
    int resource;  /**< one of the system's RLIMIT_... */
    uint64_t soft; /**< in force; at most hard */
    uint64_t hard; /**< how far the child can raise soft */
} rondo_resource_limit;

/** What to run, and how; RONDO_PROCESS(.program = "ls"). */
typedef struct rondo_process_options {
    size_t size;
    /** A path, or a name that is looked up in the parent's PATH (with own_path
     * in the child's). NULL: argv[0]. A relative path starts from cwd. */
    const char *program;
    /** The arguments, argv[0] included; ends with NULL. NULL: the program
     * alone. */
    const char *const *argv;
    /** The environment, as "NAME=value"; ends with NULL. NULL: the parent's. */
    const char *const *env;
    const char *cwd; /**< working directory. NULL: the parent's */
    /** what 0, 1 and 2 are */
    rondo_stdio_kind stdin_kind, stdout_kind, stderr_kind;
    rondo_fd stdin_fd, stdout_fd, stderr_fd; /**< those of RONDO_STDIO_FD */
    const rondo_stdio_entry *extra;          /**< further descriptors */
    size_t extra_count;                      /**< how many */
    bool new_group;     /**< setpgid(2); Windows: a console group */
    bool new_session;   /**< setsid(2); Unix */
    bool hide_window;   /**< Windows */
    bool leave_running; /**< closing it, or the loop, does not kill */
    /** setuid(2) and setgid(2), without supplementary groups if the parent may
     * drop them. They are pointers since 0 is a value. A uid other than 0
     * without a gid is RONDO_EINVAL if the child would keep group 0. Unix. */
    const int64_t *uid, *gid;
    const int *umask;  /**< a pointer since 0 is a value. Unix */
    int columns, rows; /**< of the child's terminal. 0: 80 and 24 */
    /** Further descriptors that the child gets, each with the number that it
     * has in the parent, as Python's pass_fds. Windows: handles; while the
     * call lasts other children may inherit them, too, unless their own lists
     * exclude them. */
    const rondo_fd *inherit;
    size_t inherit_count; /**< how many */
    bool own_path; /**< look up a name in the PATH of env, if env is set */
    /** The folder of a control group, such as "/sys/fs/cgroup/x", in which the
     * child starts. Linux (RONDO_CAN_CGROUPS). See cgroups(7). */
    const char *cgroup;
    /** A job object in which the child starts. 0: none. Windows
     * (RONDO_CAN_JOB_OBJECTS). See AssignProcessToJobObject. */
    rondo_fd job;
    /** resource limits. Unix (RONDO_CAN_LIMITS) */
    const rondo_resource_limit *limits;
    size_t limit_count; /**< how many */
    /** -20 to 19; a pointer since 0 is a value. Windows: the nearest priority
     * class. See setpriority(2). */
    const int *nice;
    /** The child is killed when this process ends in any way
     * (RONDO_CAN_DIE_WITH_PARENT). Linux: also when the thread that started it
     * ends, and not if its program gains rights (set-user-ID). See
     * PR_SET_PDEATHSIG, procctl(2), JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE. */
    bool die_with_parent;
} rondo_process_options;

/**
 * Starts a program. The child gets the listed descriptors and no others; its
 * signals are unblocked and have their default actions. p may be NULL.
 *
 *     rondo_subprocess_exec(loop, RONDO_PROCESS(.program = "sort",
 *                                               .stdin_kind = RONDO_STDIO_PIPE,
 *                                               .stdout_kind = RONDO_STDIO_PIPE),
 *                           &protocol, self, &process);
 *
 * Starting takes the same time for a parent with much memory, except with uid
 * or gid, where it is a fork(2).
 *
 * Returns 0; or an error, and neither a process nor a descriptor is left:
 * - RONDO_ENOENT, RONDO_ENOTDIR, RONDO_ENAMETOOLONG: the program or cwd
 * - RONDO_EACCES: not executable, or a directory; nice, cgroup
 * - RONDO_ENOEXEC: not a program
 * - RONDO_ETOOMUCH: argv and env together are too long
 * - RONDO_EBADF: a descriptor that is not open
 * - RONDO_EPERM: uid, gid, limits, cgroup
 * - RONDO_EAGAIN: too many processes
 * - RONDO_EMFILE, RONDO_ENFILE
 * - RONDO_EINVAL: neither program nor argv; an unknown kind; a descriptor's
 *   number below 0 or named twice; a terminal beyond 0 to 2; a value out of
 *   range
 * - RONDO_ENOTSUP: this platform cannot do it
 *
 * As loop.subprocess_exec, and libuv's uv_spawn; see execve(2).
 */
RONDO_API int rondo_subprocess_exec(rondo_loop *loop,
                                    const rondo_process_options *options,
                                    const rondo_process_protocol *protocol,
                                    void *self, rondo_process **p);

/** Starts a command of the system's shell (/bin/sh -c; Windows: cmd.exe).
 * options may be NULL, and has neither program nor argv. Returns as
 * rondo_subprocess_exec. As loop.subprocess_shell. */
RONDO_API int rondo_subprocess_shell(rondo_loop *loop, const char *command,
                                     const rondo_process_options *options,
                                     const rondo_process_protocol *protocol,
                                     void *self, rondo_process **p);

/*
 * A child on a terminal (RONDO_STDIO_TERMINAL; see pty(7), openpty(3)). The
 * child leads a session of its own, whose terminal it is: Ctrl-C, job control,
 * SIGWINCH and isatty(3) work as in a terminal's window. The parent's end is
 * one transport for both directions: rondo_process_pipe returns it for each of
 * 0, 1 and 2 that is the terminal. pause_writing and resume_writing get it as
 * fd 0, the other callbacks as fd 1 (as 2 if 1 is something else). If the
 * terminal is only the child's input, or only its output, all callbacks get
 * that number.
 *
 * The terminal begins with the system's modes: it echoes, gives the child whole
 * lines and writes "\r\n" for each "\n"; tcsetattr(3) on rondo_transport_fd
 * changes that. rondo_transport_write_eof is RONDO_ENOTSUP: to end the child's
 * input, write Ctrl-D ("\4") at the start of a line. Closing the transport
 * hangs up: the child gets SIGHUP. When the last process has closed the
 * terminal, pipe_connection_lost gets 0, or RONDO_ECONNRESET if a write could
 * not end.
 *
 * On Windows (10, version 1809) it is a pseudo console (ConPTY,
 * CreatePseudoConsole), for console programs. What it shows comes as UTF-8 with
 * the sequences of a VT100 between; Windows may send the whole screen again at
 * any time. What is written are the bytes that keys send ("\r" is Enter, "\3"
 * Ctrl-C). The console ends with the child. When the transport is gone, Windows
 * ends what is on the console (CTRL_CLOSE_EVENT), also with leave_running.
 * hide_window is ignored.
 */

/**
 * Changes the size of the child's terminal, columns and rows from 1 to 65535. A
 * change sends SIGWINCH to the programs in its foreground.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: the child has no terminal, or an invalid size (Windows: 1 to
 *   32767)
 * - RONDO_ECLOSED: the terminal is closed
 * - RONDO_ENOTSUP: Wine
 *
 * As ioctl(2)'s TIOCSWINSZ, ResizePseudoConsole.
 */
RONDO_API int rondo_process_set_window_size(rondo_process *p, int columns,
                                            int rows);

/** Returns the number of the process. Another process may get the number once
 * this one has ended. */
RONDO_API int64_t rondo_process_pid(const rondo_process *p);

/** Returns whether the loop has noticed the end of the process; *status then
 * gets how it ended. status may be NULL. As BaseTransport.get_returncode. */
RONDO_API bool rondo_process_returncode(const rondo_process *p,
                                        rondo_exit *status);

/** Returns the transport of the pipe to the child's descriptor fd, to write to
 * it, pause or close it; NULL: there is no such pipe, or it is gone. After
 * rondo_transport_set_protocol only the new protocol is called for that pipe,
 * to its end. As get_pipe_transport. */
RONDO_API rondo_transport *rondo_process_pipe(const rondo_process *p, int fd);

/** Sends a signal to the child, never to another process that has got its
 * number. Returns 0; RONDO_ESRCH: it has ended; RONDO_EINVAL, RONDO_EPERM. As
 * send_signal, and uv_process_kill. */
RONDO_API int rondo_process_send_signal(rondo_process *p, int signum);

/**
 * Sends a signal to each process of the group that the child leads (new_group
 * or new_session), as long as the child has not ended.
 *
 * Returns as rondo_process_send_signal; RONDO_EINVAL: the child leads no group.
 * Windows: SIGBREAK only, else RONDO_ENOTSUP. See killpg(3).
 */
RONDO_API int rondo_process_signal_group(rondo_process *p, int signum);

/** Sends SIGTERM (Windows: TerminateProcess). Otherwise as
 * rondo_process_send_signal. */
RONDO_API int rondo_process_terminate(rondo_process *p);

/** Sends SIGKILL (Windows: TerminateProcess). Otherwise as
 * rondo_process_send_signal. */
RONDO_API int rondo_process_kill(rondo_process *p);

/**
 * Ends a process: kills the child if it runs, delivers what its pipes hold, and
 * closes them without waiting for a grandchild. process_exited and
 * connection_lost follow. A child with leave_running is not killed but released
 * at once. It may be called after the child's end, and twice. As
 * SubprocessTransport.close.
 */
RONDO_API void rondo_process_close(rondo_process *p);

/** Returns the self that it was made with. */
RONDO_API void *rondo_process_self(const rondo_process *p);
/** Returns the loop that it belongs to. */
RONDO_API rondo_loop *rondo_process_loop(const rondo_process *p);
/** Sets whether the process and its pipes keep rondo_loop_run going (false, the
 * default) or not (true). */
RONDO_API void rondo_process_set_background(rondo_process *p, bool background);

/** What a child has written, and how it has ended. */
typedef struct rondo_output {
    size_t size;
    rondo_exit status; /**< how it has ended */
    /** stdout and stderr, lent for the callback. A NUL byte follows each. Never
     * NULL. */
    const void *out, *err;
    size_t out_size, err_size; /**< how many bytes */
} rondo_output;

/** Tells that the child has ended and its pipes are closed. error is 0,
 * RONDO_ETOOMUCH, RONDO_ENOMEM, RONDO_ECANCELED, or why a pipe could not be
 * read or written to its end; a child that does not read its input is no
 * error. With an error, output is what came before. */
typedef void (*rondo_communicate_fn)(rondo_loop *loop, void *arg,
                                     const rondo_output *output, int error);

/**
 * Runs a program to its end: writes input to it, then the end of input, and
 * collects its stdout and stderr. Where the options leave a kind at zero, stdin
 * is a pipe (the null device if input is NULL), and stdout and stderr are
 * pipes. input must stay until done is called.
 *
 * If stdout and stderr together have more than limit bytes (0: no limit), the
 * child is killed: RONDO_ETOOMUCH.
 *
 * Returns an id, with which rondo_cancel kills the child; or an error as
 * rondo_subprocess_exec, also RONDO_EINVAL: a pipe beyond stderr, or a
 * terminal. As Process.communicate.
 */
RONDO_API rondo_id rondo_communicate(rondo_loop *loop,
                                     const rondo_process_options *options,
                                     const void *input, size_t input_size,
                                     size_t limit, rondo_communicate_fn done,
                                     void *arg);

/* ---- 8. signals -------------------------------------------------------- */
/* Stability: stable; since 0.1. */

/** SIGHUP's number, also on Windows, where <signal.h> lacks it and it says that
 * the console is being closed. */
#define RONDO_SIGHUP 1

/** Called from the loop after the signal has arrived. */
typedef void (*rondo_signal_fn)(rondo_loop *loop, int signum, void *arg);

/**
 * Calls fn from the loop when the process gets the signal. The loop is woken at
 * once. Any number of loops, in any threads, may handle one signal, and each is
 * told. Adding again replaces fn and arg. A handler does not keep
 * rondo_loop_run going, and ends with the loop.
 *
 * A signal that arrives several times before the loop looks is told once; of
 * several signals the one with the lowest number comes first. System calls of
 * other code go on by themselves (SA_RESTART). In a child process signals wait
 * for rondo_loop_after_fork. SIGCHLD alone is also passed on to the handler
 * that was there before.
 *
 * Windows has SIGINT (Ctrl-C), SIGBREAK (Ctrl-Break) and RONDO_SIGHUP (the
 * console is being closed: the process then has about five seconds to end by
 * itself).
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: there is no such signal; it cannot be caught (SIGKILL,
 *   SIGSTOP); or it reports a fault of the program (SIGSEGV, SIGBUS, SIGFPE,
 *   SIGILL)
 * - RONDO_ENOTSUP: not on this platform
 *
 * As loop.add_signal_handler; see sigaction(2), signal(7),
 * SetConsoleCtrlHandler.
 */
RONDO_API int rondo_add_signal_handler(rondo_loop *loop, int signum,
                                       rondo_signal_fn fn, void *arg);

/**
 * Removes a signal handler: it is not called any more, also not for a signal
 * that has arrived already. When no loop handles the signal any longer, the
 * action that was there before is restored; a handler that the program has
 * installed since stays.
 *
 * Returns 1: removed; 0: there was none; RONDO_EINVAL: there is no such signal.
 * As loop.remove_signal_handler.
 */
RONDO_API int rondo_remove_signal_handler(rondo_loop *loop, int signum);

/** Called from the loop. count is how many of the signal have arrived since its
 * watches were last called: 1 or more. */
typedef void (*rondo_signal_watch_fn)(rondo_loop *loop, int signum,
                                      unsigned count, void *arg);

/** Flags of rondo_watch_signal. */
typedef enum rondo_signal_flags {
    RONDO_SIGNAL_ONCE = 1 /**< the watch ends just before its first call */
} rondo_signal_flags;

/**
 * Calls fn from the loop when the process gets the signal, with the number of
 * those that have arrived. Any number of watches of one signal can be in a
 * loop, beside its handler; they are called in the order in which they were
 * added. The kernel counts real-time signals only: it may merge others that
 * wait (signal(7)). flags is 0 or RONDO_SIGNAL_ONCE.
 *
 * rondo_cancel ends the watch. It does not keep rondo_loop_run going, unless
 * rondo_set_background(loop, id, false) was called.
 *
 * Returns an id, or an error as rondo_add_signal_handler, also RONDO_EINVAL:
 * unknown flags. As libuv's uv_signal_start and uv_signal_start_oneshot.
 */
RONDO_API rondo_id rondo_watch_signal(rondo_loop *loop, int signum,
                                      unsigned flags, rondo_signal_watch_fn fn,
                                      void *arg);

/* ---- 9. threads and names ---------------------------------------------- */
/* Stability: stable; since 0.1. */

/** The work of a job, on a thread. It returns what done gets: a value, or a
 * RONDO_E... below 0. */
typedef int64_t (*rondo_work_fn)(rondo_job *job, void *arg);

/**
 * Runs work(job, arg) on a thread of an executor, then done(loop, arg, result)
 * on the loop. executor NULL is the loop's default. done may be NULL: the
 * exception handler then gets an error that work returns. done never runs while
 * work does.
 *
 * A job that is cancelled before it has begun never runs. If it is cancelled
 * while it runs, rondo_job_canceled turns true, and what it returns is dropped.
 * done gets RONDO_ECANCELED in both cases; rondo_job_begun tells which. A job
 * that an executor's shutdown drops gets RONDO_ECLOSED, a job of the parent
 * process RONDO_EFORKED.
 *
 * Returns an id, or an error:
 * - RONDO_ECLOSED: the executor has been shut down
 * - the system's error, if there is no thread and none can be started
 *
 * As loop.run_in_executor, and libuv's uv_queue_work.
 */
RONDO_API rondo_id rondo_run_in_executor(rondo_loop *loop,
                                         rondo_executor *executor,
                                         rondo_work_fn work, rondo_done_fn done,
                                         void *arg);

/** Returns, inside a job's done, whether its work had begun, so that a part of
 * it may have been done. It tells the two kinds of cancelled jobs apart.
 * Outside of a done it returns false. As the results of Future.cancel and
 * uv_cancel, which refuse a job that has begun. */
RONDO_API bool rondo_job_begun(const rondo_loop *loop);

/** Returns whether the job was cancelled, or its loop closes: work should then
 * return. It is called on the job's thread. Any thread that runs the job. */
RONDO_API bool rondo_job_canceled(const rondo_job *job);

/** Calls fn(loop, arg) on the job's loop, as rondo_call_soon_threadsafe does,
 * in order and before the job's done. Any thread that runs the job. Returns 0;
 * RONDO_ECLOSED: the loop is closing; RONDO_ENOMEM. */
RONDO_API int rondo_job_call_soon(rondo_job *job, rondo_fn fn, void *arg);

/**
 * Makes an executor for any number of loops, with at most `threads` threads (0:
 * as many as a loop's own), which are started as they are needed. Its memory is
 * malloc(3)'s. Any thread.
 *
 * Returns 0, RONDO_EINVAL (more than 10,000) or RONDO_ENOMEM. As
 * concurrent.futures.ThreadPoolExecutor.
 */
RONDO_API RONDO_MUST_CHECK int rondo_executor_new(rondo_executor **executor,
                                                  unsigned threads);

/**
 * Ends an executor: it takes no more jobs (RONDO_ECLOSED). wait true: returns
 * when all queued jobs have run and the threads have ended. wait false: jobs
 * that have not begun are dropped (their done gets RONDO_ECLOSED), and running
 * jobs end by themselves. It may be called again; the pointer stays valid. Any
 * thread.
 *
 * Returns 0; RONDO_EBUSY: a job of this executor wants to wait, and nothing has
 * happened. As Executor.shutdown.
 */
RONDO_API int rondo_executor_shutdown(rondo_executor *executor, bool wait);

/** Frees an executor, after a shutdown without waiting if there was none. NULL
 * is ignored. Loops may still have it as their default, and jobs may still
 * run: its threads end with the last one. Any thread. */
RONDO_API void rondo_executor_free(rondo_executor *executor);

/** Returns how many processors this process may use, at least 1: as many loops,
 * each on a thread of its own, use them all. Any thread. As
 * os.process_cpu_count. */
RONDO_API unsigned rondo_cpu_count(void);

/** Sets the executor of this loop's jobs that name none. NULL: the loop's own
 * again, which is made with its first job. Returns 0. As
 * loop.set_default_executor. */
RONDO_API int rondo_set_default_executor(rondo_loop *loop,
                                         rondo_executor *executor);

/** As socket_type of rondo_lookup_hints: any type. */
#define RONDO_ANY_SOCKET (-1)

/** What a look-up asks for. Begin with RONDO_LOOKUP_HINTS_INIT. As
 * getaddrinfo(3)'s hints. */
typedef struct rondo_lookup_hints {
    size_t size;
    rondo_family family; /**< only addresses of this family */
    bool datagram;       /**< a service of UDP, not of TCP */
    bool passive; /**< without a host: addresses to listen at (AI_PASSIVE) */
    /** the host is a number, not a name (AI_NUMERICHOST) */
    bool numeric_host;
    bool numeric_service; /**< the service is a number (AI_NUMERICSERV) */
    /** ask for the host's canonical name (AI_CANONNAME) */
    bool canonical_name;
    /** The system's SOCK_... and IPPROTO_... numbers. 0: SOCK_STREAM, or what
     * `datagram` says, and its usual protocol. RONDO_ANY_SOCKET: services of
     * any type; each address is then given once. */
    int socket_type, protocol;
    bool configured; /**< only families that this machine has addresses of
                        (AI_ADDRCONFIG) */
    /** With RONDO_FAMILY_INET6: if there are no IPv6 addresses, IPv4 addresses
     * as "::ffff:1.2.3.4" (AI_V4MAPPED); with all_mapped also if there are
     * (AI_ALL). */
    bool v4_mapped, all_mapped;
} rondo_lookup_hints;

/** Gets what a look-up has found, lent for the call: count addresses in the
 * order in which to try them, and the canonical name; NULL: not asked for, or
 * not known. After an error all are NULL or 0. */
typedef void (*rondo_getaddrinfo_fn)(rondo_loop *loop, void *arg,
                                     const rondo_address *addresses,
                                     size_t count, const char *canonical_name,
                                     int error);

/**
 * Looks up a host and a service. The host has 1 to 255 bytes; NULL is this
 * machine. The service is a port from 0 to 65535, or a name; NULL is port 0.
 * One of the two may be NULL. hints may be NULL.
 *
 * A numeric host with a port or without a service needs no look-up. All else
 * goes to the loop's resolver, off the loop's thread. A look-up that is
 * cancelled ends at once.
 *
 * Returns an id, or an error:
 * - RONDO_EINVAL: an invalid host or service
 * - RONDO_ENONAME, RONDO_EAFNOSUPPORT: not what the hints ask for
 *
 * Errors of done:
 * - RONDO_ENONAME, RONDO_EAGAIN, RONDO_EAFNOSUPPORT, RONDO_ENOMEM
 * - RONDO_ENOTSUP: this system has no v4_mapped, or no such type or protocol
 * - the errors of the resolver
 *
 * As loop.getaddrinfo, and uv_getaddrinfo.
 */
RONDO_API rondo_id rondo_getaddrinfo(rondo_loop *loop, const char *host,
                                     const char *service,
                                     const rondo_lookup_hints *hints,
                                     rondo_getaddrinfo_fn done, void *arg);

/** Flags of rondo_getnameinfo, as getnameinfo(3)'s. */
typedef enum rondo_nameinfo_flags {
    RONDO_NAMEINFO_NUMERIC_HOST = 1 << 0,    /**< the host as a number */
    RONDO_NAMEINFO_NUMERIC_SERVICE = 1 << 1, /**< the port as a number */
    /** an address without a name is RONDO_ENONAME */
    RONDO_NAMEINFO_REQUIRED = 1 << 2,
    RONDO_NAMEINFO_DATAGRAM = 1 << 3 /**< a service of UDP */
} rondo_nameinfo_flags;

/** Gets the names, lent for the call; NULL after an error. */
typedef void (*rondo_getnameinfo_fn)(rondo_loop *loop, void *arg,
                                     const char *host, const char *service,
                                     int error);

/**
 * Looks up the names of an IP address and its port. What has no name is given
 * as a number. flags are rondo_nameinfo_flags. It asks the system, off the
 * loop's thread unless both are to be numeric.
 *
 * Returns an id, or an error:
 * - RONDO_EAFNOSUPPORT: not an IP address
 * - RONDO_EINVAL: no address, no done, or unknown flags
 * - RONDO_ENOMEM
 *
 * Errors of done:
 * - RONDO_ENONAME: with RONDO_NAMEINFO_REQUIRED
 * - RONDO_ECANCELED, RONDO_EFORKED
 * - the errors of the system
 *
 * As loop.getnameinfo, and uv_getnameinfo.
 */
RONDO_API rondo_id rondo_getnameinfo(rondo_loop *loop,
                                     const rondo_address *address, int flags,
                                     rondo_getnameinfo_fn done, void *arg);

/** A look-up that a resolver of the program is asked for. It is valid until it
 * has been answered or cancelled. */
typedef struct rondo_lookup rondo_lookup;

/** A resolver of the program: two functions, both of which must be set. */
typedef struct rondo_resolver {
    /** Starts a look-up, for each host that is a name. It is called from inside
     * rondo_getaddrinfo, or from the loop for a connect. service is as the
     * caller gave it, or NULL. All is lent for the call. 0: the program calls
     * rondo_resolver_answer once, inside start or later. < 0: a RONDO_E...,
     * and it does not. If start cancels the connect that asks, cancel is
     * called inside it, and the result is ignored. */
    int (*start)(void *context, rondo_lookup *lookup, const char *host,
                 const char *service, const rondo_lookup_hints *hints);
    /** The answer is not needed any more: lookup is valid until this returns.
     * It may be called from inside rondo_cancel and rondo_loop_close. */
    void (*cancel)(void *context, rondo_lookup *lookup);
    void *context; /**< given to both functions */
    rondo_reserved reserved[5];
} rondo_resolver;

/**
 * Sets who looks up this loop's hosts, for rondo_getaddrinfo and
 * rondo_create_connection. NULL: the system's getaddrinfo(3), on up to four
 * threads. *resolver is copied; its context must live until the last look-up
 * that it has begun has ended. Returns 0, or RONDO_EINVAL: no start, or no
 * cancel.
 */
RONDO_API int rondo_set_resolver(rondo_loop *loop,
                                 const rondo_resolver *resolver);

/** Answers a look-up: with count addresses, which are copied, or with an error.
 * No address is RONDO_ENONAME, more than 4,096 are RONDO_EINVAL. A port that
 * was given as a number need not be set. The caller of the look-up is told
 * from the loop. A second answer, and one inside cancel, are ignored. */
RONDO_API void rondo_resolver_answer(rondo_lookup *lookup,
                                     const rondo_address *addresses,
                                     size_t count, int error);

/* ---- 10. reading by line and by size ------------------------------------ */
/* Stability: stable; since 0.1. */

/** Keeps what a transport receives until the program asks for it. It is the
 * self of rondo_reader_protocol. As asyncio.StreamReader. */
typedef struct rondo_reader rondo_reader;

/**
 * Tells how a read has ended. error 0: size bytes, lent for the call, which are
 * taken from the reader. The next read may be started here, and the reader
 * freed. Errors:
 * - RONDO_EOF: the data end before what was asked for; data is what was left
 * - RONDO_ETOOMUCH: rondo_read_until met its limit; nothing is taken
 * - another error: what broke the connection; data is what was left
 */
typedef void (*rondo_read_fn)(rondo_reader *reader, void *arg, const void *data,
                              size_t size, int error);

/** Returns the protocol to give to a connection together with a reader as its
 * self. It is static. */
RONDO_API const rondo_protocol *rondo_reader_protocol(void);

/**
 * Makes a reader for one connection. At most limit bytes (0: 64 KiB) can be
 * asked for. The reader pauses the transport's reading while it keeps more than
 * twice that, so the program must not pause it. protocol, which may be NULL,
 * and self get everything but data. Without an eof_received of theirs the
 * connection is closed when a read has got RONDO_EOF, so that the program can
 * still answer what came before.
 *
 * Returns 0, RONDO_ENOMEM, or RONDO_EINVAL: a limit above SIZE_MAX / 8, or
 * `reader` is NULL.
 */
RONDO_API RONDO_MUST_CHECK int rondo_reader_new(rondo_loop *loop, size_t limit,
                                                const rondo_protocol *protocol,
                                                void *self,
                                                rondo_reader **reader);

/**
 * Frees a reader: inside its own callback, in connection_lost, later, or after
 * the loop. NULL is ignored. A pending read is dropped without its done.
 *
 * If the reader still has a connection, the connection goes on with the
 * program's protocol and self, which get the bytes that were not taken; without
 * a protocol it is closed. A reader that was given to a connection must live
 * until connection_made. While it lives, the transport's protocol must not be
 * replaced.
 */
RONDO_API void rondo_reader_free(rondo_reader *reader);

/** Tells that a client has connected. The first read may be started here, and
 * rondo_reader_set_protocol be called. The reader is the program's, which
 * frees it by rondo_reader_free; that closes the connection. */
typedef void (*rondo_reader_fn)(rondo_reader *reader, void *arg);

/** Listens as rondo_create_server, and makes a reader for each client. limit is
 * that of rondo_reader_new. options has neither protocol_factory nor accepted.
 * server may be NULL. Returns as rondo_create_server. As
 * asyncio.start_server. */
RONDO_API int rondo_start_server(rondo_loop *loop,
                                 const rondo_server_options *options,
                                 size_t limit, rondo_reader_fn connected,
                                 void *arg, rondo_server **server);

/** Sets whether reads wait while the transport's write buffer is over its limit
 * (from pause_writing to resume_writing). Then a peer that does not read its
 * answers is not read from. The default is false. As StreamWriter.drain before
 * each read. */
RONDO_API void rondo_reader_set_drain(rondo_reader *reader, bool on);

/**
 * Reads up to and including a separator of size bytes, which is copied. done is
 * called once, from the loop, also if everything is there already. More bytes
 * before the separator than the limit are RONDO_ETOOMUCH.
 *
 * Returns 0, or an error:
 * - RONDO_EBUSY: a read is pending
 * - RONDO_ECLOSED: the loop is being closed
 * - RONDO_EINVAL: no separator, or no done
 * - RONDO_ENOMEM
 *
 * As StreamReader.readuntil.
 */
RONDO_API int rondo_read_until(rondo_reader *reader, const void *separator,
                               size_t size, rondo_read_fn done, void *arg);

/** Reads a line up to and including "\n". Otherwise as rondo_read_until. As
 * StreamReader.readline. */
RONDO_API int rondo_read_line(rondo_reader *reader, rondo_read_fn done,
                              void *arg);

/** Reads size bytes. A size of 0 is there at once. RONDO_ETOOMUCH: size is more
 * than the limit. Otherwise as rondo_read_until. As
 * StreamReader.readexactly. */
RONDO_API int rondo_read_exactly(rondo_reader *reader, size_t size,
                                 rondo_read_fn done, void *arg);

/** Reads what there is, one byte at least. Otherwise as rondo_read_until. As
 * StreamReader.read. */
RONDO_API int rondo_read_some(rondo_reader *reader, rondo_read_fn done,
                              void *arg);

/** Sets the protocol and self that get everything but data, as those of
 * rondo_reader_new. The reader of a server's client begins without; then only
 * a read tells that the peer has left, so a program that reads rarely sets one
 * with eof_received and connection_lost. protocol may be NULL. Returns 0. */
RONDO_API int rondo_reader_set_protocol(rondo_reader *reader,
                                        const rondo_protocol *protocol,
                                        void *self);

/** Returns the loop that it belongs to. The loop may have been closed before. */
RONDO_API rondo_loop *rondo_reader_loop(const rondo_reader *reader);

/** Returns the connection, for writing; NULL before the first callback and once
 * the connection is lost. */
RONDO_API rondo_transport *rondo_reader_transport(const rondo_reader *reader);

/** Returns how many bytes the reader keeps. Before a filter is pushed
 * (start_tls) it should be 0, since these bytes came in clear. */
RONDO_API size_t rondo_reader_buffered(const rondo_reader *reader);

/* ---- 11. operations on sockets of the program's ------------------------- */
/* Stability: stable; since 0.1. */

/*
 * The functions of this section start one operation on a socket of the program.
 * The socket is non-blocking, stays the program's, and must stay open until
 * done is called; the bytes must stay as they are. done is called once, from
 * the loop, unless the call itself fails. Every system's sockets are taken, on
 * every backend.
 *
 * One operation at a time may read (recv, recvfrom, accept), and one may write
 * (sendall, sendto, connect, sendfile). When done is called, or the operation
 * has been cancelled, the next one may begin.
 *
 * Each function returns an id, for rondo_cancel, or an error:
 * - RONDO_EBUSY: a transport or another object has the socket, or it is
 *   watched, or such an operation is under way
 * - RONDO_EINVAL: the socket blocks (for recv and sendall only if it would have
 *   to be waited for); no done; or not this kind of socket
 * - RONDO_EBADF, RONDO_ENOTSOCK
 * - RONDO_EMFILE: beyond the backend's limit
 *
 * Windows does not tell whether a socket blocks: it is made non-blocking there.
 *
 * A cancelled operation's result is RONDO_ECANCELED, or what had happened
 * already: no byte and no connection is lost. rondo_loop_close does the same.
 * Other errors are the system's.
 */

/** Receives up to size bytes. The result is how many: at least one, or 0 at the
 * peer's orderly end (or an empty datagram, or a size of 0). As
 * loop.sock_recv_into; see recv(2). */
RONDO_API rondo_id rondo_sock_recv(rondo_loop *loop, rondo_fd s, void *data,
                                   size_t size, rondo_done_fn done, void *arg);

/** Tells how a rondo_sock_recvfrom has ended. result is a size or an error.
 * from is lent for the call: empty if the sender has no name, NULL with an
 * error. */
typedef void (*rondo_recvfrom_fn)(rondo_loop *loop, void *arg, int64_t result,
                                  const rondo_address *from);

/** Receives a datagram. What is beyond size bytes is lost. As
 * loop.sock_recvfrom_into; see recvfrom(2). */
RONDO_API rondo_id rondo_sock_recvfrom(rondo_loop *loop, rondo_fd s, void *data,
                                       size_t size, rondo_recvfrom_fn done,
                                       void *arg);

/** Sends all of the bytes. The result is size. With an error some may have been
 * sent. There is no SIGPIPE. As loop.sock_sendall; see send(2). */
RONDO_API rondo_id rondo_sock_sendall(rondo_loop *loop, rondo_fd s,
                                      const void *data, size_t size,
                                      rondo_done_fn done, void *arg);

/** Sends a datagram. The result is size. As loop.sock_sendto; see sendto(2). */
RONDO_API rondo_id rondo_sock_sendto(rondo_loop *loop, rondo_fd s,
                                     const void *data, size_t size,
                                     const rondo_address *to,
                                     rondo_done_fn done, void *arg);

/** Connects. The result is 0; RONDO_EBUSY: a unix socket's backlog is full.
 * After a cancel the connecting goes on in the kernel, and calling again waits
 * for it. As loop.sock_connect; see connect(2). */
RONDO_API rondo_id rondo_sock_connect(rondo_loop *loop, rondo_fd s,
                                      const rondo_address *to,
                                      rondo_done_fn done, void *arg);

/** Gets an accepted socket, which is the program's: non-blocking and
 * close-on-exec. peer is lent for the call. With an error they are RONDO_NO_FD
 * and NULL. */
typedef void (*rondo_accept_fn)(rondo_loop *loop, void *arg, rondo_fd socket,
                                const rondo_address *peer, int error);

/** Accepts a connection. As loop.sock_accept; see accept(2). */
RONDO_API rondo_id rondo_sock_accept(rondo_loop *loop, rondo_fd s,
                                     rondo_accept_fn done, void *arg);

/**
 * Sends a part of a file, as rondo_transport_sendfile does. After an error the
 * file's position is behind what was sent. An error of the file while it is
 * sent is told by done. As loop.sock_sendfile.
 *
 * Returns an id, or an error of this section or of the file:
 * - RONDO_EBADF: the file is not open for reading
 * - RONDO_EINVAL: a negative number, a directory or a socket as the file, or
 *   not a stream socket to send to
 */
RONDO_API rondo_id rondo_sock_sendfile(rondo_loop *loop, rondo_fd s,
                                       rondo_fd file, int64_t offset,
                                       int64_t size, rondo_done_fn done,
                                       void *arg);

/* ---- 12. files ---------------------------------------------------------- */
/* Stability: young; since 0.1. */

/*
 * Files are read and written on threads of the loop, at most four, with every
 * backend. A slow disk delays neither the loop nor jobs nor look-ups. This
 * section's rules:
 *
 * - Each call starts an operation and returns its id. done is called once, from
 *   the loop.
 * - On an error nothing has begun: RONDO_EINVAL (no done, or an invalid
 *   number), or the system's error if there is no thread and none can be
 *   started.
 * - Bytes, a rondo_file_info and room for a text are lent until done is called.
 *   Paths and the arrays of buffers are copied.
 * - rondo_cancel prevents an operation that has not begun: its done gets
 *   RONDO_ECANCELED, and nothing has happened. An operation that has begun goes
 *   on, and its done gets its real result. rondo_loop_close does the same to
 *   all of them, and waits for those that have begun.
 * - In a forked child (rondo_loop_after_fork) each operation gets
 *   RONDO_EFORKED: the parent's thread may have carried it out.
 * - Operations run at the same time and end in any order, also those on one
 *   file. Two kinds run one after another in the order in which they were
 *   started: those on a file opened with RONDO_FILE_IN_ORDER, and those at
 *   RONDO_FILE_CURRENT of one file.
 * - On Unix a path is any bytes, on Windows it is UTF-8.
 * - A path that does not exist is RONDO_ENOENT. Further errors are
 *   RONDO_EACCES, RONDO_ENOTDIR, RONDO_ELOOP, RONDO_ENAMETOOLONG, RONDO_EROFS,
 *   RONDO_EIO and others of the system's.
 */

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
    RONDO_FILE_READ = 1 << 0,  /**< for reading */
    RONDO_FILE_WRITE = 1 << 1, /**< for writing */
    /** for writing, each time at the end: see rondo_file_write */
    RONDO_FILE_APPEND = 1 << 2,
    RONDO_FILE_CREATE = 1 << 3, /**< create it unless it exists */
    /** with CREATE: RONDO_EEXIST if it exists */
    RONDO_FILE_EXCLUSIVE = 1 << 4,
    RONDO_FILE_TRUNCATE = 1 << 5, /**< remove its content */
    RONDO_FILE_IN_ORDER = 1 << 6, /**< one operation after another */
    /** A directory, for rondo_file_list and as the start of rondo_file_open_at;
     * only READ and IN_ORDER go with it. What is not a directory is
     * RONDO_ENOTDIR. It can be examined, changed and synced. */
    RONDO_FILE_AS_DIRECTORY = 1 << 7,
    RONDO_FILE_NO_FOLLOW = 1 << 8 /**< a symbolic link is RONDO_ELOOP */
} rondo_file_flags;

/** The file's own position, which begins at 0 and moves behind what is read or
 * written there. The library keeps it; other processes do not share it. */
#define RONDO_FILE_CURRENT ((int64_t)-1)

/** What a path names. */
typedef enum rondo_file_type {
    RONDO_FILE_OTHER = 0, /**< a device, a pipe, a socket */
    RONDO_FILE_REGULAR,   /**< a regular file */
    RONDO_FILE_DIRECTORY, /**< a directory */
    RONDO_FILE_SYMLINK    /**< a symbolic link */
} rondo_file_type;

/** What rondo_file_stat and rondo_fs_stat fill in. Set size first
 * (RONDO_FILE_INFO_INIT). Times are nanoseconds since 1970. See stat(2). */
typedef struct rondo_file_info {
    size_t size;          /**< The size of this struct: set it first. */
    rondo_file_type type; /**< what it is */
    unsigned mode;        /**< permission bits; on Windows made up */
    int64_t bytes;        /**< the length of the file */
    int64_t accessed_ns, modified_ns, changed_ns; /**< times, since 1970 */
    /** as st_dev, st_ino, st_nlink of stat(2) */
    uint64_t device, number, links;
    int64_t uid, gid; /**< -1: the system has none */
} rondo_file_info;

/** Gets an opened file; NULL with an error. */
typedef void (*rondo_file_fn)(rondo_loop *loop, void *arg, rondo_file *file,
                              int error);

/** Tells how many bytes were read or written. error is 0: count is what was
 * asked for, or less at the end of a file; else it says why not all. */
typedef void (*rondo_file_io_fn)(rondo_loop *loop, void *arg, size_t count,
                                 int error);

/**
 * Opens a file, with rondo_file_flags. mode is the permissions of a file that
 * is created, less the umask; 0: 0666. (Windows: a file without 0222 is
 * read-only.) Child processes do not inherit it. An open file does not keep
 * rondo_loop_run going.
 *
 * The program closes the file (rondo_file_close), also if the open was
 * cancelled and done gets a file all the same. rondo_loop_close closes those
 * that are open.
 *
 * Returns an id, or RONDO_EINVAL: flags that do not go together (none of READ,
 * WRITE and APPEND; EXCLUSIVE without CREATE; TRUNCATE without WRITE or
 * APPEND), or a mode beyond 07777. Errors of done:
 * - RONDO_EISDIR, RONDO_EEXIST, RONDO_EMFILE
 * - RONDO_ENOTSUP: a pipe or a socket, for which a thread would have to wait
 * - the errors of this section
 *
 * See open(2).
 */
RONDO_API rondo_id rondo_file_open(rondo_loop *loop, const char *path,
                                   unsigned flags, unsigned mode,
                                   rondo_file_fn done, void *arg);

/**
 * Reads into count rooms, one after another, from the byte at position on (or
 * at RONDO_FILE_CURRENT), until they are full or the file ends. If it fails
 * after some bytes, done gets their count and the error.
 *
 * A file without positions (a terminal, some devices) is read at
 * RONDO_FILE_CURRENT only, and once: done gets what it has now, or RONDO_EAGAIN
 * if that is nothing.
 *
 * Errors:
 * - RONDO_EBADF: the file was not opened for reading
 * - RONDO_ECLOSED: the file is being closed; so it is for all calls below
 *
 * See pread(2).
 */
RONDO_API rondo_id rondo_file_read(rondo_file *file, int64_t position,
                                   const rondo_room *rooms, size_t count,
                                   rondo_file_io_fn done, void *arg);

/**
 * Writes all bytes of count buffers, one after another, from position on. If it
 * fails after some bytes, done gets their count and the error. There is no
 * SIGXFSZ.
 *
 * In a file opened with RONDO_FILE_APPEND the position must be
 * RONDO_FILE_CURRENT, and the bytes go to the end of the file, wherever that is
 * then.
 *
 * A loop that closes cancels writes that have not begun: each is
 * RONDO_ECANCELED, and nothing of it is in the file. A program that wants all of
 * them in the file closes the file first, and the loop in that done, or after
 * it.
 *
 * Errors:
 * - RONDO_EBADF: the file was not opened for writing
 * - RONDO_EINVAL: another position in a file opened with RONDO_FILE_APPEND
 * - RONDO_ENOSPC, RONDO_EFBIG and others of the system's
 *
 * rondo_loop_close does not begin a write that has not begun: it ends with
 * RONDO_ECANCELED, and nothing of it is in the file. A program that needs all
 * writes in the file closes the file first, and closes the loop in the done of
 * that, or later.
 *
 * See pwrite(2).
 */
RONDO_API rondo_id rondo_file_write(rondo_file *file, int64_t position,
                                    const rondo_buffer *buffers, size_t count,
                                    rondo_file_io_fn done, void *arg);

/** Waits until what was written is on the disk: the bytes, and what is needed
 * to read them; with only_data false also the times. It covers writes whose
 * done was called, and with RONDO_FILE_IN_ORDER all writes before it. The
 * result is 0. See fsync(2), fdatasync(2); macOS: F_FULLFSYNC. */
RONDO_API rondo_id rondo_file_sync(rondo_file *file, bool only_data,
                                   rondo_done_fn done, void *arg);

/** Examines a file: fills in *info before done gets 0. After an error *info has
 * not changed. See fstat(2). */
RONDO_API rondo_id rondo_file_stat(rondo_file *file, rondo_file_info *info,
                                   rondo_done_fn done, void *arg);

/** Sets the file's length to size: cuts it, or appends zeros. The result is 0.
 * See ftruncate(2). */
RONDO_API rondo_id rondo_file_truncate(rondo_file *file, int64_t size,
                                       rondo_done_fn done, void *arg);

/**
 * Closes the file once all its operations have ended. No other call can be made
 * on it from now on, but rondo_cancel can still prevent operations that wait.
 * It needs no memory and cannot be cancelled. done may be NULL. The pointer is
 * valid until done is called, or would be called.
 *
 * The result is 0 or an error of close(2); the file is closed in both cases.
 * Returns an id, or RONDO_ECLOSED: the file is being closed already.
 */
RONDO_API rondo_id rondo_file_close(rondo_file *file, rondo_done_fn done,
                                    void *arg);

/** Returns the descriptor or (overlapped) HANDLE, still the file's; RONDO_NO_FD
 * once the file is being closed. It is for rondo_transport_sendfile and other
 * calls; the file must stay open while they use it. */
RONDO_API rondo_fd rondo_file_fd(const rondo_file *file);

/** Examines what a path names; a symbolic link is followed. Otherwise as
 * rondo_file_stat. See stat(2). */
RONDO_API rondo_id rondo_fs_stat(rondo_loop *loop, const char *path,
                                 rondo_file_info *info, rondo_done_fn done,
                                 void *arg);

/** Examines what a path names, as rondo_fs_stat, but of a symbolic link the
 * link itself. See lstat(2). */
RONDO_API rondo_id rondo_fs_lstat(rondo_loop *loop, const char *path,
                                  rondo_file_info *info, rondo_done_fn done,
                                  void *arg);

/** Renames a file, replacing a file that has the new name. The result is 0.
 * Errors: RONDO_EXDEV; on Windows RONDO_EACCES if the file to replace is open.
 * See rename(2). */
RONDO_API rondo_id rondo_fs_rename(rondo_loop *loop, const char *from,
                                   const char *to, rondo_done_fn done,
                                   void *arg);

/** Removes a name of a file. The result is 0. Of a directory it is
 * RONDO_EISDIR, on every system. See unlink(2). */
RONDO_API rondo_id rondo_fs_unlink(rondo_loop *loop, const char *path,
                                   rondo_done_fn done, void *arg);

/** Makes a directory. mode 0 is 0777. The result is 0, or RONDO_EEXIST. See
 * mkdir(2). */
RONDO_API rondo_id rondo_fs_mkdir(rondo_loop *loop, const char *path,
                                  unsigned mode, rondo_done_fn done, void *arg);

/** Removes an empty directory. The result is 0, or RONDO_ENOTEMPTY. See
 * rmdir(2). */
RONDO_API rondo_id rondo_fs_rmdir(rondo_loop *loop, const char *path,
                                  rondo_done_fn done, void *arg);

/**
 * Makes a symbolic link to target. The result is 0. On Windows it is a link to
 * a directory if target is one now, else to a file. Errors:
 * - RONDO_EPERM: Windows: the process may not make links; it may in developer
 *   mode, and as administrator
 * - RONDO_ENOTSUP: the system has no links
 *
 * See symlink(2).
 */
RONDO_API rondo_id rondo_fs_symlink(rondo_loop *loop, const char *target,
                                    const char *path, rondo_done_fn done,
                                    void *arg);

/**
 * Reads the target of a symbolic link into text, with a NUL byte. The result is
 * the number of bytes before it. Errors:
 * - RONDO_ETOOMUCH: room bytes are not enough
 * - RONDO_EINVAL: not a symbolic link
 *
 * See readlink(2).
 */
RONDO_API rondo_id rondo_fs_readlink(rondo_loop *loop, const char *path,
                                     char *text, size_t room,
                                     rondo_done_fn done, void *arg);

/* ---- 13. files: attributes, locks, copies, directories, trees ----------- */
/* Stability: young; since 0.1. */

/*
 * The rules of section 12 hold. RONDO_EINVAL is also returned for unknown
 * flags, and for an option struct without a size.
 */

/* What holds for all calls of section 12 holds here, too. RONDO_EINVAL also for
 * unknown flags, and for an option struct without a size. */

/** What rondo_file_change and rondo_fs_change set. */
enum rondo_changes {
    RONDO_CHANGE_MODE = 1 << 0,  /**< the permissions */
    RONDO_CHANGE_OWNER = 1 << 1, /**< user and group */
    RONDO_CHANGE_TIMES = 1 << 2, /**< the two times */
    /** By path: of a symbolic link itself. On Linux it has no mode of its own:
     * RONDO_ENOTSUP. */
    RONDO_CHANGE_LINK = 1 << 3
};

/** Times of a rondo_file_changes: as it was, and now. */
#define RONDO_TIME_KEEP INT64_MIN
#define RONDO_TIME_NOW  INT64_MAX

/** What to change of a file. Set size first (RONDO_FILE_CHANGES_INIT). */
typedef struct rondo_file_changes {
    size_t size;      /**< The size of this struct: set it first. */
    unsigned changes; /**< bits of rondo_changes */
    /** Permission bits, at most 07777. Windows: without 0222 the file is
     * read-only; other bits have no effect. */
    unsigned mode;
    int64_t uid, gid; /**< -1: as it was. See RONDO_CAN_FILE_OWNERS */
    int64_t accessed_ns, modified_ns; /**< since 1970 */
} rondo_file_changes;

/** Changes mode, owner and times of a file, as far as asked for: the owner
 * first, then the mode, then the times. After an error those before it are
 * changed. The struct is copied. The result is 0. See fchmod(2), fchown(2),
 * futimens(3). */
RONDO_API rondo_id rondo_file_change(rondo_file *file,
                                     const rondo_file_changes *changes,
                                     rondo_done_fn done, void *arg);

/** Changes mode, owner and times by path, otherwise as rondo_file_change. See
 * chmod(2), lchown(2), utimensat(2). */
RONDO_API rondo_id rondo_fs_change(rondo_loop *loop, const char *path,
                                   const rondo_file_changes *changes,
                                   rondo_done_fn done, void *arg);

/**
 * Gives a file one more name on the same file system. The result is 0. Errors:
 * - RONDO_EEXIST, RONDO_EXDEV
 * - RONDO_EPERM: a directory (Windows: RONDO_EACCES)
 *
 * See link(2).
 */
RONDO_API rondo_id rondo_fs_link(rondo_loop *loop, const char *path,
                                 const char *name, rondo_done_fn done,
                                 void *arg);

/** What rondo_fs_access asks for. 0: whether the path exists. */
enum rondo_access {
    RONDO_ACCESS_READ = 1 << 0,   /**< may it be read */
    RONDO_ACCESS_WRITE = 1 << 1,  /**< may it be written */
    RONDO_ACCESS_EXECUTE = 1 << 2 /**< may it be executed */
};

/** Asks whether the process may access a file, for its real user. The result is
 * 0: it may do all of that; else RONDO_EACCES or RONDO_EROFS. On Windows only
 * writing to a read-only file is RONDO_EACCES. See access(2). */
RONDO_API rondo_id rondo_fs_access(rondo_loop *loop, const char *path,
                                   unsigned access, rondo_done_fn done,
                                   void *arg);

/** Writes the absolute path, without links, "." and "..", with a NUL byte. The
 * result is the number of bytes before it; RONDO_ETOOMUCH: room bytes are not
 * enough. See realpath(3). */
RONDO_API rondo_id rondo_fs_realpath(rondo_loop *loop, const char *path,
                                     char *text, size_t room,
                                     rondo_done_fn done, void *arg);

/** What rondo_fs_space fills in. Set size first (RONDO_SPACE_INFO_INIT). */
typedef struct rondo_space_info {
    size_t size;           /**< The size of this struct: set it first. */
    uint64_t block_bytes;  /**< the unit of allocation. 0: not known */
    uint64_t total_bytes;  /**< the size of the file system */
    uint64_t free_bytes;   /**< free bytes */
    uint64_t usable_bytes; /**< free bytes for this user */
    uint64_t files;        /**< the most files. 0: no such limit */
    uint64_t free_files;   /**< files that can be added */
} rondo_space_info;

/** Gets the size of the file system of a path and how full it is: fills in
 * *space before done gets 0. See statvfs(3). */
RONDO_API rondo_id rondo_fs_space(rondo_loop *loop, const char *path,
                                  rondo_space_info *space, rondo_done_fn done,
                                  void *arg);

/** Makes a directory and the missing ones above it. mode is that of
 * rondo_fs_mkdir, for all of them. The result is 0, also if the directory
 * exists; RONDO_EEXIST: the path is something else. As os.makedirs. */
RONDO_API rondo_id rondo_fs_make_path(rondo_loop *loop, const char *path,
                                      unsigned mode, rondo_done_fn done,
                                      void *arg);

/** How many characters a temporary name has behind its prefix. */
enum { RONDO_TEMPORARY_CHARACTERS = 12 /**< characters */ };

/**
 * Makes and opens a file that only this user can read, with random characters
 * behind prefix ("/tmp/thing-"), for reading and writing. flags is
 * RONDO_FILE_APPEND, RONDO_FILE_IN_ORDER or 0. rondo_file_path has its name;
 * the program unlinks it. RONDO_EEXIST is practically impossible. See
 * mkstemp(3).
 */
RONDO_API rondo_id rondo_file_open_temporary(rondo_loop *loop,
                                             const char *prefix, unsigned flags,
                                             rondo_file_fn done, void *arg);

/** Makes a directory that only this user can read, with random characters
 * behind prefix, and writes its path to text before it returns. room must be
 * enough for prefix, RONDO_TEMPORARY_CHARACTERS and a NUL byte, else
 * RONDO_EINVAL. The result is 0. See mkdtemp(3). */
RONDO_API rondo_id rondo_fs_mkdir_temporary(rondo_loop *loop,
                                            const char *prefix, char *text,
                                            size_t room, rondo_done_fn done,
                                            void *arg);

/** Returns the path that the file was opened by, valid until it is closed;
 * NULL: no file. */
RONDO_API const char *rondo_file_path(const rondo_file *file);

/**
 * Opens a file as rondo_file_open, by a path that begins at an open directory
 * (RONDO_FILE_AS_DIRECTORY), also if that was renamed. The program may close
 * the directory at once: it stays open until this has ended. Windows looks up
 * the directory's path first, which may change before the open. Errors of
 * rondo_file_open; RONDO_EINVAL: not a directory. See openat(2).
 */
RONDO_API rondo_id rondo_file_open_at(rondo_file *directory, const char *path,
                                      unsigned flags, unsigned mode,
                                      rondo_file_fn done, void *arg);

/** Makes sure that the disk has room for size bytes from position on; the file
 * then has at least that length. The result is 0, RONDO_ENOSPC, or
 * RONDO_ENOTSUP: the file system cannot. See posix_fallocate(3); macOS:
 * F_PREALLOCATE. */
RONDO_API rondo_id rondo_file_allocate(rondo_file *file, int64_t position,
                                       int64_t size, rondo_done_fn done,
                                       void *arg);

/** How a part of a file will be used. */
typedef enum rondo_advice {
    RONDO_ADVICE_NORMAL = 0, /**< no advice */
    RONDO_ADVICE_SEQUENTIAL, /**< from its beginning to its end */
    RONDO_ADVICE_RANDOM,     /**< in any order */
    RONDO_ADVICE_WILL_NEED,  /**< soon: read it ahead */
    RONDO_ADVICE_DONT_NEED   /**< not again: drop it from the cache */
} rondo_advice;

/** Tells the system how a part of a file will be used. size 0: to the end. A
 * system without such a call ignores it. The result is 0. See
 * posix_fadvise(2). */
RONDO_API rondo_id rondo_file_advise(rondo_file *file, int64_t position,
                                     int64_t size, rondo_advice advice,
                                     rondo_done_fn done, void *arg);

/** How rondo_file_lock locks. */
enum rondo_lock_flags {
    RONDO_LOCK_SHARED = 1 << 0, /**< a shared lock; else an exclusive one */
    RONDO_LOCK_WAIT = 1 << 1    /**< wait until the lock is free */
};

/**
 * Locks size bytes from position on (0: all from there on) against other opened
 * files of this process and of others. An exclusive lock needs a file that is
 * open for writing, a shared lock one that is open for reading (RONDO_EBADF).
 * rondo_file_unlock with the same numbers, or closing the file, ends the lock.
 * The result is 0; RONDO_EBUSY: another file has a lock there, and
 * RONDO_LOCK_WAIT is not set.
 *
 * With RONDO_LOCK_WAIT the lock is tried again, at most 16 ms apart, without a
 * thread that waits. rondo_cancel ends that with RONDO_ECANCELED, and nothing
 * is locked. Deadlocks are not detected: two files that wait for each other
 * wait forever.
 *
 * Linux and macOS: fcntl(2) with F_OFD_SETLK. Other Unix: flock(2), so the
 * whole file only (position and size 0), else RONDO_ENOTSUP
 * (RONDO_CAN_LOCK_RANGES). Windows: LockFileEx; other files cannot read or
 * write what is locked.
 */
RONDO_API rondo_id rondo_file_lock(rondo_file *file, int64_t position,
                                   int64_t size, unsigned flags,
                                   rondo_done_fn done, void *arg);
/** Ends a lock of rondo_file_lock with the same position and size. The result
 * is 0. */
RONDO_API rondo_id rondo_file_unlock(rondo_file *file, int64_t position,
                                     int64_t size, rondo_done_fn done,
                                     void *arg);

/** How rondo_fs_copy copies. */
enum rondo_copy_flags {
    RONDO_COPY_EXCLUSIVE = 1 << 0, /**< RONDO_EEXIST if `to` exists */
    RONDO_COPY_CLONE = 1 << 1      /**< share the blocks, or RONDO_ENOTSUP */
};

/**
 * Copies a regular file with its mode. `to` appears when all is copied: until
 * then the bytes are in a file beside it, whose name is ".copy-" and random
 * characters. A copy that fails or is cancelled leaves `to` as it was; so does
 * a copy of a file to itself. If `to` is a link, the link is replaced. The
 * kernel copies where it can: FICLONE and copy_file_range(2), CopyFileEx.
 *
 * The result is the number of bytes. rondo_cancel ends also a copy that has
 * begun: RONDO_ECANCELED, and nothing has happened. Errors:
 * - RONDO_EISDIR: `from` or `to` is a directory
 * - RONDO_ENOTSUP: one of them is a pipe, a device or a socket; or with
 *   RONDO_COPY_CLONE: the file system cannot share blocks, or the system has no
 *   such call
 */
RONDO_API rondo_id rondo_fs_copy(rondo_loop *loop, const char *from,
                                 const char *to, unsigned flags,
                                 rondo_done_fn done, void *arg);

/** An entry of a directory, lent for the callback. */
typedef struct rondo_dir_entry {
    const char *name;     /**< its name */
    rondo_file_type type; /**< what it is */
    /** of the entry itself. NULL: not asked for */
    const rondo_file_info *info;
    const void *reserved[2]; /**< NULL: for later members */
} rondo_dir_entry;

/** Gets count entries, in no order. No entries and no error: the directory has
 * no more. */
typedef void (*rondo_list_fn)(rondo_loop *loop, void *arg,
                              const rondo_dir_entry *entries, size_t count,
                              int error);

/** Flags of rondo_file_list and rondo_walk_options. */
enum rondo_list_flags { RONDO_LIST_INFO = 1 << 0 /**< examine each entry */ };

/**
 * Reads the next entries of a directory (RONDO_FILE_AS_DIRECTORY), at most
 * `most` (0: 128), without "." and "..". Each call goes on where the one before
 * has ended. Entries that are added or removed meanwhile may be there or not.
 * done may get some entries with an error. On Windows the info has no device
 * and links.
 *
 * Errors:
 * - RONDO_ENOTDIR: not opened as a directory
 * - RONDO_EINVAL: most is more than a million
 *
 * As os.scandir; see readdir(3).
 */
RONDO_API rondo_id rondo_file_list(rondo_file *directory, unsigned flags,
                                   size_t most, rondo_list_fn done, void *arg);

/** How rondo_fs_walk walks. Set size first (RONDO_WALK_OPTIONS_INIT); all else
 * may be 0. */
typedef struct rondo_walk_options {
    size_t size;    /**< The size of this struct: set it first. */
    unsigned flags; /**< RONDO_WALK_FOLLOW, RONDO_LIST_INFO */
    unsigned most;  /**< directories that are read at the same time. 0: 4 */
} rondo_walk_options;

/** Flags of rondo_walk_options, beside those of rondo_file_list. */
enum {
    /** Goes also into directories that a symbolic link leads to. A directory that
     * contains itself is told once more, with RONDO_ELOOP, and not entered. */
    RONDO_WALK_FOLLOW = 1 << 8
};

/** What a walk has found, lent for the callback. */
typedef struct rondo_walk_entry {
    size_t size;      /**< of this struct */
    const char *path; /**< the path of the walk, then the names to the entry */
    const char *name; /**< the last name of the path */
    rondo_file_type type; /**< what it is */
    int error; /**< a directory, told before, cannot be read (to its end) */
    unsigned depth;              /**< 1: what is in the directory of the walk */
    const rondo_file_info *info; /**< NULL: not asked for */
} rondo_walk_entry;

/** Gets an entry. It returns whether to go into it, if it is a directory (or a
 * link, with RONDO_WALK_FOLLOW); for other entries the result is ignored. */
typedef bool (*rondo_walk_fn)(rondo_loop *loop, void *arg,
                              const rondo_walk_entry *entry);

/**
 * Calls `each` for everything below a directory, in no order, except that a
 * directory comes before what is in it. A directory that cannot be read is told
 * with its error, and the walk goes on. Links are followed only if asked for. A
 * path may be longer than the system's calls take.
 *
 * The result of done is the number of calls without an error, or why the
 * directory of the walk could not be opened. rondo_cancel, also in `each`, ends
 * the walk: `each` is not called any more, and done gets RONDO_ECANCELED.
 * RONDO_EFORKED and RONDO_ENOMEM end it, too. As os.walk; see fts(3).
 */
RONDO_API rondo_id rondo_fs_walk(rondo_loop *loop, const char *path,
                                 const rondo_walk_options *options,
                                 rondo_walk_fn each, rondo_done_fn done,
                                 void *arg);

/**
 * Removes a file, a link, or a directory with all that is in it. No link is
 * followed, also if one takes the place of a directory meanwhile. The result is
 * 0.
 *
 * The first error ends it; what was removed until then is gone. rondo_cancel
 * ends it in the middle with RONDO_ECANCELED, which differs from the rules of
 * section 12.
 *
 * Errors:
 * - RONDO_EINVAL: the path is a root, or ends in "." or ".."; nothing has begun
 * - RONDO_EBUSY: a directory was moved away meanwhile
 * - RONDO_ENOENT
 *
 * As shutil.rmtree.
 */
RONDO_API rondo_id rondo_fs_remove_tree(rondo_loop *loop, const char *path,
                                        rondo_done_fn done, void *arg);

/* ---- 14. pumps ---------------------------------------------------------- */
/* Stability: young; since 0.1. */

/** How a pump treats its ends. */
enum rondo_pump_flags {
    RONDO_PUMP_KEEP_OPEN = 1 << 0 /**< `to` is not ended when `from` ends */
};

/** Tells how a pump has ended. moved is how many bytes `to`, or its write
 * buffer, was given. */
typedef void (*rondo_pump_fn)(rondo_loop *loop, void *arg, uint64_t moved,
                              int error);

/**
 * Moves what `from` receives to `to`, until `from` ends or size bytes have gone
 * (-1: no limit). Two pumps make a proxy. The two transports may be one, which
 * then sends back what it receives.
 *
 * Between TCP transports without filters Linux moves the bytes by splice(2), so
 * that they do not enter the process (with io_uring except those that it had read
 * before). Elsewhere they go through its memory. Either way `from` is read no faster than `to` sends.
 *
 * A program that starts the pump later than in connection_made pauses reading
 * first: bytes that come before belong to the protocol of `from`, and are
 * dropped if it has no data_received.
 *
 * While the pump runs, the data_received, get_buffer and eof_received of `from`
 * are not called; all other callbacks are. Its reading may be paused. To `to`
 * nothing else can be written (RONDO_EBUSY). No filter can be pushed on either.
 * Bytes that `from` has not delivered before go first; bytes after the first
 * size bytes are its protocol's.
 *
 * done is called once, from the loop, before the protocol gets bytes of `from`
 * again. Its error is
 * - 0: all has been given to `to`. If `from` has ended, `to` gets the end, too,
 *   by rondo_transport_write_eof, unless RONDO_PUMP_KEEP_OPEN is set. Both
 *   transports stay open; `from` has ended without eof_received.
 * - RONDO_ECLOSED: the program has closed a transport; the other one goes on
 * - RONDO_ECANCELED: rondo_cancel has ended the pump, and the bytes that it has
 *   are with `to`
 * - RONDO_EFORKED: see below
 * - another error: that of the transport that was lost, which its
 *   connection_lost gets, too; the other one goes on
 *
 * In a forked child the pump has a copy of its bytes, if rondo_loop_after_fork
 * is called before the parent's loop runs; else `to` ends there with
 * RONDO_EFORKED.
 *
 * Returns an id, or an error:
 * - RONDO_EINVAL: two loops, size 0, or no done
 * - RONDO_ECLOSED
 * - RONDO_ENOTCONN: before connection_made
 * - RONDO_EOF: `from` has ended, or only writes
 * - RONDO_EPIPE: `to` only reads, or was ended
 * - RONDO_EBUSY: `from` or `to` has a pump, or `to` a sendfile
 * - RONDO_ENOMEM
 */
RONDO_API rondo_id rondo_pump(rondo_transport *from, rondo_transport *to,
                              int64_t size, unsigned flags, rondo_pump_fn done,
                              void *arg);

/* ---- 15. groups: loops on several threads ------------------------------- */
/* Stability: young; since 0.1. */

/**
 * A number of loops, each on a thread of its own, and a home loop that has made
 * them. The clients of a group's server are spread over the loops. A client
 * belongs to one loop at a time: its protocol is called on that loop's thread,
 * one call after another, as with any loop. The program protects what several
 * loops use, such as the arg of a server.
 *
 * The functions of a group are called on the home loop's thread, except where a
 * comment says "Any thread". Each `done` comes from the home loop, except that
 * of rondo_group_move.
 *
 * In a forked child the threads do not exist. All functions return
 * RONDO_EFORKED, also after rondo_loop_after_fork of the home loop; that ends
 * the group, and each `done` that waits gets RONDO_EFORKED. What the group's
 * loops had open (clients, and listening sockets) stays open in the child until
 * it ends or executes another program: until then a peer of the parent sees no
 * end when the parent closes. As Netty's EventLoopGroup.
 */
typedef struct rondo_group rondo_group;

/** A server whose clients are spread over a group's loops. */
typedef struct rondo_group_server rondo_group_server;

/** How a group is made. Begin with RONDO_GROUP_OPTIONS_INIT. */
typedef struct rondo_group_options {
    size_t size;
    /** How many loops, up to 1,024. 0: one for each core that the process may
     * use, by its affinity and (Linux) the CPU quota of its cgroup. */
    unsigned loops;
    /** Pins the i-th thread to the i-th core that the process may use, in turn;
     * on Linux also the threads that its loop starts for jobs and files.
     * RONDO_ENOTSUP where RONDO_CAN_PIN_THREADS is false. */
    rondo_switch pin;
    /** How each loop is made, lent for the call. NULL: the defaults. All
     * threads call the allocator at the same time, and one may free what
     * another has allocated. */
    const rondo_loop_options *loop;
    /** A loop has ended although the group is not closing: its run has failed
     * with this error (rondo_last_error has the sentence), or, with error 0,
     * the program has stopped it. It was ended as by rondo_loop_close. The
     * other loops go on and get all new clients; posts to it are
     * RONDO_ECLOSED. It is called from the home loop. NULL: the home loop's
     * exception handler is told. */
    void (*loop_ended)(rondo_group *group, void *arg, size_t index, int error);
    void *arg; /**< given to loop_ended */
} rondo_group_options;

/**
 * Starts the threads and makes their loops; returns when all of them run. The
 * group keeps rondo_loop_run of the home loop going until it is closed.
 * rondo_loop_close of the home loop closes it, too. options may be NULL.
 *
 * Returns 0; or an error, and no thread is left:
 * - RONDO_EINVAL
 * - RONDO_ENOTSUP: pin, or the backend
 * - RONDO_EMFILE, RONDO_ENOMEM
 * - RONDO_EAGAIN: no more threads can be started
 */
RONDO_API RONDO_MUST_CHECK int rondo_create_group(
    rondo_loop *home, const rondo_group_options *options, rondo_group **group);

/** Returns how many loops the group was made with. Any thread. */
RONDO_API size_t rondo_group_size(const rondo_group *group);

/** Returns the home loop. Any thread. */
RONDO_API rondo_loop *rondo_group_home(const rondo_group *group);

/** Returns the index of a loop in the group, from 0; RONDO_ENOENT: it is not in
 * the group. Any thread. */
RONDO_API int rondo_group_index(rondo_group *group, const rondo_loop *loop);

/**
 * Calls fn(loop, arg) on the loop of that index, as rondo_call_soon_threadsafe
 * does. Any thread.
 *
 * Returns 0, or an error:
 * - RONDO_ECLOSED: the loop has ended
 * - RONDO_EINVAL: there is no such loop
 * - RONDO_ENOMEM
 */
RONDO_API int rondo_group_post(rondo_group *group, size_t index, rondo_fn fn,
                               void *arg);

/** Called from a loop of the group, on its thread. */
typedef int64_t (*rondo_group_fn)(rondo_loop *loop, size_t index, void *arg);

/**
 * Calls fn once on each loop, at the same time, behind what was posted before.
 * When all have returned, done gets the sum of their results; if some are below
 * 0, that of the loop with the lowest index; RONDO_ETIMEDOUT: a loop was given
 * up by rondo_group_close. A loop that has ended counts as 0; one that ends now
 * calls fn before. done may be NULL.
 *
 * Returns 0, RONDO_ENOMEM, or RONDO_ECLOSED: the group closes, or no loop is
 * left.
 */
RONDO_API int rondo_group_each(rondo_group *group, rondo_group_fn fn, void *arg,
                               rondo_done_fn done, void *done_arg);

/** Adds up the metrics of all loops. *sum is lent until done gets the number of
 * loops that were counted; set its size first. Returns as rondo_group_each.
 * See rondo_loop_get_metrics. */
RONDO_API int rondo_group_get_metrics(rondo_group *group,
                                      rondo_loop_metrics *sum,
                                      rondo_done_fn done, void *arg);

/** How clients come to the loops. */
typedef enum rondo_spread {
    /** by the kernel where it can and there is a port, else to the fewest */
    RONDO_SPREAD_DEFAULT = 0,
    /** Each loop listens at the same port, and the kernel chooses
     * (RONDO_CAN_REUSE_PORT): the least work for each client. */
    RONDO_SPREAD_BY_KERNEL,
    /** the home loop accepts, and hands clients to one loop after another */
    RONDO_SPREAD_IN_TURN,
    /** ... to the loop that has the fewest clients of this server */
    RONDO_SPREAD_TO_FEWEST
} rondo_spread;

/**
 * Listens, and serves clients on all loops of the group. options, protocol and
 * arg are those of rondo_create_server; strings are copied. protocol, setup and
 * protocol_factory are used on all threads; they see a rondo_server that is the
 * loop's part of this server. max_clients holds for each loop. The options
 * `closed` and `accepted` must be NULL, start_serving must not be off. server
 * may be NULL.
 *
 * The sockets listen when this returns. A loop that cannot take its part tells
 * its exception handler; the others serve. When a loop ends, its clients end
 * with it, and so do those in its own backlog (spread by the kernel).
 *
 * Returns 0, or an error:
 * - RONDO_EADDRINUSE: also if another process shares the port, unless
 *   reuse_port is on
 * - RONDO_ENOTSUP: a spread by the kernel without RONDO_CAN_REUSE_PORT, of a
 *   path or of a socket; a named pipe of Windows
 * - RONDO_ECLOSED: the group closes, or no loop is left
 * - the errors of rondo_create_server
 */
RONDO_API int rondo_group_serve(rondo_group *group,
                                const rondo_server_options *options,
                                rondo_spread spread,
                                const rondo_protocol *protocol, void *arg,
                                rondo_group_server **server);

/** Gets the i-th address that the server listens at. Returns as
 * rondo_server_address. */
RONDO_API int rondo_group_server_address(const rondo_group_server *server,
                                         size_t i, rondo_address *address);

/** Returns how many clients of the server the loop of that index has now; 0 for
 * an index beyond. Any thread. */
RONDO_API size_t rondo_group_server_clients(const rondo_group_server *server,
                                            size_t index);

/** Returns how the server's clients are spread. */
RONDO_API rondo_spread
rondo_group_server_spread(const rondo_group_server *server);

/**
 * Stops listening; the clients stay until they end. Clients that are left after
 * grace_ns are aborted with RONDO_ETIMEDOUT (0: at once; RONDO_NEVER: never).
 * Another call sets the time anew.
 *
 * done, which may be NULL, gets how many clients were aborted, once the last
 * client is gone; RONDO_ETIMEDOUT: a loop was given up by rondo_group_close.
 * The pointer is valid until done returns; without a done as long as the group.
 *
 * Returns 0, or an error:
 * - RONDO_EBUSY: another call with a done
 * - RONDO_EINVAL: a negative time
 * - RONDO_ENOMEM
 */
RONDO_API int rondo_group_server_close(rondo_group_server *server,
                                       int64_t grace_ns, rondo_done_fn done,
                                       void *arg);

/**
 * Moves a connection from the loop that has it to the loop of that index, to
 * balance the loops. It is called on the thread of the loop that has the
 * connection, in a callback of the connection or elsewhere. done may be NULL.
 *
 * The transport stays the same object, with its protocol, self, addresses,
 * limits and timeouts, paused or not. These go along: bytes that wait to be
 * sent (with their release functions and the done of each
 * rondo_transport_write_then), descriptors that wait, bytes that were read and
 * not delivered, a rondo_transport_drain (whose id is no longer valid), and the
 * server, as the other loop's part of the same rondo_group_server. An ordinary
 * rondo_server loses the client. max_clients is not checked.
 *
 * After a result of 0 nobody may call the transport until done(loop, arg,
 * result) is called, before any other callback of the connection. (Callbacks
 * that were due before are called by the old loop. On iocp the connection
 * leaves when the write that the kernel has is over.) The result of done is
 *
 * - 0: `loop` is the new loop, on whose thread all its callbacks come from now
 *   on
 * - RONDO_ECLOSED: `loop` is the old one, where it goes on as before: the new
 *   loop has ended, or the server closes
 * - another error: the connection failed meanwhile (`loop` is the old one), or
 *   the new loop cannot take it (RONDO_ENOMEM, RONDO_EMFILE). connection_lost
 *   follows.
 *
 * Returns 0; or an error, and nothing has happened:
 * - RONDO_EINVAL: not a connection of the group; no such loop; or that loop has
 *   it
 * - RONDO_ENOTSUP: not a socket that the transport owns; with filters, which
 *   may use their loop; the connection of a rondo_reader or a process
 * - RONDO_EBUSY: it moves already, or a file or a pump is under way
 * - RONDO_ENOTCONN: before connection_made
 * - RONDO_ECLOSED: it closes, the group closes, or the loop has ended
 * - RONDO_ENOMEM
 */
RONDO_API int rondo_group_move(rondo_group *group, rondo_transport *t,
                               size_t index, rondo_done_fn done, void *arg);

/**
 * Closes all servers of the group, as rondo_group_server_close with grace_ns;
 * then ends each loop by rondo_loop_close, and its thread. Posts are taken
 * until a loop ends. Another call sets the time anew. While the home loop
 * closes, the same happens without grace.
 *
 * done gets 0 when all threads have ended; the pointer is valid until it
 * returns. done may be NULL if nothing but this function is given the pointer
 * any more. A loop that is in a callback when grace_ns is over is waited for,
 * by close_grace_ns of the home loop; then it is given up: done gets
 * RONDO_ETIMEDOUT, its thread ends alone once that callback returns, and what
 * its callbacks use must live until then.
 *
 * Returns 0, or an error:
 * - RONDO_EBUSY: another call with a done
 * - RONDO_EINVAL: a negative time
 * - RONDO_ENOMEM: nothing has happened
 */
RONDO_API int rondo_group_close(rondo_group *group, int64_t grace_ns,
                                rondo_done_fn done, void *arg);

/* ---- 16. watching files and directories --------------------------------- */
/* Stability: young; since 0.1. */

/** What a rondo_path_event tells: bits. */
enum rondo_path_what {
    /** the first event: from here on each change is told */
    RONDO_PATH_BEGUN = 1 << 0,
    /** More may have happened than is told: the system dropped events, memory
     * or descriptors ran out, or the process is a forked child. The program
     * must look at its files itself; what differs from before is told as
     * usual. */
    RONDO_PATH_OVERFLOW = 1 << 1,
    RONDO_PATH_CREATED = 1 << 2, /**< the path exists, and did not */
    RONDO_PATH_CHANGED = 1 << 3, /**< it was written to, or replaced */
    RONDO_PATH_REMOVED = 1 << 4, /**< the path does not exist any more */
    /** it was called `from`, with all below it */
    RONDO_PATH_RENAMED = 1 << 5,
    RONDO_PATH_ATTRIBUTES = 1 << 6, /**< permissions, owner and similar */
    /** the last event: the watch has ended because of `error` */
    RONDO_PATH_ENDED = 1 << 7
};

/** One event. The texts are lent for the callback. */
typedef struct rondo_path_event {
    size_t size;
    unsigned what; /**< bits of rondo_path_what */
    /** The watched path as it was given, or that path, "/" and the rest of the
     * path of a file below it. */
    const char *path;
    const char *from;     /**< RENAMED: the path before these events, or NULL */
    rondo_file_type type; /**< what it is, or was */
    bool more;            /**< the next event was seen at the same time */
    int error;            /**< ENDED: RONDO_E... */
} rondo_path_event;

/** Called for each event. */
typedef void (*rondo_path_fn)(rondo_loop *loop, void *arg,
                              const rondo_path_event *event);

/** How a path is watched. Begin with RONDO_PATH_OPTIONS_INIT, or
 * RONDO_PATH(.recursive = true). */
typedef struct rondo_path_options {
    size_t size;
    /** also all directories below it; links are not followed */
    bool recursive;
    /** "poll" looks at each file every interval_ns: for file systems that do
     * not tell of changes (network, FUSE, /proc). Else "inotify", "kqueue" or
     * "changes" (Windows). NULL: the system's, or "poll" if it has none
     * (RONDO_CAN_WATCH_PATHS). RONDO_ENOTSUP: not on this system. */
    const char *watcher;
    /** Changes within this time after a change are told as one, compared with
     * before. 0: as soon as a change is seen, but a rename 5 ms later, since
     * it is two changes. */
    int64_t settle_ns;
    int64_t interval_ns; /**< of "poll". 0: 1 s */
    bool may_be_missing; /**< watch also before it exists; else RONDO_ENOENT */
} rondo_path_options;

/**
 * Watches a file, or a directory and the files in it: calls fn for each change,
 * until rondo_cancel or RONDO_PATH_ENDED.
 *
 * It compares what is there with what was there before. If a file is written to
 * a thousand times before fn is called, one change is told; a file that came
 * and went is not told. So memory is bounded by the number of watched files,
 * about 200 bytes each.
 *
 * What is watched is the path:
 * - A file that is replaced by another one (an editor writes a new file and
 *   renames it) is told as one change.
 * - A watched path that is removed and made again is told as REMOVED and
 *   CREATED.
 * - A symbolic link at the path is followed.
 * - A new directory in a watched tree brings an event for each file in it; a
 *   renamed one brings one event for itself.
 * - A file that is moved out of the tree is removed.
 * - Not told: writes through a memory map; and the rename of a directory above
 *   the one that holds the path.
 *
 * One thread of the loop looks at the files of all its watches: a slow disk
 * delays other watches, and nothing else. rondo_loop_close waits for it. A
 * watch keeps rondo_loop_run going (rondo_set_background). rondo_set_release
 * sets what frees arg.
 *
 * Returns an id, or RONDO_EINVAL: an empty path, or a negative time. Errors of
 * RONDO_PATH_ENDED:
 * - RONDO_ENOENT, RONDO_EACCES, RONDO_ENOTDIR
 * - RONDO_ENOSPC, RONDO_EMFILE: a limit of the system, which rondo_last_error
 *   names ("inotify": a watch for each directory, "kqueue": a descriptor for
 *   each file)
 *
 * See inotify(7), kqueue(2) EVFILT_VNODE, ReadDirectoryChangesW, libuv's
 * uv_fs_event_t and uv_fs_poll_t.
 */
RONDO_API rondo_id rondo_watch_path(rondo_loop *loop, const char *path,
                                    const rondo_path_options *options,
                                    rondo_path_fn fn, void *arg);

/* ---- 17. the program's terminal ----------------------------------------- */
/* Stability: young; since 0.1. */

/** How a terminal hands over what is typed. */
typedef enum rondo_terminal_mode {
    RONDO_TERMINAL_NORMAL = 0, /**< as it was before the first change */
    /** lines that are not shown, such as passwords, nor the Enter at the end */
    RONDO_TERMINAL_NO_ECHO,
    RONDO_TERMINAL_RAW /**< each byte at once, also Ctrl-C; not shown */
} rondo_terminal_mode;

/**
 * A flag of rondo_terminal_set_mode: restores all terminals before a signal
 * ends or stops the process. The signals are SIGHUP, SIGINT, SIGQUIT, SIGTERM,
 * those of a crash, and SIGTSTP; when the process goes on after a stop, the
 * mode is set again. Only signals without a handler at the first such call are
 * caught; they stay caught. Windows: no effect.
 */
#define RONDO_TERMINAL_GUARD 1

/** Returns whether the descriptor is a terminal. Any thread. See isatty(3). */
RONDO_API bool rondo_is_terminal(rondo_fd fd);

/**
 * Sets the mode of a terminal (Windows: of a console's input), for all
 * processes that use it. Any thread. In raw mode "\n" is still written as a new
 * line. The descriptor stays the program's.
 *
 * exit(3) restores the mode from before the first change, unless the process is
 * in the background. RONDO_TERMINAL_NORMAL restores it, too, and closes the
 * descriptor that the library keeps meanwhile. A forked child does not restore
 * what its parent has changed.
 *
 * Returns 0, or an error:
 * - RONDO_EINVAL: not a terminal
 * - RONDO_EMFILE: eight other terminals have been changed
 *
 * See termios(3), SetConsoleMode; libuv's uv_tty_set_mode.
 */
RONDO_API int rondo_terminal_set_mode(rondo_fd fd, rondo_terminal_mode mode,
                                      unsigned flags);

/** Restores all terminals for now: before _exit(2), or before the program stops
 * itself. Any thread, and signal handlers. See libuv's uv_tty_reset_mode. */
RONDO_API void rondo_terminal_restore(void);

/** Gets the size of a terminal's window in characters; 0: not known. Any
 * thread. Returns 0, or RONDO_EINVAL: not a terminal. See TIOCGWINSZ of
 * ioctl_tty(2), GetConsoleScreenBufferInfo; libuv's uv_tty_get_winsize. */
RONDO_API int rondo_terminal_get_size(rondo_fd fd, unsigned *columns,
                                      unsigned *rows);

/** Gets the size of a terminal. With an error it is the last call: the terminal
 * is gone, and the size is 0. */
typedef void (*rondo_terminal_size_fn)(rondo_loop *loop, void *arg,
                                       unsigned columns, unsigned rows,
                                       int error);

/**
 * Calls fn from the loop with the terminal's size, and again after each change
 * of it, until rondo_cancel or an error. The descriptor stays the program's. A
 * watch keeps rondo_loop_run going (rondo_set_background). rondo_set_release
 * sets what frees arg.
 *
 * Unix: it uses SIGWINCH, which the kernel sends to the foreground processes of
 * a session's terminal; the program may handle it, too. Windows tells only
 * programs that read a console's input as records, so the loop looks each 250
 * ms.
 *
 * Returns an id, or RONDO_EINVAL: not a terminal. See libuv's SIGWINCH.
 */
RONDO_API rondo_id rondo_watch_terminal_size(rondo_loop *loop, rondo_fd fd,
                                             rondo_terminal_size_fn fn,
                                             void *arg);

/**
 * Returns how many colours the terminal shows: 0, 16, 256 or 16777216. It is 0
 * if the descriptor is not a terminal, or if the environment's NO_COLOR is not
 * empty. Any thread.
 *
 * Unix: it reads TERM and COLORTERM. Windows: it turns the sequences of virtual
 * terminals on until the process ends; 0 if there are none (before Windows 10
 * 1511).
 */
RONDO_API int rondo_terminal_colours(rondo_fd fd);

/* ---- 18. the machine ---------------------------------------------------- */
/* Stability: young; since 0.1. */

/**
 * Fills size bytes with random bytes of the system's generator, good enough for
 * keys: all of them, or none and an error. It blocks only while a machine that
 * has just started has no entropy yet. Any thread.
 *
 * Returns 0, RONDO_EINVAL, or RONDO_EMFILE or RONDO_ENOENT (an old Linux, where
 * it is a device). See getrandom(2), arc4random(3), BCryptGenRandom, libuv's
 * uv_random, os.urandom.
 */
RONDO_API RONDO_MUST_CHECK int rondo_random(void *data, size_t size);

/**
 * Writes the host's name in UTF-8 with a NUL byte. 256 bytes are always enough.
 * Any thread.
 *
 * Returns the number of bytes before the NUL; RONDO_ETOOMUCH: size bytes are
 * not enough, and name is "". See gethostname(3), GetComputerNameEx's
 * ComputerNameDnsHostname, libuv's uv_os_gethostname.
 */
RONDO_API int rondo_host_name(char *name, size_t size);

/** Returns how many processors the process may keep busy, at least 1: those
 * that it may run on, or fewer if a control group has a quota. Any thread. As
 * os.process_cpu_count, libuv's uv_available_parallelism. */
RONDO_API unsigned rondo_available_cores(void);

/**
 * Returns how many bytes of memory the process may use, together with all that
 * shares the limit; INT64_MAX: no limit. Any thread.
 *
 * Linux: the least memory.max or memory.high of its control groups, in version
 * 1 memory.limit_in_bytes. Windows: of its job object. Other systems:
 * RONDO_ENOTSUP. Limits of setrlimit(2) do not count. See cgroups(7), libuv's
 * uv_get_constrained_memory.
 */
RONDO_API int64_t rondo_memory_limit(void);

/** What a network interface is: bits. */
enum rondo_interface_flag {
    RONDO_INTERFACE_UP = 1 << 0,             /**< turned on */
    RONDO_INTERFACE_RUNNING = 1 << 1,        /**< has a carrier */
    RONDO_INTERFACE_LOOPBACK = 1 << 2,       /**< it leads to this machine */
    RONDO_INTERFACE_POINT_TO_POINT = 1 << 3, /**< it has one peer */
    RONDO_INTERFACE_BROADCAST = 1 << 4,      /**< it can broadcast */
    RONDO_INTERFACE_MULTICAST = 1 << 5       /**< it can multicast */
};

/** One address of a network interface. */
typedef struct rondo_interface {
    size_t size;
    struct rondo_interface *next; /**< NULL: the last one */
    const char *name;             /**< "eth0"; Windows: "Ethernet 2" */
    uint32_t index; /**< the scope of its addresses: rondo_address_scope */
    unsigned flags; /**< bits of rondo_interface_flag */
    rondo_address address;     /**< port 0; empty: it has none */
    unsigned prefix;           /**< bits of the network part: 24 for /24 */
    unsigned char hardware[8]; /**< its MAC address or similar */
    size_t hardware_size;      /**< in bytes; 0: none, or a longer one */
} rondo_interface;

/**
 * Lists the addresses of all network interfaces, those of one interface in a
 * row. An interface without an address is there once. *first is the program's,
 * which frees it by rondo_free_interfaces; NULL: there are none, or an error.
 * Any thread.
 *
 * Returns 0, RONDO_ENOMEM, RONDO_EMFILE or RONDO_ENFILE. See getifaddrs(3),
 * GetAdaptersAddresses, libuv's uv_interface_addresses.
 */
RONDO_API int rondo_list_interfaces(rondo_interface **first);

/** Frees a list of rondo_list_interfaces. NULL is ignored. Any thread. */
RONDO_API void rondo_free_interfaces(rondo_interface *first);

/** Gets the network interfaces as they are now, lent for the callback. With an
 * error it is the last call: the interfaces could not be read, or the system
 * no longer tells of them. */
typedef void (*rondo_interfaces_fn)(rondo_loop *loop, void *arg,
                                    const rondo_interface *first, int error);

/**
 * Calls fn from the loop with all network interfaces, and again after each
 * change of what rondo_list_interfaces lists, until rondo_cancel or an error.
 * Changes that come together are one call; the last state is never missed. A
 * watch keeps rondo_loop_run going (rondo_set_background). rondo_set_release
 * sets what frees arg.
 *
 * Returns an id, or an error:
 * - RONDO_ENOTSUP: RONDO_CAN_WATCH_NETWORK is false
 * - RONDO_EMFILE, RONDO_ENFILE
 *
 * See rtnetlink(7), route(4), NotifyIpInterfaceChange.
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
/**
 * Options in place, as keyword arguments: RONDO_CONNECT(.host = "a", .port =
 * 80). C only; in C++ fill a variable made with RONDO_CONNECT_OPTIONS_INIT.
 *
 * Stability: stable; since 0.1.
 */
#define RONDO_CONNECT(...)                                                     \
    (&(const rondo_connect_options){.size = sizeof(rondo_connect_options),     \
                                    __VA_ARGS__})
/** Options of rondo_create_server in place, as RONDO_CONNECT.
 *
 * Stability: stable; since 0.1. */
#define RONDO_SERVE(...)                                                       \
    (&(const rondo_server_options){.size = sizeof(rondo_server_options),       \
                                   __VA_ARGS__})
/** Options of rondo_create_datagram_endpoint in place, as RONDO_CONNECT.
 *
 * Stability: stable; since 0.1. */
#define RONDO_DATAGRAM(...)                                                    \
    (&(const rondo_datagram_options){.size = sizeof(rondo_datagram_options),   \
                                     __VA_ARGS__})
/** Options of rondo_subprocess_exec in place, as RONDO_CONNECT.
 *
 * Stability: stable; since 0.1. */
#define RONDO_PROCESS(...)                                                     \
    (&(const rondo_process_options){.size = sizeof(rondo_process_options),     \
                                    __VA_ARGS__})
/** Options of rondo_watch_path in place, as RONDO_CONNECT.
 *
 * Stability: young; since 0.1. */
#define RONDO_PATH(...)                                                        \
    (&(const rondo_path_options){.size = sizeof(rondo_path_options),           \
                                 __VA_ARGS__})
#endif

/**
 * Option and out structs with their size set and all else zero.
 *
 * Stability: stable; since 0.1.
 */
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
