/* test_reader_random.c - random separators and pieces, against a plain search. */
/* SPDX-License-Identifier: MIT */
#include "harness_reader.h"

enum { TEXT = 3000, LONGEST = 6 };

static uint64_t dice(uint64_t *seed, uint64_t sides)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (*seed >> 33) % sides;
}

/* where the first occurrence ends; 0: there is none */
static size_t find_plainly(const char *text, size_t size, const char *separator)
{
    size_t n = strlen(separator);

    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(text + i, separator, n) == 0)
            return i + n;
    return 0;
}

/* few different letters: starts that fail are everywhere */
static void fill(char *text, size_t size, uint64_t *seed)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + dice(seed, 2));
    text[size] = '\0';
}

static void send_all(struct book *b, const char *text, uint64_t *seed)
{
    for (size_t at = 0; at < TEXT;) {
        size_t n = (size_t)dice(seed, 40) + 1;

        n = n < TEXT - at ? n : TEXT - at;
        assert_true(raw_send_all(b->fd, text + at, n, 1000));
        at += n;
        test_spin(b->w, (int)dice(seed, 3));
    }
    raw_shutdown_write(b->fd);
}

static void play(struct world *w, uint64_t seed)
{
    struct book *b = test_book(w, 0);
    char text[TEXT + 1], separator[LONGEST + 1];
    size_t at = 0, want;

    b->quiet = true;
    fill(text, TEXT, &seed);
    fill(separator, (size_t)dice(&seed, LONGEST) + 1, &seed);
    b->separator = separator;
    book_begin(b, UNTIL);
    send_all(b, text, &seed);
    for (unsigned n = 1;; n++) {
        test_run_until(w, b->reads == n);
        want = find_plainly(text + at, TEXT - at, separator);
        assert_int_equal(b->error, want ? 0 : RONDO_EOF);
        assert_int_equal(b->last_size, want ? want : TEXT - at);
        if (!want)
            break;
        at += want;
        if (dice(&seed, 2))
            fill(separator, (size_t)dice(&seed, LONGEST) + 1, &seed);
        book_begin(b, UNTIL);
    }
    book_end(b);
}

TEST(S14_random_separators)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        print_message("seed %d\n", (int)seed);
        play(w, seed);
    }
}
