/* pump.c - a proxy by rondo_pump, beside one by recv and send: its CPU time for
 * each MiB. Source and sink are processes of their own. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <rondo.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEBIBYTES = 1024, PIECE = 65536 };

static char buffer[1 << 20];

static void send_all(int fd)
{
    for (int i = 0; i < MEBIBYTES; i++) {
        size_t sent = 0;
        while (sent < sizeof buffer) {
            ssize_t n =
                send(fd, buffer + sent, sizeof buffer - sent, MSG_NOSIGNAL);
            if (n <= 0) {
                _exit(1);
            }
            sent += (size_t)n;
        }
    }
}

static void take_all(int fd)
{
    uint64_t taken = 0;
    ssize_t n;
    while ((n = recv(fd, buffer, sizeof buffer, MSG_TRUNC)) > 0) {
        taken += (uint64_t)n;
    }
    _exit(taken == (uint64_t)MEBIBYTES << 20 ? 0 : 1);
}

/* A process that has one end alone. */
static pid_t start(void (*run)(int fd), int fd, const int all[4])
{
    pid_t child = fork();
    if (child < 0) {
        measure_die("fork");
    }
    if (child > 0) {
        return child;
    }
    for (int i = 0; i < 4; i++) {
        if (all[i] != fd) {
            close(all[i]);
        }
    }
    run(fd);
    _exit(0);
}

static void end(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) {
        measure_die("a child: not all bytes went through; waitpid");
    }
}

/* ---- the contestants: from one socket to the other, and the end ---- */

static void by_hand(int from, int to)
{
    ssize_t n;
    while ((n = recv(from, buffer, PIECE, 0)) > 0) {
        ssize_t sent = 0;
        while (sent < n) {
            ssize_t m =
                send(to, buffer + sent, (size_t)(n - sent), MSG_NOSIGNAL);
            if (m < 0) {
                measure_die("send");
            }
            sent += m;
        }
    }
    close(from);
    close(to);
}

static void ended(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    rondo_transport **ends = arg;
    (void)loop;
    if (error || moved != (uint64_t)MEBIBYTES << 20) {
        measure_die("rondo_pump");
    }
    rondo_transport_close(ends[0]);
    rondo_transport_close(ends[1]);
}

static const rondo_protocol protocol;

static void begin(rondo_loop *loop, void *arg)
{
    rondo_transport **ends = arg;
    if (rondo_pump(ends[0], ends[1], -1, 0, ended, ends) < 0) {
        measure_die("rondo_pump");
    }
    (void)loop;
}

static void by_rondo(int from, int to)
{
    rondo_loop *loop;
    rondo_transport *ends[2];
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_adopt(loop, from, 0, &protocol, NULL, &ends[0]) < 0 ||
        rondo_adopt(loop, to, 0, &protocol, NULL, &ends[1]) < 0 ||
        rondo_loop_run_once(loop, 0) < 0 ||
        rondo_call_soon(loop, begin, ends) < 0 || rondo_loop_run(loop) < 0 ||
        rondo_loop_close(loop) < 0) {
        measure_die("rondo");
    }
}

static double measure(void (*proxy)(int from, int to))
{
    int all[4];
    measure_connect(all);
    measure_connect(all + 2);
    pid_t source = start(send_all, all[0], all);
    pid_t sink = start(take_all, all[3], all);
    close(all[0]);
    close(all[3]);
    int64_t before = measure_process_ns();
    proxy(all[1], all[2]);
    int64_t after = measure_process_ns();
    end(source);
    end(sink);
    return (double)(after - before) / MEBIBYTES;
}

int main(int argc, char **argv)
{
    struct figure raw, rondo;
    measure_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    memset(buffer, 'x', sizeof buffer);
    for (int i = 0; i < rounds; i++) {
        raw.ns[i] = measure(by_hand);
        rondo.ns[i] = measure(by_rondo);
    }
    measure_print("raw", "pump_MiB", &raw);
    measure_print("rondo", "pump_MiB", &rondo);
    return 0;
}
