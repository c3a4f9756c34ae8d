/* options.h - how the parts of contrib take their options: as the library takes
 * its own. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CONTRIB_OPTIONS_H
#define RONDO_CONTRIB_OPTIONS_H

#include <rondo.h>
#include <string.h>

/* Copies the struct of options at `from`, which begins with its size, to the
 * `known` bytes at `to`: what is not there is zero, and what is not known must
 * be. from may be NULL: all are zero. 0, RONDO_EINVAL, RONDO_ENOTSUP. */
static inline int contrib_options(void *to, size_t known, const void *from,
                                  const char *what)
{
    size_t size;
    memset(to, 0, known);
    if (!from)
        return 0;
    memcpy(&size, from, sizeof size);
    if (size < sizeof size)
        return rondo_set_error(RONDO_EINVAL, "%s: options.size is not set",
                               what);
    const unsigned char *bytes = from;
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return rondo_set_error(
                RONDO_ENOTSUP, "%s: an option that this version does not know",
                what);
    memcpy(to, from, size < known ? size : known);
    return 0;
}

#endif
