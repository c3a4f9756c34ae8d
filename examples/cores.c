/* cores.c - an echo server with one loop a core: each is on a thread of its
 * own and listens at the same port, and the kernel spreads the clients. */
/* SPDX-License-Identifier: MIT */
#include "args.h"

enum { LOOPS_MAX = 256 };

struct worker {
    struct crew *crew;
    unsigned number;
    uint16_t port;
    rondo_address address;
    rondo_remote *remote; /* to its loop, also when that is gone already */
    bool serves;
    int64_t clients;
};

struct crew {
    const struct args *args;
    rondo_loop *loop; /* the first thread's: starts and stops the others */
    rondo_executor *threads;
    bool spreads, stopping;
    unsigned count, serving, working;
    int64_t clients;
    int result;
    struct worker worker[LOOPS_MAX];
};

/* ---- on a worker's thread ---- */

static void made(rondo_transport *t, void *self)
{
    struct worker *w = self;
    (void)t;
    w->clients++;
}

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

static const rondo_protocol echo = {.connection_made = made,
                                    .data_received = received,
                                    .pause_writing = pause_writing,
                                    .resume_writing = resume_writing};

static void serves(rondo_loop *loop, void *arg);

static int64_t serve(rondo_job *job, void *arg)
{
    struct worker *w = arg;
    rondo_loop *loop = NULL;
    rondo_server *server;
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    options.host = "127.0.0.1";
    options.port = w->port;
    options.reuse_port = w->crew->spreads ? RONDO_ON : RONDO_OFF;
    if (args_loop(w->crew->args, &loop) < 0 ||
        rondo_create_server(loop, &options, &echo, w, &server) < 0 ||
        rondo_server_address(server, 0, &w->address) < 0 ||
        !(w->remote = rondo_loop_remote(loop)) ||
        rondo_job_call_soon(job, serves, w) < 0) {
        args_failed(loop);
        return RONDO_EOTHER;
    }
    int result = rondo_loop_run_forever(loop);
    rondo_loop_close(loop);
    return result < 0 ? result : w->clients;
}

static void stop(rondo_loop *loop, void *arg)
{
    (void)arg;
    rondo_loop_stop(loop);
}

/* ---- on the first thread ---- */

static void stop_all(struct crew *crew)
{
    crew->stopping = true;
    for (unsigned i = 0; i < crew->count; i++)
        if (crew->worker[i].serves)
            (void)rondo_remote_call(crew->worker[i].remote, stop, NULL);
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)loop;
    (void)signum;
    stop_all(arg);
}

static void time_is_up(rondo_loop *loop, void *arg)
{
    (void)loop;
    stop_all(arg);
}

static void ended(rondo_loop *loop, void *arg, int64_t result)
{
    struct worker *w = arg;
    struct crew *crew = w->crew;
    (void)loop;
    w->serves = false;
    rondo_remote_release(w->remote);
    crew->working--;
    crew->clients += w->clients;
    if (result < 0) {
        crew->result = 1;
        stop_all(crew);
    } else {
        printf("loop %u: %lld clients\n", w->number, (long long)result);
    }
}

/* -1: it cannot, as it has said. */
static int start(struct crew *crew, unsigned number, uint16_t port)
{
    struct worker *w = &crew->worker[number];
    *w = (struct worker){.crew = crew, .number = number, .port = port};
    rondo_id id =
        rondo_run_in_executor(crew->loop, crew->threads, serve, ended, w);
    if (id < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        crew->result = 1;
        return -1;
    }
    crew->working++;
    return 0;
}

/* Posted by each worker. The first one's port is everybody's. */
static void serves(rondo_loop *loop, void *arg)
{
    struct worker *w = arg;
    struct crew *crew = w->crew;
    (void)loop;
    w->serves = true;
    crew->serving++;
    for (unsigned i = 1; crew->serving == 1 && i < crew->count; i++)
        if (start(crew, i, rondo_address_port(&w->address)) < 0)
            crew->stopping = true;
    if (crew->stopping)
        stop_all(crew);
    if (crew->serving == crew->count) {
        char text[RONDO_ADDRESS_TEXT];
        (void)rondo_address_text(&w->address, text, sizeof text);
        printf("%u loops, listening on %s\n", crew->count, text);
        fflush(stdout);
    }
}

static int run(struct crew *crew, uint16_t port)
{
    crew->spreads = rondo_loop_supports(crew->loop, RONDO_CAN_REUSE_PORT);
    if (!crew->spreads && crew->count > 1) {
        printf("no port can be shared here: one loop\n");
        crew->count = 1;
    }
    if (rondo_executor_new(&crew->threads, crew->count) < 0 ||
        rondo_add_signal_handler(crew->loop, SIGINT, interrupted, crew) < 0)
        return args_failed(crew->loop);
    (void)start(crew, 0, port);
    if (crew->args->seconds) {
        rondo_id id = rondo_call_later(
            crew->loop, RONDO_SEC(crew->args->seconds), time_is_up, crew);
        rondo_set_background(crew->loop, id, true);
    }
    rondo_loop_run(crew->loop);
    rondo_executor_free(crew->threads);
    rondo_loop_close(crew->loop);
    printf("%lld clients in all\n", (long long)crew->clients);
    return crew->result;
}

int main(int argc, char **argv)
{
    static struct crew crew;
    struct args args = {.usage = "[PORT [LOOPS]]"};
    args_parse(&args, argc, argv, 2);
    uint16_t port = args_port(&args, 0, 7000);
    int64_t count = args.words > 1 ? args_number(args.word[1], LOOPS_MAX)
                                   : (int64_t)rondo_cpu_count();
    if (count < 1) {
        args_usage(&args, stderr, argv[0]);
        return 2;
    }
    crew.args = &args;
    crew.count = count < LOOPS_MAX ? (unsigned)count : LOOPS_MAX;
    return args_loop(&args, &crew.loop) < 0 ? args_failed(NULL)
                                            : run(&crew, port);
}
