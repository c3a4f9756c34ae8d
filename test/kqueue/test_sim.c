/* test_sim.c - the kqueue for tests, beside what BSDs were seen to do. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

/* Each profile runs these: RONDO_KQUEUE names it. Every test has a kqueue of
 * its own, and the descriptors that it opened are closed after it. */

static int kq;
static int first_free;
static struct kevent got[8];

static int setup(void **state)
{
    (void)state;
    first_free = dup(2);
    (void)close(first_free);
    kq = kqueue();
    return kq < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int fd = first_free; fd < first_free + 64; fd++)
        (void)close(fd);
    return 0;
}

static struct kevent event(int ident, uint32_t filter, uint32_t flags)
{
    struct kevent e;

    EV_SET(&e, ident, filter, flags, 0, 0, NULL);
    return e;
}

/* One change without room for an answer: 0 or errno. */
static int change(int ident, uint32_t filter, uint32_t flags)
{
    struct kevent e = event(ident, filter, flags);

    return kevent(kq, &e, 1, NULL, 0, NULL) < 0 ? errno : 0;
}

static int look(void)
{
    static const struct timespec now = {0, 0};

    return kevent(kq, NULL, 0, got, 8, &now);
}

/* Waits for as long as a loaded machine may need. */
static int await(void)
{
    static const struct timespec while_ = {20, 0};

    return kevent(kq, NULL, 0, got, 8, &while_);
}

static void make_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
}

static void make_fifo(int fds[2])
{
    char folder[] = "/tmp/rondo-kqueue-XXXXXX", path[64];

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    fds[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    fds[1] = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fds[0] >= 0 && fds[1] >= 0);
    (void)unlink(path);
    (void)rmdir(folder);
}

/* ---- changes ------------------------------------------------------------ */

static void deleting_what_is_not_there(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), 0);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ENABLE), ENOENT);
    (void)close(fds[0]);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE),
                     sim_profile()->delete_closed);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), EBADF);
    assert_int_equal(change(-1, EVFILT_READ, EV_ADD), EBADF);
}

/* without room it ends at the error; what came before it is done */
static void an_error_without_room_ends_the_changes(void **state)
{
    struct kevent changes[3];
    int fds[2];

    (void)state;
    make_pair(fds);
    changes[0] = event(fds[0], EVFILT_WRITE, EV_ADD);
    changes[1] = event(fds[0], EVFILT_READ, EV_DELETE);
    changes[2] = event(fds[1], EVFILT_WRITE, EV_ADD);
    assert_int_equal(kevent(kq, changes, 3, NULL, 0, NULL), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].ident, fds[0]);
}

/* with room it is an event, and a pass with errors has nothing else */
static void an_error_with_room_is_an_event(void **state)
{
    struct kevent both[4];
    int fds[2], marker;

    (void)state;
    make_pair(fds);
    both[0] = event(fds[0], EVFILT_WRITE, EV_ADD);
    both[1] = event(fds[0], EVFILT_READ, EV_DELETE);
    both[1].udata = &marker;
    both[2] = event(fds[1], EVFILT_WRITE, EV_ADD);
    assert_int_equal(kevent(kq, both, 3, both, 4, NULL), 1);
    assert_int_equal(both[0].flags & EV_ERROR, EV_ERROR);
    assert_int_equal(both[0].data, ENOENT);
    assert_int_equal(both[0].ident, fds[0]);
    assert_int_equal(both[0].filter, EVFILT_READ);
    assert_ptr_equal(both[0].udata, &marker);
    assert_int_equal(look(), 2);
}

static void receipts(void **state)
{
    struct kevent changes[2];
    int fds[2];

    (void)state;
    make_pair(fds);
    changes[0] = event(fds[0], EVFILT_WRITE, EV_ADD | EV_RECEIPT);
    changes[1] = event(fds[0], EVFILT_READ, EV_DELETE | EV_RECEIPT);
    assert_int_equal(kevent(kq, changes, 2, got, 8, NULL), 2);
    assert_int_equal(got[0].flags, EV_ERROR);
    assert_int_equal(got[0].data, 0);
    assert_int_equal(got[1].flags, EV_ERROR);
    assert_int_equal(got[1].data, ENOENT);
    /* no room for the receipt: it ends there, without an error */
    changes[1] = event(fds[1], EVFILT_WRITE, EV_ADD);
    assert_int_equal(kevent(kq, changes, 2, NULL, 0, NULL), 0);
    assert_int_equal(look(), 1);
}

static volatile sig_atomic_t rang;

static void ring(int signum)
{
    (void)signum;
    rang = 1;
}

