/* sim.h - the simulated world: time, chance, hosts, threads, sockets. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_SIM_H
#define RONDO_SIM_SIM_H

#include "sys.h"

#include "rondo_sim.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>

/* One thread of the process runs at a time: it has the baton. So nothing here
 * needs a lock. Who has the baton is sim.current. */

/* ---- events: what happens at a moment of virtual time ---- */

enum { SIM_NOWHERE = -1 };

struct sim_event {
    int64_t when; /* ns of virtual time */
    uint64_t order;
    void (*run)(struct sim_event *event); /* may free it */
    void (*end)(struct sim_event *event); /* frees it at the world's end; NULL:
                                             nothing is to be freed */
    int place;                            /* in the heap, or SIM_NOWHERE */
};

/* ---- threads ---- */

enum sim_state { SIM_RUNS, SIM_CAN_RUN, SIM_WAITS, SIM_HAS_ENDED };

struct sim_thread {
    struct sim_thread *next; /* of its host, or of those that have ended */
    struct sim_thread *queue_next;
    struct sim_queue *queue;     /* where it waits; or NULL */
    struct sim_host *host;       /* NULL: the driver, which has called run */
    struct sim_process *process; /* of the host; NULL: the driver */
    const char *waits_for;       /* words for the report */
    int64_t waits_until;         /* RONDO_NEVER: no end */
    struct sim_event alarm;
    bool rang; /* its wait has ended by time */
    bool dead; /* its host has crashed: it leaves its stack */
    enum sim_state state;
    unsigned number;
    size_t place; /* among those that can run */
    void (*run)(void *arg);
    void *arg;
    const char *role;
    sem_t baton;
    jmp_buf base;
};

/* ---- processes ---- */

struct sim_block;

struct sim_memory {
    struct sim_block *first;
    size_t used, most; /* most 0: no limit */
};

/* A number of a child that its parent has given it, and the one of the world. */
struct sim_low {
    sys_fd given, real;
};

/* What each program of a host has for itself. */
struct sim_process {
    struct sim_process *next; /* of its host */
    struct sim_host *host;
    int64_t pid, group, session;
    struct sim_thread *threads;
    unsigned can_run; /* threads that can run, besides the one that runs */
    bool paused;
    struct sim_memory memory;
    struct sim_own *own; /* objects of which each process has one */
    struct sim_signals *signals;
    struct sim_request *requests; /* of the backend "done" */
    unsigned descriptors, descriptors_most;
    unsigned spins; /* waits in this instant that found nothing */
    int64_t spins_at;
    struct disk_node *folder; /* NULL: the root */
    struct notifier *notifiers;
    unsigned umask;
    int nice;

    char **argv, **env; /* NULL: empty */
    struct sim_low *low;
    size_t low_count;

    /* of a child, which a process has started */
    const struct sim_program *program; /* NULL: it is the host's main */
    struct sim_process *parent;        /* which can wait for it; or NULL */
    struct sim_socket *handle;         /* of its parent, readable at the end */
    struct sim_thread *waiter; /* of its parent, which waits for the end */
    bool dies_with_parent;
    bool asked;  /* by sim_group_signal */
    bool ended;  /* status says how */
    bool leaves; /* ... and its last thread is on its way out */
    rondo_exit status;
};

/* ---- hosts ---- */

struct sim_path; /* the file of a unix socket */

enum { SIM_NAME_ROOM = 64, SIM_IPS = 4 };

struct sim_host {
    char name[SIM_NAME_ROOM];
    int number;
    rondo_sim_main main;
    void *arg;
    bool up;
    rondo_address ip[SIM_IPS]; /* with port 0 */
    unsigned ips;
    unsigned starts;            /* how often main has begun */
    struct sim_process process; /* its main's; the first one of all */
    int64_t next_pid;
    struct sim_socket *sockets; /* all that have a descriptor */
    struct sim_path *paths;
    struct sim_disk *disk; /* NULL: no file was opened yet */
    int64_t disk_most;     /* bytes; 0: very many */
    uint16_t next_port;
    int64_t clock_from, clock_base; /* its clock at a moment of world time */
    double drift;                   /* what it gains, as a share */
};

