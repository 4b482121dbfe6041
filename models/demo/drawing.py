"""Single things drawn with PIL: shapes, backgrounds, text, charts, clocks, noise."""
import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw

from world import CELLS, COLORS, FONT_NAMES, SIDE, TINTS, WORDS, font

def pick_rgb(rng, name):
    h0, h1, s0, s1, v0, v1 = COLORS.get(name) or TINTS[name]
    if rng.random() < .2 and name in COLORS:             # the pure named colour, as people draw it
        pure = dict(red=(255, 0, 0), orange=(255, 165, 0), yellow=(255, 255, 0), green=(0, 128, 0), blue=(0, 0, 255),
                    purple=(128, 0, 128), pink=(255, 192, 203), brown=(139, 69, 19), black=(0, 0, 0),
                    white=(255, 255, 255), gray=(128, 128, 128))
        return pure[name]
    rgb = colorsys.hsv_to_rgb(rng.uniform(h0, h1) % 360 / 360, rng.uniform(s0, s1), rng.uniform(v0, v1))
    return tuple(int(round(255 * c)) for c in rgb)


def contrast(a, b):
    return math.dist(a, b)


def pick_colors(rng, count, background, distance):
    """`count` different colour names with their RGB, each well visible on the background."""
    chosen = []
    while len(chosen) < count:
        name = rng.choice(list(COLORS))
        rgb = pick_rgb(rng, name)
        if name in [c[0] for c in chosen] or name == background[0] or background[0].endswith(" " + name):
            continue
        if contrast(rgb, background[1]) >= distance:
            chosen.append((name, rgb))
    return chosen


def outline(shape, cx, cy, r, angle):
    """Corner points of a shape of radius r; circles and rings are drawn as ellipses instead."""
    def turn(points):
        c, s = math.cos(angle), math.sin(angle)
        return [(cx + r * (x * c - y * s), cy + r * (x * s + y * c)) for x, y in points]
    if shape == "square":
        return turn([(-.82, -.82), (.82, -.82), (.82, .82), (-.82, .82)])
    if shape == "triangle":
        return turn([(math.sin(2 * math.pi * k / 3), -math.cos(2 * math.pi * k / 3) + .12) for k in range(3)])
    if shape == "star":
        return turn([((1.08 if k % 2 == 0 else .45) * math.sin(math.pi * k / 5),
                      -(1.08 if k % 2 == 0 else .45) * math.cos(math.pi * k / 5)) for k in range(10)])
    if shape == "hexagon":
        return turn([(math.sin(math.pi * k / 3 + math.pi / 6), -math.cos(math.pi * k / 3 + math.pi / 6)) for k in range(6)])
    if shape == "cross":
        w = .34
        return turn([(-w, -1), (w, -1), (w, -w), (1, -w), (1, w), (w, w), (w, 1), (-w, 1), (-w, w), (-1, w), (-1, -w), (-w, -w)])
    if shape == "heart":
        t = [2 * math.pi * k / 40 for k in range(40)]
        return turn([(16 * math.sin(a) ** 3 / 17, -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) / 17) for a in t])


def draw_shape(draw, obj, scale):
    cx, cy, r = obj["x"] * scale, obj["y"] * scale, obj["r"] * scale
    edge = dict(outline=obj["edge"], width=max(1, int(r * .08))) if obj["edge"] else {}
    if obj["shape"] in ("circle", "ring"):
        if obj["shape"] == "ring":                       # an ellipse with a hole
            draw.ellipse((cx - r, cy - r, cx + r, cy + r), outline=obj["rgb"], width=max(1, int(r * obj["thick"])))
        else:
            draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=obj["rgb"], **edge)
    else:
        draw.polygon(outline(obj["shape"], cx, cy, r, obj["angle"]), fill=obj["rgb"], **edge)


