#!/usr/bin/env python3
"""Renders the chat templates of test/goldens/chat-templates with Python's Jinja and writes what comes out to expected.json.

    python3 test/oracles/render-chat-templates.py

Run by hand when a template, a conversation or a snippet is added. Needs jinja2 3.1 and nothing else. Jinja is set
up as transformers does it (5.18, utils/chat_template_utils.py); messages are made as its LLaVA processors and tokenizers are given them:
a list of parts, or a text that begins with `<image>` and a line break for each image.
"""

import json
from datetime import datetime
from pathlib import Path

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = Path(__file__).parent.parent / "goldens" / "chat-templates"
NOW = datetime(2026, 3, 7, 9, 5, 2)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


class Generation(Extension):
    """The `generation` tag of transformers, which marks what an assistant said and prints it as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_print"), [], [], body).set_lineno(line)

    def _print(self, caller):
        return caller()


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def render(template, variables):
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: NOW.strftime(form)
    try:
        return {"output": environment.from_string(template).render(**variables)}
    except Exception as error:  # What Python raises is part of what is recorded.
        return {"error": f"{type(error).__name__}: {error}"}


def content(parts, is_list):
    if is_list:
        return [
            {"type": "text", "text": part} if isinstance(part, str) else {"type": "image"} for part in parts
        ]
    return "".join(part if isinstance(part, str) else "<image>\n" for part in parts)


def variables(conversation, is_list):
    turns = conversation["turns"]
    if conversation["system"] is not None:
        turns = [["system", [conversation["system"]]], *turns]
    return {
        "messages": [{"role": role, "content": content(parts, is_list)} for role, parts in turns],
        "tools": None,
        "documents": None,
        "add_generation_prompt": turns[-1][0] == "user",
        **TOKENS,
    }


def read(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def main():
    conversations = read("conversations.json")
    templates = {
        path.stem: path.read_bytes().decode() for path in sorted((FOLDER / "templates").glob("*.jinja"))
    }
    snippets = read("snippets.json")
    expected = {
        "jinja2": jinja2.__version__,
        "templates": {
            name: {
                form: [render(template, variables(conversation, form == "list")) for conversation in conversations]
                for form in ("list", "text")
            }
            for name, template in templates.items()
        },
        "snippets": [render(template, snippets["variables"]) for template in snippets["templates"]],
    }
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    (FOLDER / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
