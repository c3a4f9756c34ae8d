/* keyvalue.c - a server that redis-cli and redis-benchmark can talk to: PING,
 * ECHO, GET, SET, DEL, EXISTS, INCR, EXPIRE, TTL, DBSIZE. */
/* SPDX-License-Identifier: MIT */
/* Build: cc keyvalue.c -o keyvalue $(pkg-config --cflags --libs rondo)
 * Try:   ./keyvalue 6380 & redis-benchmark -p 6380 -t ping,set,get,incr -P 16 */
#include <rondo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 64, MOST_BYTES = 1 << 20, SWEEP_SLOTS = 256 };

/* ---- the table ---- */

struct item {
    struct item *next;
    char *value;
    size_t key_size, value_size;
    int64_t expires; /* the loop's time; 0: never */
    unsigned hash;
    char key[];
};

struct word {
    const char *bytes;
    size_t size;
};

static rondo_loop *loop;
static struct item **slots;
static size_t slot_count = 1024, item_count, swept;

static unsigned hash_of(struct word key)
{
    unsigned hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ (unsigned char)key.bytes[i]) * 16777619U;
    return hash;
}

static void item_remove(struct item **place)
{
    struct item *item = *place;
    *place = item->next;
    free(item->value);
    free(item);
    item_count--;
}

static bool is_over(const struct item *item)
{
    return item->expires && item->expires <= rondo_loop_time(loop);
}

/* Where its item is, or NULL. */
static struct item **find(struct word key)
{
    unsigned hash = hash_of(key);
    struct item **place = &slots[hash & (slot_count - 1)];
    for (; *place; place = &(*place)->next) {
        const struct item *item = *place;
        if (item->hash != hash || item->key_size != key.size ||
            memcmp(item->key, key.bytes, key.size) != 0)
            continue;
        if (!is_over(item))
            return place;
        item_remove(place);
        return NULL;
    }
    return NULL;
}

static void grow(void)
{
    size_t count = slot_count * 2;
    struct item **more = calloc(count, sizeof *more);
    if (!more)
        return; /* longer chains, then */
    for (size_t i = 0; i < slot_count; i++)
        for (struct item *item = slots[i], *next; item; item = next) {
            next = item->next;
            item->next = more[item->hash & (count - 1)];
            more[item->hash & (count - 1)] = item;
        }
    free(slots);
    slots = more;
    slot_count = count;
}

static bool store(struct word key, struct word value)
{
    struct item **place = find(key), *item;
    char *copy = malloc(value.size + 1);
    if (!copy)
        return false;
    memcpy(copy, value.bytes, value.size);
    copy[value.size] = '\0'; /* for strtoll */
    if (place) {
        item = *place;
        free(item->value);
    } else {
        item = calloc(1, sizeof *item + key.size);
        if (!item) {
            free(copy);
            return false;
        }
        memcpy(item->key, key.bytes, key.size);
        item->key_size = key.size;
        item->hash = hash_of(key);
        if (++item_count > slot_count)
            grow();
        item->next = slots[item->hash & (slot_count - 1)];
        slots[item->hash & (slot_count - 1)] = item;
    }
    item->value = copy;
    item->value_size = value.size;
    item->expires = 0;
    return true;
}

/* What nobody asks for any more goes, too, a part of the table at a time. */
static void sweep(rondo_loop *l, void *arg)
{
    (void)l, (void)arg;
    for (int i = 0; i < SWEEP_SLOTS; i++, swept++)
        for (struct item **place = &slots[swept & (slot_count - 1)]; *place;) {
            if (is_over(*place))
                item_remove(place);
            else
                place = &(*place)->next;
        }
}

/* ---- one client ---- */

struct client {
    char *in, *out;
    size_t in_size, in_room, out_size, out_room;
    bool broken;
};

/* Room for more bytes; NULL: there is no memory. */
static char *room(char **bytes, size_t *have, size_t used, size_t more)
{
    if (*have - used < more) {
        size_t size = (used + more) * 2;
        char *grown = realloc(*bytes, size);
        if (!grown)
            return NULL;
        *bytes = grown;
        *have = size;
    }
    return *bytes + used;
}

static void put(struct client *c, const void *bytes, size_t size)
{
    char *to = room(&c->out, &c->out_room, c->out_size, size);
    if (to) {
        memcpy(to, bytes, size);
        c->out_size += size;
    } else {
        c->broken = true;
    }
}

