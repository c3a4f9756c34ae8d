/* sim_filter.c - what each filter takes, and what it reports. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is it? -------------------------------------------------------- */

bool sim_is_socket(int fd, int option, int value)
{
    int is = -1;
    socklen_t size = sizeof is;

    return getsockopt(fd, SOL_SOCKET, option, &is, &size) == 0 && is == value;
}

/* Pipes without a name live on a device of their own. */
bool sim_is_fifo(int fd, bool named)
{
    struct stat status, pipes;
    int fds[2];

    if (fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode))
        return false;
    if (!named)
        return true;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return false;
    (void)fstat(fds[0], &pipes);
    (void)sim_close(fds[0]);
    (void)sim_close(fds[1]);
    return status.st_dev != pipes.st_dev;
}

static bool has_lost_its_reader(int fd)
{
    struct pollfd asked = {.fd = fd, .events = POLLOUT};

    return poll(&asked, 1, 0) == 1 && asked.revents & POLLERR;
}

bool sim_only_writes(int fd)
{
    return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
}

/* A stream socket that is neither connected nor refused: who is, or was, has
 * an end to tell of as well. */
static bool has_no_peer_yet(int fd)
{
    struct pollfd asked = {.fd = fd, .events = POLLRDHUP};

    return sim_is_socket(fd, SO_TYPE, SOCK_STREAM) && poll(&asked, 1, 0) == 1 &&
           !(asked.revents & (POLLRDHUP | POLLERR));
}

/* ---- attaching ---------------------------------------------------------- */

/* Something that epoll takes, for what it does not. */
int sim_attach_helper(struct sim_kq *kq, struct sim_note *note, int helper)
{
    int os_error = 0;

    note->helper = sim_away(helper);
    if (note->helper < 0)
        os_error = errno;
    else if (sim_note_arm(kq, note) < 0)
        os_error = errno;
    return os_error;
}

int sim_attach_always(struct sim_kq *kq, struct sim_note *note)
{
    note->always = true;
    return sim_attach_helper(kq, note, eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
}

static int attach_device(struct sim_kq *kq, struct sim_note *note,
                         const struct stat *status)
{
    const struct sim_profile *is = sim_profile();
    bool taken = is->takes_lowat && note->lowat;

    if (is->refuses_devices)
        return EINVAL;
    if (status->st_rdev == makedev(5, 0) && is->tty_error && !taken)
        return is->tty_error;
    if (sim_note_arm(kq, note) == 0)
        return 0;
    if (errno != EPERM) /* what epoll says of /dev/null */
        return errno;
    return is->null_error && !taken ? is->null_error
                                    : sim_attach_always(kq, note);
}

static int attach_fd(struct sim_kq *kq, struct sim_note *note)
{
    const struct sim_profile *is = sim_profile();
    struct stat status;

    if (note->ident > INT_MAX || fstat((int)note->ident, &status) < 0)
        return EBADF;
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
        if (is->file_once)
            note->flags |= EV_ONESHOT;
        return sim_attach_always(kq, note);
    }
    if (S_ISCHR(status.st_mode))
        return attach_device(kq, note, &status);
    if (sim_is_fifo((int)note->ident, true))
        return sim_attach_fifo(kq, note);
    if (S_ISFIFO(status.st_mode) && note->filter == EVFILT_WRITE &&
        is->broken_pipe && has_lost_its_reader((int)note->ident))
        return is->broken_pipe;
    return sim_note_arm(kq, note) < 0 ? errno : 0;
}

static int attach_proc(struct sim_kq *kq, struct sim_note *note)
{
    pid_t pid = (pid_t)note->ident;
    siginfo_t info = {.si_pid = 0};

    if (kill(pid, 0) < 0 && errno == ESRCH)
        return ESRCH;
    if (sim_profile()->exited_child &&
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == pid)
        return sim_profile()->exited_child;
    return sim_attach_helper(kq, note, (int)syscall(SYS_pidfd_open, pid, 0));
}

