// The records of pushcore's plugin protocol: bytes to objects and back. Copy this file into your plugin.
//
// A record is an object with its kind and the fields of docs/plugin-protocol.md, under their names there; durations and
// times are in milliseconds (keep_alive_ms), bytes are Buffers, what is left out is 0, empty or false:
//
//   encode({ kind: "ack", conn: 7, seq: 12 })
//   const { records, rest } = decode(bytes)
//
// Numbers above 2^53 lose their lowest bits; the protocol has none that matter.

const HEADER = 24;
const BODY_MAX = 64 << 20;

export class Malformed extends Error {}

// A Writer gathers the bytes of one body.
class Writer {
  parts = [];
  uint(v) {
    const bytes = [];
    for (; v >= 128; v = Math.floor(v / 128)) bytes.push((v % 128) + 128);
    bytes.push(v);
    this.parts.push(Buffer.from(bytes));
  }
  bytes(v) {
    this.uint(v.length);
    this.parts.push(v);
  }
}

// A Reader takes fields off a body and checks every length against what is left.
class Reader {
  constructor(body) {
    this.body = body;
    this.at = 0;
  }
  left() {
    return this.body.length - this.at;
  }
  uint() {
    let v = 0;
    for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
      if (this.left() === 0) break;
      const b = this.body[this.at++];
      v += (b & 127) * scale;
      if (b < 128) return v;
    }
    throw new Malformed("a number that does not end");
  }
  count() {
    const n = this.uint();
    if (n > this.left()) throw new Malformed("a list that is longer than its record");
    return n;
  }
  bytes() {
    const n = this.count();
    this.at += n;
    return this.body.subarray(this.at - n, this.at);
  }
}

// Types of fields: how each is read and written; write takes undefined for what is left out.
const uint = { read: (r) => r.uint(), write: (w, v = 0) => w.uint(v) };
const int = {
  read: (r) => {
    const v = r.uint();
    return v % 2 === 0 ? v / 2 : -(v + 1) / 2;
  },
  write: (w, v = 0) => w.uint(v < 0 ? -2 * v - 1 : 2 * v),
};
const enumeration = (last) => ({
  read: (r) => {
    const v = r.uint();
    if (v > last) throw new Malformed("an unknown value of an enumeration");
    return v;
  },
  write: uint.write,
});
const bool = { read: (r) => enumeration(1).read(r) === 1, write: (w, v) => w.uint(v ? 1 : 0) };
const bytes = { read: (r) => r.bytes(), write: (w, v = Buffer.alloc(0)) => w.bytes(Buffer.from(v)) };
const string = { read: (r) => r.bytes().toString(), write: (w, v = "") => w.bytes(Buffer.from(v)) };
const duration = { read: (r) => int.read(r) / 1e6, write: (w, v = 0) => int.write(w, Math.round(v * 1e6)) };
const NO_TIME = -62135596800;
const time = {
  read: (r) => {
    const seconds = int.read(r);
    const nanoseconds = r.uint();
    if (nanoseconds >= 1e9) throw new Malformed("a time with more than a second of nanoseconds");
    return seconds === NO_TIME && nanoseconds === 0 ? 0 : seconds * 1000 + Math.floor(nanoseconds / 1e6);
  },
  write: (w, v = 0) => {
    const seconds = v === 0 ? NO_TIME : Math.floor(v / 1000);
    int.write(w, seconds);
    w.uint(v === 0 ? 0 : Math.round((v - seconds * 1000) * 1e6));
  },
};
const list = (item) => ({
  read: (r) => Array.from({ length: r.count() }, () => item.read(r)),
  write: (w, v = []) => {
    w.uint(v.length);
    for (const i of v) item.write(w, i);
  },
});
// struct is all of its fields; they may come from the same object as others around it.
const struct = (fields) => ({
  read: (r, into = {}) => {
    for (const [name, type] of Object.entries(fields)) into[name] = type.read(r);
    return into;
  },
  write: (w, v) => {
    for (const [name, type] of Object.entries(fields)) type.write(w, v[name]);
  },
});
const optional = (type) => ({
  read: (r) => (bool.read(r) ? type.read(r) : undefined),
  write: (w, v) => {
    bool.write(w, v !== undefined);
    if (v !== undefined) type.write(w, v);
  },
});
// fieldSet begins with a bit for each field that follows, and is empty if none does.
const fieldSet = (fields) => {
  const entries = Object.entries(fields);
  return {
    read: (r, into = {}) => {
      const set = r.left() === 0 ? 0 : r.uint();
      if (set >= 2 ** entries.length) throw new Malformed("an unknown field");
      entries.forEach(([name, type], bit) => {
        if (set & (1 << bit)) into[name] = type.read(r);
      });
      return into;
    },
    write: (w, v) => {
      const there = entries.map(([name]) => isThere(v[name]));
      const set = there.reduce((set, on, bit) => (on ? set | (1 << bit) : set), 0);
      if (set === 0) return;
      w.uint(set);
      entries.forEach(([name, type], bit) => there[bit] && type.write(w, v[name]));
    },
  };
};
const isThere = (v) => v !== undefined && v !== null && v !== 0 && v !== "" && v !== false && v.length !== 0;

