"""The model: CLIP tower, projector and Llama, with exactly the tensor names of an original LLaVA checkpoint."""
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

from prompts import IMAGE, VOCAB, Tokens
from world import END, GRID, LETTERS, MEAN, PATCH, STD, TARGETS

VISION = dict(hidden=192, heads=3, mlp=768, layers=6)              # five run, the sixth is never used
TEXT = dict(hidden=256, heads=4, kv_heads=2, mlp=512, layers=4)    # (mm_vision_select_layer is -2)
MAX_POSITIONS = 2048


# Modules are nested so that `state_dict()` has exactly the tensor names of an original LLaVA checkpoint.
class Part(nn.Module):
    """A nameable box of sub-modules."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


class VisionLayer(nn.Module):
    def __init__(self, hidden, heads, mlp):
        super().__init__()
        self.heads = heads
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(hidden, eps=1e-5), nn.LayerNorm(hidden, eps=1e-5)
        self.self_attn = Part(**{n: nn.Linear(hidden, hidden) for n in ("q_proj", "k_proj", "v_proj", "out_proj")})
        self.mlp = Part(fc1=nn.Linear(hidden, mlp), fc2=nn.Linear(mlp, hidden))

    def forward(self, x):
        B, T, H = x.shape
        y, a = self.layer_norm1(x), self.self_attn
        q, k, v = (p(y).view(B, T, self.heads, H // self.heads).transpose(1, 2) for p in (a.q_proj, a.k_proj, a.v_proj))
        x = x + a.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, T, H))
        y = self.mlp.fc1(self.layer_norm2(x))
        return x + self.mlp.fc2(y * torch.sigmoid(1.702 * y))            # quick GELU


class VisionModel(nn.Module):
    """CLIP's tower. Returns what LLaVA takes: the last layer but one, without the class token."""

    def __init__(self, hidden, heads, mlp, layers):
        super().__init__()
        self.embeddings = Part(patch_embedding=nn.Conv2d(3, hidden, PATCH, PATCH, bias=False),
                               position_embedding=nn.Embedding(GRID * GRID + 1, hidden))
        self.embeddings.class_embedding = nn.Parameter(torch.zeros(hidden))
        self.pre_layrnorm = nn.LayerNorm(hidden, eps=1e-5)               # CLIP's own spelling
        self.encoder = Part(layers=nn.ModuleList(VisionLayer(hidden, heads, mlp) for _ in range(layers)))
        self.post_layernorm = nn.LayerNorm(hidden, eps=1e-5)             # present in the file, never used

    def forward(self, pixels):
        """uint8 [B, 112, 112, 3] -> [B, 64, hidden]"""
        B = len(pixels)
        x = (pixels.float() / 255 - torch.from_numpy(MEAN)) / torch.from_numpy(STD)
        x = x.view(B, GRID, PATCH, GRID, PATCH, 3).permute(0, 1, 3, 5, 2, 4).reshape(B, GRID * GRID, 3 * PATCH * PATCH)
        x = F.linear(x, self.embeddings.patch_embedding.weight.flatten(1))
        x = torch.cat([self.embeddings.class_embedding.to(x.dtype).expand(B, 1, -1), x], 1) + self.embeddings.position_embedding.weight
        x = self.pre_layrnorm(x)
        for layer in self.encoder.layers[:-1]:
            x = layer(x)
        return x[:, 1:]


