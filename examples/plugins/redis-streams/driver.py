#!/usr/bin/env python3
"""The driver for `pushcore plugin test --driver "venv/bin/python driver.py" -- venv/bin/python redis_streams.py`: a small backend that
looks into Redis, see docs/plugin-driver.md."""

import base64
import json
import sys
import uuid

import redis

SOURCES = 2


class Place:
    """Streams that no other trial uses."""

    def __init__(self, options):
        name = uuid.uuid4().hex[:8]
        self.url = options.get("url", "redis://127.0.0.1:6379/0")
        self.client = redis.Redis.from_url(self.url)
        self.sources = [f"{name}-push-{i}" for i in range(SOURCES)]
        self.uplink = f"{name}-uplink"

    def placed(self):
        options = {"url": self.url, "input": {"streams": self.sources}, "uplink": {"stream": self.uplink}}
        return {"event": "placed", "options": options, "sources": self.sources}

    def produce(self, c):
        for record in c["records"]:
            self.client.xadd(c["source"], {"body": to_bytes(record)})

    def waiting(self, c):
        """What was not given out, and what was and is not acked."""
        try:
            groups = self.client.xinfo_groups(c["source"])
        except redis.ResponseError:
            groups = []
        if not groups:
            return {"event": "waiting", "count": self.client.xlen(c["source"])}
        return {"event": "waiting", "count": groups[0]["pending"] + (groups[0]["lag"] or 0)}

    def published(self, c):
        entries = self.client.xrange(self.uplink)
        return {"event": "published", "records": [from_bytes(fields[b"body"]) for _, fields in entries]}

    def cut(self, c):
        for client in self.client.client_list(_type="normal"):
            if client["name"] == "pushcore":
                self.client.client_kill_filter(_id=client["id"])

    def release(self, c):
        self.client.delete(self.uplink, *self.sources)
        self.client.close()


def to_bytes(v):
    return base64.b64decode(v["payload_base64"]) if v.get("payload_base64") else v.get("payload", "").encode()


def from_bytes(b):
    try:
        return {"payload": b.decode()}
    except UnicodeDecodeError:
        return {"payload_base64": base64.b64encode(b).decode()}


def answer(places, c):
    if c["do"] == "place":
        place = places[c["place"]] = Place(c.get("options") or {})
        return place.placed()
    do = getattr(places[c["place"]], c["do"], None)
    if c["do"] not in ("produce", "waiting", "published", "cut", "release") or do is None:
        return {"event": "unsupported"}
    return do(c) or {"event": "done"}


def main():
    places = {}
    print(json.dumps({"event": "ready", "protocol": 1, "lacks": ["reassigns"]}), flush=True)
    for line in sys.stdin:
        c = json.loads(line)
        try:
            event = answer(places, c)
        except (redis.RedisError, KeyError) as e:
            event = {"event": "failed", "error": f"{type(e).__name__}: {e}"}
        print(json.dumps({**event, "n": c["n"]}), flush=True)


if __name__ == "__main__":
    main()
