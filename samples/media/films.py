"""The films, a drawing a frame; and the recipes of the four clips and two films."""

import math

from media import scenes_graphic, scenes_photo, sound
from media.encode import EXACT, Workshop
from media.svg import QUILLA, TOLONDRO, Drawing, mouse, star


def inset(d, scene, view):
    """A whole drawing inside another; view: "x y width height" of the part that fills it."""
    place = f'x="0" y="0" width="{d.width}" height="{d.height}" viewBox="{view}" preserveAspectRatio="xMidYMid slice"'
    d.raw(f"<svg {place}>{scene.text_of()}</svg>")


# ---- anvil-test: four shots -----------------------------------------------------------------------------------------


def _leader(at):
    """A film leader that counts down; at: 0..1 of the shot."""
    d = Drawing(320, 240, "#d8d2c4")
    d.polygon([(160, 120), (160, -120),
               *((160 + 300 * math.sin(2 * math.pi * at * i / 24),
                  120 - 300 * math.cos(2 * math.pi * at * i / 24)) for i in range(25))], fill="#b7ae9a")
    for r in (70, 82):
        d.circle(160, 120, r, fill="none", stroke="#3a352c", stroke_width=2.0)
    d.line(0, 120, 320, 120, "#3a352c", 1.5)
    d.line(160, 0, 160, 240, "#3a352c", 1.5)
    d.text(160, 152, str(3 - int(at * 2.99)), 92, "#22201b", font_weight="bold")
    return d


def _fall(at):
    d = Drawing(320, 240)
    d.rect(0, 0, 320, 240, fill=d.linear("sky", [(0, "#050b24"), (1, "#1d3a72")]))
    for i in range(3):
        y = (260 + i * 110 - at * 320) % 330 - 50
        for dx, r in ((-22, 14), (0, 20), (22, 15)):
            d.circle(70 + i * 90 + dx, y, r, fill="#51688f")
    with d.group(f"translate(160 {70 + at * 90:.1f}) rotate({8 * math.sin(at * 9):.1f})"):
        d.path("M 0 -20 q -40 -30 -70 0 q 10 -60 70 -60 q 60 0 70 60 q -30 -30 -70 0 Z", fill="#e63946", stroke="#8d0f1d", stroke_width=2.0)
        for x in (-70, -24, 24, 70):
            d.line(x, -20, 0, 30, "#cbd5e8", 1.2)
        d.polygon([(-50, 30), (44, 30), (40, 46), (16, 54), (16, 66), (30, 76), (-30, 76), (-16, 66), (-16, 54), (-62, 38)], fill="#8d99ae")
    return d


def _watch(at):
    d = Drawing(320, 240, "#ffb703")
    for i in range(12):
        d.polygon([(160, 260), (160 + 400 * math.cos((i + at * 0.4) * math.pi / 6), 260 - 400 * math.sin((i + at * 0.4) * math.pi / 6)),
                   (160 + 400 * math.cos((i + 0.5 + at * 0.4) * math.pi / 6),
                    260 - 400 * math.sin((i + 0.5 + at * 0.4) * math.pi / 6))], fill="#fb8500")
    mouse(d, 105, 226, 150, QUILLA, glasses=True, arm=100 + 20 * math.sin(at * 20), look=0.6, tail=-1)
    mouse(d, 222, 226, 140, TOLONDRO, arm=40 + 60 * at, look=-0.6)
    d.rect(0, 224, 320, 16, fill="#6a040f")
    return d


def _bonk(at):
    d = Drawing(320, 240, "#14213d")
    size = 92 + 12 * math.sin(at * 25) * (1 - at)
    d.polygon(star(160, 118, size + 22, size * 0.62, 13, at * 0.05), fill="#d00000")
    d.polygon(star(160, 118, size, size * 0.56, 13, at * 0.05), fill="#ffd60a")
    with d.group("rotate(-9 160 118)"):
        d.text(160, 132, "BONK", 38, "#d00000", font_weight="bold")
    return d


# ---- yoyo-broadcast: three shots ------------------------------------------------------------------------------------


def _dish(at):
    d = Drawing(320, 180)
    view = f"{340 - at * 120:.2f} {150 - at * 60:.2f} {560 + at * 120:.2f} {315 + at * 67.5:.2f}"
    inset(d, scenes_graphic.night_sky(), view)
    return d


def _hall(at):
    d = Drawing(320, 180)
    inset(d, scenes_graphic.paper_parliament(), f"{at * 150:.2f} {30 + at * 130:.2f} {720 - at * 300:.2f} {405 - at * 168.75:.2f}")
    return d


def _hypnosis(at):
    d = Drawing(320, 180, "#3d0066")
    swing = 60 * math.sin(at * 2 * math.pi)
    d.line(160, 0, 160 + swing, 96, "#f1c0e8", 2.0)
    with d.group(f"translate({160 + swing - 75:.2f} 24) scale(0.625)"):
        d.raw(scenes_graphic.yoyo_spiral(240, at, ("#f1c0e8", "#8e2de2"), "#3d0066").text_of())
    return d


def film(shots, rate):
    """shots: (frames, painter). The drawings, and the seconds at which one shot ends and the next begins."""
    drawings, cuts, at = [], [], 0
    for count, paint in shots:
        drawings += [paint(i / max(count - 1, 1)) for i in range(count)]
        at += count
        cuts.append(round(at / rate, 3))
    return drawings, cuts[:-1]


