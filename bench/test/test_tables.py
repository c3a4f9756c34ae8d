#!/usr/bin/env python3
# test_tables.py - rows, tables, targets, documents, plots and the model.
# SPDX-License-Identifier: MIT
import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)) + "/.."]
from contest import (document, model, plots, process, report, results, servers,
                     svg)
from contest.process import Failure
from contest.report import EXACT, TIMES, Figures, Spread

A, B = servers.Server("rondo", "a"), servers.Server("raw", "b")


def fails(server):
    raise Failure(f"{server.program} ended with exit code 1")


class Clean(unittest.TestCase):
    def setUp(self):
        report.lines.clear()
        report.checks.clear()
        report.libraries.clear()
        meta = {"machine": "a machine", "others": "idle"}
        report.metas.update({EXACT: meta, TIMES: meta})
        report.begin("echo", EXACT)

    def printed(self, function, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.result = function(*arguments)
        return out.getvalue()


class Rows(Clean):
    def test_failed_row_stands_among_the_others(self):
        def measure(server):
            return 141 if server is A else fails(server)

        report.row("before", "", {"rondo": 1})
        report.row("instructions", "<= 145",
                   servers.of_each("echo", [A, B], measure))
        with report.attempt("a part"):
            raise OSError("no such tool")
        report.row("after", "", {"rondo": 2})
        text = self.printed(report.show_tables)
        self.assertRegex(text, r"before +1\.0")
        self.assertRegex(text, r"instructions +<= 145 +141 +failed")
        self.assertRegex(text, r"a part +failed: no such tool")
        self.assertRegex(text, r"after +2\.0")
        self.assertEqual(report.failures(), 2)

    def test_failure_in_a_round_leaves_no_figure(self):
        rounds = []

        def time(server):
            rounds.append(server.name)
            if server is A and rounds.count("rondo") == 2:
                fails(server)
            return 100.0

        times, over = servers.paired("cpu", [A, B], 3, time)
        self.assertEqual(times, {"raw": Spread(100, 100, 100)})
        self.assertEqual((times.failed, over.failed), ({"rondo"}, {"rondo"}))
        self.assertEqual(rounds.count("rondo"), 2)
        self.assertEqual(rounds.count("raw"), 3)

    def test_ratio_is_of_the_same_round(self):
        drift = iter([10, 20, 60, 120, 30, 60])
        times, over = servers.paired("cpu", [B, A], 3, lambda s: next(drift))
        self.assertEqual(over["rondo"].median, 2)

    def test_spread(self):
        self.assertEqual(report.percent(Spread(100, 90, 130)), "±20%")
        self.assertEqual(report.percent(100), "")

    def test_numbers(self):
        for figure, text in ((None, "-"), (0, "0.0"), (0.0155, "0.0155"),
                             (2.5, "2.500"), (44.44, "44.4"), (2904, "2,904")):
            self.assertEqual(report.number(figure), text)

    def test_difference_of_two_runs(self):
        cost = servers.each_request(lambda n: {"all": 5_000 + 141 * n}, 10, 50)
        self.assertEqual(cost, {"all": 141})


class Targets(Clean):
    def test_only_counts_are_judged(self):
        report.check("met", 141, 145)
        report.check("missed", 146, 145)
        report.check("not measured", None, 145)
        report.begin("cpu", TIMES)
        report.check("slow", Spread(2, 1, 3), 1.08)
        text = self.printed(report.show_checks)
        self.assertEqual(self.result, 2)
        self.assertIn("1 of 3 met", text)
        self.assertIn("0 of 1 met", text)
        self.assertRegex(text, "over +slow +2.000, target 1.080")
        self.assertRegex(text, "MISSED +not measured +not measured")


class Documents(Clean):
    def fill(self):
        report.row("instructions/request", "<= 145",
                   Figures({"rondo": 141, "raw": 44, "libev": 153}))
        report.row("a loss", "", {"rondo": 200, "raw": 10, "libev": 153,
                                  "libuv": 160})
        report.begin("wrk", TIMES)
        report.row("requests/s", "", {"rondo": 1000, "nginx": 2000}, more=True)
        report.row("ns", "", {"rondo": Spread(10.5, 10, 11)})
        report.begin("growth: timers", EXACT)
        for count, cost in ((1_000, 90), (100_000, 100)):
            report.row(f"{count:,} timers, instructions each", "",
                       {"start": cost, "cancel": cost / 2})

    def test_blocks(self):
        self.fill()
        found = document.blocks()
        self.assertEqual(list(found), ["exact", "times", "growth"])
        exact = "\n".join(found["exact"])
        self.assertIn("| instructions/request | <= 145 | 141 | 44.0 | 153 |",
                      exact)
        self.assertIn("| a loss |  | 200 | 10.0 | **153** | 160 |", exact)
        self.assertIn("A peer is better in: Echo over TCP, a loss.", exact)
        self.assertIn("10.5±5%", "\n".join(found["times"]))
        self.assertNotIn("timers", exact)

    def test_a_document_keeps_what_is_outside(self):
        text = ("before\n<!-- bench exact -->\nold\n<!-- bench end -->\nand\n"
                "<!-- bench model -->\nkept\n<!-- bench end -->\nafter\n")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "d.md")
            path.write_text(text)
            left = document.write_blocks(path, {"exact": ["new \\1", ""],
                                                "times": ["no place"]})
            self.assertEqual(left, ["times"])
            self.assertEqual(path.read_text(),
                             text.replace("old\n", "new \\1\n"))

    def test_plots_are_xml(self):
        self.fill()
        with tempfile.TemporaryDirectory() as folder:
            drawn = document.write_plots(folder)
            self.assertEqual(drawn,
                             ["echo-instructions.svg", "growth-timers.svg"])
            for name in drawn:
                xml.etree.ElementTree.parse(pathlib.Path(folder, name))

    def test_saved_and_loaded(self):
        self.fill()
        report.check("a target", 1, 2)
        with report.attempt("what failed"):
            raise OSError("why")
        report.libraries.add("libuv 1.2")
        lines, checks = list(report.lines), list(report.checks)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "r.json")
            results.save(path)
            json.loads(path.read_text())
            self.setUp()
            report.metas.clear()
            results.load(path)
        self.assertEqual(report.metas[TIMES]["machine"], "a machine")
        self.assertEqual((report.lines, report.checks), (lines, checks))
        self.assertEqual(report.libraries, {"libuv 1.2"})


