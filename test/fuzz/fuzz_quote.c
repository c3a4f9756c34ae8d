/* fuzz_quote.c - any words make a line that Windows' programs read as these. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "win/quote.h"

enum { WORDS = 8, ROOM = 4096 };

/* A word of the line, by the rules of CommandLineToArgvW. NULL: the end. */
static const char *read_word(const char *line, char *to)
{
    bool quoted = false;
    while (*line == ' ' || *line == '\t')
        line++;
    if (!*line)
        return NULL;
    for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++) {
        size_t slashes = strspn(line, "\\");
        line += slashes;
        bool quote = *line == '"';
        for (size_t i = 0; i < (quote ? slashes / 2 : slashes); i++)
            *to++ = '\\';
        if (!*line || (!quote && !quoted && (*line == ' ' || *line == '\t')))
            break;
        if (quote && slashes % 2 == 0)
            quoted = !quoted;
        else
            *to++ = *line;
    }
    *to = '\0';
    return line;
}

/* Inputs are words with a NUL byte between them. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char words[WORDS][256], line[ROOM] = "", word[ROOM], *to = line;
    size_t count = 0;
    const char *from = (const char *)bytes, *end = from + size;
    while (count < WORDS && from < end) {
        const char *nul = memchr(from, '\0', (size_t)(end - from));
        size_t length = (size_t)((nul ? nul : end) - from);
        size_t used = length < 255 ? length : 255;
        memcpy(words[count], from, used);
        words[count++][used] = '\0';
        from += length + 1;
    }
    for (size_t i = 0; i < count; i++) {
        char *begin = to;
        if (i)
            *to++ = ' ';
        to = win_quote(to, words[i]);
        CHECK((size_t)(to - begin) <= 2 * strlen(words[i]) + 3);
    }
    *to = '\0';
    const char *rest = line;
    for (size_t i = 0; i < count; i++) {
        rest = read_word(rest, word);
        CHECK(rest && strcmp(word, words[i]) == 0);
    }
    CHECK(!read_word(rest ? rest : "", word));
    return 0;
}
