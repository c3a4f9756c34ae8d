/* sim.h - the kqueue for tests: its inside, and what tests ask of it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_KQUEUE_SIM_H
#define RONDO_TEST_KQUEUE_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/event.h>

/* ---- profiles: how a system's kqueue behaves (sim_profile.c) ------------ */

/* Writers that get no event when their last reader leaves. */
enum sim_silence { SIM_NOBODY, SIM_WHO_ONLY_WRITES_A_FIFO, SIM_ANY_PIPE };

/* What a FIFO is. */
enum sim_fifo {
    SIM_FIFO_PIPE,       /* a pipe; a filter for the other side is mute */
    SIM_FIFO_VNODE,      /* bytes and room count, ends do not */
    SIM_FIFO_WRONG_SIDE, /* sockets; EVFILT_WRITE asks the reading one */
    SIM_FIFO_SOCKETS     /* sockets; refuses a filter for the other side */
};

/* Whether there is EVFILT_EXCEPT. */
enum sim_except {
    SIM_NO_FILTER,    /* EINVAL */
    SIM_EXCEPT_READS, /* it reports data and the end, as EVFILT_READ, too */
    SIM_EXCEPT_OOB    /* urgent data alone */
};

/* What poll says when a connection or a FIFO has ended. */
enum sim_poll {
    SIM_POLL_HUP,      /* POLLHUP, whatever was asked for */
    SIM_POLL_READY,    /* ready for what was asked for, and no POLLHUP */
    SIM_POLL_IS_KQUEUE /* what the filters that were asked for say */
};

struct sim_profile {
    const char *name;
    bool user;            /* has EVFILT_USER */
    bool trigger_udata;   /* NOTE_TRIGGER overwrites udata */
    bool refuses_devices; /* every character device, terminals too */
    int null_error;       /* of /dev/null and its like; 0: always ready */
    int tty_error;        /* of /dev/tty, 0: as any terminal */
    bool takes_lowat;     /* both are taken with NOTE_LOWAT and data 1 */
    bool file_once;       /* a regular file is reported once, else always */
    int delete_closed;    /* the error of EV_DELETE on a closed descriptor */
    int broken_pipe;      /* ... of EVFILT_WRITE on a pipe without a reader; 0:
                        EV_EOF says so */
    enum sim_silence unheard;
    enum sim_fifo fifo;
    enum sim_poll poll;
    enum sim_except except;
    int exited_child;  /* EVFILT_PROC on a zombie; 0: it is reported */
    bool exit_early;   /* NOTE_EXIT comes before waitpid knows */
    int64_t tick_ns;   /* timeouts are rounded up to it */
    bool shut_refuses; /* setsockopt on a connection that both ends left */
    bool sendfile;     /* there is one, ENOSYS otherwise */
    bool quiet_pipes;  /* F_SETNOSIGPIPE */
    bool any_thread;   /* SIGPIPE goes to the process, not to the thread */
    bool ignores_flag; /* MSG_NOSIGNAL: macOS before 11 */
};

/* RONDO_KQUEUE names it; the first one otherwise. */
const struct sim_profile *sim_profile(void);
/* From now on; NULL: as the environment says. false: there is none such. */
bool sim_set_profile(const char *name);

/* ---- trouble on demand -------------------------------------------------- */

/* After so many calls of kevent that wait or change something, the next one
 * fails with this error: before it has done anything, or (late) after its
 * changes have been made. */
void sim_fail(unsigned after, int os_error, bool late);
/* The next EV_ADD of this filter is answered with this error. */
void sim_refuse(uint32_t filter, int os_error);
unsigned sim_calls(void);   /* of kevent, ever */
unsigned sim_changes(void); /* that were made, ever */

/* The next `times` sends of stream sockets fail with this error. */
void sim_fail_sends(int os_error, unsigned times);
/* The limit of descriptors is infinite, as sysconf says with -1. */
void sim_hide_limit(bool hide);

/* Whether the library that is linked calls a sendfile which sends. */
bool sim_sends(void);
/* The next call of it sends so many bytes at most, then fails like this. */
void sim_cut_sendfile(int64_t bytes, int os_error);
unsigned sim_sendfiles(void); /* calls, ever */

/* ---- notes and queues (sim_notes.c) ------------------------------------- */

