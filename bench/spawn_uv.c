/* spawn_uv.c - uv_spawn. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "spawn.h"

#include <stdint.h>
#include <uv.h>

static uv_loop_t loop;

static void exited(uv_process_t *process, int64_t status, int signum)
{
    if (status || signum) {
        measure_die("uv_spawn");
    }
    uv_close((uv_handle_t *)process, NULL);
}

static void open_loop(void)
{
    if (uv_loop_init(&loop) < 0) {
        measure_die("uv_loop_init");
    }
}

static void close_loop(void)
{
    if (uv_loop_close(&loop) < 0) {
        measure_die("uv_loop_close");
    }
}

static void run(char **argv, size_t times)
{
    while (times--) {
        uv_stdio_container_t stdio[3];
        for (int fd = 0; fd < 3; fd++) {
            stdio[fd].flags = UV_INHERIT_FD;
            stdio[fd].data.fd = fd;
        }
        uv_process_t process;
        uv_process_options_t options = {.file = argv[0],
                                        .args = argv,
                                        .exit_cb = exited,
                                        .stdio = stdio,
                                        .stdio_count = 3};
        if (uv_spawn(&loop, &process, &options) < 0) {
            measure_die("uv_spawn");
        }
        uv_run(&loop, UV_RUN_DEFAULT);
    }
}

const struct spawn spawn_uv = {
    .name = "libuv", .open = open_loop, .close = close_loop, .run = run};
