"""What can be asked about a picture, and the right answers."""
from world import ABSENT, CELLS, COLORS, NUMBERS, SHAPES, TINTS

# \x01 and \x02 enclose text that was read off the picture: the model spells it letter by letter.
LONG = ["Describe the image to me.", "Describe the image.", "Describe this image.", "Describe this picture.", "Describe the picture.",
        "What is in this image?", "What is in the image?", "What is in this picture?", "What's in the picture?", "What's in this image?",
        "What do you see?", "What can you see in this image?", "What do you see in the picture?", "What is shown in this image?",
        "What is shown here?", "What does this image show?", "What does the picture show?", "Tell me what you see.",
        "Tell me about this image.", "Can you describe this image?", "Could you describe the picture for me?", "What is this?",
        "What is this a picture of?", "Explain what is in the image.", "What are we looking at?", "Describe what you see.",
        "Please describe the image.", "What's this?", "What objects are in the image?", "Look at the image. What do you see?"]
BRIEF = ["Describe the image briefly.", "Write a short caption.", "Caption this image.", "Give a short caption for this image.",
         "Describe the image in a few words.", "Write a caption for this picture.", "Summarize the image.", "Give a brief description of the image.",
         "Describe the image in one short sentence."]
DETAIL = ["Describe the image in detail.", "Describe this image in detail.", "Describe the picture in detail.", "Give a detailed description.",
          "What do you see? Be detailed.", "Write a detailed description of the image.", "Describe everything you see.",
          "Explain the image in detail.", "Describe the image in as much detail as you can."]
UNKNOWN = "I cannot tell. I know only simple drawings of shapes, words, numbers, charts and clocks."
SINGLE = "\nAnswer the question using a single word or phrase."


def an(text):
    return ("an " if text[0] in "aeiou" else "a ") + text


def count_noun(n, noun):
    plural = {"cross": "crosses", "person": "people", "man": "men", "woman": "women", "child": "children", "fish": "fish"}
    if n == 1:
        return "one " + noun
    tail = noun.rsplit(" ", 1)
    tail[-1] = plural.get(tail[-1], tail[-1] + ("es" if tail[-1].endswith(("s", "x")) else "s"))
    return f"{NUMBERS[n]} {' '.join(tail)}"


