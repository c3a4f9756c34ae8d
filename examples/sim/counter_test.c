/* counter_test.c - does each request count once, whatever the network does? */
/* SPDX-License-Identifier: MIT */
#include "counter.h"

#include <rondo_sim.h>

#include <string.h>

static bool has_all_answers(void *arg)
{
    const struct adder *client = arg;
    return client->answered == client->wanted;
}

static int scenario(uint64_t seed, void *arg)
{
    const bool *fixed = arg;
    struct counter copy = {0};
    struct counter server = {.copy_host = "copy", .checks_requests = *fixed};
    struct adder client = {.host = "server", .wanted = 20};

    rondo_sim_begin(
        RONDO_SIM(.seed = seed, .link = {.latency_ns = RONDO_MS(5),
                                         .jitter_ns = RONDO_MS(5)}));
    rondo_sim_add_host("copy", NULL, counter_main, &copy);
    int s = rondo_sim_add_host("server", NULL, counter_main, &server);
    int c = rondo_sim_add_host("client", NULL, adder_main, &client);

    rondo_sim_run_for((int64_t)rondo_sim_random(RONDO_SEC(1)));
    rondo_sim_partition(s, c);
    rondo_sim_run_for((int64_t)rondo_sim_random(RONDO_SEC(3)));
    rondo_sim_heal(s, c);

    int result = rondo_sim_run_until(has_all_answers, &client, RONDO_SEC(600));
    rondo_sim_check(result == RONDO_SIM_DONE, "only %u of %u answers came",
                    client.answered, client.wanted);
    rondo_sim_check(server.value == client.wanted,
                    "the server counted %u of %u", server.value, client.wanted);
    rondo_sim_check(copy.value == server.value, "the copy has %u, not %u",
                    copy.value, server.value);
    return rondo_sim_end();
}

static int weather(uint64_t seed, void *arg)
{
    const bool *fixed = arg;
    struct counter copy = {0};
    struct counter server = {.copy_host = "copy", .checks_requests = *fixed};
    struct adder client = {.host = "server", .wanted = 200};

    rondo_sim_begin(RONDO_SIM(.seed = seed, .faults = {.partition = 0.2,
                                                       .short_read = 0.1,
                                                       .split = 0.1,
                                                       .late = 0.1}));
    rondo_sim_add_host("copy", NULL, counter_main, &copy);
    rondo_sim_add_host("server", NULL, counter_main, &server);
    rondo_sim_add_host("client", NULL, adder_main, &client);
    rondo_sim_run_until(has_all_answers, &client, RONDO_SEC(600));
    rondo_sim_check(server.value == client.answered,
                    "the server counted %u, the client %u", server.value,
                    client.answered);
    return rondo_sim_end();
}

/* counter_test fixed: with the server that knows requests again; counter_test
 * weather: with faults that come by themselves. */
int main(int argc, char **argv)
{
    bool fixed = argc > 1 && strcmp(argv[argc - 1], "fixed") == 0;
    bool faults = argc > 1 && strcmp(argv[1], "weather") == 0;
    return rondo_sim_try(1000, faults ? weather : scenario, &fixed);
}
