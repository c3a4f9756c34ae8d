/* calls.h - calls of the system that fail when they are told to. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TORTURE_CALLS_H
#define RONDO_TORTURE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The library is linked with its calls of malloc, recv and so on renamed to
 * torture_malloc, torture_recv (calls.c), and is otherwise what programs use. */

/* Each way is an error of a call's own list: the first one, and others that
 * the library treats in another way, such as EINTR. A call with fewer errors
 * does not count in the ways behind them. */
enum { TORTURE_WAYS = 3 };

/* The calls are counted from now on, and the n-th fails (0: none). */
void torture_begin(unsigned way, uint64_t n);
/* No call fails any more. Returns how many there were. */
uint64_t torture_end(void);
/* The call that has failed; NULL: there was no n-th. */
const char *torture_failed(void);
/* Blocks that the library has not freed. */
int64_t torture_blocks(void);

/* For calls.c alone: whether this call must fail; sets errno. */
bool torture_fails(const char *name, const int *errors, size_t count);
void torture_count_blocks(int change);

/* CMakeLists.txt lists the names, too. A call of which `if_` does not hold fails
 * in no kernel, and is passed on. The errors are those of its way 0, 1 and 2. */
#define CALL_IF(if_, type, failure, name, parameters, arguments, ...)          \
    type torture_##name parameters;                                            \
    type torture_##name parameters                                             \
    {                                                                          \
        static const int errors[] = {__VA_ARGS__};                             \
        if ((if_) &&                                                           \
            torture_fails(#name, errors, sizeof errors / sizeof *errors))      \
            return failure;                                                    \
        return name arguments;                                                 \
    }
#define CALL(...) CALL_IF(true, __VA_ARGS__)

#endif
