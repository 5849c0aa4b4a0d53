"""The records of pushcore's plugin protocol: bytes to dictionaries and back. Copy this file into your plugin.

A record is a dictionary with its kind and the fields of docs/plugin-protocol.md, under their names there; durations and
times are in milliseconds (keep_alive_ms), bytes are bytes, what is left out is 0, empty or false:

    encode({"kind": "ack", "conn": 7, "seq": 12})
    records, rest = decode(data)
"""

import struct

HEADER = struct.Struct("<IBBHQQ")
ITEM = struct.Struct("<QQI")
BODY_MAX = 64 << 20


class Malformed(Exception):
    """The other side does not keep to the protocol."""


class Reader:
    """Takes fields off a body and checks every length against what is left."""

    def __init__(self, body):
        self.body, self.at = body, 0

    def left(self):
        return len(self.body) - self.at

    def uint(self):
        value = 0
        for shift in range(0, 70, 7):
            if self.left() == 0:
                break
            byte = self.body[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise Malformed("a number that does not end")

    def count(self):
        n = self.uint()
        if n > self.left():
            raise Malformed("a list that is longer than its record")
        return n

    def bytes(self):
        n = self.count()
        self.at += n
        return self.body[self.at - n : self.at]


def put_uint(out, value):
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


# Types of fields. Each has read(reader) and write(out, value); the value is None for what is left out.


class Uint:
    def __init__(self, last=None):
        self.last = last  # of an enumeration

    def read(self, r):
        value = r.uint()
        if self.last is not None and value > self.last:
            raise Malformed("an unknown value of an enumeration")
        return value

    def write(self, out, value):
        put_uint(out, value or 0)


class Int:
    def read(self, r):
        value = r.uint()
        return value >> 1 ^ -(value & 1)

    def write(self, out, value):
        value = value or 0
        put_uint(out, value << 1 if value >= 0 else ~(value << 1))


class Bool:
    def read(self, r):
        return Uint(1).read(r) == 1

    def write(self, out, value):
        out.append(1 if value else 0)


class Bytes:
    def read(self, r):
        return r.bytes()

    def write(self, out, value):
        value = value or b""
        put_uint(out, len(value))
        out += value


class Text(Bytes):
    def read(self, r):
        return r.bytes().decode(errors="replace")

    def write(self, out, value):
        super().write(out, (value or "").encode())


class Duration:
    def read(self, r):
        nanoseconds = INT.read(r)
        return nanoseconds / 1e6 if nanoseconds % 1_000_000 else nanoseconds // 1_000_000

    def write(self, out, value):
        INT.write(out, round((value or 0) * 1_000_000))


class Time:
    NONE = -62135596800

    def read(self, r):
        seconds, nanoseconds = INT.read(r), r.uint()
        if nanoseconds >= 1_000_000_000:
            raise Malformed("a time with more than a second of nanoseconds")
        return 0 if (seconds, nanoseconds) == (self.NONE, 0) else seconds * 1000 + nanoseconds // 1_000_000

    def write(self, out, value):
        seconds, milliseconds = divmod(value, 1000) if value else (self.NONE, 0)
        INT.write(out, seconds)
        put_uint(out, milliseconds * 1_000_000)


class List:
    def __init__(self, item):
        self.item = item

    def read(self, r):
        return [self.item.read(r) for _ in range(r.count())]

    def write(self, out, value):
        value = value or []
        put_uint(out, len(value))
        for item in value:
            self.item.write(out, item)


class Struct:
    """All of its fields, one behind the other."""

    def __init__(self, **fields):
        self.fields = fields

    def read(self, r, into=None):
        into = {} if into is None else into
        for name, kind in self.fields.items():
            into[name] = kind.read(r)
        return into

    def write(self, out, value):
        for name, kind in self.fields.items():
            kind.write(out, (value or {}).get(name))


class Optional:
    def __init__(self, kind):
        self.kind = kind

    def read(self, r):
        return self.kind.read(r) if BOOL.read(r) else None

    def write(self, out, value):
        BOOL.write(out, value is not None)
        if value is not None:
            self.kind.write(out, value)


class FieldSet:
    """Begins with a bit for each field that follows, and is empty if none does."""

    def __init__(self, **fields):
        self.fields = fields

    def read(self, r, into):
        bits = r.uint() if r.left() else 0
        if bits >= 1 << len(self.fields):
            raise Malformed("an unknown field")
        for bit, (name, kind) in enumerate(self.fields.items()):
            if bits >> bit & 1:
                into[name] = kind.read(r)

    def write(self, out, record):
        there = [(bit, kind, record[name]) for bit, (name, kind) in enumerate(self.fields.items()) if is_there(record.get(name))]
        if there:
            put_uint(out, sum(1 << bit for bit, _, _ in there))
        for _, kind, value in there:
            kind.write(out, value)


def is_there(value):
    return value is not None and (isinstance(value, dict) or bool(value))


class Output(Text):
    NAMES = ("uplink", "events", "receipt", "dead_letter")

    def read(self, r):
        name = super().read(r)
        if name not in self.NAMES:
            raise Malformed("an unknown output")
        return name


class Positions:
    """Positions ascend and are written as differences."""

    def read(self, r):
        steps, last, positions = List(UINT).read(r), 0, []
        for i, step in enumerate(steps):
            if i > 0 and step == 0:
                raise Malformed("positions that do not ascend")
            last += step
            positions.append(last)
        return positions

    def write(self, out, value):
        value = value or []
        List(UINT).write(out, [p - (value[i - 1] if i else 0) for i, p in enumerate(value)])


UINT, INT, BOOL, BYTES, TEXT, DURATION, TIME = Uint(), Int(), Bool(), Bytes(), Text(), Duration(), Time()

HEADERS = List(Struct(name=TEXT, value=BYTES))
CREDENTIALS = Struct(kind=Uint(6), token=TEXT, user=TEXT, password=TEXT, cert=BYTES)
CONNECT = Struct(
    credentials=CREDENTIALS, user=TEXT, device=TEXT, platform=TEXT, codecs=List(TEXT), headers=List(TEXT), groups=List(TEXT),
    keep_alive_ms=DURATION, window=INT, resume=Optional(Struct(token=BYTES, epoch=UINT, seq=UINT)),
    meta=List(Struct(name=TEXT, value=TEXT)),
)
ACCEPT = Struct(
    owner=INT, token=BYTES, resumed=BOOL, epoch=UINT, heartbeat_ms=DURATION, expires_ms=TIME, codec=TEXT, max_uplink=INT,
    window=INT, remember_ids=INT, user=TEXT, device=TEXT, keep=BYTES,
)
LISTEN = Struct(accept_rate=INT, max_unauthenticated=INT, connect_timeout_ms=DURATION, max_frame=INT, loopback_only=BOOL)
MESSAGE = Struct(
    id=TEXT, name=TEXT, **{"class": Uint(1)}, from_user=TEXT, from_group=TEXT, position=UINT, codec=TEXT, headers=HEADERS, payload=BYTES
)
RECORD = Struct(position=UINT, timestamp_ms=TIME, message_id=TEXT, redelivered=BOOL, key=BYTES, headers=HEADERS, body=BYTES)
RENAMED = Struct(**{"from": UINT, "to": UINT})


class Deliver:
    """Messages, then items; the header counts them."""

    def read(self, r, into):
        m, n = into["messages"], into["items"]
        if m > r.left() or n * ITEM.size > r.left():
            raise Malformed("a list that is longer than its record")
        into["messages"] = [MESSAGE.read(r) for _ in range(m)]
        if r.left() != n * ITEM.size:
            raise Malformed("items that do not fill the record")
        into["items"] = [dict(zip(("conn", "seq", "message"), item)) for item in ITEM.iter_unpack(r.body[r.at :])]
        if any(item["message"] >= m for item in into["items"]):
            raise Malformed("an item of a message that is not there")
        r.at = len(r.body)

    def write(self, out, record):
        for message in record["messages"]:
            MESSAGE.write(out, message)
        for item in record["items"]:
            out += ITEM.pack(item["conn"], item.get("seq", 0), item.get("message", 0))


class Adopted:
    def read(self, r, into):
        if into["connections"] > r.left():
            raise Malformed("a list that is longer than its record")
        into["connections"] = [RENAMED.read(r) for _ in range(into["connections"])]

    def write(self, out, record):
        for renamed in record.get("connections", []):
            RENAMED.write(out, renamed)


class Hello:
    def read(self, r, into):
        if r.left() != 32:
            raise Malformed("not the token of a loop")
        into["token"], r.at = r.body, 32

    def write(self, out, record):
        out += record["token"]


class Kind:
    """What stands in a record's header under which name, and its body."""

    def __init__(self, number, name, body=None, flags=None, code=False, a=None, b=None):
        self.number, self.name, self.body = number, name, body or Struct()
        self.flags, self.code, self.a, self.b = flags or {}, code, a, b


OUTCOME = "outcome"  # stands in place of the flags
OUTCOME_LAST = 2

EVENT = FieldSet(
    position=UINT, queued=INT, retry_after_ms=DURATION, ranges=List(Struct(first=UINT, last=UINT)), payload=BYTES, id=TEXT,
    name=TEXT, group=TEXT, text=TEXT, connect=CONNECT, credentials=CREDENTIALS, headers=HEADERS,
)
EVENTS = "connect attached refresh uplink ack nack join leave congested writable closed".split()
COMMAND = FieldSet(
    within_ms=DURATION, expires_ms=TIME, id=TEXT, group=TEXT, text=TEXT,
    reconnect=Struct(rule=Uint(3), after_ms=UINT, address=TEXT), keep=BYTES, accept=ACCEPT, listen=LISTEN,
)
COMMANDS = (
    "accept reject uplink_result join_result refresh_result pause resume move close keep listen stop_listening".split()
)

KINDS = [
    *(Kind(0x01 + i, name, EVENT, {"final": 1, "by_write": 2}, True, "conn", "seq") for i, name in enumerate(EVENTS)),
    *(Kind(0x41 + i, name, COMMAND, {"retryable": 1, "gap": 2}, True, "conn", "position") for i, name in enumerate(COMMANDS)),
    Kind(0x81, "deliver", Deliver(), a="messages", b="items"),
    Kind(0x82, "flush", a="consumed", b="bytes"),
    Kind(0x83, "credit", a="consumed", b="bytes"),
    Kind(0x84, "assigned", Struct(name=TEXT), {"stable_positions": 1}, a="epoch"),
    Kind(0x85, "revoked", Struct(name=TEXT), a="epoch"),
    Kind(0x86, "batch", Struct(source=TEXT, records=List(RECORD)), a="epoch", b="token"),
    Kind(0x87, "cancel", b="token"),
    Kind(0x88, "taken", Struct(text=TEXT), {"refused": 1}, b="token"),
    Kind(0x89, "settle", Struct(source=TEXT, positions=Positions()), OUTCOME, a="epoch"),
    Kind(0x8A, "publish", Struct(output=Output(), key=BYTES, headers=HEADERS, body=BYTES), a="id"),
    Kind(0x8B, "published", Struct(error=TEXT), {"final": 1}, a="id"),
    Kind(0x8C, "pause_source", Struct(source=TEXT)),
    Kind(0x8D, "resume_source", Struct(source=TEXT)),
    Kind(0x8E, "status", Struct(text=TEXT), {"reached": 1}),
    Kind(0x8F, "lag", Struct(source=TEXT), a="count"),
    Kind(0x90, "hello", Hello(), a="loop"),
    Kind(0x91, "flushed", a="flushes", b="bytes"),
    Kind(0x92, "conn", Struct(acked=UINT, queued=INT, keep=BYTES), {"gone": 1}, a="conn", b="seq"),
    Kind(0x93, "table_end", a="rows"),
    Kind(0x94, "freeze"),
    Kind(0x95, "frozen", a="connections"),
    Kind(0x96, "adopted", Adopted(), a="connections"),
]
BY_NAME = {kind.name: kind for kind in KINDS}
BY_NUMBER = {kind.number: kind for kind in KINDS}


def encode(record):
    """Returns a record's bytes."""
    kind = BY_NAME[record["kind"]]
    body = bytearray()
    kind.body.write(body, record)
    if kind.flags == OUTCOME:
        flags = record.get("outcome", 0)
    else:
        flags = sum(bit for name, bit in kind.flags.items() if record.get(name))
    code = record.get("code", 0) if kind.code else 0
    return HEADER.pack(len(body), kind.number, flags, code, head_number(record, kind.a), head_number(record, kind.b)) + body


def head_number(record, name):
    value = record.get(name, 0) if name else 0
    return len(value) if isinstance(value, list) else value


def decode(data):
    """Returns the whole records at the front of the data, and the bytes behind them. Raises Malformed.

    Each record has its length in bytes as "size".
    """
    records, at = [], 0
    while len(data) - at >= HEADER.size:
        length, *head = HEADER.unpack_from(data, at)
        if length > BODY_MAX:
            raise Malformed("a body that is too long")
        end = at + HEADER.size + length
        if end > len(data):
            break
        records.append(decode_one(head, data[at + HEADER.size : end]))
        at = end
    return records, data[at:]


def decode_one(head, body):
    number, flags, code, a, b = head
    kind = BY_NUMBER.get(number)
    if kind is None:
        raise Malformed("an unknown kind")
    record = {"kind": kind.name, "size": HEADER.size + len(body)}
    if kind.flags == OUTCOME:
        if flags > OUTCOME_LAST:
            raise Malformed("an unknown outcome")
        record["outcome"] = flags
    else:
        record.update((name, True) for name, bit in kind.flags.items() if flags & bit)
        if flags & ~sum(kind.flags.values()):
            raise Malformed("an unknown flag")
    if kind.code:
        record["code"] = code
    elif code:
        raise Malformed("a code that has no meaning here")
    if kind.a:
        record[kind.a] = a
    if kind.b:
        record[kind.b] = b
    reader = Reader(body)
    kind.body.read(reader, record)
    if reader.left():
        raise Malformed("bytes after the last field")
    return record