def anvil_test_sound(rate=44100):
    """Three leader beeps, a falling whistle, a hum, and the landing."""
    left, right = sound.silence(5.0, rate, 2)
    for channel in (left, right):
        for i in range(3):
            sound.add(channel, rate, i * 0.4, 0.1, 1000, sound.sine, 0.3)
        for i in range(64):
            sound.add(channel, rate, 1.2 + i * 0.025, 0.033, 1800 - i * 20, sound.sine, 0.22)
        for note in (-9, -5, -2):
            sound.add(channel, rate, 2.8, 1.15, sound.pitch(note), sound.triangle, 0.1)
        sound.hiss(channel, rate, 4.0, 1.0, 0.8, 4, 0.12, smooth=0.7)
        sound.add(channel, rate, 4.0, 0.9, 70, sound.sine, 0.5, 0.25)
    return [left, right]


def broadcast_sound(rate=48000):
    (clip,) = sound.silence(4.0, rate)
    for i in range(16):
        sound.add(clip, rate, i * 0.25, 0.24, sound.pitch((0, 6, 3, 9)[i % 4] - 12), sound.triangle, 0.25, 0.4)
    return [clip]


# ---- recipes --------------------------------------------------------------------------------------------------------


def _tags(title, artist, album):
    return [word for pair in (("title", title), ("artist", artist), ("album", album)) for word in ("-metadata", f"{pair[0]}={pair[1]}")]


def _clip(channels, rate, lufs, suffix, options, tags, cover=None, **facts):
    with Workshop() as shop:
        source, pictures = shop.path / "clip.wav", []
        if cover:
            image = shop.step(shop.opaque(cover), "resize", "0.4")
            (shop.path / "cover.jpg").write_bytes(shop.saved(image, "jpegsave", "jpg", "--Q", "80"))
            pictures = ["-i", shop.path / "cover.jpg", "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic",
                        "-id3v2_version", "3"]

        def encode(adjusted):
            source.write_bytes(sound.wav(adjusted, rate))
            return shop.ffmpeg(suffix, "-i", source, *pictures, *EXACT, *options, *_tags(*tags))

        data = sound.normalised(channels, lufs, encode)
    return data, _clip_facts(channels, rate, lufs, tags, cover=bool(cover), **facts)


def _clip_facts(channels, rate, lufs, tags, **facts):
    return {"durationMs": round(1000 * len(channels[0]) / rate), "sampleRate": rate, "channels": len(channels), "integratedLufs": lufs,
            "tags": {"title": tags[0], "artist": tags[1]}, **facts}


def _march():
    return _clip(sound.mouse_march(), 44100, -19.0, "mp3", ("-c:a", "libmp3lame", "-b:a", "128k"),
                 ("March of the Skirting Board", "Quilla and the Wheel",
                  "Nights in Lab 7"), scenes_photo.spring_boots(), container="mp3", codec="mp3")


def _owl():
    return _clip(sound.owl_clockwork(), 48000, -23.0, "flac", ("-c:a", "flac", "-compression_level", "8", "-sample_fmt", "s16"),
                 ("Tick, tick, hoot", "The owl", "Spring, wound once"), container="flac", codec="flac")


def _radio():
    return _clip(sound.canyon_radio(), 32000, -20.0, "ogg", ("-c:a", "libvorbis", "-q:a", "4"),
                 ("Behind the mesa", "Canyon shortwave", "Reception reports"), container="ogg", codec="vorbis", silence=[3.5, 5.5])


def _beep():
    rate, lufs, tags = 48000, -18.0, ("Something went past", "Roadside microphone")
    clip = sound.beep_beep(rate)
    with Workshop() as shop:
        place = shop.path / "clip.wav"

        def encode(adjusted):
            place.write_bytes(sound.wav(adjusted, rate, (("INAM", tags[0]), ("IART", tags[1]))))
            return place

        data = sound.normalised(clip, lufs, encode)
    return data, _clip_facts(clip, rate, lufs, tags, cover=False, container="wav", codec="pcm_s16le")


def _film(shots, rate, channels, audio_rate, suffix, options, **facts):
    with Workshop() as shop:
        drawings, cuts = film(shots, rate)
        pattern = shop.frames(drawings)
        (shop.path / "sound.wav").write_bytes(sound.wav(channels, audio_rate))
        data = shop.ffmpeg(suffix, "-framerate", rate, "-i", pattern, "-i", shop.path / "sound.wav", *EXACT, "-threads", "1", "-pix_fmt",
                           "yuv420p",
                           *options).read_bytes()
    return data, {"durationMs": round(1000 * len(drawings) / rate), "width": drawings[0].width, "height": drawings[0].height,
                  "frameRate": rate,
                  "frames": len(drawings), "cuts": cuts, "sampleRate": audio_rate, "channels": len(channels), **facts}


def _anvil_test():
    shots = ((30, _leader), (40, _fall), (30, _watch), (25, _bonk))
    options = ("-c:v", "libx264", "-preset", "slow", "-crf", "24", "-g", "50", "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart")
    return _film(shots, 25, anvil_test_sound(), 44100, "mp4", options, container="mp4", videoCodec="h264", codec="aac")


def _yoyo_broadcast():
    shots = ((36, _dish), (30, _hall), (30, _hypnosis))
    options = ("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "36", "-g", "48", "-row-mt", "0", "-c:a", "libopus", "-b:a", "48k")
    return _film(shots, 24, broadcast_sound(), 48000, "webm", options, container="webm", videoCodec="vp9", codec="opus")


AUDIO = {"mouse-march.mp3": _march, "owl-clockwork.flac": _owl, "canyon-radio.ogg": _radio, "beep-beep.wav": _beep}
VIDEO = {"anvil-test.mp4": _anvil_test, "yoyo-broadcast.webm": _yoyo_broadcast}
