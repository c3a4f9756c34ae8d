/* files.c - reads of 4 KiB from the page cache: CPU time of all threads. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <fcntl.h>
#include <rondo.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 4096, PIECES = 1024, READS = 20000, MOST = 64 };

static const char path[] = "bench_files.tmp";
static char memory[MOST][SIZE];

static void make_file(void)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    memset(memory[0], 'x', SIZE);
    for (int i = 0; i < PIECES; i++) {
        if (fd < 0 || write(fd, memory[0], SIZE) != SIZE) {
            measure_die(path);
        }
    }
    close(fd);
}

/* ---- by hand, on the one thread that there is ---- */

static double by_hand(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t before = measure_process_ns();
    for (int i = 0; i < READS; i++) {
        if (pread(fd, memory[0], SIZE, (off_t)SIZE * (i % PIECES)) != SIZE) {
            measure_die("pread");
        }
    }
    int64_t after = measure_process_ns();
    close(fd);
    return (double)(after - before) / READS;
}

/* ---- Rondo, with so many reads under way ---- */

static rondo_loop *loop;
static rondo_file *file;
static int begun, done;

static void has_read(rondo_loop *from, void *arg, size_t count, int error);

static void read_next(char *to)
{
    rondo_room room = {to, SIZE};
    int64_t position = (int64_t)SIZE * (begun++ % PIECES);
    if (rondo_file_read(file, position, &room, 1, has_read, to) < 0) {
        measure_die("rondo_file_read");
    }
}

static void has_read(rondo_loop *from, void *arg, size_t count, int error)
{
    (void)from;
    if (error || count != SIZE) {
        measure_die("rondo_file_read");
    }
    done++;
    if (begun < READS) {
        read_next(arg);
    }
}

static void opened(rondo_loop *from, void *arg, rondo_file *f, int error)
{
    (void)from;
    (void)arg;
    if (error) {
        measure_die("rondo_file_open");
    }
    file = f;
}

static double by_rondo(int under_way)
{
    begun = done = 0;
    int64_t before = measure_process_ns();
    for (int i = 0; i < under_way; i++) {
        read_next(memory[i]);
    }
    if (rondo_loop_run(loop) < 0 || done != READS) {
        measure_die("rondo_loop_run");
    }
    return (double)(measure_process_ns() - before) / READS;
}

int main(int argc, char **argv)
{
    struct figure raw, one, many;
    measure_options(argc, argv);
    make_file();
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_file_open(loop, path, RONDO_FILE_READ, 0, opened, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        measure_die("rondo_file_open");
    }
    for (int i = 0; i < rounds; i++) {
        raw.ns[i] = by_hand();
        one.ns[i] = by_rondo(1);
        many.ns[i] = by_rondo(MOST);
    }
    if (rondo_loop_close(loop) < 0) {
        measure_die("rondo_loop_close");
    }
    (void)unlink(path);
    measure_print("raw", "read_1", &raw);
    measure_print("rondo", "read_1", &one);
    measure_print("rondo", "read_64", &many);
    return 0;
}