class RMSNorm(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


def attend(q, k, v, mask):
    """Softmax attention spelled out: compiled, its backward pass is faster on a CPU than the fused kernel's."""
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -.5
    return scores.masked_fill(~mask, float("-inf")).softmax(-1).to(v.dtype) @ v


class TextLayer(nn.Module):
    def __init__(self, hidden, heads, kv_heads, mlp):
        super().__init__()
        self.heads, self.kv_heads, kv = heads, kv_heads, hidden // heads * kv_heads
        line = lambda i, o: nn.Linear(i, o, bias=False)
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(hidden), RMSNorm(hidden)
        self.self_attn = Part(q_proj=line(hidden, hidden), k_proj=line(hidden, kv), v_proj=line(hidden, kv), o_proj=line(hidden, hidden))
        self.mlp = Part(gate_proj=line(hidden, mlp), up_proj=line(hidden, mlp), down_proj=line(mlp, hidden))

    def forward(self, x, cos, sin, mask):
        B, T, H = x.shape
        y, a = self.input_layernorm(x), self.self_attn
        q, k, v = (p(y).view(B, T, -1, H // self.heads).transpose(1, 2) for p in (a.q_proj, a.k_proj, a.v_proj))

        def rotate(t):
            lo, hi = t.chunk(2, -1)
            return (t * cos + torch.cat([-hi, lo], -1) * sin).to(v.dtype)
        k, v = (t.repeat_interleave(self.heads // self.kv_heads, 1) for t in (rotate(k), v))
        y = attend(rotate(q), k, v, mask)
        x = x + a.o_proj(y.transpose(1, 2).reshape(B, T, H))
        y, m = self.post_attention_layernorm(x), self.mlp
        return x + m.down_proj(F.silu(m.gate_proj(y)) * m.up_proj(y))


class Llava(nn.Module):
    def __init__(self):
        super().__init__()
        H, V = TEXT["hidden"], VISION["hidden"]
        tower = Part(vision_tower=Part(vision_model=VisionModel(**VISION)))
        self.model = Part(
            vision_tower=tower, mm_projector=nn.Sequential(nn.Linear(V, H), nn.GELU(), nn.Linear(H, H)),
            embed_tokens=nn.Embedding(VOCAB, H), norm=RMSNorm(H),
            layers=nn.ModuleList(TextLayer(H, TEXT["heads"], TEXT["kv_heads"], TEXT["mlp"]) for _ in range(TEXT["layers"])))
        self.lm_head = nn.Linear(H, VOCAB, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=.02 if "embed" in name or "lm_head" in name else p.shape[-1] ** -.5 * .7)

    @property
    def tower(self):
        return self.model.vision_tower.vision_tower.vision_model

    def forward(self, features, ids, positions, mask):
        """Last hidden states. Image features fill the places where `ids` is IMAGE."""
        is_image = ids == IMAGE
        index = (is_image.cumsum(1) - 1).clamp(min=0, max=GRID * GRID - 1)
        image = self.model.mm_projector(features)
        image = image.gather(1, index[..., None].expand(-1, -1, image.shape[-1])).float()
        x = torch.where(is_image[..., None], image, self.model.embed_tokens(ids.clamp(min=0)))
        inverse = 1 / 10000 ** (torch.arange(0, 64, 2) / 64)
        angle = (positions[..., None] * inverse).repeat(1, 1, 2)[:, None]
        cos, sin = angle.cos(), angle.sin()
        for layer in self.model.layers:
            x = layer(x, cos, sin, mask)
        return self.model.norm(x)


class Helper(nn.Module):
    """What is asked of the tower's features directly while training; thrown away afterwards.

    `patches` says what touches each patch. `reader` spells the text: one query for each letter's number looks for
    its patches; so the tower learns to write beside every letter the how-maniest it is.
    """

    def __init__(self):
        super().__init__()
        hidden = VISION["hidden"]
        self.patches, self.keys, self.letters = nn.Linear(hidden, len(TARGETS)), nn.Linear(hidden, hidden), nn.Linear(hidden, END + 1)
        self.norm, self.queries = nn.LayerNorm(hidden), nn.Parameter(torch.randn(LETTERS, hidden))
        nn.init.zeros_(self.patches.weight)              # says nothing at first, so that it harms no trained tower
        nn.init.zeros_(self.letters.weight)
        nn.init.constant_(self.patches.bias, -4)

    def read(self, features):
        features = self.norm(features)
        where = (self.queries @ self.keys(features).transpose(1, 2)).float() * VISION["hidden"] ** -.5
        return self.letters(where.softmax(-1).to(features.dtype) @ features).float()

    def forward(self, features, targets, letters):
        """(loss of the patches, loss of the reader)"""
        known, target = ~targets.isnan(), targets.nan_to_num()
        patches = F.binary_cross_entropy_with_logits(self.patches(features).float(), target, known.float(), reduction="sum")
        read = F.cross_entropy(self.read(features).flatten(0, 1), letters.flatten(), reduction="sum")
        return patches / targets.shape[0] / targets.shape[1], read / max(1, (letters != -100).sum())


def read_state(path):
    """A state that training saved, or the folder of an exported checkpoint."""
    if not os.path.isdir(path):
        return torch.load(path)
    from safetensors.torch import load_file
    return dict(model={k: v.float() for k, v in load_file(f"{path}/model.safetensors").items()}, answers=True)


def load(folder):
    """The exported checkpoint as a float32 model, and its tokenizer."""
    from safetensors.torch import load_file
    model = Llava()
    model.load_state_dict({k: v.float() for k, v in load_file(f"{folder}/model.safetensors").items()})
    return model.eval(), Tokens(f"{folder}/tokenizer.model")


@torch.no_grad()
def greedy(model, tokens, pixels, before, after, limit=96, features=None):
    """(answer, its token ids, prompt ids, smallest lead of a chosen token over the runner-up, in logits)."""
    if features is None and pixels is not None:
        features = model.tower(torch.from_numpy(pixels.copy())[None])
    prompt = [tokens.BOS] + (tokens.text(before) if before else []) + ([IMAGE] * (GRID * GRID) if pixels is not None else []) + (tokens.text(after) if after else [])
    if features is None:
        features = torch.zeros(1, GRID * GRID, VISION["hidden"])
    out, lead = [], 1e9
    while len(out) < limit:
        ids = torch.tensor([prompt + out])
        mask = torch.ones(1, 1, ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        top = model.lm_head(model(features, ids, torch.arange(ids.shape[1])[None], mask)[0, -1]).topk(2)
        lead = min(lead, (top.values[0] - top.values[1]).item())
        if top.indices[0] == tokens.EOS:
            break
        out.append(top.indices[0].item())
    return tokens.sp.decode(out).strip(), out, prompt, lead
