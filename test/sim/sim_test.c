/* sim_test.c - runs the tests of a file, and the programs of their hosts. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sim_test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TESTS_MOST = 200 };

static struct CMUnitTest tests[TESTS_MOST];
static size_t tests_used;

void sim_test_add(const char *name, CMUnitTestFunction fn)
{
    if (tests_used < TESTS_MOST)
        tests[tests_used++] =
            (struct CMUnitTest){.name = name, .test_func = fn};
}

/* A test that fails leaves its world. */
static int end_world(void **state)
{
    (void)state;
    if (rondo_sim_exists())
        (void)rondo_sim_end();
    return 0;
}

void sim_test_refused(int64_t result, int error, const char *words,
                      const char *file, int line)
{
    if (result != error)
        fail_msg("%s:%d: %lld (%s) instead of %s", file, line,
                 (long long)result, rondo_last_error(),
                 rondo_error_name(error));
    if (!strstr(rondo_last_error(), words))
        fail_msg("%s:%d: \"%s\" lacks \"%s\"", file, line, rondo_last_error(),
                 words);
}

const char *sim_test_backend(void)
{
    return getenv("RONDO_TEST_BACKEND");
}

void sim_test_must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s\n", rondo_last_error());
    abort();
}

/* What somebody has set for programs of their own is no matter of a test. */
rondo_fd sim_test_listen(int backlog)
{
    rondo_address at;
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_INET, false);
    sim_test_must(rondo_address_parse(&at, "0.0.0.0", 7));
    sim_test_must(rondo_sim_bind(fd, &at));
    sim_test_must(rondo_sim_listen(fd, backlog));
    return fd;
}

static void forget_environment(void)
{
    static const char *const names[] = {"RONDO_SIM_SEED", "RONDO_SIM_SEEDS",
                                        "RONDO_SIM_KEEP", "RONDO_SIM_TRACE",
                                        "RONDO_SIM_TIMEOUT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

int main(void)
{
    forget_environment();
    for (size_t i = 0; i < tests_used; i++)
        tests[i].teardown_func = end_world;
    return _cmocka_run_group_tests("sim", tests, tests_used, NULL, NULL);
}

/* ---- trials ---- */

char sim_test_told[8192];

int sim_test_try(uint64_t seeds, rondo_sim_scenario scenario, void *arg,
                 const char *variable, const char *value)
{
    int pipes[2], status = 0;
    size_t used = 0;
    ssize_t count;
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        close(pipes[1]);
        if (variable)
            setenv(variable, value, 1);
        int result = rondo_sim_try(seeds, scenario, arg);
        _exit(result < 0 ? 100 : result);
    }
    close(pipes[1]);
    while ((count = read(pipes[0], sim_test_told + used,
                         sizeof sim_test_told - 1 - used)) > 0)
        used += (size_t)count;
    sim_test_told[used] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- the server ---- */

static void echo_back(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    (void)self;
    (void)rondo_transport_write(t, data, size);
}

static const rondo_protocol echoing = {.data_received = echo_back};

void echo_server(void *arg)
{
    rondo_loop *loop;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_create_server(
        loop, RONDO_SERVE(.port = 7, .family = RONDO_FAMILY_INET), &echoing,
        NULL, NULL));
    (void)rondo_loop_run_forever(loop);
}

/* ---- the client ---- */

struct talk {
    struct echo *echo;
    unsigned rounds;
    size_t bytes; /* of this round's answer */
};

static void say(rondo_transport *t, const struct talk *talk)
{
    static const char text[65536];
    sim_test_must(rondo_transport_write(t, text, talk->echo->size));
}

static void talk_begins(rondo_transport *t, void *self)
{
    const struct talk *talk = self;
    if (talk->echo->timeout_ns)
        sim_test_must(
            rondo_transport_set_timeouts(t, talk->echo->timeout_ns, 0));
    say(t, talk);
}

static void talk_goes_on(rondo_transport *t, void *self, const void *data,
                         size_t size)
{
    struct talk *talk = self;
    (void)data;
    talk->bytes += size;
    if (talk->bytes < talk->echo->size)
        return;
    talk->bytes = 0;
    talk->echo->answers++;
    if (++talk->rounds < talk->echo->rounds)
        say(t, talk);
    else
        rondo_transport_close(t);
}

static void talk_ends(rondo_transport *t, void *self, int error)
{
    struct talk *talk = self;
    (void)t;
    talk->echo->lost++;
    if (error)
        talk->echo->error = error;
    rondo_sim_free(talk);
}

static const rondo_protocol talking = {.connection_made = talk_begins,
                                       .data_received = talk_goes_on,
                                       .connection_lost = talk_ends};

static void talk_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                           int error)
{
    struct talk *talk = arg;
    (void)loop;
    (void)t;
    if (!error)
        return;
    talk->echo->failed++;
    talk->echo->error = error;
    rondo_sim_free(talk);
}

void echo_client(void *arg)
{
    struct echo *e = arg;
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    e->loop = loop;
    for (unsigned i = 0; i < e->clients; i++) {
        struct talk *talk = rondo_sim_alloc(sizeof *talk);
        talk->echo = e;
        sim_test_must(
            rondo_create_connection(loop,
                                    RONDO_CONNECT(.host = e->host, .port = 7,
                                                  .family = RONDO_FAMILY_INET),
                                    &talking, talk, talk_connected, talk));
    }
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
    e->loop = NULL;
}

int echo_play(struct echo *e, const rondo_sim_options *options)
{
    sim_test_must(rondo_sim_begin(options));
    sim_test_must(rondo_sim_add_host("server", "10.0.0.1", echo_server, e));
    sim_test_must(rondo_sim_add_host("client", "10.0.0.2", echo_client, e));
    e->host = "server";
    e->rounds = e->rounds ? e->rounds : 10;
    e->clients = e->clients ? e->clients : 1;
    e->size = e->size ? e->size : 1;
    return rondo_sim_run_quiet(RONDO_SEC(100000));
}
