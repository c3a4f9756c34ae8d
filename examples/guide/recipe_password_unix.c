/* recipe_password_unix.c - asks for a password, which is not shown. */
/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*password_fn)(rondo_loop *loop, void *arg, const char *password,
                            size_t size, int error);

struct prompt {
    rondo_fd terminal;
    rondo_reader *reader;
    password_fn done;
    void *arg;
};

/* What is freed may be found in a dump of the memory. */
static void wipe(void *data, size_t size)
{
    volatile unsigned char *p = data;
    while (size--)
        *p++ = 0;
}

static void entered(rondo_reader *reader, void *arg, const void *line,
                    size_t size, int error)
{
    struct prompt *p = arg;
    rondo_loop *loop = rondo_reader_loop(reader);
    char password[256] = "";
    rondo_terminal_set_mode(p->terminal, RONDO_TERMINAL_NORMAL, 0);
    if (!error) /* the Enter was not shown either */
        rondo_transport_write(rondo_reader_transport(reader), "\n", 1);
    if (!error && size <= sizeof password) {
        memcpy(password, line, --size);
        password[size] = 0;
    }
    p->done(loop, p->arg, password, error ? 0 : size, error);
    wipe(password, sizeof password);
    rondo_reader_free(reader);
    free(p);
}

/* terminal: rondo_stdio(0), which is borrowed. */
static int ask_password(rondo_loop *loop, rondo_fd terminal,
                        const char *question, password_fn done, void *arg)
{
    struct prompt *p = calloc(1, sizeof *p);
    rondo_transport *t;
    int error;
    if (!p)
        return RONDO_ENOMEM;
    *p = (struct prompt){terminal, NULL, done, arg};
    /* Ctrl-C, too, is to leave a terminal that shows what is typed. */
    error = rondo_terminal_set_mode(terminal, RONDO_TERMINAL_NO_ECHO,
                                    RONDO_TERMINAL_GUARD);
    if (error < 0) { /* RONDO_EINVAL: it is none; then do not ask */
        free(p);
        return error;
    }
    error = rondo_reader_new(loop, 255, NULL, NULL, &p->reader);
    if (error == 0)
        error = rondo_adopt(loop, terminal, RONDO_PIPE_BORROW,
                            rondo_reader_protocol(), p->reader, &t);
    if (error == 0)
        error = rondo_transport_write(t, question, strlen(question));
    if (error >= 0)
        error = rondo_read_line(p->reader, entered, p);
    if (error == 0)
        return 0;
    rondo_terminal_set_mode(terminal, RONDO_TERMINAL_NORMAL, 0);
    rondo_reader_free(p->reader);
    free(p);
    return error;
}

/* ---- a terminal, and who sits there ---- */

static char screen[256];
static size_t on_screen;

static void see(rondo_transport *t, void *self, const void *data, size_t size)
{
    (void)self;
    if (size > sizeof screen - 1 - on_screen)
        size = sizeof screen - 1 - on_screen;
    memcpy(screen + on_screen, data, size);
    on_screen += size;
    if (!strcmp(screen, "password: "))
        rondo_transport_write(t, "secret\n", 7);
}

static const rondo_protocol person = {.data_received = see};

static void got(rondo_loop *loop, void *arg, const char *password, size_t size,
                int error)
{
    rondo_transport *const *there = arg;
    (void)loop;
    printf("%s: %zu characters, %s\n", rondo_error_name(error), size,
           strcmp(password, "secret") ? "wrong" : "right");
    rondo_transport_close(*there);
}

int main(void)
{
    rondo_loop *loop = NULL;
    rondo_transport *there;
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) < 0) {
        perror("recipe_password_unix");
        return 1;
    }
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_adopt(loop, master, RONDO_PIPE_OWN, &person, NULL, &there) < 0 ||
        ask_password(loop, slave, "password: ", got, &there) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_password_unix: %s\n", rondo_last_error());
        return 1;
    }
    screen[strcspn(screen, "\r\n")] = 0;
    printf("on the screen: \"%s\"\n", screen);
    close(slave);
    return rondo_loop_close(loop) < 0;
}
