/* rondo-info.c - prints what Rondo can do on the running system, as told by a
 * real loop of each backend. */
/* SPDX-License-Identifier: MIT */
#include "rondo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 16, CELL = 32 };

struct column {
    const char *name;
    rondo_loop *loop; /* NULL: this system has no such backend after all */
    rondo_clock_info clock;
    bool is_default;
    char why_not[256];
};

struct table {
    struct column column[COLUMNS];
    size_t columns;
    bool markdown;
};

struct row {
    const char *title;
    void (*cell)(const struct column *column, int what, char *text);
    int what;
};

static void say_can(const struct column *column, int what, char *text)
{
    bool can = rondo_loop_supports(column->loop, (rondo_capability)what);
    snprintf(text, CELL, "%s", can ? "yes" : "no");
}

static void say_watch(const struct column *column, int what, char *text)
{
    bool sockets = rondo_loop_supports(column->loop, RONDO_CAN_WATCH_SOCKETS);
    bool pipes = rondo_loop_supports(column->loop, RONDO_CAN_WATCH_PIPES);
    (void)what;
    snprintf(text, CELL, "%s",
             sockets && pipes ? "yes"
             : sockets        ? "sockets"
                              : "no");
}

/* A no is one about "any device": the driver of the one at hand decides. */
static void say_devices(const struct column *column, int what, char *text)
{
    bool any = rondo_loop_supports(column->loop, (rondo_capability)what);
    bool pipes = rondo_loop_supports(column->loop, RONDO_CAN_WATCH_PIPES);
    snprintf(text, CELL, "%s", any ? "yes" : pipes ? "by driver" : "no");
}

static void say_limit(const struct column *column, int what, char *text)
{
    int64_t limit = rondo_loop_limit(column->loop, (rondo_limit)what);
    if (limit == INT64_MAX)
        snprintf(text, CELL, "none");
    else
        snprintf(text, CELL, "%" PRId64, limit);
}

static void say_ns(int64_t ns, char *text)
{
    static const char *const unit[] = {"ns", "us", "ms", "s"};
    double n = (double)ns;
    size_t i = 0;
    for (; n >= 1000 && i < 3; i++)
        n /= 1000;
    snprintf(text, CELL, "%.4g %s", n, unit[i]);
}

static void say_default(const struct column *column, int what, char *text)
{
    (void)what;
    snprintf(text, CELL, "%s", column->is_default ? "yes" : "-");
}

static void say_monotonic(const struct column *column, int what, char *text)
{
    (void)what;
    snprintf(text, CELL, "%s", column->clock.monotonic ? "yes" : "no");
}

static void say_resolution(const struct column *column, int what, char *text)
{
    (void)what;
    say_ns(column->clock.resolution_ns, text);
}

static void say_wait(const struct column *column, int what, char *text)
{
    (void)what;
    say_ns(column->clock.wait_resolution_ns, text);
}

static const struct row rows[] = {
    {"default here", say_default, 0},
    {"TCP client, server", say_can, RONDO_CAN_TCP},
    {"UDP", say_can, RONDO_CAN_UDP},
    {"unix sockets", say_can, RONDO_CAN_UNIX},
    {"named pipes", say_can, RONDO_CAN_NAMED_PIPES},
    {"connect_read/write_pipe", say_can, RONDO_CAN_PIPES},
    {"add_reader, add_writer", say_watch, 0},
    {"... on pipes", say_can, RONDO_CAN_WATCH_PIPES},
    {"... on character devices", say_devices, RONDO_CAN_WATCH_CHAR_DEVICES},
    {"subprocess", say_can, RONDO_CAN_SUBPROCESS},
    {"child watcher can be chosen", say_can, RONDO_CAN_CHILD_WATCHER},
    {"signal handlers", say_can, RONDO_CAN_SIGNALS},
    {"reuse_port", say_can, RONDO_CAN_REUSE_PORT},
    {"embed in another loop", say_can, RONDO_CAN_EMBED},
    {"... by one descriptor", say_can, RONDO_CAN_EMBED_FD},
    {"pass descriptors", say_can, RONDO_CAN_PASS_DESCRIPTORS},
    {"watch: urgent data", say_can, RONDO_CAN_WATCH_PRIORITY},
    {"watch: half-close", say_can, RONDO_CAN_WATCH_HALF_CLOSE},
    {"watch: errors apart", say_can, RONDO_CAN_WATCH_ERRORS},
    {"children on a terminal", say_can, RONDO_CAN_TERMINALS},
    {"... in a control group", say_can, RONDO_CAN_CGROUPS},
    {"... in a job object", say_can, RONDO_CAN_JOB_OBJECTS},
    {"... with resource limits", say_can, RONDO_CAN_LIMITS},
    {"... that end with the parent", say_can, RONDO_CAN_DIE_WITH_PARENT},
    {"datagram: local address", say_can, RONDO_CAN_PACKET_INFO},
    {"datagram: ECN", say_can, RONDO_CAN_ECN},
    {"datagram: TTL", say_can, RONDO_CAN_TTL},
    {"datagram: segmentation", say_can, RONDO_CAN_SEGMENTATION},
    {"datagram: time", say_can, RONDO_CAN_TIMESTAMPS},
    {"datagram: never fragmented", say_can, RONDO_CAN_DONT_FRAGMENT},
    {"detach transports", say_can, RONDO_CAN_DETACH},
    {"pin threads", say_can, RONDO_CAN_PIN_THREADS},
    {"change owners of files", say_can, RONDO_CAN_FILE_OWNERS},
    {"lock parts of files", say_can, RONDO_CAN_LOCK_RANGES},
    {"told of files that change", say_can, RONDO_CAN_WATCH_PATHS},
    {"told of network interfaces that change", say_can,
     RONDO_CAN_WATCH_NETWORK},
    {"descriptor limit", say_limit, RONDO_LIMIT_DESCRIPTORS},
    {"descriptor numbers below", say_limit, RONDO_LIMIT_DESCRIPTOR_NUMBER},
    {"longest unix path, bytes", say_limit, RONDO_LIMIT_UNIX_PATH},
    {"largest datagram, bytes", say_limit, RONDO_LIMIT_DATAGRAM},
    {"clock is monotonic", say_monotonic, 0},
    {"clock resolution", say_resolution, 0},
    {"wait resolution", say_wait, 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void cell(const struct column *column, const struct row *row, char *text)
{
    if (column->loop)
        row->cell(column, row->what, text);
    else
        snprintf(text, CELL, "-");
}

static int width(const struct column *column)
{
    char text[CELL];
    size_t most = strlen(column->name);
    for (size_t i = 0; i < ROWS; i++) {
        cell(column, &rows[i], text);
        if (strlen(text) > most)
            most = strlen(text);
    }
    return (int)most;
}

static int title_width(void)
{
    size_t most = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].title) > most)
            most = strlen(rows[i].title);
    return (int)most;
}

