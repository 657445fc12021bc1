"""The drawings: blueprint, sticker, map, chart, poster, sky; what the PNG and WebP files show."""

import math
import random

from media.svg import QUILLA, TOLONDRO, Drawing, around, cheese, gear, mouse, ridge, spiral, star, stars


def magnet_blueprint():
    d = Drawing(960, 640, "#0b3d91")
    for x in range(0, 960, 20):
        d.line(x + 0.5, 0, x + 0.5, 640, "#ffffff", 1.0, opacity=0.22 if x % 100 == 0 else 0.08)
    for y in range(0, 640, 20):
        d.line(0, y + 0.5, 960, y + 0.5, "#ffffff", 1.0, opacity=0.22 if y % 100 == 0 else 0.08)
    ink = "#e8f1ff"
    outline = {"fill": "none", "stroke": ink, "stroke_width": 3.0}
    d.path("M 190 150 V 330 A 150 150 0 0 0 490 330 V 150 H 410 V 330 A 70 70 0 0 1 270 330 V 150 Z", **outline)
    for x in (190, 410):
        d.line(x, 210, x + 80, 210, ink, 2.0)
        for i in range(5):
            d.line(x + i * 16, 210, x + 16 + i * 16, 150, ink, 1.0)
    for i in range(11):
        d.ellipse(340, 400 + i * 9, 12 + 3 * (i % 2), 5, fill="none", stroke=ink, stroke_width=1.5)
    for reach in range(5):
        d.path(f"M 230 140 C 230 {90 - reach * 22} 450 {90 - reach * 22} 450 140", fill="none", stroke=ink, stroke_width=1.2,
               stroke_dasharray="7 5")
    for x1, y1, x2, y2, words in ((190, 520, 490, 520, "3.20 m"), (140, 150, 140, 480, "3.60 m")):
        d.line(x1, y1, x2, y2, ink, 1.5)
        for x, y in ((x1, y1), (x2, y2)):
            d.circle(x, y, 4, fill=ink)
        turn = f"rotate(-90 {x1 - 14} {(y1 + y2) / 2})" if x1 == x2 else "rotate(0)"
        d.text((x1 + x2) / 2 - (14 if x1 == x2 else 0), (y1 + y2) / 2 + (0 if x1 == x2 else 24), words, 18, ink, font="DejaVu Sans Mono",
               transform=turn)
    with d.group("translate(720 250)"):
        for r in (130, 96, 60, 20):
            d.circle(0, 0, r, fill="none", stroke=ink, stroke_width=2.0)
        for x, y in around(0, 0, 130, 12):
            d.line(0, 0, x, y, ink, 0.8)
        for x, y in around(0, 0, 112, 12, 0.04):
            d.circle(x, y, 7, fill="none", stroke=ink, stroke_width=1.5)
        d.text(0, 164, "SECTION A-A: COIL", 16, ink, font="DejaVu Sans Mono")
    for i, words in enumerate(("1  switch, ON", "2  switch, OFF (see page two)", "3  cutlery, collected")):
        d.text(560, 470 + i * 26, words, 17, ink, font="DejaVu Sans Mono", anchor="start")
    d.rect(540, 548, 396, 70, **outline)
    d.text(738, 578, "GIANT MAGNET GM-3", 24, ink, font="DejaVu Sans Mono", font_weight="bold")
    d.text(738, 604, "SCALE 1:20 · SHEET 1 OF 2", 16, ink, font="DejaVu Sans Mono")
    d.rect(12, 12, 936, 616, **outline)
    return d


def quilla_sticker():
    """On nothing: the paper around the sticker is transparent."""
    d = Drawing(512, 512)
    d.circle(256, 262, 236, fill="#ffffff")
    d.circle(256, 262, 222, fill=d.radial("disc", [(0, "#ffd6e0"), (1, "#ef476f")]))
    for i in range(16):
        d.polygon([(256, 262), *around(256, 262, 222, 32)[2 * i : 2 * i + 2]], fill="#ffffff", opacity=0.16)
    mouse(d, 250, 440, 340, QUILLA, glasses=True, arm=150, look=0.7)
    with d.group("translate(352 128) rotate(18)"):
        cheese(d, -20, 20, 92)
    d.polygon(star(96, 120, 34, 15, 5), fill="#ffd166", stroke="#ffffff", stroke_width=6.0)
    return d


