/* echo_asio.cpp - the echo server over Asio: async_read_some and async_write
 * with callbacks. */
/* SPDX-License-Identifier: MIT */
extern "C" {
#include "serve.h"
}

#include <asio.hpp>
#include <cstdio>
#include <exception>
#include <memory>

namespace
{

struct serve account;

/* Each client has its own bytes, which async_write lends. */
template <class Protocol> struct session {
    typename Protocol::socket socket;
    char bytes[2048];
};

template <class Protocol> class server
{
  public:
    server(asio::io_context &context, int fd)
        : context_(context), acceptor_(context)
    {
        acceptor_.assign(protocol(fd), fd);
        accept();
    }

  private:
    using pointer = std::shared_ptr<session<Protocol>>;

    static Protocol protocol(int fd);

    void accept()
    {
        acceptor_.async_accept([this](const asio::error_code &error,
                                      typename Protocol::socket socket) {
            if (error) {
                return;
            }
            serve_accepted(&account);
            nodelay(socket);
            receive(std::make_shared<session<Protocol>>(
                session<Protocol>{std::move(socket), {}}));
            accept();
        });
    }

    static void nodelay(typename Protocol::socket &socket);

    void receive(pointer s)
    {
        auto room = asio::buffer(s->bytes);
        auto &socket = s->socket;
        socket.async_read_some(
            room, [this, s = std::move(s)](const asio::error_code &error,
                                           std::size_t got) mutable {
                if (error) {
                    leave();
                } else {
                    answer(std::move(s), got);
                }
            });
    }

    void answer(pointer s, std::size_t got)
    {
        auto data = asio::buffer(s->bytes, got);
        auto &socket = s->socket;
        asio::async_write(
            socket, data,
            [this, s = std::move(s)](const asio::error_code &error,
                                     std::size_t sent) mutable {
                if (error) {
                    leave();
                    return;
                }
                account.bytes += sent;
                receive(std::move(s));
            });
    }

    void leave()
    {
        if (serve_left(&account)) {
            context_.stop();
        }
    }

    asio::io_context &context_;
    typename Protocol::acceptor acceptor_;
};

template <> asio::ip::tcp server<asio::ip::tcp>::protocol(int)
{
    return asio::ip::tcp::v4();
}

template <>
asio::local::stream_protocol server<asio::local::stream_protocol>::protocol(int)
{
    return {};
}

template <> void server<asio::ip::tcp>::nodelay(asio::ip::tcp::socket &socket)
{
    socket.set_option(asio::ip::tcp::no_delay(true));
}

template <>
void server<asio::local::stream_protocol>::nodelay(
    asio::local::stream_protocol::socket &)
{
}

template <class Protocol> void run(int fd)
{
    /* one thread, without locks: Asio's fastest */
    asio::io_context context(1);
    server<Protocol> s(context, fd);
    context.run();
    serve_report(&account);
}

void serve_all(int argc, char **argv)
{
    static char version[32];
    serve_options(&account, argc, argv, "");
    std::snprintf(version, sizeof version, "Asio %d.%d.%d",
                  ASIO_VERSION / 100000, ASIO_VERSION / 100 % 1000,
                  ASIO_VERSION % 100);
    account.library = version;
    int fd = serve_listen(&account);
    if (account.unix_socket) {
        run<asio::local::stream_protocol>(fd);
    } else {
        run<asio::ip::tcp>(fd);
    }
}

} // namespace

int main(int argc, char **argv)
{
    try {
        serve_all(argc, argv);
    } catch (const std::exception &why) {
        std::fprintf(stderr, "echo_asio: %s\n", why.what());
        return 1;
    }
    return 0;
}
