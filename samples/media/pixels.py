"""Pictures painted a pixel at a time and written as PPM: what shapes cannot say."""

import random
import struct


def ppm(width, height, rows, deep=False):
    """rows: lists of (r, g, b), 0..255, or 0..65535 where deep."""
    head = f"P6\n{width} {height}\n{65535 if deep else 255}\n".encode()
    pack = struct.Struct(f">{width * 3}H" if deep else f"{width * 3}B").pack
    return head + b"".join(pack(*(value for pixel in row for value in pixel)) for row in rows)


def value_noise(seed, width, height, cell):
    """0..1: random heights on a grid of `cell` pixels, smoothly joined. Integer arithmetic decides every last digit."""
    rng = random.Random(seed)
    columns, lines = width // cell + 2, height // cell + 2
    grid = [[rng.random() for _ in range(columns)] for _ in range(lines)]
    ease = [(i / cell) ** 2 * (3 - 2 * i / cell) for i in range(cell)]
    rows = []
    for y in range(height):
        top, bottom, v = grid[y // cell], grid[y // cell + 1], ease[y % cell]
        side = [a + (b - a) * v for a, b in zip(top, bottom)]
        rows.append([side[x // cell] + (side[x // cell + 1] - side[x // cell]) * ease[x % cell] for x in range(width)])
    return rows


def between(stops, at):
    for (low, first), (high, second) in zip(stops, stops[1:]):
        if at <= high:
            share = (at - low) / (high - low)
            return tuple(a + (b - a) * share for a, b in zip(first, second))
    return stops[-1][1]


SURVEY = [(0.0, (8, 24, 58)), (0.38, (30, 96, 145)), (0.42, (233, 216, 166)), (0.55, (148, 180, 90)), (0.72, (120, 90, 60)),
          (0.88, (190, 180, 170)), (1.0, (255, 255, 255))]


def canyon_survey(width=512, height=384):
    """A height map in false colours, 16 bits a sample, with contour lines and a light from the upper left."""
    layers = [(value_noise(61 + cell, width, height, cell), weight) for cell, weight in ((128, 0.55), (48, 0.26), (16, 0.13), (6, 0.06))]
    land = [[sum(layer[y][x] * weight for layer, weight in layers) for x in range(width)] for y in range(height)]
    rows = []
    for y in range(height):
        row = []
        for x in range(width):
            here = land[y][x]
            level = min(max((here - 0.22) / 0.56, 0.0), 1.0)
            light = 1.0 + 7.0 * (here - land[max(y - 1, 0)][max(x - 1, 0)]) if level > 0.4 else 1.0
            if level * 14 % 1 < 0.06:
                light *= 0.72
            row.append(tuple(min(65535, max(0, int(257 * part * light))) for part in between(SURVEY, level)))
        rows.append(row)
    return ppm(width, height, rows, deep=True)


BARS = ((235, 235, 235), (235, 235, 16), (16, 235, 235), (16, 235, 16), (235, 16, 235), (235, 16, 16), (16, 16, 235), (16, 16, 16))


def test_pattern(width=640, height=480):
    """Colour bars, ramps, a checkerboard that punishes careless shrinking, and a matrix code that codes nothing."""
    rng, cells = random.Random(14), 29
    code = [[rng.random() < 0.5 for _ in range(cells)] for _ in range(cells)]
    for top, left in ((0, 0), (0, cells - 7), (cells - 7, 0)):
        for y in range(-1, 8):
            for x in range(-1, 8):
                if 0 <= top + y < cells and 0 <= left + x < cells:
                    ring = max(abs(x - 3), abs(y - 3))
                    code[top + y][left + x] = ring in (0, 1, 3)
    rows = []
    for y in range(height):
        row = []
        for x in range(width):
            inside = 174 <= x < 466 and 94 <= y < 386
            if inside:
                cell = (x - 174 - 1) // 10, (y - 94 - 1) // 10
                dark = 0 <= cell[0] < cells and 0 <= cell[1] < cells and code[cell[1]][cell[0]]
                row.append((20, 20, 40) if dark else (250, 250, 245))
            elif y < 300:
                row.append(BARS[x * 8 // width])
            elif y < 360:
                row.append((x * 256 // width,) * 3)
            elif y < 420:
                row.append((x * 256 // width, 255 - x * 256 // width, (y - 360) * 4))
            else:
                row.append((255, 255, 255) if (x // (1 + x // 80) + y // (1 + x // 80)) % 2 else (0, 0, 0))
        rows.append(row)
    return ppm(width, height, rows)


SPRITE = (
    "..##......##..",
    ".#pp#....#pp#.",
    ".#pp######pp#.",
    "..#gggggggg#..",
    "..#gwggggwg#..",
    "..#gkggggkg#..",
    "...#ggnngg#...",
    "....######....",
    "...#sssssss#..",
    "..#ggbbbbgg#..",
    "..#ggbbbbgg#.t",
    "..#gggggggg#t.",
    "...##g##g##t..",
    "...pp...pp....",
)
COATS = ({"g": (141, 153, 174), "s": (214, 64, 69)}, {"g": (217, 180, 143), "s": (42, 157, 143)}, {"g": (173, 123, 196), "s": (255, 183, 3)})
INK = {"#": (29, 29, 44), "p": (242, 181, 196), "w": (255, 255, 255), "k": (29, 29, 44), "n": (90, 50, 60), "b": (245, 238, 225),
       "t": (242, 181, 196)}


def pixel_parade(width=320, height=200):
    """An eight-bit evening: mice on parade under a blocky moon."""
    sky = ((24, 20, 60), (46, 30, 92), (84, 40, 112), (140, 56, 112), (210, 92, 96))
    rows = [[sky[min(y // 28, 4)] for _ in range(width)] for y in range(height)]

    def block(x, y, w, h, colour):
        for line in range(max(y, 0), min(y + h, height)):
            rows[line][max(x, 0) : min(x + w, width)] = [colour] * (min(x + w, width) - max(x, 0))

    rng = random.Random(18)
    for _ in range(60):
        block(rng.randrange(width), rng.randrange(90), 1, 1, (255, 255, 255))
    for y in range(-5, 6):
        for x in range(-5, 6):
            if x * x + y * y < 30:
                block(252 + x * 4, 42 + y * 4, 4, 4, (255, 214, 102) if (x * 3 + y * 5) % 7 else (230, 176, 60))
    x = 0
    while x < width:
        w, h = 14 + rng.randrange(22), 24 + rng.randrange(52)
        block(x, 150 - h, w, h, (34, 26, 60))
        for wy in range(150 - h + 5, 144, 8):
            for wx in range(x + 3, x + w - 4, 6):
                if rng.random() < 0.4:
                    block(wx, wy, 3, 4, (255, 214, 102))
        x += w + 1
    block(0, 150, width, 50, (58, 80, 64))
    for i in range(0, width, 8):
        block(i, 150 + (i // 8) % 2 * 2, 8, 3, (90, 130, 80))
    for i in range(6):
        for sy, line in enumerate(SPRITE):
            for sx, mark in enumerate(line):
                if mark != ".":
                    block(10 + i * 52 + sx * 3, 140 + (i % 2) * 6 + sy * 3, 3, 3, {**INK, **COATS[i % 3]}[mark])
    return ppm(width, height, rows)
