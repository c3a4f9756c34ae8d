/* kept.c - programs that failed once, as ./dev sim prints them: no step of them
 * does now.
 * SPDX-License-Identifier: MIT
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

/* accepted side 12: byte 41 is wrong */
static const uint64_t seed_6493715673650286[] = {
    0x3193076036aef53c,
    0x1698bb1dbe1a8eec,
    0x4b24ee168cf5b808, /* 0.000000 s: host 0 in net_begin: serve = 0 */
    0x9238cfd6319a506d,
    0xe8300d6856a5f864, /* 0.000000 s: host 0 in tick: call_soon = 0 */
    0xb467b52860631801, /* 0.000000 s: host 0 in callback: pipe = 0 */
    0x9b9368908a0f544c,
    0xb76c451de3791e01,
    0x61d299d7bc4f9090,
    0xc2f632d3179faaa8, /* 0.000000 s: pipe writer 1 in connection_made: pause_inside = 0 */
    0x71bc2b69e4bb2c3a,
    0xd38d577ac12578f0, /* 0.000000 s: pipe reader 0 in data_received: reader_drain = ENOENT */
    0x4488c27ff95ad803, /* 0.000000 s: host 1 in net_begin: serve = 0 */
    0xf668a247ac52f877,
    0x41e5c94aa9f5cab0, /* 0.000000 s: host 1 in tick: timer = 1 */
    0xba9e5cf1e6a45668,
    0x887c6ee52d734022,
    0x86b4c0c1c1445fc7,
    0x99ea846b2dd11a79,
    0x2c3a4482d6fb1fc9, /* 0.003849 s: host 1 in timer: connect = 4612248968380809216 */
    0xec3c4faa3b667ec0,
    0x7187e773d7cfcf8f, /* 0.003849 s: unix client 2 in connection_made: reader_drain = ENOENT */
    0xfb102dde9258bbfd,
    0x62f1df433687dfd0,
    0x9800a9250977298d, /* 0.003849 s: unix server 3 in connection_made: pause_reading = 0 */
    0xa7108faaf4c4c5dd, /* 0.004096 s: host 0 in tick: any side = 0 */
    0x8091bb9f5c07cb76, /* 0.004746 s: unix client 2 in timer: write = 0 */
    0x8ec35750779e53a7,
    0x64ea555b7d5fade5, /* 0.007352 s: pipe writer 1 in timer: reader_drain = ENOENT */
    0xfc4feb3cc57642ce,
    0x5b1df152e4300df1, /* 0.007698 s: host 1 in timer: any side = 0 */
    0xba53f1ed7b2f409c, /* 0.008802 s: pipe writer 1 in timer: writev = 0 */
    0x9ef4577a0eb98ebd,
    0x8b4787f6b51d4d17,
    0xbc7ad41906a5da77, /* 0.008802 s: pipe reader 0 in data_received: close_within of 1 = 0 */
    0xfc8db19c948c815b,
    0x0a2c270cf0d96283, /* 0.008802 s: pipe writer 1 in connection_lost: detach = EBUSY */
    0x8bad8536ce0b2f5e,
    0xb6441fd7407a4836, /* 0.008802 s: pipe reader 0 in data_received: close_now = 0 */
    0x7562a9f4c2a2067d,
    0xd230bbf94e6738f0, /* 0.008802 s: pipe reader 0 in connection_lost: close = 0 */
    0xed6cecce95ff8ca7, /* 0.011403 s: unix client 2 in timer: drain = 4612248968397586432 */
    0x4e7a649a4daea882,
    0xc85724a20ff56eb7, /* 0.011403 s: unix client 2 in drain's done: writev = 0 */
    0x8028d656a06bdc1e, /* 0.011547 s: host 1 in timer: call_soon = 0 */
    0x402369c2c5513856, /* 0.011547 s: host 1 in callback: getaddrinfo = 4612248968414363648 */
    0x3695c7ae63221a28, /* 0.012869 s: host 1 in tick: timer = 1 */
    0x638c95da1dc57979, /* 0.014179 s: host 0 in tick: serve = 0 */
    0xa665995096eb8247, /* 0.015396 s: host 1 in timer: call_soon = 0 */
    0xc2839224b19de989, /* 0.015396 s: host 1 in callback: cancel = ENOENT */
    0xb3f0c64da9db06d7, /* 0.016979 s: unix server 3 in timer: close = 0 */
    0x34ecb9f7f189634d,
    0x4fdae1274efaa93e,
    0x01ea607f1cfa0d85, /* 0.016979 s: unix server 3 in connection_lost: close = 0 */
    0x37679bc382f9aa98,
    0x387cb4c6355f48dc, /* 0.016979 s: unix client 2 in connection_lost: close_within = 0 */
    0xee8efbeaaaa84c1b, /* 0.019245 s: host 1 in timer: file = 0 */
    0x8e05e973a20a8426, /* 0.019245 s: file 0 in file: file_open = 4612248968431140864 */
    0x55c4810c9f7e39ba, /* 0.019245 s: file 0 in file: file_write = 4612248968447918080 */
    0xba91875157e28b34, /* 0.019245 s: file 0 in file: file_read = 4612248968464695296 */
    0x3927804d6548d6ac, /* 0.019245 s: file 0 in file: file_sync = 4612248968481472512 */
    0xde81f38ff7dfd0c1, /* 0.019245 s: file 0 in file: file_close = 4612248968380809217 */
    0x384b51e037897e99, /* 0.019245 s: file 0 in file: fs_unlink = 4612248968397586433 */
    0x8ec3e69f07b4d3d5, /* 0.021724 s: host 1 in tick: any side = ENOENT */
    0x5cce4110845024ba, /* 0.023094 s: host 1 in timer: file = 0 */
    0x7e6eba2a27e37fdd, /* 0.023094 s: file 1 in file: file_open = 4612248968414363649 */
    0xcbc0f366b9691cb1, /* 0.023094 s: file 1 in file: file_write = 4612248968431140865 */
    0x3b52dcce16a1eccf, /* 0.023094 s: file 1 in file: file_read = 4612248968447918081 */
    0x1dcdee06b14e7f0a, /* 0.023094 s: file 1 in file: file_sync = 4612248968464695297 */
    0xbc10ef0c871d443d, /* 0.025605 s: host 0 in tick: timer = 1 */
    0x4551e24d9a78cd8a, /* 0.026943 s: host 1 in timer: cancel = ENOENT */
    0x3f2ab3e0f7697b51, /* 0.028052 s: host 1 in timer: any side = ENOENT */
    0x5a411f6d5aa74101, /* 0.069909 s: host 0 in tick: timer = 1 */
    0xa12c8e259cfcf2b2, /* 0.072898 s: host 0 in timer: serve = 0 */
    0x35dc0c222f995bb3, /* 0.073830 s: host 0 in tick: any side = ENOENT */
    0x3f7b64c91039e0ed, /* 0.076980 s: host 1 in timer: connect = 4612248968531804160 */
    0x3c2419c5c0feb5fa, /* 0.077653 s: host 1 in tick: timer = 1 */
    0xf9dd85153327f38b, /* 0.080682 s: host 1 in timer: sleep = 0 */
    0xa177eea45235b651, /* 0.080201 s: host 0 in tick: cancel = ENOENT */
    0x5a379c2d5fa4edad,
    0x56341e2bed21c75d,
    0xa56fa7db279a23b0, /* 0.080682 s: server side 5 in connection_made: detach = 0 */
    0x0e44c3c1fe6a7546, /* 0.080829 s: host 1 in timer: timer = 1 */
    0xe331bd1e340dfaec, /* 0.083405 s: host 1 in timer: job = 4612248968548581376 */
    0x47bf1354223fd52e, /* 0.083405 s: host 1 in job's done: send_fd of 5 = ENOTSUP */
    0xdd6bbff4470a7c32, /* 0.084678 s: host 1 in timer: connect = 4612248968565358592 */
    0xa0542f3455fdcacf,
    0x8f4a57b8fb7ae1be, /* 0.092376 s: host 1 in timer: serve = 0 */
    0xb0e065615b87515f, /* 0.092612 s: host 1 in tick: connect = 4612248968582135808 */
    0x626558cbdd804b0c, /* 0.092612 s: unix client 7 in setup: push filters = 2 */
    0x277fe257a156f416,
    0x73e3b2eea89a262b, /* 0.092662 s: unix client 7 in connection_made: resume_reading = 0 */
    0xcd675bd5726352b9,
    0x216597d17f93a3ef, /* 0.094908 s: server side 5 in timer: detach = 0 */
    0xae5158ade90f9965, /* 0.095008 s: server side 5 in raw: adopt = 0 */
    0xa73141af0d488ac6,
    0x178e366aab0fb75e, /* 0.095008 s: server side 5 in connection_made: detach = 0 */
    0xa10e931635d9323d, /* 0.096225 s: host 1 in timer: connect = 4612248968598913024 */
    0x55931aa11c2bd35b, /* 0.097783 s: host 1 in accepted: accepted = 1000015 */
    0x3ead4754daf78672,
    0xe176dcdd9834cbd4,
    0x750e50e7c548f550,
    0x8cdab8d7d5d4c428, /* 0.097883 s: accepted side 9 in raw: adopt = 0 */
    0xad317383a218171d,
    0x008d69c6d6e340af,
    0x9866d153b69bbeff, /* 0.103923 s: host 1 in timer: connect = 4612248968615690240 */
    0xf9aba6095f47ac70, /* 0.103967 s: host 1 in timer: serve = EBUSY */
    0xd142206e336a9c4f,
    0x49d8efd68be975f2,
    0x4e681c03a270ef98, /* 0.106430 s: host 0 in tick: connect = 4611686018427387904 */
    0xe884eb0b9d08631e,
    0x3752add63e7ae43d,
    0xf22e1983d6cc4533, /* 0.106759 s: host 1 in tick: any side = 0 */
    0xc9a3fd5770e8c6da, /* 0.106996 s: unix client 7 in timer: pass_filter = 0 */
    0xb9a5893d74d3fb28,
    0xa8b86558bf0a7de3, /* 0.106996 s: unix client 7 in push_filter's done: write_owned = 0 */
    0x9380f0b2e5bbb1fe,
    0x02b33170042335f2,
    0x3ef839ace41e95d2, /* 0.107638 s: client 4 in timer: write_owned = 0 */
    0x91a6f07826f81c95,
    0x69aea45abc39acd3, /* 0.107638 s: server side 5 in buffer_updated: abort = 0 */
    0x7fe48f79c566d35c,
    0x779ac816afa116cc, /* 0.107896 s: server side 5 in connection_lost: sleep = 0 */
    0x68e5908471e263e6,
    0x4d7471de7cb976e5,
    0xa786d872dd9e083f, /* 0.107896 s: host 1 in timer: hook = 4612248968632467456 */
    0x10d420dac63479dd, /* 0.108522 s: host 1 in tick: signal = 4612248968481472513 */
    0xcfeb5c39b33ed382, /* 0.108522 s: host 1 in signal: reader_drain of 8 = 0 */
    0xcb40eb2b7f0df7c4, /* 0.108663 s: host 1 in accepted: accepted = 1000011 */
    0x5f490e2e479ed99b, /* 0.108763 s: accepted side 12 in raw: adopt = 0 */
    0xefbdc40b1dfecb80,
    0x2245d0797194d048, /* 0.108763 s: accepted side 12 in connection_made: detach = 0 */
    0xb482a62b0868e7d5, /* 0.108863 s: accepted side 12 in raw: watch = 0 */
    0x4c48bd7db45e12ed, /* 0.108863 s: accepted side 12 in raw: sock_recv = 4612248968498249729 */
    0xfad2bafacecc3b15, /* 0.108863 s: accepted side 12 in raw: adopt = 0 */
    0xd0276236d93b68d3,
    0xa6f656f00ad58d63, /* 0.108863 s: accepted side 12 in connection_made: reader_drain = ENOENT */
    0x28696f08aafcd273,
    0xb3528b53f71638ec, /* 0.109737 s: client 11 in connection_made: reader_drain = ENOENT */
    0x7d2bc0a2a6916790, /* 0.109934 s: client 11 in timer: resume_reading = 0 */
    0x7797636ab8813e62,
    0x3ff1cbf527f55239,
    0x61e2e12265dfde59, /* 0.110631 s: client 11 in buffer_updated: detach = 0 */
    0x590f0b04cf3ccd7e, /* 0.110731 s: client 11 in raw: sock_sendall = 4611686018444165120 */
    0xbd023b8dd5dd3adc, /* 0.110731 s: client 11 in raw: sock_recv = 4611686018460942336 */
    0x95982ce21ee6c8b7, /* 0.110731 s: client 11 in raw: sock_sendall = 4611686018477719552 */
    0xfeaf47ca8d11c6b4, /* 0.110731 s: client 11 in raw: sock_sendall = 4611686018494496768 */
    0xee9921e7f66c1e7f, /* 0.110731 s: client 11 in raw: adopt = 0 */
    0xf019924145a1e1fe,
    0x980fe044998a4836,
    0x9dd4e75c7ab41ad0,
    0xda0b84356efd8be1,
    0x3ba1a04dc5887c2e, /* 0.111621 s: host 1 in timer: any side = 0 */
    0x9dfb6af5842f8a7b, /* 0.111924 s: host 1 in tick: connect = 4612248968515026945 */
    0x2cae9b2baabdc7c0,
    0x09309c17172c6346, /* 0.112303 s: accepted side 12 in buffer_updated: sendfile = 4612248968380809218 */
    0xfc12279148f22b99, /* 0.112303 s: accepted side 12 in sendfile's done: detach = 0 */
    0xa08e166122efbb4f, /* 0.112403 s: accepted side 12 in raw: watch = 0 */
    0x6f8e8444c36d805e, /* 0.112403 s: accepted side 12 in raw: adopt = 0 */
    0xdcf7ea1de2051640,
    0x7c7144f26b510e56, /* 0.112403 s: accepted side 12 in connection_made: move = EINVAL */
};
/* a change before the beginning */
static const uint64_t seed_5139[] = {
    0x57766691408d94c9, /* 0.000000 s: host 0 in net_begin: serve = 0 */
    0xb43cb8f20a31906d, /* 0.000000 s: host 1 in net_begin: serve = 0 */
    0xcd1b304730dc89ea, /* 0.000000 s: host 0 in tick: getaddrinfo = 4611686018427387904 */
    0x124927b3e86ccad8, /* 0.016041 s: host 1 in tick: cancel = 4613374868287651840 */
};

