/* test_named.c - connections by the name of a pipe. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_named.h"

/* ---- bytes -------------------------------------------------------------- */

TEST(C5_much_comes_back_the_same)
{
    const size_t size = (size_t)(4 << 20) / (size_t)test_slowness();
    unsigned char *data = test_alloc(w, size);
    struct named_pair p = named_pair(w);

    p.s->on_data = act_echo;
    test_fill(data, 0, size);
    assert_int_equal(rondo_transport_write(p.c->transport, data, size), 1);
    assert_received(p.c, size);
    assert_received(p.s, size);
    assert_int_equal(p.c->pauses, p.c->resumes);
    assert_true(p.c->pauses > 0);
    rondo_transport_close(p.s->transport);
    assert_lost(w, p.c, NULL, 0);
    test_stop(p.l);
}

TEST_LEAVES(C5_both_send_much_at_once)
{
    struct named_pair p = named_pair(w);

    test_exchange(w, p.c, p.s, (2u << 20) / (unsigned)test_slowness());
    rondo_transport_close(p.c->transport);
    assert_lost(w, p.c, NULL, 0);
    test_run_until(w, p.s->lost);
}

TEST_LEAVES(C5_in_pieces_of_one_byte)
{
    enum { COUNT = 300 };
    struct named_pair p = named_pair(w);

    for (unsigned i = 0; i < COUNT; i++) {
        unsigned char byte = test_pattern(i);

        assert_ok(rondo_transport_write(p.c->transport, &byte, 1));
        assert_ok(rondo_transport_write(p.s->transport, &byte, 1));
        if (i % 7 == 0)
            test_spin(w, 1);
    }
    assert_received(p.s, COUNT);
    assert_received(p.c, COUNT);
}

TEST_LEAVES(C5_into_a_buffer_of_the_programs)
{
    unsigned char data[10000];
    struct listener *l = test_serve_with(w, &buffered_recorder,
                                         RONDO_SERVE(.path = named_name(w)));
    struct peer *c = named_connect(w, l->name);

    test_fill(data, 0, sizeof data);
    assert_ok(rondo_transport_write(c->transport, data, sizeof data));
    rondo_transport_close(c->transport);
    test_run_until(w, l->count);
    assert_lost(w, l->first, "MbEL", 0);
    assert_received(l->first, sizeof data);
}

TEST_LEAVES(C5_from_one_loop_to_another)
{
    struct listener *l = named_serve(w, named_name(w));
    struct peer *p = test_peer(w);

    l->model.on_data = act_echo;
    assert_ok(dial_on(test_other_loop(w), RONDO_CONNECT(.path = l->name), p));
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, 0);
    assert_ok(rondo_transport_write(p->transport, "over", 4));
    assert_hears(w, p, "over");
    rondo_transport_close(l->first->transport);
    assert_lost(w, p, "MdEL", 0);
}

TEST_LEAVES(C5_what_is_written_empty_is_nothing)
{
    struct peer *p;
    raw_fd fd = named_raw_pair(w, &p);

    assert_ok(rondo_transport_write(p->transport, "", 0));
    assert_int_equal(raw_named_send(fd, "", 0), 0);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* without spinning */
    assert_string_equal(p->order, "M");
    assert_int_equal(raw_named_send(fd, "x", 1), 1);
    assert_hears(w, p, "x");
    test_close_own(w, fd);
    assert_lost(w, p, "MdEL", 0);
}

/* ---- names -------------------------------------------------------------- */

TEST(C5_nobody_serves_it)
{
    const char *name = named_name(w);
    struct peer *p = dial_to(w, RONDO_CONNECT(.path = name), RONDO_ENOENT);

    assert_true(strstr(p->last_error, "create_connection") != NULL);
    assert_true(strstr(p->last_error, name) != NULL);
    assert_int_not_equal(rondo_last_os_error(), 0);
}

TEST_LEAVES(C5_spellings_of_a_name)
{
    const char *name = named_name(w);
    struct listener *l = named_serve(w, name);
    char *spelling = test_alloc(w, 64), *longer = test_alloc(w, 128);

    (void)snprintf(spelling, 64, "//./PIPE/%s", name + strlen("\\\\.\\pipe\\"));
    (void)named_connect(w, spelling);
    for (char *c = spelling; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    (void)named_connect(w, spelling);
    (void)snprintf(spelling, 64, "\\\\?\\%s", name + strlen("\\\\.\\"));
    (void)named_connect(w, spelling);
    test_run_until(w, l->count == 3);
    /* beyond ASCII */
    (void)snprintf(longer, 128, "%s-gr\xC3\xBC\xC3\x9F\x65 \xE2\x82\xAC", name);
    (void)named_serve(w, longer);
    (void)named_connect(w, longer);
}

static void refused(struct world *w, const char *name, int error)
{
    dial_refused(w, RONDO_CONNECT(.path = name), error);
    serve_refused(w, RONDO_SERVE(.path = name), error, NULL);
}

TEST_LEAVES(C5_names_that_are_none)
{
    enum { MOST = 256 };
    const char *good = named_name(w);
    char *name = test_alloc(w, 300);

    (void)snprintf(name, 300, "%s-\xC3(", good);
    refused(w, name, RONDO_EINVAL);
    refused(w, "\\\\.\\pipe\\", RONDO_EINVAL);
    refused(w, "//./pipe/", RONDO_EINVAL);
    memset(name, 'x', MOST + 1);
    memcpy(name, good, strlen(good));
    refused(w, name, RONDO_ENAMETOOLONG);
    /* a path that is no pipe's */
    refused(w, "socket", RONDO_ENOTSUP);
    refused(w, "\\\\.\\pip\\x", RONDO_ENOTSUP);
    refused(w, "\\\\another\\pipe\\x", RONDO_ENOTSUP);
    assert_true(strstr(rondo_last_error(), "unix sockets") != NULL);
    name[MOST] = '\0'; /* the longest one */
    (void)named_serve(w, name);
    (void)named_connect(w, name);
}

TEST(C1_a_name_and_something_else)
{
    const char *name = named_name(w);
    rondo_address a = dial_address("127.0.0.1", 1);

    dial_refused(w, RONDO_CONNECT(.path = name, .host = "127.0.0.1"),
                 RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.path = name, .address = &a), RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.path = name, .local_address = &a),
                 RONDO_EAFNOSUPPORT);
}

