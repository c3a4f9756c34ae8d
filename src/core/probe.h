/* probe.h - static probes, for bpftrace, SystemTap, perf and gdb. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_PROBE_H
#define RONDO_CORE_PROBE_H

#include "system.h"

/* A probe is one nop, and a note in the object that says where it is and where
 * its arguments are. No fast path has one: only what blocks, begins or ends.
 * doc/guide/debugging.md lists them; tools/check-probes compares. */
#ifdef RONDO_USDT
#include <sys/sdt.h>
#define PROBE1(name, a)       DTRACE_PROBE1(rondo, name, a)
#define PROBE2(name, a, b)    DTRACE_PROBE2(rondo, name, a, b)
#define PROBE3(name, a, b, c) DTRACE_PROBE3(rondo, name, a, b, c)
#else
#define PROBE1(name, a)       ((void)0)
#define PROBE2(name, a, b)    ((void)0)
#define PROBE3(name, a, b, c) ((void)0)
#endif

#endif
