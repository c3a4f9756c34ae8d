/* parts.c - the kinds of handles that a loop has. */
/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

extern const struct handle_class stream_class, server_class, process_class,
    datagram_class, watch_class, connect_class, names_class, sock_class,
    sock_call_class, sendfile_class, job_class, signal_class;

const struct handle_class *const handle_classes[HANDLE_KINDS] = {
    [HANDLE_TRANSPORT] = &stream_class,    [HANDLE_SERVER] = &server_class,
    [HANDLE_PROCESS] = &process_class,     [HANDLE_DATAGRAM] = &datagram_class,
    [HANDLE_WATCHER] = &watch_class,       [HANDLE_OPERATION] = &connect_class,
    [HANDLE_LOOKUP] = &names_class,        [HANDLE_JOB] = &job_class,
    [HANDLE_SOCK_CALL] = &sock_call_class, [HANDLE_SENDFILE] = &sendfile_class,
    [HANDLE_SOCK] = &sock_class,           [HANDLE_SIGNAL] = &signal_class,
};
