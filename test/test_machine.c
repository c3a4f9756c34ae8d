/* test_machine.c - random bytes, host name, cores, memory, interfaces. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_machine.h"
#include "raw_process.h"

#include <string.h>

/* ---- N1: random bytes --------------------------------------------------- */

enum { RANDOM_SIZE = 100000, PIECE = 32 };

/* No piece of it is what it was before, and no two are alike. */
static void check_random(struct world *w)
{
    unsigned char *bytes = test_alloc(w, RANDOM_SIZE + 1);
    const unsigned char zeros[PIECE] = {0};

    bytes[RANDOM_SIZE] = 77;
    assert_ok(rondo_random(bytes, RANDOM_SIZE));
    assert_int_equal(bytes[RANDOM_SIZE], 77);
    for (size_t at = 0; at + PIECE <= RANDOM_SIZE; at += PIECE) {
        assert_memory_not_equal(bytes + at, zeros, PIECE);
        if (at)
            assert_memory_not_equal(bytes + at, bytes, PIECE);
    }
}

TEST(N1_all_bytes_are_random)
{
    unsigned char none = 7, ones = 0;

    check_random(w);
    assert_ok(rondo_random(&none, 0));
    assert_int_equal(none, 7);
    assert_ok(rondo_random(NULL, 0));
    for (int i = 0; i < 64; i++) { /* never set once in 2^64 */
        unsigned char byte;

        assert_ok(rondo_random(&byte, 1));
        ones |= byte;
    }
    assert_int_not_equal(ones, 0);
    assert_einval(rondo_random(NULL, 1));
}

static void restore_kernel(void *arg)
{
    (void)arg;
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
}

TEST(N1_an_older_kernel_has_a_device)
{
    unsigned char bytes[PIECE];

    test_skip_if(w, !raw_kernel_lacks(RAW_LACKS_RANDOM),
                 "no older kernel to be had");
    test_at_end(w, restore_kernel, NULL);
    check_random(w);
    test_exhaust_descriptors(w, 0);
    assert_refused(rondo_random(bytes, sizeof bytes), RONDO_EMFILE,
                   "no random bytes");
    test_free_descriptors(w);
    check_random(w);
}

/* ---- N2: the host's name ------------------------------------------------ */

TEST(N2_the_host_has_its_name)
{
    char name[256], own[256], little[2] = "x";
    int size = rondo_host_name(name, sizeof name);

    raw_host_name(own, sizeof own);
    assert_true(size > 0);
    assert_string_equal(name, own);
    assert_int_equal(size, (int)strlen(name));
    assert_int_equal(rondo_host_name(name, (size_t)size + 1), size);
    assert_string_equal(name, own);
    assert_refused(rondo_host_name(name, (size_t)size), RONDO_ETOOMUCH, NULL);
    assert_string_equal(name, "");
    assert_refused(rondo_host_name(little, 1), RONDO_ETOOMUCH, NULL);
    assert_string_equal(little, "");
    assert_einval(rondo_host_name(NULL, 10));
    assert_einval(rondo_host_name(name, 0));
}

/* ---- N3: cores and memory ----------------------------------------------- */

TEST(N3_what_there_is)
{
    int64_t bytes = rondo_memory_limit();

    assert_in_range(rondo_available_cores(), 1, raw_cores());
    if (bytes < 0)
        assert_refused(bytes, RONDO_ENOTSUP, NULL);
    else
        assert_true(bytes > INT64_C(1) << 20);
}

struct pretended {
    const char *name;
    struct raw_cgroup_file files[5];
    int64_t memory; /* 0: no limit */
    unsigned cores; /* 0: all */
};

static const struct pretended pretended[] = {
    {"nothing", {{"", ""}}, 0, 0},
    {"version 2",
     {{"", "0::/a/b\n"},
      {"a/b/memory.max", "300000000\n"},
      {"a/b/cpu.max", "50000 100000\n"}},
     300000000,
     1},
    {"the group above",
     {{"", "0::/a/b\n"},
      {"a/b/memory.max", "max\n"},
      {"a/memory.max", "200000000\n"},
      {"memory.max", "900000000\n"}},
     200000000,
     0},
    {"only high",
     {{"", "0::/a\n"},
      {"a/memory.max", "400000000\n"},
      {"a/memory.high", "350000000\n"}},
     350000000,
     0},
    {"no limit",
     {{"", "0::/\n"}, {"memory.max", "max\n"}, {"cpu.max", "max 100000\n"}},
     0,
     0},
    {"version 1",
     {{"", "5:cpu,cpuacct:/c\n4:memory:/m\n0::/\n"},
      {"memory/m/memory.limit_in_bytes", "123456789\n"},
      {"cpu/c/cpu.cfs_quota_us", "100000\n"},
      {"cpu/c/cpu.cfs_period_us", "100000\n"}},
     123456789,
     1},
    {"version 1 without a limit",
     {{"", "4:memory:/m\n3:cpu:/\n"},
      {"memory/m/memory.limit_in_bytes", "9223372036854771712\n"},
      {"cpu/cpu.cfs_quota_us", "-1\n"},
      {"cpu/cpu.cfs_period_us", "100000\n"}},
     0,
     0},
    {"another controller",
     {{"", "4:memory2,xmemory:/m\nnonsense\n1:\n"},
      {"memory/m/memory.limit_in_bytes", "123456789\n"},
      {"memory.max", "5\n"}},
     0,
     0},
};

enum { NOT_PERMITTED = 77 };

