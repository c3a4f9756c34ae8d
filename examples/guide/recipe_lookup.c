/* recipe_lookup.c - looks up a name again where that makes sense. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <string.h>

#define TIMES 4

struct lookup {
    const char *host;
    int64_t delay;
    int left;
};

static void look_up(rondo_loop *loop, void *arg);

static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *canonical_name, int error)
{
    struct lookup *l = arg;
    char text[RONDO_ADDRESS_TEXT];
    (void)canonical_name;
    /* EAGAIN: no name server has answered, or one that cannot now. ENONAME: the
     * name does not exist, and asking again does not change that. */
    if (error == RONDO_EAGAIN && l->left > 0) {
        printf("%s: EAGAIN, once more\n", l->host);
        if (rondo_call_later(loop, l->delay, look_up, l) < 0)
            fprintf(stderr, "%s\n", rondo_last_error());
        l->delay *= 2;
        return;
    }
    if (error)
        printf("%s: %s\n", l->host, rondo_error_name(error));
    for (size_t i = 0; i < count; i++) {
        rondo_address_text(&addresses[i], text, sizeof text);
        printf("%s: %s\n", l->host, text);
    }
}

static void look_up(rondo_loop *loop, void *arg)
{
    struct lookup *l = arg;
    l->left--;
    if (rondo_getaddrinfo(loop, l->host, "443", NULL, found, l) < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

/* ---- name servers that fail twice; without them the system's are asked ---- */

static int start(void *context, rondo_lookup *lookup, const char *host,
                 const char *service, const rondo_lookup_hints *hints)
{
    int *failures = context;
    rondo_address a;
    (void)service, (void)hints;
    if (!strcmp(host, "nowhere.example"))
        rondo_resolver_answer(lookup, NULL, 0, RONDO_ENONAME);
    else if ((*failures)-- > 0)
        rondo_resolver_answer(lookup, NULL, 0, RONDO_EAGAIN);
    else if (rondo_address_parse(&a, "192.0.2.1", 0) == 0)
        rondo_resolver_answer(lookup, &a, 1, 0);
    return 0;
}

static void cancel(void *context, rondo_lookup *lookup)
{
    (void)context, (void)lookup;
}

int main(void)
{
    struct lookup there = {"there.example", RONDO_MS(10), TIMES};
    struct lookup nowhere = {"nowhere.example", RONDO_MS(10), TIMES};
    int failures = 2;
    rondo_resolver resolver = {
        .start = start, .cancel = cancel, .context = &failures};
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_set_resolver(loop, &resolver) < 0 ||
        rondo_call_soon(loop, look_up, &nowhere) < 0 ||
        rondo_call_soon(loop, look_up, &there) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_lookup: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
