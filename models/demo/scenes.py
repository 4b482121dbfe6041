"""Whole pictures, each a function of its seed, and what the tower should find in each patch of them."""
import functools
import io
import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from drawing import (add_noise, draw_clock, draw_line_chart, draw_shape, draw_text, paint_background, pick_colors, pick_rgb, place_shapes,
                     random_text)
from other import other_scene
from world import (COLORS, DRAWN, FONT_NAMES, GRID, KINDS, PAD_COLOR, PATCH, SHAPES, SIDE, TARGET, TINTS, font)

def make_scene(seed, sharp=False, kind=None, long_side=None):
    """Draws picture number `seed`. Returns (RGB image, facts, marks); marks feed the helper targets only."""
    rng = random.Random(seed * 7919 + 17)
    kind = kind or rng.choices(list(KINDS), list(KINDS.values()))[0]
    if kind == "other":
        return other_scene(rng, long_side), dict(kind=kind, background=None, objects=[], text=None, bars=None), []
    ratio = rng.choice([1, 1, 4 / 3, 3 / 4, 3 / 2, rng.uniform(.5, 2)])
    if kind in ("text", "bars", "line"):
        ratio = max(ratio, .75)
    side = long_side or rng.choice([112, 160, 200, 224, 256, 300, 336, 400])
    W, H = (side, max(1, round(side / ratio))) if ratio >= 1 else (max(1, round(side * ratio)), side)
    aa = 2 if sharp or side < 180 else 1                 # draw twice as large, then shrink: smooth edges
    names = list(COLORS) + list(TINTS)
    background = rng.choices(names, [3, 2, 5, 4, 5, 3, 5, 3, 12, 36, 9, 8, 5])[0]
    background = (background, pick_rgb(rng, background))
    style = rng.choices(["flat", "gradient", "noise", "stripes", "grid"], [48, 18, 14, 10, 10])[0]
    image = paint_background(rng, (W * aa, H * aa), background[1], style)
    draw = ImageDraw.Draw(image)
    facts, marks = dict(kind=kind, background=background[0], objects=[], text=None, bars=None), []

    canvas = Canvas(rng, image, draw, W, H, aa, background)
    area = text_area = None
    top = False
    if kind == "mixed":                                  # one shape and one word share the picture
        cut, top = rng.uniform(.44, .54), rng.random() < .5
        area = (0, 0, W, H * cut) if top else (0, H * (1 - cut), W, H)
        text_area = (0, H * cut, W, H) if top else (0, 0, W, H * (1 - cut))
    if kind in ("shapes", "count", "mixed"):
        facts["objects"], marks = add_shapes(canvas, kind, area, top)
    if kind in ("text", "mixed"):
        facts["text"], letters = add_text(canvas, text_area or (0, 0, W, H), "bottom" if kind == "mixed" and top else "top")
        marks += letters
    if kind == "bars":
        facts["bars"], marks = add_bars(canvas)
    if kind == "line":
        facts["line"] = draw_line_chart(rng, draw, W * aa, H * aa, background)
    if kind == "clock":
        facts["clock"] = draw_clock(rng, draw, W * aa, H * aa, background)
    return finish(rng, image, aa, style, sharp), facts, marks


@dataclass
class Canvas:
    """What parts of a picture are drawn on: `aa` times as large as W x H, and then shrunk."""
    rng: random.Random
    image: Image.Image
    draw: ImageDraw.ImageDraw
    W: int
    H: int
    aa: int
    background: tuple                                    # name, RGB


