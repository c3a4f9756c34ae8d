/* from_asyncio.c - what asyncio's calls are called here: each of them, once. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "from_asyncio: %s\n", rondo_last_error());
    exit(1);
}

/* ---- the loop ----------------------------------------------------------- */

static void say(rondo_loop *loop, void *text)
{
    (void)loop;
    printf("loop: %s\n", (const char *)text);
}

static void stop(rondo_loop *loop, void *arg)
{
    (void)arg;
    printf("loop: %s\n", rondo_loop_is_running(loop) ? "runs" : "does not run");
    rondo_loop_stop(loop);
}

static void callbacks(rondo_loop *loop)
{
    int64_t now = rondo_loop_time(loop); /* loop.time */
    must(rondo_call_soon(loop, say, "soon"));
    must(rondo_call_soon_threadsafe(loop, say, "threadsafe"));
    rondo_id id = rondo_call_at(loop, now + RONDO_SEC(60), say, "late");
    must(id);
    bool same = rondo_when(loop, id) == now + RONDO_SEC(60);
    printf("timer: %s\n", same ? "when it was asked for" : "at another time");
    must(rondo_cancel(loop, id));
    must(rondo_call_later(loop, RONDO_MS(5), stop, NULL));
    printf("run: %d\n", rondo_loop_run_forever(loop));
}

static void went_wrong(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    (void)arg;
    printf("handler: %s\n", what->message);
    if (what->error == RONDO_ENOMEM)
        rondo_loop_default_exception_handler(loop, NULL, what);
}

static void handlers(rondo_loop *loop)
{
    rondo_exception mine = {.size = sizeof mine,
                            .message = "something of mine",
                            .error = RONDO_EOTHER};
    must(rondo_loop_set_debug(loop, true, RONDO_SEC(1)));
    must(rondo_loop_set_exception_handler(loop, went_wrong, NULL));
    rondo_loop_call_exception_handler(loop, &mine);
    must(rondo_loop_set_exception_handler(loop, NULL, NULL));
    must(rondo_loop_set_debug(loop, false, 0));
}

static void got_signal(rondo_loop *loop, int signum, void *arg)
{
    (void)loop, (void)signum, (void)arg;
}

static void signals(rondo_loop *loop)
{
    must(rondo_add_signal_handler(loop, SIGINT, got_signal, NULL));
    int removed = rondo_remove_signal_handler(loop, SIGINT);
    printf("signal: %d handler removed\n", removed);
}

static int64_t work(rondo_job *job, void *arg)
{
    (void)job;
    return (int64_t)strlen(arg);
}

static void print_result(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    must(result);
    printf("%s: %d\n", (const char *)arg, (int)result);
}

static void executors(rondo_loop *loop)
{
    rondo_executor *executor;
    static char text[] = "job";
    must(rondo_executor_new(&executor, 1)); /* ThreadPoolExecutor */
    must(rondo_set_default_executor(loop, executor));
    must(rondo_run_in_executor(loop, NULL, work, print_result, text));
    must(rondo_loop_run(loop)); /* run_until_complete */
    must(rondo_executor_shutdown(executor, true));
    must(rondo_set_default_executor(loop, NULL));
    rondo_executor_free(executor);
}

/* ---- transports and protocols ------------------------------------------- */

static void server_made(rondo_transport *t, void *self)
{
    char text[RONDO_ADDRESS_TEXT];
    rondo_address peer, own;
    (void)self;
    must(rondo_transport_peer_address(t, &peer)); /* "peername" */
    must(rondo_transport_local_address(t, &own)); /* "sockname" */
    must(rondo_address_text(&peer, text, sizeof text));
    printf("server: %.10s has come\n", text);
    must(rondo_transport_fd(t) == RONDO_NO_FD ? -1 : 0); /* "socket" */
}

static void server_received(rondo_transport *t, void *self, const void *data,
                            size_t size)
{
    (void)self;
    must(rondo_transport_write(t, data, size));
}

static bool server_eof(rondo_transport *t, void *self)
{
    (void)self;
    must(rondo_transport_write(t, ", bye", 5));
    must(rondo_transport_write_eof(t));
    return true;
}

static void server_lost(rondo_transport *t, void *self, int error)
{
    (void)self, (void)t;
    printf("server: %s\n", rondo_error_name(error)); /* connection_lost(None) */
}

static const rondo_protocol echo = {.connection_made = server_made,
                                    .data_received = server_received,
                                    .eof_received = server_eof,
                                    .connection_lost = server_lost};