static void RONDO_PRINTF(2, 3) say(struct client *c, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(c, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

static void say_bytes(struct client *c, struct word word)
{
    say(c, "$%zu\r\n", word.size);
    put(c, word.bytes, word.size);
    put(c, "\r\n", 2);
}

/* A whole number that is all of the word. */
static bool number(struct word word, long long *n)
{
    char text[24], *end;
    if (word.size == 0 || word.size >= sizeof text)
        return false;
    memcpy(text, word.bytes, word.size);
    text[word.size] = '\0';
    *n = strtoll(text, &end, 10);
    return !*end;
}

/* ---- the commands ---- */

static void expire(struct item *item, long long seconds)
{
    if (seconds > 1000000000)
        seconds = 1000000000;
    item->expires = rondo_loop_time(loop) + RONDO_SEC(seconds);
}

static void do_ping(struct client *c, const struct word *w, int n)
{
    if (n > 1)
        say_bytes(c, w[1]);
    else
        put(c, "+PONG\r\n", 7);
}

static void do_get(struct client *c, const struct word *w, int n)
{
    struct item **place = find(w[1]);
    (void)n;
    if (place)
        say_bytes(c, (struct word){(*place)->value, (*place)->value_size});
    else
        put(c, "$-1\r\n", 5);
}

static void do_set(struct client *c, const struct word *w, int n)
{
    long long seconds = 0;
    if (n != 3 && (n != 5 || w[3].size != 2 || (w[3].bytes[0] | 32) != 'e' ||
                   (w[3].bytes[1] | 32) != 'x' || !number(w[4], &seconds) ||
                   seconds <= 0)) {
        say(c, "-ERR syntax error\r\n");
    } else if (!store(w[1], w[2])) {
        say(c, "-OOM no memory\r\n");
    } else {
        if (seconds)
            expire(*find(w[1]), seconds);
        put(c, "+OK\r\n", 5);
    }
}

static void do_del(struct client *c, const struct word *w, int n)
{
    int count = 0;
    for (int i = 1; i < n; i++) {
        struct item **place = find(w[i]);
        if (place) {
            item_remove(place);
            count++;
        }
    }
    say(c, ":%d\r\n", count);
}

static void do_exists(struct client *c, const struct word *w, int n)
{
    int count = 0;
    for (int i = 1; i < n; i++)
        count += find(w[i]) != NULL;
    say(c, ":%d\r\n", count);
}

static void do_incr(struct client *c, const struct word *w, int n)
{
    struct item **place = find(w[1]);
    int64_t expires = place ? (*place)->expires : 0;
    long long value = 0;
    char text[24];
    (void)n;
    if (place &&
        !number((struct word){(*place)->value, (*place)->value_size}, &value)) {
        say(c, "-ERR value is not an integer or out of range\r\n");
        return;
    }
    if (value == INT64_MAX) {
        say(c, "-ERR increment would overflow\r\n");
        return;
    }
    int size = snprintf(text, sizeof text, "%lld", value + 1);
    if (store(w[1], (struct word){text, (size_t)size})) {
        (*find(w[1]))->expires = expires;
        say(c, ":%s\r\n", text);
    } else {
        say(c, "-OOM no memory\r\n");
    }
}

static void do_expire(struct client *c, const struct word *w, int n)
{
    struct item **place = find(w[1]);
    long long seconds;
    (void)n;
    if (!number(w[2], &seconds)) {
        say(c, "-ERR value is not an integer or out of range\r\n");
        return;
    }
    if (place && seconds > 0)
        expire(*place, seconds);
    else if (place)
        item_remove(place);
    say(c, ":%d\r\n", place != NULL);
}

static void do_ttl(struct client *c, const struct word *w, int n)
{
    struct item **place = find(w[1]);
    long long seconds = -2; /* there is none; -1: it stays */
    (void)n;
    if (place) {
        int64_t left = (*place)->expires - rondo_loop_time(loop);
        seconds =
            (*place)->expires ? (left + RONDO_MS(500)) / RONDO_SEC(1) : -1;
    }
    say(c, ":%lld\r\n", seconds);
}

static void do_dbsize(struct client *c, const struct word *w, int n)
{
    (void)w, (void)n;
    say(c, ":%zu\r\n", item_count);
}

/* What redis-benchmark and redis-cli ask when they begin. */
static void do_nothing(struct client *c, const struct word *w, int n)
{
    (void)w, (void)n;
    put(c, "*0\r\n", 4);
}

static const struct {
    const char *name;
    int least, most;
    void (*run)(struct client *c, const struct word *w, int n);
} commands[] = {
    {"get", 2, 2, do_get},          {"set", 3, 5, do_set},
    {"ping", 1, 2, do_ping},        {"incr", 2, 2, do_incr},
    {"del", 2, 64, do_del},         {"exists", 2, 64, do_exists},
    {"echo", 2, 2, do_ping},        {"expire", 3, 3, do_expire},
    {"ttl", 2, 2, do_ttl},          {"dbsize", 1, 1, do_dbsize},
    {"command", 1, 64, do_nothing}, {"config", 1, 64, do_nothing},
};

static bool is_name(struct word word, const char *name)
{
    size_t i = 0;
    for (; i < word.size && name[i]; i++)
        if ((word.bytes[i] | 32) != name[i])
            return false;
    return i == word.size && !name[i];
}

static void run(struct client *c, const struct word *w, int n)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (is_name(w[0], commands[i].name)) {
            if (n < commands[i].least || n > commands[i].most)
                say(c, "-ERR wrong number of arguments\r\n");
            else
                commands[i].run(c, w, n);
            return;
        }
    say(c, "-ERR unknown command\r\n");
}

/* ---- the protocol ---- */

/* "$12\r\n" at *at: the number, and *at behind it. -1: more bytes are needed;
 * -2: it is something else. */
static long long count_at(const char *in, size_t size, size_t *at, char kind)
{
    long long n = 0;
    size_t i = *at;
    if (i < size && in[i] != kind)
        return -2;
    for (i++; i < size && in[i] >= '0' && in[i] <= '9'; i++) {
        n = n * 10 + (in[i] - '0');
        if (n > MOST_BYTES)
            return -2;
    }
    if (i + 1 >= size)
        return -1;
    if (in[i] != '\r' || in[i + 1] != '\n')
        return -2;
    *at = i + 2;
    return n;
}

/* "PING\r\n", as a person types it. As one_command. */
static long long one_line(struct client *c, const char *in, size_t size)
{
    struct word words[MOST_WORDS];
    int count = 0;
    const char *end = memchr(in, '\n', size);
    if (!end)
        return size > MOST_BYTES ? -1 : 0;
    for (const char *s = in; s < end && count < MOST_WORDS; s++) {
        const char *begin = s;
        while (*s != ' ' && *s != '\r' && s < end)
            s++;
        if (s > begin)
            words[count++] = (struct word){begin, (size_t)(s - begin)};
    }
    if (count)
        run(c, words, count);
    return end + 1 - in;
}

/* Runs the command at the beginning of in. Its size; 0: it is not all there;
 * or -1. */
static long long one_command(struct client *c, const char *in, size_t size)
{
    struct word words[MOST_WORDS];
    size_t at = 0;
    if (*in != '*')
        return one_line(c, in, size);
    long long count = count_at(in, size, &at, '*');
    if (count < 0 || count == 0 || count > MOST_WORDS)
        return count == -1 ? 0 : -1;
    for (int i = 0; i < count; i++) {
        long long n = count_at(in, size, &at, '$');
        if (n < 0)
            return n == -1 ? 0 : -1;
        if (size - at < (size_t)n + 2)
            return 0;
        words[i] = (struct word){in + at, (size_t)n};
        at += (size_t)n + 2;
    }
    run(c, words, (int)count);
    return (long long)at;
}

/* All commands that are there, then their answers in one write. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    const char *in = data;
    size_t used = 0;
    long long n = 0;
    if (c->in_size) { /* there is the beginning of one */
        char *to = room(&c->in, &c->in_room, c->in_size, size);
        if (!to) {
            rondo_transport_abort(t);
            return;
        }
        memcpy(to, data, size);
        size += c->in_size;
        in = c->in;
    }
    while (used < size && (n = one_command(c, in + used, size - used)) > 0)
        used += (size_t)n;
    if (n < 0 || size - used > MOST_BYTES * 2) {
        say(c, "-ERR Protocol error\r\n");
        used = size;
    }
    char *to = room(&c->in, &c->in_room, 0, size - used);
    if (to)
        memmove(to, in + used, size - used);
    c->in_size = size - used;
    rondo_transport_write(t, c->out, c->out_size);
    c->out_size = 0;
    if (n < 0)
        rondo_transport_close(t);
    else if (c->broken || (!to && size > used))
        rondo_transport_abort(t);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)t, (void)error;
    free(c->in);
    free(c->out);
    free(c);
}

