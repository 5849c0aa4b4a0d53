"""One connection: connecting → waiting (for accept) → attached → ending."""

import asyncio
import json

from line import connect, encode, event

LINE_MAX = 64 << 10
LOOK = 0.05  # seconds between looks for credit
LINGER = 5  # seconds for a device to read why it ends
PROTOCOL_ERROR = 4500


def reason(record):
    """Code and text of a record, in which 0 and empty may be left out."""
    return {"code": record.get("code", 0), "text": record.get("text", "")}


class Connection(asyncio.Protocol):
    def __init__(self, owner):
        self.owner = owner
        self.state, self.known = "connecting", False
        self.input, self.out = b"", b""
        self.paused = self.congested = False
        self.link = self.late = self.looking = None
        self.why = {}  # the record that ended it, or what is like it
        self.over = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=0)  # Told of everything that the socket does not take.
        transport.pause_reading()
        self.owner.welcome(self)

    def begin(self, number, link, within):
        self.id, self.link = number, link
        self.owner.asking[link] += 1
        if within > 0:
            self.late = asyncio.get_running_loop().call_later(within, self.transport.abort)
        self.lines()

    def emit(self, **record):
        self.link.send({**record, "conn": self.id})

    def data_received(self, data):
        if self.state != "ending":
            self.input += data
            self.lines()

    def lines(self):
        """Reports whole lines. Others stay, and all while nothing is to be read."""
        while self.state != "ending":
            starved = self.state == "attached" and self.link.credit() == 0
            reads = self.state == "connecting" or self.state == "attached" and not self.paused and not starved
            if starved and not self.looking:  # Credit comes without a call.
                self.looking = asyncio.get_running_loop().call_later(LOOK, self.look)
            if not self.transport.is_closing():
                self.transport.resume_reading() if reads else self.transport.pause_reading()
            line, end, rest = self.input.partition(b"\n")
            if not reads or not end and len(self.input) <= LINE_MAX:
                return
            try:
                line = dict(json.loads(line))
            except (ValueError, TypeError):
                self.end("closed", {"code": PROTOCOL_ERROR, "text": "this is no line of JSON"})
                return
            self.input = rest
            if self.state == "attached":
                self.emit(**event(line))
                continue
            if self.late:
                self.late.cancel()
            self.state, self.known = "waiting", True
            self.emit(kind="connect", connect=connect(line, "%s:%d" % self.transport.get_extra_info("peername")[:2]))

    def look(self):
        self.looking = None
        self.lines()

    def command(self, record):
        kind = record["kind"]
        if kind == "accept":
            self.accept(record["accept"])
        elif kind == "reject":
            self.end("rejected", record)
        elif kind == "close":
            self.end("closed", record)
        elif kind == "uplink_result":
            self.append(encode({"sent": record["id"], **reason(record)}))
        elif kind == "join_result":
            self.append(encode({"joined": record["group"], **reason(record)}))
        elif kind in ("pause", "resume"):
            self.paused = kind == "pause"
            self.lines()

    def accept(self, accept):
        """Moves the connection to the link of its user: all that follows goes there."""
        if self.state != "waiting":
            return
        self.owner.asking[self.link] -= 1
        self.link = next(k for k in self.owner.links if k.loop == accept["owner"])
        self.state = "attached"
        self.emit(kind="attached")
        self.append(encode({"session": accept["user"]}))
        self.write()
        self.lines()  # That came behind the first.

    def append(self, data):
        if self.state != "ending":
            self.out += data
            self.owner.dirty.setdefault(self.link, {})[self] = True

    def write(self):
        data, self.out = self.out, b""
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def pause_writing(self):
        if self.state == "attached" and not self.congested:
            self.congested = True
            self.emit(kind="congested", queued=max(1, self.transport.get_write_buffer_size()))

    def resume_writing(self):
        if self.state == "attached" and self.congested:
            self.congested = False
            self.emit(kind="writable")

    def end(self, how, why):
        """Says why, behind what is queued. The device hangs up when it has read that."""
        if self.state == "ending":
            return
        self.append(encode({"ended": how, **reason(why)}))
        self.write()
        if self.state != "attached":
            self.owner.asking[self.link] -= 1
        self.state, self.why = "ending", why
        if not self.transport.is_closing():
            self.transport.resume_reading()  # What comes is thrown away, up to the end.
            self.transport.write_eof()
        self.late = asyncio.get_running_loop().call_later(LINGER, self.transport.abort)

    def connection_lost(self, error):
        if self.late:
            self.late.cancel()
        if self.state in ("connecting", "waiting") and self.link:
            self.owner.asking[self.link] -= 1
        self.state = "ending"
        if self.looking:
            self.looking.cancel()
        if self.link:
            del self.owner.conns[self.id]
        if self.known:
            self.emit(kind="closed", **reason(self.why))
        self.over.set()