const header = struct({ name: string, value: bytes });
const credentials = struct({ kind: enumeration(6), token: string, user: string, password: string, cert: bytes });
const connect = struct({
  credentials: { read: credentials.read, write: (w, v = {}) => credentials.write(w, v) },
  user: string, device: string, platform: string,
  codecs: list(string), headers: list(string), groups: list(string), keep_alive_ms: duration, window: int,
  resume: optional(struct({ token: bytes, epoch: uint, seq: uint })),
  meta: list(struct({ name: string, value: string })),
});
const accept = struct({
  owner: int, token: bytes, resumed: bool, epoch: uint, heartbeat_ms: duration, expires_ms: time, codec: string,
  max_uplink: int, window: int, remember_ids: int, user: string, device: string, keep: bytes,
});
const listen = struct({
  accept_rate: int, max_unauthenticated: int, connect_timeout_ms: duration, max_frame: int, loopback_only: bool,
});
const message = struct({
  id: string, name: string, class: enumeration(1), from_user: string, from_group: string, position: uint, codec: string,
  headers: list(header), payload: bytes,
});
const input = struct({
  position: uint, timestamp_ms: time, message_id: string, redelivered: bool, key: bytes, headers: list(header), body: bytes,
});

const eventBody = fieldSet({
  position: uint, queued: int, retry_after_ms: duration, ranges: list(struct({ first: uint, last: uint })),
  payload: bytes, id: string, name: string, group: string, text: string, connect, credentials, headers: list(header),
});
const commandBody = fieldSet({
  within_ms: duration, expires_ms: time, id: string, group: string, text: string,
  reconnect: struct({ rule: enumeration(3), after_ms: uint, address: string }), keep: bytes, accept, listen,
});
const nothing = struct({});
const OUTPUTS = ["uplink", "events", "receipt", "dead_letter"];
const output = {
  read: (r) => {
    const v = string.read(r);
    if (!OUTPUTS.includes(v)) throw new Malformed("an unknown output");
    return v;
  },
  write: string.write,
};
// Positions ascend and are written as differences.
const positions = {
  read: (r) => {
    let last = 0;
    return list(uint).read(r).map((step, i) => {
      if (i > 0 && step === 0) throw new Malformed("positions that do not ascend");
      return (last += step);
    });
  },
  write: (w, v = []) => list(uint).write(w, v.map((p, i) => (i === 0 ? p : p - v[i - 1]))),
};
// Counts of messages and items stand in the header.
const ITEM = 20;
const deliverBody = {
  read: (r, into) => {
    const { messages: m, items: n } = into;
    if (m > r.left() || n * ITEM > r.left()) throw new Malformed("a list that is longer than its record");
    into.messages = Array.from({ length: m }, () => message.read(r));
    if (r.left() !== n * ITEM) throw new Malformed("items that do not fill the record");
    into.items = Array.from({ length: n }, () => {
      const b = r.body, at = r.at;
      r.at += ITEM;
      const item = { conn: Number(b.readBigUInt64LE(at)), seq: Number(b.readBigUInt64LE(at + 8)), message: b.readUInt32LE(at + 16) };
      if (item.message >= m) throw new Malformed("an item of a message that is not there");
      return item;
    });
  },
  write: (w, v) => {
    for (const m of v.messages) message.write(w, m);
    for (const i of v.items) {
      const b = Buffer.alloc(ITEM);
      b.writeBigUInt64LE(BigInt(i.conn));
      b.writeBigUInt64LE(BigInt(i.seq ?? 0), 8);
      b.writeUInt32LE(i.message ?? 0, 16);
      w.parts.push(b);
    }
  },
};
const helloBody = {
  read: (r, into) => {
    if (r.left() !== 32) throw new Malformed("not the token of a loop");
    into.token = r.body;
    r.at += 32;
  },
  write: (w, v) => w.parts.push(v.token),
};

const renamed = struct({ from: uint, to: uint });
const adoptedBody = {
  read: (r, into) => {
    const n = into.connections;
    if (n > r.left()) throw new Malformed("a list that is longer than its record");
    into.connections = Array.from({ length: n }, () => renamed.read(r));
  },
  write: (w, v) => {
    for (const name of v.connections ?? []) renamed.write(w, name);
  },
};

// Kinds: the number, the names of what stands in the header, the body.
const kinds = {};
const define = (number, kind, head = {}, body = nothing) => (kinds[kind] = { number, kind, flags: {}, ...head, body });
["connect", "attached", "refresh", "uplink", "ack", "nack", "join", "leave", "congested", "writable", "closed"].forEach((kind, i) =>
  define(0x01 + i, kind, { flags: { final: 1, by_write: 2 }, code: "code", a: "conn", b: "seq" }, eventBody));
