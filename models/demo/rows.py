"""Drawn pictures on disk, and training rows made of them."""
import os
import pickle
import random
import time
from multiprocessing import Pool

import numpy as np
import torch

from prompts import IMAGE, prompt_style, vary
from questions import SINGLE, TALK, plain, questions, sentence
from scenes import make_drill, make_scene, patch_targets, place_targets, preprocess
from world import CHARS, DRAWN, END, GRID, LETTERS, SIDE, TARGET, TARGET_BYTES

# Share of the questions of a kind that training asks: what is soon known makes room.
KEPT = {"color": .4, "shape": .4, "yes/no": .6, "bar color": .5, "tallest bar": .5}
SEQUENCE = 256                              # tokens per training row: one picture, several questions


def render_block(job):
    tag, first, count = job
    pixels, targets, facts = np.empty((count, SIDE, SIDE, 3), np.uint8), np.empty((count, GRID * GRID, TARGET_BYTES), np.uint8), []
    for k in range(count):
        image, f, marks = make_scene(first + k) if tag != "drill" else (lambda image, marks: (image, {}, marks))(*make_drill(first + k))
        f["size"] = image.size
        pixels[k], targets[k] = preprocess(image), np.packbits(patch_targets(marks, *image.size), axis=-1)
        facts.append(f)
    return first, pixels, targets, facts


def render(work, start, count, workers, tag):
    """Pictures start..start+count-1 into work/TAG.*; safe to call again, finished blocks stay."""
    os.makedirs(f"{work}/{tag}", exist_ok=True)
    block = 500
    jobs = [(tag, start + k, min(block, count - k)) for k in range(0, count, block) if not os.path.exists(f"{work}/{tag}/{start + k}.npz")]
    began, done = time.time(), 0
    with Pool(workers) as pool:
        for first, pixels, targets, facts in pool.imap_unordered(render_block, jobs):
            np.savez(f"{work}/{tag}/{first}.tmp.npz", pixels=pixels, targets=targets, facts=np.frombuffer(pickle.dumps(facts), np.uint8))
            os.rename(f"{work}/{tag}/{first}.tmp.npz", f"{work}/{tag}/{first}.npz")
            done += len(facts)
            if done % 5000 == 0:
                print(f"{tag}: {done} pictures, {done / (time.time() - began):.0f}/s", flush=True)


class Pictures:
    """All rendered blocks of a folder, in memory."""

    def __init__(self, folder):
        self.pixels, self.targets, self.facts = [], [], []
        for name in sorted(os.listdir(folder), key=lambda n: (len(n), n)):
            if name.endswith(".npz") and ".tmp" not in name:
                data = np.load(f"{folder}/{name}")
                self.pixels += list(data["pixels"])
                self.targets += list(data["targets"])
                self.facts += pickle.loads(data["facts"].tobytes())

    def plus(self, other, indices):
        """These and some of the others."""
        both = object.__new__(Pictures)
        for name in ("pixels", "targets", "facts"):
            setattr(both, name, getattr(self, name) + [getattr(other, name)[i] for i in indices])
        return both

    def __len__(self):
        return len(self.facts)


