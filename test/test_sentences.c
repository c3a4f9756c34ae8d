/* test_sentences.c - what a newcomer is told: what was tried, on what, why it
 * failed, and what to do. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_report.h"

/* One mistake: makes it, and returns the error. The sentence is the last one. */
struct mistake {
    const char *name;
    int (*make)(struct world *w);
    int error;
    const char *parts[5]; /* all are in the sentence, in this order */
    int needs;            /* a rondo_capability; < 0: nothing */
};

enum { ALWAYS = -1 };

/* ---- what fails at once ------------------------------------------------- */

static rondo_server *nowhere;

static int loop_of_no_size(struct world *w)
{
    rondo_loop_options o = {0};

    o.debug = 1;
    return rondo_loop_new(&w->other, &o);
}

static int unknown_backend(struct world *w)
{
    rondo_loop_options o = test_loop_options(w);

    o.backend = "warp";
    return rondo_loop_new(&w->other, &o);
}

static int no_protocol(struct world *w)
{
    return rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"), NULL,
                               NULL, &nowhere);
}

static int port_in_use(struct world *w)
{
    const struct listener *l = test_serve(w);

    return rondo_create_server(w->loop,
                               RONDO_SERVE(.host = "127.0.0.1", .port = l->port,
                                           .protocol_factory = ignore_client),
                               NULL, NULL, &nowhere);
}

static int foreign_address(struct world *w)
{
    return rondo_create_server(
        w->loop,
        RONDO_SERVE(.host = "192.0.2.1", .protocol_factory = ignore_client),
        NULL, NULL, &nowhere);
}

static int server_of_a_name(struct world *w)
{
    return rondo_create_server(
        w->loop,
        RONDO_SERVE(.host = "localhost", .protocol_factory = ignore_client),
        NULL, NULL, &nowhere);
}

static int path_without_folder(struct world *w)
{
    return rondo_create_server(w->loop,
                               RONDO_SERVE(.path = "/no/such/folder/socket",
                                           .protocol_factory = ignore_client),
                               NULL, NULL, &nowhere);
}

static int connect_to_nothing(struct world *w)
{
    return (int)rondo_create_connection(w->loop, NULL, &recorder, test_peer(w),
                                        count_connected, w);
}

static int no_function(struct world *w)
{
    return (int)rondo_call_soon(w->loop, NULL, NULL);
}

static int no_loop(struct world *w)
{
    (void)w;
    return (int)rondo_call_soon(NULL, ignore_call, NULL);
}

static int period_of_nothing(struct world *w)
{
    return (int)rondo_call_every(w->loop, 0, ignore_call, NULL);
}

static int cancelled_twice(struct world *w)
{
    rondo_id id = rondo_call_soon(w->loop, never_call, w);

    assert_ok(rondo_cancel(w->loop, id));
    return rondo_cancel(w->loop, id);
}

static int closed_descriptor(struct world *w)
{
    return rondo_add_reader(w->loop, RONDO_NO_FD, ignore_fd, NULL);
}

static int bad_address(struct world *w)
{
    rondo_address a;

    (void)w;
    return rondo_address_parse(&a, "300.1.1.1", 80);
}

static int limits_upside_down(struct world *w)
{
    struct peer *p, *other;
    int error;

    test_pair(w, &p, &other);
    error = rondo_transport_set_write_buffer_limits(p->transport, 3, 9);
    rondo_transport_abort(p->transport);
    return error;
}

static int written_after_close(struct world *w)
{
    struct peer *p, *other;

    test_pair(w, &p, &other);
    rondo_transport_close(p->transport);
    return rondo_transport_write(p->transport, "x", 1);
}

static int no_such_program(struct world *w)
{
    static const rondo_process_protocol nothing;
    rondo_process *process;

    return rondo_subprocess_exec(
        w->loop, RONDO_PROCESS(.argv = WORDS("no-such-program")), &nothing,
        NULL, &process);
}

/* ---- what a callback is told -------------------------------------------- */

static int told;

static void keep_answer(rondo_loop *loop, void *arg, int error)
{
    (void)loop;
    (void)snprintf(arg, 512, "%s", rondo_last_error());
    told = error;
}

static void connect_answer(rondo_loop *loop, void *arg, rondo_transport *t,
                           int error)
{
    assert_null(t);
    keep_answer(loop, arg, error);
}

