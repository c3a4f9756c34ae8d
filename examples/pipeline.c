/* pipeline.c - programs one behind the other, as a shell's a | b | c:
 * "pipeline sort words + uniq -c + head". */
/* SPDX-License-Identifier: MIT */
/* Build: cc pipeline.c -o pipeline $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <stdio.h>
#include <string.h>

/* Bytes go from one program to the next through the loop, with back-pressure:
 * one that is not read from is not read by. */
struct stage {
    rondo_process *process; /* NULL: not started, or gone */
    struct stage *before, *after;
    const char *const *argv;
    rondo_exit status;
};

enum { MOST_STAGES = 64 };

static rondo_transport *output_of(const struct stage *s)
{
    return s ? rondo_process_pipe(s->process, 1) : NULL;
}

static rondo_transport *input_of(const struct stage *s)
{
    return s ? rondo_process_pipe(s->process, 0) : NULL;
}

static void received(rondo_process *p, void *self, int fd, const void *data,
                     size_t size)
{
    struct stage *s = self;
    (void)p;
    (void)fd;
    rondo_transport_write(input_of(s->after), data, size);
}

static void pause_writing(rondo_process *p, void *self, int fd)
{
    struct stage *s = self;
    (void)p;
    (void)fd;
    rondo_transport_pause_reading(output_of(s->before));
}

static void resume_writing(rondo_process *p, void *self, int fd)
{
    struct stage *s = self;
    (void)p;
    (void)fd;
    rondo_transport_resume_reading(output_of(s->before));
}

/* The end of what one writes is the end of the next one's input; one that has
 * stopped reading ends the one before it. */
static void pipe_lost(rondo_process *p, void *self, int fd, int error)
{
    struct stage *s = self;
    (void)p;
    (void)error;
    if (fd == 1)
        rondo_transport_write_eof(input_of(s->after));
    else
        rondo_transport_close(output_of(s->before));
}

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    struct stage *s = self;
    (void)p;
    s->status = status;
}

static void lost(rondo_process *p, void *self, int error)
{
    struct stage *s = self;
    (void)p;
    (void)error;
    s->process = NULL;
}

static const rondo_process_protocol protocol = {
    .pipe_data_received = received,
    .pipe_connection_lost = pipe_lost,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .process_exited = exited,
    .connection_lost = lost,
};

static int start(rondo_loop *loop, struct stage *s)
{
    rondo_process_options options = RONDO_PROCESS_OPTIONS_INIT;
    options.argv = s->argv;
    options.stdin_kind = s->before ? RONDO_STDIO_PIPE : RONDO_STDIO_INHERIT;
    options.stdout_kind = s->after ? RONDO_STDIO_PIPE : RONDO_STDIO_INHERIT;
    return rondo_subprocess_exec(loop, &options, &protocol, s, &s->process);
}

/* Cuts the words at each "+"; how many programs there are, 0: a mistake. */
static int split(char **word, int words, struct stage *stages)
{
    int count = 0;
    for (int i = 0; i < words && count < MOST_STAGES; i++) {
        struct stage *s = &stages[count++];
        s->argv = (const char *const *)(word + i);
        s->before = count > 1 ? s - 1 : NULL;
        if (s->before)
            s->before->after = s;
        if (strcmp(word[i], "+") == 0)
            return 0;
        while (i < words && strcmp(word[i], "+") != 0)
            i++;
        if (i == words - 1)
            return 0;
        if (i < words)
            word[i] = NULL;
    }
    return count;
}

int main(int argc, char **argv)
{
    static struct stage stages[MOST_STAGES];
    rondo_loop *loop = NULL;
    int count = split(argv + 1, argc - 1, stages);
    if (!count) {
        fprintf(stderr, "usage: %s PROGRAM [ARG]... [+ PROGRAM [ARG]...]...\n",
                argv[0]);
        return 2;
    }
    int error = rondo_loop_new(&loop, NULL);
    for (int i = 0; i < count && !error; i++)
        error = start(loop, &stages[i]);
    if (!error)
        error = rondo_loop_run(loop);
    if (error < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop); /* which ends those that still run */
    const rondo_exit *last = &stages[count - 1].status;
    return error < 0        ? 1
           : last->signaled ? 128 + last->signal
                            : (int)last->code;
}
