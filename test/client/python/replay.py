"""Asks a Takeoff server the way the official Python client and LangChain's wrapper do, with the standard library only.

    python3 replay.py PORT IMAGE TEXT

Prints one JSON object with the answer to each way of asking.
"""

import http.client
import json
import sys
import urllib.request
import uuid

FIELDS = [
    "sampling_temperature", "sampling_topp", "sampling_topk", "repetition_penalty", "no_repeat_ngram_size",
    "max_new_tokens", "min_new_tokens", "regex_string", "json_schema", "prompt_max_tokens",
]
NEWEST_FIELDS = FIELDS + ["lora_id", "constrained_decoding_backend", "return_metadata"]

port, image_path, text = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open(image_path, "rb") as file:
    image = file.read()


def request_json(fields, **given):
    body = {"text": text, **{name: None for name in fields}, "consumer_group": "primary", **given}
    return json.dumps(body).encode()


def multipart(parts):
    """Parts are (lines of the part's head, bytes)."""
    boundary = uuid.uuid4().hex
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), content)
        for head, content in parts
    )
    return body + b"--%s--\r\n" % boundary.encode(), "multipart/form-data; boundary=" + boundary


def post(path, body, content_type, accept="*/*"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body, {"Content-Type": content_type, "Accept": accept})
    response = connection.getresponse()
    if response.status != 200:
        raise SystemExit("%s answered %d: %r" % (path, response.status, response.read()))
    return response


def events(response):
    """Data of the events, read line by line as they arrive."""
    data = []
    for raw in response:
        line = raw.decode("utf-8").rstrip("\n")
        if line.startswith("data:"):
            value = line[len("data:"):]
            data.append(value[1:] if value.startswith(" ") else value)
        elif line == "" and data:
            yield "\n".join(data)
            data = []


def buffered(path, body, content_type):
    return json.load(post(path, body, content_type))["text"]


def streamed(path, body, content_type):
    return "".join(events(post(path, body, content_type, "text/event-stream")))


def newest_form():
    return multipart([
        ('name="image_data"; filename="image.jpg"\r\nContent-Type: image/*', image),
        ('name="json_data"\r\nContent-Type: application/json', request_json(NEWEST_FIELDS)),
    ])


def older_form():
    return multipart([('name="json_data"', request_json(FIELDS)), ('name="image_data"', image)])


def documented_form():
    return multipart([
        ('name="json_data"', json.dumps({"text": text}).encode()),
        ('name="image_data"; filename="image.png"\r\nContent-Type: image/png', image),
    ])


def langchain():
    """Text of a stream as the wrapper puts it together."""
    whole, buffer = "", ""
    for data in events(post("/generate_stream", request_json(FIELDS), "application/json")):
        buffer += data
        if "data:" in buffer:
            whole += "" if buffer.startswith("data:") else buffer.split("data:", 1)[0].rstrip("\n")
            buffer = ""
    return whole + buffer.replace("</s>", "")


def batch():
    body = request_json(NEWEST_FIELDS, text=[text, text])
    texts = ["", ""]
    for data in events(post("/generate_stream", body, "application/json", "text/event-stream")):
        event = json.loads(data)
        texts[event["batch_id"]] += event["text"]
    return texts


def urllib_json():
    """The simplest program that can be written."""
    request = urllib.request.Request(
        "http://127.0.0.1:%d/generate" % port, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["text"]


print(json.dumps({
    "newest": buffered("/generate", request_json(NEWEST_FIELDS), "application/json"),
    "newest streamed": streamed("/generate_stream", request_json(NEWEST_FIELDS), "application/json"),
    "newest image": buffered("/image_generate", *newest_form()),
    "newest image streamed": streamed("/image_generate_stream", *newest_form()),
    "older": buffered("/generate", request_json(FIELDS), "application/json"),
    "older image": buffered("/image_generate", *older_form()),
    "older image streamed": streamed("/image_generate_stream", *older_form()),
    "documented image": buffered("/image_generate", *documented_form()),
    "langchain": langchain(),
    "batch": batch(),
    "urllib": urllib_json(),
}))
