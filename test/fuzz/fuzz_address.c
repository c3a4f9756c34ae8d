/* fuzz_address.c - addresses of any text and any bytes. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

static void check_text(const rondo_address *a)
{
    char text[RONDO_ADDRESS_TEXT], less[RONDO_ADDRESS_TEXT];
    int size = rondo_address_text(a, text, sizeof text);
    CHECK(size >= 0 && (size_t)size < sizeof text && !text[size]);
    CHECK(rondo_address_text(a, less, (size_t)size + 1) == size);
    CHECK(strcmp(text, less) == 0);
    if (size == 0)
        return;
    CHECK(rondo_address_text(a, less, (size_t)size) == RONDO_ETOOMUCH);
    CHECK(!less[0]);
}

/* What is between the brackets, or before the colon. */
static void check_ip(const rondo_address *a)
{
    char text[RONDO_ADDRESS_TEXT];
    rondo_address again;
    bool six = rondo_address_family(a) == RONDO_FAMILY_INET6;
    CHECK(rondo_address_text(a, text, sizeof text) > 0);
    *strrchr(text, six ? ']' : ':') = '\0';
    /* a scope need not be one that this machine has */
    if (rondo_address_parse(&again, text + six, rondo_address_port(a)) == 0)
        CHECK(rondo_address_equal(a, &again));
    else
        CHECK(rondo_address_scope(a));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, size};
    rondo_address a;
    char text[256];
    unsigned way = input_byte(&in);
    uint16_t port = (uint16_t)input_number(&in, 65535);
    const uint8_t *rest = input_take(&in, sizeof text - 1, &size);
    memcpy(text, rest, size);
    text[size] = '\0';
    int result = way % 3 == 0   ? rondo_address_parse(&a, text, port)
                 : way % 3 == 1 ? rondo_address_unix(&a, text, size)
                                : rondo_address_from_native(&a, text, size);
    if (result != 0) {
        CHECK(result < 0 && *rondo_last_error());
        return 0;
    }
    CHECK(rondo_address_equal(&a, &a));
    check_text(&a);
    rondo_family family = rondo_address_family(&a);
    if (family == RONDO_FAMILY_INET || family == RONDO_FAMILY_INET6)
        check_ip(&a);
    return 0;
}
