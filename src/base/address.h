/* address.h - a short copy of an address, and the address of a path. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_BASE_ADDRESS_H
#define RONDO_BASE_ADDRESS_H

#include "system.h"

#include "rondo.h"

/* Each connection keeps two addresses. This copy has 29 bytes, a rondo_address
 * has 136. */
struct small_address {
    unsigned char bytes[28]; /* a sockaddr_in6 just fits */
    unsigned char size;      /* 0: no address is kept */
};

/* Copies `a` into `small`. Returns false, and then keeps no address, if `a` is
 * longer than 28 bytes, as the address of a unix socket with a path is. */
bool address_keep(struct small_address *small, const rondo_address *a);

/* Copies the address back and fills the rest of `a` with zeros. Returns 0, or
 * RONDO_ENOTCONN without a sentence if no address is kept: `a` is empty
 * then. */
int address_recall(const struct small_address *small, rondo_address *a);

/* Makes the address of a unix socket from a path. Returns 0, or an error whose
 * sentence begins with `what`, the name of the program's call:
 * RONDO_ENAMETOOLONG, RONDO_ENOTSUP (a system without unix sockets) or
 * RONDO_EINVAL (an empty path). */
int address_of_path(rondo_address *a, const char *path, const char *what);

/* The number of an IPv6 scope such as "eth0" or "2"; 0: no such scope. */
uint32_t address_scope(const char *name);

#endif
