/* metrics.c - collects metrics that programs send by UDP, as statsd does, and
 * shows them to Prometheus at /metrics. */
/* SPDX-License-Identifier: MIT */
/* Build: cc metrics.c -o metrics $(pkg-config --cflags --libs rondo)
 * Try:   ./metrics 8125 9102 & echo 'logins:1|c' | nc -u -w 0 127.0.0.1 8125
 *        curl http://127.0.0.1:9102/metrics */
#include <rondo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024, MOST_METRICS = 10000, MOST_NAME = 120, MOST_HEAD = 4096 };

/* "name:1|c" adds, "name:5|g" sets ("+5", "-5" change), "name:3.2|ms" is one of
 * many: a summary. "|@0.1" says that only each tenth is sent. */
struct metric {
    struct metric *next;
    char kind; /* c, g, m */
    double value, count, most;
    char name[MOST_NAME + 1];
};

static struct metric *slots[SLOTS];
static size_t metric_count;
static unsigned long long lines_taken, lines_wrong;

static unsigned hash_of(const char *name)
{
    unsigned hash = 2166136261U; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash % SLOTS;
}

/* The one of that name and kind; NULL: another kind has the name, or there are
 * too many. */
static struct metric *metric_of(const char *name, char kind)
{
    struct metric *m = slots[hash_of(name)];
    for (; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return m->kind == kind ? m : NULL;
    if (metric_count >= MOST_METRICS || !(m = calloc(1, sizeof *m)))
        return NULL;
    strcpy(m->name, name);
    m->kind = kind;
    m->next = slots[hash_of(name)];
    slots[hash_of(name)] = m;
    metric_count++;
    return m;
}

/* Prometheus' letters; false: the name is empty or too long. */
static bool copy_name(char *name, const char *from, size_t size)
{
    if (size == 0 || size > MOST_NAME)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = from[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = i > 0 && c >= '0' && c <= '9';
        name[i] = c;
        if (!letter && !digit)
            name[i] = '_';
    }
    name[size] = '\0';
    return true;
}

static bool take(const char *line)
{
    char name[MOST_NAME + 1], *end;
    const char *colon = strchr(line, ':');
    double rate = 1;
    if (!colon || !copy_name(name, line, (size_t)(colon - line)))
        return false;
    const char *text = colon + 1;
    double value = strtod(text, &end);
    if (end == text || *end != '|' || value != value)
        return false;
    char kind = end[1] ? end[1] : '?';
    const char *at = strstr(end, "|@");
    if (at)
        rate = strtod(at + 2, NULL);
    struct metric *m = strchr("cgm", kind) && rate > 0 && rate <= 1
                           ? metric_of(name, kind)
                           : NULL;
    if (!m)
        return false;
    if (kind == 'g') {
        m->value = (*text == '+' || *text == '-' ? m->value : 0) + value;
        return true;
    }
    m->value += value / rate;
    m->count += 1 / rate;
    if (m->count <= 1 / rate || value > m->most)
        m->most = value;
    return true;
}

/* ---- UDP ---- */

static void datagram(rondo_datagram *d, void *self, const void *data,
                     size_t size, const rondo_address *from, bool truncated)
{
    char text[2048];
    (void)d, (void)self, (void)from;
    if (truncated || size >= sizeof text) {
        lines_wrong++;
        return;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!*line)
            continue;
        lines_taken++;
        if (!take(line))
            lines_wrong++;
    }
}

static const rondo_datagram_protocol udp = {.datagram_received = datagram};

/* ---- HTTP ---- */

struct page {
    char *text;
    size_t size, room;
};

static void RONDO_PRINTF(2, 3) add(struct page *p, const char *format, ...)
{
    va_list args;
    if (p->room - p->size < 1024) {
        char *more = realloc(p->text, p->room * 2 + 4096);
        if (!more)
            return; /* a shorter page */
        p->text = more;
        p->room = p->room * 2 + 4096;
    }
    va_start(args, format);
    int n = vsnprintf(p->text + p->size, p->room - p->size, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < p->room - p->size)
        p->size += (size_t)n;
}

static void add_metric(struct page *p, const struct metric *m)
{
    if (m->kind == 'm') {
        add(p, "# TYPE %s summary\n%s_sum %.15g\n%s_count %.15g\n", m->name,
            m->name, m->value, m->name, m->count);
        add(p, "# TYPE %s_max gauge\n%s_max %.15g\n", m->name, m->name,
            m->most);
    } else {
        add(p, "# TYPE %s %s\n%s %.15g\n", m->name,
            m->kind == 'c' ? "counter" : "gauge", m->name, m->value);
    }
}

static void answer(rondo_transport *t, const char *head)
{
    struct page p = {NULL, 0, 0};
    bool found = strncmp(head, "GET /metrics ", 13) == 0;
    if (found) {
        add(&p, "# TYPE collector_lines counter\ncollector_lines %llu\n",
            lines_taken);
        add(&p, "# TYPE collector_wrong counter\ncollector_wrong %llu\n",
            lines_wrong);
        for (int i = 0; i < SLOTS; i++)
            for (const struct metric *m = slots[i]; m; m = m->next)
                add_metric(&p, m);
    }
    rondo_transport_printf(
        t,
        "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4\r\n"
        "Content-Length: %zu\r\nConnection: close\r\n\r\n",
        found ? "200 OK" : "404 Not Found", p.size);
    rondo_transport_write(t, p.text, p.size);
    rondo_transport_close(t); /* when it has been sent */
    free(p.text);
}

struct client {
    size_t size;
    char head[MOST_HEAD + 1];
};

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    if (size > MOST_HEAD - c->size) {
        rondo_transport_abort(t);
        return;
    }
    memcpy(c->head + c->size, data, size);
    c->size += size;
    c->head[c->size] = '\0';
    if (strstr(c->head, "\r\n\r\n")) {
        rondo_transport_pause_reading(t);
        answer(t, c->head);
    }
}

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t, (void)error;
    free(self);
}

static const rondo_protocol http = {.data_received = received,
                                    .connection_lost = lost};

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **p, void **self)
{
    (void)server, (void)arg, (void)p;
    *self = calloc(1, sizeof(struct client));
    if (!*self)
        return RONDO_ENOMEM;
    return rondo_transport_set_timeouts(t, RONDO_SEC(10), RONDO_SEC(10));
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

static void say(const char *what, const rondo_address *address)
{
    char text[RONDO_ADDRESS_TEXT];
    if (rondo_address_text(address, text, sizeof text) > 0)
        printf("%s on %s\n", what, text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_server *server;
    rondo_datagram *d;
    rondo_address address;
    uint16_t udp_port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 8125);
    uint16_t http_port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 9102);
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_address_parse(&address, "127.0.0.1", udp_port) < 0 ||
        rondo_create_datagram_endpoint(
            loop,
            RONDO_DATAGRAM(.local_address = &address,
                           .receive_buffer = 1 << 20),
            &udp, NULL, &d) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = http_port,
                                        .protocol_factory = accepted),
                            &http, NULL, &server) < 0 ||
        rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    if (rondo_datagram_local_address(d, &address) == 0)
        say("collecting", &address);
    if (rondo_server_address(server, 0, &address) == 0)
        say("listening", &address);
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    for (int i = 0; i < SLOTS; i++)
        for (struct metric *m = slots[i], *next; m; m = next) {
            next = m->next;
            free(m);
        }
    return 0;
}
