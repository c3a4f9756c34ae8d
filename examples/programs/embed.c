/* embed.c - the loop as a GSource-like source of a foreign poll() main loop (prepare / check / dispatch). */
/* SPDX-License-Identifier: MIT */
/* Build: cc embed.c -o embed $(pkg-config --cflags --libs rondo) */
#include <poll.h>
#include <rondo.h>
#include <stdio.h>

static void tick(rondo_loop *loop, void *arg)
{
    (void)arg;
    printf("%lld\n", (long long)rondo_loop_time(loop));
}

static int to_ms(int64_t ns)
{
    if (ns == RONDO_NEVER)
        return -1;
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms > 60000 ? 60000 : (int)ms;
}
int main(void)
{
    rondo_loop *loop;
    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.events = POLLIN}};
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_call_every(loop, RONDO_SEC(1), tick, NULL) < 0)
        return 1;
    if (!rondo_loop_supports(loop, RONDO_CAN_EMBED_FD)) {
        fprintf(stderr, "backend %s cannot be embedded\n",
                rondo_loop_backend(loop));
        return 1;
    }
    for (;;) {
        rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
        if (rondo_loop_prepare(loop, &wait) < 0)
            break;
        fds[1].fd = (int)wait.fd;
        if (poll(fds, 2, to_ms(wait.timeout_ns)) < 0)
            break;
        if (fds[0].revents)
            break;
        if (rondo_loop_run_once(loop, 0) <= 0)
            break;
    }
    rondo_loop_close(loop);
    return 0;
}
