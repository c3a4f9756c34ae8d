/* editline.c - a line editor with history: lines go to a server, and what comes
 * from there is shown above the line that is being edited: "editline 7000". */
/* SPDX-License-Identifier: MIT */
/* Build: cc editline.c -o editline $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_ROOM = 1024, HISTORY = 100, KEY_ROOM = 16 };

/* The line is UTF-8; each character is taken to be one column wide. */
struct editor {
    rondo_loop *loop;
    rondo_transport *in, *out; /* NULL: not there, or gone */
    rondo_reader *net;
    bool terminal, failed, quit;
    unsigned columns;
    char line[LINE_ROOM + 1];
    size_t size, at;           /* bytes; the cursor is before that one */
    char *history[HISTORY];    /* the oldest first */
    size_t entries, place;     /* place: the entry that is shown */
    char draft[LINE_ROOM + 1]; /* the line that the history has replaced */
    char key[KEY_ROOM];        /* an escape sequence that is not complete */
    size_t key_size;
};

static const char prompt[] = "> ";

/* ---- showing ------------------------------------------------------------ */

static void put(struct editor *e, const char *text, size_t size)
{
    if (e->out && size)
        rondo_transport_write(e->out, text, size);
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t characters(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += !continues(text[i]);
    return count;
}

static size_t forward(const struct editor *e, size_t at)
{
    while (at < e->size && continues(e->line[++at]))
        ;
    return at;
}

static size_t backward(const struct editor *e, size_t at)
{
    while (at && continues(e->line[--at]))
        ;
    return at;
}

/* One row: a long line is moved so that the cursor can be seen. */
static void draw(struct editor *e)
{
    char move[32];
    size_t room = e->columns > 8 ? e->columns - sizeof prompt : 72;
    size_t first = 0, end;
    if (!e->terminal)
        return;
    while (characters(e->line + first, e->at - first) > room)
        first = forward(e, first);
    for (end = first; end < e->size; end = forward(e, end))
        if (characters(e->line + first, end - first) >= room)
            break;
    put(e, "\r", 1);
    put(e, prompt, sizeof prompt - 1);
    put(e, e->line + first, end - first);
    int size = snprintf(move, sizeof move, "\x1b[K\r\x1b[%zuC",
                        sizeof prompt - 1 +
                            characters(e->line + first, e->at - first));
    put(e, move, (size_t)size);
}

/* Above the line. What others send moves no cursor. */
static void show(struct editor *e, const char *text, size_t size)
{
    char line[LINE_ROOM];
    size = size < sizeof line ? size : sizeof line;
    memcpy(line, text, size);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127)
            line[i] = '?';
    if (e->terminal)
        put(e, "\r\x1b[K", 4);
    put(e, line, size);
    put(e, "\n", 1);
    draw(e);
}

static void resized(rondo_loop *loop, void *arg, unsigned columns,
                    unsigned rows, int error)
{
    struct editor *e = arg;
    (void)loop, (void)rows;
    e->columns = columns;
    if (!error)
        draw(e);
}

/* ---- the end ------------------------------------------------------------ */

static void quit(struct editor *e)
{
    if (e->quit)
        return;
    e->quit = true;
    if (e->terminal)
        put(e, "\r\x1b[K", 4);
    rondo_transport_close(e->in);
    rondo_transport_close(e->out); /* what it has is written first */
    rondo_reader_free(e->net);     /* and closes the connection */
    e->net = NULL;
}

static void fail(struct editor *e)
{
    fprintf(stderr, "%s%s\n", e->terminal ? "\r\x1b[K" : "",
            rondo_last_error());
    e->failed = true;
    quit(e);
}

/* ---- the line ----------------------------------------------------------- */

static void erase(struct editor *e, size_t from, size_t to)
{
    memmove(e->line + from, e->line + to, e->size - to);
    e->size -= to - from;
    e->at = from;
}

static void insert(struct editor *e, char byte)
{
    if (e->size == LINE_ROOM)
        return;
    memmove(e->line + e->at + 1, e->line + e->at, e->size - e->at);
    e->line[e->at++] = byte;
    e->size++;
}

static void set(struct editor *e, const char *text)
{
    e->size = e->at = strlen(text);
    memcpy(e->line, text, e->size);
}

/* step: -1 is older, 1 newer. Behind the newest is what was being typed. */
static void recall(struct editor *e, int step)
{
    if (step < 0 ? !e->place : e->place == e->entries)
        return;
    if (e->place == e->entries) {
        memcpy(e->draft, e->line, e->size);
        e->draft[e->size] = '\0';
    }
    e->place = step < 0 ? e->place - 1 : e->place + 1;
    set(e, e->place == e->entries ? e->draft : e->history[e->place]);
}

static void remember(struct editor *e)
{
    char *copy = e->size ? malloc(e->size + 1) : NULL;
    if (copy) {
        memcpy(copy, e->line, e->size);
        copy[e->size] = '\0';
        if (e->entries == HISTORY) {
            free(e->history[0]);
            memmove(e->history, e->history + 1,
                    (HISTORY - 1) * sizeof *e->history);
            e->entries--;
        }
        e->history[e->entries++] = copy;
    }
    e->place = e->entries;
}

static void enter(struct editor *e)
{
    rondo_transport *net = e->net ? rondo_reader_transport(e->net) : NULL;
    remember(e);
    e->line[e->size] = '\n';
    if (net)
        rondo_transport_write(net, e->line, e->size + 1);
    if (e->terminal) { /* it stays above the next one */
        e->at = e->size;
        draw(e);
        put(e, "\n", 1);
    }
    e->size = e->at = 0;
}

