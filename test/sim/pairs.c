/* pairs.c - pairs that no program can meet, and why. */
/* SPDX-License-Identifier: MIT */
#include "pairs.h"

#include <string.h>

/* Each name of the one list with each of the other; names end with a comma. */
static const struct {
    const char *ones, *others, *why;
} rules[] = {
    {"write,writev,write_owned,write_then,try_write,drain,sendfile,write_eof,"
     "shutdown,",
     "pipe reader,", "it only reads"},
    {"unread,get_buffer,get_buffers,take_fd,reader,", "pipe writer,",
     "it only writes"},
    {"send_fd,take_fd,",
     "client,server,group,accepted,pipe reader,pipe writer,relayed,move,",
     "only unix sockets pass descriptors"},
    {"relayed,", "unix client,unix server,pipe reader,pipe writer,",
     "a relay stands between two hosts"},
    {"reader,reader_free,reader_drain,",
     "server,unix server,group,accepted,pipe reader,pipe writer,move,end by by_server,",
     "only clients have readers here"},
    {"detach,raw,adopted,", "pipe reader,pipe writer,",
     "a side goes on with a socket alone"},
    {"detach,raw,adopted,", "end by by_server,",
     "who is detached has left its server"},
    {"pass_filter,hold_filter,", "pipe reader,pipe writer,",
     "filters need both directions"},
    {"move,",
     "client,server,unix client,unix server,accepted,pipe reader,pipe writer,"
     "end by by_server,",
     "only the clients of a group move"},
    {"end by by_server,",
     "client,unix client,accepted,group,pipe reader,pipe writer,",
     "its server does not end it"},
    {"close,close_within,", "end by both_ended,", "it ends as closed"},
    {"close_within,", "end by close,", "it ends as closed within a time"},
    {"close_now,", "end by abort,", "it ends as closed at once"},
    {"abort,abort_with,", "end by loop_closed,",
     "an abort ends it before that"},
};

static bool has(const char *list, const char *name)
{
    size_t size = strlen(name);
    while (*list) {
        size_t part = strcspn(list, ",");
        if (part == size && memcmp(list, name, size) == 0)
            return true;
        list += part + 1;
    }
    return false;
}

const char *pairs_impossible(const char *a, const char *b)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((has(rules[i].ones, a) && has(rules[i].others, b)) ||
            (has(rules[i].ones, b) && has(rules[i].others, a)))
            return rules[i].why;
    return NULL;
}

void pairs_count(struct pairs *p, unsigned met, const char *a, const char *b,
                 bool tells)
{
    const char *why = pairs_impossible(a, b);
    p->met += met > 0;
    p->impossible += why && !met;
    p->unmet += !why && !met;
    if (why && met) {
        p->wrong++;
        printf("   met %u times: %s, %s; the table says: %s\n", met, a, b, why);
    } else if (!met && tells) {
        printf("   %s: %s, %s%s%s\n", why ? "cannot be met" : "not met", a, b,
               why ? ": " : "", why ? why : "");
    }
}

void pairs_print(const struct pairs *p, const char *what)
{
    printf("   %s: %u met, %u impossible, %u unmet\n", what, p->met,
           p->impossible, p->unmet);
}