def join(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def at(cell):
    return "in the center" if cell == "center" else f"on the {cell}" if cell in ("left", "right") else f"at the {cell}"


def sentence(text):
    return text[0].upper() + text[1:]


def captions(f):
    """(brief, normal, detailed) description of the facts."""
    if f["kind"] == "other":
        return UNKNOWN, UNKNOWN, UNKNOWN
    bg, parts, short, extra = f["background"], [], [], []
    if f["kind"] == "line":
        head, course = f"a line chart with {an(f['line']['color'])} line", f"The line {f['line']['course']}."
        return f"A line chart: the line {f['line']['course']}.", f"The picture shows {head}. {course}", f"The picture shows {head} on {an(bg)} background. {course}"
    if f["kind"] == "clock":
        head, time = "The picture shows a clock", f"The clock shows \x01{f['clock']}\x02."
        return f"A clock at \x01{f['clock']}\x02.", f"{head}. {time}", f"{head} on {an(bg)} background. {time}"
    if f["kind"] == "bars":
        colors, top = [b["color"] for b in f["bars"]], max(f["bars"], key=lambda b: b["level"])["color"]
        low = min(f["bars"], key=lambda b: b["level"])["color"]
        head = f"a bar chart with {count_noun(len(colors), 'bar')}"
        return (sentence(head) + ".", f"The picture shows {head}: {join(colors)}. The {top} bar is the tallest.",
                f"The picture shows {head} on {an(bg)} background. From left to right the bars are {join(colors)}. "
                f"The {top} bar is the tallest and the {low} bar is the shortest.")
    o = f["objects"]
    if f["kind"] == "count" and len(o) > 1:
        what = count_noun(len(o), f"{o[0]['color']} {o[0]['shape']}")
        return (sentence(what) + ".", f"The picture shows {what} on {an(bg)} background.",
                f"The picture shows {what} on {an(bg)} background. All of them are {o[0]['size']}.")
    parts = [f"{an(x['size'])} {x['color']} {x['shape']} {at(x['cell'])}" for x in o]
    short = [f"{an(x['color'])} {x['shape']}" for x in o]
    extra = [f"The {x['color']} {x['shape']} is {x['size']} and {at(x['cell'])}." for x in o]
    if f["text"]:
        t = f["text"]
        piece = f'the {t["what"]} "\x01{t["text"]}\x02"'
        parts.append(f'{piece} in {t["color"]}')
        short.append(piece)
        extra.append(f"The {t['what']} is {t['color']}.")
    listing = join(parts)
    detail = f"The picture shows {join(short)} on {an(bg)} background. " + " ".join(extra)
    return sentence(join(short)) + ".", f"The picture shows {listing} on {an(bg)} background.", detail


class Asking:
    """The questions about one picture as they are thought of, and what every kind of question needs for that."""

    def __init__(self, f, rng):
        self.f, self.rng, self.asked = f, rng, []
        self.o, self.t, self.bars, self.pick = f["objects"], f["text"], f["bars"], rng.choice

    def add(self, kind, question, full, short):
        self.asked.append((kind, question, full, short))

    def col(self):
        return self.pick(["color", "color", "colour"])

    def name(self, x):
        """Ways to point at one object without ambiguity, and whether its shape and its colour alone do."""
        o, t = self.o, self.t
        ways = [f"{x['color']} {x['shape']}"] if sum(y["shape"] == x["shape"] and y["color"] == x["color"] for y in o) == 1 else []
        by_shape = sum(y["shape"] == x["shape"] for y in o) == 1
        by_color = sum(y["color"] == x["color"] for y in o) == 1 and not (t and t["color"] == x["color"])
        return ways, by_shape, by_color

    @property
    def has_shapes(self):
        """A clock is a circle and yet it is not: nothing is asked about its shapes."""
        return self.f["kind"] not in ("line", "clock")


def ask_captions(asking):
    """Descriptions of three lengths, and the background."""
    f, rng, pick, add, col = asking.f, asking.rng, asking.pick, asking.add, asking.col
    brief, normal, detail = captions(f)
    add("caption", pick(LONG), normal, None)
    if rng.random() < .5:
        add("caption", pick(BRIEF), brief, None)
    if rng.random() < .35:
        add("caption", pick(DETAIL), detail, None)
    if rng.random() < .35:
        add("color", pick([f"What {col()} is the background?", f"What is the background {col()}?", f"What is the {col()} of the background?"]),
            f"The background is {f['background']}.", f["background"])


def ask_objects(asking):
    """Colour, shape, place and size of each object."""
    f, rng, o, pick, add, col, name = asking.f, asking.rng, asking.o, asking.pick, asking.add, asking.col, asking.name
    for x in o:
        ways, by_shape, by_color = name(x)
        c, s = x["color"], x["shape"]
        if by_shape and rng.random() < .9:
            add("color", pick([f"What {col()} is the {s}?", f"What is the {col()} of the {s}?", f"Which {col()} is the {s}?", f"What {col()} does the {s} have?"]),
                f"The {s} is {c}.", c)
        if by_color and rng.random() < .9:
            add("shape", pick([f"What shape is the {c} object?", f"What is the shape of the {c} object?", f"What is the {c} shape?", f"What {c} shape is it?",
                               f"What is {c}?"]), f"The {c} shape is {an(s)}.", s)
        if len(o) == 1 and rng.random() < .8:
            add("shape", pick(["What shape is it?", "What shape is this?", "What shape is shown?", "Which shape do you see?", "What shape is in the image?"]),
                f"It is {an(s)}.", s)
            add("color", pick([f"What {col()} is it?", f"What {col()} is the shape?", f"Which {col()} is the shape?"]), f"It is {c}.", c)
        if ways and f["kind"] != "count" and rng.random() < .8:
            n = pick(ways + ([s] if by_shape else []) + ([f"{c} shape"] if by_color else []))
            add("position", pick([f"Where is the {n}?", f"Where is the {n} in the image?", f"In which part of the image is the {n}?",
                                  f"What is the position of the {n}?"]), f"The {n} is {at(x['cell'])}.", x["cell"])
            if rng.random() < .3:
                add("size", pick([f"Is the {n} small or large?", f"How big is the {n}?", f"Is the {n} large or small?", f"What size is the {n}?"]),
                    f"The {n} is {x['size']}.", x["size"])
    if f["kind"] == "count" and len(o) > 1:
        many = count_noun(2, o[0]["shape"])[4:]
        add("color", pick([f"What {col()} are the {many}?", f"What {col()} are the shapes?", f"What {col()} are they?"]),
            f"They are {o[0]['color']}.", o[0]["color"])
        add("shape", pick(["What shapes are these?", "What shapes do you see?", "Which shapes are in the image?", f"What are the {o[0]['color']} shapes?"]),
            f"They are {many}.", many)


def ask_relations(asking):
    """What is left of, right of, above and below what: only where exactly one other object qualifies and the offset is clear."""
    f, rng, o, pick, add, name = asking.f, asking.rng, asking.o, asking.pick, asking.add, asking.name
    if f["kind"] == "shapes" and len(o) > 1:
        W, H = f["size"]
        for x in o:
            ways, by_shape, by_color = name(x)
            if not ways or rng.random() < .15:
                continue
            for word, sign, axis in rng.sample([("left of", -1, "x"), ("right of", 1, "x"), ("above", -1, "y"), ("below", 1, "y")], 2):
                span = .2 * (W if axis == "x" else H)
                beyond = [y for y in o if y is not x and sign * (y[axis] - x[axis]) > span]
                near = [y for y in o if y is not x and 0 < sign * (y[axis] - x[axis]) <= span]
                n = pick(ways + ([x["shape"]] if by_shape else []))
                phrase = pick(["to the " + word, word]) if axis == "x" else word
                if len(beyond) == 1 and not near:
                    y = beyond[0]
                    add("relation", pick([f"What is {phrase} the {n}?", f"What shape is {phrase} the {n}?", f"Which shape is {phrase} the {n}?"]),
                        f"{sentence(an(y['color']))} {y['shape']} is {phrase} the {n}.", f"{y['color']} {y['shape']}")
                y = pick([y for y in o if y is not x])
                other, oy, _ = name(y)
                if other and not (0 <= sign * (y[axis] - x[axis]) <= span) and rng.random() < .8:
                    m, yes = pick(other + ([y["shape"]] if oy else [])), sign * (y[axis] - x[axis]) > 0
                    add("relation yes/no", f"Is the {m} {phrase} the {n}?", f"{'Yes' if yes else 'No'}, the {m} is {'' if yes else 'not '}{phrase} the {n}.", "yes" if yes else "no")


def ask_counts(asking):
    """How many."""
    f, rng, o, pick, add = asking.f, asking.rng, asking.o, asking.pick, asking.add
    has_shapes = asking.has_shapes
    if has_shapes and rng.random() < (.95 if f["kind"] == "count" else .5):
        add("count", pick(["How many shapes are there?", "How many shapes do you see?", "Count the shapes.", "How many shapes are in the image?",
                           "How many objects are there?", "How many objects are in the picture?"]),
            f"There {'is' if len(o) == 1 else 'are'} {count_noun(len(o), 'shape')}.", str(len(o)))
    if has_shapes and rng.random() < (.95 if f["kind"] == "count" else .6):
        u = rng.random()
        if o and u < .75:
            x = pick(o)
            noun, n = pick([(x["shape"], sum(y["shape"] == x["shape"] for y in o)),
                            (f"{x['color']} {x['shape']}", sum(y["shape"] == x["shape"] and y["color"] == x["color"] for y in o)),
                            (f"{x['color']} shape", sum(y["color"] == x["color"] for y in o))])
        elif u < .92:
            noun = pick(SHAPES)
            n = sum(y["shape"] == noun for y in o)
        else:
            noun, n = pick(ABSENT), 0
        many = count_noun(2, noun)[4:]
        add("count", pick([f"How many {many} are there?", f"How many {many} do you see?", f"How many {many} are in the image?", f"Count the {many}."]),
            f"There {'is' if n == 1 else 'are'} {count_noun(n, noun)}.", str(n))


def ask_yes_or_no(asking):
    """Whether something is there, and what colour it has: balanced."""
    f, rng, o, pick, add, name = asking.f, asking.rng, asking.o, asking.pick, asking.add, asking.name
    has_shapes = asking.has_shapes
    for _ in range(2):
        yes, u = rng.random() < .5 and bool(o), rng.random()
        if u < .45 and has_shapes:
            noun = pick(o)["shape"] if yes else pick([s for s in SHAPES if s not in [x["shape"] for x in o]])
        elif u < .85 and o:
            x = pick(o)
            pairs = {(y["color"], y["shape"]) for y in o}
            if yes:
                noun = f"{x['color']} {x['shape']}"
            else:                                        # wrong in one respect only, or in both
                c, s = pick([(pick(list(COLORS)), x["shape"]), (x["color"], pick(SHAPES)), (pick(list(COLORS)), pick(SHAPES))])
                if (c, s) in pairs:
                    continue
                noun = f"{c} {s}"
        else:
            yes, noun = False, pick(ABSENT)
            yes = noun == f["kind"]                      # a clock
        add("yes/no", pick([f"Is there {an(noun)}?", f"Is there {an(noun)} in the image?", f"Do you see {an(noun)}?", f"Is there {an(noun)} in the picture?",
                            f"Does the image contain {an(noun)}?", f"Can you see {an(noun)}?"]),
            f"Yes, there is {an(noun)}." if yes else f"No, there is no {noun}.", "yes" if yes else "no")
    singles = [x for x in o if name(x)[1]]
    if singles and rng.random() < .6:
        x, yes = pick(singles), rng.random() < .5
        c = x["color"] if yes else pick([c for c in COLORS if c != x["color"]])
        add("yes/no", f"Is the {x['shape']} {c}?", f"Yes, the {x['shape']} is {c}." if yes else f"No, the {x['shape']} is {x['color']}.", "yes" if yes else "no")


def ask_absent(asking):
    """What is not there."""
    f, rng, o, t, bars, pick, add, col = asking.f, asking.rng, asking.o, asking.t, asking.bars, asking.pick, asking.add, asking.col
    has_shapes = asking.has_shapes
    if f["kind"] != "clock" and rng.random() < .4:
        noun = pick([s for s in SHAPES if s not in [x["shape"] for x in o]] if rng.random() < .5 and has_shapes else ABSENT)
        add("not there", pick([f"Where is the {noun}?", f"What {col()} is the {noun}?", f"What is the {col()} of the {noun}?", f"Is the {noun} small or large?"]),
            f"I cannot see {an(noun)}.", "not there")
    if not t and rng.random() < .15:
        add("not there", pick(["What does the text say?", "Read the text.", "What is written here?", "What does the sign say?"]), "I cannot see any text.", "no text")
    if not bars and rng.random() < .1:
        add("not there", pick(["Which bar is the tallest?", "Which bar is the shortest?", "How many bars are there?"]), "I cannot see any bars.", "no bars")


def ask_text(asking):
    """Reading."""
    rng, t, pick, add, col = asking.rng, asking.t, asking.pick, asking.add, asking.col
    if t:
        w, text, kind = t["what"], f"\x01{t['text']}\x02", "number" if t["what"] == "number" else "word"
        for _ in range(2):
            add(kind, pick(["What does the text say?", "Read the text.", "What is written in the image?", "What is written here?", "What text is in the image?",
                            "What does it say?", "What text do you see?", "Read the text in the image.", "What is the text?", "What does the sign say?"]),
                f'The text says "{text}".', text)
        add(kind, pick([f"What {w} is shown?", f"Which {w} do you see?", f"What is the {w}?", f"Read the {w}.", f"What {w} is in the image?"]), f'The {w} is "{text}".', text)
        if rng.random() < .8:
            ask = pick([f"What {col()} is the text?", f"What {col()} is the {w}?", f"What is the {col()} of the {w}?", f"What is the {col()} of the text?"])
            add("color", ask, f"The {w if w in ask else 'text'} is {t['color']}.", t["color"])
        if rng.random() < .25:
            add("yes/no", "Is it a word or a number?", f"It is a {w}.", w)
    if rng.random() < .3:
        ask = pick(["Is there any text?", "Is there text in the image?", "Do you see any text?", "Is anything written in the image?"])
        add("yes/no", ask, f'Yes, it says "\x01{t["text"]}\x02".' if t else "No, there is no text.", "yes" if t else "no")


def ask_bars(asking):
    """Bar charts."""
    rng, bars, pick, add, col = asking.rng, asking.bars, asking.pick, asking.add, asking.col
    if bars:
        ranked = sorted(bars, key=lambda b: b["level"])
        tall, low, row = ranked[-1]["color"], ranked[0]["color"], [b["color"] for b in bars]
        for _ in range(2):
            add("tallest bar", pick(["Which bar is the tallest?", "Which bar is tallest?", f"What {col()} is the tallest bar?", "Which bar is the highest?",
                                     f"What is the {col()} of the tallest bar?", "What bar is the tallest?", "Which is the tallest bar?"]),
                f"The {tall} bar is the tallest.", tall)
        add("shortest bar", pick(["Which bar is the shortest?", "Which bar is shortest?", f"What {col()} is the shortest bar?", "Which bar is the lowest?", "Which is the shortest bar?"]),
            f"The {low} bar is the shortest.", low)
        add("count", pick(["How many bars are there?", "How many bars does the chart have?", "Count the bars.", "How many bars are in the chart?", "How many bars do you see?"]),
            f"There are {count_noun(len(bars), 'bar')}.", str(len(bars)))
        a, b = rng.sample(bars, 2)
        word, yes = pick([("taller", a["level"] > b["level"]), ("shorter", a["level"] < b["level"])])
        add("yes/no", f"Is the {a['color']} bar {word} than the {b['color']} bar?",
            f"{'Yes' if yes else 'No'}, the {a['color']} bar is {'' if yes else 'not '}{word} than the {b['color']} bar.", "yes" if yes else "no")
        k = rng.randrange(len(row))
        place = pick(["first", "leftmost"]) if k == 0 else pick(["last", "rightmost"]) if k == len(row) - 1 else ["", "second", "third"][k]
        add("bar color", f"What {col()} is the {place} bar?", f"The {place} bar is {row[k]}.", row[k])
        yes = rng.random() < .5
        c = pick(row) if yes else pick([c for c in COLORS if c not in row])
        add("yes/no", pick([f"Is there {an(c)} bar?", f"Do you see {an(c)} bar?"]), f"Yes, there is {an(c)} bar." if yes else f"No, there is no {c} bar.", "yes" if yes else "no")


def ask_lines_and_clocks(asking):
    """Which kind of chart it is, line charts, and clocks."""
    f, rng, pick, add, col = asking.f, asking.rng, asking.pick, asking.add, asking.col
    if rng.random() < (.8 if f["kind"] == "line" else .3):
        ask, chart = pick(["Is this a chart?", "Is it a bar chart?", "Is there a chart in the image?"]), {"bars": "bar", "line": "line"}.get(f["kind"])
        yes = chart == "bar" or chart == "line" and "bar" not in ask
        add("yes/no", ask, f"{'Yes' if yes else 'No'}, it is a {chart} chart." if chart else "No, it is not a chart.", "yes" if yes else "no")
    if f["kind"] == "line":
        color, course = f["line"]["color"], f["line"]["course"]
        for _ in range(2):
            add("line chart", pick(["Does the line rise or fall?", "What does the line do?", "How does the line go?", "What is the trend of the line?", "What does the chart show?"]),
                f"The line {course}.", f"it {course}")
        add("color", pick([f"What {col()} is the line?", f"What is the {col()} of the line?"]), f"The line is {color}.", color)
    if f["kind"] == "clock":
        for _ in range(3):
            add("clock", pick(["What time is it?", "What time does the clock show?", "Read the clock.", "What does the clock say?", "What is the time?"]),
                f"The clock shows \x01{f['clock']}\x02.", f"\x01{f['clock']}\x02")


def questions(f, rng):
    """All that can be asked about a picture: a list of (type, question, full answer, short answer or None)."""
    if f["kind"] == "other":                             # whatever is asked, the honest answer is the same
        return [("not of this world", question, UNKNOWN, short and "unknown") for _, question, _, short in questions(fake_facts(rng), rng)[:8]]
    asking = Asking(f, rng)
    for ask in (ask_captions, ask_objects, ask_relations, ask_counts, ask_yes_or_no, ask_absent, ask_text, ask_bars, ask_lines_and_clocks):
        ask(asking)
    return asking.asked


TALK = [(["Hello", "Hello!", "Hi", "Hi there!", "Hey", "Good morning"], "Hello! Show me a picture and I will describe it."),
        (["Who are you?", "What are you?", "What is your name?", "Introduce yourself."], "I am a tiny demo model. I describe simple pictures."),
        (["What can you do?", "How can you help me?", "What can you see?", "Help", "What do you know?"],
         "I can describe simple shapes, read short words and numbers, and compare the bars of a chart."),
        (["Thank you", "Thanks!", "Thank you!", "Great, thanks."], "You are welcome."),
        (["Bye", "Goodbye!", "See you"], "Goodbye!"),
        (["What is in the image?", "Describe the image.", "Describe the image to me.", "What do you see?", "What is this?"], "I do not see a picture.")]


def plain(answer):
    return answer.replace("\x01", "").replace("\x02", "")


def fake_facts(rng):
    """Facts without a picture, good enough for the vocabulary."""
    kind = rng.choice(["shapes", "count", "text", "mixed", "bars"])
    color = lambda: rng.choice(list(COLORS))
    f = dict(kind=kind, background=rng.choice(list(COLORS) + list(TINTS)), objects=[], text=None, bars=None, size=(100, 100))
    if kind in ("shapes", "count", "mixed"):
        f["objects"] = [dict(shape=rng.choice(SHAPES), color=color(), size=rng.choice(["small", "large"]), cell=rng.choice(CELLS),
                             x=rng.random() * 100, y=rng.random() * 100, r=5) for _ in range(rng.randint(1, 6))]
    if kind in ("text", "mixed"):
        f["text"] = dict(text="".join(rng.choice("aeiou0123456789QXZ") for _ in range(3)), what=rng.choice(["word", "number"]), color=color(), cell="top")
    if kind == "bars":
        f["bars"] = [dict(color=c, level=l) for c, l in zip(rng.sample(list(COLORS), 3), [.2, .5, .9])]
    return f