/* A client that does not read its answers is not asked for more. */
static void pause(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_pause_reading(t);
}

static void resume(rondo_transport *t, void *self)
{
    (void)self;
    rondo_transport_resume_reading(t);
}

static const rondo_protocol protocol = {.data_received = received,
                                        .pause_writing = pause,
                                        .resume_writing = resume,
                                        .connection_lost = lost};

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **p, void **self)
{
    (void)server, (void)arg, (void)t, (void)p;
    *self = calloc(1, sizeof(struct client));
    return *self ? 0 : RONDO_ENOMEM;
}

static void interrupted(rondo_loop *l, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(l);
}

int main(int argc, char **argv)
{
    rondo_server *server;
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 6380);
    slots = calloc(slot_count, sizeof(struct item *));
    if (!slots || rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port,
                                        .protocol_factory = accepted),
                            &protocol, NULL, &server) < 0 ||
        rondo_call_every(loop, RONDO_MS(100), sweep, NULL) < 0 ||
        rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    if (rondo_server_address(server, 0, &address) == 0 &&
        rondo_address_text(&address, text, sizeof text) > 0)
        printf("listening on %s\n", text);
    fflush(stdout);
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    for (size_t i = 0; i < slot_count; i++)
        while (slots[i])
            item_remove(&slots[i]);
    free(slots);
    return 0;
}
