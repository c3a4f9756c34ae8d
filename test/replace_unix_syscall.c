/* replace_unix_syscall.c - a kernel that lacks what it is told to lack. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_process.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/uio.h>
#if defined(__linux__)
#include <sys/syscall.h>
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif
#endif

enum { READS = RAW_LACKS_READS_NOW | RAW_LACKS_PAGES | RAW_LACKS_SOME_PAGES };

static unsigned lacking;

typedef long syscall_fn(long, long, long, long, long, long, long);
static union {
    void *pointer;
    syscall_fn *fn;
} next;

/* Also where no dynamic linker may be called: it is asked before. */
static void find_next(void)
{
    if (!next.pointer)
        next.pointer = dlsym(RTLD_NEXT, "syscall");
}

bool raw_kernel_lacks(unsigned what)
{
    find_next();
    lacking = what;
#if defined(SYS_close_range) && defined(SYS_pidfd_open)
    return next.pointer;
#else
    return false;
#endif
}

/* The error that a call of io_uring ends with; 0: none. */
static int uring_error(long number, long what)
{
#if defined(SYS_io_uring_setup) && defined(SYS_io_uring_register)
    enum { PROBE = 8, BUFFERS = 22 };

    if (number == SYS_io_uring_setup)
        return lacking & RAW_LACKS_URING        ? ENOSYS
               : lacking & RAW_FORBIDS_URING    ? EPERM
               : lacking & RAW_LACKS_URING_WORK ? EINVAL
                                                : 0;
    if (number == SYS_io_uring_register &&
        ((what == PROBE && lacking & RAW_LACKS_URING_PROBE) ||
         (what == BUFFERS && lacking & RAW_LACKS_URING_BUFFERS)))
        return EINVAL;
#endif
    (void)number;
    (void)what;
    return 0;
}

#ifdef IORING_SETUP_DEFER_TASKRUN
enum { FEW_QUESTIONS = 4, FEW_ANSWERS = 8 };

static void take_operation(struct io_uring_probe *probe, int operation)
{
    probe->ops[operation].flags = 0;
}

/* Before the kernel hears of it: a[] may be changed. */
static int uring_before(long number, long *a)
{
    struct io_uring_params *p = (struct io_uring_params *)(void *)a[1];
    const struct io_uring_buf_reg *r = (const void *)a[2];

    if (number == SYS_io_uring_setup && lacking & RAW_SMALL_URING) {
        a[0] = FEW_QUESTIONS;
        p->cq_entries = FEW_ANSWERS;
    }
    return number == SYS_io_uring_register &&
                   a[1] == IORING_REGISTER_PBUF_RING &&
                   lacking & RAW_LACKS_URING_LARGE && r->bgid
               ? EINVAL
               : 0;
}

static void uring_after(long number, const long *a)
{
    struct io_uring_params *p = (struct io_uring_params *)(void *)a[1];
    struct io_uring_probe *probe = (struct io_uring_probe *)(void *)a[2];

    if (number == SYS_io_uring_setup) {
        if (lacking & RAW_LACKS_URING_SKIP)
            p->features &= ~IORING_FEAT_CQE_SKIP;
        if (lacking & RAW_LACKS_URING_NODROP)
            p->features &= ~IORING_FEAT_NODROP;
    } else if (number == SYS_io_uring_register &&
               a[1] == IORING_REGISTER_PROBE) {
        if (lacking & RAW_LACKS_URING_RECV)
            take_operation(probe, IORING_OP_RECV);
        if (lacking & RAW_LACKS_URING_MESSAGES) {
            take_operation(probe, IORING_OP_RECVMSG);
            take_operation(probe, IORING_OP_SENDMSG);
        }
    }
}
#else
static int uring_before(long number, const long *a)
{
    (void)number;
    (void)a;
    return 0;
}

static void uring_after(long number, const long *a)
{
    (void)number;
    (void)a;
}
#endif

/* The error that a read without waiting ends with; 0: none. May shorten it. */
static int read_error(long number, struct iovec *part)
{
#if defined(SYS_preadv2)
    enum { SHORT = 4 };

    if (number != SYS_preadv2 || !(lacking & READS))
        return 0;
    if (lacking & RAW_LACKS_READS_NOW)
        return ENOSYS;
    if (lacking & RAW_LACKS_PAGES || part->iov_len <= SHORT)
        return EAGAIN;
    part->iov_len = SHORT;
#endif
    (void)number;
    (void)part;
    return 0;
}

static bool is_lacking(long number)
{
#if defined(SYS_close_range) && defined(SYS_pidfd_open)
    if (number == SYS_pidfd_open || number == SYS_pidfd_send_signal)
        return lacking & RAW_LACKS_PIDFD;
    if (number == SYS_close_range)
        return lacking & RAW_LACKS_CLOSE_RANGE;
#endif
#if defined(SYS_getrandom)
    if (number == SYS_getrandom)
        return lacking & RAW_LACKS_RANDOM;
#endif
    (void)number;
    return false;
}

/* It takes more arguments than it may have been given. */
#if defined(__GNUC__)
__attribute__((no_sanitize_address))
#endif
long syscall(long number, ...)
{
    va_list arguments;
    long a[6], result;
    int error;

    if (is_lacking(number)) {
        errno = ENOSYS;
        return -1;
    }
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    error = lacking & READS ? read_error(number, (struct iovec *)(void *)a[1])
                            : uring_error(number, a[1]);
    if (!error)
        error = uring_before(number, a);
    if (error) {
        errno = error;
        return -1;
    }
    find_next();
    result = next.fn(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (result >= 0)
        uring_after(number, a);
    return result;
}
