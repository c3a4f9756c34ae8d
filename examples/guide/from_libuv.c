/* from_libuv.c - what libuv's calls are called here: each of them, once. */
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
    fprintf(stderr, "from_libuv: %s\n", rondo_last_error());
    exit(1);
}

/* ---- the loop: timers, hooks, signals, threads -------------------------- */

static rondo_id ticking;
static int ticks;

static void tick(rondo_loop *loop, void *arg)
{
    (void)arg;
    if (++ticks == 3)
        must(rondo_cancel(loop, ticking)); /* uv_timer_stop */
}

static void later(rondo_loop *loop, void *arg)
{
    const int64_t *when = arg;
    bool early = rondo_loop_time(loop) < *when; /* uv_hrtime */
    printf("timer: %s\n", early ? "too early" : "not early");
}

static void dropped(rondo_loop *loop, void *arg)
{
    (void)loop;
    printf("timer: %s is released\n", (const char *)arg);
}

static void timers(rondo_loop *loop)
{
    static int64_t when;
    when = rondo_loop_iteration_time(loop) + RONDO_MS(20); /* uv_now */
    rondo_id id = rondo_call_later(loop, RONDO_SEC(60), later, &when);
    must(id);
    must(rondo_reschedule(loop, id, when)); /* uv_timer_again */
    ticking = rondo_call_every(loop, RONDO_MS(2), tick, NULL);
    must(ticking);
    id = rondo_call_later(loop, RONDO_SEC(60), later, "what it was lent");
    must(rondo_set_release(loop, id, dropped)); /* instead of uv_close's */
    must(rondo_cancel(loop, id));
    id = rondo_call_later(loop, RONDO_SEC(60), later, NULL);
    must(rondo_set_background(loop, id, true)); /* uv_unref */
    must(rondo_loop_run(loop));                 /* uv_run */
    printf("timer: %d ticks; one in the background\n", ticks);
    must(rondo_cancel(loop, id));
}

static void before_wait(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(int *)arg;
}

static void stop(rondo_loop *loop, void *arg)
{
    (void)arg;
    rondo_loop_stop(loop); /* uv_stop */
}

static unsigned signals;

static void got_signal(rondo_loop *loop, int signum, unsigned count, void *arg)
{
    (void)loop, (void)signum, (void)arg;
    signals += count;
}

static void hooks_and_signals(rondo_loop *loop)
{
    int waits = 0;
    rondo_id hook =
        rondo_add_hook(loop, RONDO_BEFORE_WAIT, before_wait, &waits);
    must(hook);
#ifdef SIGUSR1 /* Windows has no signal that raise could send to the loop */
    rondo_id watch =
        rondo_watch_signal(loop, SIGUSR1, RONDO_SIGNAL_ONCE, got_signal, NULL);
    must(watch);
    must(rondo_set_background(loop, watch, false)); /* uv_ref */
    raise(SIGUSR1);
#endif
    must(rondo_call_later(loop, RONDO_MS(2), tick, NULL));
    must(rondo_loop_run(loop));
    printf("signal: %u\n", signals);
    must(rondo_cancel(loop, hook)); /* uv_prepare_stop */
    printf("hook: %s\n", waits ? "called before waits" : "not called");
    must(rondo_call_later(loop, 0, stop, NULL));
    int alive = rondo_loop_run_forever(loop);
    printf("stopped: %d, then left: %d\n", alive, rondo_loop_run_once(loop, 0));
}

static int64_t work(rondo_job *job, void *remote)
{
    (void)job;
    must(rondo_remote_call(remote, dropped, "a post")); /* uv_async_send */
    rondo_remote_release(remote);
    return 42;
}

static void worked(rondo_loop *loop, void *arg, int64_t result)
{
    (void)arg;
    printf("job: %d, %s\n", (int)result,
           rondo_job_begun(loop) ? "begun" : "not begun");
}

static void threads(rondo_loop *loop)
{
    rondo_remote *remote = rondo_loop_remote(loop); /* uv_async_init */
    must(remote ? 0 : -1);
    must(rondo_run_in_executor(loop, NULL, work, worked, remote));
    rondo_loop_wake(loop);
    must(rondo_loop_run(loop));
    rondo_loop_set_data(loop, "data"); /* uv_loop_set_data */
    printf("loop: %s\n", (const char *)rondo_loop_data(loop));
}

