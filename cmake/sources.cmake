# The one list of source files, of backends and of system libraries.
# SPDX-License-Identifier: MIT

set(RONDO_SOURCES
    src/base/address.c
    src/base/error.c
    src/base/machine.c
    src/base/pool.c
    src/base/terminal.c
    src/core/backend.c
    src/core/buf.c
    src/core/check.c
    src/core/child_watch.c
    src/core/debug.c
    src/core/dispatch.c
    src/core/embed.c
    src/core/fork.c
    src/core/hooks.c
    src/core/id.c
    src/core/loop.c
    src/core/loop_info.c
    src/core/memory.c
    src/core/op.c
    src/core/reactor.c
    src/core/release.c
    src/core/remote.c
    src/core/schedule.c
    src/core/signals.c
    src/core/timer.c
    src/core/timer_store.c
    src/core/watch.c
    src/group/group.c
    src/group/group_accept.c
    src/group/group_call.c
    src/group/group_move.c
    src/group/group_server.c
    src/group/group_thread.c
    src/net/accept.c
    src/net/accept_pipe.c
    src/net/connect.c
    src/net/datagram.c
    src/net/datagram_api.c
    src/net/datagram_message.c
    src/net/datagram_open.c
    src/net/datagram_queue.c
    src/net/datagram_receive.c
    src/net/datagram_send.c
    src/net/datagram_special.c
    src/net/happy_eyeballs.c
    src/net/listen.c
    src/net/reader_server.c
    src/net/server.c
    src/net/sock.c
    src/net/sock_try.c
    src/parts.c
    src/process/communicate.c
    src/process/process.c
    src/process/process_spawn.c
    src/stream/adopt.c
    src/stream/filter.c
    src/stream/pump.c
    src/stream/reader.c
    src/stream/stream.c
    src/stream/stream_api.c
    src/stream/stream_check.c
    src/stream/stream_detach.c
    src/stream/stream_extra.c
    src/stream/stream_fds.c
    src/stream/stream_file.c
    src/stream/stream_move.c
    src/stream/stream_pipe.c
    src/stream/stream_read.c
    src/stream/stream_socket.c
    src/stream/stream_then.c
    src/stream/stream_timeout.c
    src/stream/stream_write.c
    src/threads/executor.c
    src/threads/file.c
    src/threads/file_call.c
    src/threads/file_more.c
    src/threads/file_path.c
    src/threads/file_run.c
    src/threads/file_run_more.c
    src/threads/file_source.c
    src/threads/file_tree.c
    src/threads/lookup.c
    src/threads/names.c
    src/threads/pipe_thread.c
    src/watch/interfaces.c
    src/watch/path_look.c
    src/watch/path_thread.c
    src/watch/path_tree.c
    src/watch/path_watch.c
    src/watch/terminal_size.c)

# What is the same on each system, for the simulated one below.
set(RONDO_SIM_OWN_SOURCES
    src/sim/acks.c
    src/sim/api.c
    src/sim/changes.c
    src/sim/chaos.c
    src/sim/child.c
    src/sim/descriptors.c
    src/sim/dial.c
    src/sim/disk.c
    src/sim/done.c
    src/sim/families.c
    src/sim/fault.c
    src/sim/files.c
    src/sim/files_path.c
    src/sim/flow.c
    src/sim/guard.c
    src/sim/hosts.c
    src/sim/local.c
    src/sim/memory.c
    src/sim/missing.c
    src/sim/names.c
    src/sim/net.c
    src/sim/packets.c
    src/sim/passing.c
    src/sim/pipes.c
    src/sim/play.c
    src/sim/processes.c
    src/sim/ready.c
    src/sim/signals.c
    src/sim/sockets.c
    src/sim/sys.c
    src/sim/threads.c
    src/sim/trial.c
    src/sim/try.c
    src/sim/waiter.c
    src/sim/world.c)
set(RONDO_SIM_SOURCES ${RONDO_SOURCES} ${RONDO_SIM_OWN_SOURCES}
    src/unix/address.c
    src/unix/errors.c)
set(RONDO_SIM_BACKENDS ready done)

if(WIN32)
    list(APPEND RONDO_SOURCES
        src/win/address.c
        src/win/afd.c
        src/win/changes.c
        src/win/child.c
        src/win/child_stdio.c
        src/win/command.c
        src/win/console.c
        src/win/cores.c
        src/win/datagram.c
        src/win/datagram_info.c
        src/win/errors.c
        src/win/file.c
        src/win/fs.c
        src/win/fs_call.c
        src/win/fs_dir.c
        src/win/fs_path.c
        src/win/iocp.c
        src/win/iocp_child.c
        src/win/iocp_pipe.c
        src/win/iocp_socket.c
        src/win/interfaces.c
        src/win/ip.c
        src/win/local.c
        src/win/machine.c
        src/win/named.c
        src/win/names.c
        src/win/net.c
        src/win/pipe.c
        src/win/select.c
        src/win/spawn.c
        src/win/sys.c
        src/win/terminal.c
        src/win/terminal_mode.c
        src/win/wake.c)
    set(RONDO_BACKENDS iocp select)
    set(RONDO_SYSTEM_LIBRARIES ws2_32 mswsock iphlpapi ntdll bcrypt)
else()
    list(APPEND RONDO_SOURCES
        src/unix/address.c
        src/unix/datagram.c
        src/unix/datagram_info.c
        src/unix/fs.c
        src/unix/fs_call.c
        src/unix/fs_copy.c
        src/unix/fs_dir.c
        src/unix/local.c
        src/unix/listing.c
        src/unix/child.c
        src/unix/child_sigchld.c
        src/unix/child_stdio.c
        src/unix/child_thread.c
        src/unix/cores.c
        src/unix/errors.c
        src/unix/interfaces.c
        src/unix/machine.c
        src/unix/net.c
        src/unix/notify_none.c
        src/unix/pipe.c
        src/unix/poll.c
        src/unix/ready.c
        src/unix/select.c
        src/unix/sendfile.c
        src/unix/spawn.c
        src/unix/spawn_child.c
        src/unix/signals.c
        src/unix/sigpipe.c
        src/unix/sys.c
        src/unix/terminal.c
        src/unix/terminal_mode.c
        src/unix/wake.c)
    set(RONDO_BACKENDS poll select)
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        list(APPEND RONDO_SOURCES
            src/unix/cgroup.c
            src/unix/child_pidfd.c
            src/unix/epoll.c
            src/unix/inotify.c
            src/unix/netlink.c
            src/unix/ring.c
            src/unix/uring.c
            src/unix/uring_read.c
            src/unix/uring_send.c)
        list(INSERT RONDO_BACKENDS 0 epoll io_uring)
    else()
        list(APPEND RONDO_SOURCES src/unix/fifo.c src/unix/route.c)
    endif()
    if(CMAKE_SYSTEM_NAME MATCHES
            "^(Darwin|FreeBSD|NetBSD|OpenBSD|DragonFly)$")
        list(APPEND RONDO_SOURCES
            src/unix/child_kqueue.c
            src/unix/kqueue.c
            src/unix/vnode.c)
        list(INSERT RONDO_BACKENDS 0 kqueue)
    endif()
    set(RONDO_SYSTEM_LIBRARIES ${CMAKE_DL_LIBS})
endif()
set(RONDO_BACKENDS ${RONDO_BACKENDS}
    CACHE INTERNAL "The backends of this build") # ./dev reads it