def add_shapes(canvas, kind, area, top):
    """One to four shapes, two to six equal ones (`count`), or one in `area` (`mixed`). Returns (facts of objects, marks)."""
    rng, W, H, background, marks = canvas.rng, canvas.W, canvas.H, canvas.background, []
    if kind == "count":                                  # many of one kind
        count, same = rng.randint(2, 6), dict(size="small" if rng.random() < .5 else "large")
        spots = place_shapes(rng, W, H, count, same)
        (color, rgb), = pick_colors(rng, 1, background, 95)
        shape = rng.choice(SHAPES)
        looks = [(shape, color, rgb)] * len(spots)
    else:
        count = 1 if kind == "mixed" else rng.choices([1, 2, 3, 4], [30, 35, 22, 13])[0]
        spots = place_shapes(rng, W, H, count, area=area)
        if kind == "mixed":                              # name the place in the whole picture
            for o in spots:
                o["cell"] = "top" if top else "bottom"
        palette = pick_colors(rng, len(spots), background, 95)
        looks = [(rng.choice(SHAPES), *palette[k if rng.random() < .85 else 0]) for k in range(len(spots))]
    for o, (shape, color, rgb) in zip(spots, looks):
        flat = shape in ("cross", "square", "hexagon", "heart", "star")
        o.update(shape=shape, color=color, rgb=rgb, thick=rng.uniform(.25, .42),
                 edge=None if rng.random() < .86 else rng.choice([(0, 0, 0), (0, 0, 0), tuple(c // 2 for c in rgb), (255, 255, 255)]),
                 angle=rng.uniform(-.3, .3) if flat else rng.uniform(-.5, .5))
        draw_shape(canvas.draw, o, canvas.aa)
        reach = o["r"] + .3 * PATCH * max(W, H) / SIDE
        for n in (shape, color, o["size"], "at " + o["cell"]):
            marks.append((n, o["x"], o["y"], reach))
    return [{k: o[k] for k in ("shape", "color", "size", "cell", "x", "y", "r")} for o in spots], marks


def add_text(canvas, area, cell):
    """A word or a number in `area`. Returns (facts of the text, marks)."""
    rng, W, H, aa = canvas.rng, canvas.W, canvas.H, canvas.aa
    while True:
        text, what = random_text(rng)
        (color, rgb), = pick_colors(rng, 1, canvas.background, 130)
        letters = draw_text(rng, canvas.image, text, rgb, tuple(v * aa for v in area), max(W, H) * aa)
        if letters:
            break
    marks = []
    for ch, x, y, reach in letters:
        marks.append((ch, x / aa, y / aa, 0))
        marks.append((color, x / aa, y / aa, reach / aa))
    return dict(text=text, what=what, color=color, cell=cell), marks


def add_bars(canvas):
    """Two to four bars of different heights. Returns (facts of the bars, marks)."""
    rng, draw, W, H, aa, background, marks = canvas.rng, canvas.draw, canvas.W, canvas.H, canvas.aa, canvas.background, []
    count = rng.randint(2, 4)
    palette = pick_colors(rng, count, background, 95)
    levels = rng.sample([.25, .4, .55, .7, .85, 1.0], count)
    left, right, base, peak = W * rng.uniform(.06, .16), W * rng.uniform(.86, .95), H * rng.uniform(.86, .94), H * rng.uniform(.06, .16)
    slot, fill = (right - left) / count, rng.uniform(.45, .8)
    axis = (30, 30, 30) if sum(background[1]) > 330 else (225, 225, 225)
    width = max(1, round(max(W, H) * aa * .009))
    if rng.random() < .7:
        draw.line((left * aa, base * aa, right * aa, base * aa), fill=axis, width=width)
    if rng.random() < .5:
        draw.line((left * aa, base * aa, left * aa, peak * aa), fill=axis, width=width)
    bars = []
    for k, ((color, rgb), level) in enumerate(zip(palette, levels)):
        x0, x1 = left + slot * (k + .5 - fill / 2), left + slot * (k + .5 + fill / 2)
        y0 = base - (base - peak) * level * rng.uniform(.96, 1)
        draw.rectangle((x0 * aa, y0 * aa, x1 * aa, base * aa), fill=rgb)
        bars.append(dict(color=color, level=level))
        marks.append(("bar", (x0 + x1) / 2, (y0 + base) / 2, ((x1 - x0) / 2, (base - y0) / 2)))
        marks.append((color, (x0 + x1) / 2, (y0 + base) / 2, ((x1 - x0) / 2, (base - y0) / 2)))
    return bars, marks


def finish(rng, image, aa, style, sharp):
    """What cameras and files do to a drawing: smaller, blurred, noisy, compressed."""
    if aa > 1:
        image = image.reduce(aa)
    if rng.random() < .15 and not sharp:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(.2, .75) * max(image.size) / SIDE))
    if style == "noise" or rng.random() < .15:
        image = add_noise(rng, image, rng.uniform(3, 13))
    if rng.random() < .3 and not sharp:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=rng.randint(35, 92))
        image = Image.open(buffer).convert("RGB")
    return image


