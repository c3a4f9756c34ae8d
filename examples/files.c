/* files.c - an HTTP/1.1 server of the files below a folder: GET and HEAD,
 * keep-alive, pipelining, one range. An example, not an HTTP library. */
/* SPDX-License-Identifier: MIT */
/* Build: cc files.c -o files $(pkg-config --cflags --libs rondo) */
#define _POSIX_C_SOURCE 200809L /* open, fstat */
#include <rondo.h>

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

enum { HEAD_LIMIT = 8192, PATH_LIMIT = 1024, PATIENCE_S = 30 };

struct client {
    rondo_transport *t;
    size_t used;
    bool head_only, last, sending;
    int64_t left; /* of the file, to be sent */
    rondo_fd file;
    char bytes[HEAD_LIMIT + 1]; /* requests, the first one not yet answered */
};

static const char *root;

/* ---- files: each system opens them its own way --------------------------- */

#ifdef _WIN32

/* A regular file's descriptor and size; RONDO_NO_FD: there is none to be read. */
static rondo_fd files_open(const char *path, int64_t *size)
{
    wchar_t wide[1024];
    LARGE_INTEGER bytes;
    if (!MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide,
                             1024))
        return RONDO_NO_FD;
    HANDLE file =
        CreateFileW(wide, GENERIC_READ,
                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return RONDO_NO_FD;
    if (GetFileType(file) != FILE_TYPE_DISK || !GetFileSizeEx(file, &bytes)) {
        CloseHandle(file);
        return RONDO_NO_FD;
    }
    *size = bytes.QuadPart;
    return (rondo_fd)file;
}

static void files_close(rondo_fd file)
{
    CloseHandle((HANDLE)file);
}

#else

static rondo_fd files_open(const char *path, int64_t *size)
{
    struct stat status;
    /* a FIFO must not keep everybody waiting */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return RONDO_NO_FD;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        return RONDO_NO_FD;
    }
    *size = (int64_t)status.st_size;
    return file;
}

static void files_close(rondo_fd file)
{
    close((int)file);
}

#endif

/* ---- answering ---------------------------------------------------------- */

static void next(struct client *c);

static void sent(rondo_loop *loop, void *arg, int64_t result)
{
    struct client *c = arg;
    (void)loop;
    files_close(c->file);
    c->sending = false;
    if (result != c->left) /* cut short, and the peer must not think it whole */
        rondo_transport_abort(c->t);
    else if (c->last)
        rondo_transport_close(c->t);
    else
        next(c);
}

/* A client that sends a body, or asks for what cannot be answered in order, is
 * not listened to any more. */
