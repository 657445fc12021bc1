"""The sounds: oscillators, envelopes and noise, added up sample by sample and written as WAV.

A clip is a list of channels, each a list of floats in -1..1.
"""

import math
import random
import re
import struct

from media.encode import run

A4 = 440.0


def pitch(semitones):
    """Hertz of a note so many semitones above A4."""
    return A4 * 2 ** (semitones / 12)


def wav(channels, rate, tags=()):
    """16 bits; tags: (four letters, text) of an INFO list."""
    peak = 32767
    frames = bytearray()
    for values in zip(*channels):
        frames += struct.pack(f"<{len(values)}h", *(max(-peak, min(peak, round(value * peak))) for value in values))
    info = b"INFO" + b"".join(name.encode() + struct.pack("<I", len(text) + 1) + text.encode() + b"\0" * (2 - len(text) % 2) for name,
                              text in tags)
    lists = b"LIST" + struct.pack("<I", len(info)) + info if tags else b""
    count = len(channels)
    fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, count, rate, rate * 2 * count, 2 * count, 16)
    body = b"WAVE" + fmt + lists + b"data" + struct.pack("<I", len(frames)) + bytes(frames)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def silence(seconds, rate, channels=1):
    return [[0.0] * int(seconds * rate) for _ in range(channels)]


def pulse(phase, duty=0.25):
    return 1.0 if phase % 1 < duty else -1.0


def triangle(phase):
    return 4 * abs(phase % 1 - 0.5) - 1


def sine(phase):
    return math.sin(2 * math.pi * phase)


def add(channel, rate, start, seconds, hertz, shape, level, decay=0.0):
    """One note. decay: seconds to fall to a third; 0: held, with 8 ms at each end to open and close."""
    first, count = int(start * rate), int(seconds * rate)
    edge = max(1, int(0.008 * rate))
    for i in range(min(count, len(channel) - first)):
        gain = level * min(1.0, i / edge, (count - i) / edge)
        if decay:
            gain *= math.exp(-i / (decay * rate))
        channel[first + i] += gain * shape(hertz * i / rate)


def hiss(channel, rate, start, seconds, level, seed, decay=0.0, smooth=0.0):
    """Noise; smooth 0..1 takes the brightness away."""
    rng, last, first = random.Random(seed), 0.0, int(start * rate)
    for i in range(min(int(seconds * rate), len(channel) - first)):
        last = smooth * last + (1 - smooth) * (2 * rng.random() - 1)
        channel[first + i] += level * last * (math.exp(-i / (decay * rate)) if decay else 1.0)


def loudness(path):
    """Integrated LUFS of a file by ffmpeg's EBU R 128 meter."""
    said = run("ffmpeg", "-hide_banner", "-nostats", "-i", path, "-map", "0:a", "-af", "ebur128", "-f", "null", "-").stderr.decode()
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])


def normalised(channels, lufs, encode):
    """The bytes of the clip as loud as asked *after* encode(channels) -> path, since coding takes some away. The meter
    reads tenths: each look takes out what the one before left."""
    for _ in range(3):
        path = encode(channels)
        gain = 10 ** ((lufs - loudness(path)) / 20)
        channels = [[value * gain for value in channel] for channel in channels]
    return path.read_bytes()


# ---- the clips ------------------------------------------------------------------------------------------------------


def mouse_march(rate=44100):
    """Two voices and a drum, eight bars of a march that only just fits under a skirting board. Stereo, 8 s."""
    left, right = silence(8.0, rate, 2)
    tune = [0, 4, 7, 4, 9, 7, 4, 0, 2, 5, 9, 5, 11, 9, 7, 5, 4, 7, 12, 7, 9, 12, 11, 9, 7, 5, 4, 2, 0, 0, 0, None]
    for i, note in enumerate(tune):
        start = i * 0.25
        if note is not None:
            add(left, rate, start, 0.22, pitch(note + 3), pulse, 0.16, 0.3)
            add(right, rate, start, 0.22, pitch(note + 3), pulse, 0.10, 0.3)
        bass = (0, 0, 5, 7)[i // 8] - 21 + (7 if i % 2 else 0)
        add(right, rate, start, 0.23, pitch(bass), triangle, 0.22)
        add(left, rate, start, 0.23, pitch(bass), triangle, 0.18)
        for channel in (left, right):
            hiss(channel, rate, start, 0.09, 0.20 if i % 4 == 2 else 0.07, i, 0.025)
    return [left, right]


def owl_clockwork(rate=48000):
    """Ticks, gears and two hoots. Mono, 6 s."""
    (clip,) = silence(6.0, rate)
    for i in range(24):
        add(clip, rate, i * 0.25, 0.05, 2600 if i % 2 else 2100, sine, 0.5, 0.008)
        hiss(clip, rate, i * 0.25, 0.03, 0.4, i, 0.004)
    for start in (1.5, 2.1, 4.0, 4.6):
        for part, level in ((1, 0.34), (2, 0.10), (3, 0.04)):
            add(clip, rate, start, 0.45, part * (392 if start % 2 < 1.9 else 370), sine, level)
    hiss(clip, rate, 0, 6.0, 0.05, 99, smooth=0.96)
    return [clip]


def canyon_radio(rate=32000):
    """A melody by short wave; the mesa takes it away from 3.5 to 5.5 s, to the last bit. Stereo, 9 s."""
    left, right = silence(9.0, rate, 2)
    for i in range(18):
        start = i * 0.5
        if 3.5 <= start < 5.5:
            continue
        note = (0, 3, 7, 10, 7, 3, 5, 2)[i % 8]
        for part, level in ((1, 0.2), (2, 0.08), (3, 0.05)):
            add(left, rate, start, 0.48, pitch(note - 9) * part, sine, level, 0.6)
            add(right, rate, start, 0.48, pitch(note - 9) * part * 1.003, sine, level, 0.6)
    for seed, channel in ((7, left), (8, right)):
        hiss(channel, rate, 0, 3.5, 0.05, seed, smooth=0.5)
        hiss(channel, rate, 5.5, 3.5, 0.05, seed + 10, smooth=0.5)
    return [left, right]


def beep_beep(rate=48000):
    """Something passes from left to right, with the Doppler effect that its speed asks for. Stereo, 3 s."""
    left, right = silence(3.0, rate, 2)
    phase, speed, sound = 0.0, 34.0, 343.0
    for i in range(3 * rate):
        place = speed * (i / rate - 1.5)
        away = math.hypot(place, 6.0)
        phase += 660 * sound / (sound + speed * place / away) / rate
        on = (i / rate) % 0.5 < 0.16 or 0.22 < (i / rate) % 0.5 < 0.38
        level = 2.4 / away if on else 0.0
        pan = 0.5 + place / away / 2
        value = level * (0.6 * pulse(phase, 0.5) + 0.4 * triangle(phase))
        left[i] = value * math.sqrt(1 - pan)
        right[i] = value * math.sqrt(pan)
    return [left, right]
