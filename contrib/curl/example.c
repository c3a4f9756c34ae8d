/* example.c - fetches all URLs at once: get URL..., and tells of each, as it
 * ends, its status and its size.
 *
 *   cc example.c rondo_curl.c -lcurl -lrondo -pthread */
/* SPDX-License-Identifier: MIT */
#include "rondo_curl.h"

#include <stdio.h>

static int failed;

static size_t drop(const char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes, (void)arg;
    return size * count;
}

static void ended(rondo_loop *loop, void *arg, CURL *easy, CURLcode result)
{
    long status = 0;
    curl_off_t size = 0;
    (void)loop;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &size);
    if (result == CURLE_OK)
        printf("%ld %10lld %s\n", status, (long long)size, (char *)arg);
    else
        printf("%s: %s\n", (char *)arg, curl_easy_strerror(result));
    failed |= result != CURLE_OK;
    curl_easy_cleanup(easy);
}

static int start(rondo_curl *curl, char *url)
{
    CURL *easy = curl_easy_init();
    if (!easy || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK)
        return -1;
    return rondo_curl_start(curl, easy, ended, url);
}

int main(int argc, char **argv)
{
    rondo_loop *loop;
    rondo_curl *curl;
    if (argc < 2) {
        fprintf(stderr, "usage: get URL...\n");
        return 2;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        rondo_loop_new(&loop, NULL) < 0)
        return 1;
    if (rondo_curl_new(loop, &curl) < 0) {
        fprintf(stderr, "get: %s\n", rondo_last_error());
        return 1;
    }
    for (int i = 1; i < argc; i++)
        if (start(curl, argv[i]) < 0)
            failed = 1;
    if (rondo_loop_run(loop) < 0)
        failed = 1;
    rondo_curl_free(curl);
    rondo_loop_close(loop);
    curl_global_cleanup();
    return failed;
}
