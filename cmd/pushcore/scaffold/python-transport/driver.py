#!/usr/bin/env python3
"""The driver: a device that speaks the protocol of yourplugin, for the conformance kit. See docs/plugin-driver.md of pushcore."""

import json
import socket
import struct
import sys
import threading
from urllib.parse import urlsplit

LACKS = [  # what the protocol cannot do; what needs it is not tried
    "ack ranges", "nacks", "refreshes", "resumes", "heartbeats", "platforms", "codecs", "keep alives", "windows", "open groups", "positions",
]

output = threading.Lock()


def tell(**event):
    with output:
        print(json.dumps(event), flush=True)


class Device:
    """One connection, with a thread that reads."""

    def __init__(self, c):
        self.conn, self.reading = c["conn"], threading.Event()
        url = urlsplit(c["url"])
        self.socket = socket.create_connection((url.hostname, url.port), timeout=5)
        self.socket.settimeout(None)
        self.reading.set()
        if not c.get("silent"):
            self.say(user=c.get("user"), device=c.get("device"), token=c.get("credentials", {}).get("token"))

    def say(self, **line):
        self.socket.sendall(json.dumps(line).encode() + b"\n")

    def read(self):
        ending, rest = {}, b""
        while True:
            self.reading.wait()
            try:
                data = self.socket.recv(64 << 10)
            except OSError:
                break
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in map(json.loads, lines):
                ending = self.line(line) or ending
        self.socket.close()
        tell(event="closed", conn=self.conn, **ending)

    def line(self, line):
        """Reports a line, and returns the reason of the end if it is that."""
        reason = {name: line[name] for name in ("code", "text") if name in line}
        if "session" in line:
            tell(event="opened", conn=self.conn)
        elif "sent" in line:
            tell(event="sent", conn=self.conn, id=line["sent"], **reason)
        elif "joined" in line:
            tell(event="joined", conn=self.conn, group=line["joined"], **reason)
        elif line.get("ended") == "rejected":
            tell(event="rejected", conn=self.conn, **reason)
        elif "ended" in line:
            return reason
        else:
            tell(event="message", conn=self.conn, seq=line["seq"], id=line["id"], name=line["name"], payload=line["payload"])

    def do(self, c):
        match c["do"]:
            case "ack":
                self.say(ack=c["up_to"])
            case "send":
                self.say(send=c.get("payload", ""), id=c["id"], name=c.get("name", ""))
            case "join":
                self.say(join=c["group"])
            case "leave":
                self.say(leave=c["group"])
            case "stall":
                self.reading.clear()
            case "unstall":
                self.reading.set()
            case "cut":
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.socket.shutdown(socket.SHUT_RD)  # Its thread ends, and closes it.
                self.reading.set()
            case "close":
                self.socket.shutdown(socket.SHUT_WR)
            case "offend":
                self.socket.sendall(b"hello\n")
            case _:
                return "unsupported"


def main():
    devices = {}
    tell(event="ready", protocol=1, lacks=LACKS)
    for c in map(json.loads, sys.stdin):
        try:
            if c["do"] == "open":
                device = devices[c["conn"]] = Device(c)
                answer = None
            else:
                answer = devices[c["conn"]].do(c)
        except (OSError, KeyError) as e:
            tell(event="failed", n=c["n"], error=str(e) or type(e).__name__)
            continue
        tell(event=answer or "done", n=c["n"])
        if c["do"] == "open":
            threading.Thread(target=device.read, daemon=True).start()


if __name__ == "__main__":
    main()
