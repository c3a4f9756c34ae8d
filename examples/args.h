/* args.h - the command line that the example programs share. */
/* SPDX-License-Identifier: MIT */
#ifndef ARGS_H
#define ARGS_H

#include "rondo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct args {
    const char *usage;   /* of the words after the options: "[PORT]" */
    const char *backend; /* --backend NAME; NULL: the default */
    bool takes_path;     /* it knows --path PATH: a unix socket */
    const char *path;
    bool takes_ca; /* it knows --ca FILE: whose certificates are trusted */
    const char *ca_file;
    int64_t seconds; /* --seconds N; 0: no limit */
    char **word;     /* what is not an option */
    int words;
};

static inline void args_usage(const struct args *args, FILE *to,
                              const char *program)
{
    fprintf(to, "usage: %s [--backend NAME] [--seconds N] %s%s%s\n", program,
            args->takes_path ? "[--path PATH] " : "",
            args->takes_ca ? "[--ca FILE] " : "", args->usage);
}

/* A whole number from 0 to max, or -1. */
static inline int64_t args_number(const char *text, int64_t max)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    return errno || end == text || *end || n < 0 || n > max ? -1 : n;
}

/* Takes the options out of argv. Ends the program on --help (0) and on a
 * command line that makes no sense (2). */
static inline void args_parse(struct args *args, int argc, char **argv,
                              int max_words)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            args_usage(args, stdout, argv[0]);
            exit(0);
        }
        if (strcmp(argv[i], "--backend") == 0 && i + 1 < argc) {
            args->backend = argv[++i];
        } else if (strcmp(argv[i], "--path") == 0 && i + 1 < argc &&
                   args->takes_path) {
            args->path = argv[++i];
        } else if (strcmp(argv[i], "--ca") == 0 && i + 1 < argc &&
                   args->takes_ca) {
            args->ca_file = argv[++i];
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            args->seconds = args_number(argv[++i], 1000000);
        } else {
            args->seconds = -1;
            break;
        }
    }
    args->word = argv + i;
    args->words = argc - i;
    if (args->seconds < 0 || args->words > max_words) {
        args_usage(args, stderr, argv[0]);
        exit(2);
    }
}

/* The i-th word as a port, or the default where there is none. */
static inline uint16_t args_port(const struct args *args, int i,
                                 uint16_t otherwise)
{
    int64_t port =
        i < args->words ? args_number(args->word[i], 65535) : otherwise;
    if (port < 0) {
        fprintf(stderr, "%s is not a port\n", args->word[i]);
        exit(2);
    }
    return (uint16_t)port;
}

static inline int args_loop(const struct args *args, rondo_loop **loop)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    options.backend = args->backend;
    return rondo_loop_new(loop, &options);
}

/* Says why the start failed and takes back what there is of it. */
static inline int args_failed(rondo_loop *loop)
{
    fprintf(stderr, "%s\n", rondo_last_error());
    if (loop)
        rondo_loop_close(loop);
    return 1;
}

/* Flushed, so that a program that reads this through a pipe can begin. */
static inline void args_say_listening(const rondo_server *server)
{
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    for (size_t i = 0; rondo_server_address(server, i, &address) == 0; i++)
        if (rondo_address_text(&address, text, sizeof text) > 0)
            printf("listening on %s\n", text);
    fflush(stdout);
}

static inline void args_abort_clients(rondo_loop *loop, void *server)
{
    (void)loop;
    rondo_server_abort_clients(server);
}

/* Nobody new, clients get what is in their buffers; a second later those that
 * have not read it by then are dropped. */
static inline void args_stop_serving(rondo_loop *loop, void *server)
{
    rondo_server_close(server);
    rondo_server_close_clients(server);
    rondo_id id =
        rondo_call_later(loop, RONDO_SEC(1), args_abort_clients, server);
    rondo_set_background(loop, id, true);
}

static inline void args_interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum;
    (void)arg;
    rondo_loop_stop(loop);
}

/* Runs until nothing is left, or Ctrl-C; closes the loop. */
static inline int args_run(rondo_loop *loop)
{
    int result = rondo_add_signal_handler(loop, SIGINT, args_interrupted, NULL);
    if (result == 0)
        result = rondo_loop_run(loop);
    if (result < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return result < 0;
}

/* Serves until Ctrl-C, or until the clients of a server closed by --seconds
 * are gone. */
static inline int args_serve(const struct args *args, rondo_loop *loop,
                             rondo_server *server)
{
    if (args->seconds)
        rondo_call_later(loop, RONDO_SEC(args->seconds), args_stop_serving,
                         server);
    /* whoever reads that it listens may press Ctrl-C at once */
    if (rondo_add_signal_handler(loop, SIGINT, args_interrupted, NULL) == 0)
        args_say_listening(server);
    return args_run(loop);
}

#endif