def lab_map():
    """Flat colours, for a palette."""
    d = Drawing(640, 480, "#f2e8cf")
    rooms = ((40, 50, 220, 150, "#a7c957", "LAB 7"), (280, 50, 150, 150, "#90e0ef", "COLD ROOM"), (450, 50, 150, 230, "#ffb5a7", "WAREHOUSE"),
             (40, 250, 150, 180, "#cdb4db", "LIBRARY"), (210, 290, 220, 140, "#fcd5ce", "KITCHEN"), (450, 320, 150, 110, "#d8e2dc", "GUARD"))
    d.rect(28, 38, 584, 404, fill="#fffdf5", stroke="#386641", stroke_width=6.0)
    for x, y, w, h, fill, words in rooms:
        d.rect(x, y, w, h, fill=fill, stroke="#386641", stroke_width=4.0)
        d.text(x + w / 2, y + (h - 12 if words == "KITCHEN" else 26), words, 17, "#1d3b24", font="DejaVu Sans", font_weight="bold")
    for x, y, w, h in ((130, 196, 40, 8), (340, 196, 40, 8), (446, 150, 8, 40), (110, 246, 40, 8), (300, 286, 40, 8), (446, 360, 8, 40)):
        d.rect(x, y, w, h, fill="#fffdf5")
    route = [(90, 150), (150, 170), (150, 226), (250, 226), (320, 240), (320, 340), (390, 388)]
    d.polyline(route, "#bc4749", 5.0, stroke_dasharray="10 7", stroke_linejoin="round")
    d.circle(90, 150, 9, fill="#bc4749")
    for turn in (45, -45):
        with d.group(f"translate(390 388) rotate({turn})"):
            d.rect(-16, -4, 32, 8, fill="#bc4749")
    d.circle(100, 120, 26, fill="none", stroke="#1d3b24", stroke_width=4.0)
    for x, y in around(100, 120, 26, 6):
        d.line(100, 120, x, y, "#1d3b24", 3.0)
    cheese(d, 350, 376, 50)
    for i in range(3):
        d.rect(470 + i * 42, 110, 32, 46, fill="#bc6c25")
        d.rect(470 + i * 42, 190, 32, 46, fill="#bc6c25")
    for i in range(5):
        d.rect(56 + i * 26, 300, 18, 96, fill=("#6d597a", "#355070", "#e56b6f", "#b56576", "#eaac8b")[i])
    d.text(526, 400, "zzz", 24, "#1d3b24", font="DejaVu Serif", font_style="italic")
    d.polygon(star(584, 456, 18, 6, 4), fill="#386641")
    d.text(320, 466, "The way to the refrigerator, in nine minutes", 17, "#386641", font="DejaVu Serif", font_style="italic")
    return d


def cheese_chart():
    """Few colours and no background: a palette with a transparent entry."""
    d = Drawing(640, 400)
    for i in range(6):
        d.line(60, 40 + i * 60, 620, 40 + i * 60, "#adb5bd", 1.0)
        d.text(52, 46 + i * 60, str(800 - i * 100), 14, "#495057", anchor="end")
    rng = random.Random(310)
    for name, level, colour in (("GOUDA", 250, "#e76f51"), ("BRIE", 190, "#2a9d8f"), ("MANCHEGO", 90, "#264653"), ("OAXACA", 300, "#e9c46a")):
        points = []
        for i in range(57):
            level = min(max(level + rng.randrange(-9, 9), 48), 334)
            points.append((60 + i * 9, level))
        d.polyline(points, colour, 4.0, stroke_linejoin="round")
        d.circle(*points[-1], 6, fill=colour)
        d.text(points[-1][0] + 12, points[-1][1] + 5, name[:3], 14, colour, anchor="start", font_weight="bold")
    d.line(60, 340, 620, 340, "#212529", 3.0)
    d.line(60, 30, 60, 340, "#212529", 3.0)
    d.text(330, 384, "CHEESE EXCHANGE, 22:00 TO MIDNIGHT", 18, "#212529", font_weight="bold")
    return d


