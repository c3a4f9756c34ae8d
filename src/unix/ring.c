/* ring.c - one io_uring, by its system calls. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "unix/ring.h"
#ifdef RING_IS_BUILT
#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A thousand connections may answer in one wait. More would be kept by the
 * kernel until there is room (IORING_FEAT_NODROP). */
enum { RING_QUESTIONS = 256, RING_ANSWERS = 4096 };

static int ring_register(int fd, unsigned what, const void *arg, unsigned count)
{
    return (int)syscall(SYS_io_uring_register, fd, what, arg, count);
}

/* ---- opening ---- */

static int ring_explain(int os_error)
{
    switch (os_error) {
    case ENOSYS:
        return error_set(RONDO_ENOTSUP,
                         "loop_new: this system has no io_uring (ENOSYS)");
    case EPERM:
    case EACCES:
        return error_set(RONDO_ENOTSUP,
                         "loop_new: this process may not use io_uring: a "
                         "sandbox or kernel.io_uring_disabled forbids it "
                         "(EPERM)");
    case EINVAL:
        return error_set(RONDO_ENOTSUP,
                         "loop_new: this kernel's io_uring lacks deferred task "
                         "work; Linux 6.1 has it (EINVAL)");
    default:
        return error_os(error_from_os(os_error), "loop_new: io_uring_setup");
    }
}

static bool ring_supports(const struct io_uring_probe *probe,
                          unsigned operation)
{
    return operation <= probe->last_op &&
           probe->ops[operation].flags & IO_URING_OP_SUPPORTED;
}

/* What is used, and no number of a version tells. */
static int ring_check(struct ring *ring, unsigned features)
{
    static const unsigned char operations[] = {
        IORING_OP_POLL_ADD, IORING_OP_RECV, IORING_OP_ASYNC_CANCEL};
    const unsigned needed =
        IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
    enum { OPERATIONS = 64 };
    union {
        struct io_uring_probe probe;
        char room[sizeof(struct io_uring_probe) +
                  OPERATIONS * sizeof(struct io_uring_probe_op)];
    } answer = {.room = {0}};
    if (ring_register(ring->fd, IORING_REGISTER_PROBE, &answer, OPERATIONS) < 0)
        return error_set(RONDO_ENOTSUP,
                         "loop_new: this io_uring does not tell what it can");
    for (size_t i = 0; i < sizeof operations; i++)
        if (!ring_supports(&answer.probe, operations[i]))
            return error_set(RONDO_ENOTSUP,
                             "loop_new: this io_uring lacks operation %u",
                             operations[i]);
    if ((features & needed) != needed)
        return error_set(RONDO_ENOTSUP,
                         "loop_new: this io_uring lacks features %#x",
                         needed & ~features);
    ring->sends_quietly = features & IORING_FEAT_CQE_SKIP &&
                          ring_supports(&answer.probe, IORING_OP_SEND);
    ring->sends_messages =
        ring->sends_quietly && ring_supports(&answer.probe, IORING_OP_SENDMSG);
    ring->receives_messages = ring_supports(&answer.probe, IORING_OP_RECVMSG);
    return 0;
}

static atomic_uint *ring_number(void *map, unsigned offset)
{
    return (atomic_uint *)(void *)((char *)map + offset);
}

/* Question n is always in place n. */
static void ring_use_maps(struct ring *ring, const struct io_uring_params *p)
{
    atomic_uint *order = ring_number(ring->map, p->sq_off.array);
    ring->flags = ring_number(ring->map, p->sq_off.flags);
    ring->sq_head = ring_number(ring->map, p->sq_off.head);
    ring->sq_tail = ring_number(ring->map, p->sq_off.tail);
    ring->cq_head = ring_number(ring->map, p->cq_off.head);
    ring->cq_tail = ring_number(ring->map, p->cq_off.tail);
    ring->answers =
        (const struct io_uring_cqe *)(const void *)((char *)ring->map +
                                                    p->cq_off.cqes);
    ring->sq_size = p->sq_entries;
    ring->sq_mask = p->sq_entries - 1;
    ring->cq_mask = p->cq_entries - 1;
    for (unsigned i = 0; i < p->sq_entries; i++)
        atomic_init(&order[i], i);
}

static void *ring_map_part(int fd, size_t size, int64_t offset)
{
    void *map =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    return map == MAP_FAILED ? NULL : map;
}

static int ring_map(struct ring *ring, const struct io_uring_params *p)
{
    size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned);
    size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
    ring->map_size = sq > cq ? sq : cq;
    ring->questions_size = p->sq_entries * sizeof(struct io_uring_sqe);
    ring->map = ring_map_part(ring->fd, ring->map_size, IORING_OFF_SQ_RING);
    ring->questions =
        ring_map_part(ring->fd, ring->questions_size, IORING_OFF_SQES);
    if (!ring->map || !ring->questions)
        return error_os(error_from_os(errno), "loop_new: mmap of an io_uring");
    ring_use_maps(ring, p);
    return 0;
}

