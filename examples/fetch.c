/* fetch.c - gets many URLs, a few at a time, with one deadline for all. */
/* SPDX-License-Identifier: MIT */
/* Build: cc fetch.c -o fetch $(pkg-config --cflags --libs rondo)
 * With https://: cc -DFETCH_HTTPS fetch.c -o fetch $(pkg-config --cflags --libs
 * rondo-tls) */
#include <rondo.h>
#ifdef FETCH_HTTPS
#include <rondo_tls.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 4, HOST_MAX = 255, STATUS_MAX = 60 };

/* setup is given the host: what has to lie under HTTP. */
struct scheme {
    const char *prefix, *port;
    int (*setup)(rondo_transport *t, void *host);
};

#ifdef FETCH_HTTPS

static rondo_tls_context *tls;

static int https_open(const char *ca_file)
{
    return rondo_tls_context_new(
        &tls, RONDO_TLS(.ca_file = ca_file, .alpn = "http/1.1"));
}

static void https_close(void)
{
    rondo_tls_context_free(tls);
}

/* A handshake with that host, a string, whose certificate is checked. */
static int https_setup(rondo_transport *t, void *host)
{
    return rondo_tls_start(t, tls, host, NULL, NULL);
}

#else

static int https_open(const char *ca_file)
{
    (void)ca_file;
    return rondo_set_error(
        RONDO_ENOTSUP,
        "https: not in this program, which was built without OpenSSL");
}

static void https_close(void)
{
}

static int https_setup(rondo_transport *t, void *host)
{
    (void)t, (void)host;
    return https_open(NULL);
}

#endif

static const struct scheme schemes[] = {{"http://", "80", NULL},
                                        {"https://", "443", https_setup}};
enum { SCHEMES = sizeof schemes / sizeof *schemes };

struct fetch {
    struct all *all;
    const struct scheme *scheme;
    const char *url, *path;
    char host[HOST_MAX + 1];
    uint16_t port;
    rondo_transport *t;
    rondo_id connecting;
    size_t bytes;
    char status[STATUS_MAX + 1]; /* the answer's first line */
};

struct all {
    rondo_loop *loop;
    struct fetch *fetch;
    size_t count, next, active, failed;
    bool starting;
    rondo_id deadline;
};

/* What is behind the scheme, or NULL: an unknown one. No scheme is the first. */
static const char *parse_scheme(struct fetch *f, const char *url)
{
    for (size_t i = 0; i < SCHEMES; i++) {
        size_t size = strlen(schemes[i].prefix);
        f->scheme = &schemes[i];
        if (strncmp(url, schemes[i].prefix, size) == 0)
            return url + size;
    }
    f->scheme = &schemes[0];
    return strstr(url, "://") ? NULL : url;
}

/* "http://host:port/path", of which the host alone must be there; a numeric
 * IPv6 host is in brackets. */
static bool parse_url(struct fetch *f, const char *url)
{
    const char *host = parse_scheme(f, url);
    if (!host)
        return false;
    bool bracket = *host == '[';
    host += bracket;
    size_t size = strcspn(host, bracket ? "]" : ":/");
    const char *rest = host + size + (bracket && host[size]);
    char digits[6];
    snprintf(digits, sizeof digits, "%s", f->scheme->port);
    if (*rest == ':') {
        size_t count = strcspn(++rest, "/");
        snprintf(digits, sizeof digits, "%.*s", (int)(count < 6 ? count : 0),
                 rest);
        rest += count;
    }
    char *end;
    long port = strtol(digits, &end, 10);
    if (size == 0 || size > HOST_MAX || end == digits || *end || port < 0 ||
        port > 65535 || (*rest && *rest != '/'))
        return false;
    memcpy(f->host, host, size);
    f->url = url;
    f->port = (uint16_t)port;
    f->path = *rest ? rest : "/";
    return true;
}

static void start_more(struct all *all);

static void ended(struct fetch *f, int error)
{
    if (error)
        printf("%s: %s\n", f->url, rondo_last_error());
    else
        printf("%s: %zu bytes, %.*s\n", f->url, f->bytes,
               (int)strcspn(f->status, "\r\n"), f->status);
    f->all->active--;
    f->all->failed += error != 0;
    start_more(f->all);
}

