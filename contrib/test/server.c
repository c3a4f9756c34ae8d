/* server.c - the real servers that the adapters' tests talk to. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "server.h"

#include "raw_fs.h"
#include "raw_program.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { START_MS = 60000, TEXT = 1024 };

static const char ready[] = "ready to accept connections";
static char folder[TEXT], path[TEXT + 32];
static struct raw_program *server;

const char *server_socket(void)
{
    return path;
}

const char *server_folder(void)
{
    return folder;
}

static bool make_folder(const char *socket_name)
{
    if (!raw_fs_folder(folder, sizeof folder))
        return false;
    (void)snprintf(path, sizeof path, "%s/%s", folder, socket_name);
    return chmod(folder, 0777) == 0; /* for a server with another user */
}

static bool answers(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool connected;

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    connected =
        fd >= 0 && connect(fd, (const struct sockaddr *)(void *)&address,
                           sizeof address) == 0;
    if (fd >= 0)
        (void)close(fd);
    return connected;
}

/* says: what it prints when it is ready; NULL: it is, as soon as it answers. */
static bool start(const char *const *argv, const char *says)
{
    int64_t end = raw_now_ns() + (int64_t)START_MS * 1000000;

    server = raw_program_start(argv);
    if (server && says && !raw_program_says(server, says, START_MS))
        end = 0;
    while (server && !answers() && raw_now_ns() < end)
        raw_sleep_ms(5);
    if (server && end && answers())
        return true;
    printf("%s did not start:\n%s\n", argv[0],
           server ? raw_program_output(server) : "");
    server_stop();
    return false;
}

void server_stop(void)
{
    if (server) {
        (void)raw_program_signal(server, SIGINT);
        (void)raw_program_end(server, START_MS);
        server = NULL;
    }
    raw_fs_folder_remove(folder);
}

/* Writes a file in the folder. */
static bool write_file(const char *name, const char *format, ...)
{
    char file_name[2 * TEXT];
    va_list args;
    FILE *file;

    (void)snprintf(file_name, sizeof file_name, "%s/%s", folder, name);
    file = fopen(file_name, "w");
    if (!file)
        return false;
    va_start(args, format);
    (void)vfprintf(file, format, args);
    va_end(args);
    return fclose(file) == 0;
}

bool server_start_nginx(const char *program)
{
    char configuration[2 * TEXT], directive[2 * TEXT];

    if (!make_folder("nginx.socket"))
        return false;
    (void)snprintf(configuration, sizeof configuration, "%s/nginx.conf",
                   folder);
    if (!write_file("nginx.conf",
                    "daemon off;\nworker_processes 1;\npid %s/pid;\n"
                    "error_log stderr;\nevents {}\nhttp {\n"
                    "  access_log off;\n"
                    "  client_body_temp_path %s/t1;\n  proxy_temp_path %s/t2;\n"
                    "  fastcgi_temp_path %s/t3;\n  uwsgi_temp_path %s/t4;\n"
                    "  scgi_temp_path %s/t5;\n"
                    "  server { listen unix:%s; root %s;\n"
                    "    location /slow { limit_rate 1000; alias %s/page; }\n"
                    "  }\n}\n",
                    folder, folder, folder, folder, folder, folder, path,
                    folder, folder))
        return false;
    if (!write_file("page", "%0100000d", 1))
        return false;
    /* what it says before it has read its configuration goes there, too */
    (void)snprintf(directive, sizeof directive, "%s/", folder);
    return start((const char *const[]){program, "-p", directive, "-c",
                                       configuration, "-e", "stderr", NULL},
                 NULL);
}

bool server_start_redis(const char *program)
{
    if (!make_folder("redis.socket"))
        return false;
    return start((const char *const[]){program, "--port", "0", "--unixsocket",
                                       path, "--save", "", "--dir", folder,
                                       NULL},
                 ready);
}

/* Runs a program to its end. */
static bool run(const char *const *argv)
{
    struct raw_program *p = raw_program_start(argv);
    int code = p ? raw_program_end(p, START_MS) : -1;

    if (code != 0)
        printf("%s ended with %d\n", argv[0], code);
    return code == 0;
}

bool server_start_postgres(const char *programs)
{
    char initdb[TEXT], postgres[TEXT], data[2 * TEXT];
    bool root = getuid() == 0;
    /* the words before the program that make it another user's */
    const char *const as[] = {"/usr/bin/setpriv", "--reuid=postgres",
                              "--regid=postgres", "--clear-groups"};
    const char *argv[24];
    size_t begin = 0, n;

    if (!make_folder(".s.PGSQL.5432"))
        return false;
    (void)snprintf(initdb, sizeof initdb, "%s/initdb", programs);
    (void)snprintf(postgres, sizeof postgres, "%s/postgres", programs);
    (void)snprintf(data, sizeof data, "%s/data", folder);
    for (size_t i = 0; root && i < sizeof as / sizeof *as; i++)
        argv[begin++] = as[i];
    n = begin;
    argv[n++] = initdb;
    argv[n++] = "-U";
    argv[n++] = "rondo";
    argv[n++] = "--auth=trust";
    argv[n++] = "--no-sync";
    argv[n++] = "--no-locale";
    argv[n++] = "-D";
    argv[n++] = data;
    argv[n] = NULL;
    if (!run(argv))
        return false;
    n = begin;
    argv[n++] = postgres;
    argv[n++] = "-D";
    argv[n++] = data;
    argv[n++] = "-k";
    argv[n++] = folder;
    argv[n++] = "-h";
    argv[n++] = "";
    argv[n++] = "-F"; /* no fsync */
    argv[n] = NULL;
    return start(argv, ready);
}
