"""Ratios over size as SVG: a panel a family, a line a number of threads. Pure text; needs nothing but Python."""
import math
from html import escape

import report

WIDTH, HEIGHT = 460, 290  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 56, 18, 40, 46  # its margins
COLUMNS, HEAD, FOOT = 3, 64, 12
# Distinct for colour-blind readers and in grey.
COLOURS = ["#0b6e99", "#d1495b", "#3d8b37", "#8a5a00", "#5b4b8a"]
SLOWER = "#fbeaea"
STYLE = """
text { font-family: Helvetica, Arial, sans-serif; font-size: 12px; fill: #333 }
.title { font-size: 18px; font-weight: bold; fill: #111 } .panel { font-size: 14px; font-weight: bold; fill: #111 }
.grid { stroke: #ddd; stroke-width: 1 } .equal { stroke: #333; stroke-width: 1.2 } .frame { fill: none; stroke: #999 }
"""


def short(value):
    """2000000 -> 2M: a label of an axis; lengths are left as they are."""
    if value >= 1e6:
        return f"{value / 1e6:.3g}M"
    return f"{value / 1e3:.3g}k" if value >= 1e4 else f"{value:.4g}"


class Scale:
    """A logarithmic axis from [low, high] to pixels."""

    def __init__(self, low, high, first, last):
        if low == high:
            low, high = low / 2, high * 2
        self.low, self.high, self.first, self.last = low, high, first, last

    def __call__(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self, candidates, most):
        """Those of the candidates that lie on the axis; every second, third, … where they are too many."""
        inside = [c for c in candidates if self.low * 0.999 <= c <= self.high * 1.001]
        return inside[:: max(1, math.ceil(len(inside) / most))]


RATIOS = [m * 2.0**k for k in range(-6, 10) for m in (1, 1.5)]
SHARES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 4.0]
POWERS = [2.0**k for k in range(24)]
DECADES = [m * 10.0**k for k in range(12) for m in (1, 2, 5)]


def text(x, y, content, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(content)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def mean_by_size(points):
    """[(size, ratio)] -> the same, one a size, by the geometric mean."""
    groups = {}
    for size, value in points:
        groups.setdefault(size, []).append(value)
    return [(size, report.geometric_mean(values)) for size, values in sorted(groups.items())]


def series(points, colour, x, y):
    """A dot a row, each with a tip, and the line of their means."""
    path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in mean_by_size([p[:2] for p in points]))
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for size, value, tip in points:
        yield f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3.2" fill="{colour}"><title>{escape(tip)}</title></circle>'


def panel(title, axis, by_threads, percent):
    """`by_threads`: number of threads -> [(size, ratio, tip)]; the line at 1 is where Heed equals what it is compared with."""
    points = [p for group in by_threads.values() for p in group]
    x = Scale(min(p[0] for p in points), max(p[0] for p in points), LEFT + 10, WIDTH - RIGHT - 10)
    low, high = min(p[1] for p in points), max(p[1] for p in points)
    y = Scale(min(0.71, low / 1.1), max(1.1 if percent else 2.83, high * 1.1), HEIGHT - BOTTOM, TOP)
    yield text(LEFT, TOP - 14, title, extra='class="panel"')
    if not percent:
        yield f'<rect x="{LEFT}" y="{y(1):.1f}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - BOTTOM - y(1):.1f}" fill="{SLOWER}"/>'
    for tick in y.ticks(SHARES if percent else RATIOS, 12):
        yield line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "equal" if tick == 1 else "grid")
        yield text(LEFT - 6, y(tick) + 4, f"{100 * tick:g} %" if percent else f"{tick:g}x", "end")
    for tick in x.ticks(POWERS if x.high < 2e4 else DECADES, 8):
        yield line(x(tick), TOP, x(tick), HEIGHT - BOTTOM, "grid")
        yield text(x(tick), HEIGHT - BOTTOM + 16, short(tick), "middle")
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, axis, "middle")
    yield f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}" class="frame"/>'
    for k, group in enumerate(by_threads.values()):
        yield from series(group, COLOURS[k % len(COLOURS)], x, y)


def legend(threads, x, y):
    for k, count in enumerate(threads):
        yield f'<rect x="{x}" y="{y - 10}" width="22" height="4" fill="{COLOURS[k % len(COLOURS)]}"/>'
        label = f"{count} thread" + ("s" if count > 1 else "")
        yield text(x + 28, y - 3, label)
        x += 110


def chart(title, subtitle, panels, percent=False):
    """`panels`: (title, axis, {threads: [(size, ratio, tip)]}); those without a point are left out. `percent`: ratios are
    shares of a limit, which nothing exceeds for long."""
    panels = [p for p in panels if any(p[2].values())]
    threads = sorted({t for _, _, groups in panels for t in groups})
    panels = [(name, axis, {t: groups.get(t, []) for t in threads}) for name, axis, groups in panels]
    rows = -(-len(panels) // COLUMNS)
    width, height = COLUMNS * WIDTH, HEAD + rows * HEIGHT + FOOT
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    yield f'<style>{STYLE}</style><rect width="{width}" height="{height}" fill="white"/>'
    yield text(20, 28, title, extra='class="title"')
    yield text(20, 50, subtitle)
    yield from legend(threads, width - RIGHT - 110 * len(threads), 32)
    for k, (name, axis, groups) in enumerate(panels):
        yield f'<g transform="translate({k % COLUMNS * WIDTH},{HEAD + k // COLUMNS * HEIGHT})">'
        yield from panel(name, axis, groups, percent)
        yield "</g>"
    yield "</svg>"


def ratios(rows, axes, subtitle):
    """Rows of blocks (report.py) as a chart. `axes`: family -> what its size is."""
    panels = []
    for family, axis in axes.items():
        groups = {}
        for row in rows:
            if row["family"] == family and report.ratio(row):
                best, own = report.best_peer(row), report.time_of(row, "heed")
                tip = f"{row['block']}, {row['threads']} threads: {best[0]} {best[1]:.3f} ms, Heed {own:.3f} ms"
                groups.setdefault(row["threads"], []).append((row["size"], report.ratio(row), tip))
        panels.append((family, axis, groups))
    title = "Time of the best peer over Heed's (above 1, Heed is faster)"
    return "\n".join(chart(title, subtitle, panels)) + "\n"