static void refuse(struct client *c, const char *status)
{
    rondo_transport_printf(c->t,
                           "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
                           "Content-Length: %u\r\n%s\r\n%s",
                           status, (unsigned)strlen(status) + 1,
                           c->last ? "Connection: close\r\n" : "",
                           c->head_only ? "" : status);
    if (!c->head_only)
        rondo_transport_write(c->t, "\n", 1);
    if (c->last)
        rondo_transport_close(c->t);
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"}};
    const char *end = strrchr(path, '.');
    for (size_t i = 0; end && i < sizeof types / sizeof *types; i++)
        if (strcmp(end, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* "bytes=5-", "bytes=5-9" or "bytes=-3", of size bytes. false: no such part.
 * What is not understood is all of them, as RFC 9110 wants it. */
static bool find_range(const char *range, int64_t size, int64_t *from,
                       int64_t *count)
{
    char *end;
    *from = 0;
    *count = size;
    if (!range || strncmp(range, "bytes=", 6) != 0)
        return true;
    const char *first = range + 6;
    bool suffix = *first == '-';
    if (!isdigit((unsigned char)first[suffix]))
        return true;
    int64_t a = strtoll(first + suffix, &end, 10), b = size - 1;
    if (suffix)
        a = a < size ? size - a : 0;
    else if (*end == '-' && isdigit((unsigned char)end[1]))
        b = strtoll(end + 1, &end, 10);
    else if (*end == '-')
        end++;
    if (*end && *end != '\r')
        return true; /* several of them, or nonsense */
    if (a >= size || b < a)
        return false;
    *from = a;
    *count = (b < size ? b + 1 : size) - a;
    return true;
}

static void answer(struct client *c, const char *path, const char *range)
{
    int64_t size, from, count;
    char part[96] = "";
    c->file = files_open(path, &size);
    if (c->file == RONDO_NO_FD) {
        refuse(c, "404 Not Found");
        return;
    }
    if (!find_range(range, size, &from, &count)) {
        files_close(c->file);
        refuse(c, "416 Range Not Satisfiable");
        return;
    }
    bool whole = count == size;
    if (!whole)
        snprintf(part, sizeof part, "Content-Range: bytes %lld-%lld/%lld\r\n",
                 (long long)from, (long long)(from + count - 1),
                 (long long)size);
    rondo_transport_printf(
        c->t,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n"
        "Accept-Ranges: bytes\r\n%s%s\r\n",
        whole ? "200 OK" : "206 Partial Content", type_of(path),
        (long long)count, part, c->last ? "Connection: close\r\n" : "");
    c->left = c->head_only ? 0 : count;
    /* nothing of nothing is told in order, too */
    c->sending =
        rondo_transport_sendfile(c->t, c->file, from, c->left, sent, c) > 0;
    if (!c->sending) {
        files_close(c->file);
        rondo_transport_abort(c->t);
    }
}

/* ---- understanding ------------------------------------------------------ */

/* The path of a target, below the root. false: it is none, or leads out. */
static bool find_path(const char *target, char *path, size_t room)
{
    size_t used = (size_t)snprintf(path, room, "%s", root), start = used;
    if (*target != '/' || used + 16 >= room)
        return false;
    for (; *target && *target != '?' && used + 16 < room; target++) {
        unsigned byte = (unsigned char)*target;
        if (byte == '%') {
            if (sscanf(target, "%%%2x", &byte) != 1 ||
                !isxdigit((unsigned char)target[1]) ||
                !isxdigit((unsigned char)target[2]))
                return false;
            target += 2;
        }
        /* what other systems take for a way out is none of ours either */
        if (byte < ' ' || byte == '\\' || byte == ':')
            return false;
        path[used++] = (char)byte;
    }
    path[used] = 0;
    if (*target && *target != '?')
        return false;
    if (path[used - 1] == '/')
        snprintf(path + used, room - used, "index.html");
    return !strstr(path + start, "/.");
}

static bool same_word(const char *a, const char *b)
{
    for (; *b; a++, b++)
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
    return true;
}

/* A header's value, to the end of its line and beyond; NULL: there is none. */
static const char *find_header(const char *head, const char *name)
{
    for (const char *line = strstr(head, "\r\n"); line[2];
         line = strstr(line + 2, "\r\n")) {
        if (!same_word(line + 2, name))
            continue;
        const char *value = line + 2 + strlen(name);
        while (*value == ' ' || *value == '\t')
            value++;
        return value;
    }
    return NULL;
}

static void request(struct client *c, char *head)
{
    char path[PATH_LIMIT], method[16], target[PATH_LIMIT], minor = 0;
    const char *connection = find_header(head, "connection:");
    c->head_only = false;
    c->last = true;
    if (sscanf(head, "%15s %1023s HTTP/1.%c", method, target, &minor) != 3) {
        refuse(c, "400 Bad Request");
        return;
    }
    c->head_only = strcmp(method, "HEAD") == 0;
    if (find_header(head, "content-length:") ||
        find_header(head, "transfer-encoding:"))
        refuse(c, "413 Content Too Large");
    else if (!c->head_only && strcmp(method, "GET") != 0)
        refuse(c, "405 Method Not Allowed");
    else {
        c->last =
            minor == '0' || (connection && same_word(connection, "close"));
        if (find_path(target, path, sizeof path))
            answer(c, path, find_header(head, "range:"));
        else
            refuse(c, "404 Not Found");
    }
}

/* Answers what there is, one after another. */
static void next(struct client *c)
{
    char *end;
    while (!c->sending && !rondo_transport_is_closing(c->t) &&
           (end = strstr(c->bytes, "\r\n\r\n"))) {
        char head[HEAD_LIMIT + 1];
        size_t size = (size_t)(end - c->bytes) + 4;
        memcpy(head, c->bytes, size - 2);
        head[size - 2] = 0;
        c->used -= size;
        memmove(c->bytes, end + 4, c->used + 1);
        request(c, head);
    }
    if (!c->sending && c->used == HEAD_LIMIT &&
        !rondo_transport_is_closing(c->t)) {
        c->last = true;
        refuse(c, "431 Request Header Fields Too Large");
    }
    /* who asks for more than can be kept waits for the answers */
    if (c->used < HEAD_LIMIT)
        rondo_transport_resume_reading(c->t);
}

/* ---- the connection ----------------------------------------------------- */

static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    size_t room = HEAD_LIMIT - c->used, taken = size < room ? size : room;
    memcpy(c->bytes + c->used, data, taken);
    c->used += taken;
    c->bytes[c->used] = 0;
    if (taken < size) {
        rondo_transport_unread(t, (const char *)data + taken, size - taken);
        rondo_transport_pause_reading(t);
    }
    if (memchr(data, 0, taken)) /* nothing that text has */
        rondo_transport_abort(t);
    else
        next(c);
}

static bool eof_received(rondo_transport *t, void *self)
{
    const struct client *c = self;
    (void)t;
    return c->sending; /* it may still want its answer */
}

static void connection_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    free(self);
}

static const rondo_protocol protocol = {
    .data_received = received,
    .eof_received = eof_received,
    .connection_lost = connection_lost,
};

static int make_client(rondo_server *server, void *arg, rondo_transport *t,
                       const rondo_protocol **p, void **self)
{
    struct client *c = calloc(1, sizeof *c);
    (void)server;
    (void)arg;
    (void)p;
    if (!c)
        return RONDO_ENOMEM;
    c->t = t;
    *self = c;
    return rondo_transport_set_timeouts(t, RONDO_SEC(PATIENCE_S),
                                        RONDO_SEC(PATIENCE_S));
}

static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    (void)signum, (void)arg;
    rondo_loop_stop(loop);
}

static int failed(rondo_loop *loop)
{
    fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(loop);
    return 1;
}

/* Until Ctrl-C. Whoever reads that it listens may press that at once. */
static int serve(rondo_loop *loop, rondo_server *server)
{
    rondo_address address;
    char text[RONDO_ADDRESS_TEXT];
    if (rondo_add_signal_handler(loop, SIGINT, interrupted, NULL) < 0)
        return failed(loop);
    for (size_t i = 0; rondo_server_address(server, i, &address) == 0; i++)
        if (rondo_address_text(&address, text, sizeof text) > 0)
            printf("listening on %s\n", text);
    fflush(stdout);
    if (rondo_loop_run(loop) < 0)
        return failed(loop);
    rondo_loop_close(loop);
    return 0;
}

int main(int argc, char **argv)
{
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 8000);
    rondo_loop *loop = NULL;
    rondo_server *server;
    root = argc > 2 ? argv[2] : ".";
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = port,
                                        .protocol_factory = make_client),
                            &protocol, NULL, &server) < 0)
        return failed(loop);
    return serve(loop, server);
}
