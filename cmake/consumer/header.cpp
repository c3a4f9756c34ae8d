/* header.cpp - proves that rondo.h is C++ too. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>

int main()
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop = nullptr;

    options.backend = "poll";
    if (rondo_loop_new(&loop, &options) < 0)
        return 1;
    return rondo_loop_close(loop) < 0;
}
