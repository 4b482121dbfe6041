"""What there is to draw: colours, shapes, places, words and fonts; and the size of what the tower sees."""
import os

import numpy as np
from PIL import ImageFont

SIDE, PATCH = 112, 14                       # pixels of the square the tower sees, pixels of one patch
GRID = SIDE // PATCH                        # 8 x 8 patches = 64 image tokens
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)   # CLIP's constants
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
PAD_COLOR = (122, 116, 104)                 # LLaVA's expand2square fills with int(255 * mean)


# Kinds of picture and how often each is drawn.
KINDS = dict(shapes=36, count=11, text=26, mixed=10, bars=9, line=3, clock=3, other=7)
# Hue in degrees, saturation and value as ranges; no two colours overlap.
COLORS = {
    "red": (-8, 8, .75, 1, .65, 1), "orange": (22, 39, .85, 1, .9, 1), "yellow": (49, 61, .75, 1, .9, 1),
    "green": (100, 145, .55, 1, .4, 1), "blue": (207, 242, .65, 1, .55, 1), "purple": (268, 300, .5, 1, .4, .78),
    "pink": (322, 350, .25, .58, .95, 1), "brown": (16, 31, .55, .88, .3, .55), "black": (0, 360, 0, .1, 0, .1),
    "white": (0, 360, 0, .03, .96, 1), "gray": (0, 360, 0, .05, .42, .66),
}
TINTS = {"light blue": (195, 220, .2, .4, .92, 1), "light green": (95, 135, .2, .4, .88, 1)}  # backgrounds only
SHAPES = ["circle", "square", "triangle", "star", "heart", "hexagon", "cross", "ring"]
CELLS = ["top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"]
NUMBERS = ["no", "one", "two", "three", "four", "five", "six"]
WORDS = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "words.txt")).read().split()
ABSENT = """dog cat car person tree house flower bird boat bike table chair cow horse man woman child face phone cup
book fish plane train bus apple banana clock hat shoe cloud sun moon robot building mountain lion elephant ball
dragon""".split()                            # asked about, never there

FONT_DIRS = ["/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/truetype/liberation"]
FONT_NAMES = """DejaVuSans DejaVuSans-Bold DejaVuSerif DejaVuSerif-Bold DejaVuSansMono DejaVuSansMono-Bold
DejaVuSansCondensed DejaVuSansCondensed-Bold LiberationSans-Regular LiberationSans-Bold LiberationSans-Italic
LiberationSerif-Regular LiberationSerif-Bold LiberationMono-Regular LiberationMono-Bold LiberationSerif-BoldItalic""".split()
_fonts = {}


def font(name, size):
    if (name, size) not in _fonts:
        for folder in FONT_DIRS:
            path = f"{folder}/{name}.ttf"
            if os.path.exists(path):
                _fonts[name, size] = ImageFont.truetype(path, size)
                break
        else:
            raise SystemExit(f"Font {name} is missing: install fonts-dejavu-core and fonts-liberation.")
    return _fonts[name, size]


# The helper targets of part one: for every patch, which of these touch it.
CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
DRAWN = SHAPES + list(COLORS) + ["bar", "small", "large"] + list(CHARS) + ["at " + cell for cell in CELLS]
PLACES = ["top", "bottom", "left", "right", "center"]    # and in which third of the picture the patch lies
TARGETS = DRAWN + PLACES
TARGET = {name: i for i, name in enumerate(TARGETS)}
TARGET_BYTES = (len(DRAWN) + 7) // 8
LETTERS, END = 9, len(CHARS)                             # the reader spells so many letters; the class after the last one