static int attach_user(struct sim_kq *kq, struct sim_note *note)
{
    if (!sim_profile()->user)
        return EINVAL;
    return sim_attach_helper(kq, note, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/* xnu: soo_kqfilter; OpenBSD: the same, and EPERM of pipes. */
static int attach_except(struct sim_kq *kq, struct sim_note *note)
{
    struct stat status;

    if (note->ident > INT_MAX || fstat((int)note->ident, &status) < 0)
        return EBADF;
    if (sim_profile()->except == SIM_NO_FILTER || !S_ISSOCK(status.st_mode))
        return EINVAL;
    return sim_note_arm(kq, note) < 0 ? errno : 0;
}

int sim_attach(struct sim_kq *kq, const struct kevent *change)
{
    struct sim_note *note = sim_note_new(kq, change);
    int os_error = EINVAL;

    if (!note)
        return ENOMEM;
    if (change->filter == EVFILT_READ || change->filter == EVFILT_WRITE)
        os_error = attach_fd(kq, note);
    else if (change->filter == EVFILT_EXCEPT)
        os_error = attach_except(kq, note);
    else if (change->filter == EVFILT_PROC)
        os_error = attach_proc(kq, note);
    else if (change->filter == EVFILT_USER)
        os_error = attach_user(kq, note);
    else if (change->filter == EVFILT_VNODE)
        os_error = sim_attach_vnode(kq, note, change);
    if (os_error)
        sim_note_free(kq, note);
    return os_error;
}

int sim_trigger(struct sim_kq *kq, struct sim_note *note,
                const struct kevent *change)
{
    static const uint64_t one = 1;

    (void)kq;
    if (sim_profile()->trigger_udata)
        note->udata = change->udata;
    return write(note->helper, &one, sizeof one) < 0 ? errno : 0;
}

/* ---- reporting ---------------------------------------------------------- */

/* Not yet: epoll would tell of it again and again. */
static bool sleep_until_it_changes(struct sim_kq *kq, struct sim_note *note)
{
    if (!note->edge) {
        note->edge = true;
        (void)sim_note_arm(kq, note);
    }
    return false;
}

static void be_level(struct sim_kq *kq, struct sim_note *note)
{
    if (note->edge) {
        note->edge = false;
        (void)sim_note_arm(kq, note);
    }
}

static bool report_fd(struct sim_kq *kq, struct sim_note *note, uint32_t seen,
                      struct kevent *event)
{
    int fd = (int)note->ident, bytes = 0;
    bool reads = note->filter == EVFILT_READ, over;

    if (seen & EPOLLHUP && !(seen & EPOLLERR) && has_no_peer_yet(fd))
        return sleep_until_it_changes(kq, note);
    seen = sim_fifo_events(note, seen);
    if (!seen)
        return sleep_until_it_changes(kq, note);
    over = seen & (EPOLLHUP | EPOLLERR) || (reads && seen & EPOLLRDHUP);
    be_level(kq, note);
    if (reads && sim_is_socket(fd, SO_ACCEPTCONN, 1))
        bytes = 1;
    else if (reads)
        (void)ioctl(fd, FIONREAD, &bytes);
    event->data = reads ? bytes : 4096;
    /* an error of the datagrams sent is not their end */
    if (over && !sim_is_socket(fd, SO_TYPE, SOCK_DGRAM)) {
        event->flags |= EV_EOF;
        /* which one it is cannot be asked without taking it */
        if (seen & EPOLLERR && !sim_is_fifo(fd, false))
            event->fflags = ECONNRESET;
    }
    return true;
}

/* xnu asks filt_soread_common: the urgent mark first, then the end and the
 * data; OpenBSD's filt_soexcept knows the mark alone. */
static bool report_except(struct sim_kq *kq, struct sim_note *note,
                          uint32_t seen, struct kevent *event)
{
    bool reads = sim_profile()->except == SIM_EXCEPT_READS;

    if (note->oob && seen & EPOLLPRI) {
        event->fflags = NOTE_OOB;
    } else if (reads && seen & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
        event->flags |= EV_EOF;
        event->fflags = seen & EPOLLERR ? ECONNRESET : 0;
    } else if (!reads || !(seen & EPOLLIN)) {
        return sleep_until_it_changes(kq, note);
    }
    be_level(kq, note);
    return true;
}

static bool report_proc(struct sim_note *note, struct kevent *event)
{
    siginfo_t info = {.si_pid = 0};

    event->fflags = NOTE_EXIT;
    event->flags |= EV_EOF;
    note->flags |= EV_ONESHOT;
    if (waitid(P_PID, (id_t)note->ident, &info, WEXITED | WNOHANG | WNOWAIT) ==
        0)
        event->data = info.si_status;
    if (sim_profile()->exit_early)
        sim_hide_exit((int)note->ident);
    return true;
}

bool sim_report(struct sim_kq *kq, struct sim_note *note, uint32_t seen,
                struct kevent *event)
{
    uint64_t count;

    *event = (struct kevent){.ident = note->ident,
                             .filter = note->filter,
                             .flags = note->flags,
                             .udata = note->udata};
    if (note->always) {
        event->data = 1;
        return true;
    }
    if (note->filter == EVFILT_PROC)
        return report_proc(note, event);
    if (note->filter == EVFILT_VNODE)
        return sim_report_vnode(note, event);
    if (note->filter == EVFILT_USER) {
        if (note->flags & EV_CLEAR)
            (void)!read(note->helper, &count, sizeof count);
        return true;
    }
    if (note->filter == EVFILT_EXCEPT)
        return report_except(kq, note, seen, event);
    return report_fd(kq, note, seen, event);
}
