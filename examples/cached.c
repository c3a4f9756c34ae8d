/* cached.c - an HTTP/1.1 server that keeps the files of a folder in memory, and
 * forgets what changes: GET, keep-alive, pipelining. See also files.c. */
/* SPDX-License-Identifier: MIT */
/* Build: cc cached.c -o cached $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD_LIMIT = 8192,
    PATH_LIMIT = 1024,
    PAGES = 256, /* that are kept at most */
    LARGEST_KEPT = 1 << 20,
    PATIENCE_S = 30
};

/* A file in memory. Those who send it count. */
struct page {
    struct page *next;
    unsigned users;
    size_t size;
    char *bytes;
    char path[PATH_LIMIT];
};

/* A request whose file is being read. */
struct request {
    struct request *next, **link; /* of all that are under way */
    rondo_reader *reader;
    rondo_file *file;
    rondo_file_info info;
    size_t checked; /* of the path: no symbolic link leads on up to here */
    bool changed;   /* meanwhile: what was read is not kept */
    bool last;      /* the client asks for nothing more */
    struct page *page;
};

static const char *root;
static struct page *pages; /* the latest first */
static struct request *requests;
static bool watching;

/* ---- pages -------------------------------------------------------------- */

static void page_leave(void *arg)
{
    struct page *page = arg;
    if (--page->users)
        return;
    free(page->bytes);
    free(page);
}

/* Is it this path, or below it? */
static bool is_below(const char *path, const char *above)
{
    size_t size = strlen(above);
    return strncmp(path, above, size) == 0 &&
           (!path[size] || path[size] == '/');
}

/* NULL: all of them. */
static void forget(const char *path)
{
    for (struct request *r = requests; r; r = r->next)
        r->changed = r->changed || !path || is_below(r->page->path, path);
    for (struct page **link = &pages; *link;) {
        struct page *page = *link;
        if (path && !is_below(page->path, path)) {
            link = &page->next;
            continue;
        }
        *link = page->next;
        page_leave(page);
    }
}

static struct page *find(const char *path)
{
    for (struct page *page = pages; page; page = page->next)
        if (strcmp(page->path, path) == 0)
            return page;
    return NULL;
}

/* The oldest makes room for it. */
static void keep(struct page *page)
{
    unsigned count = 0;
    struct page **link = &pages;
    if (!watching || page->size > LARGEST_KEPT || find(page->path))
        return;
    page->users++;
    page->next = pages;
    pages = page;
    while (*link && count++ < PAGES)
        link = &(*link)->next;
    if (*link) {
        page_leave(*link);
        *link = NULL;
    }
}

/* What the watch tells. Of what was read before it had begun nothing is known.
 */
static void changed(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    (void)arg;
    if (e->what & RONDO_PATH_ENDED) { /* nothing in memory can be trusted */
        fprintf(stderr, "%s\n", rondo_last_error());
        rondo_loop_stop(loop);
    }
    watching = !(e->what & RONDO_PATH_ENDED);
    forget(e->what & (RONDO_PATH_BEGUN | RONDO_PATH_OVERFLOW | RONDO_PATH_ENDED)
               ? NULL
               : e->path);
    if (e->from)
        forget(e->from);
}

/* ---- answering ---------------------------------------------------------- */

static void read_next(rondo_reader *reader);

/* Whose request has been answered goes on, or leaves. */
static void answered(rondo_reader *reader, bool last)
{
    if (last || !rondo_reader_transport(reader))
        rondo_reader_free(reader); /* and closes it */
    else
        read_next(reader);
}

static void refuse(rondo_reader *reader, const char *status, bool last)
{
    rondo_transport *t = rondo_reader_transport(reader);
    if (t)
        rondo_transport_printf(t, "HTTP/1.1 %s\r\nContent-Length: 0\r\n%s\r\n",
                               status, last ? "Connection: close\r\n" : "");
    answered(reader, last);
}

/* From memory, without a copy. */
static void answer(rondo_reader *reader, struct page *page, bool hit, bool last)
{
    rondo_transport *t = rondo_reader_transport(reader);
    if (t) {
        rondo_transport_printf(t,
                               "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
                               "X-Cache: %s\r\n%s\r\n",
                               page->size, hit ? "hit" : "miss",
                               last ? "Connection: close\r\n" : "");
        page->users++;
        if (rondo_transport_write_owned(t, page->bytes, page->size, page_leave,
                                        page) < 0)
            page->users--; /* the caller's is left */
    }
    answered(reader, last);
}

/* ---- reading a file ----------------------------------------------------- */

static void closed(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop, (void)arg, (void)result;
}

/* status NULL: the page is read. */
static void finish(struct request *r, const char *status)
{
    struct page *page = r->page;
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    if (r->file)
        rondo_file_close(r->file, closed, NULL);
    if (!status && !r->changed)
        keep(page);
    if (status)
        refuse(r->reader, status, r->last);
    else
        answer(r->reader, page, false, r->last);
    page_leave(page);
    free(r);
}

static void came(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct request *r = arg;
    (void)loop;
    r->page->size = count; /* it may have become shorter */
    finish(r, error ? "500 Internal Server Error" : NULL);
}

static void examined(rondo_loop *loop, void *arg, int64_t result)
{
    struct request *r = arg;
    rondo_room room = {NULL, (size_t)r->info.bytes};
    (void)loop;
    if (result < 0 || r->info.type != RONDO_FILE_REGULAR) {
        finish(r, "404 Not Found");
        return;
    }
    room.data = r->page->bytes = malloc(room.size + 1);
    if (!room.data ||
        rondo_file_read(r->file, 0, &room, room.size != 0, came, r) < 0)
        finish(r, "503 Service Unavailable");
}

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct request *r = arg;
    (void)loop;
    r->file = file;
    r->info = (rondo_file_info)RONDO_FILE_INFO_INIT;
    if (error || rondo_file_stat(file, &r->info, examined, r) < 0)
        finish(r, "404 Not Found");
}

