/* harness_flow.h - flow control between two transports of any kind.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_FLOW_H
#define RONDO_TEST_HARNESS_FLOW_H

#include "harness.h"

/*
 * Both are made, and connected with each other. The reader pauses: the writer
 * passes its high mark, hears pause_writing once, and then nothing happens and
 * costs no CPU. The reader goes on: the writer hears resume_writing once, at
 * its low mark or below, and every byte arrives.
 */
void flow_play(struct world *w, struct peer *writer, struct peer *reader);

#endif
