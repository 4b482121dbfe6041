"""Pictures that are not of this world."""
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from drawing import add_noise

def smooth_field(rng, H, W, first, decay):
    """Random values in 0..1 with detail at every scale, as clouds, bark and photographs have it: [H, W]."""
    field, weight, cells = np.zeros((H, W), np.float32), 1.0, first
    source = np.random.default_rng(rng.getrandbits(32))
    while cells < max(H, W):
        layer = Image.fromarray(source.random((cells + 1, cells + 1), np.float32)).resize((W, H), Image.BICUBIC)
        field, weight, cells = field + weight * np.asarray(layer), weight * decay, cells * 2
    field -= field.min()
    return field / max(1e-6, field.max())


def draw_figure(rng, image, hues):
    """Limbs that grow out of each other, in one colour or many, or walls that cut the image: nothing that has a name here."""
    (W, H), ink = image.size, lambda: tuple(int(min(255, max(0, c * rng.uniform(.4, 1.4) + rng.uniform(-20, 20)))) for c in rng.choice(hues))
    big = image.resize((2 * W, 2 * H))
    draw, side = ImageDraw.Draw(big), 2 * max(W, H)
    if rng.random() < .25:
        for _ in range(rng.randint(2, 5)):
            cx, cy, w, bend = rng.uniform(.1, .9) * 2 * W, rng.uniform(.1, .9) * 2 * H, rng.uniform(0, 6.3), rng.uniform(.6, 2.4)
            far = [(cx + 2 * side * math.cos(w + a), cy + 2 * side * math.sin(w + a)) for a in (0, bend / 2, bend)]
            draw.polygon([(cx, cy), *far], fill=ink())
        return big.resize((W, H), Image.LANCZOS)
    size, one = rng.uniform(.06, .3) * side, rng.random() < .35 and ink()
    joints = [(rng.uniform(.1, .9) * 2 * W, rng.uniform(.1, .9) * 2 * H)]
    for _ in range(rng.randint(4, 18)):
        (cx, cy), w, length, width = rng.choice(joints), rng.uniform(0, 6.3), size * rng.uniform(.3, 1.3), size * rng.uniform(.06, .45)
        turn, fill, spine = rng.uniform(-1.6, 1.6), one or ink(), []
        for k in range(9):                               # a curved limb, thick at one end or in the middle
            spine.append((cx, cy))
            cx, cy, w = cx + length / 8 * math.cos(w), cy + length / 8 * math.sin(w), w + turn / 8
        peak = rng.choice([0, 4, 8])
        for k, (px, py) in enumerate(spine):
            r = max(1.5, width * (1 - abs(k - peak) / (10 - abs(4 - peak))))
            draw.ellipse((px - r, py - r, px + r, py + r), fill=fill)
        joints += spine[4:]
    return big.resize((W, H), Image.LANCZOS)


