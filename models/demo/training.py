"""The two parts of the training, in one process for each core."""
import math
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F

from model import Helper, Llava, read_state
from prompts import Tokens, train_tokenizer
from rows import Pictures, batch_of, letters_of, mask_of, seen, targets_of
from world import TARGETS

@torch.no_grad()
def evaluate(model, tokens, pictures, count, amp=False):
    """Exactness of whole answers on held-out pictures, by question type: {type: [right, asked]}."""
    model.eval()
    score = {}
    for start in range(0, min(count, len(pictures)), 50):
        pixels, _, _, ids, pos, seg, lab, kinds = batch_of(tokens, pictures, range(start, min(start + 50, count)), "held-out", True)
        with torch.autocast("cpu", torch.bfloat16, enabled=amp):
            hidden = model(model.tower(pixels), ids, pos, mask_of(seg))
            spot = lab != -100
            wrong = torch.zeros_like(spot)
            wrong[spot] = model.lm_head(hidden[spot]).argmax(-1) != lab[spot]
        for row, names in enumerate(kinds):
            for b, name in enumerate(names, 1):
                right, asked = score.setdefault(name, [0, 0])
                score[name] = [right + (not wrong[row][seg[row] == b].any().item()), asked + 1]
    model.train()
    return score


@torch.no_grad()
def show_patches(model, helper, pictures, count):
    """Precision and recall of the helper on held-out pictures, and how many letters and whole texts it reads."""
    model.eval()
    features = model.tower(torch.from_numpy(np.stack(pictures.pixels[:count])))
    said, letters = helper.patches(features) > 0, letters_of(pictures, range(count))
    true, right, asked = targets_of(pictures, range(count)) > .5, helper.read(features).argmax(-1) == letters, letters != -100
    model.train()
    parts = dict(shapes=slice(0, 8), colors=slice(8, 19), bars_sizes=slice(19, 22), characters=slice(22, 84), cells=slice(84, 93), places=slice(93, 98))
    rate = lambda a, b: f"{(a & b).sum().item() / max(1, b.sum().item()):.2f}"
    texts = (right | ~asked).all(1)[asked.any(1)].float().mean()
    rates = (f"{k} {rate(true[..., v], said[..., v])} of what it says, {rate(said[..., v], true[..., v])} of what there is" for k, v in parts.items())
    return f"reader: letters {rate(right, asked)}, texts {texts:.2f}  " + "  ".join(rates)


def show(score):
    return "  ".join(f"{k} {100 * r / n:.0f}" for k, (r, n) in sorted(score.items()))


class Both:
    """Muon for the matrices inside the layers, AdamW for everything else, driven as one optimizer by all processes.

    Gradients are averaged over the processes. Muon's arithmetic is shared out: each process updates every n-th
    matrix, and the results are added up (the others contribute zeros).
    """

    def __init__(self, modules, lr):
        self.rank, self.processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        named = [(n, p) for m in modules for n, p in m.named_parameters() if p.requires_grad]
        self.all = [p for _, p in named]
        self.inner = [p for n, p in named if p.dim() == 2 and "layers." in n]
        outer = [p for n, p in named if not (p.dim() == 2 and "layers." in n)]
        self.parts = [torch.optim.AdamW([dict(params=[p for p in outer if p.dim() > 1], weight_decay=.05),
                                         dict(params=[p for p in outer if p.dim() <= 1], weight_decay=0.0)], lr=lr, betas=(.9, .98), fused=True)]
        if self.inner:
            self.parts.append(torch.optim.Muon(self.inner[self.rank::self.processes], lr=lr, weight_decay=.05, momentum=.95, adjust_lr_fn="match_rms_adamw"))
        self.param_groups = [g for part in self.parts for g in part.param_groups]
        for group, scale in zip(self.param_groups, [1, 1, 5]):           # Muon bears larger steps
            group["scale"] = scale

    def step(self, progress):
        """One step for all processes; returns the first process's `progress`, so that all agree on it."""
        grads = [p.grad for p in self.all if p.grad is not None]
        if self.processes > 1:
            flat = torch.cat([g.flatten() for g in grads] + [torch.tensor([progress * self.processes * (self.rank == 0)])])
            dist.all_reduce(flat)
            *parts, progress = (flat / self.processes).split([g.numel() for g in grads] + [1])
            for g, part in zip(grads, parts):
                g.copy_(part.view_as(g))
        torch.nn.utils.clip_grad_norm_([p for p in self.all if p.grad is not None], 1.0)
        for part in self.parts:
            part.step()
        if self.processes > 1 and self.inner:
            with torch.no_grad():
                flat = torch.cat([p.flatten() if k % self.processes == self.rank else torch.zeros(p.numel()) for k, p in enumerate(self.inner)])
                dist.all_reduce(flat)
                for p, part in zip(self.inner, flat.split([p.numel() for p in self.inner])):
                    p.copy_(part.view_as(p))
        for p in self.all:
            p.grad = None
        return float(progress)


