/* sim_vnode.c - EVFILT_VNODE: what inotify says, in the words of a BSD. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * As ufs, ffs and apfs post them (vop_*_post of FreeBSD's vfs_subr.c, VN_KNOTE of
 * OpenBSD's ufs_vnops.c, post_event_if_success of xnu's kpi_vfs.c): NOTE_WRITE
 * to a directory when a name in it comes or goes, NOTE_LINK too when that is a
 * directory; NOTE_WRITE to a file that is written to, NOTE_EXTEND if it grows;
 * NOTE_DELETE to what loses a name, by unlink, rmdir or a rename over it;
 * NOTE_RENAME to what is renamed; NOTE_ATTRIB when setattr is called.
 */
enum {
    SEEN = IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM |
           IN_MOVED_TO | IN_MOVE_SELF
};

static void ring(struct sim_note *note, uint32_t notes)
{
    static const uint64_t one = 1;

    notes &= note->wanted;
    if (!notes)
        return;
    note->pending |= notes;
    (void)!write(note->helper, &one, sizeof one);
}

/* To lose a name is a change of attributes to Linux. */
static uint32_t notes_of_attributes(struct sim_note *note)
{
    struct stat status;
    uint32_t notes = NOTE_ATTRIB;

    if (fstat((int)note->ident, &status) < 0)
        return 0;
    if (status.st_nlink < note->links)
        notes = NOTE_DELETE;
    else if (status.st_nlink > note->links)
        notes = NOTE_LINK;
    note->links = status.st_nlink;
    return notes;
}

static uint32_t notes_of(struct sim_note *note, const struct inotify_event *e)
{
    const uint32_t names = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
    uint32_t notes = 0;

    if (e->len) { /* of what is in a directory */
        if (e->mask & names)
            notes |= NOTE_WRITE | (e->mask & IN_ISDIR ? NOTE_LINK : 0);
        return notes;
    }
    if (e->mask & IN_MODIFY)
        notes |= NOTE_WRITE | NOTE_EXTEND;
    if (e->mask & IN_MOVE_SELF)
        notes |= NOTE_RENAME;
    if (e->mask & IN_ATTRIB)
        notes |= notes_of_attributes(note);
    return notes;
}

static void tell(struct sim_kq *kq, const struct inotify_event *e)
{
    for (int i = 0; i < SIM_BUCKETS; i++)
        for (struct sim_note *n = kq->notes[i]; n; n = n->next)
            if (n->filter == EVFILT_VNODE &&
                (n->wd == e->wd || e->mask & IN_Q_OVERFLOW))
                ring(n, e->mask & IN_Q_OVERFLOW ? NOTE_WRITE : notes_of(n, e));
}

/* Linux says nothing of a directory that is removed while it is open; but the
 * one that it was in tells. */
static void tell_of_removed(struct sim_kq *kq)
{
    struct stat status;

    for (int i = 0; i < SIM_BUCKETS; i++)
        for (struct sim_note *n = kq->notes[i]; n; n = n->next)
            if (n->filter == EVFILT_VNODE && n->links &&
                fstat((int)n->ident, &status) == 0 && status.st_nlink == 0) {
                n->links = 0;
                ring(n, NOTE_DELETE);
            }
}

void sim_vnode_drain(struct sim_kq *kq)
{
    _Alignas(struct inotify_event) char room[16384];
    ssize_t size;
    bool any = false;

    while (kq->inotify.helper >= 0 &&
           (size = read(kq->inotify.helper, room, sizeof room)) > 0) {
        const char *at = room;

        any = true;
        while (at < room + size) {
            const struct inotify_event *e = (const void *)at;

            tell(kq, e);
            at += sizeof *e + e->len;
        }
    }
    if (any)
        tell_of_removed(kq);
}

static int open_inotify(struct sim_kq *kq)
{
    struct sim_note *note = &kq->inotify;

    if (note->helper >= 0)
        return 0;
    note->filter = EVFILT_VNODE;
    note->silent = true;
    return sim_attach_helper(kq, note, inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
}

int sim_attach_vnode(struct sim_kq *kq, struct sim_note *note,
                     const struct kevent *change)
{
    char path[64];
    struct stat status;
    int os_error = open_inotify(kq);

    if (os_error)
        return os_error;
    if (note->ident > INT_MAX || fstat((int)note->ident, &status) < 0)
        return EBADF;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return EINVAL;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", (int)note->ident);
    note->wd = inotify_add_watch(kq->inotify.helper, path, SEEN);
    if (note->wd < 0)
        return errno;
    if (S_ISDIR(status.st_mode)) { /* see tell_of_removed */
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d/..",
                       (int)note->ident);
        (void)inotify_add_watch(kq->inotify.helper, path,
                                IN_DELETE | IN_MASK_ADD);
    }
    note->wanted = change->fflags;
    note->links = status.st_nlink;
    return sim_attach_helper(kq, note, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void sim_detach_vnode(struct sim_kq *kq, const struct sim_note *note)
{
    for (int i = 0; i < SIM_BUCKETS; i++)
        for (struct sim_note *n = kq->notes[i]; n; n = n->next)
            if (n != note && n->filter == EVFILT_VNODE && n->wd == note->wd)
                return;
    if (note->wd > 0)
        (void)inotify_rm_watch(kq->inotify.helper, note->wd);
}

bool sim_report_vnode(struct sim_note *note, struct kevent *event)
{
    uint64_t count;

    if (note->silent)
        return false;
    (void)!read(note->helper, &count, sizeof count);
    event->fflags = note->pending;
    note->pending = 0;
    return event->fflags;
}
