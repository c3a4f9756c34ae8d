# svg.py - small plots without any library: bars, and lines over a logarithm.
# SPDX-License-Identifier: MIT
#
# The colours are for a light and for a dark page: the reader's browser says
# which it is, and the background stays the page's.
import math
from xml.sax.saxutils import escape

WIDTH = 640
COLORS = [("#0b62d6", "#6cb0ff"), ("#b3541e", "#f0a36b"),
          ("#1a7f37", "#6fdd8b"), ("#8250df", "#c9a6ff"),
          ("#9a6700", "#e3b341"), ("#cf222e", "#ff8f88"),
          ("#57606a", "#a9b4c0"), ("#0a7d83", "#5fd3da"),
          ("#bf3989", "#ff9bd1")]


def style():
    light = "".join(f".c{i}{{fill:{a};stroke:{a}}}"
                    for i, (a, b) in enumerate(COLORS))
    dark = "".join(f".c{i}{{fill:{b};stroke:{b}}}"
                   for i, (a, b) in enumerate(COLORS))
    return ("<style>text{font:12px sans-serif;fill:#24292f;stroke:none}"
            ".t{font-weight:bold;font-size:14px}.e{text-anchor:end}"
            ".m{text-anchor:middle}.g{stroke:#8c959f;stroke-opacity:.35}"
            ".l{fill:none;stroke-width:2}" + light +
            "@media(prefers-color-scheme:dark){text{fill:#e6edf3}" + dark +
            "}.l{fill:none}</style>")


def text(x, y, words, kind=""):
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{escape(words)}</text>'


def drawing(height, title, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}"'
        f' height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>", style(),
        text(8, 20, title, "t"), *parts, "</svg>", ""])


def short_number(n):
    if n >= 1e6:
        return f"{n / 1e6:g}M"
    if n >= 1e4:
        return f"{n / 1e3:g}k"
    return f"{n:,.0f}" if n >= 10 else f"{n:.3g}"


def bars(title, figures):
    """figures: by label, longest bar for the largest on a logarithmic scale
    where they differ a lot."""
    values = [value for value in figures.values() if value > 0]
    log = len(values) > 1 and max(values) > 20 * min(values)
    least, most = min(values), max(values)

    def length(value):
        if value <= 0:
            return 0
        if not log:
            return value / most
        low = math.log(least / 3)
        return (math.log(value) - low) / (math.log(most) - low)

    parts = []
    for i, (label, value) in enumerate(figures.items()):
        y = 34 + i * 24
        width = max(1, length(value) * (WIDTH - 230))
        color = 0 if i == 0 else 6
        parts += [text(130, y + 13, label, "e"),
                  f'<rect x="138" y="{y}" width="{width:.1f}" height="17"'
                  f' rx="2" class="c{color}"/>',
                  text(144 + width, y + 13, short_number(value))]
    height = 44 + 24 * len(figures)
    if log:
        parts.append(text(8, height + 4, "logarithmic scale"))
        height += 14
    return drawing(height, title, parts)


class Scale:
    """From figures to places, by their logarithms; 0 stands left of the
    least."""

    def __init__(self, values, low, high):
        positive = [value for value in values if value > 0] or [1]
        self.least, self.most = min(positive), max(positive)
        if self.least == self.most:
            self.most *= 10
        self.low, self.high = low, high

    def place(self, value):
        value = max(value, self.least)
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return self.low + share * (self.high - self.low)

    def marks(self):
        """Powers of ten, or 1, 2, 5 where there are few."""
        first = math.floor(math.log10(self.least))
        last = math.ceil(math.log10(self.most))
        steps = (1,) if last - first > 3 else (1, 2, 5)
        found = [step * 10.0 ** power for power in range(first, last + 1)
                 for step in steps]
        return [mark for mark in found if
                self.least * 0.999 <= mark <= self.most * 1.001]


def lines(title, x_title, y_title, series, labels=None):
    """series: by name, a list of (x, y). labels: of x, instead of figures."""
    points = [point for line in series.values() for point in line]
    xs = sorted({x for x, y in points})
    left, right, top, bottom = 60, WIDTH - 130, 52, 268
    across = Scale([x if x > 0 else 1 for x in xs], left + 10, right - 10)
    y_values = [y for x, y in points if y > 0]
    up = Scale([min(y_values) / 1.5, max(y_values) * 1.5], bottom, top)
    parts = [text(8, 40, y_title), text((left + right) / 2, bottom + 38,
                                        x_title, "m")]
    for mark in up.marks():
        y = up.place(mark)
        parts += [f'<path class="g" d="M{left} {y:.1f}H{right}"/>',
                  text(left - 6, y + 4, short_number(mark), "e")]
    for x in xs:
        label = labels[x] if labels else short_number(x)
        parts.append(text(across.place(x), bottom + 18, label, "m"))
    drawn = [one_line(i, line, across, up)
             for i, line in enumerate(series.values())]
    parts += [part for line in reversed(drawn) for part in line]
    parts += names(series, up, right)
    return drawing(bottom + 50, title, parts)


def one_line(i, line, across, up):
    color = f"c{i % len(COLORS)}"
    places = [(across.place(x), up.place(y)) for x, y in sorted(line)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = [f'<circle class="{color}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
            for x, y in places]
    return [f'<path class="{color} l" d="M{path}"/>', *dots]


def names(series, up, right):
    """Beside the lines' ends, none over another."""
    ends = sorted((up.place(max(line)[1]), i, name)
                  for i, (name, line) in enumerate(series.items()))
    parts, last = [], 0
    for y, i, name in ends:
        y = max(y, last + 15)
        last = y
        parts += [f'<circle class="c{i % len(COLORS)}" cx="{right + 12}"'
                  f' cy="{y:.1f}" r="4"/>', text(right + 20, y + 4, name)]
    return parts
