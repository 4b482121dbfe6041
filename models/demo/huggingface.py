"""checkpoint/ in Hugging Face's CLIPVisionModel and LlamaForCausalLM, behind the same interface as model.Llava."""
import json

import torch
import torch.nn as nn
from safetensors.torch import load_file
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

from model import TEXT, VISION
from prompts import IMAGE
from world import GRID, MEAN, STD


class HuggingFace(nn.Module):
    def __init__(self, folder):
        super().__init__()
        weights = {k: v.float() for k, v in load_file(f"{folder}/model.safetensors").items()}
        part = lambda prefix: {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}
        with open(f"{folder}/vision_tower/config.json") as file:
            self.vision = CLIPVisionModel(CLIPVisionConfig(**json.load(file)))
        tower = part("model.vision_tower.vision_tower.")
        if not any(k.startswith("vision_model.") for k in self.vision.state_dict()):       # transformers 5 dropped this level
            tower = {k[len("vision_model."):]: v for k, v in tower.items()}
        self.vision.load_state_dict(tower)
        with open(f"{folder}/config.json") as file:
            config = {k: v for k, v in json.load(file).items() if not k.startswith("mm_") and k not in ("architectures", "model_type")}
        self.text = LlamaForCausalLM(LlamaConfig(**config))
        self.text.load_state_dict({k: v for k, v in weights.items() if "vision_tower" not in k and "mm_projector" not in k})
        self.projector = nn.Sequential(nn.Linear(VISION["hidden"], TEXT["hidden"]), nn.GELU(), nn.Linear(TEXT["hidden"], TEXT["hidden"]))
        self.projector.load_state_dict(part("model.mm_projector."))
        self.lm_head = self.text.lm_head
        self.eval()

    def tower(self, pixels):
        values = ((pixels.float() / 255 - torch.from_numpy(MEAN)) / torch.from_numpy(STD)).permute(0, 3, 1, 2)
        return self.vision(values, output_hidden_states=True).hidden_states[-2][:, 1:]

    def forward(self, features, ids, positions, mask):
        """Last hidden states of packed rows, as Llava computes them."""
        is_image = ids == IMAGE
        index = (is_image.cumsum(1) - 1).clamp(min=0, max=GRID * GRID - 1)
        image = self.projector(features)
        image = image.gather(1, index[..., None].expand(-1, -1, image.shape[-1]))
        x = torch.where(is_image[..., None], image, self.text.model.embed_tokens(ids.clamp(min=0)))
        bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
        return self.text.model(inputs_embeds=x, position_ids=positions, attention_mask=bias, use_cache=False).last_hidden_state

    def answer(self, pixels, prompt_ids):
        """Token ids of the greedy answer; -200 in the prompt stands for the image."""
        at = prompt_ids.index(IMAGE)
        embed = lambda ids: self.text.model.embed_tokens(torch.tensor([ids], dtype=torch.long))
        x = torch.cat([embed(prompt_ids[:at]), self.projector(self.tower(pixels)), embed(prompt_ids[at + 1:])], 1)
        out = self.text.generate(inputs_embeds=x, attention_mask=torch.ones(x.shape[:2]), max_new_tokens=96, do_sample=False,
                                 eos_token_id=2, pad_token_id=0)[0].tolist()
        return [t for t in out if t not in (1, 2)]
