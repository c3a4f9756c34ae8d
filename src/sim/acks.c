/* acks.c - acknowledgements that do not come, and keepalive: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include <errno.h>

/* An acknowledgement is no event of its own as long as it arrives: what it frees
 * in the sender's window is free at once. Where it is lost (the way back is cut,
 * or the peer's machine is down), the sender sends again, as its packets were not
 * acknowledged, and gives up after rondo_sim_options.give_up_ns. That is what
 * Linux does in tcp_retransmit_timer and, for a window that is full,
 * tcp_probe_timer. It gives up without a reset; FreeBSD's tcp_drop sends one. */

/* Linux's tcp_keepalive_time, _intvl and _probes. */
enum { KEEP_ALIVE_S = 7200, PROBE_S = 75, PROBES = 9 };

static struct sim_socket *acks_of_event(struct sim_event *event)
{
    return (void *)((char *)event - offsetof(struct sim_socket, acks));
}

bool acks_arrive(const struct sim_socket *s)
{
    return !s->far || (s->far->up && !sim_is_cut(s->far, s->host));
}

/* The peer's machine would answer a packet. */
static bool acks_has_path(const struct sim_socket *s)
{
    return acks_arrive(s) && !sim_is_cut(s->host, s->far);
}

void acks_come(struct sim_socket *s, size_t size)
{
    s->used -= size + s->unheard;
    s->unheard = 0;
    if (!s->blocked || s->used >= s->window)
        return;
    s->blocked = false;
    net_changed(s);
}

void acks_end(struct sim_event *event)
{
    struct sim_socket *s = acks_of_event(event);
    net_part(s);
    net_unuse(s);
}

void acks_stop(struct sim_socket *s)
{
    if (s->acks.place == SIM_NOWHERE)
        return;
    sim_drop(&s->acks);
    net_unuse(s);
}

static void acks_begin(struct sim_socket *s, int64_t ns, bool probes)
{
    if (s->acks.place == SIM_NOWHERE)
        s->uses++;
    else
        sim_drop(&s->acks);
    s->probes = probes;
    s->acks_since = sim.now;
    s->acks_tries = 0;
    sim_at(&s->acks, sim.now + ns);
}

void acks_miss(struct sim_socket *s)
{
    bool waits = s->acks.place != SIM_NOWHERE && !s->probes;
    if (!waits && (s->descriptors || s->server))
        acks_begin(s, flow_again_ns(0), false);
}

void acks_path_lost(struct sim_socket *s)
{
    if (s->kind != SIM_STREAM || !s->connected || s->was_reset)
        return;
    if (s->acks_until > sim.now && !acks_arrive(s))
        acks_miss(s); /* the last one was on its way */
    else if (s->keeps_alive && s->acks.place == SIM_NOWHERE)
        acks_begin(s,
                   RONDO_SEC(KEEP_ALIVE_S) -
                       (sim.now - s->heard) % RONDO_SEC(KEEP_ALIVE_S),
                   true);
}

/* The next packet that is sent in vain; false: there is none. */
static bool acks_try(struct sim_socket *s)
{
    int tries = s->acks_tries++;
    if (s->probes ? tries >= PROBES
                  : sim.now - s->acks_since >= sim.options.give_up_ns)
        return false;
    sim_at(&s->acks, sim.now + (s->probes ? RONDO_SEC(PROBE_S)
                                          : flow_again_ns(tries + 1)));
    return true;
}

void acks_look(struct sim_event *event)
{
    struct sim_socket *s = acks_of_event(event);
    bool lives = (s->descriptors || s->server) && !s->was_reset;
    if (lives && !acks_has_path(s)) {
        if (acks_try(s))
            return;
        flow_broke(s, ETIMEDOUT);
    } else if (lives && s->other) {
        acks_come(s, 0);
    } else if (lives) { /* nobody knows the connection there */
        net_later(s, sim_latency(s->far, s->host, 0), flow_reset_comes);
    }
    net_unuse(s);
}
#endif
