/* child.c - the program that tests run; each argument says what to do next. */
/* SPDX-License-Identifier: MIT */
#include "child_system.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        long n = child_write(fd, data, size);

        if (n < 0)
            exit(99);
        data += n;
        size -= (size_t)n;
    }
}

void child_say(const char *format, ...)
{
    char text[4096];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_all(1, text, strlen(text));
}

/* until the end of `from`; to -1: nowhere */
static void copy(int from, int to)
{
    char piece[65536];
    long n;

    while ((n = child_read(from, piece, sizeof piece)) > 0)
        if (to >= 0)
            write_all(to, piece, (size_t)n);
}

/* position % 251 in each byte */
static void flood(int fd, unsigned long long size)
{
    char piece[251 * 260];
    size_t part;

    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = (char)(i % 251);
    for (; size > 0; size -= part) {
        part = size < sizeof piece ? (size_t)size : sizeof piece;
        write_all(fd, piece, part);
    }
}

/* "start" N: the next N arguments are a child's */
static char **start(char **next)
{
    char *argv[64] = {NULL};
    int count = atoi(*next++);

    for (int i = 0; i < count && i < 60; i++)
        argv[i + 1] = *next++;
    child_start(argv);
    return next;
}

static void say_list(char **list, const char *end)
{
    for (; *list; list++)
        child_say("%s%s", *list, end);
}

/* what takes no argument; false: not known */
static int simple(const char *word)
{
    if (strcmp(word, "sleep") == 0)
        child_sleep();
    else if (strcmp(word, "env") == 0)
        say_list(child_environment(), "\n");
    else if (strcmp(word, "folder") == 0)
        child_say_folder();
    else if (strcmp(word, "descriptors") == 0)
        child_say_descriptors();
    else if (strcmp(word, "signals") == 0)
        child_say_signals();
    else if (strcmp(word, "ids") == 0)
        child_say_ids();
    else if (strcmp(word, "await-size") == 0)
        child_await_size();
    else if (strcmp(word, "nice") == 0)
        child_say_nice();
    else
        return 0;
    return 1;
}

/* what takes one or two; returns what is left */
static char **with_arguments(char **next)
{
    const char *word = *next++;

    if (strcmp(word, "exit") == 0) {
        exit((int)strtol(*next, NULL, 0));
    } else if (strcmp(word, "die") == 0) {
        child_die(atoi(*next++));
    } else if (strcmp(word, "close") == 0) {
        child_close(atoi(*next++));
    } else if (strcmp(word, "terminal") == 0) {
        child_say_terminal(atoi(*next++));
    } else if (strcmp(word, "handle") == 0) {
        child_say_handle(strtoll(*next++, NULL, 10));
    } else if (strcmp(word, "limit") == 0) {
        child_say_limit(atoi(*next++));
    } else if (strcmp(word, "drain") == 0) {
        copy(atoi(*next++), -1);
    } else if (strcmp(word, "pass") == 0) {
        child_pass(atoi(*next++));
    } else if (strcmp(word, "start") == 0) {
        return start(next);
    } else if (strcmp(word, "copy") == 0) {
        copy(atoi(next[0]), atoi(next[1]));
        return next + 2;
    } else if (strcmp(word, "say") == 0) {
        write_all(atoi(next[0]), next[1], strlen(next[1]));
        return next + 2;
    } else if (strcmp(word, "flood") == 0) {
        flood(atoi(next[0]), strtoull(next[1], NULL, 10));
        return next + 2;
    } else {
        exit(98);
    }
    return next;
}

int main(int argc, char **argv)
{
    char **next;

    child_begin(&argc, &argv);
    next = argv + 1;
    while (argc > 0 && *next) {
        if (strcmp(*next, "args") == 0) { /* all that follow, NUL and all */
            for (next++; *next; next++)
                write_all(1, *next, strlen(*next) + 1);
            return 0;
        }
        if (simple(*next))
            next++;
        else
            next = with_arguments(next);
    }
    return 0;
}