static void made(rondo_transport *t, void *self)
{
    struct fetch *f = self;
    bool bracket = strchr(f->host, ':');
    f->t = t;
    rondo_transport_printf(t,
                           "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\n"
                           "Connection: close\r\n\r\n",
                           f->path, bracket ? "[" : "", f->host,
                           bracket ? "]" : "", (unsigned)f->port);
}

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct fetch *f = self;
    (void)t;
    if (f->bytes < STATUS_MAX) {
        size_t room = STATUS_MAX - f->bytes;
        memcpy(f->status + f->bytes, data, size < room ? size : room);
    }
    f->bytes += size;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct fetch *f = self;
    (void)t;
    f->t = NULL;
    ended(f, error);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct fetch *f = arg;
    (void)loop, (void)t;
    f->connecting = 0;
    if (error)
        ended(f, error);
}

static const rondo_protocol http = {
    .connection_made = made,
    .data_received = received,
    .connection_lost = lost,
};

/* Name, race of addresses, connection, handshake: one operation, one id. */
static rondo_id begin(struct fetch *f)
{
    rondo_connect_options options = RONDO_CONNECT_OPTIONS_INIT;
    options.host = f->host;
    options.port = f->port;
    options.setup = f->scheme->setup;
    options.setup_arg = f->host;
    return rondo_create_connection(f->all->loop, &options, &http, f, connected,
                                   f);
}

/* Called again by ended for a fetch that fails at once: then the loop that is
 * running already goes on, instead of one inside the other. */
static void start_more(struct all *all)
{
    if (all->starting)
        return;
    all->starting = true;
    while (all->active < AT_ONCE && all->next < all->count) {
        struct fetch *f = &all->fetch[all->next++];
        all->active++;
        f->connecting = begin(f);
        if (f->connecting < 0)
            ended(f, (int)f->connecting);
    }
    all->starting = false;
    if (all->active == 0)
        rondo_cancel(all->loop, all->deadline);
}

/* A look-up, a race of addresses and a connection end at once alike. */
static void too_late(rondo_loop *loop, void *arg)
{
    struct all *all = arg;
    size_t begun = all->next;
    all->next = all->count;
    for (size_t i = begun; i < all->count; i++)
        printf("%s: not begun in time\n", all->fetch[i].url);
    all->failed += all->count - begun;
    for (size_t i = 0; i < begun; i++) {
        struct fetch *f = &all->fetch[i];
        if (f->t)
            rondo_transport_abort_with(f->t, RONDO_ETIMEDOUT);
        else if (f->connecting > 0)
            rondo_cancel(loop, f->connecting);
    }
}

static int run(struct all *all, const char *ca_file, int seconds)
{
    bool secure = false;
    for (size_t i = 0; i < all->count; i++)
        secure = secure || all->fetch[i].scheme->setup;
    if ((secure && https_open(ca_file) < 0) ||
        rondo_loop_new(&all->loop, NULL) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    all->deadline =
        rondo_call_later(all->loop, RONDO_SEC(seconds), too_late, all);
    start_more(all);
    rondo_loop_run(all->loop);
    rondo_loop_close(all->loop);
    https_close();
    return all->failed != 0;
}

int main(int argc, char **argv)
{
    struct all all = {0};
    const char *ca_file = NULL;
    int seconds = 10, first = 1, result = 2;
    for (; first + 1 < argc && strncmp(argv[first], "--", 2) == 0; first += 2)
        if (strcmp(argv[first], "--seconds") == 0)
            seconds = atoi(argv[first + 1]);
        else if (strcmp(argv[first], "--ca") == 0)
            ca_file = argv[first + 1];
        else
            break;
    all.count = (size_t)(argc - first);
    all.fetch = calloc(all.count ? all.count : 1, sizeof *all.fetch);
    if (!all.fetch)
        return 1;
    size_t good = 0;
    while (good < all.count &&
           parse_url(&all.fetch[good], argv[first + (int)good]))
        all.fetch[good++].all = &all;
    if (all.count && good == all.count)
        result = run(&all, ca_file, seconds);
    else
        fprintf(stderr, "usage: %s [--seconds N] [--ca FILE] URL...\n",
                argv[0]);
    free(all.fetch);
    return result;
}