def make_drill(seed):
    """A picture crammed with shapes or letters, for part one only: a hundred things to tell apart instead of two.

    Returns (112 x 112 RGB image, marks). Nothing about it is ever asked.
    """
    rng = random.Random(seed * 6007 + 5)
    side = 2 * SIDE                                      # drawn twice as large
    background = rng.choice(list(COLORS) + list(TINTS))
    background = (background, pick_rgb(rng, background))
    style = rng.choices(["flat", "gradient", "noise", "stripes", "grid"], [48, 18, 14, 10, 10])[0]
    image, marks = paint_background(rng, (side, side), background[1], style), []
    draw, far = ImageDraw.Draw(image), lambda rgb: math.dist(rgb, background[1])
    split = rng.choice([0] * 8 + [side, side // 2])        # shapes above this line, letters below

    def color(distance):
        while True:
            name = rng.choice(list(COLORS))
            rgb = pick_rgb(rng, name)
            if name != background[0] and far(rgb) >= distance:
                return name, rgb
    if split:
        across = rng.choice([2, 2, 3, 3, 3, 4])
        cell = side / across
        for row in range(int(split / cell)):
            for col in range(across):
                r = cell * rng.uniform(.28, .46)
                size = r / side
                o = dict(shape=rng.choice(SHAPES), x=(col + .5) * cell + rng.uniform(-1, 1) * (cell / 2 - r), r=r,
                         y=(row + .5) * cell + rng.uniform(-1, 1) * (cell / 2 - r), thick=rng.uniform(.25, .42), angle=rng.uniform(-.5, .5),
                         edge=None if rng.random() < .86 else rng.choice([(0, 0, 0), (255, 255, 255)]))
                name, o["rgb"] = color(95)
                if o["shape"] in ("cross", "square", "hexagon", "heart", "star"):
                    o["angle"] = rng.uniform(-.3, .3)
                draw_shape(draw, o, 1)
                reach = r + .3 * 2 * PATCH
                for n in (o["shape"], name, "small" if size < .107 else "large"):
                    marks.append((n, o["x"], o["y"], reach))
    top = split
    while top < side - 24:
        height = rng.choice([22, 26, 32, 40, 56, 80]) * rng.uniform(.9, 1.1)
        size = int(height * .8)
        face, (name, rgb), x = font(rng.choice(FONT_NAMES), size), color(130), rng.uniform(2, 20)
        while x < side - size:
            text = random_text(rng)[0]
            if face.getlength(text) / len(text) < 13.2:   # letters at least 6.6 px wide for the tower
                break
            _, up, _, down = face.getbbox(text)
            y = top + max(0, (height - (down - up)) / 2) - up
            draw.text((x, y), text, fill=rgb, font=face)
            for k, ch in enumerate(text):
                cx = x + (face.getlength(text[:k]) + face.getlength(text[:k + 1])) / 2
                if cx < side - 2:
                    marks.append((ch, cx, y + (up + down) / 2, 0))
                    marks.append((name, cx, y + (up + down) / 2, size * .3))
            x += face.getlength(text) + size * rng.uniform(.3, 1.2)
            if rng.random() < .3:
                name, rgb = color(130)
        top += height
    if split == 0 and rng.random() < .35:                # the whole page tilted
        angle = rng.uniform(-9, 9)
        image = image.rotate(angle, Image.BICUBIC, fillcolor=background[1])
        c, s, mid = math.cos(math.radians(angle)), math.sin(math.radians(angle)), side / 2
        marks = [(n, mid + (x - mid) * c + (y - mid) * s, mid + (y - mid) * c - (x - mid) * s, reach) for n, x, y, reach in marks]
        marks = [m for m in marks if 0 <= m[1] < side and 0 <= m[2] < side]
    image = image.reduce(2)
    if rng.random() < .15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(.2, .75)))
    if style == "noise" or rng.random() < .15:
        image = add_noise(rng, image, rng.uniform(3, 13))
    return image, [(n, x / 2, y / 2, reach / 2) for n, x, y, reach in marks]


def preprocess(image):
    """LLaVA's `pad` mode: full-resolution square, then one bicubic resize. uint8, height x width x 3."""
    image = image.convert("RGB")
    W, H = image.size
    if W != H:
        square = Image.new("RGB", (max(W, H),) * 2, PAD_COLOR)
        square.paste(image, ((H - W) // 2 if H > W else 0, (W - H) // 2 if W > H else 0))
        image = square
    return np.asarray(image.resize((SIDE, SIDE), Image.BICUBIC))


def patch_targets(marks, W, H):
    """What is drawn on which patch: bool array [64, DRAWN]."""
    out, scale = np.zeros((GRID, GRID, len(DRAWN)), bool), GRID / max(W, H)
    ox, oy = max(0, (H - W) // 2), max(0, (W - H) // 2)
    for name, x, y, reach in marks:
        rx, ry = reach if isinstance(reach, tuple) else (reach, reach)
        x, y, rx, ry = (x + ox) * scale, (y + oy) * scale, rx * scale, ry * scale
        # a patch counts when its centre lies within reach; the one under the middle always counts
        c0, c1, r0, r1 = math.ceil(x - rx - .5), math.floor(x + rx - .5), math.ceil(y - ry - .5), math.floor(y + ry - .5)
        out[max(0, r0):max(0, r1 + 1), max(0, c0):max(0, c1 + 1), TARGET[name]] = True
        out[min(GRID - 1, max(0, int(y))), min(GRID - 1, max(0, int(x))), TARGET[name]] = True
    return out.reshape(GRID * GRID, -1)


@functools.cache
def place_targets(W, H):
    """In which third of the picture (without its padding) each patch lies: bool array [64, PLACES]."""
    row, col = np.divmod(np.arange(GRID * GRID), GRID)
    v, h = (((at + .5) / GRID - .5) * max(W, H) / side + .5 for at, side in ((row, H), (col, W)))
    inside = (v > 0) & (v < 1) & (h > 0) & (h < 1)
    top, bottom, left, right = v < 1 / 3, v > 2 / 3, h < 1 / 3, h > 2 / 3
    return np.stack([top, bottom, left, right, ~(top | bottom | left | right)], -1) & inside[:, None]