class Model(Clean):
    def test_nothing_of_nothing(self):
        self.assertEqual(model.model_lines(), [])

    def test_a_million(self):
        for part, name, figure in (
                ("idle", "idle connection, bytes", 300),
                ("memory", "the kernel's memory for it, bytes", 4_000),
                ("cpu", "10,000 connections, ns/request", Spread(5_000, 1, 9)),
                ("echo", "10,000 connections", 140),
                ("cores", "two loops, CPU over one", Spread(1.04, 1, 2))):
            report.begin(part, EXACT)
            report.row(name, "", {"rondo": figure})
        text = "\n".join(model.model_lines())
        self.assertIn("| 300 bytes a connection | 0.30 GB |", text)
        self.assertIn("| 4,000 bytes a connection | 4.00 GB |", text)
        self.assertIn("| 5,000 ns each | 0.50 of a core |", text)
        self.assertIn("| 200,000 |", text)


class Machine(unittest.TestCase):
    def test_short_is_less(self):
        self.assertEqual(process.sized(10, 2), 10)
        process.short = True
        self.assertEqual(process.sized(10, 2), 2)
        process.short = False

    def test_patience_grows_with_the_work(self):
        self.assertGreaterEqual(process.patience_s(), process.LEAST_S)
        self.assertGreater(process.patience_s(100), process.patience_s(1))

    def test_scale(self):
        scale = svg.Scale([1, 100], 0, 10)
        self.assertAlmostEqual(scale.place(10), 5)
        self.assertEqual(scale.place(0), 0)
        self.assertEqual(plots.count_of(
            report.Row("", "", "10,000 timers", "", {}, [], False)), 10_000)


if __name__ == "__main__":
    unittest.main()
