# The one list of source files, of backends and of system libraries.
# SPDX-License-Identifier: MIT

set(RONDO_SOURCES
    src/accept.c
    src/accept_pipe.c
    src/address.c
    src/adopt.c
    src/backend.c
    src/blocking.c
    src/buf.c
    src/child_watch.c
    src/communicate.c
    src/connect.c
    src/connect_end.c
    src/datagram.c
    src/datagram_open.c
    src/datagram_queue.c
    src/datagram_receive.c
    src/datagram_send.c
    src/debug.c
    src/endpoint.c
    src/error.c
    src/executor.c
    src/facts.c
    src/filter.c
    src/handles.c
    src/id.c
    src/layer.c
    src/listen.c
    src/loop.c
    src/names.c
    src/op.c
    src/pool.c
    src/process.c
    src/race.c
    src/reactor.c
    src/reader.c
    src/reader_find.c
    src/reader_server.c
    src/remote.c
    src/resolve.c
    src/schedule.c
    src/sendfile.c
    src/server.c
    src/signals.c
    src/sock.c
    src/sock_call.c
    src/sock_try.c
    src/source.c
    src/stream.c
    src/stream_extra.c
    src/stream_fds.c
    src/stream_note.c
    src/stream_pipe.c
    src/stream_read.c
    src/stream_write.c
    src/subprocess.c
    src/timer.c
    src/transport.c
    src/watch.c)

if(WIN32)
    set(RONDO_SYSTEM_DIR src/win)
    list(APPEND RONDO_SOURCES
        src/win/address.c
        src/win/afd.c
        src/win/child.c
        src/win/child_stdio.c
        src/win/command.c
        src/win/console.c
        src/win/datagram.c
        src/win/errors.c
        src/win/file.c
        src/win/iocp.c
        src/win/iocp_child.c
        src/win/iocp_pipe.c
        src/win/iocp_socket.c
        src/win/ip.c
        src/win/local.c
        src/win/named.c
        src/win/names.c
        src/win/net.c
        src/win/pipe.c
        src/win/select.c
        src/win/spawn.c
        src/win/sys.c
        src/win/wake.c)
    set(RONDO_BACKENDS iocp select)
    set(RONDO_SYSTEM_LIBRARIES ws2_32 mswsock iphlpapi ntdll)
else()
    set(RONDO_SYSTEM_DIR src/unix)
    list(APPEND RONDO_SOURCES
        src/unix/address.c
        src/unix/datagram.c
        src/unix/local.c
        src/unix/child.c
        src/unix/child_sigchld.c
        src/unix/child_stdio.c
        src/unix/child_thread.c
        src/unix/net.c
        src/unix/pipe.c
        src/unix/poll.c
        src/unix/select.c
        src/unix/sendfile.c
        src/unix/spawn.c
        src/unix/spawn_child.c
        src/unix/signals.c
        src/unix/sigpipe.c
        src/unix/sys.c
        src/unix/wake.c)
    set(RONDO_BACKENDS poll select)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        list(APPEND RONDO_SOURCES
            src/unix/child_pidfd.c
            src/unix/epoll.c)
        list(INSERT RONDO_BACKENDS 0 epoll)
    elseif(CMAKE_SYSTEM_NAME MATCHES
            "^(Darwin|FreeBSD|NetBSD|OpenBSD|DragonFly)$")
        list(APPEND RONDO_SOURCES
            src/unix/child_kqueue.c
            src/unix/kqueue.c)
        list(INSERT RONDO_BACKENDS 0 kqueue)
        set(RONDO_SYSTEM_DEFINITIONS RONDO_KQUEUE)
    endif()
    set(RONDO_SYSTEM_LIBRARIES ${CMAKE_DL_LIBS})
endif()
set(RONDO_BACKENDS ${RONDO_BACKENDS}
    CACHE INTERNAL "The backends of this build") # ./dev reads it
