"""A drawing as SVG text: shapes, gradients, groups, and the cast that appears in several pictures.

Only the standard library. Numbers are written with two decimals, so that the last digit of a sine never shows.
"""

import contextlib
import math
import random
from xml.sax.saxutils import escape


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def attributes(named):
    return "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(number(value))}"' for name, value in named.items())


class Drawing:
    """Shapes are painted in the order they are added. Coordinates are pixels from the top left corner."""

    def __init__(self, width, height, background=None):
        self.width, self.height = width, height
        self._defs, self._parts = [], []
        if background:
            self.rect(0, 0, width, height, fill=background)

    def text_of(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}"><defs>'
                + "".join(self._defs) + "</defs>" + "".join(self._parts) + "</svg>\n")

    def raw(self, text):
        self._parts.append(text)

    def rect(self, x, y, width, height, **style):
        self.raw("<rect" + attributes({"x": x, "y": y, "width": width, "height": height, **style}) + "/>")

    def circle(self, x, y, r, **style):
        self.raw("<circle" + attributes({"cx": x, "cy": y, "r": r, **style}) + "/>")

    def ellipse(self, x, y, rx, ry, **style):
        self.raw("<ellipse" + attributes({"cx": x, "cy": y, "rx": rx, "ry": ry, **style}) + "/>")

    def line(self, x1, y1, x2, y2, stroke, width=2.0, **style):
        self.raw("<line" + attributes({"x1": x1, "y1": y1, "x2": x2, "y2": y2, "stroke": stroke, "stroke_width": width, **style}) + "/>")

    def path(self, d, **style):
        self.raw("<path" + attributes({"d": d, **style}) + "/>")

    def polygon(self, points, **style):
        self.raw("<polygon" + attributes({"points": self._points(points), **style}) + "/>")

    def polyline(self, points, stroke, width=2.0, **style):
        self.raw("<polyline" + attributes({"points": self._points(points), "fill": "none", "stroke": stroke, "stroke_width": width,
                                           **style}) + "/>")

    def text(self, x, y, words, size=20, fill="#222", font="DejaVu Sans", anchor="middle", **style):
        named = {"x": x, "y": y, "font_size": size, "fill": fill, "font_family": font, "text_anchor": anchor, **style}
        self.raw("<text" + attributes(named) + f">{escape(words)}</text>")

    @contextlib.contextmanager
    def group(self, transform="", **style):
        self.raw("<g" + attributes({"transform": transform or "scale(1)", **style}) + ">")
        yield
        self.raw("</g>")

    def linear(self, name, stops, x2=0, y2=1):
        """A gradient from the top left of its shape to (x2, y2); stops are (place 0..1, colour[, opacity])."""
        self._defs.append(f'<linearGradient id="{name}" x1="0" y1="0" x2="{x2}" y2="{y2}">{self._stops(stops)}</linearGradient>')
        return f"url(#{name})"

    def radial(self, name, stops, cx=0.5, cy=0.5, r=0.5):
        self._defs.append(f'<radialGradient id="{name}" cx="{cx}" cy="{cy}" r="{r}">{self._stops(stops)}</radialGradient>')
        return f"url(#{name})"

    @staticmethod
    def _points(points):
        return " ".join(f"{number(float(x))},{number(float(y))}" for x, y in points)

    @staticmethod
    def _stops(stops):
        return "".join(f'<stop offset="{at}" stop-color="{colour}" stop-opacity="{rest[0] if rest else 1}"/>' for at, colour, *rest in stops)


# ---- shapes by number -----------------------------------------------------------------------------------------------


def around(x, y, radius, count, turn=0.0):
    """`count` points of a circle; turn in revolutions."""
    return [(x + radius * math.cos(2 * math.pi * (i / count + turn)), y + radius * math.sin(2 * math.pi * (i / count + turn)))
            for i in range(count)]


def star(x, y, outer, inner, points, turn=-0.25):
    far, near = around(x, y, outer, points, turn), around(x, y, inner, points, turn + 0.5 / points)
    return [point for pair in zip(far, near) for point in pair]


def spiral(x, y, radius, turns, start=0.0, steps=220):
    return [(x + radius * i / steps * math.cos(2 * math.pi * (turns * i / steps + start)),
             y + radius * i / steps * math.sin(2 * math.pi * (turns * i / steps + start))) for i in range(steps + 1)]


def gear(d, x, y, radius, teeth, turn=0.0, fill="#b08d57", hole="#3b2f22"):
    points = []
    for i in range(teeth):
        for part, reach in ((0.0, 0.84), (0.18, 1.0), (0.48, 1.0), (0.66, 0.84)):
            points += around(x, y, radius * reach, 1, turn + (i + part) / teeth)
    d.polygon(points, fill=fill, stroke="#00000055", stroke_width=1.5)
    d.circle(x, y, radius * 0.58, fill="none", stroke="#00000033", stroke_width=2.0)
    d.circle(x, y, radius * 0.24, fill=hole)


