/* harness_names.c - look-ups that write down what they are told. */
/* SPDX-License-Identifier: MIT */
#include "harness_names.h"

static void keep_end(struct found *f, int error)
{
    assert_int_equal(++f->done, 1);
    f->error = error;
    if (error)
        (void)snprintf(f->sentence, sizeof f->sentence, "%s",
                       rondo_last_error());
    if (f->in_done)
        f->in_done(f);
}

static void found_addresses(rondo_loop *loop, void *arg,
                            const rondo_address *addresses, size_t count,
                            const char *canonical, int error)
{
    struct found *f = arg;

    assert_ptr_equal(loop, f->w->loop);
    assert_true(error ? !addresses && !count && !canonical : count > 0);
    f->count = count;
    for (size_t i = 0; i < count && i < FOUND_KEPT; i++)
        f->addresses[i] = addresses[i];
    f->has_canonical = canonical;
    if (canonical)
        (void)snprintf(f->canonical, sizeof f->canonical, "%s", canonical);
    keep_end(f, error);
}

static void found_names(rondo_loop *loop, void *arg, const char *host,
                        const char *service, int error)
{
    struct found *f = arg;

    assert_ptr_equal(loop, f->w->loop);
    assert_true(error ? !host && !service : host && service);
    if (host)
        (void)snprintf(f->host, sizeof f->host, "%s", host);
    if (service)
        (void)snprintf(f->service, sizeof f->service, "%s", service);
    keep_end(f, error);
}

struct found *found_ask_with(struct world *w, const char *host,
                             const char *service,
                             const rondo_lookup_hints *hints)
{
    struct found *f = test_alloc(w, sizeof *f);

    f->w = w;
    f->id =
        rondo_getaddrinfo(w->loop, host, service, hints, found_addresses, f);
    assert_int_equal(f->done, 0); /* not inside the call */
    return f;
}

struct found *found_ask(struct world *w, const char *host, const char *service)
{
    struct found *f = found_ask_with(w, host, service, NULL);

    assert_ok(f->id);
    return f;
}

struct found *found_ask_back(struct world *w, const rondo_address *address,
                             int flags)
{
    struct found *f = test_alloc(w, sizeof *f);

    f->w = w;
    f->id =
        assert_ok(rondo_getnameinfo(w->loop, address, flags, found_names, f));
    assert_int_equal(f->done, 0);
    return f;
}

void found_ends(struct world *w, struct found *f, int error)
{
    test_run_until(w, f->done);
    if (f->error != error)
        test_fail(w, "%s (%s), not %s", rondo_error_name(f->error), f->sentence,
                  rondo_error_name(error));
    if (error)
        assert_true(strstr(f->sentence, rondo_error_name(error)) != NULL);
    assert_error(rondo_cancel(w->loop, f->id), RONDO_ENOENT);
    assert_int_equal(f->done, 1);
}

static bool is(const rondo_address *a, const char *text)
{
    char said[RONDO_ADDRESS_TEXT];

    assert_ok(rondo_address_text(a, said, sizeof said));
    return strcmp(said, text) == 0;
}

bool found_has(const struct found *f, const char *address)
{
    for (size_t i = 0; i < f->count && i < FOUND_KEPT; i++)
        if (is(&f->addresses[i], address))
            return true;
    return false;
}

void found_assert_address(const struct found *f, size_t i, const char *address)
{
    assert_true(i < f->count && i < FOUND_KEPT);
    assert_true(is(&f->addresses[i], address));
}

void found_never(rondo_loop *loop, void *arg, const rondo_address *addresses,
                 size_t count, const char *canonical, int error)
{
    (void)loop, (void)arg, (void)addresses;
    (void)count, (void)canonical, (void)error;
    abort();
}

void named_never(rondo_loop *loop, void *arg, const char *host,
                 const char *service, int error)
{
    (void)loop, (void)arg, (void)host, (void)service, (void)error;
    abort();
}

void names_replace(struct world *w)
{
    if (!raw_names_replace())
        test_skip(w, "this system's look-ups cannot be replaced");
}

void names_release(struct world *w)
{
    raw_names_release();
    test_run_until(w, raw_names_waiting() == 0);
}
