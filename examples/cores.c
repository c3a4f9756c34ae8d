/* cores.c - an echo server on all cores: a group has one loop on each. */
/* SPDX-License-Identifier: MIT */
/* Build: cc cores.c -o cores $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

static void pause_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume_writing(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static const rondo_protocol echo = {.data_received = received,
                                    .pause_writing = pause_writing,
                                    .resume_writing = resume_writing};

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

static int failed(rondo_loop *loop)
{
    fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return 1;
}

/* Runs until Ctrl-C; then says how many clients each loop has. */
static int run(rondo_loop *home, rondo_group *group, rondo_group_server *server)
{
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    size_t all = 0;
    if (rondo_add_signal_handler(home, SIGINT, interrupted, NULL) < 0 ||
        rondo_group_server_address(server, 0, &address) < 0 ||
        rondo_address_text(&address, text, sizeof text) < 0)
        return failed(home);
    printf("%zu loops, listening on %s\n", rondo_group_size(group), text);
    fflush(stdout);
    int result = rondo_loop_run(home);
    for (size_t i = 0; i < rondo_group_size(group); i++) {
        size_t clients = rondo_group_server_clients(server, i);
        printf("loop %zu: %zu clients\n", i, clients);
        all += clients;
    }
    printf("%zu clients in all\n", all);
    return rondo_loop_close(home) < 0 || result < 0;
}

int main(int argc, char **argv)
{
    rondo_group_options options = RONDO_GROUP_OPTIONS_INIT;
    rondo_server_options where = RONDO_SERVER_OPTIONS_INIT;
    rondo_loop *home = NULL;
    rondo_group *group;
    rondo_group_server *server;
    where.host = "127.0.0.1";
    where.port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7000);
    if (argc > 2) /* one for each core otherwise */
        options.loops = (unsigned)atoi(argv[2]);
    if (rondo_loop_new(&home, NULL) < 0 ||
        rondo_create_group(home, &options, &group) < 0 ||
        rondo_group_serve(group, &where, RONDO_SPREAD_DEFAULT, &echo, NULL,
                          &server) < 0)
        return failed(home);
    return run(home, group, server);
}
