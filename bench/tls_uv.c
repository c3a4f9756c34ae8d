/* tls_uv.c - an echo over TLS, over libuv and OpenSSL with memory BIOs, as
 * libuv's programs do it; --mode names the file of the certificate and its
 * key. */
/* SPDX-License-Identifier: MIT */
#include "serve_uv.h"
#include "tls_serve.h"

struct client {
    uv_tcp_t tcp;
    SSL *ssl;
    BIO *in, *out;
};

static SSL_CTX *context;

static void client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    SSL_free(c->ssl); /* and both BIOs */
    free(c);
    if (serve_left(&serve)) {
        uv_close((uv_handle_t *)&listener, NULL);
    }
}

/* Everything that OpenSSL has put out; who does not take it is dropped. */
static bool flush(struct client *c)
{
    char *bytes;
    long size = BIO_get_mem_data(c->out, &bytes);
    if (size == 0) {
        return true;
    }
    uv_buf_t data = uv_buf_init(bytes, (unsigned)size);
    bool sent = uv_try_write((uv_stream_t *)&c->tcp, &data, 1) == size;
    (void)BIO_reset(c->out);
    return sent;
}

/* False: it is over. */
static bool answer(struct client *c)
{
    static char buffer[RECEIVE_SIZE];
    int got;
    while ((got = SSL_read(c->ssl, buffer, sizeof buffer)) > 0) {
        if (SSL_write(c->ssl, buffer, got) != got) {
            return false;
        }
        serve.bytes += (size_t)got;
    }
    return SSL_get_error(c->ssl, got) == SSL_ERROR_WANT_READ && flush(c);
}

static void received(uv_stream_t *stream, ssize_t got, const uv_buf_t *room)
{
    struct client *c = stream->data;
    if (got < 0 || BIO_write(c->in, room->base, (int)got) != got ||
        !answer(c)) {
        uv_close((uv_handle_t *)stream, client_closed);
    }
}

static void accept_client(uv_stream_t *server, int status)
{
    struct client *c = calloc(1, sizeof *c);
    if (status < 0 || !c || !(c->ssl = SSL_new(context)) ||
        !(c->in = BIO_new(BIO_s_mem())) || !(c->out = BIO_new(BIO_s_mem()))) {
        tls_die("accept");
    }
    BIO_set_mem_eof_return(c->in, -1);
    SSL_set_bio(c->ssl, c->in, c->out);
    SSL_set_accept_state(c->ssl);
    serve_accepted(&serve);
    uv_tcp_init(server->loop, &c->tcp);
    c->tcp.data = c;
    if (uv_accept(server, (uv_stream_t *)&c->tcp) < 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, allocate, received) < 0) {
        serve_die("uv_accept");
    }
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv, "FILE");
    context = tls_context(serve.mode);
    int result = serve_run(accept_client);
    SSL_CTX_free(context);
    return result;
}
