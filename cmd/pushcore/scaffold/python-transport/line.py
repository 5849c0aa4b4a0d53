"""What stands in a line: your protocol. Lines are JSON, one object each."""

import json


def connect(line, peer):
    """What the first line says."""
    token = line.get("token", "")
    return {
        "credentials": {"kind": 1, "token": token} if token else {"kind": 0},  # 1: bearer
        "user": line.get("user", ""),
        "device": line.get("device", ""),
        "meta": [{"name": "transport", "value": "yourplugin"}, {"name": "peer", "value": peer}],
    }


def event(line):
    """What any other line says."""
    if "send" in line:
        return {"kind": "uplink", "id": line.get("id", ""), "name": line.get("name", ""), "payload": line["send"].encode()}
    if "join" in line:
        return {"kind": "join", "group": line["join"]}
    if "leave" in line:
        return {"kind": "leave", "group": line["leave"]}
    return {"kind": "ack", "seq": line.get("ack", 0)}


def encode(line):
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def body(message):
    """The part of a message's line that is the same for all who get it."""
    return encode({"id": message["id"], "name": message["name"], "payload": message["payload"].decode(errors="replace")})[1:]


def push(seq, body):
    return b'{"seq":%d,' % seq + body
