"""How right the demo model answers when an image may take fewer tokens: asks a running server about images that training never saw.

    npm start                                   # in one terminal
    python3 budgets.py --images 500             # in another, in this folder

Needs numpy, Pillow and the fonts DejaVu and Liberation. Every question that questions.py can ask about an image
goes to POST /image_generate once for each budget; an answer is right when every word of it is. Prints a table in Markdown.
"""

import argparse
import io
import json
import random
import sys
import urllib.request
import uuid

from questions import plain, questions
from scenes import make_scene

BUDGETS = ["full", 32, 16]
# Training, held-out pictures and samples have seeds below.
FIRST_SEED = 7_000_000_000


def post(url, fields, image):
    boundary = uuid.uuid4().hex
    parts = [
        ('name="json_data"', json.dumps(fields).encode()),
        ('name="image_data"; filename="image.png"', image),
    ]
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), value)
        for head, value in parts
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(url, body + b"--%s--\r\n" % boundary.encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def ask(url, texts, image, budget):
    """Answers and the tokens that the image took."""
    fields = {
        "text": texts,
        "use_chat_template": True,
        "max_new_tokens": 96,
        "image_token_budget": budget,
        "return_metadata": True,
    }
    answer = post(f"{url}/image_generate", fields, image)
    return [text.strip() for text in answer["text"]], answer["metadata"][0]["image_tokens"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:3000")
    parser.add_argument("--images", type=int, default=500)
    args = parser.parse_args()
    score, tokens = {}, {}
    for number in range(args.images):
        if number % 50 == 0:
            print(f"{number} of {args.images} images", file=sys.stderr)
        seed = FIRST_SEED + number
        picture, facts, _ = make_scene(seed)
        facts["size"] = picture.size
        asked = questions(facts, random.Random(seed))
        png = io.BytesIO()
        picture.save(png, "PNG")
        for budget in BUDGETS:
            answers, tokens[budget] = ask(args.url, [question for _, question, _, _ in asked], png.getvalue(), budget)
            for (kind, _, wanted, _), answer in zip(asked, answers, strict=True):
                right = score.setdefault(kind, {budget: 0 for budget in BUDGETS} | {"asked": 0})
                right[budget] += answer == plain(wanted)
                right["asked"] += budget == BUDGETS[0]
    print("| question | asked | " + " | ".join(f"{tokens[budget]} tokens" for budget in BUDGETS) + " |")
    print("|---|---|" + "---|" * len(BUDGETS))
    for kind, right in sorted(score.items(), key=lambda item: -item[1]["asked"]):
        shares = " | ".join(f"{100 * right[budget] / right['asked']:.1f} %" for budget in BUDGETS)
        print(f"| {kind} | {right['asked']} | {shares} |")


main()
