# headers.py - reads the public headers: their sections, declarations, comments.
# SPDX-License-Identifier: MIT
"""The comments follow a few rules, so that they read as plain text and can be
turned into man pages and HTML:

- /** */ stands before a declaration, /**< */ behind a member. A declaration
  without a comment shares the one above it.
- The first sentence says what the thing does.
- A sentence that begins with "Returns" begins the return value, up to the end of
  its paragraph and the list behind it. A list entry that begins with
  "RONDO_E...:" is an error.
- A sentence that begins with "Any thread" says which threads may call it.
- A sentence that begins with "As " or "See " is what to compare it with.
- What is indented by four columns is code.
- "Stability: WORD; since VERSION." in a comment of its own holds for what
  follows, up to the next such comment. In the comment of a declaration, alone
  in its paragraph, it holds for that one.
"""
import re

HEADERS = ["include/rondo.h", "include/rondo_sim.h",
           "contrib/openssl/rondo_tls.h", "contrib/cares/rondo_cares.h",
           "contrib/curl/rondo_curl.h", "contrib/hiredis/rondo_hiredis.h",
           "contrib/postgres/rondo_pq.h", "contrib/glib/rondo_glib.h",
           "contrib/poll/rondo_poll.h", "contrib/top/rondo_top.h"]
STABILITY = re.compile(r"Stability: ([a-z ]+?)(?:; since ([0-9.]+))?\.")
SECTION = re.compile(r"/\* ---- (.*?) -+ \*/")


class Item:
    """A declaration, or with kind "section" the head of a section."""

    def __init__(self, kind, name, code, line):
        self.kind, self.name, self.code, self.line = kind, name, code, line
        self.comment = None     # the text, without the stars
        self.shared = None      # the item above that has the comment
        self.members = []       # Item: of a struct or an enum
        self.section = ""
        self.stability = self.since = None


class Header:
    def __init__(self, path):
        self.path, self.items = path, []
        self.head = ""          # the comment about the whole file
        self.title = ""         # what its first line says
        self.private = set()    # numbers of lines that readers are not shown


def strip_stars(comment):
    """The text of a comment, its lines without the stars."""
    text = re.sub(r"^/\*+<?", "", comment)
    text = re.sub(r"\*/$", "", text)
    lines = [re.sub(r"^\s*\* ?", "", line) for line in text.split("\n")]
    lines[0] = lines[0].strip()
    return "\n".join(line.rstrip() for line in lines).strip("\n").rstrip()


# ---- pieces of a header ----

PIECE = re.compile(r"/\*.*?\*/"                 # a comment
                   r"|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*"   # a line of the preprocessor
                   r"|\"(?:[^\"\\]|\\.)*\"|[{}();,]|[^\s{}();,\"/#]+|\S",
                   re.S | re.M)


def without_cplusplus(text):
    """Blanks what only a C++ compiler sees; the lines stay where they are."""
    out, stack = [], []
    for line in text.split("\n"):
        word = re.match(r"\s*#\s*(ifdef|ifndef|if|else|elif|endif)\b(.*)", line)
        if word and word[1] in ("ifdef", "if", "ifndef"):
            rest = re.sub(r"/\*.*", "", word[2]).strip()
            stack.append({"ifdef": 1, "ifndef": -1}.get(word[1], 0)
                         if rest == "__cplusplus" else 0)
        elif word and word[1] == "else" and stack:
            stack[-1] = -stack[-1]
        ours = word and stack and stack[-1] != 0
        out.append("" if 1 in stack or ours else line)
        if word and word[1] == "endif" and stack:
            stack.pop()
    return "\n".join(out)


def split_statements(text):
    """Yields (kind, text, line): comments, defines and declarations."""
    depth, start = 0, None
    for match in PIECE.finditer(text):
        piece, line = match[0], text.count("\n", 0, match.start()) + 1
        if start is None and piece.startswith("/*"):
            yield "comment", piece, line
            continue
        if start is None and piece.lstrip().startswith("#"):
            if re.match(r"\s*#\s*define\b", piece):
                yield "define", piece, line
            continue
        if start is None:
            if piece in ("}", ";"):
                continue
            start, first = match.start(), line
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(piece, 0)
        code = text[start:match.end()]
        if depth == 0 and (piece == ";" or piece == "}" and is_body(code)):
            yield "code", code, first
            start = None


def is_body(code):
    """Whether a } ends this: the body of a function."""
    return not re.match(r"typedef|struct|enum|union", code)


def without_comments(code):
    return re.sub(r"[ \t]*/\*.*?\*/", "", code, flags=re.S)


# ---- what a declaration is ----

def name_declaration(code):
    """(kind, name) of a declaration, or None."""
    plain = " ".join(without_comments(code).split())
    plain = re.sub(r"RONDO_PRINTF\([^)]*\)", "", plain)
    if plain.startswith("extern"):
        return None
    match = re.match(r"(?:typedef )?(struct|enum)\b ?(\w*) ?\{", plain)
    if match:
        end = re.search(r"\} ?(\w*) ?;$", plain)
        return match[1], (end and end[1]) or match[2]
    match = re.match(r"typedef .*?\(\*(\w+)\)\(", plain)
    if match:
        return "callback", match[1]
    match = re.match(r"typedef .*?(\w+) ?;$", plain)
    if match:
        return "type", match[1]
    match = re.match(r"[\w* ]*?(\w+) ?\(", plain)
    return ("function", match[1]) if match else None