/* ---- where there are none ----------------------------------------------- */

TEST(C5_a_pipe_where_there_are_none)
{
    const char *name = "\\\\.\\pipe\\rondo";

    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_NAMED_PIPES),
                 "there are pipes by name");
    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_UNIX),
                 "it is a path like any other");
    refused(w, name, RONDO_ENOTSUP);
    assert_true(strstr(rondo_last_error(), "\"iocp\"") != NULL);
    dial_refused(w, RONDO_CONNECT(.path = name), RONDO_ENOTSUP);
    assert_true(strstr(rondo_last_error(), "\"iocp\"") != NULL);
}

/* Where there are unix sockets, such a name is a path. */
TEST_LEAVES(G2_named_pipes)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_NAMED_PIPES);
    char name[64];

    (void)snprintf(name, sizeof name, "\\\\.\\pipe\\rondo-facts-%lld",
                   (long long)raw_pid());
    if (rondo_loop_supports(w->loop, RONDO_CAN_UNIX)) {
        assert_false(can);
        return;
    }
    int result = rondo_create_server(w->loop, RONDO_SERVE(.path = name),
                                     &recorder, NULL, NULL);
    assert_int_equal(can, result == 0);
    if (!can) {
        assert_error(result, RONDO_ENOTSUP);
        assert_non_null(strstr(rondo_last_error(), "iocp"));
    }
}

TEST_LEAVES(C5_a_pipes_name_is_a_path_on_unix)
{
    const char *name = "\\\\.\\pipe\\rondo";
    rondo_server *server;
    char folder[64];

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_UNIX),
                 "no unix sockets");
    assert_true(raw_folder(folder));
    assert_true(raw_path_chdir(folder));
    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.path = name), &recorder,
                                  test_peer(w), &server));
    assert_true(raw_path_exists(name));
    (void)dial_to(w, RONDO_CONNECT(.path = name), RONDO_OK);
    rondo_server_close(server);
    assert_true(raw_path_chdir("/"));
    raw_folder_remove(folder);
}

/* ---- what is told of it ------------------------------------------------- */

TEST_LEAVES(S12_a_pipe_has_no_addresses)
{
    struct named_pair p = named_pair(w);
    rondo_address a;

    assert_error(rondo_transport_peer_address(p.c->transport, &a),
                 RONDO_ENOTCONN);
    assert_error(rondo_transport_local_address(p.c->transport, &a),
                 RONDO_ENOTCONN);
    assert_error(rondo_transport_peer_address(p.s->transport, &a),
                 RONDO_ENOTCONN);
    assert_error(rondo_server_address(p.l->server, 0, &a), RONDO_ENOENT);
    assert_int_equal(rondo_server_fd(p.l->server, 0), RONDO_NO_FD);
    assert_true(raw_fd_valid(rondo_transport_fd(p.c->transport)));
    assert_true(raw_fd_close_on_exec(rondo_transport_fd(p.c->transport)));
    assert_true(raw_fd_close_on_exec(rondo_transport_fd(p.s->transport)));
    assert_ptr_equal(rondo_transport_server(p.s->transport), p.l->server);
    assert_null(rondo_transport_server(p.c->transport));
    assert_error(rondo_transport_peer_credentials(p.c->transport, NULL),
                 RONDO_ENOTSUP);
}

static void note_line(void *arg, const char *line, size_t size)
{
    char *text = arg;
    size_t used = strlen(text);

    assert_true(used + size + 2 < 2048);
    (void)snprintf(text + used, 2048 - used, "%s\n", line);
}

TEST_LEAVES(L13_the_dump_names_the_pipe)
{
    char *text = test_alloc(w, 2048), *line = test_alloc(w, 128);
    struct named_pair p = named_pair(w);

    (void)dial_new(w, RONDO_CONNECT(.path = p.l->name));
    rondo_loop_dump(w->loop, note_line, text);
    (void)snprintf(line, 128, "%s, serving, 1 clients", p.l->name);
    assert_true(strstr(text, line) != NULL);
    (void)snprintf(line, 128, "to %s, connecting", p.l->name);
    assert_true(strstr(text, line) != NULL);
    (void)snprintf(line, 128, "fd %lld, peer -, open",
                   (long long)rondo_transport_fd(p.c->transport));
    assert_true(strstr(text, line) != NULL);
    assert_int_equal(test_metrics(w).live_transports, 2);
    assert_int_equal(test_metrics(w).live_servers, 1);
}
