"""Word clouds: counts a text's words, scores it, and lays the words out as an SVG in which nothing overlaps.

Result: {"words","distinct","sentences","language","richness","hapaxes","mood","top":[{"word","count"},…],"drawn"}.
`richness`: distinct words per word, 0..1. `hapaxes`: words that occur once, per distinct word. `mood`: good words minus bad
ones per hundred words, by a small list. `language`: "en", "es" or "unknown", by stop words. Operation {"op":"cloud",
"maxWords":1..200} says how many words are drawn at most (default 60). Pure and deterministic.
"""

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from xml.sax.saxutils import escape

import toons

WIDTH, HEIGHT = 960, 600
LARGEST, SMALLEST = 92.0, 11.0
MAX_WORDS, DEFAULT_WORDS = 200, 60
MAX_LETTERS = 40  # longer "words" are keys and hashes; they are counted, not drawn
SPIRAL_STEPS = 2500
SPIRAL_TURNS = 30
FILL = 0.4  # of the picture; beyond about half, words find no place
MAX_TRIES = 6
GAP = 3.0
COLOURS = ("#e4572e", "#17bebb", "#b28b00", "#2e282a", "#76b041", "#5b5f97")

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
SENTENCE_END = re.compile(r"[.!?…]+(?:\s|$)")

ENGLISH = frozenset(
    """a about after all also am an and any are as at be because been before being but by can could did do does for from get
    had has have he her here him his how i if in into is it its just me more most my no nor not now of off on once one only or
    other our out over own please same she should so some such than that the their them then there these they this those
    through to too under until up us very was we were what when where which while who why will with would you your""".split()
)
SPANISH = frozenset(
    """a al algo ante antes aquí así aunque cada como con contra cual cuando de del desde donde dos el él ella ellas ellos en
    entre era es esa ese eso esta está están estas este esto estos fue ha hace han hasta hay la las le les lo los más me mi
    mientras muy nada ni no nos nosotros o os otra otro para pero poco por porque que qué quien se ser si sí sido sin sobre son
    su sus también tan te tiene todo todos tu tus un una uno unos y ya yo""".split()
)
GOOD = frozenset(
    """best better brave bright calm clever delight delicious easy enjoy excellent fair fine friend fun funny glad good great
    happy hope joy kind laugh love lucky nice perfect pleasure quick safe smile success thanks triumph win wonderful alegre
    alegría amigo amor bien bueno buena éxito fácil feliz genial gracias gran grande magnífico mejor paz perfecto seguro
    sonrisa suerte triunfo victoria""".split()
)
BAD = frozenset(
    """afraid angry awful bad broke broken complaint crash cruel damage danger dead defeat disaster evil explode fail failed
    failure fall fear fell hate hurt late lose lost mistake pain poor problem sad slow sorry terrible trouble ugly wrong worst
    caída desastre difícil dolor error falla fallo fracaso horrible lento mal mala malo miedo muerte odio peligro peor
    perdido problema queja roto tarde triste""".split()
)

# Advance widths of Helvetica in thousandths of the size (its AFM file); letters with marks as their base letter. The SVG fixes
# each word's width with textLength, so that another font on the viewer's side changes no box.
WIDTHS = {"i": 222, "j": 222, "l": 222, "f": 278, "t": 278, "r": 333, "'": 191, "’": 222, "c": 500, "k": 500, "s": 500,
          "v": 500, "x": 500, "y": 500, "z": 500, "m": 833, "w": 722}
OTHER_WIDTH = 556
ASCENT, DESCENT = 0.78, 0.24  # of the size: the box around any letter


@dataclass(frozen=True)
class Box:
    """A word's place: its rectangle, and how large it is set."""

    word: str
    size: float
    left: float
    top: float
    width: float
    height: float

    def overlaps(self, other):
        return (self.left < other.left + other.width + GAP and other.left < self.left + self.width + GAP
                and self.top < other.top + other.height + GAP and other.top < self.top + self.height + GAP)


def words_of(text):
    """The words in order, composed and in lower case."""
    return [word.replace("’", "'") for word in WORD.findall(unicodedata.normalize("NFC", text).lower())]


def language_of(counts):
    english = sum(counts[word] for word in ENGLISH)
    spanish = sum(counts[word] for word in SPANISH)
    if english == spanish:
        return "unknown"
    return "en" if english > spanish else "es"


def advance(word):
    """The width of a word set at size 1."""
    total = 0
    for letter in word:
        base = unicodedata.normalize("NFD", letter)[0]
        wide = unicodedata.east_asian_width(letter) in "WF"
        total += 1000 if wide else WIDTHS.get(base, OTHER_WIDTH)
    return total / 1000


