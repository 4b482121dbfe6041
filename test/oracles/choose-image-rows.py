"""Which rows of an image are kept under image_token_budget, by a second implementation: prints test/goldens/kept-rows.json.

    python test/oracles/choose-image-rows.py > test/goldens/kept-rows.json

Needs torch, transformers and safetensors; made with torch 2.13.0, transformers 5.18.0, float32 on the CPU. The tower is transformers'
CLIPVisionModel with eager attention over the tiles and weights of the goldens. The rest follows docs/fewer-tokens.md and shares no code
with the server: greedy choices are made by computing every score anew, shares by sorting all quotients.

Each entry has the places of the rows in the features of the whole image (expected.safetensors), and the smallest relative distance
between the best and the second-best score of any choice: where it is near the rounding of float32, another program may choose otherwise.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import CLIPVisionConfig, CLIPVisionModel

GOLDENS = Path(__file__).parent.parent / "goldens"
CASES = [
    ("v15-llama-pad", "640x480", [16, 64, 192]),
    ("square-linear-224", "37x53", [16, 64]),
    ("square-linear-224", "300x1000", [64]),
    ("v16-llama-anyres", "37x53", [3, 64, 320, 1000]),
]


def load_tower(folder):
    config = CLIPVisionConfig.from_dict(json.loads((folder / "clip-tower/config.json").read_text())["vision_config"])
    config._attn_implementation = "eager"
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            tensors.update({name: opened.get_tensor(name) for name in opened.keys()})
    files = sorted(folder.glob("pytorch_model*.bin")) + sorted(folder.glob("clip-tower/pytorch_model.bin"))
    for file in files:
        tensors.update(torch.load(file, map_location="cpu", weights_only=True))
    marker = "vision_model."
    chosen = {name[name.index(marker) :]: t.float() for name, t in tensors.items() if marker in name}
    model = CLIPVisionModel(config).eval()
    # transformers 5 has no level `vision_model` any more.
    has_level = any(name.startswith(marker) for name in model.state_dict())
    weights = {name if has_level else name[len(marker) :]: t for name, t in chosen.items() if "position_ids" not in name}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not [name for name in missing if "position_ids" not in name], missing
    assert not unexpected, unexpected
    return model


def look(folder, image):
    """Of each tile: attention of the class token to the patches (mean of the heads), and cosines of the patches."""
    with safe_open(folder / "expected.safetensors", "pt") as expected:
        tiles = expected.get_tensor(f"tiles/{image}")
        head = expected.get_tensor(f"tower.head/{image}") if f"tower.head/{image}" in expected.keys() else None
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])
    pixels = ((tiles.float() / 255 - mean) / std).permute(0, 3, 1, 2)
    model = load_tower(folder / "checkpoint")
    with torch.no_grad():
        out = model(pixels, output_hidden_states=True, output_attentions=True)
    states = out.hidden_states[-2][:, 1:]
    if head is not None:
        assert (states[:, :16] - head).abs().max() < 2e-4, "this tower is not that of the goldens"
    attention = out.attentions[-2][:, :, 0, 1:].mean(dim=1)
    unit = states / states.norm(dim=-1, keepdim=True)
    return attention.double(), (unit @ unit.transpose(1, 2)).double()


def greedy(attention, cosines, candidates, count):
    """Patches in the order of their choice, and the smallest relative margin of a choice."""
    chosen, margin = [], 1.0
    part = cosines[candidates][:, candidates]
    covered = torch.zeros(len(candidates), dtype=torch.double)
    for _ in range(count):
        scores = (part - covered).clamp(min=0).sum(dim=1) * attention[candidates]
        scores[chosen] = -1
        best, second = scores.topk(2).values if len(candidates) > 1 else (scores[0], torch.tensor(0))
        if second >= 0:
            margin = min(margin, float((best - second) / best))
        chosen.append(int(scores.argmax()))
        covered = torch.maximum(covered, part[chosen[-1]])
    return [candidates[index] for index in chosen], margin


def webster(count, masses, capacities):
    """The `count` greatest of mass / 1, mass / 3, mass / 5, …"""
    quotients = [(-mass / (2 * k + 1), tile) for tile, mass in enumerate(masses) for k in range(capacities[tile])]
    shares = [0] * len(masses)
    for _, tile in sorted(quotients)[:count]:
        shares[tile] += 1
    return shares


def place(width, height, pinpoints):
    def rank(pinpoint):
        scale = min(pinpoint[0] / width, pinpoint[1] / height)
        effective = min(int(width * scale) * int(height * scale), width * height)
        return (-effective, pinpoint[0] * pinpoint[1] - effective)

    canvas = min(pinpoints, key=rank)
    scale_x, scale_y = canvas[0] / width, canvas[1] / height
    if scale_x < scale_y:
        inner = (canvas[0], min(-int(-height * scale_x // 1), canvas[1]))
    else:
        inner = (min(-int(-width * scale_y // 1), canvas[0]), canvas[1])
    return canvas, inner, ((canvas[0] - inner[0]) // 2, (canvas[1] - inner[1]) // 2)


def anyres_rows(size, side, per_side, pinpoints):
    """Of each row of the whole image its tile and patch, or None for a newline; and the canvas with where the image lies on it."""
    width, height = size
    canvas, inner, offset = place(width, height, pinpoints)
    columns, rows = canvas[0] // side * per_side, canvas[1] // side * per_side
    left = top = 0
    if width / height > columns / rows:
        top = (rows - int(height * (columns / width))) // 2
    else:
        left = (columns - int(width * (rows / height))) // 2
    order = [(0, patch) for patch in range(per_side**2)]
    for y in range(top, rows - top):
        for x in range(left, columns - left):
            tile = 1 + y // per_side * (columns // per_side) + x // per_side
            order.append((tile, y % per_side * per_side + x % per_side))
        order.append(None)
    return order, (canvas, inner, offset)


def choose(folder, image, count):
    config = json.loads((folder / "checkpoint/config.json").read_text())
    size = [int(number) for number in image.split("x")]
    attention, cosines = look(folder, image)
    tiles, patches = attention.shape
    per_side = round(patches**0.5)
    side = per_side * 14
    order = [(0, patch) for patch in range(patches)]
    shares = [count]
    if config["image_aspect_ratio"] == "anyres":
        order, (canvas, inner, offset) = anyres_rows(size, side, per_side, config["image_grid_pinpoints"])
        masses = [0.0] * (tiles - 1)
        for patch, mass in enumerate(attention[0].tolist()):
            x = offset[0] + (patch % per_side + 0.5) / per_side * inner[0]
            y = offset[1] + (patch // per_side + 0.5) / per_side * inner[1]
            masses[int(y // side) * (canvas[0] // side) + int(x // side)] += mass
        capacities = [sum(row is not None and row[0] == tile for row in order) for tile in range(tiles)]
        base = max(-(-count // tiles), count - sum(capacities[1:]))
        shares = [base, *webster(count - base, masses, capacities[1:])]
    kept, margin = set(), 1.0
    for tile in range(tiles):
        candidates = sorted(row[1] for row in order if row is not None and row[0] == tile)
        chosen, smallest = greedy(attention[tile], cosines[tile], candidates, shares[tile])
        kept |= {(tile, patch) for patch in chosen}
        margin = min(margin, smallest)
    return {"rows": [at for at, row in enumerate(order) if row in kept], "shares": shares, "margin": margin}


def main():
    torch.set_num_threads(1)
    entries = []
    for case, image, budgets in CASES:
        for count in budgets:
            entries.append({"case": case, "image": image, "count": count, **choose(GOLDENS / case, image, count)})
    print("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]")


main()
