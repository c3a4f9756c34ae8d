/* throw.cpp - proves that an exception which leaves a callback ends the
 * program, by std::terminate and where it is thrown. */
/* SPDX-License-Identifier: MIT */
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rondo.h>

enum { TERMINATED = 42, PASSED = 43, RETURNED = 44 };

static void thrown()
{
    throw std::runtime_error("of the program");
}

static void in_callback(rondo_loop *, void *)
{
    thrown();
}

static void in_reader(rondo_loop *, rondo_fd, void *)
{
    thrown();
}

static void in_handler(rondo_loop *, void *, const rondo_exception *)
{
    thrown();
}

static void in_line(void *, const char *, size_t)
{
    thrown();
}

static int in_start(void *, rondo_lookup *, const char *, const char *,
                    const rondo_lookup_hints *)
{
    thrown();
    return 0;
}

static void no_cancel(void *, rondo_lookup *)
{
}

static void no_answer(rondo_loop *, void *, const rondo_address *, size_t,
                      const char *, int)
{
}

static void in_data(rondo_transport *, void *, const void *, size_t)
{
    thrown();
}

static void in_lost(rondo_transport *, void *, int)
{
    thrown();
}

/* A transport whose peer has sent a byte. */
static void connect(rondo_loop *loop, const rondo_protocol *protocol)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 ||
        write(fds[1], "x", 1) != 1 ||
        rondo_connect_accepted_socket(loop, fds[0], protocol, nullptr,
                                      nullptr) < 0)
        _exit(1);
}

static int by_soon(rondo_loop *loop)
{
    (void)rondo_call_soon(loop, in_callback, nullptr);
    return rondo_loop_run(loop);
}

static int by_timer(rondo_loop *loop)
{
    (void)rondo_call_later(loop, 0, in_callback, nullptr);
    return rondo_loop_run_once(loop, RONDO_NEVER);
}

static int by_post(rondo_loop *loop)
{
    (void)rondo_call_soon_threadsafe(loop, in_callback, nullptr);
    return rondo_loop_run_forever(loop);
}

static int by_reader(rondo_loop *loop)
{
    int fds[2];

    if (pipe(fds) != 0 || write(fds[1], "x", 1) != 1)
        return -1;
    (void)rondo_add_reader(loop, fds[0], in_reader, nullptr);
    return rondo_loop_run(loop);
}

static int by_data(rondo_loop *loop)
{
    static rondo_protocol protocol;

    protocol.data_received = in_data;
    connect(loop, &protocol);
    return rondo_loop_run(loop);
}

static int by_close(rondo_loop *loop)
{
    static rondo_protocol protocol;

    protocol.connection_lost = in_lost;
    connect(loop, &protocol);
    return rondo_loop_close(loop);
}

static int by_handler(rondo_loop *loop)
{
    rondo_exception e = {};

    e.size = sizeof e;
    (void)rondo_loop_set_exception_handler(loop, in_handler, nullptr);
    rondo_loop_call_exception_handler(loop, &e);
    return 0;
}

static int by_dump(rondo_loop *loop)
{
    static rondo_protocol protocol;

    connect(loop, &protocol);
    return rondo_loop_dump(loop, in_line, nullptr);
}

static int by_resolver(rondo_loop *loop)
{
    rondo_resolver resolver = {};

    resolver.start = in_start;
    resolver.cancel = no_cancel;
    if (rondo_set_resolver(loop, &resolver) < 0 ||
        rondo_getaddrinfo(loop, "name", nullptr, nullptr, no_answer, nullptr) <
            0)
        return -1;
    return rondo_loop_run(loop);
}

static const struct {
    const char *name;
    int (*run)(rondo_loop *loop);
} cases[] = {{"call_soon", by_soon},
             {"call_later", by_timer},
             {"call_soon_threadsafe", by_post},
             {"add_reader", by_reader},
             {"data_received", by_data},
             {"loop_close", by_close},
             {"exception handler", by_handler},
             {"dump", by_dump},
             {"resolver", by_resolver}};

/* Its exit status says what has become of the exception. */
static void child(const char *backend, int (*run)(rondo_loop *loop))
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop = nullptr;

    options.backend = backend;
    if (rondo_loop_new(&loop, &options) < 0)
        _exit(1);
    std::set_terminate([] { _exit(TERMINATED); });
    try {
        (void)run(loop);
    } catch (const std::exception &) {
        _exit(PASSED);
    }
    _exit(RETURNED);
}

int main()
{
    const char *const *names = nullptr;
    const size_t count = rondo_backends(&names);
    int failed = 0;

    for (size_t i = 0; i < count; i++)
        for (const auto &one : cases) {
            int status = 0;
            const pid_t pid = fork();

            if (pid == 0)
                child(names[i], one.run);
            if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
                WEXITSTATUS(status) == TERMINATED)
                continue;
            std::fprintf(stderr, "throw: %s, %s: status %d\n", names[i],
                         one.name, status);
            failed = 1;
        }
    return failed;
}
