/* buffers.c - the CPU time of a message that a program wants in memory of its
 * own: read there (get_buffer), or copied there from data_received. The sender
 * is a process of its own, and waits for each answer. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL = 16384, LARGE = 262144 };

static struct {
    size_t size, have;
    int left; /* messages that are still to come */
    char bytes[LARGE + SMALL];
} message;

static void fail(const char *what)
{
    fprintf(stderr, "buffers: %s: %s\n", what, rondo_last_error());
    exit(1);
}

static void took(rondo_transport *t, size_t size)
{
    message.have += size;
    if (message.have < message.size) {
        return;
    }
    message.have = 0;
    if (rondo_transport_write(t, "", 1) < 0) {
        fail("write");
    }
    if (--message.left == 0) {
        rondo_transport_close(t);
    }
}

/* The sender waits, so what comes is of one message. A larger place than that
 * spares the call that finds nothing more. */
static void *lend(rondo_transport *t, void *self, size_t hint, size_t *size)
{
    (void)t, (void)self, (void)hint;
    *size = sizeof message.bytes - message.have;
    return message.bytes + message.have;
}

static void updated(rondo_transport *t, void *self, size_t size)
{
    (void)self;
    took(t, size);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    memcpy(message.bytes + message.have, data, size);
    took(t, size);
}

static void send_messages(int fd, size_t size, int count)
{
    static char bytes[LARGE];
    char answer;
    for (int i = 0; i < count; i++) {
        size_t sent = 0;
        while (sent < size) {
            ssize_t n = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);
            if (n <= 0) {
                _exit(1);
            }
            sent += (size_t)n;
        }
        if (recv(fd, &answer, 1, 0) != 1) {
            _exit(1);
        }
    }
    _exit(0);
}

static pid_t start_sender(const int fds[2], size_t size, int count)
{
    pid_t child = fork();
    if (child < 0) {
        measure_die("fork");
    }
    if (child == 0) {
        close(fds[1]);
        send_messages(fds[0], size, count);
    }
    close(fds[0]);
    return child;
}

static double measure(const rondo_protocol *protocol, size_t size)
{
    rondo_loop *loop;
    int fds[2], status, count = (int)((size_t)(256 << 20) / size);
    measure_connect(fds);
    pid_t child = start_sender(fds, size, count);
    message.size = size;
    message.have = 0;
    message.left = count;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_connect_accepted_socket(loop, fds[1], protocol, NULL, NULL) < 0) {
        fail("start");
    }
    int64_t start = measure_process_ns();
    if (rondo_loop_run(loop) < 0) {
        fail("run");
    }
    int64_t used = measure_process_ns() - start;
    if (rondo_loop_close(loop) < 0 || waitpid(child, &status, 0) < 0 ||
        status != 0 || message.left != 0) {
        measure_die("sender");
    }
    return (double)used / count;
}

int main(int argc, char **argv)
{
    static const rondo_protocol copies = {.data_received = received};
    static const rondo_protocol lends = {.get_buffer = lend,
                                         .buffer_updated = updated};
    static struct figure copied[2], lent[2];
    static const size_t sizes[2] = {SMALL, LARGE};
    measure_options(argc, argv);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < 2; i++) {
            copied[i].ns[round] = measure(&copies, sizes[i]);
            lent[i].ns[round] = measure(&lends, sizes[i]);
        }
    }
    measure_print("rondo", "copied-small", &copied[0]);
    measure_print("rondo", "lent-small", &lent[0]);
    measure_print("rondo", "copied-large", &copied[1]);
    measure_print("rondo", "lent-large", &lent[1]);
    return 0;
}
