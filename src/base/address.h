/* address.h - an address in the few bytes that most need. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_BASE_ADDRESS_H
#define RONDO_BASE_ADDRESS_H

#include "rondo.h"

/* Every connection remembers two of them. */
struct small_address {
    unsigned char bytes[28];
    unsigned char size; /* 0: none, or one of a unix socket that is longer */
};

/* false: it is longer, and not kept. */
bool address_keep(struct small_address *small, const rondo_address *a);
int address_recall(const struct small_address *small, rondo_address *a);
/* The address of a unix socket's path, for a call named `what`. */
int address_of_path(rondo_address *a, const char *path, const char *what);

#endif
