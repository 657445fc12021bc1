"""The photographs: what the JPEG files show, drawn upright. Their EXIF says how the camera was held."""

import math
import random

from media.svg import QUILLA, TOLONDRO, Drawing, around, cactus, cheese, gear, mouse, ridge, spiral, star, stars


def mesa_sunset():
    d = Drawing(960, 640)
    d.rect(0, 0, 960, 640, fill=d.linear("sky", [(0, "#2b1055"), (0.35, "#a23b72"), (0.62, "#f18f01"), (0.8, "#ffd166")]))
    d.circle(610, 400, 190, fill=d.radial("glow", [(0, "#fff3b0", 0.9), (1, "#fff3b0", 0)]))
    d.circle(610, 400, 62, fill="#fff1c1")
    for seed, base, rough, fill in ((3, 430, 130, "#9a3b55"), (5, 480, 150, "#6d2746"), (9, 530, 120, "#431a35")):
        d.polygon([(0, 640), *ridge(seed, 960, base, rough), (960, 640)], fill=fill)
    d.polygon([(0, 560), (960, 520), (960, 640), (0, 640)], fill="#240c20")
    for i in range(26):
        d.ellipse(90 + i * 21, 566 - i * 1.2, 9 + i * 0.25, 4 + (i % 3), fill="#ffb26b", opacity=round(0.06 + i * 0.012, 3))
    with d.group("translate(660 528) scale(0.8)"):
        d.rect(-60, -14, 96, 16, rx=8, fill="#d64045")
        d.polygon([(36, -14), (62, -6), (36, 2)], fill="#f4f1de")
        d.polygon([(-60, -12), (-116, -6), (-60, 0)], fill="#ffe08a")
        for x in (-40, 16):
            d.circle(x, 8, 9, fill="#111")
        mouse(d, -14, -14, 92, TOLONDRO, arm=70, look=1.0, tail=-1)
    cactus(d, 120, 600, 120, "#180715")
    cactus(d, 868, 606, 80, "#180715")
    return d


def rocket_skates():
    d = Drawing(900, 600)
    d.rect(0, 0, 900, 600, fill=d.radial("back", [(0, "#fdf0d5"), (0.7, "#f2cc8f"), (1, "#e07a5f")], r=0.75))
    for i in range(24):
        d.polygon([(450, 320), *around(450, 320, 700, 48)[2 * i : 2 * i + 2]], fill="#ffffff", opacity=0.18)
    d.ellipse(450, 490, 330, 34, fill="#00000033")
    metal = d.linear("metal", [(0, "#f8f9fa"), (0.5, "#adb5bd"), (1, "#495057")])
    d.polygon([(180, 340), (60, 300), (84, 350), (20, 366), (84, 382), (60, 430), (180, 396)], fill="#ff9f1c")
    d.polygon([(180, 350), (104, 340), (70, 367), (104, 392), (180, 386)], fill="#ffe66d")
    d.polygon([(170, 330), (240, 318), (240, 418), (170, 406)], fill="#343a40")
    d.rect(230, 316, 470, 104, rx=46, fill=metal)
    d.path("M 640 316 Q 780 320 800 368 Q 780 416 640 420 Z", fill="#c1121f")
    d.path("M 330 320 C 330 180 340 150 400 150 H 470 C 480 250 560 270 650 300 Q 670 310 660 320 Z", fill="#3d5a80", stroke="#293241",
           stroke_width=4.0)
    d.rect(340, 140, 140, 28, rx=12, fill="#ee6c4d")
    for i in range(5):
        d.line(478 + i * 26, 222 + i * 14, 440 + i * 30, 250 + i * 12, "#f8f9fa", 6.0, stroke_linecap="round")
    for i in range(9):
        d.circle(270 + i * 44, 402, 5, fill="#495057")
    for x in (300, 610):
        d.circle(x, 456, 46, fill="#22223b")
        gear(d, x, 456, 30, 10, fill="#c9ada7", hole="#22223b")
    d.text(450, 384, "ACME RS-7", 40, "#c1121f", font="DejaVu Sans", font_weight="bold", letter_spacing=6)
    d.text(450, 566, "LEFT SKATE · DO NOT WEAR ALONE", 22, "#6b2d1a", letter_spacing=4)
    return d