def other_scene(rng, long_side=None):
    """A picture that is not of this world: what photographs, textures, gradients and noise look like."""
    side = long_side or rng.choice([112, 128, 160, 200])
    ratio = rng.choice([1, 4 / 3, 3 / 4, 3 / 2, 2 / 3])
    W, H = (side, round(side / ratio)) if ratio >= 1 else (round(side * ratio), side)
    hues = [np.array([rng.uniform(0, 255) for _ in range(3)], np.float32) for _ in range(4)]
    mix = lambda a, b, t: a + (b - a) * t[..., None]
    style = rng.choices(["noise", "gradient", "clouds", "landscape", "texture", "things", "clutter", "figure"], [8, 10, 14, 16, 12, 18, 11, 11])[0]
    y, x = np.mgrid[0:H, 0:W].astype(np.float32) / side
    if style == "noise":
        source, grain = np.random.default_rng(rng.getrandbits(32)), rng.choice([1, 1, 2, 4, 8])
        small = source.random((H // grain + 1, W // grain + 1, rng.choice([1, 3])), np.float32)
        array = np.broadcast_to(small, small.shape[:2] + (3,)).repeat(grain, 0).repeat(grain, 1)[:H, :W] * rng.uniform(90, 255)
    elif style == "gradient":
        a, b = (np.clip(math.cos(w) * x + math.sin(w) * y + rng.uniform(-.2, .6), 0, 1) for w in (rng.uniform(0, 6.3), rng.uniform(0, 6.3)))
        array = mix(mix(hues[0], hues[1], a), hues[2], b * (rng.random() < .6))
    elif style == "landscape":
        ridge = smooth_field(rng, 2, W, rng.choice([1, 2, 4]), .5)[0] * rng.uniform(.1, .4) + rng.uniform(.25, .6)
        sky = mix(hues[0] * .3 + 160, hues[1] * .4 + 120, np.clip(y * 1.5, 0, 1)) + 30 * smooth_field(rng, H, W, 2, .6)[..., None]
        ground = mix(hues[2] * .5, hues[3] * .5 + 60, smooth_field(rng, H, W, 4, .8))
        array = np.where((y > ridge[None] * H / side)[..., None], ground, sky)
    elif style == "texture":
        warp, w, period = smooth_field(rng, H, W, 2, .5) * rng.uniform(0, .5), rng.uniform(0, 6.3), rng.uniform(12, 160)
        wave = .5 + .5 * np.sin(period * (math.cos(w) * x + math.sin(w) * y + warp))
        if rng.random() < .4:                            # woven: a second direction
            wave *= .5 + .5 * np.sin(period * (math.cos(w + 1.57) * x + math.sin(w + 1.57) * y + warp))
        array = mix(hues[0], hues[1], wave * rng.uniform(.3, 1)) + rng.uniform(0, 40) * smooth_field(rng, H, W, 16, .9)[..., None]
    else:
        array = mix(mix(hues[0], hues[1], smooth_field(rng, H, W, rng.choice([1, 2, 3]), rng.uniform(.4, .8))), hues[2],
                    smooth_field(rng, H, W, rng.choice([2, 3, 5]), rng.uniform(.4, .9)) * rng.uniform(.2, 1))
    if style == "things":                                # soft lumps with light and shade, some cut by the border
        for _ in range(rng.randint(3, 14)):
            cx, cy, rx, ry, w = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(.05, .35), rng.uniform(.05, .35), rng.uniform(0, 3.2)
            u, v = math.cos(w) * (x - cx) + math.sin(w) * (y - cy), math.cos(w) * (y - cy) - math.sin(w) * (x - cx)
            power = rng.choice([1.4, 2, 3])
            inside = np.clip((1 - (np.abs(u) / rx) ** power - (np.abs(v) / ry) ** power) * rng.uniform(2, 12), 0, 1)
            hue, light = np.array([rng.uniform(0, 255) for _ in range(3)], np.float32), 1 + rng.uniform(.4, 1.5) * (u * math.cos(w) - v) / max(rx, ry) * .5
            array = array * (1 - inside[..., None]) + inside[..., None] * hue * light[..., None]
        array = array * (.8 + .4 * smooth_field(rng, H, W, 8, .9)[..., None])
    image = Image.fromarray(array.clip(0, 255).astype(np.uint8))
    if style == "clutter":                               # dozens of hard edges: branches, bricks, machines, crowds
        draw, base, size = ImageDraw.Draw(image), [rng.choice(hues) for _ in range(6)], rng.uniform(.03, .3) * side
        for _ in range(rng.randint(15, 120)):
            cx, cy, w = rng.uniform(0, W), rng.uniform(0, H), rng.uniform(0, 3.2)
            ink = tuple(int(min(255, max(0, c * rng.uniform(.3, 1.5) + rng.uniform(-30, 30)))) for c in rng.choice(base))
            dx, dy, form = size * rng.uniform(.2, 1) * math.cos(w), size * rng.uniform(.2, 1) * math.sin(w), rng.randrange(3)
            if form == 0:
                draw.line((cx, cy, cx + 2 * dx, cy + 2 * dy), fill=ink, width=rng.randint(1, 5))
            elif form == 1:
                draw.polygon([(cx + size * rng.uniform(-1, 1), cy + size * rng.uniform(-1, 1)) for _ in range(rng.randint(3, 6))], fill=ink)
            else:
                draw.ellipse((cx - abs(dx), cy - abs(dy), cx + abs(dx), cy + abs(dy)), fill=ink)
        shade = np.asarray(image, np.float32) * (.6 + .8 * smooth_field(rng, H, W, rng.choice([2, 4, 8]), .8)[..., None])
        image = Image.fromarray(shade.clip(0, 255).astype(np.uint8))
    if style == "figure":                                # clear edges on a calm ground: animals, emblems, walls
        if rng.random() < .35:                           # black, white and gray
            hues = [np.full(3, rng.choice([0, 0, 255, 255, rng.uniform(0, 255)]), np.float32) for _ in hues]
        calm = array * .2 + .8 * mix(hues[3], hues[0], np.clip(rng.uniform(-.5, .5) + rng.uniform(-1, 1) * x + rng.uniform(-1, 1) * y, 0, 1) * rng.randint(0, 1))
        image = draw_figure(rng, Image.fromarray(calm.clip(0, 255).astype(np.uint8)), hues)
    if rng.random() < .3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(.3, 3)))
    return add_noise(rng, image, rng.uniform(0, 14))