static int in_pretended(void *arg)
{
    const struct pretended *p = arg;
    size_t count = 0;

    while (count < COUNT_OF(p->files) && p->files[count].path)
        count++;
    if (!raw_cgroup_pretend(p->files, count))
        return NOT_PERMITTED;
    if (rondo_memory_limit() != (p->memory ? p->memory : INT64_MAX))
        return 1;
    return rondo_available_cores() != (p->cores ? p->cores : raw_cores());
}

TEST(N3_limits_of_control_groups)
{
    test_skip_if(w, rondo_memory_limit() == RONDO_ENOTSUP,
                 "no control groups on this system");
    for (EACH_ROW(w, row, pretended)) {
        struct pretended copy = *row;
        int status = raw_fork_run(in_pretended, &copy);

        test_skip_if(w, status == -1, "no fork on this platform");
        test_skip_if(w, status == NOT_PERMITTED,
                     "no mount namespace may be made here");
        assert_int_equal(status, 0);
    }
}

TEST(N3_the_limit_of_a_job_object)
{
    test_skip_if(w, !raw_job_limit(INT64_C(3) << 30),
                 "no job object that tells its limit");
    assert_int_equal(rondo_memory_limit(), INT64_C(3) << 30);
}

/* ---- N4: interfaces ----------------------------------------------------- */

static rondo_interface *list(void)
{
    rondo_interface *first = NULL;

    assert_ok(rondo_list_interfaces(&first));
    return first;
}

static void check_interface(const rondo_interface *one)
{
    rondo_family family = rondo_address_family(&one->address);

    assert_int_equal(one->size, sizeof *one);
    assert_true(one->name && *one->name);
    assert_true(one->index > 0);
    assert_true(one->hardware_size <= sizeof one->hardware);
    assert_int_equal(one->flags & ~0x3fU, 0);
    assert_int_equal(rondo_address_port(&one->address), 0);
    if (family == RONDO_FAMILY_INET)
        assert_in_range(one->prefix, 0, 32);
    else if (family == RONDO_FAMILY_INET6)
        assert_in_range(one->prefix, 0, 128);
    else
        assert_int_equal(family, RONDO_FAMILY_ANY);
}

TEST(N4_the_machine_has_a_loopback)
{
    rondo_interface *first = list();
    rondo_address loopback;
    unsigned found = 0;

    assert_ok(rondo_address_parse(&loopback, "127.0.0.1", 0));
    for (const rondo_interface *one = first; one; one = one->next) {
        check_interface(one);
        if (!rondo_address_equal(&one->address, &loopback))
            continue;
        found++;
        assert_true(one->flags & RONDO_INTERFACE_LOOPBACK);
        assert_true(one->flags & RONDO_INTERFACE_UP);
        assert_int_equal(one->prefix, 8);
    }
    rondo_free_interfaces(first);
    assert_int_equal(found, 1);
}

/* Each interface is one run of the list. */
TEST(N4_addresses_of_one_interface_are_in_a_row)
{
    rondo_interface *first = list();

    for (const rondo_interface *a = first; a; a = a->next)
        for (const rondo_interface *b = a->next; b; b = b->next)
            if (strcmp(a->name, b->name) == 0)
                assert_string_equal(a->next->name, a->name);
    rondo_free_interfaces(first);
}

TEST(N4_no_address_of_an_interface_twice)
{
    rondo_interface *first = list();

    for (const rondo_interface *a = first; a; a = a->next)
        for (const rondo_interface *b = a->next; b; b = b->next)
            assert_false(strcmp(a->name, b->name) == 0 &&
                         rondo_address_equal(&a->address, &b->address) &&
                         a->prefix == b->prefix);
    rondo_free_interfaces(first);
}

static void end_network(void *arg)
{
    (void)arg;
    raw_network_end();
}

TEST(N4_each_address_once)
{
    rondo_interface *first;
    unsigned count = 0;

    test_skip_if(w, !raw_network_begin(), "no network namespace may be made");
    test_at_end(w, end_network, NULL);
    first = list();
    assert_non_null(first);
    assert_int_equal(rondo_address_family(&first->address), RONDO_FAMILY_ANY);
    assert_int_equal(first->flags & RONDO_INTERFACE_UP, 0);
    assert_null(first->next);
    rondo_free_interfaces(first);
    raw_network_up(true);
    raw_network_address(2, true);
    raw_network_address(3, true);
    first = list();
    for (const rondo_interface *one = first; one; one = one->next) {
        assert_string_equal(one->name, "lo");
        assert_int_equal(one->index, 1);
        count += rondo_address_family(&one->address) == RONDO_FAMILY_INET;
    }
    rondo_free_interfaces(first);
    assert_in_range(count, 2, 3); /* Linux adds 127.0.0.1 */
}

TEST(N4_an_address_without_a_mask)
{
    rondo_interface *first;

    test_skip_if(w, !raw_network_lacks_masks(true), "each has a mask");
    first = list();
    (void)raw_network_lacks_masks(false);
    assert_non_null(first);
    for (const rondo_interface *one = first; one; one = one->next)
        assert_int_equal(one->prefix, 0);
    rondo_free_interfaces(first);
}

TEST(N4_errors)
{
    rondo_interface *first = list();

    rondo_free_interfaces(first);
    rondo_free_interfaces(NULL);
    assert_einval(rondo_list_interfaces(NULL));
    test_skip_if(w, !raw_network_fails(true),
                 "the list cannot be made to fail");
    assert_refused(rondo_list_interfaces(&first), RONDO_EMFILE, NULL);
    assert_null(first);
    (void)raw_network_fails(false);
}
