"""Sounds, films and scripts made to hurt their reader, byte by byte."""

import struct

# ---- scripts that name other files ----------------------------------------------------------------------------------

TARGET = "/etc/hostname"  # something every Linux has and no result may contain


def m3u8():
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{TARGET}\n#EXTINF:10,\nconcat:{TARGET}|{TARGET}\n#EXT-X-ENDLIST\n".encode()


def ffconcat():
    return f"ffconcat version 1.0\nfile 'file://{TARGET}'\nduration 5\nfile '{TARGET}'\n".encode()


def dash():
    return (f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S"><Period><AdaptationSet>'
            f'<Representation id="0" mimeType="video/mp4" bandwidth="1"><BaseURL>file://{TARGET}</BaseURL></Representation>'
            "</AdaptationSet></Period></MPD>\n").encode()


def sdp():
    return b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=nothing\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"


def svg_entities():
    """Ten levels of ten: a word repeated ten thousand million times, and a file asked for by name."""
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "squeak"}">' for i in range(10))
    return (f'<!DOCTYPE svg [<!ENTITY file SYSTEM "file://{TARGET}">{levels}]>\n'
            '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><text>&e9;&file;</text></svg>\n').encode()


# ---- WAV, MP3, FLAC -------------------------------------------------------------------------------------------------


def wav_claim():
    """A thousand samples that say they are four gigabytes."""
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    return b"RIFF\xff\xff\xff\xffWAVE" + fmt + b"data\xf0\xff\xff\xff" + bytes(2000)


def wav_channels():
    """65535 channels at four thousand million samples a second."""
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 65535, 0xFFFFFFFF, 0xFFFFFFFF, 65534, 16)
    return b"RIFF" + struct.pack("<I", 2036) + b"WAVE" + fmt + b"data" + struct.pack("<I", 2000) + bytes(2000)


def mp3_tag():
    """An ID3 tag of 256 MB, and no sound."""
    return b"ID3\x04\0\0\x7f\x7f\x7f\x7fTIT2" + struct.pack(">I", 0x7FFFFFF0) + b"\0\0" + bytes(200)


def flac_picture():
    """A cover that says it is four gigabytes, in a block of sixteen megabytes, in a file of a hundred bytes."""
    info = bytes.fromhex("100010000000000000000ac442f000000000") + bytes(16)
    picture = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">I", 0) + struct.pack(">IIIII", 1, 1, 24, 0, 0xFFFFFFF0)
    return b"fLaC" + b"\0\0\0\x22" + info + b"\x86\xff\xff\xff" + picture


# ---- Ogg ------------------------------------------------------------------------------------------------------------


def _ogg_table():
    table = []
    for i in range(256):
        value = i << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


OGG_TABLE = _ogg_table()


def ogg_page(flags, number, lacing, data):
    """RFC 3533; the checksum is right, so that nobody may stop at it."""
    page = bytearray(struct.pack("<4sBBqIIIB", b"OggS", 0, flags, -1 if number else 0, 7, number, 0, len(lacing)) + lacing + data)
    value = 0
    for byte in page:
        value = (value << 8 ^ OGG_TABLE[(value >> 24 & 0xFF) ^ byte]) & 0xFFFFFFFF
    page[22:26] = struct.pack("<I", value)
    return bytes(page)


def ogg_endless(pages):
    """A Vorbis beginning, then pages that each continue a packet which never ends, and empty ones between."""
    ident = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 2, 44100, 0, 128000, 0, 0xB8, 1)
    out = ogg_page(2, 0, bytes([len(ident)]), ident)
    for i in range(1, pages):
        out += ogg_page(1, i, b"\xff", bytes(255)) if i % 8 == 0 else ogg_page(1, i, b"", b"")
    return out


# ---- MP4 ------------------------------------------------------------------------------------------------------------