def folding_hole():
    """In greys: chalk and charcoal."""
    d = Drawing(640, 640)
    d.rect(0, 0, 640, 640, fill=d.linear("floor", [(0, "#9a9a9a"), (1, "#dedede")]))
    rng = random.Random(11)
    for y in range(0, 640, 64):
        for x in range(-(y // 64 % 2) * 80, 640, 160):
            shade = 150 + rng.randrange(60)
            d.rect(x + 1, y + 1, 158, 62, fill=f"#{shade:02x}{shade:02x}{shade:02x}")
    d.ellipse(330, 352, 236, 206, fill="#00000055")
    for i in range(46):
        shade = max(0, 120 - i * 4)
        d.ellipse(320 + i * 0.7, 330 + i * 0.9, 232 - i * 4.6, 200 - i * 4, fill=f"#{shade:02x}{shade:02x}{shade:02x}")
    d.path("M 90 300 Q 60 430 210 520 Q 120 520 70 420 Q 56 350 90 300 Z", fill="#f4f4f4", stroke="#555", stroke_width=3.0)
    for x, y in around(320, 330, 244, 40):
        d.line(x, y, 320 + (x - 320) * 1.05, 330 + (y - 330) * 0.92, "#444", 3.0)
    d.line(318, 0, 330, 372, "#f0f0f0", 3.0)
    mouse(d, 332, 470, 150, {"fur": "#9b9b9b", "dark": "#6a6a6a", "belly": "#e4e4e4", "ear": "#bcbcbc", "scarf": "#333333"}, arm=150, tail=-1)
    d.text(606, 622, "FH-1", 24, "#333", font="DejaVu Sans Mono", anchor="end")
    return d


def moon_cheese_poster():
    d = Drawing(600, 800, "#12355b")
    stars(d, 21, 120, 600, 520)
    d.circle(300, 300, 214, fill="#f7c548")
    d.circle(300, 300, 214, fill=d.radial("shade", [(0, "#fff", 0.4), (0.6, "#fff", 0), (1, "#a85d00", 0.55)], cx=0.35, cy=0.3, r=0.8))
    for x, y, r in ((230, 210, 36), (360, 250, 26), (290, 350, 44), (400, 370, 22), (180, 330, 20), (340, 150, 17)):
        d.ellipse(x, y, r, r * 0.86, fill="#c98a1b")
        d.ellipse(x + 3, y + 4, r * 0.82, r * 0.68, fill="#dfa32e")
    d.polygon([(300, 300), (520, 250), (540, 400)], fill="#12355b")
    d.path("M 0 620 Q 300 540 600 620 V 800 H 0 Z", fill="#d7263d")
    mouse(d, 190, 650, 170, QUILLA, glasses=True, arm=120, look=0.8, tail=-1)
    mouse(d, 420, 650, 160, TOLONDRO, arm=140, look=-0.6)
    d.text(300, 728, "MOON CHEESE", 62, "#fdf6e3", font_weight="bold", font="DejaVu Sans Condensed")
    d.text(300, 770, "ONE NIGHT ONLY · BRING A LADDER", 22, "#fdd9a0", letter_spacing=3)
    d.rect(14, 14, 572, 772, fill="none", stroke="#fdf6e3", stroke_width=5.0)
    return d


def clockwork_owl():
    """Upright; the camera was held sideways."""
    d = Drawing(600, 800)
    d.rect(0, 0, 600, 800, fill=d.radial("dark", [(0, "#6b4f3a"), (1, "#1c120b")], r=0.8))
    for x, y, r, teeth in ((90, 120, 90, 18), (520, 210, 70, 14), (70, 660, 70, 14), (530, 640, 100, 20)):
        with d.group(opacity=0.35):
            gear(d, x, y, r, teeth)
    brass = d.linear("brass", [(0, "#ffe9a8"), (0.5, "#c8963e"), (1, "#6f4518")], x2=1)
    d.path("M 150 330 Q 110 160 190 110 Q 230 170 300 170 Q 370 170 410 110 Q 490 160 450 330 Q 500 560 300 690 Q 100 560 150 330 Z",
           fill=brass, stroke="#3b2612", stroke_width=6.0)
    for row in range(6):
        for i in range(7 - row % 2):
            x = 190 + i * 37 + (row % 2) * 18
            d.path(f"M {x - 18} {430 + row * 34} a 18 22 0 0 0 36 0", fill="none", stroke="#5a3714", stroke_width=3.0)
    for x in (222, 378):
        d.circle(x, 290, 82, fill="#3b2612")
        d.circle(x, 290, 68, fill=d.radial(f"eye{x}", [(0, "#fff6c9"), (0.55, "#ffb703"), (1, "#8f4d00")]))
        gear(d, x, 290, 50, 16, 0.02, fill="#ffd166", hole="#120a05")
        d.circle(x - 10, 278, 8, fill="#ffffff")
    d.polygon([(300, 330), (270, 372), (300, 424), (330, 372)], fill="#e85d04", stroke="#3b2612", stroke_width=4.0)
    d.path("M 140 380 Q 60 480 130 620 Q 150 520 190 470 Z", fill="#8a5a24", stroke="#3b2612", stroke_width=5.0)
    d.path("M 460 380 Q 540 480 470 620 Q 450 520 410 470 Z", fill="#8a5a24", stroke="#3b2612", stroke_width=5.0)
    d.rect(60, 690, 480, 26, rx=12, fill="#4a2c12")
    for x in (250, 350):
        for dx in (-20, 0, 20):
            d.ellipse(x + dx, 692, 9, 18, fill="#e9c46a")
    d.text(300, 764, "tick · tick · hoot", 26, "#e9c46a", font="DejaVu Serif", font_style="italic")
    return d


def bottled_tornado():
    """Upright; the camera hung upside down."""
    d = Drawing(800, 600)
    d.rect(0, 0, 800, 600, fill=d.linear("wall", [(0, "#cfe8ef"), (0.75, "#7fb7be"), (0.76, "#5b4636"), (1, "#3e2f25")]))
    d.path("M 340 40 h 120 v 90 q 130 60 130 200 v 160 q 0 50 -50 50 h -280 q -50 0 -50 -50 v -160 q 0 -140 130 -200 Z", fill="#eaf6f6",
           opacity=0.75, stroke="#2f5d62", stroke_width=6.0)
    d.rect(332, 18, 136, 44, rx=8, fill="#a9744f")
    for i in range(60):
        y, half = 480 - i * 5.4, 14 + i * 2.5 if i < 44 else 124 - (i - 44) * 2
        sway = 26 * math.sin(i / 6)
        d.ellipse(400 + sway, y, half, 9, fill="none", stroke="#4a6fa5" if i % 3 else "#1d3557", stroke_width=3.5, opacity=0.75)
    for seed in range(14):
        rng = random.Random(seed)
        x, y = 300 + rng.random() * 200, 170 + rng.random() * 280
        with d.group(f"translate({x:.1f} {y:.1f}) rotate({rng.randrange(360)})"):
            d.rect(-7, -3, 14, 6, fill=rng.choice(("#e76f51", "#f4a261", "#2a9d8f", "#ffffff")))
    d.rect(305, 400, 190, 84, fill="#fff8e7", stroke="#2f5d62", stroke_width=3.0)
    d.text(400, 436, "TORNADO", 28, "#9b2226", font_weight="bold")
    d.text(400, 466, "shake gently", 20, "#333", font="DejaVu Serif", font_style="italic")
    d.path("M 240 190 q -40 40 -40 140", fill="none", stroke="#ffffff", stroke_width=10.0, stroke_linecap="round", opacity=0.8)
    mouse(d, 668, 560, 190, QUILLA, glasses=True, arm=60, look=-1.0)
    return d


def anvil_drop():
    """Upright; the camera was held sideways, the other way."""
    d = Drawing(600, 800)
    d.rect(0, 0, 600, 800, fill=d.linear("sky", [(0, "#3a86ff"), (1, "#e0f4ff")]))
    for x, y, s in ((110, 560, 1.0), (470, 470, 0.8), (330, 690, 1.3)):
        with d.group(f"translate({x} {y}) scale({s})"):
            for dx, dy, r in ((-46, 6, 30), (-10, -12, 40), (34, 0, 34), (64, 12, 22)):
                d.circle(dx, dy, r, fill="#ffffff", opacity=0.92)
    colours = ("#e63946", "#f1faee", "#ffb703", "#f1faee")
    for i in range(8):
        left, right = 90 + i * 52.5, 142.5 + i * 52.5
        bend = (i - 3.5) * 14
        gore = f"M 300 70 Q {left - 10 - bend:.1f} 120 {left} 290 Q {(left + right) / 2} 262 {right} 290 Q {right + 10 - bend:.1f} 120 300 70 Z"
        d.path(gore, fill=colours[i % 4], stroke="#8d0f1d", stroke_width=2.0)
        d.line(left, 290, 300, 500, "#333", 2.0)
    d.line(510, 290, 300, 500, "#333", 2.0)
    d.polygon([(190, 500), (410, 500), (404, 536), (340, 556), (340, 590), (380, 620), (220, 620), (260, 590), (260, 556), (150, 520)],
              fill=d.linear("iron", [(0, "#6c757d"), (1, "#212529")]))
    d.text(300, 534, "1000 kg", 24, "#ffd166", font_weight="bold")
    mouse(d, 356, 502, 86, TOLONDRO, arm=100)
    d.text(300, 780, "expected landing: there", 18, "#1d3557", font="DejaVu Serif", font_style="italic")
    d.path("M 300 745 l -10 -14 h 20 Z", fill="#1d3557")
    return d


def roadside_seeds():
    d = Drawing(880, 600)
    d.rect(0, 0, 880, 600, fill=d.linear("sky", [(0, "#56cfe1"), (0.55, "#fefae0"), (0.56, "#e9c46a"), (1, "#bc8a4c")]))
    d.polygon([(0, 340), *ridge(31, 880, 330, 70, 24), (880, 340)], fill="#c97c5d")
    d.polygon([(400, 336), (440, 336), (760, 600), (120, 600)], fill="#4a4e69")
    for i in range(6):
        y, w = 350 + i * i * 8.5, 2 + i * 2.4
        d.polygon([(420 - w / 2, y), (420 + w / 2, y), (420 + w, y + 8 + i * 5), (420 - w, y + 8 + i * 5)], fill="#ffe066")
    d.rect(600, 220, 20, 240, fill="#6c584c")
    d.rect(540, 150, 150, 110, rx=10, fill="#d62828", stroke="#6a040f", stroke_width=5.0)
    d.text(615, 196, "FREE", 30, "#fff", font_weight="bold")
    d.text(615, 232, "BIRD SEED", 20, "#fff", font_weight="bold")
    d.polygon([(560, 260), (670, 260), (640, 310), (590, 310)], fill="#adb5bd", stroke="#495057", stroke_width=4.0)
    rng = random.Random(8)
    for _ in range(150):
        d.ellipse(615 + rng.gauss(0, 36), 446 + abs(rng.gauss(0, 14)), 4, 2.5, fill=rng.choice(("#fefae0", "#dda15e", "#606c38")))
    for x, y, s in ((80, 420, 90), (200, 360, 40), (800, 380, 60), (770, 540, 120)):
        cactus(d, x, y, s)
    d.path("M 330 470 q -14 -40 -4 -60 q 6 -12 18 -2 q 10 8 0 26 q -4 14 0 36 Z", fill="#9d4edd")
    d.ellipse(328, 478, 34, 20, fill="#ff8fab")
    d.path("M 296 474 l -40 -26 l 12 32 l -18 14 Z", fill="#9d4edd")
    d.polygon([(346, 410), (372, 416), (346, 422)], fill="#fb8500")
    d.circle(338, 412, 4, fill="#fff")
    for x in (320, 338):
        d.polyline([(x, 496), (x + 4, 526), (x + 16, 528)], "#fb8500", 4.0)
    for i in range(8):
        d.line(60 + i * 10, 470 + i * 8, 190 + i * 8, 468 + i * 8, "#ffffff", 2.0, opacity=0.6)
    d.polygon(star(790, 90, 46, 30, 16), fill="#ffd60a")
    cheese(d, 440, 560, 46)
    return d


def spring_boots():
    d = Drawing(720, 540)
    d.rect(0, 0, 720, 540, fill=d.linear("wall", [(0, "#e0aaff"), (1, "#7b2cbf")], x2=1))
    for i in range(12):
        d.circle(60 + i * 60, 270 + 200 * math.sin(i * 1.7), 40 + 12 * (i % 3), fill="#ffffff", opacity=0.08)
    d.rect(0, 470, 720, 70, fill="#3c096c")
    for x, lift in ((210, 0), (450, 60)):
        coil = [(x + 60 + 44 * math.cos(i * math.pi / 8), 468 - (i * (1.55 - lift / 300))) for i in range(96)]
        d.polyline(coil, "#f8f9fa", 9.0, stroke_linejoin="round")
        d.polyline(coil, "#adb5bd", 4.0, stroke_linejoin="round")
        top = 468 - 96 * (1.55 - lift / 300)
        with d.group(f"translate({x} {top:.1f})"):
            d.path("M 10 0 V -150 h 86 v 84 q 60 4 74 40 q 6 16 0 26 Z", fill="#ff6d00", stroke="#5a2a00", stroke_width=5.0)
            d.rect(2, -166, 102, 28, rx=10, fill="#ffd500")
            d.rect(4, -8, 172, 18, rx=8, fill="#240046")
            for i in range(4):
                d.line(66, -120 + i * 26, 98, -126 + i * 26, "#fff", 5.0, stroke_linecap="round")
    d.polyline(spiral(620, 110, 60, 3), "#ffffff", 4.0, opacity=0.6)
    d.text(360, 520, "SB-11 · compresses to regret", 22, "#e0aaff", font="DejaVu Serif", font_style="italic")
    return d