def moth_xray():
    """Greys on transparent: grey and alpha, two bands."""
    d = Drawing(480, 480)
    for side in (-1, 1):
        with d.group(f"translate(240 240) scale({side} 1)"):
            d.path("M 8 -40 C 60 -170 190 -190 214 -150 C 226 -90 170 -20 16 6 Z", fill="#f4f4f4", opacity=0.55)
            d.path("M 8 6 C 90 10 170 60 150 130 C 110 180 40 120 10 50 Z", fill="#d0d0d0", opacity=0.5)
            for i in range(7):
                d.path(f"M 10 -20 Q {70 + i * 14} {-130 + i * 16} {198 - i * 6} {-160 + i * 22}", fill="none", stroke="#ffffff",
                       stroke_width=2.0, opacity=0.9)
            for i in range(5):
                d.path(f"M 10 14 Q {60 + i * 8} {30 + i * 16} {140 - i * 22} {70 + i * 22}", fill="none", stroke="#ffffff",
                       stroke_width=2.0, opacity=0.9)
            for r in (34, 24, 12):
                d.circle(142, -104, r, fill="none", stroke="#202020", stroke_width=5.0)
            d.path("M 6 -70 Q 30 -140 74 -148", fill="none", stroke="#ffffff", stroke_width=4.0)
            for i in range(7):
                d.line(16 + i * 8, -96 - i * 7, 24 + i * 8, -112 - i * 5, "#e0e0e0", 2.0)
    for i in range(9):
        d.ellipse(240, 188 + i * 15, 20 - abs(i - 3) * 1.6, 9, fill="#ffffff", stroke="#404040", stroke_width=2.0)
    d.circle(240, 168, 19, fill="#c8c8c8", stroke="#404040", stroke_width=3.0)
    return d


def night_sky():
    d = Drawing(1024, 576)
    d.rect(0, 0, 1024, 576, fill=d.linear("night", [(0, "#03071e"), (0.6, "#14213d"), (1, "#3d2c5e")]))
    for x, y, r, tint in ((300, 180, 260, "#7b2cbf"), (560, 120, 220, "#3a0ca3"), (780, 210, 200, "#4895ef")):
        d.circle(x, y, r, fill=d.radial(f"fog{x}", [(0, tint, 0.4), (1, tint, 0)]))
    stars(d, 77, 420, 1024, 470, 2.2)
    d.polygon([(700, 96), (420, 20), (690, 106)], fill="#cfe8ff", opacity=0.5)
    d.circle(704, 102, 9, fill="#ffffff")
    mice = [(120, 110), (170, 70), (230, 96), (250, 160), (190, 190), (128, 170), (120, 110)]
    d.polyline(mice, "#a2d2ff", 1.5, opacity=0.7)
    d.polyline([(250, 160), (320, 190), (372, 168)], "#a2d2ff", 1.5, opacity=0.7)
    for x, y in [*mice, (320, 190), (372, 168)]:
        d.polygon(star(x, y, 8, 2.6, 4), fill="#ffffff")
    d.polygon([(0, 576), *ridge(41, 1024, 490, 60), (1024, 576)], fill="#10101f")
    d.rect(690, 392, 210, 130, fill="#1b1b2f")
    d.path("M 715 392 A 80 80 0 0 1 875 392 Z", fill="#232342")
    d.polygon([(790, 312), (806, 312), (846, 250), (832, 242)], fill="#4a4e69")
    for i in range(5):
        d.rect(706 + i * 38, 430, 22, 26, fill="#ffd166" if i in (1, 3) else "#2b2d42")
    d.text(795, 500, "LAB 7", 22, "#8d99ae", font_weight="bold")
    mouse(d, 640, 520, 70, QUILLA, glasses=True, arm=80, look=-0.5, tail=-1)
    d.rect(0, 518, 1024, 58, fill="#0a0a14")
    return d


def pocket_cloud():
    """Lossless, with a soft edge."""
    d = Drawing(600, 450)
    soft = d.radial("puff", [(0, "#ffffff", 1), (0.7, "#dfe7fd", 0.95), (1, "#b8c0ff", 0)])
    for x, y, r in ((170, 190, 120), (260, 130, 140), (370, 150, 150), (450, 210, 110), (310, 220, 150)):
        d.circle(x, y, r, fill=soft)
    for x, h in ((180, 70), (420, 90)):
        d.polygon([(x, 270), (x + 44, 270), (x + 22, 270 + h * 0.6), (x + 46, 270 + h * 0.6), (x - 12, 280 + h * 1.6),
                   (x + 6, 276 + h * 0.8), (x - 18, 276 + h * 0.8)], fill="#ffca3a", stroke="#f48c06", stroke_width=4.0)
    for i in range(14):
        x, y = 240 + (i % 7) * 26, 296 + (i * 37) % 90
        d.path(f"M {x} {y} q 10 16 0 22 q -10 -6 0 -22 Z", fill="#4cc9f0")
    for side in (-1, 1):
        d.ellipse(310 + side * 46, 186, 15, 20, fill="#22223b")
        d.circle(306 + side * 46, 180, 5, fill="#ffffff")
        d.ellipse(310 + side * 84, 220, 18, 10, fill="#ff8fab", opacity=0.7)
    d.path("M 286 224 Q 310 248 334 224", fill="none", stroke="#22223b", stroke_width=6.0, stroke_linecap="round")
    d.path("M 120 60 q -34 -30 -60 0 M 500 70 q 36 -24 56 8", fill="none", stroke="#8d99ae", stroke_width=6.0, stroke_linecap="round")
    return d