def split_members(body, separator):
    """Yields (code, comment) of each member."""
    before, code, depth = None, "", 0
    last = None
    for match in PIECE.finditer(body):
        piece = match[0]
        if piece.startswith("/**<"):
            if last is not None and not code.strip():
                last[1] = strip_stars(piece)
            else:
                before = strip_stars(piece)
        elif piece.startswith("/**"):
            before = strip_stars(piece)
        elif not piece.startswith("/*"):
            depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(piece, 0)
            if piece == separator and depth == 0:
                if last:
                    yield last
                last, before, code = [code.strip(), before], None, ""
            else:
                code += body[match.start() - spaces(body, match):match.end()]
    if last:
        yield last
    if code.strip():
        yield [code.strip(), before]


def spaces(body, match):
    return 1 if match.start() and body[match.start() - 1] in " \n\t" else 0


def read_members(item):
    body = item.code[item.code.index("{") + 1:item.code.rindex("}")]
    separator = "," if item.kind == "enum" else ";"
    for code, comment in split_members(body, separator):
        if item.kind == "enum":
            name = re.match(r"\w+", code)
        else:
            name = re.search(r"\(\*(\w+)\)|(\w+)(?:\[[^]]*\])?$", code)
        if not name:
            continue
        member = Item("member", name[name.lastindex or 0], code, item.line)
        member.comment = comment
        item.members.append(member)


# ---- a whole header ----

def read_stability(text):
    match = STABILITY.search(" ".join(text.split()))
    return match.groups() if match else None


class Reader:
    def __init__(self, header):
        self.header, self.section, self.comment = header, "", None
        self.stability, self.since, self.last = None, None, None
        self.guarded = False    # behind the first #define
        self.place = None           # the item of the section
        self.usual = None, None     # the file's stability

    def take_comment(self, text, line):
        header, found = self.header, SECTION.match(text)
        if not header.title:
            header.title = strip_stars(text).split(" - ", 1)[-1].rstrip(".")
        elif found:
            self.section, self.last = found[1], None
            self.stability, self.since = self.usual
            item = Item("section", found[1], "", line)
            item.comment, self.place = "", item
            header.items.append(item)
        elif not self.guarded and text.startswith("/**"):
            header.head = strip_stars(text)
            self.take_stability(header.head)
            self.usual = self.stability, self.since
        elif text.startswith("/**"):
            self.comment = strip_stars(text)
        else:
            self.take_loose(strip_stars(text))

    def take_stability(self, text):
        found = read_stability(text)
        if found:
            self.stability, self.since = found

    def take_loose(self, text):
        self.take_stability(text)
        text = re.sub(STABILITY.pattern, "", text).strip()
        if self.place and text:
            self.place.comment += "\n\n" + text
        self.last = None

    def take_code(self, code, line):
        found = name_declaration(code)
        private = re.match("(static|struct) ", code) and self.comment is None
        if found and private:   # the implementation, in a header without .c
            lines = range(line, line + code.count("\n") + 1)
            self.header.private.update(lines)
        elif found:
            self.add(Item(*found, code, line))
        self.comment = None

    def take_define(self, text, line):
        self.guarded = True
        name = re.match(r"\s*#\s*define\s+(\w+)", text)[1]
        follows = self.last and self.last.kind == "define" and \
            self.last.line + self.last.code.count("\n") + 1 == line
        if self.comment is not None or follows:
            self.add(Item("define", name, text, line))
        self.comment = None

    def add(self, item):
        item.section, item.comment = self.section, self.comment
        item.stability, item.since = self.stability, self.since
        own = read_stability(item.comment or "")
        if own:
            item.stability, item.since = own[0], own[1] or self.since
        if item.comment is None and self.last and item.kind == self.last.kind:
            item.shared = self.last.shared or self.last
            item.stability, item.since = self.last.stability, self.last.since
        if item.kind in ("struct", "enum"):
            read_members(item)
        self.header.items.append(item)
        self.last = item


def read_header(path):
    with open(path, encoding="utf-8") as file:
        text = without_cplusplus(file.read())
    header = Header(path)
    reader = Reader(header)
    for kind, piece, line in split_statements(text):
        take = {"comment": reader.take_comment, "code": reader.take_code,
                "define": reader.take_define}
        take[kind](piece, line)
    return header


# ---- names ----

def known_names(headers):
    """Every name that the headers declare, with its kind."""
    names = {}
    for header in headers:
        for item in header.items:
            if item.kind != "section" and item.name:
                names[item.name] = item.kind
            if item.kind == "enum":
                names.update((member.name, "value") for member in item.members)
    return names


# ---- sentences ----

def split_paragraphs(text):
    """Yields (kind, lines): "text", "list" (its entries) or "code"."""
    for block in re.split(r"\n[ \t]*\n", text):
        if not block.strip():
            continue
        if all(line.startswith("    ") for line in block.split("\n")):
            yield "code", block
            continue
        lines = []
        for line in block.split("\n"):
            if line.startswith("- ") and lines and not lines[0].startswith("- "):
                yield "text", " ".join(lines)
                lines = []
            if line.startswith("- ") or not lines or \
                    not lines[0].startswith("- "):
                lines.append(line)
            elif line.startswith("  "):
                lines[-1] += " " + line.strip()
            else:               # the list is over
                yield "list", lines
                lines = [line]
        if lines and lines[0].startswith("- "):
            yield "list", lines
        elif lines:
            yield "text", " ".join(lines)


def split_sentences(text):
    """At each full stop behind a word, a bracket or a quotation."""
    return re.split(r"(?<=[\w)\"`]\.)(?<! \w\.)(?<!\w\.\w\.) +(?=[^ ])", text)


def is_comparison(sentence):
    return bool(re.match(r"(As|See) (?!rondo_|RONDO_)", sentence))


def is_about_threads(sentence):
    return sentence.startswith("Any thread")