static void line(void *arg, const char *text, size_t size)
{
    (void)arg;
    int kind = (int)strcspn(text, " ");
    if (size)
        printf("open: %.*s\n", kind, text);
}

static void inside(rondo_loop *loop)
{
    rondo_poll_entry entries[64];
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    rondo_loop_metrics metrics = RONDO_LOOP_METRICS_INIT;
    int64_t timeout;
    rondo_id id = rondo_call_later(loop, RONDO_SEC(1), stop, NULL);
    must(id);
    must(rondo_watch_signal(loop, SIGINT, 0, got_signal, NULL));
    must(rondo_loop_dump(loop, line, NULL)); /* uv_walk */
    must(rondo_loop_prepare_poll(loop, entries, 64, &timeout));
    printf("prepare: %s\n", timeout <= RONDO_SEC(1) ? "within 1 s" : "later");
    if (rondo_loop_supports(loop, RONDO_CAN_EMBED_FD)) /* uv_backend_fd */
        must(rondo_loop_prepare(loop, &wait));
    must(rondo_loop_get_metrics(loop, &metrics)); /* uv_metrics_info */
    printf("metrics: %d timer\n", (int)metrics.live_timers);
    must(rondo_cancel(loop, id));
    must(rondo_loop_after_fork(loop)); /* uv_loop_fork: none, so nothing */
}

/* ---- streams ------------------------------------------------------------ */

static char room[256];

static void *get_buffer(rondo_transport *t, void *self, size_t hint,
                        size_t *size)
{
    (void)t, (void)self, (void)hint;
    *size = sizeof room;
    return room;
}

static void buffer_updated(rondo_transport *t, void *self, size_t size)
{
    printf("%s: %.*s\n", (const char *)self, (int)size, room);
    if (rondo_transport_take_fd(t) == RONDO_NO_FD) /* uv_accept, over a pipe */
        printf("%s: no descriptor came with it\n", (const char *)self);
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    printf("%s: lost, %s\n", (const char *)self, rondo_error_name(error));
}

static const rondo_protocol reading = {.get_buffer = get_buffer,
                                       .buffer_updated = buffer_updated,
                                       .connection_lost = lost};

static const rondo_protocol writing = {0};

static void ready(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    (void)arg;
    printf("watch: %s\n", events & RONDO_READABLE ? "readable" : "else");
    must(rondo_unwatch(loop, fd)); /* uv_poll_stop */
    must(rondo_adopt(loop, fd, RONDO_PIPE_OWN, &reading, "server",
                     NULL)); /* uv_tcp_open */
}

static void accepted(rondo_server *server, void *arg, rondo_fd socket,
                     const rondo_address *peer)
{
    char text[RONDO_ADDRESS_TEXT];
    must(rondo_address_text(peer, text, sizeof text)); /* uv_ip_name */
    printf("accepted: from %.10s\n", text);
    must(rondo_watch(rondo_server_loop(server), socket, RONDO_READABLE, ready,
                     arg)); /* uv_poll_start */
    rondo_server_close(server);
}

static int64_t written, waiting, not_passed;

static void done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    *(int64_t *)arg += result;
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    rondo_buffer piece = {"hello", 5};
    (void)loop, (void)arg;
    must(error);
    must(rondo_transport_pause_reading(t));            /* uv_read_stop */
    must(rondo_transport_resume_reading(t));           /* uv_read_start */
    must(rondo_transport_try_write(t, &piece, 1) - 5); /* uv_try_write */
    piece = (rondo_buffer){", world", 7};              /* uv_write */
    must(rondo_transport_write_then(t, &piece, 1, done, &written));
    waiting = (int64_t)rondo_transport_get_write_buffer_size(t);
    not_passed = rondo_transport_send_fd(t, rondo_transport_fd(t));
    must(rondo_transport_shutdown(t, done, &written)); /* uv_shutdown */
    rondo_transport_set_background(t, false);
}

