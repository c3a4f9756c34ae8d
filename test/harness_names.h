/* harness_names.h - look-ups that write down what they are told.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_NAMES_H
#define RONDO_TEST_HARNESS_NAMES_H

#include "harness.h"
#include "raw_net.h"

enum { FOUND_KEPT = 16 };

/* Hints of this kind: HINTS(.family = RONDO_FAMILY_INET). */
#define HINTS(...)                                                             \
    (&(const rondo_lookup_hints){.size = sizeof(rondo_lookup_hints),           \
                                 __VA_ARGS__})

/* What one look-up was told. */
struct found {
    struct world *w;
    rondo_id id;
    unsigned done;
    int error;
    size_t count; /* of the addresses, of which the first are kept */
    rondo_address addresses[FOUND_KEPT];
    bool has_canonical;
    char canonical[256], host[256], service[64];
    char sentence[600]; /* rondo_last_error, after an error */
    void (*in_done)(struct found *f);
};

/* rondo_getaddrinfo on the world's loop; the id may be an error. */
struct found *found_ask_with(struct world *w, const char *host,
                             const char *service,
                             const rondo_lookup_hints *hints);
/* ... which must not fail. */
struct found *found_ask(struct world *w, const char *host, const char *service);
/* rondo_getnameinfo, which must not fail. */
struct found *found_ask_back(struct world *w, const rondo_address *address,
                             int flags);
/* Runs until it is told, and checks its error, which is in its sentence. */
void found_ends(struct world *w, struct found *f, int error);
bool found_has(const struct found *f, const char *address);
void found_assert_address(const struct found *f, size_t i, const char *address);
/* The system's look-ups are replaced by the test's; skips where they cannot be.
 * Tests of slow look-ups end by names_release, since the threads are the
 * process's, not the loop's. */
void names_replace(struct world *w);
void names_release(struct world *w);
/* For calls that must be refused. */
void found_never(rondo_loop *loop, void *arg, const rondo_address *addresses,
                 size_t count, const char *canonical, int error);
void named_never(rondo_loop *loop, void *arg, const char *host,
                 const char *service, int error);

#endif