static void file_answer(rondo_loop *loop, void *arg, rondo_file *file,
                        int error)
{
    assert_null(file);
    keep_answer(loop, arg, error);
}

/* Runs until the callback was told, and makes its sentence the last one. */
static int answer_of(struct world *w, rondo_id id, char *sentence)
{
    assert_ok(id);
    test_run_until(w, told);
    (void)rondo_set_error(told, "%s", sentence);
    return told;
}

static int connect_with(struct world *w, const rondo_connect_options *options)
{
    char *sentence = test_alloc(w, 512);

    told = 0;
    return answer_of(w,
                     rondo_create_connection(w->loop, options, &recorder,
                                             test_peer(w), connect_answer,
                                             sentence),
                     sentence);
}

static int nobody_listens(struct world *w)
{
    return connect_with(
        w, RONDO_CONNECT(.host = "127.0.0.1", .port = dial_dead_port()));
}

static int nobody_made_the_path(struct world *w)
{
    return connect_with(w, RONDO_CONNECT(.path = "/no/such/socket"));
}

static int no_such_file(struct world *w)
{
    char *sentence = test_alloc(w, 512);

    told = 0;
    return answer_of(w,
                     rondo_file_open(w->loop, "no-such-folder/file",
                                     RONDO_FILE_READ, 0, file_answer, sentence),
                     sentence);
}

static void run_inside(rondo_loop *loop, void *arg)
{
    int error = rondo_loop_close(loop);

    keep_answer(loop, arg, error);
}

static int closed_inside(struct world *w)
{
    char *sentence = test_alloc(w, 512);

    told = 0;
    return answer_of(w, rondo_call_soon(w->loop, run_inside, sentence),
                     sentence);
}

static void use_elsewhere(void *arg)
{
    struct world *w = ((struct report *)arg)->w;

    told = (int)rondo_call_soon(w->loop, never_call, w);
}

static int by_another_thread(struct world *w)
{
    struct report *r = report_new(w);

    told = 0;
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(1000)));
    raw_thread_join(raw_thread_start(use_elsewhere, r));
    test_run_until(w, r->count);
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    (void)rondo_set_error(told, "%s", r->messages[0]);
    return told;
}

/* ---- G1: the table ------------------------------------------------------ */

