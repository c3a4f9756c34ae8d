# faulty.py - servers that do their work but for one fault.
# SPDX-License-Identifier: MIT
#
# A fault is "none", "corrupt" (one byte of one answer is another one), "lose"
# (one answer never comes), "twice" (one answer comes twice, or the last bytes
# of it do) or "close" (the connection ends before an answer). It happens at the
# request numbered AT.
import contextlib
import socket
import ssl
import struct
import threading

AT = 20

left = threading.Event()  # a client has gone


class Faults:
    def __init__(self, fault):
        self.fault = fault
        self.count = 0
        self.lock = threading.Lock()

    def answer(self, data):
        """What is sent in place of the answer; None: the connection ends."""
        with self.lock:
            self.count += 1
            if self.count != AT:
                return data
        if self.fault == "corrupt":
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]
        if self.fault == "lose":
            return b""
        if self.fault == "twice":
            return data + data
        return None if self.fault == "close" else data


def exactly(s, size):
    data = b""
    while len(data) < size:
        piece = s.recv(min(size - len(data), 1 << 20))
        if not piece:
            return None
        data += piece
    return data


# ---- what is asked of a connection, and the answers ----

def echo(s, faults, size):
    while (data := exactly(s, size)) is not None:
        answer = faults.answer(data)
        if answer is None:
            return
        s.sendall(answer)


def count_bulk(s, faults, size):
    total = 0
    while (data := exactly(s, size)) is not None:
        total += len(data)
        answer = faults.answer(struct.pack("=Q", total))
        if answer is None:
            return
        s.sendall(answer)


def send_file(s, faults, size):
    file = bytes(i % 256 for i in range(size))
    while exactly(s, 1) is not None:
        answer = faults.answer(file)
        if answer is None:
            return
        s.sendall(answer)


# ---- servers ----

def serve_client(s, talk, faults, size, context):
    # a client that gives up resets its connections
    with contextlib.suppress(OSError):
        if context:
            s = context.wrap_socket(s, server_side=True)
        with s:
            talk(s, faults, size)
    left.set()


def accept_all(listener, talk, faults, size, context):
    while True:
        try:
            s, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve_client, daemon=True,
                         args=(s, talk, faults, size, context)).start()


@contextlib.contextmanager
def tcp(talk, fault, size, certificate=None):
    """Yields the address."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        threading.Thread(
            target=accept_all, daemon=True,
            args=(listener, talk, Faults(fault), size, context)).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def echo_datagrams(s, faults):
    while True:
        data, peer = s.recvfrom(65536)
        if not data:
            return
        if faults.count == AT - 1 and faults.fault == "twice":
            s.sendto(data, peer)
            faults.fault = "none"
        answer = faults.answer(data)
        if answer:
            s.sendto(answer, peer)


@contextlib.contextmanager
def udp(fault):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=echo_datagrams, daemon=True,
                                  args=(s, Faults(fault)))
        thread.start()
        yield "127.0.0.1:%d" % s.getsockname()[1]
        s.sendto(b"", s.getsockname())
        thread.join()
