/* address.h - an IP address in the few bytes that it needs. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_ADDRESS_H
#define RONDO_ADDRESS_H

#include "rondo.h"

/* Every connection remembers two of them. */
struct small_address {
    unsigned char bytes[28];
    unsigned char size; /* 0: none, or not an IP address */
};

void address_keep(struct small_address *small, const rondo_address *a);
int address_recall(const struct small_address *small, rondo_address *a);

#endif
