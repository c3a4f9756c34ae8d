/* sim_profile.c - how each system's kqueue differs from the others. */
/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_profile profiles[] = {
    {.name = "macos",
     .user = true,
     .null_error = EINVAL,
     .tty_error = EINVAL,
     .takes_lowat = true,
     .delete_closed = EBADF,
     .unheard = SIM_WHO_ONLY_WRITES_A_FIFO,
     .fifo = SIM_FIFO_VNODE,
     .poll = SIM_POLL_IS_KQUEUE,
     .except = SIM_EXCEPT_READS,
     .exited_child = ESRCH,
     .exit_early = true,
     .tick_ns = 1,
     .shut_refuses = true,
     .sendfile = true,
     .quiet_pipes = true,
     .any_thread = true,
     .ignores_flag = true},
    {.name = "macos-old", /* before 10.9 */
     .user = true,
     .refuses_devices = true,
     .null_error = EINVAL,
     .tty_error = EINVAL,
     .delete_closed = EBADF,
     .broken_pipe = EPIPE,
     .unheard = SIM_WHO_ONLY_WRITES_A_FIFO,
     .fifo = SIM_FIFO_VNODE,
     .poll = SIM_POLL_IS_KQUEUE,
     .exited_child = ESRCH,
     .exit_early = true,
     .tick_ns = 1000,
     .shut_refuses = true,
     .sendfile = true,
     .quiet_pipes = true,
     .any_thread = true,
     .ignores_flag = true},
    {.name = "freebsd",
     .user = true,
     .trigger_udata = true,
     .null_error = ENODEV,
     .delete_closed = EINVAL,
     .broken_pipe = EPIPE,
     .unheard = SIM_WHO_ONLY_WRITES_A_FIFO,
     .tick_ns = 1,
     .sendfile = true},
    {.name = "netbsd",
     .user = true,
     .file_once = true,
     .delete_closed = EBADF,
     .broken_pipe = EBADF,
     .unheard = SIM_ANY_PIPE,
     .fifo = SIM_FIFO_WRONG_SIDE,
     .poll = SIM_POLL_READY,
     .exited_child = ESRCH,
     .tick_ns = 10000000,
     .quiet_pipes = true,
     .any_thread = true},
    {.name = "openbsd", /* before EVFILT_USER */
     .delete_closed = EBADF,
     .broken_pipe = EPIPE,
     .fifo = SIM_FIFO_SOCKETS,
     .except = SIM_EXCEPT_OOB,
     .exited_child = ESRCH,
     .tick_ns = 1000000},
};

static _Atomic(const struct sim_profile *) chosen;

static const struct sim_profile *find(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}

const struct sim_profile *sim_profile(void)
{
    const struct sim_profile *profile = atomic_load(&chosen);

    if (!profile) {
        const char *name = getenv("RONDO_KQUEUE");

        profile = find(name && *name ? name : profiles[0].name);
        if (!profile)
            abort(); /* a name that is none: no test may pass by it */
        atomic_store(&chosen, profile);
    }
    return profile;
}

bool sim_set_profile(const char *name)
{
    const struct sim_profile *profile = name ? find(name) : NULL;

    atomic_store(&chosen, profile);
    return profile || !name;
}