/* Behind a symbolic link the watch sees nothing: nobody is led there. */
static void check(rondo_loop *loop, void *arg, int64_t result)
{
    struct request *r = arg;
    char *slash = strchr(r->page->path + r->checked, '/');
    if (result < 0 || r->info.type == RONDO_FILE_SYMLINK) {
        finish(r, "404 Not Found");
        return;
    }
    rondo_id id;
    if (slash) {
        *slash = '\0'; /* the path is copied in the call */
        r->info = (rondo_file_info)RONDO_FILE_INFO_INIT;
        id = rondo_fs_lstat(loop, r->page->path, &r->info, check, r);
        *slash = '/';
        r->checked = (size_t)(slash - r->page->path) + 1;
    } else {
        id = rondo_file_open(loop, r->page->path,
                             RONDO_FILE_READ | RONDO_FILE_NO_FOLLOW, 0, opened,
                             r);
    }
    if (id < 0)
        finish(r, "503 Service Unavailable");
}

static void load(rondo_reader *reader, const char *path, bool last)
{
    struct request *r = calloc(1, sizeof *r);
    struct page *page = r ? calloc(1, sizeof *page) : NULL;
    if (!page) {
        free(r);
        refuse(reader, "503 Service Unavailable", last);
        return;
    }
    snprintf(page->path, sizeof page->path, "%s", path);
    page->users = 1;
    r->page = page;
    r->reader = reader;
    r->last = last;
    r->checked = strlen(root) + 1;
    r->next = requests;
    r->link = &requests;
    if (r->next)
        r->next->link = &r->next;
    requests = r;
    check(rondo_reader_loop(reader), r, 0);
}

/* ---- understanding ------------------------------------------------------ */

/* The path of a target, below the root. false: it is none, or leads out. */
static bool find_path(const char *target, char *path)
{
    size_t used = (size_t)snprintf(path, PATH_LIMIT, "%s", root), start = used;
    if (*target != '/' || used + 16 >= PATH_LIMIT)
        return false;
    for (; *target && *target != '?' && used + 16 < PATH_LIMIT; target++) {
        unsigned byte = (unsigned char)*target;
        if (byte == '%') {
            if (!isxdigit((unsigned char)target[1]) ||
                sscanf(target, "%%%2x", &byte) != 1 ||
                !isxdigit((unsigned char)target[2]))
                return false;
            target += 2;
        }
        if (byte < ' ' || byte == '\\' || byte == ':')
            return false;
        if (byte != '/' || path[used - 1] != '/') /* one is enough */
            path[used++] = (char)byte;
    }
    path[used] = 0;
    if (*target && *target != '?')
        return false;
    if (path[used - 1] == '/')
        snprintf(path + used, PATH_LIMIT - used, "index.html");
    return !strstr(path + start, "/.");
}

static bool asks_to_close(const char *head)
{
    static const char word[] = "\r\nconnection: close\r\n";
    for (; *head; head++) {
        size_t i = 0;
        while (word[i] && tolower((unsigned char)head[i]) == word[i])
            i++;
        if (!word[i])
            return true;
    }
    return false;
}

static void requested(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    char head[HEAD_LIMIT + 8] = "", method[8], target[PATH_LIMIT], minor = 0;
    char path[PATH_LIMIT];
    (void)arg;
    if (error && error != RONDO_ETOOMUCH) { /* the end, or it is lost */
        rondo_reader_free(reader);
        return;
    }
    if (!error)
        memcpy(head, data, size);
    bool last = true, get = false;
    if (sscanf(head, "%7s %1023s HTTP/1.%c", method, target, &minor) == 3) {
        get = strcmp(method, "GET") == 0;
        last = !get || minor == '0' || asks_to_close(head);
    }
    if (!get)
        refuse(reader, minor ? "405 Method Not Allowed" : "400 Bad Request",
               true);
    else if (!find_path(target, path))
        refuse(reader, "404 Not Found", last);
    else if (find(path))
        answer(reader, find(path), true, last);
    else
        load(reader, path, last);
}

static void read_next(rondo_reader *reader)
{
    if (rondo_read_until(reader, "\r\n\r\n", 4, requested, NULL) < 0)
        rondo_reader_free(reader);
}

static void welcome(rondo_reader *reader, void *arg)
{
    (void)arg;
    rondo_transport_set_timeouts(rondo_reader_transport(reader),
                                 RONDO_SEC(PATIENCE_S), RONDO_SEC(PATIENCE_S));
    rondo_reader_set_drain(reader, true); /* who reads nothing has to wait */
    read_next(reader);
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
    for (size_t n = strlen(root); n > 1 && root[n - 1] == '/'; n--)
        argv[2][n - 1] = '\0';
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_start_server(loop, RONDO_SERVE(.host = "127.0.0.1", .port = port),
                           HEAD_LIMIT, welcome, NULL, &server) < 0)
        return failed(loop);
    rondo_id watch = rondo_watch_path(loop, root, RONDO_PATH(.recursive = true),
                                      changed, NULL);
    if (watch < 0)
        return failed(loop);
    rondo_set_background(loop, watch, true);
    int result = serve(loop, server);
    forget(NULL);
    return result;
}
