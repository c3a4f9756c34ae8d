/* test_named.c - connections by the name of a pipe. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_named.h"

/* ---- bytes -------------------------------------------------------------- */

TEST(C5_bytes_both_ways_by_a_name)
{
    struct peer *c, *s;
    struct listener *l = named_pair(w, &c, &s);

    peer_capture(c, 8);
    peer_capture(s, 8);
    assert_ok(rondo_transport_write(c->transport, "ping", 4));
    test_run_until(w, s->bytes == 4);
    assert_ok(rondo_transport_write(s->transport, "pong", 4));
    test_run_until(w, c->bytes == 4);
    assert_memory_equal(s->captured, "ping", 4);
    assert_memory_equal(c->captured, "pong", 4);
    rondo_transport_close(c->transport);
    test_run_until(w, c->lost && s->lost);
    assert_string_equal(c->order, "MdL");
    assert_string_equal(s->order, "MdEL");
    assert_int_equal(c->error, 0);
    assert_int_equal(s->error, 0);
    named_stop(w, l);
}

TEST(C5_much_comes_back_the_same)
{
    const size_t size = (size_t)(4 << 20) / (size_t)test_slowness();
    unsigned char *data = test_alloc(w, size);
    struct peer *c, *s;
    struct listener *l = named_pair(w, &c, &s);

    s->on_data = act_echo;
    test_fill(data, 0, size);
    assert_int_equal(rondo_transport_write(c->transport, data, size), 1);
    test_run_until(w, c->bytes == size);
    assert_int_equal(s->checksum, test_pattern_checksum(size));
    assert_int_equal(c->checksum, test_pattern_checksum(size));
    assert_int_equal(c->pauses, c->resumes);
    assert_true(c->pauses > 0);
    rondo_transport_close(s->transport);
    test_run_until(w, c->lost && s->lost);
    assert_int_equal(c->error, 0);
    named_stop(w, l);
}

TEST_LEAVES(C5_both_send_much_at_once)
{
    const size_t size = (size_t)(2 << 20) / (size_t)test_slowness();
    unsigned char *data = test_alloc(w, size);
    struct peer *c, *s;

    (void)named_pair(w, &c, &s);
    test_fill(data, 0, size);
    assert_int_equal(rondo_transport_write(c->transport, data, size), 1);
    assert_int_equal(rondo_transport_write(s->transport, data, size), 1);
    /* all of it leaves first */
    rondo_transport_close(c->transport);
    test_run_until(w, s->eof);
    assert_int_equal(s->checksum, test_pattern_checksum(size));
    test_run_until(w, c->lost && s->lost);
    assert_int_equal(c->error, 0);
}

TEST_LEAVES(C5_in_pieces_of_one_byte)
{
    enum { COUNT = 300 };
    struct peer *c, *s;

    (void)named_pair(w, &c, &s);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned char byte = test_pattern(i);

        assert_ok(rondo_transport_write(c->transport, &byte, 1));
        assert_ok(rondo_transport_write(s->transport, &byte, 1));
        if (i % 7 == 0)
            test_spin(w, 1);
    }
    test_run_until(w, s->bytes == COUNT && c->bytes == COUNT);
    assert_int_equal(s->checksum, test_pattern_checksum(COUNT));
    assert_int_equal(c->checksum, test_pattern_checksum(COUNT));
}

TEST_LEAVES(C5_into_a_buffer_of_the_programs)
{
    unsigned char data[10000];
    struct listener *l;
    struct peer *c;

    l = named_serve(w, named_name(w));
    l->protocol = &buffered_recorder;
    c = named_connect(w, l->name);
    test_fill(data, 0, sizeof data);
    assert_ok(rondo_transport_write(c->transport, data, sizeof data));
    rondo_transport_close(c->transport);
    test_run_until(w, l->count && l->first->lost);
    assert_string_equal(l->first->order, "MbEL");
    assert_int_equal(l->first->bytes, sizeof data);
    assert_int_equal(l->first->checksum, test_pattern_checksum(sizeof data));
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
    test_run_until(w, p->bytes == 4);
    rondo_transport_close(l->first->transport);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
}

TEST_LEAVES(C5_what_is_written_empty_is_nothing)
{
    struct listener *l = named_serve(w, named_name(w));
    struct peer *p;
    raw_fd fd = named_raw_client(w, l, l->name, &p);

    assert_ok(rondo_transport_write(p->transport, "", 0));
    assert_int_equal(raw_named_send(fd, "", 0), 0);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* without spinning */
    assert_string_equal(p->order, "M");
    assert_int_equal(raw_named_send(fd, "x", 1), 1);
    test_run_until(w, p->bytes == 1);
    raw_close(fd);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
}

/* ---- names -------------------------------------------------------------- */

TEST(C5_nobody_serves_it)
{
    const char *name = named_name(w);
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.path = name), p));
    dial_ends(w, p, RONDO_ENOENT);
    assert_true(strstr(p->last_error, "create_connection") != NULL);
    assert_true(strstr(p->last_error, name) != NULL);
    assert_int_not_equal(rondo_last_os_error(), 0);
}

