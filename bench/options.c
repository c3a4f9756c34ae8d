/* options.c - the command lines of all programs here. */
/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_usage(FILE *to, const char *program, const char *usage)
{
    const char *space = *usage ? " " : "";
    fprintf(to, "usage: %s%s%s\n", base_name(program), space, usage);
}

_Noreturn void options_wrong(const char *program, const char *usage)
{
    print_usage(stderr, program, usage);
    exit(2);
}

bool options_number(const char *text, long least, long most, long *number)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > most) {
        return false;
    }
    *number = value;
    return true;
}

static const struct option *find(const struct option *options, const char *name)
{
    for (; options->name; options++) {
        if (strcmp(options->name, name) == 0) {
            return options;
        }
    }
    return NULL;
}

/* How many words the option takes, its name included; 0: it is wrong. */
static int take(const struct option *option, const char *value)
{
    if (option->flag) {
        *option->flag = true;
        return 1;
    }
    if (!value || !*value) {
        return 0;
    }
    if (option->text) {
        *option->text = value;
        return 2;
    }
    bool good =
        options_number(value, option->least, option->most, option->number);
    return good ? 2 : 0;
}

int options_read(int argc, char **argv, const struct option *options, int words,
                 const char *usage)
{
    int i = 1;
    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        if (strcmp(argv[i], "--help") == 0) {
            print_usage(stdout, argv[0], usage);
            exit(0);
        }
        const struct option *option = find(options, argv[i]);
        int taken = option ? take(option, argv[i + 1]) : 0;
        if (taken == 0) {
            options_wrong(argv[0], usage);
        }
        i += taken;
    }
    if (argc - i != words) {
        options_wrong(argv[0], usage);
    }
    return i;
}

void options_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        perror("setrlimit");
        exit(1);
    }
}