["accept", "reject", "uplink_result", "join_result", "refresh_result", "pause", "resume", "move", "close", "keep", "listen", "stop_listening"].forEach((kind, i) =>
  define(0x41 + i, kind, { flags: { retryable: 1, gap: 2 }, code: "code", a: "conn", b: "position" }, commandBody));
define(0x81, "deliver", { a: "messages", b: "items" }, deliverBody);
define(0x82, "flush", { a: "consumed", b: "bytes" });
define(0x83, "credit", { a: "consumed", b: "bytes" });
define(0x84, "assigned", { flags: { stable_positions: 1 }, a: "epoch" }, struct({ name: string }));
define(0x85, "revoked", { a: "epoch" }, struct({ name: string }));
define(0x86, "batch", { a: "epoch", b: "token" }, struct({ source: string, records: list(input) }));
define(0x87, "cancel", { b: "token" });
define(0x88, "taken", { flags: { refused: 1 }, b: "token" }, struct({ text: string }));
define(0x89, "settle", { flags: "outcome", a: "epoch" }, struct({ source: string, positions }));
define(0x8a, "publish", { a: "id" }, struct({ output, key: bytes, headers: list(header), body: bytes }));
define(0x8b, "published", { flags: { final: 1 }, a: "id" }, struct({ error: string }));
define(0x8c, "pause_source", {}, struct({ source: string }));
define(0x8d, "resume_source", {}, struct({ source: string }));
define(0x8e, "status", { flags: { reached: 1 } }, struct({ text: string }));
define(0x8f, "lag", { a: "count" }, struct({ source: string }));
define(0x90, "hello", { a: "loop" }, helloBody);
define(0x91, "flushed", { a: "flushes", b: "bytes" });
define(0x92, "conn", { flags: { gone: 1 }, a: "conn", b: "seq" }, struct({ acked: uint, queued: int, keep: bytes }));
define(0x93, "table_end", { a: "rows" });
define(0x94, "freeze");
define(0x95, "frozen", { a: "connections" });
define(0x96, "adopted", { a: "connections" }, adoptedBody);
const byNumber = new Map(Object.values(kinds).map((k) => [k.number, k]));
const OUTCOME_LAST = 2;

// encode returns a record's bytes.
export function encode(record) {
  const kind = kinds[record.kind];
  if (!kind) throw new Error(`there is no kind of record called ${record.kind}`);
  const w = new Writer();
  kind.body.write(w, record);
  const body = Buffer.concat(w.parts);
  const head = Buffer.alloc(HEADER);
  head.writeUInt32LE(body.length);
  head[4] = kind.number;
  head[5] = kind.flags === "outcome" ? record.outcome ?? 0
    : Object.entries(kind.flags).reduce((set, [name, bit]) => (record[name] ? set | bit : set), 0);
  head.writeUInt16LE((kind.code && record.code) || 0, 6);
  head.writeBigUInt64LE(headNumber(record[kind.a]), 8);
  head.writeBigUInt64LE(headNumber(record[kind.b]), 16);
  return Buffer.concat([head, body]);
}

const headNumber = (v) => BigInt(Array.isArray(v) ? v.length : v ?? 0);

// decode returns the whole records at the front of the bytes, and the bytes behind them. Byte fields are parts of the
// bytes that it was given. It throws Malformed: then the other side does not keep to the protocol.
export function decode(all) {
  const records = [];
  let at = 0;
  while (all.length - at >= HEADER) {
    const length = all.readUInt32LE(at);
    if (length > BODY_MAX) throw new Malformed("a body that is too long");
    const end = at + HEADER + length;
    if (end > all.length) break;
    records.push(decodeOne(all.subarray(at, at + HEADER), all.subarray(at + HEADER, end)));
    at = end;
  }
  return { records, rest: all.subarray(at) };
}

function decodeOne(head, body) {
  const kind = byNumber.get(head[4]);
  if (!kind) throw new Malformed("an unknown kind");
  const record = { kind: kind.kind };
  Object.defineProperty(record, "size", { value: HEADER + body.length }); // No field: it is for Flushed.
  if (kind.flags === "outcome") {
    if (head[5] > OUTCOME_LAST) throw new Malformed("an unknown outcome");
    record.outcome = head[5];
  } else {
    let left = head[5];
    for (const [name, bit] of Object.entries(kind.flags)) {
      if (left & bit) record[name] = true;
      left &= ~bit;
    }
    if (left) throw new Malformed("an unknown flag");
  }
  const code = head.readUInt16LE(6);
  if (kind.code) record.code = code;
  else if (code) throw new Malformed("a code that has no meaning here");
  if (kind.a) record[kind.a] = Number(head.readBigUInt64LE(8));
  if (kind.b) record[kind.b] = Number(head.readBigUInt64LE(16));
  const r = new Reader(body);
  kind.body.read(r, record);
  if (r.left() > 0) throw new Malformed("bytes after the last field");
  return record;
}