static void streams(rondo_loop *loop)
{
    rondo_server *server;
    rondo_address address;
    must(rondo_address_parse(&address, "127.0.0.1", 0)); /* uv_ip4_addr */
    must(rondo_create_server(
        loop, RONDO_SERVE(.host = "127.0.0.1", .accepted = accepted), NULL,
        NULL, &server)); /* uv_tcp_bind, uv_listen */
    must(rondo_server_address(server, 0, &address)); /* uv_tcp_getsockname */
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &writing, NULL, connected, NULL));
    must(rondo_loop_run(loop));
    printf("client: %d written, %d wait\n", (int)written, (int)waiting);
    printf("client: a descriptor over TCP is %s\n",
           rondo_error_name((int)not_passed)); /* uv_write2 */
}

static void end_it(rondo_transport *t, void *self)
{
    if (strcmp(self, "reset") == 0)
        rondo_transport_abort(t); /* uv_tcp_close_reset */
    else
        rondo_transport_close_now(t); /* uv_close */
    must(rondo_transport_is_closing(t) ? 0 : -1);
}

static void ends(rondo_loop *loop)
{
    static const rondo_protocol quiet = {0};
    static const rondo_protocol ending = {.connection_made = end_it,
                                          .connection_lost = lost};
    rondo_server *server;
    rondo_address address;
    must(rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &quiet,
                             NULL, &server));
    rondo_server_set_background(server, true); /* uv_unref */
    must(rondo_server_address(server, 0, &address));
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &ending, "closed", NULL, NULL));
    must(rondo_loop_run(loop));
    must(rondo_create_connection(loop, RONDO_CONNECT(.address = &address),
                                 &ending, "reset", NULL, NULL));
    must(rondo_loop_run(loop));
    rondo_server_close(server);
    must(rondo_loop_run(loop));
}

/* ---- datagrams, names, children, files ---------------------------------- */

static void came(rondo_datagram *d, void *self, const void *data, size_t size,
                 const rondo_address *from, bool truncated)
{
    static int count;
    (void)self, (void)from, (void)truncated;
    printf("datagram: %.*s\n", (int)size, (const char *)data);
    if (++count == 2)
        rondo_datagram_close(d);
}

static void datagrams(rondo_loop *loop)
{
    static const rondo_datagram_protocol both = {.datagram_received = came};
    rondo_buffer one = {"one", 3}, two = {"two", 3};
    rondo_datagram *d;
    rondo_address a;
    must(rondo_address_parse(&a, "127.0.0.1", 0));
    must(rondo_create_datagram_endpoint(loop,
                                        RONDO_DATAGRAM(.local_address = &a),
                                        &both, NULL, &d)); /* uv_udp_bind */
    must(rondo_datagram_local_address(d, &a));
    must(rondo_datagram_pause_reading(d));  /* uv_udp_recv_stop */
    must(rondo_datagram_resume_reading(d)); /* uv_udp_recv_start */
    must(rondo_datagram_try_send(d, &one, 1, &a, NULL));
    must(rondo_datagram_send_then(d, &two, 1, &a, NULL, done, &written));
    must(rondo_loop_run(loop));
}

static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *canonical_name, int error)
{
    (void)loop, (void)arg, (void)addresses, (void)canonical_name;
    must(error);
    printf("getaddrinfo: %d\n", (int)count);
}

static void named(rondo_loop *loop, void *arg, const char *host,
                  const char *service, int error)
{
    (void)loop, (void)arg;
    must(error);
    printf("getnameinfo: %s, %s\n", host, service);
}

static void names(rondo_loop *loop)
{
    rondo_address a;
    must(rondo_getaddrinfo(loop, "127.0.0.1", "80", NULL, found, NULL));
    must(rondo_loop_run(loop));
    must(rondo_address_parse(&a, "127.0.0.1", 80));
    int numeric = RONDO_NAMEINFO_NUMERIC_HOST | RONDO_NAMEINFO_NUMERIC_SERVICE;
    must(rondo_getnameinfo(loop, &a, numeric, named, NULL));
    must(rondo_loop_run(loop));
}

