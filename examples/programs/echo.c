/* echo.c - TCP echo server with back-pressure and clean stop on SIGINT. */
/* SPDX-License-Identifier: MIT */
/* Build: cc echo.c -o echo $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    (void)self;
    rondo_transport_write(t, data, size);
}

static void pause(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static const rondo_protocol echo = {.data_received = received,
                                    .pause_writing = pause,
                                    .resume_writing = resume};

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    rondo_remove_signal_handler(loop, signum);
    rondo_server_close(arg);
    rondo_server_close_clients(arg);
}

int main(void)
{
    rondo_loop *loop;
    rondo_server *server;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop, RONDO_SERVE(.port = 7000), &echo, NULL,
                            &server) < 0 ||
        rondo_add_signal_handler(loop, SIGINT, interrupted, server) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    return 0;
}
