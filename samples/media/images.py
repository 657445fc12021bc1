"""The twenty pictures: which drawing, in which format, and what is thereby planted."""

from media import pixels, scenes_graphic, scenes_photo
from media.encode import EXACT, Workshop, exif_segment, with_exif

UPRIGHT = {1: None, 3: "d180", 6: "d270", 8: "d90"}  # how the stored pixels lie for each orientation
FRAME_RATE = "25/2"
FRAME_MS = 80


def _facts(form, size, bands=3, **more):
    """Words for depth and colour space are those of libvips."""
    space = {1: "b-w", 2: "b-w"}.get(bands, "srgb")
    return {"format": form, "width": size[0], "height": size[1], "bands": bands, "depth": "uchar", "colourSpace": space,
            "alpha": bands in (2, 4), "orientation": 1, "frames": 1, **more}


def _photo(scene, *options, shot=None, space=None):
    """A JPEG. shot: the camera's EXIF as exif_segment takes it; space: b-w or cmyk."""
    with Workshop() as shop:
        drawing = scene()
        image = shop.opaque(drawing)
        orientation = shot["orientation"] if shot else 1
        if space:
            image = shop.step(image, "colourspace", space)
        if UPRIGHT[orientation]:
            image = shop.step(image, "rot", UPRIGHT[orientation])
        data = shop.saved(image, "jpegsave", "jpg", "--Q", "86", *options)
    if shot:
        data = with_exif(data, exif_segment(**shot))
    bands = {"b-w": 1, "cmyk": 4}.get(space, 3)
    facts = _facts("jpeg", (drawing.width, drawing.height), bands, orientation=orientation)
    if space == "cmyk":
        facts.update(colourSpace="cmyk", alpha=False)
    if shot:
        facts["exif"] = {"make": "Acme", "model": "Peephole 3", "iso": shot["iso"]}
    if shot and shot.get("gps"):
        facts["gps"] = True
    return data, facts


def _shot(orientation, taken, lens_mm, exposure, aperture, iso, **gps):
    return {"orientation": orientation, "taken": taken, "lens_mm": lens_mm, "exposure": exposure, "aperture": aperture, "iso": iso, **gps}


def _png(scene, *options, grey=False, opaque=False, **more):
    with Workshop() as shop:
        drawing = scene()
        image = shop.opaque(drawing) if opaque else shop.raster(drawing)
        if grey:
            image = shop.step(image, "colourspace", "b-w")
        data = shop.saved(image, "pngsave", "png", "--compression", "9", *options)
    return data, _facts("png", (drawing.width, drawing.height), 2 if grey else 3 if opaque else 4, **more)


def _painted(paint, size, saver, suffix, *options, bands=3, **more):
    with Workshop() as shop:
        data = shop.saved(shop.raster(paint()), saver, suffix, *options)
    return data, _facts(suffix, size, bands, **more)


def _webp(scene, *options, opaque=False):
    with Workshop() as shop:
        drawing = scene()
        image = shop.opaque(drawing) if opaque else shop.raster(drawing)
        data = shop.saved(image, "webpsave", "webp", *options)
    return data, _facts("webp", (drawing.width, drawing.height), 3 if opaque else 4)


def _animation(drawings, form, *options):
    with Workshop() as shop:
        pattern = shop.frames(drawings)
        data = shop.ffmpeg(form, "-framerate", FRAME_RATE, "-i", pattern, *EXACT, "-threads", "1", *options, "-loop", "0").read_bytes()
    # Both encoders leave out what did not change since the frame before, so that frames have holes: four bands.
    return data, _facts(form, (drawings[0].width, drawings[0].height), 4, frames=len(drawings), durationMs=FRAME_MS * len(drawings))


def _yoyo():
    return _animation([scenes_graphic.yoyo_spiral(240, i / 48) for i in range(12)], "webp", "-c:v", "libwebp_anim", "-quality", "72",
                      "-compression_level", "5")


def _wheel():
    palette = "split[a][b];[a]palettegen=max_colors=64:stats_mode=full:reserve_transparent=0[p];[b][p]paletteuse=dither=none"
    return _animation([scenes_graphic.mouse_wheel(220, i / 16) for i in range(16)], "gif", "-filter_complex", palette)


IMAGES = {
    "mesa-sunset.jpg": lambda: _photo(scenes_photo.mesa_sunset, shot=_shot(1, "2025:06:02 20:41:07", 35, (1, 250), (28, 10), 200)),
    "rocket-skates.jpg": lambda: _photo(scenes_photo.rocket_skates, "--interlace"),
    "folding-hole.jpg": lambda: _photo(scenes_photo.folding_hole, space="b-w"),
    "moon-cheese-poster.jpg": lambda: _photo(scenes_photo.moon_cheese_poster, space="cmyk"),
    "clockwork-owl.jpg": lambda: _photo(scenes_photo.clockwork_owl, shot=_shot(6, "2025:05:23 23:15:40", 85, (1, 30), (18, 10), 1600)),
    "bottled-tornado.jpg": lambda: _photo(scenes_photo.bottled_tornado, shot=_shot(3, "2025:06:02 22:27:11", 50, (1, 4000), (40, 10), 800)),
    "anvil-drop.jpg": lambda: _photo(scenes_photo.anvil_drop, shot=_shot(8, "2025:06:03 16:02:30", 200, (1, 2000), (56, 10), 100)),
    "roadside-seeds.jpg": lambda: _photo(scenes_photo.roadside_seeds,
                                         shot=_shot(1, "2025:06:11 12:09:28", 24, (1, 500), (80, 10), 100, gps=((35, 11, 53), (111, 39, 4)))),
    "magnet-blueprint.png": lambda: _png(scenes_graphic.magnet_blueprint, opaque=True),
    "quilla-sticker.png": lambda: _png(scenes_graphic.quilla_sticker),
    "lab-map.png": lambda: _png(scenes_graphic.lab_map, "--palette", "--dither", "0", opaque=True, palette=True),
    "canyon-survey.png": lambda: _painted(pixels.canyon_survey, (512, 384), "pngsave", "png", "--compression", "9", depth="ushort",
                                           colourSpace="rgb16"),
    "moth-x-ray.png": lambda: _png(scenes_graphic.moth_xray, grey=True),
    "test-pattern.png": lambda: _painted(pixels.test_pattern, (640, 480), "pngsave", "png", "--compression", "9", "--interlace",
                                         interlaced=True),
    "cheese-chart.png": lambda: _png(scenes_graphic.cheese_chart, "--palette", "--dither", "0", palette=True),
    "night-sky.webp": lambda: _webp(scenes_graphic.night_sky, "--Q", "82", opaque=True),
    "pocket-cloud.webp": lambda: _webp(scenes_graphic.pocket_cloud, "--lossless"),
    "hypnotic-yoyo.webp": _yoyo,
    "pixel-parade.gif": lambda: _painted(pixels.pixel_parade, (320, 200), "gifsave", "gif", "--dither", "0", bands=4),
    "mouse-wheel.gif": _wheel,
}
