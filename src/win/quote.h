/* quote.h - a word of a command line, as Windows' programs read it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_QUOTE_H
#define RONDO_WIN_QUOTE_H

#include <stddef.h>
#include <string.h>

/* Quotes for CommandLineToArgvW and the C runtime: blanks separate words,
 * quotes join them, and a backslash is special before a quote alone. Writes at
 * most 2 * strlen(word) + 2 bytes, without a NUL, and returns their end. */
static inline char *win_quote(char *to, const char *word)
{
    if (*word && !strpbrk(word, " \t\n\v\"")) {
        size_t size = strlen(word);
        memcpy(to, word, size);
        return to + size;
    }
    *to++ = '"';
    for (size_t slashes = 0;; word++) {
        if (*word == '\\') {
            slashes++;
            *to++ = '\\';
            continue;
        }
        if (!*word || *word == '"') /* before a quote they count half */
            for (; slashes; slashes--)
                *to++ = '\\';
        if (!*word)
            break;
        if (*word == '"')
            *to++ = '\\';
        slashes = 0;
        *to++ = *word;
    }
    *to++ = '"';
    return to;
}

#endif