struct sim_link {
    rondo_sim_link is;
    bool cut;
};

/* ---- faults ---- */

enum sim_fault_kind {
#define SIM_KIND(name) SIM_FAULT_##name,
    RONDO_SIM_FAULTS(SIM_KIND)
#undef SIM_KIND
        SIM_FAULT_loss,
    SIM_FAULT_jitter,
    SIM_FAULTS
};

struct sim_fired {
    int kind;
    uint64_t number; /* the how-manieth question of its kind */
};

/* ---- the world ---- */

enum sim_note {
    NOTE_ALARM,
    NOTE_THREAD,
    NOTE_THREAD_END,
    NOTE_HOST,
    NOTE_HOST_END,
    NOTE_CRASH,
    NOTE_KILL,
    NOTE_PAUSE,
    NOTE_RESUME,
    NOTE_CUT,
    NOTE_HEAL,
    NOTE_WAIT,
    NOTE_SOCKET,
    NOTE_CLOSE,
    NOTE_LISTEN,
    NOTE_CONNECT,
    NOTE_ACCEPT,
    NOTE_CONNECTED,
    NOTE_REFUSED,
    NOTE_SEND,
    NOTE_RECEIVE,
    NOTE_ARRIVE,
    NOTE_END,
    NOTE_RESET,
    NOTE_SEND_DATAGRAM,
    NOTE_DATAGRAM,
    NOTE_DATAGRAM_LOST,
    NOTE_DONE,
    NOTE_LOOKUP,
    NOTE_SIGNAL,
    NOTE_PROCESS,
    NOTE_PROCESS_END,
    NOTE_FAULT,
    NOTE_LOG,
    NOTES
};

struct sim_world {
    bool begun;
    uint64_t seed;
    int64_t now;
    rondo_sim_options options;
    uint64_t chance[4]; /* state of the random numbers */
    uint64_t order, events, hash, switches;

    struct sim_event **heap;
    int heap_used, heap_room;

    struct sim_thread driver;
    struct sim_thread *current, *killer, *ended;
    struct sim_thread **can_run;
    size_t can_run_used, can_run_room;
    unsigned threads; /* begun so far */

    struct sim_host **hosts;
    int host_count;
    struct sim_link *links; /* [from * host_count + to] */
    struct sim_named *names;
    struct sim_program *programs;

    struct sim_file *files; /* descriptors, from SIM_FIRST_FD on */
    int files_used, files_room, files_lowest;
    unsigned sockets;

    bool running, called; /* the driver is in run; it has to go on */
    bool quiet_counts;    /* ... also when nothing can happen before the end */
    bool chaos_is_due;
    struct sim_event chaos;
    const struct sim_event *only_over; /* the end of the run */
    int result;
    bool (*until)(void *arg);
    void *until_arg;

    double rate[SIM_FAULTS];
    uint64_t asked[SIM_FAULTS];
    struct sim_memory memory; /* of no host */
};

extern struct sim_world sim;
/* sim.current's process has so many threads that could run instead of it. */
extern unsigned sim_rivals;

/* world.c */
void sim_at(struct sim_event *event, int64_t when);
void sim_drop(struct sim_event *event);
void sim_run_due(void);
/* Runs the next event; false: there is none. */
bool sim_step(void);
uint64_t sim_random(void);
/* A number below n, which is above 0. */
uint64_t sim_below(uint64_t n);
void sim_note(const struct sim_host *host, enum sim_note what, int64_t a,
              int64_t b);