TEST_LEAVES(C5_other_spellings_of_a_name)
{
    const char *name = named_name(w);
    struct listener *l = named_serve(w, name);
    char *spelling = test_alloc(w, 64);

    (void)snprintf(spelling, 64, "//./PIPE/%s", name + strlen("\\\\.\\pipe\\"));
    (void)named_connect(w, spelling);
    for (char *c = spelling; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    (void)named_connect(w, spelling);
    (void)snprintf(spelling, 64, "\\\\?\\%s", name + strlen("\\\\.\\"));
    (void)named_connect(w, spelling);
    test_run_until(w, l->count == 3);
}

TEST_LEAVES(C5_a_name_beyond_ascii)
{
    char *name = test_alloc(w, 128);

    (void)snprintf(name, 128, "%s-gr\xC3\xBC\xC3\x9F\x65 \xE2\x82\xAC",
                   named_name(w));
    (void)named_serve(w, name);
    (void)named_connect(w, name);
}

static void refused(struct world *w, const char *name, int error)
{
    rondo_server *server = NULL;

    dial_refused(w, RONDO_CONNECT(.path = name), error);
    assert_refused(rondo_create_server(w->loop, RONDO_SERVE(.path = name),
                                       &recorder, NULL, &server),
                   error, NULL);
    assert_null(server);
    assert_int_equal(test_metrics(w).live_servers, 0);
}

TEST(C5_names_that_are_none)
{
    char *name = test_alloc(w, 300);

    (void)snprintf(name, 300, "%s-\xC3(", named_name(w));
    refused(w, "\\\\.\\pipe\\", RONDO_EINVAL);
    refused(w, "//./pipe/", RONDO_EINVAL);
    refused(w, name, RONDO_EINVAL);
}

TEST_LEAVES(C5_the_longest_name_and_one_more)
{
    enum { MOST = 256 };
    char *name = test_alloc(w, 300);

    memset(name, 'x', MOST);
    memcpy(name, named_name(w), strlen(named_name(w)));
    name[MOST] = 'y';
    refused(w, name, RONDO_ENAMETOOLONG);
    name[MOST] = '\0';
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

    if (rondo_loop_supports(w->loop, RONDO_CAN_NAMED_PIPES))
        test_skip(w, "there are pipes by name");
    if (rondo_loop_supports(w->loop, RONDO_CAN_UNIX))
        test_skip(w, "it is a path like any other");
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

TEST(C5_a_path_that_is_no_pipes)
{
    (void)named_name(w);
    refused(w, "socket", RONDO_ENOTSUP);
    refused(w, "\\\\.\\pip\\x", RONDO_ENOTSUP);
    refused(w, "\\\\another\\pipe\\x", RONDO_ENOTSUP);
    assert_true(strstr(rondo_last_error(), "unix sockets") != NULL);
}

TEST_LEAVES(C5_a_pipes_name_is_a_path_on_unix)
{
    const char *name = "\\\\.\\pipe\\rondo";
    rondo_server *server;
    char folder[64];
    struct peer *p = test_peer(w);

    if (!rondo_loop_supports(w->loop, RONDO_CAN_UNIX) || !raw_folder(folder))
        test_skip(w, "no unix sockets");
    assert_true(raw_path_chdir(folder));
    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.path = name), &recorder,
                                  test_peer(w), &server));
    assert_true(raw_path_exists(name));
    assert_ok(dial(w, RONDO_CONNECT(.path = name), p));
    dial_ends(w, p, RONDO_OK);
    rondo_server_close(server);
    assert_true(raw_path_chdir("/"));
    raw_folder_remove(folder);
}

/* ---- what is told of it ------------------------------------------------- */

TEST_LEAVES(S12_a_pipe_has_no_addresses)
{
    struct peer *c, *s;
    struct listener *l = named_pair(w, &c, &s);
    rondo_address a;

    assert_error(rondo_transport_peer_address(c->transport, &a),
                 RONDO_ENOTCONN);
    assert_error(rondo_transport_local_address(c->transport, &a),
                 RONDO_ENOTCONN);
    assert_error(rondo_transport_peer_address(s->transport, &a),
                 RONDO_ENOTCONN);
    assert_error(rondo_server_address(l->server, 0, &a), RONDO_ENOENT);
    assert_int_equal(rondo_server_fd(l->server, 0), RONDO_NO_FD);
    assert_true(raw_fd_valid(rondo_transport_fd(c->transport)));
    assert_true(raw_fd_close_on_exec(rondo_transport_fd(c->transport)));
    assert_true(raw_fd_close_on_exec(rondo_transport_fd(s->transport)));
    assert_ptr_equal(rondo_transport_server(s->transport), l->server);
    assert_null(rondo_transport_server(c->transport));
    assert_error(rondo_transport_peer_credentials(c->transport, NULL),
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
    struct peer *c, *s;
    struct listener *l = named_pair(w, &c, &s);

    assert_ok(dial(w, RONDO_CONNECT(.path = l->name), test_peer(w)));
    rondo_loop_dump(w->loop, note_line, text);
    (void)snprintf(line, 128, "%s, serving, 1 clients", l->name);
    assert_true(strstr(text, line) != NULL);
    (void)snprintf(line, 128, "to %s, connecting", l->name);
    assert_true(strstr(text, line) != NULL);
    (void)snprintf(line, 128, "fd %lld, peer -, open",
                   (long long)rondo_transport_fd(c->transport));
    assert_true(strstr(text, line) != NULL);
    assert_int_equal(test_metrics(w).live_transports, 2);
    assert_int_equal(test_metrics(w).live_servers, 1);
}