def ridge(seed, width, base, rough, steps=40):
    """A skyline from left to right: mesas, flat on top, and the talus between them."""
    rng, points, level = random.Random(seed), [], base
    for i in range(steps + 1):
        if rng.random() < 0.4:
            level = base - rng.random() * rough
        points.append((width * i / steps, level + rng.random() * rough * 0.06))
    return points


# ---- the cast -------------------------------------------------------------------------------------------------------

QUILLA = {"fur": "#8d99ae", "dark": "#5c677d", "belly": "#dfe5ee", "ear": "#f2b5c4", "scarf": "#d64045"}
TOLONDRO = {"fur": "#d9b48f", "dark": "#a47551", "belly": "#f8ead8", "ear": "#f6a6b2", "scarf": "#2a9d8f"}


def mouse(d, x, y, size, who, glasses=False, arm=20, look=0.0, tail=1):
    """A lab mouse that stands on (x, y), `size` pixels high; arm: degrees its right arm is raised; look: -1..1."""
    s = size / 200
    with d.group(f"translate({x:.2f} {y:.2f}) scale({s:.3f})"):
        d.path(f"M {tail * 40} -22 C {tail * 120} -10 {tail * 100} -90 {tail * 140} -96", fill="none", stroke=who["ear"], stroke_width=7.0,
               stroke_linecap="round")
        for side in (-1, 1):
            d.ellipse(side * 26, -5, 24, 9, fill=who["ear"])
        d.ellipse(0, -58, 52, 56, fill=who["fur"])
        d.ellipse(0, -50, 34, 42, fill=who["belly"])
        for side, lift in ((-1, 12), (1, arm)):
            with d.group(f"translate({side * 42} -82) rotate({-side * lift})"):
                d.ellipse(side * 20, 4, 27, 11, fill=who["dark"])
                d.circle(side * 44, 4, 9, fill=who["ear"])
        for side in (-1, 1):
            d.circle(side * 50, -176, 36, fill=who["fur"])
            d.circle(side * 50, -174, 24, fill=who["ear"])
        d.ellipse(0, -135, 54, 47, fill=who["fur"])
        d.path("M -46 -103 Q 0 -78 46 -103 L 44 -88 Q 0 -62 -44 -88 Z", fill=who["scarf"])
        d.ellipse(0, -118, 30, 21, fill=who["belly"])
        for side in (-1, 1):
            d.circle(side * 21, -146, 13, fill="#fff")
            d.circle(side * 21 + 5 * look, -144, 7, fill="#1b1b2f")
            d.circle(side * 21 + 5 * look - 2, -147, 2.5, fill="#fff")
            for lean in (-7, 2):
                d.line(side * 24, -117 + lean / 2, side * 66, -118 + lean * 1.6, "#33333399", 1.8)
            if glasses:
                d.circle(side * 21, -145, 17, fill="none", stroke="#2b2d42", stroke_width=4.0)
        if glasses:
            d.line(-4, -146, 4, -146, "#2b2d42", 4.0)
        d.ellipse(0, -126, 9, 7, fill="#3a2a33")
        d.path("M -12 -112 Q 0 -102 12 -112", fill="none", stroke="#3a2a33", stroke_width=2.5, stroke_linecap="round")


def cheese(d, x, y, size):
    """A wedge, its lower left corner at (x, y)."""
    with d.group(f"translate({x:.2f} {y:.2f}) scale({size / 100:.3f})"):
        d.polygon([(0, -30), (100, -30), (100, 0), (0, 0)], fill="#f4b942")
        d.polygon([(0, -30), (70, -62), (100, -30)], fill="#ffd97a")
        for cx, cy, r in ((22, -14, 7), (58, -18, 9), (84, -8, 5), (66, -42, 6)):
            d.ellipse(cx, cy, r, r * 0.85, fill="#d9982b")


def cactus(d, x, y, size, fill="#2d5a3d"):
    with d.group(f"translate({x:.2f} {y:.2f}) scale({size / 100:.3f})"):
        d.rect(-9, -100, 18, 102, rx=9, fill=fill)
        d.path("M -9 -40 H -26 Q -36 -40 -36 -52 V -66", fill="none", stroke=fill, stroke_width=12.0, stroke_linecap="round")
        d.path("M 9 -30 H 24 Q 34 -30 34 -42 V -74", fill="none", stroke=fill, stroke_width=12.0, stroke_linecap="round")


def stars(d, seed, count, width, height, biggest=1.8):
    rng = random.Random(seed)
    for _ in range(count):
        tint = rng.choice(("#ffffff", "#fff3d6", "#d6e4ff"))
        d.circle(rng.random() * width, rng.random() * height, 0.4 + biggest * rng.random() ** 3, fill=tint, opacity=0.35 + 0.65 * rng.random())