void sim_note_text(const struct sim_host *host, const char *text);
static inline struct sim_host *sim_host(void)
{
    return sim.current ? sim.current->host : NULL;
}
static inline struct sim_process *sim_process(void)
{
    return sim.current ? sim.current->process : NULL;
}
/* Ends the program: it cannot go on. */
_Noreturn RONDO_PRINTF(1, 2) void sim_die(const char *format, ...);

/* try.c */
/* As error_set, for a call that makes no sense. A trial tells of the first one,
 * since a scenario that does not look would pass without what it asked for. */
RONDO_PRINTF(2, 3) int sim_wrong(int error, const char *format, ...);

/* fault.c */
bool sim_fault(enum sim_fault_kind kind);
bool sim_fault_at(enum sim_fault_kind kind, double rate);
/* Keeps an error as the system would, and returns the RONDO_E... of it. */
int sim_fail(int os_error);
void sim_fault_begin(const rondo_sim_faults *faults);

/* threads.c */
int sim_thread_start(struct sim_process *process, const char *role,
                     void (*run)(void *arg), void *arg);
/* Blocks the calling thread; false: until `deadline`, in world time. */
bool sim_block(const char *waits_for, int64_t deadline);
void sim_unblock(struct sim_thread *thread);
/* Lets another thread run, if one can. */
void sim_yield(void);
void sim_touch(void);
/* Called by each wait that does not block. yields: another thread goes on. */
void sim_spin(bool yields);
void sim_driver_waits(void);
/* All other threads of the process leave. */
void sim_kill_threads(struct sim_process *process);
/* The calling thread ends, and does not come back. */
_Noreturn void sim_leave(void);
void sim_pause_threads(struct sim_process *process);
void sim_resume_threads(struct sim_process *process);
/* What they wait for by their host's clock takes so much longer. */
void sim_change_pace(struct sim_host *host, double factor);
void sim_threads_begin(void);
void sim_threads_end(void);
void sim_choose_rivals(void);

/* chaos.c */
void chaos_act(void);
void chaos_forget(void);
bool chaos_goes_on(void);

/* signals.c */
void signals_forget(struct sim_process *process);
/* It may be the end of that process: of the caller's, too. */
void sim_process_signal(struct sim_process *p, int signum);
void sim_group_signal(struct sim_host *host, int64_t group, int signum);

/* processes.c */
enum { SIM_USER = 1000 }; /* uid and gid of each process */
/* A thread has left its process, and may have been the last one. */
void sim_process_left(struct sim_process *p);
/* The host's main has ended. Returns whether the caller's process is to end,
 * too. */
bool sim_process_lose_parent(const struct sim_process *parent);
/* The power fails: all but the host's main end. */
void sim_processes_crash(struct sim_host *host);
void sim_programs_end(void);
/* Its arguments, environment and the numbers that it was given. */
void sim_process_forget(struct sim_process *p);

/* memory.c */
void sim_free_blocks(struct sim_memory *m);
/* What SYS_OF_PROCESS has made. */
void sim_forget_own(struct sim_process *process);
/* Memory of that process, whoever asks. It does not fail. */
void *sim_alloc_for(struct sim_process *process, size_t size);

/* hosts.c */
struct sim_host *sim_host_of_ip(const rondo_address *a);
struct sim_host *sim_host_named(const char *name);
bool sim_host_has(const struct sim_host *host, const rondo_address *a);
int64_t sim_host_clock(const struct sim_host *host);
/* World time of a moment of the host's clock that is so far away. */
int64_t sim_host_deadline(const struct sim_host *host, int64_t timeout_ns);
struct sim_link *sim_link(const struct sim_host *from,
                          const struct sim_host *to);
/* How long bytes take now; it draws the jitter. */
int64_t sim_latency(const struct sim_host *from, const struct sim_host *to,
                    size_t bytes);
bool sim_is_cut(const struct sim_host *from, const struct sim_host *to);
void sim_hosts_end(void);

/* names.c */
void sim_names_end(void);
struct sim_named {
    struct sim_named *next;
    rondo_address ip;
    char name[];
};

#endif
