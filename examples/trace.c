/* trace.c - writes what a loop does as a file for a browser's tracer. */
/* SPDX-License-Identifier: MIT */
/* Build: cc trace.c -o trace $(pkg-config --cflags --libs rondo) */
/*
 * "trace trace.json": open that file in https://ui.perfetto.dev or
 * chrome://tracing. Each line of
 * it is an event of the Trace Event Format: "B" begins something, "E" ends what
 * began last. What is traced here is an echo server, a client of it, a timer
 * and a job.
 */
#include <rondo.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tracer: this part can be copied into any program ---------------- */

struct trace_file {
    FILE *file;
    int64_t begin_ns;
    bool has_event;
};

/* Names are identifiers, paths and "+0x3560": only these two would end a
 * string too early. */
static void trace_print(FILE *file, const char *text)
{
    for (; *text; text++)
        if (*text != '"' && *text != '\\')
            fputc(*text, file);
}

static void trace_event(rondo_loop *loop, void *arg, const rondo_trace *trace)
{
    static const char *const categories[] = {
        "wait",   "callback", "timer",    "post", "watcher",
        "signal", "hook",     "protocol", "done", "operation"};
    struct trace_file *f = arg;
    (void)loop;
    fprintf(f->file, "%s{\"ph\":\"%s\",\"pid\":1,\"tid\":1,\"ts\":%.3f",
            f->has_event ? ",\n" : "", trace->begins ? "B" : "E",
            (double)(trace->time_ns - f->begin_ns) / 1000);
    f->has_event = true;
    if (trace->begins) {
        fprintf(f->file, ",\"cat\":\"%s\",\"name\":\"",
                categories[trace->activity]);
        trace_print(f->file, trace->what);
        fputs("\"", f->file);
    }
    if (trace->begins && trace->fn) {
        char name[256];
        rondo_function_name(trace->fn, name, sizeof name);
        fputs(",\"args\":{\"function\":\"", f->file);
        trace_print(f->file, name);
        fputs("\"}", f->file);
    }
    fputs("}", f->file);
}

static int trace_begin(struct trace_file *f, rondo_loop *loop, const char *path)
{
    f->file = fopen(path, "w");
    if (!f->file)
        return -1;
    f->begin_ns = rondo_loop_time(loop);
    f->has_event = false;
    fputs("[\n", f->file);
    return rondo_loop_set_tracer(loop, trace_event, f);
}

static int trace_end(struct trace_file *f, rondo_loop *loop)
{
    int error = rondo_loop_set_tracer(loop, NULL, NULL);
    fputs("\n]\n", f->file);
    if (fclose(f->file) != 0)
        error = -1;
    return error;
}

/* ---- what is traced ------------------------------------------------------ */

struct program {
    rondo_server *server;
    unsigned answers;
};

static void busy(rondo_loop *loop, int64_t ns)
{
    int64_t end = rondo_loop_time(loop) + ns;
    while (rondo_loop_time(loop) < end)
        ;
}

void echo_received(rondo_transport *t, void *self, const void *data,
                   size_t size);
void answer_received(rondo_transport *t, void *self, const void *data,
                     size_t size);
void ask(rondo_transport *t, void *self);
void tick(rondo_loop *loop, void *arg);

/* Not static: so the dynamic linker knows their names, if the program is
 * linked with -rdynamic. */
void echo_received(rondo_transport *t, void *self, const void *data,
                   size_t size)
{
    (void)self;
    busy(rondo_transport_loop(t), 200000); /* "parsing" */
    rondo_transport_write(t, data, size);
}

void ask(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_write(t, "hello", 5);
}

void answer_received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct program *p = self;
    (void)data, (void)size;
    if (++p->answers < 3) {
        rondo_transport_write(t, "again", 5);
        return;
    }
    rondo_transport_close(t);
    rondo_server_close(p->server);
}

void tick(rondo_loop *loop, void *arg)
{
    (void)arg;
    busy(loop, 100000);
}

static int64_t job(rondo_job *j, void *arg)
{
    (void)j, (void)arg;
    return 42;
}

static void job_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)arg;
    if (result == 42)
        busy(loop, 50000);
}

static const rondo_protocol echo = {.data_received = echo_received};
static const rondo_protocol client = {.connection_made = ask,
                                      .data_received = answer_received};

static int begin_all(rondo_loop *loop, struct program *p)
{
    rondo_address address;
    int error =
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1", .port = 0),
                            &echo, NULL, &p->server);
    if (!error)
        error = rondo_server_address(p->server, 0, &address);
    if (error)
        return error;
    rondo_id connect = rondo_create_connection(
        loop,
        RONDO_CONNECT(.host = "127.0.0.1",
                      .port = rondo_address_port(&address)),
        &client, p, NULL, NULL);
    rondo_id timer = rondo_call_later(loop, RONDO_MS(1), tick, NULL);
    rondo_id work = rondo_run_in_executor(loop, NULL, job, job_done, NULL);
    if (connect < 0)
        return (int)connect;
    return timer < 0 ? (int)timer : work < 0 ? (int)work : 0;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "trace.json";
    struct program p = {NULL, 0};
    struct trace_file f;
    rondo_loop *loop;
    int error = rondo_loop_new(&loop, NULL);
    if (!error)
        error = trace_begin(&f, loop, path);
    if (!error)
        error = begin_all(loop, &p);
    if (!error)
        error = rondo_loop_run(loop);
    if (!error)
        error = trace_end(&f, loop);
    if (error) {
        fprintf(stderr, "trace: %s: %s\n", path, rondo_last_error());
        return EXIT_FAILURE;
    }
    printf("%u answers, written to %s\n", p.answers, path);
    return rondo_loop_close(loop) ? EXIT_FAILURE : EXIT_SUCCESS;
}
