/* raw_unix_machine.c - a network and control groups of a test's own: Linux. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_machine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void raw_host_name(char *name, size_t room)
{
    if (gethostname(name, room) < 0)
        *name = '\0';
}

bool raw_job_limit(int64_t bytes)
{
    (void)bytes;
    return false;
}

void raw_network_threads(unsigned count)
{
    (void)count;
}

#ifdef __linux__
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* ---- a network ---------------------------------------------------------- */

static bool is_own;
static int machines = -1; /* the namespace that was left */

/* Who is not root gets a user namespace, too, out of which no way leads. */
bool raw_network_begin(void)
{
    int before = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    if (before < 0)
        return false;
    is_own = unshare(CLONE_NEWNET) == 0 ||
             unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (is_own)
        machines = before;
    else
        close(before);
    return is_own;
}

void raw_network_end(void)
{
    is_own = false;
    if (machines < 0)
        return;
    (void)setns(machines, CLONE_NEWNET);
    close(machines);
    machines = -1;
}

/* Never in the machine's own network. The type of a request is the C library's
 * own choice. */
static void change(bool address, struct ifreq *request)
{
    int fd = is_own ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

    if (fd < 0 || (address ? ioctl(fd, SIOCSIFADDR, request)
                           : ioctl(fd, SIOCSIFFLAGS, request)) < 0)
        abort();
    close(fd);
}

static void set_flags(const char *name, bool up)
{
    struct ifreq request = {.ifr_flags = (short)(up ? IFF_UP : 0)};

    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    change(false, &request);
}

void raw_network_up(bool up)
{
    set_flags("lo", up);
}

void raw_network_address(unsigned number, bool add)
{
    struct ifreq request = {.ifr_flags = 0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    char name[IFNAMSIZ];

    (void)snprintf(name, sizeof name, "lo:%u", number);
    if (!add) {
        set_flags(name, false);
        return;
    }
    in.sin_addr.s_addr = htonl(0x7f000000 + number);
    memcpy(&request.ifr_addr, &in, sizeof in);
    memcpy(request.ifr_name, name, sizeof name);
    change(true, &request);
}

/* ---- control groups ----------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    bool done = file && fputs(text, file) >= 0;

    return (!file || fclose(file) == 0) && done;
}

static bool map_user(const char *path, unsigned id)
{
    char text[64];

    (void)snprintf(text, sizeof text, "0 %u 1", id);
    return write_text(path, text);
}

/* As root, or as nobody in particular in a user namespace. */
static bool own_mounts(void)
{
    unsigned uid = getuid(), gid = getgid();

    if (unshare(CLONE_NEWNS) < 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            return false;
        (void)write_text("/proc/self/setgroups", "deny");
        if (!map_user("/proc/self/uid_map", uid) ||
            !map_user("/proc/self/gid_map", gid))
            return false;
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) == 0;
}

/* With the directories above it. */
static bool put_file(const char *path, const char *text)
{
    char whole[512];

    (void)snprintf(whole, sizeof whole, "/sys/fs/cgroup/%s", path);
    for (char *slash = strchr(whole + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(whole, 0755);
        *slash = '/';
    }
    return write_text(whole, text);
}

bool raw_cgroup_pretend(const struct raw_cgroup_file *files, size_t count)
{
    static const char own[] = "/sys/fs/cgroup/.self";

    if (!own_mounts())
        return false;
    for (size_t i = 0; i < count; i++) {
        bool self = !*files[i].path;

        if (!put_file(self ? ".self" : files[i].path, files[i].text))
            return false;
        if (self && mount(own, "/proc/self/cgroup", NULL, MS_BIND, NULL) < 0)
            return false;
    }
    return true;
}
#else
bool raw_network_begin(void)
{
    return false;
}

void raw_network_end(void)
{
}

void raw_network_up(bool up)
{
    (void)up;
}

void raw_network_address(unsigned number, bool add)
{
    (void)number;
    (void)add;
}

bool raw_cgroup_pretend(const struct raw_cgroup_file *files, size_t count)
{
    (void)files;
    (void)count;
    return false;
}
#endif
