/* chat_test.c - does each line reach everybody, if the server crashes? */
/* SPDX-License-Identifier: MIT */
#include "chat.h"

#include <rondo_sim.h>

#include <string.h>

static void check_heard(const struct chat_person *p, unsigned char other)
{
    rondo_sim_check(!p->gap && p->heard[other] == CHAT_LINES,
                    "%c has heard the lines of %c up to %u%s", p->name, other,
                    p->heard[other], p->gap ? ", with a gap" : "");
}

static int scenario(uint64_t seed, void *arg)
{
    const bool *fixed = arg;
    struct chat_server server = {0};
    struct chat_person ann = {.name = 'a', .careful = *fixed};
    struct chat_person bob = {.name = 'b', .careful = *fixed};

    rondo_sim_begin(RONDO_SIM(.seed = seed));
    int s = rondo_sim_add_host("server", NULL, chat_server_main, &server);
    rondo_sim_add_host("ann", NULL, chat_person_main, &ann);
    rondo_sim_add_host("bob", NULL, chat_person_main, &bob);

    rondo_sim_run_for((int64_t)rondo_sim_random(RONDO_SEC(3)));
    rondo_sim_crash(s);
    rondo_sim_run_for((int64_t)rondo_sim_random(RONDO_SEC(5)));
    rondo_sim_restart(s);
    rondo_sim_run_for(RONDO_SEC(60));

    check_heard(&ann, 'b');
    check_heard(&bob, 'a');
    return rondo_sim_end();
}

/* chat_test fixed: with people who say their lines again. */
int main(int argc, char **argv)
{
    bool fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
    return rondo_sim_try(1000, scenario, &fixed);
}
