"""LangChain's TitanTakeoff(models=[...]) as it is, against a running server: it starts a reader and answers through it.

    pip install langchain-community==0.4.2
    python3 langchain.py PORT MANAGEMENT_PORT MODEL

The wrapper calls the official client, takeoff-client. Where that is not installed, the requests that it is documented to send are
sent by the standard library instead. Prints what the reader answers, buffered and streamed.
"""

import json
import sys
import time
import types
import urllib.request

FIELDS = [
    "sampling_temperature", "sampling_topp", "sampling_topk", "repetition_penalty", "no_repeat_ngram_size",
    "max_new_tokens", "min_new_tokens", "regex_string", "json_schema", "prompt_max_tokens",
]


class Event:
    def __init__(self, data):
        self.data = data


class DocumentedClient:
    """The requests of takeoff-client's older generation."""

    def __init__(self, base_url, port, mgmt_port):
        self.url, self.mgmt_url = f"{base_url}:{port}", f"{base_url}:{mgmt_port}"

    def create_reader(self, reader_config):
        with self._post(f"{self.mgmt_url}/reader", reader_config) as response:
            if response.status != 201:
                raise SystemExit(f"POST /reader answered {response.status}")
            return json.load(response)

    def generate(self, text, consumer_group="primary", **given):
        with self._post(f"{self.url}/generate", self._body(text, consumer_group, given)) as response:
            return json.load(response)

    def generate_stream(self, text, consumer_group="primary", **given):
        with self._post(f"{self.url}/generate_stream", self._body(text, consumer_group, given)) as response:
            data = []
            for raw in response:
                line = raw.decode().rstrip("\n")
                if line.startswith("data:"):
                    value = line[len("data:"):]
                    data.append(value[1:] if value.startswith(" ") else value)
                elif line == "" and data:
                    yield Event("\n".join(data))
                    data = []

    @staticmethod
    def _body(text, consumer_group, given):
        return {"text": text, **{name: None for name in FIELDS}, "consumer_group": consumer_group, **given}

    @staticmethod
    def _post(url, body):
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return urllib.request.urlopen(request, timeout=120)


try:
    import takeoff_client  # noqa: F401
except ImportError:
    sys.modules["takeoff_client"] = types.SimpleNamespace(TakeoffClient=DocumentedClient)

from langchain_community.llms.titan_takeoff import TitanTakeoff  # noqa: E402

port, management_port, model = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
group = "langchain"
llm = TitanTakeoff(
    port=port,
    mgmt_port=management_port,
    models=[{"model_name": model, "device": "cpu", "tensor_parallel": 1, "consumer_group": group}],
)
while True:
    with urllib.request.urlopen(f"http://localhost:{port}/status", timeout=10) as response:
        live = json.load(response)["live_readers"].values()
    if any(group in reader["consumer_groups"] for reader in live):
        break
    time.sleep(0.2)
prompt = "USER: Is there a circle?\nASSISTANT:"
print(json.dumps({
    "buffered": llm.invoke(prompt, consumer_group=group, max_new_tokens=8),
    "streamed": "".join(llm.stream(prompt, consumer_group=group, max_new_tokens=8)),
}))