def paper_parliament():
    d = Drawing(720, 480)
    d.rect(0, 0, 720, 480, fill=d.linear("hall", [(0, "#f8edeb"), (1, "#d8c3a5")]))
    rng = random.Random(52)
    for row in range(5):
        count, radius = 9 + row * 4, 130 + row * 54
        for i in range(count):
            angle = math.pi * (i + 0.5) / count
            x, y = 360 - radius * math.cos(angle), 450 - radius * math.sin(angle) * 0.92
            colour = ("#8e9aaf", "#cbc0d3", "#efd3d7", "#dee2ff")[rng.randrange(4)]
            with d.group(f"translate({x:.1f} {y:.1f}) rotate({math.degrees(angle) - 90:.1f}) scale({0.8 + row * 0.09:.2f})"):
                d.polygon([(-16, 18), (0, -20), (16, 18)], fill=colour, stroke="#5e548e", stroke_width=1.5)
                d.polygon([(0, -20), (16, 18), (4, 8)], fill="#00000022")
                d.circle(-4, 0, 1.8, fill="#231942")
                d.circle(4, 0, 1.8, fill="#231942")
    d.rect(310, 372, 100, 90, fill="#9c6644", stroke="#5c3d2e", stroke_width=4.0)
    mouse(d, 360, 380, 92, TOLONDRO, arm=120)
    d.rect(300, 366, 120, 14, rx=4, fill="#7f5539")
    d.text(360, 424, "ORDER!", 20, "#fff1e6", font_weight="bold")
    for x in (24, 672):
        d.rect(x, 40, 24, 420, fill="#ede0d4", stroke="#b08968", stroke_width=2.0)
        gear(d, x + 12, 40, 26, 9, fill="#ddb892", hole="#7f5539")
    return d


def yoyo_spiral(size, phase, colours=("#fdfcdc", "#f07167"), back="#00afb9"):
    """One frame of the hypnotic yo-yo; phase 0..1 is a turn."""
    d = Drawing(size, size, back)
    c, r = size / 2, size * 0.46
    d.circle(c, c, r, fill=colours[0])
    for arm in range(4):
        outer = spiral(c, c, r, 1.4, phase + arm / 4, 90)
        inner = spiral(c, c, r, 1.4, phase + arm / 4 + 0.125, 90)
        d.polygon(outer + inner[::-1], fill=colours[1])
    d.circle(c, c, r, fill="none", stroke="#0081a7", stroke_width=size / 26)
    d.circle(c, c, size / 14, fill="#ffd166", stroke="#0081a7", stroke_width=size / 60)
    return d


def mouse_wheel(size, phase):
    """One frame of Tolondro's wheel; phase 0..1 is one spoke's turn."""
    d = Drawing(size, size, "#e9f5db")
    c = size / 2
    d.polygon([(c, c), (c - size * 0.34, size), (c - size * 0.26, size)], fill="#718355")
    d.polygon([(c, c), (c + size * 0.34, size), (c + size * 0.26, size)], fill="#718355")
    for x, y in around(c, c, size * 0.41, 8, -phase / 8):
        d.line(c, c, x, y, "#97a97c", size / 60)
    bounce = math.sin(2 * math.pi * phase) * size * 0.02
    mouse(d, c, c + size * 0.36 - abs(bounce), size * 0.5, TOLONDRO, arm=20 + 50 * math.sin(2 * math.pi * phase), look=1.0, tail=-1)
    d.circle(c, c, size * 0.42, fill="none", stroke="#87986a", stroke_width=size / 24)
    return d
