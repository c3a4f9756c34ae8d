/* steps.c - does one thing so many times, for a tool that counts instructions:
 * bench_steps OPERATION COUNT; --watcher and --beside are for "child": how its
 * end is noticed, and how many other children there are. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "options.h"

#include <rondo.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 1000, PAIRS = 64, SIZE = 64 };

static rondo_loop *loop;
static size_t called, left;

static void check(int64_t result, const char *what)
{
    if (result < 0) {
        measure_die(what);
    }
}

static void count_call(rondo_loop *from, void *arg)
{
    (void)from;
    (void)arg;
    called++;
}

/* ---- timers: random deadlines ---- */

static rondo_id *start(size_t count, int64_t from, int64_t length)
{
    uint64_t state = 20240229;
    rondo_id *ids = measure_allocate(count, sizeof *ids);
    int64_t base = rondo_loop_iteration_time(loop) + from;
    for (size_t i = 0; i < count; i++) {
        int64_t after = (int64_t)(measure_random(&state) >> 1) % length;
        ids[i] = rondo_call_at(loop, base + after, count_call, NULL);
        check(ids[i], "rondo_call_at");
    }
    return ids;
}

static void start_far(size_t count)
{
    (void)start(count, RONDO_SEC(60), RONDO_SEC(540));
}

static void cancel(size_t count)
{
    rondo_id *ids = start(count, RONDO_SEC(60), RONDO_SEC(540));
    for (size_t i = 0; i < count; i++) {
        check(rondo_cancel(loop, ids[i]), "rondo_cancel");
    }
}

static void later(size_t count)
{
    rondo_id *ids = start(count, RONDO_SEC(60), RONDO_SEC(540));
    int64_t when = rondo_loop_iteration_time(loop) + RONDO_SEC(700);
    for (size_t i = 0; i < count; i++) {
        check(rondo_reschedule(loop, ids[i], when), "rondo_reschedule");
    }
}

/* All are due when the loop runs. */
static void expire(size_t count)
{
    (void)start(count, 0, RONDO_SEC(1));
    measure_sleep(RONDO_MS(1100));
    while (called < count) {
        check(rondo_loop_run_once(loop, 0), "rondo_loop_run_once");
    }
}

/* ---- callbacks ---- */

static void soon(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(rondo_call_soon(loop, count_call, NULL), "rondo_call_soon");
        if (i % BATCH == BATCH - 1) {
            check(rondo_loop_run(loop), "rondo_loop_run");
        }
    }
}

static void chain_on(rondo_loop *from, void *arg)
{
    if (--left) {
        check(rondo_call_soon(from, chain_on, arg), "rondo_call_soon");
    }
}

static void chained(size_t count)
{
    left = count;
    check(rondo_call_soon(loop, chain_on, NULL), "rondo_call_soon");
    check(rondo_loop_run(loop), "rondo_loop_run");
}

static void post(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(rondo_call_soon_threadsafe(loop, count_call, NULL),
              "rondo_call_soon_threadsafe");
        if (i % BATCH == BATCH - 1) {
            check(rondo_loop_run(loop), "rondo_loop_run");
        }
    }
}

/* ---- loops ---- */

static void loops(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rondo_loop *other;
        check(rondo_loop_new(&other, NULL), "rondo_loop_new");
        check(rondo_loop_close(other), "rondo_loop_close");
    }
}

/* ---- an echo by sock_recv and sock_sendall; the other ends are ours ---- */

struct pair {
    int ours, other;
    char bytes[SIZE];
};

static void pair_ask(struct pair *p)
{
    if (write(p->other, p->bytes, SIZE) != SIZE) {
        measure_die("write");
    }
}

static void pair_received(rondo_loop *from, void *arg, int64_t result);

static void pair_sent(rondo_loop *from, void *arg, int64_t result)
{
    struct pair *p = arg;
    if (result != SIZE || read(p->other, p->bytes, SIZE) != SIZE) {
        measure_die("rondo_sock_sendall");
    }
    if (left-- <= PAIRS) {
        return;
    }
    pair_ask(p);
    check(rondo_sock_recv(from, p->ours, p->bytes, SIZE, pair_received, p),
          "rondo_sock_recv");
}

static void pair_received(rondo_loop *from, void *arg, int64_t result)
{
    struct pair *p = arg;
    check(result - SIZE, "rondo_sock_recv");
    check(rondo_sock_sendall(from, p->ours, p->bytes, SIZE, pair_sent, p),
          "rondo_sock_sendall");
}

static void pair_open(struct pair *p)
{
    int fds[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
          "socketpair");
    p->ours = fds[0];
    p->other = fds[1];
    pair_ask(p);
}

static void sock_echo(size_t count)
{
    static struct pair pairs[PAIRS];
    left = count;
    for (int i = 0; i < PAIRS; i++) {
        pair_open(&pairs[i]);
        check(rondo_sock_recv(loop, pairs[i].ours, pairs[i].bytes, SIZE,
                              pair_received, &pairs[i]),
              "rondo_sock_recv");
    }
    check(rondo_loop_run(loop), "rondo_loop_run");
}

/* ---- an echo by add_reader, recv and send; the other ends are ours ---- */

