/* replay.c - gives a fuzz target the inputs that are kept: what ctest runs. */
/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <dirent.h>

static unsigned replay(const char *path)
{
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    CHECK(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    /* a copy of its own size, so that a sanitizer sees its end */
    uint8_t *copy = malloc(size ? size : 1);
    CHECK(copy);
    memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 1;
}

/* replay FOLDER */
int main(int argc, char **argv)
{
    unsigned count = 0;
    char path[1000];
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    CHECK(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        if (e->d_name[0] != '.')
            count += replay(path);
    }
    closedir(dir);
    printf("%u inputs\n", count);
    return count == 0;
}