def box(name, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + name + body


def full(name, *parts, flags=0):
    return box(name, struct.pack(">I", flags), *parts)


MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def mp4(duration=1000, samples=1, reference=None, width=64, height=48, entries=None):
    """One video track of raw pictures. samples: what stsz says; reference: an entry of dref; entries: what stts says."""
    entry = bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0,
                                                                      1) + bytes(32) + struct.pack(">Hh", 24, -1)
    table = box(b"stbl",
                full(b"stsd", struct.pack(">I", 1), box(b"raw ", entry)),
                full(b"stts", struct.pack(">III", entries or 1, samples, 1000)),
                full(b"stsc", struct.pack(">IIII", 1, 1, samples, 1)),
                full(b"stsz", struct.pack(">II", min(width * height * 3, 0xFFFFFFFF), samples)),
                full(b"stco", struct.pack(">II", 1, 8)))
    sources = box(b"dinf", full(b"dref", struct.pack(">I", 1), reference or full(b"url ", flags=1)))
    handler = full(b"hdlr", bytes(4) + b"vide" + bytes(12) + b"video\0")
    media = box(b"mdia", full(b"mdhd", struct.pack(">IIIII", 0, 0, 1000, duration, 0x55C40000)), handler,
                box(b"minf", full(b"vmhd", bytes(8), flags=1), sources, table))
    header = full(b"tkhd",
                  struct.pack(">IIIII", 0, 0, 1, 0, duration) + bytes(16) + MATRIX + struct.pack(">II", (width << 16) & 0xFFFFFFFF,
                                                                                                 (height << 16) & 0xFFFFFFFF), flags=3)
    movie = full(b"mvhd", struct.pack(">IIIIIH", 0, 0, 1000, duration, 0x10000, 0x100) + bytes(10) + MATRIX + bytes(24) + struct.pack(">I", 2))
    return box(b"ftyp", b"isom", bytes(4), b"isommp41") + box(b"moov", movie, box(b"trak", header, media))


def mp4_url():
    return mp4(reference=full(b"url ", f"file://{TARGET}".encode() + b"\0"))


def mp4_alias():
    """An old alias record: a volume, and the absolute path behind tag 2."""
    path = TARGET.encode()
    levels = struct.pack(">hh", 1, 1)  # as if it lay beside this file: what makes a reader try
    names = struct.pack(">hH", 2, len(path)) + path + b"\0" * (len(path) % 2) + struct.pack(">hH", -1, 0)
    record = bytes(130) + levels + bytes(16) + names
    return mp4(reference=full(b"alis", record))


def mp4_absurd():
    return mp4(duration=0xFFFFFFFE, samples=0xFFFFFFF0, entries=0x0FFFFFFF)


def mp4_wide():
    return mp4(width=65535, height=65535)


def mp4_nested(depth):
    """Boxes in boxes in boxes."""
    inner = b""
    for _ in range(depth):
        inner = box(b"moov", box(b"trak", inner))
    return box(b"ftyp", b"isom", bytes(4), b"isom") + inner


def mp4_streams(count):
    whole = mp4()
    at = whole.index(b"trak") - 4
    track = whole[at:]
    return whole[: whole.index(b"moov") - 4] + box(b"moov", whole[whole.index(b"moov") + 4 : at] + track * count)


# ---- Matroska -------------------------------------------------------------------------------------------------------


def element(name, data, size=None):
    """EBML: an id, eight bytes of length (or what `size` says), data."""
    return bytes.fromhex(name) + struct.pack(">Q", 1 << 56 | (len(data) if size is None else size)) + data


def matroska_huge():
    """A track whose private data claims a tebibyte."""
    head = element("1a45dfa3", element("4282", b"webm"))
    track = element("ae", element("d7", b"\1") + element("83", b"\1") + element("86", b"V_VP9") + element("63a2", bytes(64), 1 << 40))
    return head + element("18538067", element("1654ae6b", track, 1 << 41), (1 << 56) - 2)


def matroska_deep(depth):
    """Tags in tags."""
    inner = b""
    for _ in range(depth):
        inner = element("67c8", inner)
    return element("1a45dfa3", element("4282", b"matroska")) + element("18538067", element("1254c367", element("7373", inner)))
