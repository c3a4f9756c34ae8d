/* if_dl.h - a BSD's address of a link, and getifaddrs(3) that tells it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_IF_DL_H
#define RONDO_TEST_IF_DL_H

#include <ifaddrs.h>

#define AF_LINK 18

struct sockaddr_dl {
    unsigned char sdl_len;
    unsigned char sdl_family;
    unsigned short sdl_index;
    unsigned char sdl_type, sdl_nlen, sdl_alen, sdl_slen;
    char sdl_data[12]; /* the name, then the address */
};
#define LLADDR(link) ((link)->sdl_data + (link)->sdl_nlen)

#define getifaddrs sim_getifaddrs
int sim_getifaddrs(struct ifaddrs **list); /* sim_route.c */

#endif
