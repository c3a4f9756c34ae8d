/* ip.c - IP addresses as text, as inet_pton(3) and inet_ntop(3) of Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "win/win.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

bool ip_parse_inet(const char *text, unsigned char bytes[4])
{
    for (int i = 0; i < 4; i++) {
        const char *start = text;
        unsigned number = 0;
        while (*text >= '0' && *text <= '9' && text - start < 4)
            number = number * 10 + (unsigned)(*text++ - '0');
        /* others read a number with a leading 0 as octal */
        if (text == start || number > 255 ||
            (*start == '0' && text > start + 1))
            return false;
        bytes[i] = (unsigned char)number;
        if (*text != (i < 3 ? '.' : '\0'))
            return false;
        text++;
    }
    return true;
}

static int win_ip_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads up to four digits; returns how many there were. */
static int win_ip_parse_group(const char *text, unsigned *group)
{
    int count = 0;
    *group = 0;
    while (count < 4 && win_ip_hex_digit(text[count]) >= 0)
        *group = *group << 4 | (unsigned)win_ip_hex_digit(text[count++]);
    return count;
}

/* All groups are at the start of `bytes`: those behind "::" move to the end.
 * `gap` is where "::" was, or -1. */
static bool win_ip_spread(unsigned char bytes[16], int used, int gap)
{
    if (gap < 0)
        return used == 16;
    if (used > 14) /* "::" stands for at least one group */
        return false;
    memmove(bytes + 16 - (used - gap), bytes + gap, (size_t)(used - gap));
    memset(bytes + gap, 0, (size_t)(16 - used));
    return true;
}

bool ip_parse_inet6(const char *text, unsigned char bytes[16])
{
    int used = 0, gap = -1;
    if (text[0] == ':' && *++text != ':')
        return false;
    for (bool first = true; *text; first = false) {
        unsigned group;
        if (*text == ':' && gap < 0 && (first || text[-1] == ':')) {
            gap = used;
            text++;
            continue;
        }
        int digits = win_ip_parse_group(text, &group);
        if (used <= 12 && text[digits] == '.' &&
            ip_parse_inet(text, bytes + used))
            return win_ip_spread(bytes, used + 4, gap);
        if (!digits || used == 16)
            return false;
        bytes[used++] = (unsigned char)(group >> 8);
        bytes[used++] = (unsigned char)group;
        text += digits;
        /* behind a group comes the end, or ':' and more */
        if (*text && (*text != ':' || !*++text))
            return false;
    }
    return win_ip_spread(bytes, used, gap);
}

/* ---- writing ---- */

void ip_print_inet(const unsigned char bytes[4], char *text, size_t size)
{
    snprintf(text, size, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

static unsigned win_ip_group_at(const unsigned char bytes[16], int i)
{
    return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The longest run of two or more zero groups becomes "::" (RFC 5952). Its
 * length; 0: there is none. */
static int win_ip_longest_run(const unsigned char bytes[16], int *at)
{
    int best = 0, length = 0;
    for (int i = 0; i < 8; i++) {
        length = win_ip_group_at(bytes, i) ? 0 : length + 1;
        if (length > best) {
            best = length;
            *at = i + 1 - length;
        }
    }
    return best > 1 ? best : 0;
}

void ip_print_inet6(const unsigned char bytes[16], char *text, size_t size)
{
    char dotted[16] = "", all[48];
    int at = -1, used = 0;
    int length = win_ip_longest_run(bytes, &at), end = at + length;
    /* ::1.2.3.4 and ::ffff:1.2.3.4 */
    bool v4 =
        length && at == 0 &&
        (length == 6 || (length == 5 && win_ip_group_at(bytes, 5) == 0xffff));
    if (v4)
        ip_print_inet(bytes + 12, dotted, sizeof dotted);
    for (int i = 0; i < (v4 ? 6 : 8); i++) {
        if (length && i >= at && i < end) {
            if (i == at)
                used += snprintf(all + used, sizeof all - (size_t)used, "::");
            continue;
        }
        bool colon = i > 0 && !(length && i == end);
        used += snprintf(all + used, sizeof all - (size_t)used, "%s%x",
                         colon ? ":" : "", win_ip_group_at(bytes, i));
    }
    snprintf(text, size, "%s%s%s", all, v4 && length == 5 ? ":" : "", dotted);
}
#endif