static void erase_word(struct editor *e)
{
    size_t from = e->at;
    while (from && e->line[from - 1] == ' ')
        from--;
    while (from && e->line[from - 1] != ' ')
        from--;
    erase(e, from, e->at);
}

/* ---- keys --------------------------------------------------------------- */

enum { CTRL = 0x1f }; /* 'A' & CTRL */

static void press(struct editor *e, char key)
{
    if (key == '\r' || key == '\n')
        enter(e);
    else if (key == 127 || key == '\b')
        erase(e, backward(e, e->at), e->at);
    else if (key == ('A' & CTRL))
        e->at = 0;
    else if (key == ('E' & CTRL))
        e->at = e->size;
    else if (key == ('K' & CTRL))
        e->size = e->at;
    else if (key == ('U' & CTRL))
        erase(e, 0, e->at);
    else if (key == ('W' & CTRL))
        erase_word(e);
    else if (key == ('L' & CTRL))
        put(e, "\x1b[H\x1b[2J", 7);
    else if ((key == ('D' & CTRL) && !e->size) || key == ('C' & CTRL))
        quit(e);
    else if ((unsigned char)key >= ' ')
        insert(e, key);
}

/* Arrows and the like: "ESC [ A", "ESC O A", "ESC [ 3 ~". */
static void press_sequence(struct editor *e)
{
    char last = e->key[e->key_size - 1], number = e->key[2];
    bool tilde = last == '~' && e->key_size == 4;
    if (last == 'A' || last == 'B')
        recall(e, last == 'A' ? -1 : 1);
    else if (last == 'C')
        e->at = forward(e, e->at);
    else if (last == 'D')
        e->at = backward(e, e->at);
    else if (last == 'H' || (tilde && (number == '1' || number == '7')))
        e->at = 0;
    else if (last == 'F' || (tilde && (number == '4' || number == '8')))
        e->at = e->size;
    else if (tilde && number == '3')
        erase(e, e->at, forward(e, e->at));
}

/* A sequence may arrive in pieces. */
static void take(struct editor *e, char byte)
{
    if (!e->key_size && byte != 27) {
        press(e, byte);
        return;
    }
    e->key[e->key_size++] = byte;
    if (e->key_size == 1 || (e->key_size == 2 && (byte == '[' || byte == 'O')))
        return;
    bool whole = e->key_size > 2 && byte >= '@' && byte <= '~';
    if (whole)
        press_sequence(e);
    if (whole || e->key_size == 2 || e->key_size == KEY_ROOM)
        e->key_size = 0;
}

static void typed(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct editor *e = self;
    const char *byte = data;
    (void)t;
    for (size_t i = 0; i < size && !e->quit; i++)
        take(e, byte[i]);
    if (!e->quit)
        draw(e);
}

static void in_lost(rondo_transport *t, void *self, int error)
{
    struct editor *e = self;
    (void)t, (void)error;
    e->in = NULL;
    quit(e);
}

static const rondo_protocol in_protocol = {.data_received = typed,
                                           .connection_lost = in_lost};

static void out_lost(rondo_transport *t, void *self, int error)
{
    struct editor *e = self;
    (void)t, (void)error;
    e->out = NULL;
    quit(e);
}

static const rondo_protocol out_protocol = {.connection_lost = out_lost};

/* ---- the server --------------------------------------------------------- */

static void came(rondo_reader *reader, void *arg, const void *data, size_t size,
                 int error)
{
    struct editor *e = arg;
    const char *line = data;
    if (error) {
        if (error != RONDO_EOF)
            fail(e);
        quit(e);
        return;
    }
    while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        size--;
    show(e, line, size);
    if (rondo_read_line(reader, came, e) < 0)
        fail(e);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct editor *e = arg;
    rondo_fd in = rondo_stdio(0), out = rondo_stdio(1);
    const unsigned flags = RONDO_PIPE_BORROW;
    (void)t;
    if (!error)
        error = rondo_read_line(e->net, came, e);
    e->terminal = rondo_is_terminal(in) && rondo_is_terminal(out);
    (void)rondo_terminal_colours(out); /* Windows: turns sequences on */
    if (!error && e->terminal)
        error = rondo_terminal_set_mode(in, RONDO_TERMINAL_RAW,
                                        RONDO_TERMINAL_GUARD);
    if (!error)
        error = rondo_connect_write_pipe(loop, out, flags, &out_protocol, e,
                                         &e->out);
    if (!error)
        error =
            rondo_connect_read_pipe(loop, in, flags, &in_protocol, e, &e->in);
    rondo_id watch = !error && e->terminal
                         ? rondo_watch_terminal_size(loop, out, resized, e)
                         : 0;
    if (watch > 0)
        rondo_set_background(loop, watch, true);
    if (error || watch < 0)
        fail(e);
}

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

/* Until nothing is left, or Ctrl-C. */
static int run(rondo_loop *loop)
{
    if (rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0 ||
        rondo_loop_run(loop) < 0)
        return failed(loop);
    rondo_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    static struct editor e;
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7000);
    const char *host = argc > 2 ? argv[2] : "127.0.0.1";
    if (rondo_loop_new(&e.loop, NULL) < 0 ||
        rondo_reader_new(e.loop, 0, NULL, NULL, &e.net) < 0 ||
        rondo_create_connection(
            e.loop, RONDO_CONNECT(.host = host, .port = port),
            rondo_reader_protocol(), e.net, connected, &e) < 0)
        return failed(e.loop);
    int result = run(e.loop);
    if (e.terminal)
        rondo_terminal_set_mode(rondo_stdio(0), RONDO_TERMINAL_NORMAL, 0);
    rondo_reader_free(e.net);
    for (size_t i = 0; i < e.entries; i++)
        free(e.history[i]);
    return result || e.failed;
}