static size_t ring_offers_size(unsigned group)
{
    return sizeof(struct io_uring_buf) *
           (group == RING_LARGE ? RING_LARGE_BUFFERS : RING_BUFFERS);
}

/* The memory is ours and not the kernel's, which reads it in place. */
int ring_open_offers(struct ring *ring, unsigned group)
{
    size_t size = ring_offers_size(group);
    void *offers = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (offers == MAP_FAILED)
        return error_os(error_from_os(errno), "loop_new: mmap");
    struct io_uring_buf_reg r = {
        .ring_addr = (uint64_t)(uintptr_t)offers,
        .ring_entries = (uint32_t)(size / sizeof(struct io_uring_buf)),
        .bgid = (uint16_t)group};
    if (ring_register(ring->fd, IORING_REGISTER_PBUF_RING, &r, 1) < 0) {
        munmap(offers, size);
        return error_set(RONDO_ENOTSUP,
                         "loop_new: this io_uring takes no ring of buffers");
    }
    ring->offers[group] = (struct ring_offers){.ring = offers};
    return 0;
}

static int ring_open_parts(struct ring *ring, const struct io_uring_params *p)
{
    int error = ring_check(ring, p->features);
    if (!error)
        error = ring_map(ring, p);
    if (!error)
        error = ring_open_offers(ring, RING_SMALL);
    return error;
}

int ring_open(struct ring *ring)
{
    struct io_uring_params p = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG,
        .cq_entries = RING_ANSWERS};
    *ring = (struct ring){.fd = -1};
    ring->fd = unix_keep((int)syscall(SYS_io_uring_setup, RING_QUESTIONS, &p));
    if (ring->fd < 0)
        return ring_explain(errno);
    int error = ring_open_parts(ring, &p);
    if (error)
        ring_close(ring);
    return error;
}

static void ring_unmap(void *map, size_t size)
{
    if (map)
        munmap(map, size);
}

/* A mapping keeps the ring alive, too. */
void ring_close(struct ring *ring)
{
    if (ring->fd < 0)
        return;
    ring_unmap(ring->map, ring->map_size);
    ring_unmap(ring->questions, ring->questions_size);
    sys_close(ring->fd);
    for (unsigned group = 0; group < RING_GROUPS; group++)
        ring_unmap(ring->offers[group].ring, ring_offers_size(group));
    *ring = (struct ring){.fd = -1};
}

/* ---- questions and answers ---- */

static int ring_call(struct ring *ring, unsigned least, unsigned flags,
                     const void *arg, size_t size)
{
    unsigned count = ring->asked - ring->given;
    atomic_store_explicit(ring->sq_tail, ring->asked, memory_order_release);
    int taken = (int)syscall(SYS_io_uring_enter, ring->fd, count, least, flags,
                             arg, size);
    ring->given = atomic_load_explicit(ring->sq_head, memory_order_acquire);
    return taken < 0 ? -1 : 0;
}

struct io_uring_sqe *ring_ask(struct ring *ring)
{
    if (ring_is_full(ring) && (ring_submit(ring) < 0 || ring_is_full(ring)))
        return NULL;
    struct io_uring_sqe *question = ring_question(ring, ring->asked++);
    *question = (struct io_uring_sqe){0};
    return question;
}

int ring_enter(struct ring *ring, int64_t timeout_ns)
{
    struct timespec wait = unix_timespec(timeout_ns);
    /* the kernel's own timespec has 64 bits everywhere */
    const int64_t time[] = {wait.tv_sec, wait.tv_nsec};
    struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)time};
    assert(timeout_ns >= 0);
    if (timeout_ns == RONDO_NEVER)
        arg.ts = 0;
    return ring_call(ring, timeout_ns > 0,
                     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
                     sizeof arg);
}

int ring_submit(struct ring *ring)
{
    return ring_call(ring, 0, 0, NULL, 0);
}

bool ring_overflows(const struct ring *ring)
{
    return atomic_load_explicit(ring->flags, memory_order_acquire) &
           IORING_SQ_CQ_OVERFLOW;
}

bool ring_wants_enter(const struct ring *ring)
{
    const unsigned wants = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    return ring->asked != ring->given ||
           atomic_load_explicit(ring->flags, memory_order_acquire) & wants;
}

int ring_tell_event(struct ring *ring, int event)
{
    return ring_register(ring->fd, IORING_REGISTER_EVENTFD, &event, 1);
}
#endif
#endif
