/* components.c - proves that the components link and run: tls, cares. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#ifdef WITH_TLS
#include <rondo_tls.h>
#endif
#ifdef WITH_CARES
#include <rondo_cares.h>
#endif

#include <stdio.h>
#include <string.h>

/* Each part works, and its error's sentence comes from the library that the
 * program links with: there is one of it in the process. */
static int try_tls(void)
{
#ifdef WITH_TLS
    rondo_tls_context *context = NULL;
    if (rondo_tls_context_new(&context, RONDO_TLS(.verify = RONDO_OFF)) < 0)
        return -1;
    rondo_tls_context_free(context);
    if (rondo_tls_context_new(&context, RONDO_TLS(.server = true)) !=
            RONDO_EINVAL ||
        !strstr(rondo_last_error(), "certificate"))
        return -1;
    printf("tls\n");
#endif
    return 0;
}

static int try_cares(rondo_loop *loop)
{
    (void)loop;
#ifdef WITH_CARES
    rondo_cares *cares = NULL;
    const rondo_cares_options options = {.size = sizeof options, .tries = -1};
    if (rondo_cares_new(loop, NULL, &cares) < 0)
        return -1;
    rondo_cares_free(cares);
    if (rondo_cares_new(loop, &options, &cares) != RONDO_EINVAL)
        return -1;
    printf("cares\n");
#endif
    return 0;
}

int main(void)
{
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0 || try_tls() < 0 ||
        try_cares(loop) < 0 || rondo_loop_run(loop) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