def spiral_points():
    """Points around the middle, outwards to the corners, stretched to the picture's shape (Archimedes), evenly dense."""
    points = []
    reach = math.hypot(WIDTH, HEIGHT) / 2
    for step in range(SPIRAL_STEPS):
        share = math.sqrt(step / SPIRAL_STEPS)
        angle = share * SPIRAL_TURNS * 2 * math.pi
        x = WIDTH / 2 + share * reach * math.cos(angle)
        y = HEIGHT / 2 + share * reach * math.sin(angle) * HEIGHT / WIDTH
        points.append((x, y))
    return points


SPIRAL = spiral_points()


def sizes_of(ranked):
    """How large each word would like to be: by the root of its count, all together filling FILL of the picture."""
    most = ranked[0][1]
    wishes = [math.sqrt(count / most) for _, count in ranked]
    area = sum(advance(word) * (ASCENT + DESCENT) * wish * wish for (word, _), wish in zip(ranked, wishes))
    scale = min(LARGEST, math.sqrt(FILL * WIDTH * HEIGHT / area))
    return [max(SMALLEST, scale * wish) for wish in wishes]


def lay_out(ranked):
    """Boxes for [(word, count), …], most frequent first. All are set smaller until every word has a place; what finds none
    even then is left out."""
    if not ranked:
        return []
    boxes = []
    shrink = 1.0
    for _ in range(MAX_TRIES):
        boxes = []
        for (word, _count), size in zip(ranked, sizes_of(ranked)):
            size = min(max(SMALLEST, size * shrink), (WIDTH - 2 * GAP - 1) / advance(word))
            box = place(word, size, boxes)
            if box is not None:
                boxes.append(box)
        if len(boxes) == len(ranked):
            break
        shrink *= 0.85
    return boxes


def place(word, size, boxes):
    """The first free place on the spiral, or None."""
    width, height = advance(word) * size, (ASCENT + DESCENT) * size
    for x, y in SPIRAL:
        box = Box(word, size, x - width / 2, y - height / 2, width, height)
        inside = (box.left >= GAP and box.top >= GAP and box.left + width <= WIDTH - GAP
                  and box.top + height <= HEIGHT - GAP)
        if inside and not any(box.overlaps(other) for other in boxes):
            return box
    return None


def draw(boxes, language):
    """The SVG."""
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
             'role="img" font-family="Helvetica, Arial, sans-serif">',
             f"<title>{escape(' '.join(box.word for box in boxes[:10]))}</title>",
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fffaf0"/>']
    for index, box in enumerate(boxes):
        lines.append(f'<text x="{box.left:.2f}" y="{box.top + ASCENT * box.size:.2f}" font-size="{box.size:.2f}" '
                     f'textLength="{box.width:.2f}" lengthAdjust="spacingAndGlyphs" '
                     f'fill="{COLOURS[index % len(COLOURS)]}">{escape(box.word)}</text>')
    lines.append("</svg>\n")
    if language != "unknown":
        lines[0] = lines[0].replace("<svg ", f'<svg xml:lang="{language}" ', 1)
    return "\n".join(lines).encode()


def words_wanted(toon):
    wanted = (toon.operation("cloud") or {}).get("maxWords", DEFAULT_WORDS)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= MAX_WORDS:
        raise toons.Refused("invalid-operation", f"cloud: maxWords is a whole number from 1 to {MAX_WORDS}")
    return wanted


def process(toon):
    """One text to its cloud."""
    wanted = words_wanted(toon)
    text = toon.text()
    words = words_of(text)
    if not words:
        raise toons.Refused("no-words", "the text has no words")
    counts = Counter(words)
    language = language_of(counts)
    stop = ENGLISH | SPANISH
    telling = [(word, count) for word, count in counts.items() if word not in stop and 1 < len(word) <= MAX_LETTERS]
    ranked = sorted(telling, key=lambda item: (-item[1], item[0]))[:wanted]
    boxes = lay_out(ranked)
    mood = sum(counts[word] for word in GOOD) - sum(counts[word] for word in BAD)
    result = {
        "words": len(words),
        "distinct": len(counts),
        "sentences": max(1, len(SENTENCE_END.findall(text))),
        "language": language,
        "richness": round(len(counts) / len(words), 4),
        "hapaxes": round(sum(1 for count in counts.values() if count == 1) / len(counts), 4),
        "mood": round(100 * mood / len(words), 2),
        "top": [{"word": word, "count": count} for word, count in ranked[:10]],
        "drawn": len(boxes),
    }
    return toons.Outcome(result, [toons.Artifact("cloud.svg", "image/svg+xml", draw(boxes, language))])


handler = toons.handler_of(process)
