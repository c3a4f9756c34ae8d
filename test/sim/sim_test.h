/* sim_test.h - tests of the simulated system, and programs for its hosts. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_TEST_H
#define RONDO_SIM_TEST_H

/* cmocka wants these before its header */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rondo.h"
#include "rondo_sim.h"

/* TEST(name) { ... } is a test; they run in the order of their lines. */
#define TEST(name)                                                             \
    static void test_##name(void **state);                                     \
    __attribute__((constructor)) static void register_##name(void)             \
    {                                                                          \
        sim_test_add(#name, test_##name);                                      \
    }                                                                          \
    static void test_##name(void **state __attribute__((unused)))

void sim_test_add(const char *name, CMUnitTestFunction fn);

/* The error is that, and there is a sentence with those words. */
#define assert_refused(result, error, words)                                   \
    sim_test_refused((result), (error), (words), __FILE__, __LINE__)
void sim_test_refused(int64_t result, int error, const char *words,
                      const char *file, int line);

/* Which backend the tests run on: RONDO_TEST_BACKEND, or NULL. */
const char *sim_test_backend(void);

/* Fails the program, with the sentence of the last error. */
void sim_test_must(int64_t result);

/* A socket of the calling host that listens at 0.0.0.0, port 7. */
rondo_fd sim_test_listen(int backlog);

/* ---- trials ---- */

/* rondo_sim_try in a process of its own, with a variable of the environment or
 * NULL; 100: an error. What it prints to stderr is in sim_test_told. */
int sim_test_try(uint64_t seeds, rondo_sim_scenario scenario, void *arg,
                 const char *variable, const char *value);
extern char sim_test_told[8192];

#define assert_told(words)                                                     \
    do {                                                                       \
        if (!strstr(sim_test_told, (words)))                                   \
            fail_msg("\"%s\" is not in: %s", (words), sim_test_told);          \
    } while (0)

/* ---- a server that echoes, and a client that counts ---- */

struct echo {
    const char *host; /* the server's */
    unsigned rounds;  /* how often the client sends */
    unsigned clients; /* connections of the client's */
    size_t size;      /* bytes each time */
    unsigned answers, lost, failed;
    int error; /* the last one of a connection */
    rondo_loop *loop;
    int64_t timeout_ns; /* of an answer; 0: none */
};

void echo_server(void *echo);
void echo_client(void *echo);
/* A world with both, up to the client's end. */
int echo_play(struct echo *e, const rondo_sim_options *options);

#endif