enum sim_list { SIM_READS, SIM_WRITES, SIM_EXCEPTS, SIM_OTHERS, SIM_LISTS };

/* What a BSD calls a knote: one filter on one ident. */
struct sim_note {
    struct sim_note *next; /* of its bucket */
    uintptr_t ident;
    uint32_t filter;
    uint32_t flags; /* EV_CLEAR, EV_ONESHOT, EV_DISPATCH */
    void *udata;
    int helper;   /* a descriptor that stands for what is no file; -1 */
    bool lowat;   /* NOTE_LOWAT with data 1 */
    bool high;    /* ... with more than a buffer holds */
    bool oob;     /* NOTE_OOB */
    bool enabled; /* told to epoll */
    bool edge;    /* told to it as EPOLLET: the next change counts */
    bool always;  /* always ready: the helper is */
    /* EVFILT_VNODE: its inotify watch, and how many names it had */
    bool silent; /* it is the kqueue's inotify */
    int wd;
    uint32_t wanted, pending; /* NOTE_... */
    uint64_t links;
};

enum { SIM_BUCKETS = 256 };

/* Its descriptor is an epoll of four, one a list: a descriptor may be in an
 * epoll only once, and its filters are independent. */
struct sim_kq {
    struct sim_kq *next;
    int fd;
    int list[SIM_LISTS];
    struct sim_note *notes[SIM_BUCKETS];
    struct sim_note inotify; /* no note of a program's; its helper is -1 until
                                the first EVFILT_VNODE */
};

/* One lock around everything, with all signals blocked, because a signal
 * handler may call kevent. */
void sim_lock(void);
void sim_unlock(void);

struct sim_kq *sim_find(int fd);
struct sim_note *sim_note(struct sim_kq *kq, uintptr_t ident, uint32_t filter);
struct sim_note *sim_note_new(struct sim_kq *kq, const struct kevent *change);
void sim_note_free(struct sim_kq *kq, struct sim_note *note);
enum sim_list sim_list_of(const struct sim_note *note);
/* Tells epoll of it, again if it was told before: what is ready is reported
 * once more. 0, or -1 and errno. */
int sim_note_arm(struct sim_kq *kq, struct sim_note *note);
void sim_note_disarm(struct sim_kq *kq, struct sim_note *note);

/* The same descriptor, or a copy of it if it was 0, 1 or 2. */
int sim_away(int fd);
/* The C library's, beneath the replaced one (sim_replace.c). */
int sim_close(int fd);
/* For sim_replace.c: this number is about to be closed. */
void sim_forget(int fd);
bool sim_is_other_process(void);
/* waitpid of this child knows nothing yet, once. */
void sim_hide_exit(int pid);

/* ---- filters (sim_filter.c, sim_fifo.c) --------------------------------- */

/* 0, or the errno that the change is answered with. */
int sim_attach(struct sim_kq *kq, const struct kevent *change);
/* For sim_fifo.c: by a descriptor of its own, or one that is always ready. */
int sim_attach_helper(struct sim_kq *kq, struct sim_note *note, int helper);
int sim_attach_always(struct sim_kq *kq, struct sim_note *note);
/* A pipe, or (named) one that has a name. */
bool sim_is_fifo(int fd, bool named);
bool sim_only_writes(int fd);
bool sim_is_socket(int fd, int option, int value);
int sim_attach_fifo(struct sim_kq *kq, struct sim_note *note);
/* The events that count; 0: none, it sleeps until they change. */
uint32_t sim_fifo_events(const struct sim_note *note, uint32_t seen);
int sim_trigger(struct sim_kq *kq, struct sim_note *note,
                const struct kevent *change);
/* sim_vnode.c. drain: passes what inotify has told on to the notes. */
int sim_attach_vnode(struct sim_kq *kq, struct sim_note *note,
                     const struct kevent *change);
void sim_detach_vnode(struct sim_kq *kq, const struct sim_note *note);
void sim_vnode_drain(struct sim_kq *kq);
bool sim_report_vnode(struct sim_note *note, struct kevent *event);
/* What has happened, in the system's words; false: nothing yet. */
bool sim_report(struct sim_kq *kq, struct sim_note *note, uint32_t seen,
                struct kevent *event);

#endif