static void interrupted_after_its_changes(void **state)
{
    struct sigaction action = {.sa_handler = ring}, before;
    struct kevent e;
    int fds[2];

    (void)state;
    make_pair(fds);
    e = event(fds[0], EVFILT_READ, EV_ADD);
    rang = 0;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    while (!rang) { /* it may come before the wait */
        (void)alarm(1);
        if (kevent(kq, &e, 1, got, 8, NULL) < 0)
            assert_int_equal(errno, EINTR);
    }
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(look(), 1);
}

static void closing_removes_silently(void **state)
{
    int fds[2], copy;

    (void)state;
    make_pair(fds);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    copy = dup(fds[0]); /* keeps the file, but not what is noted */
    (void)close(fds[0]);
    assert_int_equal(look(), 0);
    assert_int_equal(dup2(copy, fds[0]), fds[0]);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(dup2(fds[1], fds[0]), fds[0]);
    assert_int_equal(look(), 0);
}

static void adding_again_tells_again(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    /* it stays one that is cleared */
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
}

static void level_triggered_by_default(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(write(fds[1], "xyz", 3), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look(), 1);
        assert_int_equal(got[0].data, 3);
        assert_int_equal(got[0].flags & (EV_EOF | EV_ERROR), 0);
    }
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DISABLE), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ENABLE), 0);
    assert_int_equal(look(), 1);
}

static void once(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ADD | EV_DISPATCH), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ENABLE), 0);
    assert_int_equal(look(), 1);
}

/* more of them than the array has room for: all come, in turns */
static void more_than_the_array(void **state)
{
    int fds[20][2], seen[20] = {0};

    (void)state;
    for (int i = 0; i < 20; i++) {
        make_pair(fds[i]);
        assert_int_equal(change(fds[i][0], EVFILT_WRITE, EV_ADD), 0);
    }
    for (int turn = 0; turn < 10; turn++) {
        int count = look();

        assert_in_range(count, 1, 8);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < 20; j++)
                seen[j] += got[i].ident == (uintptr_t)fds[j][0];
    }
    for (int i = 0; i < 20; i++)
        assert_true(seen[i] > 0);
}

/* ---- ends --------------------------------------------------------------- */

static void the_end_comes_with_data_left(void **state)
{
    int fds[2];
    char bytes[8];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(write(fds[1], "last", 4), 4);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
    assert_int_equal(got[0].data, 4);
    assert_int_equal(read(fds[0], bytes, sizeof bytes), 4);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].data, 0);
    /* the writing side goes on */
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, 0);
    (void)close(fds[1]);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void tcp(struct sockaddr_in *where, int *listener)
{
    socklen_t size = sizeof *where;

    *where = (struct sockaddr_in){.sin_family = AF_INET};
    where->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*listener, (void *)where, sizeof *where), 0);
    assert_int_equal(getsockname(*listener, (void *)where, &size), 0);
}

