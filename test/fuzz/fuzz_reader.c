/* fuzz_reader.c - any reads of any bytes in any pieces, against what was
 * sent. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT = 64, SENT_MOST = 4096, SEPARATOR_MOST = 5 };
enum way { UNTIL, EXACTLY, SOME, WAYS };

struct play {
    rondo_loop *loop;
    rondo_reader *reader;
    int fd; /* the peer's side; -1: closed */
    uint8_t sent[SENT_MOST];
    size_t size, taken;
    enum way way;
    bool reads, ended; /* a read is under way; there will be no more */
    uint8_t separator[SEPARATOR_MOST];
    size_t wanted; /* size of the separator, or of the data */
};

/* Where the separator first ends in what was not taken yet; 0: nowhere. */
static size_t find(const struct play *p)
{
    for (size_t i = p->taken; i + p->wanted <= p->size; i++)
        if (memcmp(p->sent + i, p->separator, p->wanted) == 0)
            return i + p->wanted - p->taken;
    return 0;
}

static void check_data(const struct play *p, size_t size)
{
    switch (p->way) {
    case UNTIL:
        CHECK(size == find(p));
        CHECK(size - p->wanted <= LIMIT);
        break;
    case EXACTLY:
        CHECK(size == p->wanted);
        break;
    default:
        CHECK(size > 0);
        break;
    }
}

static void done(rondo_reader *reader, void *arg, const void *data, size_t size,
                 int error)
{
    struct play *p = arg;
    CHECK(p->reads && reader == p->reader);
    p->reads = false;
    CHECK(size <= p->size - p->taken);
    CHECK(size == 0 || memcmp(data, p->sent + p->taken, size) == 0);
    if (error == 0) {
        check_data(p, size);
    } else if (error == RONDO_ETOOMUCH) {
        CHECK(p->way == UNTIL && size == 0);
        size_t end = find(p);
        CHECK(end ? end - p->wanted > LIMIT : p->size - p->taken > LIMIT);
    } else {
        CHECK(error == RONDO_EOF && p->fd < 0);
        CHECK(size == p->size - p->taken);
        CHECK(p->way != UNTIL || !find(p));
        p->ended = true;
    }
    p->taken += size;
}

static void begin_read(struct play *p, struct input *in)
{
    int error;
    enum way way = (enum way)(input_byte(in) % WAYS);
    uint8_t separator[SEPARATOR_MOST];
    size_t wanted = way == UNTIL ? input_number(in, SEPARATOR_MOST)
                                 : input_number(in, LIMIT + 1);
    for (size_t i = 0; i < sizeof separator; i++)
        separator[i] = (uint8_t)('a' + input_byte(in) % 2);
    if (way == UNTIL)
        error = rondo_read_until(p->reader, separator, wanted, done, p);
    else if (way == EXACTLY)
        error = rondo_read_exactly(p->reader, wanted, done, p);
    else
        error = rondo_read_some(p->reader, done, p);
    if (p->reads || error) {
        CHECK(p->reads       ? error < 0
              : way == UNTIL ? error == RONDO_EINVAL && !wanted
                             : error == RONDO_ETOOMUCH && wanted > LIMIT);
        return;
    }
    p->reads = true;
    p->way = way;
    p->wanted = wanted;
    memcpy(p->separator, separator, sizeof separator);
}

/* Few different letters, so that separators begin everywhere. */
static void send_some(struct play *p, struct input *in)
{
    size_t room = SENT_MOST - p->size, size = input_number(in, 99);
    size = size < room ? size : room;
    for (size_t i = 0; i < size; i++)
        p->sent[p->size + i] = (uint8_t)('a' + input_byte(in) % 2);
    if (p->fd < 0 || !size)
        return;
    ssize_t count = send(p->fd, p->sent + p->size, size, MSG_NOSIGNAL);
    if (count > 0)
        p->size += (size_t)count;
}

static void hang_up(struct play *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

static void turn(struct play *p)
{
    CHECK(rondo_loop_run_once(p->loop, 0) >= 0);
}

static void play(struct play *p, struct input *in)
{
    while (in->size && !p->ended) {
        switch (input_byte(in) % 8) {
        case 0:
        case 1:
        case 2:
            send_some(p, in);
            break;
        case 3:
        case 4:
            begin_read(p, in);
            break;
        case 5:
            if (input_byte(in) % 16 == 0)
                hang_up(p);
            break;
        default:
            turn(p);
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static rondo_loop *loop;
    struct input in = {bytes, size};
    struct play p = {.fd = -1};
    int fds[2];
    if (!loop)
        CHECK(rondo_loop_new(&loop, NULL) == 0);
    p.loop = loop;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    p.fd = fds[0];
    CHECK(rondo_reader_new(loop, LIMIT, NULL, NULL, &p.reader) == 0);
    CHECK(rondo_connect_accepted_socket(loop, fds[1], rondo_reader_protocol(),
                                        p.reader, NULL) == 0);
    turn(&p);
    play(&p, &in);
    hang_up(&p);
    for (int i = 0; i < 10 && p.reads; i++)
        turn(&p);
    CHECK(!p.reads);
    rondo_reader_free(p.reader);
    CHECK(rondo_loop_run(loop) == 0);
    return 0;
}