def place_shapes(rng, W, H, count, same=None, area=None):
    """Positions for `count` shapes: one per cell of a 3 x 3 grid, no overlaps. Returns dicts without colours."""
    x0, y0, x1, y1 = area or (0, 0, W, H)
    w, h = x1 - x0, y1 - y0
    short = min(w, h)
    for _ in range(200):
        objects, cells = [], rng.sample(range(9), count)
        for cell in cells:
            size = same["size"] if same else rng.choice(["small", "large"])
            many = count >= 4 or (count >= 3 and max(w, h) < 1.25 * short)
            lo, hi = (.125, .155) if many else (.16, .24) if count > 1 else (.2, .36) if rng.random() < .6 else (.32, .46)
            if size == "large":
                r = max(rng.uniform(lo, hi) * short, .118 * max(W, H))
            else:
                r = max(rng.uniform(.075, .095) * short, rng.uniform(.072, .08) * max(W, H))
            col, row = cell % 3, cell // 3
            # The outer cells hug the border, the middle ones stay in the middle.
            fx = .5 + rng.uniform(-.07, .07) if col == 1 else rng.uniform(.12, .24) if col == 0 else rng.uniform(.76, .88)
            fy = .5 + rng.uniform(-.07, .07) if row == 1 else rng.uniform(.12, .24) if row == 0 else rng.uniform(.76, .88)
            x = min(max(x0 + fx * w, x0 + r * 1.05), x1 - r * 1.05)
            y = min(max(y0 + fy * h, y0 + r * 1.05), y1 - r * 1.05)
            objects.append(dict(x=x, y=y, r=r, size=size, cell=CELLS[cell]))
        # A big shape pushed off the border must still lie in the third that its name says.
        ok = all((o["x"] - x0) / w < .38 if "left" in o["cell"] else (o["x"] - x0) / w > .62 if "right" in o["cell"] else True for o in objects)
        ok = ok and all((o["y"] - y0) / h < .38 if "top" in o["cell"] else (o["y"] - y0) / h > .62 if "bottom" in o["cell"] else True for o in objects)
        ok = ok and all(math.dist((a["x"], a["y"]), (b["x"], b["y"])) > 1.15 * (a["r"] + b["r"])
                        for i, a in enumerate(objects) for b in objects[:i])
        if ok:
            order = {c: i for i, c in enumerate(CELLS)}
            return sorted(objects, key=lambda o: order[o["cell"]])       # reading order
    return place_shapes(rng, W, H, count - 1, same, area)


