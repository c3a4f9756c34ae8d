#!/usr/bin/env python3
# test_clients.py - a client fails when an answer is wrong, lost or one too
# many, and no figure is made of such a run. Takes the folder of the programs.
# SPDX-License-Identifier: MIT
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)) + "/.."]
import faulty
from contest import report, servers
from contest.process import Failure

programs = pathlib.Path(".")
FAULTS = ["corrupt", "lose", "twice", "close"]
PATIENCE = ["--patience", "2"]


def run(client, load, address):
    return subprocess.run([programs / client, *load, *PATIENCE, address],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8")


class Clients(unittest.TestCase):
    def check(self, client, load, serve, faults=FAULTS):
        """Fine without a fault, exit code 1 and a sentence with each."""
        for fault in ["none", *faults]:
            with self.subTest(client=client, fault=fault), \
                    serve(fault) as address:
                done = run(client, load, address)
                if fault == "none":
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    continue
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(client, done.stderr)
                self.assertNotIn("_us=", done.stdout)

    def test_echo(self):
        load = ["--requests", "100", "--connections", "4"]
        self.check("echo_client", load,
                   lambda fault: faulty.tcp(faulty.echo, fault, 64))

    def test_echo_one_by_one(self):
        load = ["--one-by-one", "--connections", "40"]
        self.check("echo_client", load,
                   lambda fault: faulty.tcp(faulty.echo, fault, 64))

    def test_echo_fresh(self):
        load = ["--fresh", "--requests", "60", "--connections", "4"]
        self.check("echo_client", load,
                   lambda fault: faulty.tcp(faulty.echo, fault, 64))

    def test_echo_last_answer(self):
        """A fault in the last answer of all."""
        load = ["--requests", str(faulty.AT), "--connections", "1"]
        self.check("echo_client", load,
                   lambda fault: faulty.tcp(faulty.echo, fault, 64))

    def test_latency(self):
        load = ["--rate", "100", "--seconds", "1", "--connections", "4"]
        self.check("latency_client", load,
                   lambda fault: faulty.tcp(faulty.echo, fault, 64))

    def test_bulk(self):
        load = ["--requests", "40", "--connections", "2", "--size", "100000"]
        self.check("bulk_client", load,
                   lambda fault: faulty.tcp(faulty.count_bulk, fault, 100_000))

    def test_file(self):
        load = ["--requests", "40", "--connections", "2", "--size", "100000"]
        self.check("file_client", load,
                   lambda fault: faulty.tcp(faulty.send_file, fault, 100_000))

    def test_udp(self):
        load = ["--requests", "100", "--window", "4"]
        self.check("udp_client", load, faulty.udp, ["corrupt", "lose", "twice"])

    def test_tls(self):
        if not (programs / "tls_load").exists():
            self.skipTest("built without OpenSSL")
        with tempfile.TemporaryDirectory() as folder:
            servers.use_programs(folder)
            from contest.tls import make_certificate
            certificate = make_certificate()
            self.check("tls_load", ["--requests", "160"],
                       lambda fault: faulty.tcp(faulty.echo, fault, 64,
                                                certificate))


SERVER = """\
#!{python}
import sys
sys.dont_write_bytecode = True
sys.path[:0] = [{folder!r}]
import faulty
with faulty.tcp(faulty.echo, {fault!r}, 64) as address:
    print("listening on " + address, flush=True)
    faulty.left.wait()
    print("cpu_user_us=1000 cpu_sys_us=1000 requests=100")
"""


class Runs(unittest.TestCase):
    """What becomes of a run whose client has failed."""

    def test_no_figure(self):
        here = os.path.dirname(os.path.abspath(__file__))
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(programs / "echo_client", f"{folder}/echo_client")
            path = pathlib.Path(folder, "echo_rondo")
            servers.use_programs(folder)
            for fault, fails in (("none", False), ("corrupt", True)):
                path.write_text(SERVER.format(python=sys.executable,
                                              folder=here, fault=fault))
                path.chmod(0o755)
                server = servers.Server("rondo", "echo_rondo")
                if fails:
                    with self.assertRaises(Failure):
                        servers.cpu_time(server, 100)
                else:
                    self.assertEqual(servers.cpu_time(server, 100), 20_000)
            figures = servers.of_each("a row", [server],
                                      lambda s: servers.cpu_time(s, 100))
        self.assertEqual(figures, {})
        self.assertEqual(figures.failed, {"rondo"})
        self.assertEqual(report.failures(), 1)


if __name__ == "__main__":
    programs = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
