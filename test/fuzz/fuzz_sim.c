/* fuzz_sim.c - bytes become programs over the simulated system: ./dev sim's. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "model.h"
#include "rondo_sim.h"

/* The first bytes choose the kind of program and the seed, each of the others
 * what one step does. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, size};
    unsigned kind = input_byte(&in);
    unsigned focus = input_byte(&in) % 32, other = input_byte(&in) % 32;
    uint64_t seed = 1 + input_number(&in, 255);
    struct model_options o =
        model_options_of(seed, kind & 1 ? "done" : "ready");
    struct model_result result = {0};
    o.focus[0] = focus;
    o.focus[1] = other;
    o.bytes = in.bytes;
    o.byte_count = in.size;
    if (model_play(seed, &o, &result) != 0) {
        fprintf(stderr, "fuzz_sim: %s\n", rondo_sim_failure());
        abort();
    }
    return 0;
}