static void pair_readable(rondo_loop *from, rondo_fd fd, void *arg)
{
    struct pair *p = arg;
    if (recv((int)fd, p->bytes, SIZE, 0) != SIZE ||
        send((int)fd, p->bytes, SIZE, 0) != SIZE ||
        read(p->other, p->bytes, SIZE) != SIZE) {
        measure_die("recv, send");
    }
    if (left-- > PAIRS) {
        pair_ask(p);
    } else {
        check(rondo_remove_reader(from, fd), "rondo_remove_reader");
    }
}

static void reader_echo(size_t count)
{
    static struct pair pairs[PAIRS];
    left = count;
    for (int i = 0; i < PAIRS; i++) {
        pair_open(&pairs[i]);
        check(rondo_add_reader(loop, pairs[i].ours, pair_readable, &pairs[i]),
              "rondo_add_reader");
    }
    check(rondo_loop_run(loop), "rondo_loop_run");
}

/* ---- a server's clients, which come and go PAIRS at a time ---- */

static size_t came;

static void count_made(rondo_transport *t, void *self)
{
    (void)t;
    (void)self;
    came++;
}

static void count_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)self;
    (void)error;
    called++;
}

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof *address) < 0) {
        measure_die("connect");
    }
    return fd;
}

static void accept_clients(size_t count)
{
    static const rondo_protocol protocol = {.connection_made = count_made,
                                            .connection_lost = count_lost};
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    rondo_server *server;
    check(rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &protocol,
                              NULL, &server),
          "rondo_create_server");
    check(getsockname((int)rondo_server_fd(server, 0),
                      (struct sockaddr *)&address, &size),
          "getsockname");
    for (size_t before = 0; before < count; before += PAIRS) {
        int clients[PAIRS];
        for (int i = 0; i < PAIRS; i++) {
            clients[i] = connect_to(&address);
        }
        while (came < before + PAIRS) {
            check(rondo_loop_run_once(loop, 0), "rondo_loop_run_once");
        }
        for (int i = 0; i < PAIRS; i++) {
            close(clients[i]);
        }
        while (called < before + PAIRS) {
            check(rondo_loop_run_once(loop, 0), "rondo_loop_run_once");
        }
    }
}

/* ---- children, which start and end beside others ---- */

static long beside;
static rondo_process **others;

static void count_exit(rondo_process *p, void *self, rondo_exit status)
{
    (void)p;
    (void)self;
    (void)status;
    called++;
}

static const rondo_process_protocol counts_exit = {.process_exited =
                                                       count_exit};

static void start_child(char *const *argv, rondo_process **process)
{
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    o.program = argv[0];
    o.argv = (const char *const *)argv;
    check(rondo_subprocess_exec(loop, &o, &counts_exit, NULL, process),
          "rondo_subprocess_exec");
}

static void wait_for_exits(size_t count)
{
    while (called < count) {
        check(rondo_loop_run_once(loop, -1), "rondo_loop_run_once");
    }
}

static void children(size_t count)
{
    static char *const sleeps[] = {"/bin/sleep", "100000", NULL};
    static char *const ends[] = {"/bin/true", NULL};
    others = measure_allocate((size_t)beside + 1, sizeof *others);
    for (long i = 0; i < beside; i++) {
        start_child(sleeps, &others[i]);
    }
    for (size_t i = 1; i <= count; i++) {
        start_child(ends, NULL);
        wait_for_exits(i);
    }
    for (long i = 0; i < beside; i++) {
        check(rondo_process_kill(others[i]), "rondo_process_kill");
    } /* whose ends are left to init: they would cost as much as all else */
}

static const struct {
    const char *name;
    void (*run)(size_t count);
} operations[] = {{"start", start_far},
                  {"start+cancel", cancel},
                  {"start+later", later},
                  {"start+expire", expire},
                  {"call_soon", soon},
                  {"call_soon_chained", chained},
                  {"post", post},
                  {"loop_new+close", loops},
                  {"sock_recv+sendall", sock_echo},
                  {"add_reader", reader_echo},
                  {"accept+close", accept_clients},
                  {"child", children}};

static bool is_watcher(const char *name)
{
    return !name || strcmp(name, "pidfd") == 0 ||
           strcmp(name, "sigchld") == 0 || strcmp(name, "thread") == 0;
}

static const char usage[] =
    "[--watcher pidfd|sigchld|thread] [--beside N] OPERATION COUNT";

int main(int argc, char **argv)
{
    rondo_loop_options o = RONDO_LOOP_OPTIONS_INIT;
    const struct option options[] = {
        {.name = "--watcher", .text = &o.child_watcher},
        {.name = "--beside", .number = &beside, .least = 0, .most = 100000},
        {0}};
    long count;
    int word = options_read(argc, argv, options, 2, usage);
    if (!is_watcher(o.child_watcher)) {
        options_wrong(argv[0], usage);
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(argv[word], operations[i].name) == 0 &&
            options_number(argv[word + 1], 1, 1L << 40, &count)) {
            check(rondo_loop_new(&loop, &o), "rondo_loop_new");
            operations[i].run((size_t)count);
            return 0;
        }
    }
    options_wrong(argv[0], usage);
}