/* The last column is not filled up, so that no line ends in spaces. */
static void print_cell(const struct table *table, size_t i, const char *text)
{
    bool last = i + 1 == table->columns;
    printf("  %-*s", last ? 0 : width(&table->column[i]), text);
}

static void print_plain(const struct table *table)
{
    char text[CELL];
    printf("%-*s", title_width(), "");
    for (size_t i = 0; i < table->columns; i++)
        print_cell(table, i, table->column[i].name);
    for (size_t r = 0; r < ROWS; r++) {
        printf("\n%-*s", title_width(), rows[r].title);
        for (size_t i = 0; i < table->columns; i++) {
            cell(&table->column[i], &rows[r], text);
            print_cell(table, i, text);
        }
    }
    printf("\n");
}

static void print_clocks(const struct table *table)
{
    printf("\n");
    for (size_t i = 0; i < table->columns; i++)
        if (table->column[i].loop)
            printf("clock of %s: %s\n", table->column[i].name,
                   table->column[i].clock.name);
}

static void print_markdown(const struct table *table)
{
    char text[CELL];
    printf("|");
    for (size_t i = 0; i < table->columns; i++)
        printf(" | %s", table->column[i].name);
    printf(" |\n|---|");
    for (size_t i = 0; i < table->columns; i++)
        printf("---|");
    for (size_t r = 0; r < ROWS; r++) {
        printf("\n| %s |", rows[r].title);
        for (size_t i = 0; i < table->columns; i++) {
            cell(&table->column[i], &rows[r], text);
            printf(" %s |", text);
        }
    }
    printf("\n");
}

static void print_names(const struct table *table)
{
    for (size_t i = 0; i < table->columns; i++)
        if (table->column[i].loop)
            printf("%s\n", table->column[i].name);
}

static void open_column(struct column *column, const char *name)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    options.backend = column->name = name;
    column->clock.size = sizeof column->clock;
    if (rondo_loop_new(&column->loop, &options) < 0 ||
        rondo_get_clock_info(column->loop, &column->clock) < 0)
        snprintf(column->why_not, sizeof column->why_not, "%s",
                 rondo_last_error());
}

static int open_table(struct table *table)
{
    const char *const *names;
    rondo_loop *chosen;
    size_t count = rondo_backends(&names);
    if (rondo_loop_new(&chosen, NULL) < 0)
        return -1;
    for (size_t i = 0; i < count && i < COLUMNS; i++) {
        struct column *column = &table->column[table->columns++];
        open_column(column, names[i]);
        column->is_default = strcmp(names[i], rondo_loop_backend(chosen)) == 0;
    }
    return rondo_loop_close(chosen);
}

static int close_table(struct table *table)
{
    int missing = 0;
    for (size_t i = 0; i < table->columns; i++) {
        struct column *column = &table->column[i];
        if (column->why_not[0]) {
            fprintf(stderr, "%s: %s\n", column->name, column->why_not);
            missing++;
        }
        if (column->loop)
            rondo_loop_close(column->loop);
    }
    return missing == (int)table->columns;
}

static int usage(FILE *to, int code)
{
    fprintf(to, "usage: rondo-info [--markdown | --backends] [--help]\n"
                "Prints what Rondo can do on this system, by backend; or the "
                "names of the backends that work here.\n");
    return code;
}

int main(int argc, char **argv)
{
    static struct table table;
    bool names_only = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, 0);
        if (strcmp(argv[i], "--backends") == 0)
            names_only = true;
        else if (strcmp(argv[i], "--markdown") == 0)
            table.markdown = true;
        else
            return usage(stderr, 2);
    }
    if (open_table(&table) < 0) {
        fprintf(stderr, "rondo-info: %s\n", rondo_last_error());
        return 1;
    }
    if (names_only) {
        print_names(&table);
    } else if (table.markdown) {
        print_markdown(&table);
    } else {
        printf("Rondo %s\n\n", rondo_version());
        print_plain(&table);
        print_clocks(&table);
    }
    return close_table(&table);
}