static void an_unconnected_socket_is_silent(void **state)
{
    struct sockaddr_in where;
    int listener, client;

    (void)state;
    tcp(&where, &listener);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(change(client, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(change(client, EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(change(listener, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(connect(client, (void *)&where, sizeof where), 0);
    assert_true(await() > 0);
    (void)look();
    assert_int_equal(got[0].ident, listener);
    assert_int_equal(got[0].data, 1);
    assert_int_equal(got[1].ident, client);
    assert_int_equal(got[1].filter, EVFILT_WRITE);
}

static void a_refused_connect_ends_both(void **state)
{
    struct sockaddr_in where;
    socklen_t size = sizeof(int);
    int listener, client, os_error = 0;

    (void)state;
    tcp(&where, &listener);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(change(client, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(change(client, EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(connect(client, (void *)&where, sizeof where), -1);
    while (look() < 2)
        continue;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(got[i].flags & EV_EOF, EV_EOF);
        assert_true(got[i].fflags != 0);
    }
    /* looking has not taken the socket's error */
    (void)getsockopt(client, SOL_SOCKET, SO_ERROR, &os_error, &size);
    assert_int_equal(os_error, ECONNREFUSED);
    assert_int_equal(look(), 2);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void fill(int fd)
{
    static char bytes[4096];

    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
}

static void a_pipe_without_a_reader(void **state)
{
    int fds[2];

    (void)state;
    make_pipe(fds);
    (void)close(fds[0]);
    assert_int_equal(change(fds[1], EVFILT_WRITE, EV_ADD),
                     sim_profile()->broken_pipe);
    /* reading it is answered with the end */
    assert_int_equal(change(fds[1], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void a_reader_that_leaves_a_full_pipe(void **state)
{
    int fds[2];

    (void)state;
    make_pipe(fds);
    fill(fds[1]);
    assert_int_equal(change(fds[1], EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(look(), 0);
    (void)close(fds[0]);
    if (sim_profile()->broken_silent) {
        assert_int_equal(look(), 0);
        assert_int_equal(look(), 0);
        return;
    }
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].flags & EV_EOF, EV_EOF);
}

static void the_last_writer_of_a_fifo(void **state)
{
    int fds[2];

    (void)state;
    make_fifo(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(look(), 1);
    assert_int_equal(read(fds[0], (char[1]){0}, 1), 1);
    assert_int_equal(look(), 0);
    (void)close(fds[1]);
    assert_int_equal(look(), sim_profile()->fifo_no_eof ? 0 : 1);
    /* of a pipe it is always told */
    make_pipe(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), sim_profile()->fifo_no_eof ? 0 : 1);
    (void)close(fds[1]);
    assert_int_equal(look(), sim_profile()->fifo_no_eof ? 1 : 2);
}

/* ---- other descriptors -------------------------------------------------- */

static void devices(void **state)
{
    const struct sim_profile *is = sim_profile();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int own = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    (void)state;
    assert_true(null >= 0 && terminal >= 0);
    assert_int_equal(change(null, EVFILT_READ, EV_ADD), is->null_error);
    assert_int_equal(change(null, EVFILT_WRITE, EV_ADD), is->null_error);
    for (int i = 0; i < 3; i++)
        assert_int_equal(look(), is->null_error ? 0 : 2);
    (void)close(null);
    assert_int_equal(change(terminal, EVFILT_WRITE, EV_ADD),
                     is->refuses_devices ? EINVAL : 0);
    if (own >= 0) /* there is none without a controlling terminal */
        assert_int_equal(change(own, EVFILT_WRITE, EV_ADD), is->tty_error);
}

static void files(void **state)
{
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    assert_int_equal(change(fileno(file), EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), sim_profile()->file_once ? 0 : 1);
    assert_int_equal(change(fileno(file), EVFILT_READ, EV_DELETE),
                     sim_profile()->file_once ? ENOENT : 0);
    (void)fclose(file);
}

static void a_kqueue_in_a_kqueue(void **state)
{
    int fds[2], outer = kqueue(), inner = kq;

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    kq = outer;
    assert_int_equal(change(inner, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].ident, inner);
}

/* ---- processes ---------------------------------------------------------- */

static pid_t child_that_waits(int *release)
{
    int fds[2];
    pid_t pid;

    make_pipe(fds);
    (void)fcntl(fds[0], F_SETFL, 0);
    pid = fork();
    if (pid == 0) {
        char byte;

        (void)close(fds[1]);
        (void)!read(fds[0], &byte, 1);
        _exit(7);
    }
    assert_true(pid > 0);
    (void)close(fds[0]);
    *release = fds[1];
    return pid;
}

static int add_process(pid_t pid)
{
    struct kevent e;

    EV_SET(&e, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    return kevent(kq, &e, 1, NULL, 0, NULL) < 0 ? errno : 0;
}

static void a_child_that_exits(void **state)
{
    int release, status = 0;
    pid_t pid = child_that_waits(&release), found;

    (void)state;
    assert_int_equal(add_process(pid), 0);
    assert_int_equal(look(), 0);
    (void)close(release);
    assert_int_equal(await(), 1);
    assert_int_equal(got[0].ident, pid);
    assert_int_equal(got[0].fflags & NOTE_EXIT, NOTE_EXIT);
    assert_int_equal(look(), 0);
    found = waitpid(pid, &status, WNOHANG);
    assert_int_equal(found, sim_profile()->exit_early ? 0 : pid);
    if (found == 0)
        assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void a_child_that_has_exited(void **state)
{
    int release, status;
    pid_t pid = child_that_waits(&release);
    siginfo_t info;

    (void)state;
    (void)close(release);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(add_process(pid), sim_profile()->exited_child);
    if (!sim_profile()->exited_child)
        assert_int_equal(await(), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(add_process(pid), ESRCH);
}

/* an ident belongs to its filter */
static void equal_numbers(void **state)
{
    int fds[2], release, status;
    pid_t pid = child_that_waits(&release);
    struct rlimit limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if ((rlim_t)pid >= limit.rlim_cur) {
        (void)close(release);
        (void)waitpid(pid, &status, 0);
        skip(); /* no descriptor can have the number of this child */
    }
    make_pair(fds);
    assert_int_equal(dup2(fds[0], pid), pid);
    assert_int_equal(change(pid, EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(add_process(pid), 0);
    assert_int_equal(look(), 1);
    (void)close(pid);
    (void)close(release);
    assert_int_equal(await(), 1);
    assert_int_equal(got[0].filter, EVFILT_PROC);
    (void)waitpid(pid, &status, 0);
    assert_int_equal(waitpid(pid, &status, 0), pid == 0 ? 0 : -1);
}

static void not_inherited(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        struct kevent e = event(0, EVFILT_READ, EV_ADD);
        bool none = kevent(kq, &e, 1, NULL, 0, NULL) < 0 && errno == EBADF;
        /* the number is free for anybody */
        bool free_ = fcntl(kq, F_GETFD) < 0 && dup2(2, kq) == kq;

        _exit(none && free_ && kqueue() >= 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(look(), 0);
}

/* ---- user events and time ----------------------------------------------- */

static void user_events(void **state)
{
    struct kevent e;
    int first, second;

    (void)state;
    EV_SET(&e, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, &first);
    if (!sim_profile()->user) {
        assert_int_equal(kevent(kq, &e, 1, NULL, 0, NULL), -1);
        assert_int_equal(errno, EINVAL);
        return;
    }
    assert_int_equal(kevent(kq, &e, 1, NULL, 0, NULL), 0);
    assert_int_equal(look(), 0);
    EV_SET(&e, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, &second);
    for (int i = 0; i < 3; i++)
        assert_int_equal(kevent(kq, &e, 1, NULL, 0, NULL), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].filter, EVFILT_USER);
    assert_ptr_equal(got[0].udata,
                     sim_profile()->trigger_udata ? &second : &first);
    assert_int_equal(look(), 0);
}

static int wait_for(time_t s, long ns)
{
    struct timespec timeout = {s, ns};

    return kevent(kq, NULL, 0, got, 8, &timeout) < 0 ? errno : 0;
}

static void timeouts(void **state)
{
    struct timespec before, after;
    int64_t took;

    (void)state;
    assert_int_equal(wait_for(-1, 0), EINVAL);
    assert_int_equal(wait_for(0, -1), EINVAL);
    assert_int_equal(wait_for(0, 1000000000), EINVAL);
    assert_int_equal(wait_for(INT_MAX, 0), EINVAL);
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(wait_for(0, 1500000), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    took = (after.tv_sec - before.tv_sec) * INT64_C(1000000000) +
           after.tv_nsec - before.tv_nsec;
    assert_true(took >= 1500000);
    assert_true(took >= sim_profile()->tick_ns);
    /* no room: at once, whatever the timeout says */
    assert_int_equal(kevent(kq, NULL, 0, NULL, 0, NULL), 0);
}

static void a_closed_kqueue(void **state)
{
    (void)state;
    (void)close(kq);
    assert_int_equal(look(), -1);
    assert_int_equal(errno, EBADF);
}

static void trouble_on_demand(void **state)
{
    struct kevent e;
    int fds[2];

    (void)state;
    make_pair(fds);
    e = event(fds[0], EVFILT_WRITE, EV_ADD);
    sim_fail(0, ENOMEM, false);
    assert_int_equal(kevent(kq, &e, 1, got, 8, NULL), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(look(), 0);
    sim_fail(0, ENOMEM, true);
    assert_int_equal(kevent(kq, &e, 1, got, 8, NULL), -1);
    assert_int_equal(look(), 1);
    sim_refuse(EVFILT_READ, ENOMEM);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), ENOMEM);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
}

#define SIM_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SIM_TEST(deleting_what_is_not_there),
        SIM_TEST(an_error_without_room_ends_the_changes),
        SIM_TEST(an_error_with_room_is_an_event),
        SIM_TEST(receipts),
        SIM_TEST(interrupted_after_its_changes),
        SIM_TEST(closing_removes_silently),
        SIM_TEST(adding_again_tells_again),
        SIM_TEST(level_triggered_by_default),
        SIM_TEST(once),
        SIM_TEST(more_than_the_array),
        SIM_TEST(the_end_comes_with_data_left),
        SIM_TEST(an_unconnected_socket_is_silent),
        SIM_TEST(a_refused_connect_ends_both),
        SIM_TEST(a_pipe_without_a_reader),
        SIM_TEST(a_reader_that_leaves_a_full_pipe),
        SIM_TEST(the_last_writer_of_a_fifo),
        SIM_TEST(devices),
        SIM_TEST(files),
        SIM_TEST(a_kqueue_in_a_kqueue),
        SIM_TEST(a_child_that_exits),
        SIM_TEST(a_child_that_has_exited),
        SIM_TEST(equal_numbers),
        SIM_TEST(not_inherited),
        SIM_TEST(user_events),
        SIM_TEST(timeouts),
        SIM_TEST(a_closed_kqueue),
        SIM_TEST(trouble_on_demand)};

    return cmocka_run_group_tests_name(sim_profile()->name, tests, NULL, NULL);
}