def paint_background(rng, size, rgb, style):
    W, H = size
    if style == "flat" or style == "noise":
        return Image.new("RGB", size, rgb)
    shade = lambda f: tuple(int(min(255, max(0, c * f + 6 * (f - 1) * 10))) for c in rgb)
    if style == "gradient":
        ramp = np.linspace(0, 1, H if rng.random() < .5 else W, dtype=np.float32)
        a, b = np.array(shade(rng.uniform(.86, .97)), np.float32), np.array(shade(rng.uniform(1.0, 1.08)), np.float32)
        line = a + (b - a) * ramp[:, None]
        array = np.broadcast_to(line[:, None] if len(ramp) == H else line[None], (H, W, 3))
        return Image.fromarray(array.clip(0, 255).astype(np.uint8))
    image, other = Image.new("RGB", size, rgb), shade(rng.choice([.93, .95, 1.05]))
    draw, step = ImageDraw.Draw(image), max(6, int(max(size) * rng.uniform(.04, .1)))
    for k, v in enumerate(range(0, max(size), step)):
        if style == "stripes" and k % 2:
            draw.rectangle((0, v, W, v + step) if H <= W else (v, 0, v + step, H), fill=other)
        elif style == "grid":
            draw.line((v, 0, v, H), fill=other, width=max(1, step // 12))
            draw.line((0, v, W, v), fill=other, width=max(1, step // 12))
    return image


_noise = None


def add_noise(rng, image, sigma):
    global _noise
    if _noise is None:
        _noise = np.random.default_rng(0).standard_normal((512, 512, 3)).astype(np.float32)
    W, H = image.size
    reps = (math.ceil(H / 400), math.ceil(W / 400), 1)
    dy, dx = rng.randrange(100), rng.randrange(100)
    patch = np.tile(_noise[dy:dy + 400, dx:dx + 400], reps)[:H, :W]
    return Image.fromarray((np.asarray(image, np.float32) + sigma * patch).clip(0, 255).astype(np.uint8))


def random_text(rng):
    """(text, kind): mostly words of the list, some invented letter strings, some numbers."""
    u = rng.random()
    if u < .3:
        return str(rng.randrange(10 ** rng.choice([1, 2, 3, 4]))), "number"
    if u < .82:
        word = rng.choice(WORDS)
    else:                                                # invented: keeps the model honest about letters
        word = "".join(rng.choice("bcdfghjklmnprstvwz" if (k + (u > .91)) % 2 == 0 else "aeiouy") for k in range(rng.randint(3, 6)))
    return rng.choice([word, word, word.capitalize(), word.upper(), word.upper()]), "word"


def draw_text(rng, image, text, rgb, area, max_side):
    """Draws the text into `area`; returns the centre of every letter, or None if it would be too small to read."""
    x0, y0, x1, y1 = area
    name, part = rng.choice(FONT_NAMES), rng.uniform(.55, .92)
    probe = font(name, 64)
    length, (_, top, _, bottom) = probe.getlength(text), probe.getbbox(text)
    size = int(min(64 * part * (x1 - x0) / length, 64 * .8 * (y1 - y0) / (bottom - top), .62 * max_side))
    if size * length / 64 / len(text) < max_side * 6.6 / SIDE:           # letters at least 6.6 px wide for the tower
        return None
    f = font(name, size)
    length, (_, top, _, bottom) = f.getlength(text), f.getbbox(text)
    angle = rng.uniform(-9, 9) if rng.random() < .4 else 0
    tall = math.radians(abs(angle))
    need_w, need_h = length * math.cos(tall) + (bottom - top) * math.sin(tall), length * math.sin(tall) + (bottom - top) * math.cos(tall)
    if need_w > (x1 - x0) * .98 or need_h > (y1 - y0) * .96:
        angle, need_w, need_h = 0, length, bottom - top
    cx = rng.uniform(x0 + need_w / 2, x1 - need_w / 2) if x1 - x0 > need_w else (x0 + x1) / 2
    cy = rng.uniform(y0 + need_h / 2, y1 - need_h / 2) if y1 - y0 > need_h else (y0 + y1) / 2
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).text((cx - length / 2, cy - (top + bottom) / 2), text, fill=255, font=f)
    if angle:
        mask = mask.rotate(angle, Image.BICUBIC, center=(cx, cy))
    image.paste(rgb, (0, 0), mask)
    c, s, marks = math.cos(math.radians(-angle)), math.sin(math.radians(-angle)), []
    for k, ch in enumerate(text):
        dx = (f.getlength(text[:k]) + f.getlength(text[:k + 1])) / 2 - length / 2
        marks.append((ch, cx + dx * c, cy + dx * s, size * .3))
    return marks


COURSES = {"rises": [(0, 1)], "falls": [(1, 0)], "rises and then falls": [(0, 1), (1, 0)], "falls and then rises": [(1, 0), (0, 1)]}


def draw_line_chart(rng, draw, W, H, background):
    """A line of one of four courses between two axes."""
    left, right, base, peak = W * rng.uniform(.06, .16), W * rng.uniform(.86, .95), H * rng.uniform(.84, .94), H * rng.uniform(.06, .16)
    axis, width = (30, 30, 30) if sum(background[1]) > 330 else (225, 225, 225), max(1, round(max(W, H) * .009))
    draw.line((left, base, right, base), fill=axis, width=width)
    draw.line((left, base, left, peak), fill=axis, width=width)
    (color, rgb), = pick_colors(rng, 1, background, 110)
    course = rng.choice(list(COURSES))
    low, high, turn, points = rng.uniform(.05, .25), rng.uniform(.75, .95), rng.uniform(.4, .6), []
    stretches = [(0, 1)] if len(COURSES[course]) == 1 else [(0, turn), (turn, 1)]
    for (start, end), (a, b) in zip(stretches, COURSES[course]):
        inner = sorted(rng.uniform(.2, .8) for _ in range(rng.randint(0, 2)))
        for t in [0, *inner, 1]:
            level = low + (high - low) * (a + (b - a) * t)
            points.append((left + (right - left) * (.05 + .9 * (start + (end - start) * t)), base - (base - peak) * level))
    draw.line(points, fill=rgb, width=round(width * rng.uniform(1.8, 3.2)), joint="curve")
    if rng.random() < .5:
        dot = width * 2.4
        for x, y in points:
            draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=rgb)
    return dict(color=color, course=course)


def draw_clock(rng, draw, W, H, background):
    """A round face with two hands at a full or a half hour."""
    short = min(W, H)
    r = short * rng.uniform(.3, .46)
    cx, cy = rng.uniform(r * 1.04, W - r * 1.04), rng.uniform(r * 1.04, H - r * 1.04)
    face = rng.choice([(255, 255, 255), (250, 246, 232), (236, 240, 245)])
    ink = rng.choice([(20, 20, 20), (20, 20, 20), (30, 40, 110), (120, 20, 20)])
    draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=face, outline=ink, width=max(1, round(r * rng.uniform(.04, .1))))
    def hand(turn, start, end, thick):
        dx, dy = math.sin(2 * math.pi * turn), -math.cos(2 * math.pi * turn)
        draw.line((cx + dx * r * start, cy + dy * r * start, cx + dx * r * end, cy + dy * r * end), fill=ink, width=max(1, round(r * thick)))
    for k in range(12):
        hand(k / 12, .74 if k % 3 == 0 else .8, .88, .05 if k % 3 == 0 else .03)
    hour, half = rng.randint(1, 12), rng.randrange(2)
    hand((hour + half / 2) / 12, -.08, rng.uniform(.42, .5), .11)
    hand(half / 2, -.08, rng.uniform(.7, .78), .06)
    return f"{hour}:{30 * half:02d}"
