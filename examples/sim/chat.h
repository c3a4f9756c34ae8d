/* chat.h - a chat: a server, and people who say lines to each other. */
/* SPDX-License-Identifier: MIT */
#ifndef CHAT_H
#define CHAT_H

#include <rondo.h>

#include <stdbool.h>

enum { CHAT_LINES = 20, CHAT_PEOPLE = 4 };

/* The server sends what a person says to all of them, the person too. */
struct chat_server {
    rondo_transport *people[CHAT_PEOPLE];
    rondo_loop *loop;
};
void chat_server_main(void *arg);

/* Says the lines 1 to CHAT_LINES, and keeps what the others have said. */
struct chat_person {
    unsigned char name;
    bool careful; /* says its lines again to whoever may have missed them */
    unsigned said;
    unsigned heard[256]; /* the last line of each name */
    bool gap;            /* a line of somebody's was left out */
    rondo_loop *loop;
    rondo_transport *server;
};
void chat_person_main(void *arg);

#endif
