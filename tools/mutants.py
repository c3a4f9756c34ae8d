# mutants.py - the ways in which tools/mutate breaks a line of C.
# SPDX-License-Identifier: MIT
import re

# What is looked for in a line, and what it becomes.
SWAPS = [
    (r" == ", " != "), (r" != ", " == "),
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ ", " - "), (r"(?<=\w) - ", " + "),
    (r" \+= ", " -= "), (r" -= ", " += "),
    (r"\+\+", "--"), (r"(?<![-\w])--(?=\w)", "++"),
    (r"(?<=[( ])!(?=[\w(])", ""),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r" \+ 1\b", ""), (r" - 1\b", ""),
    (r"(?<=return )(?!0;|error;)[^;]+(?=;)", "0"),
    (r"\b0\b", "1"),
]
CALL = re.compile(r"^( +)(\(void\))?[a-z]\w*\([^;{}]*\);$")
SET = re.compile(r"^( +)[a-z][\w>.\[\]-]* = [^;{}]*;$")
ARGUMENTS = re.compile(r"(?<=\w\()(\w[\w>.-]*), (\w[\w>.-]*)(?=[,)])")
NOT_CODE = re.compile(r"^\s*(#|\*|/\*|//)|assert|^\S|\"|sizeof|error_set")
HEAD = re.compile(r"^(?!struct|enum|union)\w[^;={]*?\b(\w+)\(")


def broken_lines(line):
    """(place, name, the broken line) of each way to break it."""
    if NOT_CODE.search(line) or "/*" in line:
        return
    for pattern, other in SWAPS:
        for found in re.finditer(pattern, line):
            yield (found.start(), f"{found[0].strip()} -> {other.strip()}",
                   line[:found.start()] + other + line[found.end():])
    found = CALL.match(line) or SET.match(line)
    if found:
        yield 0, "dropped", found[1] + ";"
    for found in ARGUMENTS.finditer(line):
        if found[1] != found[2]:
            yield (found.start(), "swapped", line[:found.start()]
                   + f"{found[2]}, {found[1]}" + line[found.end():])


class Mutant:
    """A file with one line that is another one."""

    def __init__(self, file, function, number, line, place, what, broken):
        self.file, self.function, self.number = file, function, number
        self.line, self.place, self.what = line, place, what
        self.broken = broken

    def key(self):
        """Does not change with the lines around it."""
        return "\t".join((self.file, self.function, self.what,
                          str(self.place), self.line.strip()))

    def reason_key(self):
        return (f"{self.file} {self.function}: {self.what}", self.line.strip())

    def text(self):
        return (f"{self.file}:{self.number + 1}: {self.function}: {self.what}"
                f"\n      {self.line.strip()}\n      {self.broken.strip()}")


def mutants_of(tree, file):
    function, comment = "", False
    for number, line in enumerate((tree / file).read_text().split("\n")):
        head = HEAD.match(line)
        if head:
            function = head[1]
        if line.lstrip().startswith("/*"):
            comment = True
        if function and not comment:
            for place, what, broken in broken_lines(line):
                yield Mutant(file, function, number, line, place, what, broken)
        if "*/" in line:
            comment = False
        if line == "}":
            function = ""


def read_reasons(path):
    """{(what, line): why it is the same program}: entries of three parts, with
    an empty line between them."""
    reasons = {}
    for entry in path.read_text().split("\n\n"):
        lines = [line for line in entry.split("\n")
                 if line and not line.startswith("#")]
        if len(lines) > 2:
            reasons[lines[0], lines[1].strip()] = " ".join(
                line.strip() for line in lines[2:])
    return reasons