static const struct mistake mistakes[] = {
    {"options of no size",
     loop_of_no_size,
     RONDO_EINVAL,
     {"loop_new: ", "options.size is not set", "; begin with", "_INIT"},
     ALWAYS},
    {"a backend that is not there",
     unknown_backend,
     RONDO_ENOTSUP,
     {"loop_new: ", "\"warp\"", "there is: "},
     ALWAYS},
    {"no protocol",
     no_protocol,
     RONDO_EINVAL,
     {"create_server: ", "no protocol, no protocol_factory"},
     ALWAYS},
    {"a port in use",
     port_in_use,
     RONDO_EADDRINUSE,
     {"create_server: cannot bind ", "127.0.0.1:", "(", "); another"},
     RONDO_CAN_TCP},
    {"an address of another machine",
     foreign_address,
     RONDO_EADDRNOTAVAIL,
     {"create_server: cannot bind ", "192.0.2.1:", "(",
      "; it is not an address of this machine"},
     RONDO_CAN_TCP},
    {"a server of a name",
     server_of_a_name,
     RONDO_EINVAL,
     {"create_server: ", "\"localhost\"", "; rondo_getaddrinfo"},
     RONDO_CAN_TCP},
    {"a path without its folder",
     path_without_folder,
     RONDO_ENOENT,
     {"create_server: cannot bind ", "/no/such/folder/socket", "(ENOENT)",
      "; its folder has to exist"},
     RONDO_CAN_UNIX},
    {"a connect to nothing",
     connect_to_nothing,
     RONDO_EINVAL,
     {"create_connection: ", "exactly one of host, path, address and socket"},
     ALWAYS},
    {"no function",
     no_function,
     RONDO_EINVAL,
     {"call_soon: ", "no function"},
     ALWAYS},
    {"no loop", no_loop, RONDO_EINVAL, {"call_soon: ", "NULL"}, ALWAYS},
    {"a period of nothing",
     period_of_nothing,
     RONDO_EINVAL,
     {"call_every: ", "a period of 0 ns"},
     ALWAYS},
    {"cancelled twice",
     cancelled_twice,
     RONDO_ENOENT,
     {"cancel: ", "no such id", "was cancelled"},
     ALWAYS},
    {"a descriptor that is closed",
     closed_descriptor,
     RONDO_EBADF,
     {"add_reader: ", "descriptor -1", "not open"},
     ALWAYS},
    {"no address",
     bad_address,
     RONDO_EINVAL,
     {"address_parse: ", "\"300.1.1.1\"", "numeric address"},
     ALWAYS},
    {"limits upside down",
     limits_upside_down,
     RONDO_EINVAL,
     {"transport_set_write_buffer_limits: ", "high 3", "low 9"},
     RONDO_CAN_TCP},
    {"written after the close",
     written_after_close,
     RONDO_ECLOSED,
     {"transport_write: ", "closed"},
     RONDO_CAN_TCP},
    {"no such program",
     no_such_program,
     RONDO_ENOENT,
     {"subprocess_exec: cannot run ", "no-such-program", "(",
      "; it is in no folder of PATH"},
     RONDO_CAN_SUBPROCESS},
    {"nobody listens",
     nobody_listens,
     RONDO_ECONNREFUSED,
     {"create_connection: cannot connect to ", "127.0.0.1:", "(",
      "; nobody listens there"},
     RONDO_CAN_TCP},
    {"nobody has made the path",
     nobody_made_the_path,
     RONDO_ENOENT,
     {"create_connection: cannot connect to /no/such/socket: ", "(ENOENT)",
      "; no server has made it"},
     RONDO_CAN_UNIX},
    {"no such file",
     no_such_file,
     RONDO_ENOENT,
     {"file_open: cannot open ", "\"no-such-folder/file\"", "("},
     ALWAYS},
    {"closed inside a callback",
     closed_inside,
     RONDO_EBUSY,
     {"loop_close: ", "the loop is running", "; stop it"},
     ALWAYS},
    {"by another thread",
     by_another_thread,
     RONDO_ETHREAD,
     {"call_soon: ", "thread", "; use rondo_call_soon_threadsafe"},
     ALWAYS},
};

static const char *last_name(struct world *w)
{
    char *name = test_alloc(w, 2048);

    (void)snprintf(name, 2048, "%s", rondo_last_error());
    return name;
}

/* "(ENAME)" and "(ENAME, from ...)" name the error that was returned, unless it
 * is a name of the system's. */
static bool names_another(const char *sentence, int error)
{
    const char *open = strstr(sentence, "(E");

    for (int other = -20001; open && other > -20100; other--) {
        const char *name = rondo_error_name(other);
        size_t size = strlen(name);

        if (other != error && strncmp(open + 1, name, size) == 0 &&
            (open[size + 1] == ')' || open[size + 1] == ','))
            return true;
    }
    return false;
}

static void check_sentence(struct world *w, const struct mistake *m, int error)
{
    const char *sentence = last_name(w), *at = sentence;

    if (error != m->error)
        test_fail(w, "%s: %s: %s", m->name, rondo_error_name(error), sentence);
    if (names_another(sentence, error))
        test_fail(w, "%s: not %s: %s", m->name, rondo_error_name(error),
                  sentence);
    for (size_t i = 0; i < COUNT_OF(m->parts) && m->parts[i]; i++) {
        at = strstr(at, m->parts[i]);
        if (!at)
            test_fail(w, "%s: no \"%s\" in its place in: %s", m->name,
                      m->parts[i], sentence);
        at += strlen(m->parts[i]);
    }
}

TEST_LEAVES(G1_each_mistake_has_its_sentence)
{
    for (EACH_ROW(w, m, mistakes)) {
        rondo_capability needs = (rondo_capability)m->needs;
        if (m->needs < 0 || rondo_loop_supports(w->loop, needs))
            check_sentence(w, m, m->make(w));
    }
}

/* An address that the program has named stands there once. */
TEST(G1_no_address_is_named_twice)
{
    const char *sentence, *first;

    assert_int_equal(nobody_listens(w), RONDO_ECONNREFUSED);
    sentence = last_name(w);
    first = strstr(sentence, "127.0.0.1");
    assert_non_null(first);
    assert_null(strstr(first + 1, "127.0.0.1"));
}