static void child_made(rondo_process *p, void *self)
{
    (void)self;
    must(rondo_process_send_signal(p, SIGTERM)); /* uv_process_kill */
}

static void child_ended(rondo_process *p, void *self, rondo_exit status)
{
    (void)p, (void)self;
    printf("child: %s\n", status.known ? "ended" : "gone");
}

static void children(rondo_loop *loop, const char *program)
{
    static const rondo_process_protocol child = {.connection_made = child_made,
                                                 .process_exited = child_ended};
    const char *const argv[] = {program, "wait", NULL};
    if (!rondo_loop_supports(loop, RONDO_CAN_SUBPROCESS)) {
        printf("child: not with %s\n", rondo_loop_backend(loop));
        return;
    }
    must(rondo_subprocess_exec(
        loop, RONDO_PROCESS(.argv = argv, .stdin_kind = RONDO_STDIO_PIPE),
        &child, NULL, NULL)); /* uv_spawn */
    must(rondo_loop_run(loop));
}

static char head[2];

static void read_it(rondo_loop *loop, void *file, size_t count, int error)
{
    (void)loop;
    must(error);
    printf("file: %d bytes\n", (int)count);
    must(rondo_file_close(file, NULL, NULL)); /* uv_fs_close */
}

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    static const rondo_room rooms = {head, sizeof head};
    (void)loop, (void)arg;
    must(error);
    must(rondo_file_read(file, 0, &rooms, 1, read_it, file)); /* uv_fs_read */
}

static void examined(rondo_loop *loop, void *arg, int64_t result)
{
    const rondo_file_info *info = arg;
    (void)loop;
    must(result);
    bool folder = info->type == RONDO_FILE_DIRECTORY;
    printf("stat: %s\n", folder ? "a directory" : "something else");
}

static rondo_id watch;

static void changed(rondo_loop *loop, void *arg, const rondo_path_event *event)
{
    (void)arg;
    printf("path: %s\n", event->what & RONDO_PATH_BEGUN ? "watched" : "else");
    must(rondo_cancel(loop, watch)); /* uv_fs_event_stop */
}

static void files(rondo_loop *loop, const char *program)
{
    rondo_file_info info = RONDO_FILE_INFO_INIT;
    must(rondo_file_open(loop, program, RONDO_FILE_READ, 0, opened, NULL));
    must(rondo_loop_run(loop));
    must(rondo_fs_stat(loop, ".", &info, examined, &info)); /* uv_fs_stat */
    must(rondo_loop_run(loop));
    watch = rondo_watch_path(loop, ".", RONDO_PATH(0), changed, NULL);
    must(watch); /* uv_fs_event_start */
    must(rondo_loop_run(loop));
}

static void machine(void)
{
    rondo_interface *first;
    unsigned char bytes[16];
    char name[256];
    unsigned columns, rows;
    must(rondo_list_interfaces(&first)); /* uv_interface_addresses */
    rondo_free_interfaces(first);
    must(rondo_random(bytes, sizeof bytes));  /* uv_random */
    must(rondo_host_name(name, sizeof name)); /* uv_os_gethostname */
    must(rondo_available_cores() ? 0 : -1);
    rondo_fd in = rondo_stdio(0); /* uv_guess_handle */
    if (!rondo_is_terminal(in) &&
        rondo_terminal_set_mode(in, RONDO_TERMINAL_RAW, 0) == RONDO_EINVAL &&
        rondo_terminal_get_size(in, &columns, &rows) == RONDO_EINVAL)
        printf("stdin: %s\n", rondo_strerror(RONDO_EINVAL));
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    if (argc > 1) /* the child: until it is killed, or its input ends */
        return getchar() == EOF;
    must(rondo_loop_new(&loop, NULL)); /* uv_loop_init */
    timers(loop);
    hooks_and_signals(loop);
    threads(loop);
    inside(loop);
    streams(loop);
    ends(loop);
    datagrams(loop);
    names(loop);
    children(loop, argv[0]);
    files(loop, argv[0]);
    machine();
    must(rondo_loop_close(loop)); /* uv_loop_close */
    return 0;
}
