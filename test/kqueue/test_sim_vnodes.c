/* test_sim_vnodes.c - files and directories in the kqueue for tests. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], file[96], other[96];
static int folder_fd, file_fd;

static const uint32_t all = NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND |
                            NOTE_ATTRIB | NOTE_LINK | NOTE_RENAME | NOTE_REVOKE;

static void make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
}

static int watch(int fd, uint32_t notes)
{
    struct kevent e;

    EV_SET(&e, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, notes, 0, NULL);
    return kevent(kq, &e, 1, NULL, 0, NULL) < 0 ? errno : 0;
}

/* What is told of a descriptor; 0: nothing. */
static uint32_t notes_of(int fd)
{
    int count = look();

    for (int i = 0; i < count; i++)
        if (got[i].filter == EVFILT_VNODE && (int)got[i].ident == fd)
            return got[i].fflags;
    return 0;
}

static int begin(void **state)
{
    (void)snprintf(folder, sizeof folder, "/tmp/rondo-sim-XXXXXX");
    if (sim_setup(state) || !mkdtemp(folder))
        return -1;
    (void)snprintf(file, sizeof file, "%s/file", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    make(file);
    folder_fd = open(folder, O_RDONLY | O_CLOEXEC);
    file_fd = open(file, O_RDONLY | O_CLOEXEC);
    return watch(folder_fd, all) || watch(file_fd, all);
}

static int end(void **state)
{
    (void)close(folder_fd);
    (void)close(file_fd);
    (void)unlink(file);
    (void)unlink(other);
    (void)rmdir(folder);
    return sim_teardown(state);
}

static void names_are_writes_to_the_directory(void **state)
{
    char sub[96];

    (void)state;
    (void)snprintf(sub, sizeof sub, "%s/sub", folder);
    assert_int_equal(look(), 0);
    make(other);
    assert_int_equal(notes_of(folder_fd), NOTE_WRITE);
    assert_int_equal(look(), 0); /* EV_CLEAR */
    assert_int_equal(mkdir(sub, 0700), 0);
    assert_int_equal(notes_of(folder_fd), NOTE_WRITE | NOTE_LINK);
    assert_int_equal(rmdir(sub), 0);
    assert_int_equal(notes_of(folder_fd), NOTE_WRITE | NOTE_LINK);
}

static void a_file_that_is_written_to(void **state)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(write(fd, "x", 1), 1);
    (void)close(fd);
    assert_true(notes_of(file_fd) & NOTE_WRITE);
    assert_int_equal(notes_of(folder_fd), 0);
    assert_int_equal(chmod(file, 0400), 0);
    assert_int_equal(notes_of(file_fd), NOTE_ATTRIB);
}

static void a_file_that_is_renamed(void **state)
{
    (void)state;
    assert_int_equal(rename(file, other), 0);
    assert_int_equal(look(), 2);
    assert_int_equal(got[0].fflags | got[1].fflags, NOTE_RENAME | NOTE_WRITE);
}

static void a_file_that_loses_its_name(void **state)
{
    int other_fd;

    (void)state;
    make(other);
    other_fd = open(other, O_RDONLY | O_CLOEXEC);
    assert_int_equal(watch(other_fd, NOTE_DELETE), 0);
    (void)look();
    assert_int_equal(rename(other, file), 0); /* over it */
    assert_int_equal(look(), 2); /* other_fd has not asked for renames */
    assert_int_equal(got[0].fflags | got[1].fflags, NOTE_DELETE | NOTE_WRITE);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(notes_of(other_fd), NOTE_DELETE);
    (void)close(other_fd);
}

static void a_directory_that_is_removed(void **state)
{
    (void)state;
    assert_int_equal(unlink(file), 0);
    (void)look();
    assert_int_equal(rmdir(folder), 0);
    assert_true(notes_of(folder_fd) & NOTE_DELETE);
}

static void what_is_no_file(void **state)
{
    int fds[2];

    (void)state;
    make_pipe(fds);
    assert_int_equal(watch(fds[0], all), EINVAL);
    assert_int_equal(watch(999999, all), EBADF);
    assert_int_equal(change(file_fd, EVFILT_VNODE, EV_DELETE), 0);
    assert_int_equal(chmod(file, 0400), 0);
    assert_int_equal(look(), 0);
}

#define VNODE_TEST(function)                                                   \
    cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VNODE_TEST(names_are_writes_to_the_directory),
        VNODE_TEST(a_file_that_is_written_to),
        VNODE_TEST(a_file_that_is_renamed),
        VNODE_TEST(a_file_that_loses_its_name),
        VNODE_TEST(a_directory_that_is_removed),
        VNODE_TEST(what_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
