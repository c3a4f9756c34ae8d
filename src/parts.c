/* parts.c - all parts, kinds of handles and backends: what core reads here. */
/* SPDX-License-Identifier: MIT */
#include "core/backend.h"
#include "core/part.h"

/* Declared here and not in headers: no other file may use them, and core must
 * not include what is above it. */
extern const struct handle_class stream_class, server_class, process_class,
    datagram_class, watch_class, connect_class, names_class, sock_class,
    sock_call_class, sendfile_class, drain_class, job_class, signal_class,
    hook_class, datagram_sent_class, file_call_class, file_class, walk_class,
    pump_class, group_class, path_class, interfaces_class, size_class;

const struct handle_class *const handle_classes[HANDLE_KINDS] = {
    [HANDLE_TRANSPORT] = &stream_class,
    [HANDLE_SERVER] = &server_class,
    [HANDLE_PROCESS] = &process_class,
    [HANDLE_DATAGRAM] = &datagram_class,
    [HANDLE_WATCHER] = &watch_class,
    [HANDLE_OPERATION] = &connect_class,
    [HANDLE_LOOKUP] = &names_class,
    [HANDLE_JOB] = &job_class,
    [HANDLE_SOCK_CALL] = &sock_call_class,
    [HANDLE_SENDFILE] = &sendfile_class,
    [HANDLE_DRAIN] = &drain_class,
    [HANDLE_SOCK] = &sock_class,
    [HANDLE_SIGNAL] = &signal_class,
    [HANDLE_HOOK] = &hook_class,
    [HANDLE_SEND] = &datagram_sent_class,
    [HANDLE_FILE_CALL] = &file_call_class,
    [HANDLE_FILE] = &file_class,
    [HANDLE_GROUP] = &group_class,
    [HANDLE_WALK] = &walk_class,
    [HANDLE_PUMP] = &pump_class,
    [HANDLE_PATH] = &path_class,
    [HANDLE_NETWORK] = &interfaces_class,
    [HANDLE_TERMINAL] = &size_class,
};

void *hooks_arg(const struct handle *handle);
void *interfaces_arg(const struct handle *handle);
void *path_arg(const struct handle *handle);
void *signals_arg(const struct handle *handle);
void *size_arg(const struct handle *handle);

const handle_arg_fn handle_args[HANDLE_KINDS] = {
    [HANDLE_HOOK] = hooks_arg,    [HANDLE_NETWORK] = interfaces_arg,
    [HANDLE_PATH] = path_arg,     [HANDLE_SIGNAL] = signals_arg,
    [HANDLE_TERMINAL] = size_arg,
};

extern const struct loop_part lookup_part, executor_part, file_source_part,
    file_part, path_part, interfaces_part, stream_part, datagram_part,
    process_part, group_part;

const struct loop_part *const loop_parts[LOOP_PARTS] = {
    [PART_LOOKUP] = &lookup_part,
    [PART_EXECUTOR] = &executor_part,
    [PART_FILE_SOURCE] = &file_source_part,
    [PART_FILE] = &file_part,
    [PART_PATH] = &path_part,
    [PART_NETWORK] = &interfaces_part,
    [PART_STREAM] = &stream_part,
    [PART_DATAGRAM] = &datagram_part,
    [PART_PROCESS] = &process_part,
    [PART_GROUP] = &group_part,
};

#define DECLARE(name) extern const struct backend backend_##name;
#define ADDRESS(name) &backend_##name,

SYS_BACKENDS(DECLARE)
const struct backend *const backend_table[] = {SYS_BACKENDS(ADDRESS)};