static int make_protocol(rondo_server *server, void *arg, rondo_transport *t,
                         const rondo_protocol **protocol, void **self)
{
    (void)server, (void)t, (void)self, (void)arg;
    *protocol = &echo; /* protocol_factory */
    return 0;
}

struct client {
    char text[64];
    int error;
    bool buffered;
};

static void *get_buffer(rondo_transport *t, void *self, size_t hint,
                        size_t *size)
{
    struct client *c = self;
    size_t used = strlen(c->text);
    (void)t, (void)hint;
    *size = sizeof c->text - 1 - used;
    return c->text + used;
}

static void buffer_updated(rondo_transport *t, void *self, size_t size)
{
    (void)t, (void)self, (void)size; /* the buffer was zero before */
}

static void client_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    ((struct client *)self)->error = error;
}

/* asyncio.BufferedProtocol */
static const rondo_protocol buffered = {.get_buffer = get_buffer,
                                        .buffer_updated = buffer_updated,
                                        .connection_lost = client_lost};

static void client_made(rondo_transport *t, void *self)
{
    struct client *c = self;
    size_t high, low;
    must(rondo_transport_set_protocol(t, &buffered, c));
    must(rondo_transport_set_write_buffer_limits(t, 4096, 0));
    rondo_transport_get_write_buffer_limits(t, &high, &low);
    rondo_transport_set_pause_inside(t, true);
    must(rondo_transport_pause_reading(t));
    c->buffered = !rondo_transport_is_reading(t) && high == 4 * low &&
                  rondo_transport_can_write_eof(t);
    must(rondo_transport_resume_reading(t));
    must(rondo_transport_printf(t, "hello, %s", "world"));
    must(rondo_transport_get_write_buffer_size(t) ? -1 : 0);
    must(rondo_transport_write_eof(t));
}

static const rondo_protocol client = {.connection_made = client_made,
                                      .connection_lost = client_lost};

static void abort_it(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_close_now(t); /* WriteTransport.abort */
    must(rondo_transport_is_closing(t) ? 0 : -1);
}

static void closed(rondo_server *server, void *arg)
{
    (void)server, (void)arg;
    printf("server: closed\n"); /* Server.wait_closed */
}

static void transports(rondo_loop *loop)
{
    static const rondo_protocol aborting = {.connection_made = abort_it,
                                            .connection_lost = client_lost};
    struct client c = {{0}, 1, false}, a = {{0}, 1, false};
    rondo_server *server;
    rondo_address address;
    must(rondo_create_server(loop,
                             RONDO_SERVE(.host = "127.0.0.1", .closed = closed,
                                         .protocol_factory = make_protocol,
                                         .start_serving = RONDO_OFF),
                             NULL, NULL, &server));
    must(rondo_server_start_serving(server));
    must(rondo_server_address(server, 0, &address)); /* Server.sockets */
    rondo_server_set_background(server, true);
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &client, &c, NULL, NULL));
    must(rondo_loop_run(loop));
    printf("client: %s, then %s, %s\n", c.text, rondo_error_name(c.error),
           c.buffered ? "buffered" : "not buffered");
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &aborting, &a, NULL, NULL));
    must(rondo_loop_run(loop));
    printf("client: aborted, %s\n", rondo_error_name(a.error));
    printf("server: %s\n", rondo_server_is_serving(server) ? "serves" : "?");
    rondo_server_close_clients(server);
    rondo_server_abort_clients(server);
    rondo_server_close(server);
    must(rondo_loop_run(loop));
}

/* ---- streams ------------------------------------------------------------ */

static void ended(rondo_reader *reader, void *arg, const void *data,
                  size_t size, int error)
{
    (void)data, (void)size, (void)arg;
    printf("stream: %s\n", rondo_error_name(error)); /* IncompleteReadError */
    rondo_reader_free(reader);
}

static void drained(rondo_loop *loop, void *reader, int64_t result)
{
    (void)loop;
    must(result);
    must(rondo_read_some(reader, ended, NULL)); /* read */
}

static void got_two(rondo_reader *reader, void *arg, const void *data,
                    size_t size, int error)
{
    rondo_transport *t = rondo_reader_transport(reader);
    (void)arg;
    must(error);
    printf("stream: %.*s\n", (int)size, (const char *)data);
    must(rondo_transport_write(t, "thanks", 6));
    must(rondo_transport_drain(t, 0, drained, reader)); /* await drain() */
}

