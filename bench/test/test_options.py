#!/usr/bin/env python3
# test_options.py - a wrong command gives the usage and exit code 2, of
# bench/run and of each program. Takes the folder of the programs, and their names.
# SPDX-License-Identifier: MIT
import os
import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
RUN = pathlib.Path(__file__).resolve().parent.parent / "run"
ADDRESS = "127.0.0.1:9"
WRONG = [
    ["--nonsense"], ["--nonsense", "1"],
    ["--size"], ["--size", "many", ADDRESS],
    ["--requests", "0", ADDRESS], ["--requests", "-5", ADDRESS],
    ["--requests", "10x", ADDRESS], ["--requests", "", ADDRESS],
    ["--mode", "no-such-mode"], ["--rounds", "0"], ["--rounds", "1e3"],
    ["--patience", "0", ADDRESS], ["a", "word", "too", "many"], ["-x"],
    ["127.0.0.1"], ["127.0.0.1:"], ["127.0.0.1:0"], ["127.0.0.1:70000"],
    ["localhost:80"], ["@"],
    ["--watcher", "none", "child", "1"], ["no-such-operation", "1"],
    ["start", "0"], ["start", "-1"],
]
# A file's name is a mode there, and it is the program that cannot read it.
ANY_MODE = ("tls_raw", "tls_rondo", "tls_uv")

programs, names = pathlib.Path("."), []


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", timeout=120)


class Options(unittest.TestCase):
    def check(self, command):
        with self.subTest(command=command):
            done = run(command)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, "usage: |bench/run ")
            self.assertEqual(done.stdout, "")

    def test_programs(self):
        self.assertTrue(names)
        for name in names:
            for words in WRONG:
                if name in ANY_MODE and words[0] == "--mode":
                    continue
                self.check([programs / name, *words])

    def test_help(self):
        for name in names:
            with self.subTest(name=name):
                done = run([programs / name, "--help"])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("usage: ", done.stdout)

    def test_run(self):
        build = str(programs.parent)
        for words in (["--nonsense"], ["--shor"], ["no-such-part"],
                      ["echo", "no-such-part", build], ["--write"],
                      ["--write", "/no/such/file"], ["--from", "/no/such/file"],
                      ["--exact", "--times"], ["--write", str(RUN), "echo"],
                      ["--from", str(RUN), "echo"],
                      ["--from", str(RUN), "--profile"]):
            self.check([RUN, *words])

    def test_run_help(self):
        done = run([RUN, "--help"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("bench/run [OPTION...]", done.stdout)


if __name__ == "__main__":
    programs = pathlib.Path(os.path.abspath(sys.argv.pop(1)))
    names = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
