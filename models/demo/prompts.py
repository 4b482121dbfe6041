"""From questions and answers to token ids: prompt templates, the tokenizer and how it is trained."""
import random

from questions import SINGLE, TALK, fake_facts, questions
from world import ABSENT, CHARS

VOCAB = 1024

SYSTEM = ["A chat between a curious user and an artificial intelligence assistant. "
          "The assistant gives helpful, detailed, and polite answers to the user's questions.",
          "A chat between a curious human and an artificial intelligence assistant. "
          "The assistant gives helpful, detailed, and polite answers to the human's questions."]
IMAGE = -200                                # LLaVA's placeholder id for one image token


def prompt_style(rng, image=True):
    """(text before the image, function from question to the text after it). "<image>" stands between."""
    u, system = rng.random(), rng.choice([SYSTEM[0], SYSTEM[0], SYSTEM[1]])
    if not image:
        before = system + " USER: " if u < .5 else "USER: "
        return None, (lambda q: f"{before}{q}\nASSISTANT:") if rng.random() < .4 else (lambda q: f"{before}{q} ASSISTANT:")
    if u < .40:                                          # vicuna_v1, the template of LLaVA-1.5
        return system + " USER: ", lambda q: f"\n{q} ASSISTANT:"
    if u < .55:
        return "USER: ", lambda q: f"\n{q} ASSISTANT:"
    if u < .62:
        return "USER: ", lambda q: f"\n{q}\nASSISTANT:"
    if u < .77:                                          # the picture first, then the prompt as typed
        return "", lambda q: f"USER: {q}\nASSISTANT:"
    if u < .85:
        return "", lambda q: f"\nUSER: {q}\nASSISTANT:"
    if u < .93:
        new = rng.choice(["", "\n"])
        return "", lambda q: f"{new}USER: {q} ASSISTANT:"
    if u < .96:
        new = rng.choice(["", "\n"])
        return "", lambda q: f"{new}{system} USER: {q} ASSISTANT:"
    if u < .98:
        new = rng.choice(["", "\n"])
        return "", lambda q: f"{new}{q}\n"
    return rng.choice([system + " USER: ", "USER: "]), lambda q: f"{q} ASSISTANT:"


def vary(question, rng):
    """Small liberties that people take."""
    u = rng.random()
    if u < .06:
        return question.rstrip("?.")
    if u < .12:
        return question[0].lower() + question[1:]
    if u < .15:
        return question.lower().rstrip("?.")
    if u < .18 and not question.startswith("Please"):
        return "Please tell me: " + question[0].lower() + question[1:]
    return question


class Tokens:
    """SentencePiece as LlamaTokenizer uses it. Read text is spelled in single letters."""
    BOS, EOS = 1, 2

    def __init__(self, model_file):
        import sentencepiece
        self.sp = sentencepiece.SentencePieceProcessor(model_file=model_file)
        self.letters = {c: self.sp.piece_to_id(c) for c in map(chr, range(33, 127))}
        self.space = self.sp.piece_to_id("\u2581")
        assert self.sp.bos_id() == 1 and self.sp.eos_id() == 2 and all(v > 258 for v in self.letters.values()), self.letters
        self.cache = {}

    def text(self, text):
        if text not in self.cache:
            if len(self.cache) > 200000:
                self.cache.clear()
            self.cache[text] = self.sp.encode(text)
        return self.cache[text]

    def prefix_free(self, text):
        """Without the leading space SentencePiece adds: how legacy=false continues after </s>."""
        ids = self.sp.encode("!" + text)
        assert self.sp.id_to_piece(ids[0]) == "\u2581!" or ids[:2] == [self.space, self.letters["!"]], ids[:3]
        return ids[1:] if self.sp.id_to_piece(ids[0]) == "\u2581!" else ids[2:]

    def answer(self, text):
        out = []
        while "\x01" in text:
            head, rest = text.split("\x01", 1)
            read, text = rest.split("\x02", 1)
            if head.endswith('"'):
                out += self.text(head[:-2]) + [self.space, self.letters['"']]     # the space, the quotation mark
            else:
                out += (self.text(head[:-1]) if head else []) + [self.space]
            out += [self.letters[c] for c in read]
            while text and text[0] != " ":               # punctuation after the word
                out.append(self.letters[text[0]])
                text = text[1:]
            text = text[1:]
        return out + (self.text(text) if text else []) + [self.EOS]


def train_tokenizer(path):
    """A BPE vocabulary from the questions, answers and system prompts themselves."""
    import sentencepiece
    rng, lines = random.Random(5), SYSTEM * 60
    for seed in range(6000):
        scene = fake_facts(rng)
        for _, question, full, short in questions(scene, rng):
            lines += [question, ":" + question, full.replace("\x01", "").replace("\x02", "")]
    lines += [f"{q}" for qs, a in TALK for q in qs * 8] + [a for _, a in TALK] * 40 + [SINGLE.strip()] * 200
    lines += ["USER: ASSISTANT:", "x USER: y ASSISTANT:"] * 400 + [":" + a for a in ("USER: a", "Please tell me: a", SYSTEM[0])] * 200
    lines += ["".join(rng.choice(CHARS) for _ in range(8)) for _ in range(400)] + [" ".join(map(chr, range(33, 127)))] * 20
    lines += [w for w in ABSENT for _ in range(6)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=path, vocab_size=VOCAB, model_type="bpe", byte_fallback=True,
        character_coverage=1.0, split_digits=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        add_dummy_prefix=True, unk_id=0, bos_id=1, eos_id=2, pad_id=-1, num_threads=1, minloglevel=2, hard_vocab_limit=True)