def align(model, helper, tokens):
    """Starts the projector so that a patch with something red in it looks like the word "red".

    Rows of the first layer that belong to a helper target take the helper head's weights; the second layer turns
    each into the embedding of its word or character. The other rows stay random and carry the rest.
    """
    first, second, words = model.model.mm_projector[0], model.model.mm_projector[2], model.model.embed_tokens.weight
    with torch.no_grad():
        nn.init.normal_(first.weight, std=first.in_features ** -.5 * .7)
        nn.init.normal_(second.weight, std=second.in_features ** -.5 * .07)
        first.weight[:len(TARGETS)], first.bias[:len(TARGETS)] = helper.patches.weight, helper.patches.bias
        for k, name in enumerate(TARGETS):
            piece = tokens.sp.piece_to_id(name if len(name) == 1 else "\u2581" + name.split(" ")[-1])
            second.weight[:, k] = .3 * words[piece]


def train(args, log=print):
    """Loads what all processes share, then trains in `args.processes` of them, one thread each."""
    os.makedirs(args.work, exist_ok=True)
    if not os.path.exists(f"{args.work}/tokenizer.model"):
        train_tokenizer(f"{args.work}/tokenizer")
    held_out, pictures, drill = (Pictures(f"{args.work}/{tag}") for tag in ("held-out", "train", "drill"))
    # part one sees every page of letters, every picture with text and a third of the others
    drill = drill.plus(pictures, [i for i, f in enumerate(pictures.facts) if f["text"] or i % 3 == 0])
    if os.path.exists(f"{args.work}/meeting"):
        os.remove(f"{args.work}/meeting")
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    started = [get_context("fork").Process(target=train_one, args=(args, rank, held_out, pictures, drill, log)) for rank in range(args.processes)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise SystemExit("Training failed.")


def train_one(args, rank, held_out, pictures, drill, say):
    dist.init_process_group("gloo", init_method=f"file://{os.path.abspath(args.work)}/meeting", rank=rank, world_size=args.processes)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    training = Training(args, rank, held_out, say if rank == 0 else lambda *a: None)
    training.log(f"{len(pictures)} pictures, {len(drill)} in part one, {sum(p.numel() for p in training.model.parameters()) / 1e6:.2f} M parameters")
    if args.resume or args.start:
        training.load(args.resume or args.start, pictures)
    if not args.resume:
        training.part_one(drill)
    training.part_two(pictures)


class Training:
    """What one process trains, and the steps of both parts."""

    def __init__(self, args, rank, held_out, log):
        self.args, self.rank, self.held_out, self.log = args, rank, held_out, log
        self.tokens = Tokens(f"{args.work}/tokenizer.model")
        self.model, self.helper = Llava(), Helper()
        self.tower, self.text = self.model.tower, self.model
        if args.compile:
            self.tower, self.text = torch.compile(self.model.tower, dynamic=False), torch.compile(self.model, dynamic=False)
        self.order = random.Random(args.seed)
        self.answers = False                             # does the text model know how to answer already?

    def load(self, path, pictures):
        state = read_state(path)
        self.answers = state["answers"]
        self.model.load_state_dict(state["model"])
        if "helper" in state:
            self.helper.load_state_dict(state["helper"])
        elif self.args.resume:                           # a helper that knows nothing learns alone first, and then has something to teach
            self.run(0, range(len(pictures)), 1500, self.args.minutes0, 64, 1e-3, [self.helper], self.watch, lambda idx, step: seen(pictures, idx))
            self.log(show_patches(self.model, self.helper, self.held_out, 1000))

    def part_one(self, drill):
        args = self.args
        self.run(1, range(len(drill)), args.steps1, args.minutes1, args.batch1, args.lr1, [self.model.tower, self.helper], self.look,
                 lambda idx, step: seen(drill, idx))
        if not self.answers:
            align(self.model, self.helper, self.tokens)
        if self.rank == 0:
            self.log(show_patches(self.model, self.helper, self.held_out, 1000))
        self.save(1, "part-one.pt")

    def part_two(self, pictures):
        args = self.args
        texts = [i for i, facts in enumerate(pictures.facts) if facts["text"]]
        words = [i for i in texts if pictures.facts[i]["text"]["what"] == "word"]
        others = [i for i, facts in enumerate(pictures.facts) if facts["kind"] == "other"]
        pages_of = texts + words                         # words come twice, here and among the questions: they take longest to learn

        def with_pages(idx, step):
            """A batch of questions, and as many pictures with text for the tower and the helper alone."""
            pages = random.Random(f"pages/{args.seed}/{step}/{self.rank}").sample(pages_of, len(idx))
            return batch_of(self.tokens, pictures, idx, f"{args.seed}/{step}/{self.rank}"), seen(pictures, pages)
        self.run(2, [*range(len(pictures)), *words, *others], args.steps2, args.minutes2, args.batch2, args.lr2, [self.model, self.helper], self.answer, with_pages)

    def run(self, part, deck, steps, minutes, size, lr, modules, step_loss, prepare):
        """The loop of all parts over pictures of `deck`: warm up, then cosine to zero over `steps` or `minutes`, whichever ends first."""
        optimizer, began, mean, indices = Both(modules, lr), time.time(), 0.0, self.indices(deck, size)
        with ThreadPoolExecutor(1) as ahead:             # the next batch is made while this one trains
            pending, step, report, progress = ahead.submit(prepare, next(indices), 0), 0, time.time(), 0.0
            while progress < 1:
                for group in optimizer.param_groups:
                    group["lr"] = lr * group["scale"] * min(1, (step + 1) / 150) * (.01 + .99 * .5 * (1 + math.cos(math.pi * progress)))
                data = pending.result()
                pending = ahead.submit(prepare, next(indices), step + 1)
                with torch.autocast("cpu", torch.bfloat16, enabled=self.args.bf16):
                    loss = step_loss(data)
                loss.backward()
                progress = optimizer.step(max((step + 1) / steps, (time.time() - began) / 60 / minutes))
                step += 1
                mean = loss.item() if step == 1 else .98 * mean + .02 * loss.item()
                if step % 50 == 0:
                    self.log(f"part {part} step {step} loss {mean:.4f} {step * size / (time.time() - began):.1f} pictures/s {(time.time() - began) / 60:.1f} min")
                if self.rank == 0 and time.time() - report > 480:
                    report = time.time()
                    self.save(part, "state.pt")
                    self.log(show_patches(self.model, self.helper, self.held_out, 200))
                    if part == 2:
                        self.log(show(evaluate(self.model, self.tokens, self.held_out, 200, self.args.bf16)))
            self.save(part, "state.pt")

    def indices(self, deck, size):
        """This process's share of each step's pictures; nearly all of the deck comes once before any comes again."""
        left = []
        while True:
            if len(left) < size:
                left = self.order.sample(deck, len(deck))
            taken, left = left[:size], left[size:]
            yield taken[self.rank::self.args.processes]

    def look(self, data):                                # part one: what is in each patch?
        pixels, targets, letters = data
        return sum(self.helper(self.tower(pixels), targets, letters))

    def watch(self, data):                               # the helper alone
        pixels, targets, letters = data
        with torch.no_grad():
            features = self.tower(pixels)
        return sum(self.helper(features, targets, letters))

    def answer(self, data):                              # part two: answer, do not forget the patches, and read more than is asked about
        (pixels, targets, letters, ids, pos, seg, lab, _), (pages, page_targets, page_letters) = data
        features = self.tower(torch.cat([pixels, pages]))
        hidden = self.text(features[:len(pixels)], ids, pos, mask_of(seg))
        spot = lab != -100
        patches, read = self.helper(features, torch.cat([targets, page_targets]), torch.cat([letters, page_letters]))
        return F.cross_entropy(self.model.lm_head(hidden[spot]).float(), lab[spot]) + .1 * patches + .25 * read

    def save(self, part, name):
        if self.rank == 0:
            state = dict(model=self.model.state_dict(), helper=self.helper.state_dict(), answers=self.answers or part == 2)
            torch.save(state, f"{self.args.work}/{name}.tmp")
            os.replace(f"{self.args.work}/{name}.tmp", f"{self.args.work}/{name}")
