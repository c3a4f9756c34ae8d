# results.py - what a run has measured, in a file.
# SPDX-License-Identifier: MIT
import json
import pathlib

from . import report
from .report import Check, Failed, Row, Spread


def figure_of(value):
    return Spread(*value) if isinstance(value, list) else value


def save(path):
    """All of one run, of which each kind has the same to say of the machine."""
    text = json.dumps({
        "meta": report.metas[report.EXACT],
        "libraries": sorted(report.libraries),
        "rows": [line._asdict() for line in report.lines],
        "checks": [check._asdict() for check in report.checks],
    }, indent=1)
    pathlib.Path(path).write_text(text + "\n")


def load(path):
    """Makes them rows of this run."""
    found = json.loads(pathlib.Path(path).read_text())
    report.libraries.update(found["libraries"])
    for fields in found["rows"]:
        report.metas[fields["kind"]] = found["meta"]
        if "why" in fields:
            report.lines.append(Failed(**fields))
            continue
        fields["figures"] = {name: figure_of(value)
                             for name, value in fields["figures"].items()}
        report.lines.append(Row(**fields))
    report.checks.extend(Check(**fields) for fields in found["checks"])