struct kept {
    const char *backend;
    uint64_t seed;
    const uint64_t *steps;
    size_t count;
};

#define KEPT(backend, seed)                                                    \
    {                                                                          \
#backend, seed, seed_##seed, sizeof seed_##seed / sizeof *seed_##seed  \
    }

static const struct kept programs[] = {
    KEPT(ready, 6493715673650286),
    KEPT(ready, 5139),
};

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int play(const struct kept *k)
{
    struct model_options o = model_options_of(k->seed, k->backend);
    struct model_result result = {0};
    uint64_t *steps = malloc(k->count * sizeof *steps);
    if (!steps)
        abort();
    for (size_t i = 0; i < k->count; i++)
        steps[i] = k->steps[i];
    qsort(steps, k->count, sizeof *steps, compare_keys);
    o.kept = steps;
    o.kept_count = k->count;
    int failed = model_play(k->seed, &o, &result);
    if (failed)
        printf("%s, seed %llu: %s\n", k->backend, (unsigned long long)k->seed,
               rondo_sim_failure());
    free(steps);
    return failed != 0;
}

int main(void)
{
    int failed = 0;
    size_t count = sizeof programs / sizeof *programs;
    for (size_t i = 0; i < count; i++)
        failed += play(&programs[i]);
    printf("%zu programs, %d fail\n", count, failed);
    return failed != 0;
}
