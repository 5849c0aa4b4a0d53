"""The options of the plugin: what stands below `config:`."""

import re

INPUT = {"streams", "group", "consumer", "offset_reset", "count", "claim_after", "body_field", "key_field"}
RUNTIMES = {"format", "allow", "default_to", "max_open", "max_span"}  # passed on as they are
OUTPUTS = ("uplink", "events", "receipt", "dead_letter")
OUTPUT = {"stream", "maxlen"}
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Options:
    def __init__(self, given):
        self.errors = []
        self.check_keys("", given, {"url", "input", *OUTPUTS})
        self.url = self.text("", given, "url", "redis://127.0.0.1:6379/0")
        if not re.match(r"(redis|rediss|unix)://", self.url):
            self.fault("/url", "must begin with redis://, rediss:// or unix://")
        self.body_field, self.key_field = b"body", b"key"
        self.input = given.get("input")
        if self.input is not None and self.is_object("/input", self.input):
            self.read_input(self.input)
        self.outputs = {}  # stream and maxlen by output
        for name in OUTPUTS:
            if name in given and self.is_object(f"/{name}", given[name]):
                self.read_output(name, given[name])

    def read_input(self, given):
        self.check_keys("/input", given, INPUT | RUNTIMES)
        self.streams = given.get("streams", [])
        if not isinstance(self.streams, list) or not self.streams or not all(isinstance(s, str) and s for s in self.streams):
            self.fault("/input/streams", "must be a list of one name or more")
        self.group = self.text("/input", given, "group", "pushcore")
        self.consumer = self.text("/input", given, "consumer", "")
        self.body_field = self.text("/input", given, "body_field", "body").encode()
        self.key_field = self.text("/input", given, "key_field", "key").encode()
        self.offset_reset = self.text("/input", given, "offset_reset", "")
        if self.offset_reset not in ("", "earliest", "latest"):
            self.fault("/input/offset_reset", "must be earliest or latest")
        self.count = given.get("count", 200)
        if not isinstance(self.count, int) or not 1 <= self.count <= 10_000:
            self.fault("/input/count", "must be a number from 1 to 10000")
        self.claim_after = self.duration("/input", given, "claim_after", 60)

    def read_output(self, name, given):
        at = f"/{name}"
        self.check_keys(at, given, OUTPUT)
        stream, maxlen = given.get("stream"), given.get("maxlen", 0)
        if not isinstance(stream, str) or not stream:
            self.fault(f"{at}/stream", "must be a name")
        elif self.input and stream in self.input.get("streams", []):
            self.fault(f"{at}/stream", "is an input as well")
        if not isinstance(maxlen, int) or maxlen < 0:
            self.fault(f"{at}/maxlen", "must be a number of entries, or 0 for no bound")
        self.outputs[name] = (stream, maxlen)

    def reply(self):
        """What Configure answers."""
        reply = {"errors": self.errors, "outputs": list(self.outputs)}
        if isinstance(self.input, dict):
            reply["input"] = {name: value for name, value in self.input.items() if name in RUNTIMES}
        return reply

    def fault(self, pointer, message):
        self.errors.append({"pointer": pointer, "message": message})

    def is_object(self, pointer, value):
        if not isinstance(value, dict):
            self.fault(pointer, "must be an object")
        return isinstance(value, dict)

    def check_keys(self, pointer, given, known):
        for name in given:
            if name not in known:
                escaped = name.replace("~", "~0").replace("/", "~1")
                self.fault(f"{pointer}/{escaped}", f"unknown option; there are {', '.join(sorted(known))}")

    def text(self, pointer, given, name, default):
        value = given.get(name, default)
        if not isinstance(value, str):
            self.fault(f"{pointer}/{name}", "must be a text")
            return default
        return value

    def duration(self, pointer, given, name, default):
        if name not in given:
            return default
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(given[name]))
        if not found or float(found[1]) == 0:
            self.fault(f"{pointer}/{name}", "must be a duration such as 60s")
            return default
        return float(found[1]) * UNITS[found[2]]