static void got_word(rondo_reader *reader, void *arg, const void *data,
                     size_t size, int error)
{
    must(error);
    printf("stream: %.*s\n", (int)size, (const char *)data);
    must(rondo_read_exactly(reader, 2, got_two, arg)); /* readexactly */
}

static void got_line(rondo_reader *reader, void *arg, const void *data,
                     size_t size, int error)
{
    must(error);
    printf("stream: %.*s", (int)size, (const char *)data);
    must(rondo_read_until(reader, ";", 1, got_word, arg)); /* readuntil */
}

static void welcome(rondo_reader *reader, void *arg)
{
    must(rondo_read_line(reader, got_line, arg)); /* await readline() */
}

static void talk(rondo_transport *t, void *self)
{
    (void)self;
    must(rondo_transport_write(t, "line\nword;22", 12));
}

static void thanked(rondo_transport *t, void *self, const void *data,
                    size_t size)
{
    (void)self, (void)data, (void)size;
    must(rondo_transport_close_within(t, RONDO_SEC(9)));
}

static void streams(rondo_loop *loop)
{
    static const rondo_protocol talker = {.connection_made = talk,
                                          .data_received = thanked};
    rondo_server *server;
    rondo_address address;
    must(rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1"), 0, welcome,
                            NULL, &server)); /* asyncio.start_server */
    rondo_server_set_background(server, true);
    must(rondo_server_address(server, 0, &address));
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &talker, NULL, NULL, NULL));
    must(rondo_loop_run(loop));
}

/* ---- datagrams, names, programs ----------------------------------------- */

static void datagram_received(rondo_datagram *d, void *self, const void *data,
                              size_t size, const rondo_address *from,
                              bool truncated)
{
    (void)self, (void)from, (void)truncated;
    printf("datagram: %.*s\n", (int)size, (const char *)data);
    rondo_datagram_close(d);
}

static void datagrams(rondo_loop *loop)
{
    static const rondo_datagram_protocol p = {.datagram_received =
                                                  datagram_received};
    rondo_datagram *d;
    rondo_address a;
    must(rondo_address_parse(&a, "127.0.0.1", 0));
    must(rondo_create_datagram_endpoint(
        loop, RONDO_DATAGRAM(.local_address = &a), &p, NULL, &d));
    must(rondo_datagram_local_address(d, &a));
    must(rondo_datagram_send(d, "hello", 5, &a)); /* sendto */
    must(rondo_loop_run(loop));
}

static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *canonical_name, int error)
{
    (void)loop, (void)arg, (void)addresses, (void)canonical_name;
    must(error);
    printf("getaddrinfo: %d\n", (int)count);
}

static void collected(rondo_loop *loop, void *arg, const rondo_output *output,
                      int error)
{
    (void)loop, (void)arg;
    must(error);
    printf("communicate: %.*s, %u\n", (int)output->out_size,
           (const char *)output->out, (unsigned)output->status.code);
}

static void child_ended(rondo_process *p, void *self, rondo_exit status)
{
    rondo_exit again;
    (void)self, (void)status;
    must(rondo_process_returncode(p, &again) ? 0 : -1); /* returncode */
    printf("shell: %u\n", (unsigned)again.code);
}

static void programs(rondo_loop *loop, const char *program)
{
    static const rondo_process_protocol child = {.process_exited = child_ended};
    const char *const argv[] = {program, "child", NULL};
    must(rondo_getaddrinfo(loop, "127.0.0.1", "80", NULL, found, NULL));
    must(rondo_loop_run(loop));
    if (!rondo_loop_supports(loop, RONDO_CAN_SUBPROCESS)) {
        printf("communicate: not with %s\nshell: neither\n",
               rondo_loop_backend(loop));
        return;
    }
    must(rondo_communicate(loop, RONDO_PROCESS(.argv = argv), "input", 5, 1000,
                           collected, NULL));
    must(rondo_loop_run(loop));
    must(rondo_subprocess_shell(loop, "exit 3", NULL, &child, NULL, NULL));
    must(rondo_loop_run(loop));
}

/* What the child does: it sends back its input, and ends with 4. */
static int be_child(void)
{
    for (int c = getchar(); c != EOF; c = getchar())
        putchar(c);
    return 4;
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    if (argc > 1)
        return be_child();
    must(rondo_loop_new(&loop, NULL)); /* new_event_loop */
    callbacks(loop);
    handlers(loop);
    signals(loop);
    executors(loop);
    transports(loop);
    streams(loop);
    datagrams(loop);
    programs(loop, argv[0]);
    must(rondo_loop_close(loop));
    return 0;
}
