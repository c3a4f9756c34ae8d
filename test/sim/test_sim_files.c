/* test_sim_files.c - the file system of a simulated host, and its crashes. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

/* ---- Rondo's calls, one after the other ---- */

struct disk {
    rondo_loop *loop;
    unsigned starts;
    int64_t results[16];
    char text[64];
    bool waits;
};

struct told {
    bool done;
    int64_t result;
    rondo_file *file;
};

static void told(rondo_loop *loop, void *arg, int64_t result)
{
    struct told *t = arg;
    (void)loop;
    t->done = true;
    t->result = result;
}

static void opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct told *t = arg;
    (void)loop;
    t->done = true;
    t->file = file;
    t->result = error;
}

static void moved(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct told *t = arg;
    (void)loop;
    t->done = true;
    t->result = error ? error : (int64_t)count;
}

static int64_t wait_for(struct disk *d, struct told *t, rondo_id id)
{
    if (id < 0)
        return id;
    while (!t->done)
        sim_test_must(rondo_loop_run_once(d->loop, RONDO_NEVER));
    return t->result;
}

static rondo_file *open_file(struct disk *d, const char *path, unsigned flags)
{
    struct told t = {0};
    d->results[15] =
        wait_for(d, &t, rondo_file_open(d->loop, path, flags, 0, opened, &t));
    return t.file;
}

static int64_t put(struct disk *d, rondo_file *f, const char *text)
{
    struct told t = {0};
    rondo_buffer b = {text, strlen(text)};
    return wait_for(d, &t, rondo_file_write(f, 0, &b, 1, moved, &t));
}

static int64_t get(struct disk *d, rondo_file *f)
{
    struct told t = {0};
    rondo_room room = {d->text, sizeof d->text - 1};
    memset(d->text, 0, sizeof d->text);
    return wait_for(d, &t, rondo_file_read(f, 0, &room, 1, moved, &t));
}

static int64_t sync_file(struct disk *d, rondo_file *f)
{
    struct told t = {0};
    return wait_for(d, &t, rondo_file_sync(f, false, told, &t));
}

static void close_file(struct disk *d, rondo_file *f)
{
    struct told t = {0};
    (void)wait_for(d, &t, rondo_file_close(f, told, &t));
}

static int64_t sync_folder(struct disk *d, const char *path)
{
    rondo_file *f =
        open_file(d, path, RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY);
    if (!f)
        return d->results[15];
    int64_t result = sync_file(d, f);
    close_file(d, f);
    return result;
}

enum { NEW = RONDO_FILE_READ | RONDO_FILE_WRITE | RONDO_FILE_CREATE };

static void run_disk(struct disk *d, void (*run)(struct disk *d))
{
    d->starts++;
    sim_test_must(rondo_loop_new(&d->loop, NULL));
    run(d);
    sim_test_must(rondo_loop_close(d->loop));
}

/* ---- a crash ---- */

/* Four files: nothing is synced, the bytes, the name, both. At the second start
 * it looks what is left. */
static void make_or_look(struct disk *d)
{
    static const char *const names[] = {"/tmp/a", "/tmp/b", "/tmp/c", "/tmp/d"};
    rondo_file *f[4];
    if (d->starts == 2) {
        for (int i = 0; i < 4; i++) {
            f[i] = open_file(d, names[i], RONDO_FILE_READ);
            d->results[i] = f[i] ? get(d, f[i]) : d->results[15];
        }
        return;
    }
    for (int i = 2; i < 4; i++) {
        f[i] = open_file(d, names[i], NEW);
        assert_int_equal(put(d, f[i], "old"), 3);
    }
    assert_int_equal(sync_folder(d, "/tmp"), 0);
    for (int i = 0; i < 2; i++) {
        f[i] = open_file(d, names[i], NEW);
        assert_int_equal(put(d, f[i], "new"), 3);
    }
    assert_int_equal(sync_file(d, f[1]), 0);
    assert_int_equal(sync_file(d, f[3]), 0);
    assert_int_equal(put(d, f[3], "later"), 5);
    d->waits = true;
    (void)rondo_sim_sleep(RONDO_SEC(100));
}

static void crash_main(void *arg)
{
    run_disk(arg, make_or_look);
}

static bool it_waits(void *arg)
{
    return ((struct disk *)arg)->waits;
}

static void try_stop(int (*stop)(int host), const int64_t *wanted)
{
    struct disk d = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    int host = rondo_sim_add_host("host", NULL, crash_main, &d);
    assert_int_equal(rondo_sim_run_until(it_waits, &d, RONDO_SEC(10)), 0);
    sim_test_must(stop(host));
    sim_test_must(rondo_sim_restart(host));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(10)), RONDO_SIM_QUIET);
    for (int i = 0; i < 4; i++)
        assert_int_equal(d.results[i], wanted[i]);
}

TEST(a_crash_leaves_what_was_synced)
{
    static const int64_t wanted[] = {RONDO_ENOENT, RONDO_ENOENT, 0, 3};
    try_stop(rondo_sim_crash, wanted);
}

TEST(a_killed_process_leaves_all)
{
    static const int64_t wanted[] = {3, 3, 3, 5};
    try_stop(rondo_sim_kill, wanted);
}

/* ---- the disk's faults ---- */