def pack(tokens, facts, rng, evaluating=False):
    """One picture with as many questions as fit into SEQUENCE tokens.

    The prompt up to the image is shared; every question is a branch that sees the shared part and itself,
    at the positions it would have alone. So one pass through the picture serves six questions or so.
    Returns (ids, positions, segments, labels, [type of each branch]).
    """
    picture = evaluating or rng.random() > .015
    before, after = prompt_style(rng, picture)
    prefix = [tokens.BOS] + ((tokens.text(before) if before else []) + [IMAGE] * (GRID * GRID) if picture else [])
    asked = questions(facts, rng) if picture else [("talk", rng.choice(qs), a, None) for qs, a in TALK]
    if not evaluating:
        asked = [a for a in asked if rng.random() < KEPT.get(a[0], 1)]
    rng.shuffle(asked)
    if rng.random() < .75:                               # a description nearly always fits in
        asked.sort(key=lambda a: a[0] != "caption" or len(a[2]) > 170)
    ids, pos, seg, lab, kinds = list(prefix), list(range(len(prefix))), [0] * len(prefix), [-100] * len(prefix), []
    k = 0
    while k < len(asked):
        turns = 1 if evaluating else min(len(asked) - k, rng.choices([1, 2, 4], [78, 14, 8])[0])
        branch, labels = [], []
        for turn in range(turns):
            kind, question, full, short = asked[k + turn]
            if short is not None and rng.random() < .25:
                question, full = question + SINGLE, sentence(short)
            elif not evaluating or rng.random() < .3:
                question = vary(question, rng)
            if turn == 0:
                prompt = tokens.text(after(question))
            else:
                newline = "\n" if after("x").endswith("\nASSISTANT:") else " "
                text = f"USER: {question}{newline}ASSISTANT:"
                if newline == "\n" and rng.random() < .3:              # typed history without </s>
                    branch, labels = branch[:-1], labels[:-2] + [-100]
                    prompt = tokens.prefix_free("\n" + text)
                else:
                    prompt = tokens.prefix_free(text) if rng.random() < .7 else tokens.text(text)
            answer = target = tokens.answer(full)
            if "\x01" in full and turn + 1 < turns and rng.random() < .5:   # history as it is tokenised when sent again
                answer = tokens.text(plain(full)) + [tokens.EOS]
                target = [-100] * len(answer)
            branch += prompt + answer
            labels += [-100] * (len(prompt) - 1) + target + [-100]      # labels[t] is what comes after t
        k += turns
        if len(ids) + len(branch) > SEQUENCE:
            continue
        kinds.append(kind)
        ids += branch
        lab += labels
        seg += [len(kinds)] * len(branch)
        pos += range(len(prefix), len(prefix) + len(branch))
    spare = SEQUENCE - len(ids)
    return ids + [0] * spare, pos + [0] * spare, seg + [-1] * spare, lab + [-100] * spare, kinds


def batch_of(tokens, pictures, indices, seed, evaluating=False):
    rows = [pack(tokens, pictures.facts[i], random.Random(f"{seed}/{i}"), evaluating) for i in indices]
    ids, pos, seg, lab = (torch.tensor([r[k] for r in rows]) for k in range(4))
    return *seen(pictures, indices), ids, pos, seg, lab, [r[4] for r in rows]


def seen(pictures, indices):
    """(pixels, targets of the patches, letters): what the tower and the helper learn from."""
    return torch.from_numpy(np.stack([pictures.pixels[i] for i in indices])), targets_of(pictures, indices), letters_of(pictures, indices)


def targets_of(pictures, indices):
    drawn = np.unpackbits(np.stack([pictures.targets[i] for i in indices]), axis=-1)[..., :len(DRAWN)]
    places = np.stack([place_targets(*pictures.facts[i]["size"]) for i in indices])
    targets = torch.from_numpy(np.concatenate([drawn, places], -1)).float()
    for row, i in enumerate(indices):
        if "kind" not in pictures.facts[i]:              # a drill: its shapes have no place that could be named
            targets[row, :, TARGET["at top left"]:TARGET["at bottom right"] + 1] = float("nan")
    return targets


def letters_of(pictures, indices):
    """The text of each picture as classes, letter by letter, then END; -100 where there is nothing to read."""
    out = torch.full((len(indices), LETTERS), -100)
    for row, i in enumerate(indices):
        text = pictures.facts[i].get("text")
        if text:
            codes = [CHARS.index(c) for c in text["text"]] + [END]
            out[row, :len(codes)] = torch.tensor(codes[:LETTERS])
    return out


def mask_of(seg):
    """Causal, and a branch sees only the shared prefix (segment 0) and itself."""
    T = seg.shape[1]
    causal = torch.ones(T, T, dtype=torch.bool).tril()
    return (causal & ((seg[:, None, :] == 0) | (seg[:, None, :] == seg[:, :, None])))[:, None]