static void fill_disk(struct disk *d)
{
    rondo_file *f = open_file(d, "/tmp/a", NEW);
    d->results[0] = put(d, f, "0123456789abcdef");
    d->results[1] = get(d, f);
    struct told t = {0};
    d->results[2] =
        wait_for(d, &t, rondo_fs_unlink(d->loop, "/tmp/a", told, &t));
    close_file(d, f);
    f = open_file(d, "/tmp/b", NEW);
    d->results[3] = put(d, f, "0123456789");
    close_file(d, f);
}

static void fill_main(void *arg)
{
    run_disk(arg, fill_disk);
}

static void play(struct disk *d, const rondo_sim_options *o, int64_t bytes,
                 rondo_sim_main run)
{
    sim_test_must(rondo_sim_begin(o));
    int host = rondo_sim_add_host("host", NULL, run, d);
    if (bytes)
        sim_test_must(rondo_sim_set_disk(host, bytes));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(1000)), RONDO_SIM_QUIET);
    assert_int_equal(rondo_sim_count_descriptors(host), 0);
}

TEST(a_full_disk_and_room_again)
{
    struct disk d = {0};
    play(&d, WORLD(), 10, fill_main);
    assert_int_equal(d.results[0], RONDO_ENOSPC);
    assert_int_equal(d.results[1], 10); /* what had room */
    assert_string_equal(d.text, "0123456789");
    assert_int_equal(d.results[2], 0);
    assert_int_equal(d.results[3], 10);
}

static void once(struct disk *d)
{
    rondo_file *f = open_file(d, "/tmp/a", NEW);
    d->results[0] = d->results[15];
    if (f)
        d->results[1] = put(d, f, "text");
}

static void once_main(void *arg)
{
    run_disk(arg, once);
}

TEST(faults_of_the_disk)
{
    struct disk d = {0};
    play(&d, WORLD(.faults = {.disk_error = 1}), 0, once_main);
    assert_int_equal(d.results[0], RONDO_EIO);
    (void)rondo_sim_end();
    play(&d, WORLD(.faults = {.disk_full = 1}), 0, once_main);
    assert_int_equal(d.results[0], RONDO_ENOSPC);
    (void)rondo_sim_end();
    play(&d, WORLD(.seed = 3), 0, once_main);
    assert_int_equal(d.results[1], 4);
    assert_true(rondo_sim_now() == 0);
    (void)rondo_sim_end();
    play(&d, WORLD(.seed = 3, .faults = {.slow_disk = 1}), 0, once_main);
    assert_int_equal(d.results[1], 4);
    assert_true(rondo_sim_now() > RONDO_MS(1));
}

/* What a loop's calls on files come to under faults: all bytes, or an error. */
static void under_faults(struct disk *d)
{
    rondo_file *f = open_file(d, "/tmp/a", NEW);
    if (!f)
        return;
    d->results[0] = put(d, f, "a text of some length");
    d->results[1] = get(d, f);
}

static void faulty_main(void *arg)
{
    run_disk(arg, under_faults);
}

TEST(a_write_is_whole_or_has_an_error)
{
    unsigned whole = 0, failed = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct disk d = {0};
        play(&d,
             WORLD(.seed = seed, .faults = {.short_read = 0.5,
                                            .short_write = 0.5,
                                            .disk_error = 0.05,
                                            .disk_full = 0.05,
                                            .slow_disk = 0.3}),
             0, faulty_main);
        if (d.results[0] == 21 && d.results[1] == 21) {
            assert_string_equal(d.text, "a text of some length");
            whole++;
        } else {
            failed++;
        }
        (void)rondo_sim_end();
    }
    assert_true(whole && failed);
}

static void listed(rondo_loop *loop, void *arg, const rondo_dir_entry *entries,
                   size_t count, int error)
{
    (void)entries;
    moved(loop, arg, count, error);
}

static void list_under_faults(struct disk *d)
{
    char path[] = "/tmp/folder/0";
    struct told t = {0};
    while (rondo_sim_make_directory("/tmp/folder") == RONDO_EIO)
        ; /* a fault; the next one is another */
    for (; d->results[0] < 9; path[12]++)
        if (open_file(d, path, NEW))
            d->results[0]++;
    rondo_file *f =
        open_file(d, "/tmp/folder", RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY);
    d->results[1] = f ? wait_for(d, &t, rondo_file_list(f, 0, 0, listed, &t))
                      : d->results[15];
}

static void list_main(void *arg)
{
    run_disk(arg, list_under_faults);
}

TEST(a_list_is_whole_or_has_an_error)
{
    unsigned whole = 0, failed = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct disk d = {0};
        play(&d, WORLD(.seed = seed, .faults = {.disk_error = 0.05}), 0,
             list_main);
        whole += d.results[1] == 9;
        failed += d.results[1] == RONDO_EIO;
        (void)rondo_sim_end();
    }
    assert_true(whole && failed);
    assert_int_equal(whole + failed, 40);
}

TEST(sizes_of_disks)
{
    assert_refused(rondo_sim_set_disk(0, 10), RONDO_EINVAL, "no host");
    sim_test_must(rondo_sim_begin(WORLD()));
    assert_refused(rondo_sim_set_disk(0, 10), RONDO_ENONAME, "no host");
    sim_test_must(rondo_sim_add_host("host", NULL, NULL, NULL));
    assert_refused(rondo_sim_set_disk(0, 0), RONDO_EINVAL, "0 bytes");
}
