// A connection: one GET of the stream, from its request to its end.

import { describe, HEARTBEAT_TIMEOUT, retryAfter, SLOW, status } from "./codes.js";
import { comment, control } from "./event.js";
import { eventID } from "./request.js";

const QUEUE_MAX = 8 << 20; // bytes that wait for one socket; the runtime stops long before, it says so itself
const END_MS = 5000; // for the last bytes to leave in

export class Connection {
  constructor(id, link, req, res, how) {
    this.id = id;
    this.link = link; // that of the Connect, then that of accept.owner
    this.res = res;
    this.json = how.json;
    this.ackByWrite = how.ackByWrite;
    this.accept = null; // until the session stands
    this.code = 0; // why it ends, if we end it
    this.ended = false;
    this.out = ""; // of this turn
    this.outSeq = 0; // the highest number in out
    this.writes = 0; // that the socket has not taken
    this.congested = false;
    this.paused = false;
    this.waiting = []; // requests that are not read while it is paused
    this.questions = new Map(); // what the device asked and the runtime has not answered
    this.silent = 0;
    req.socket.setNoDelay(true);
  }

  emit(record) {
    if (!this.ended) this.link.send({ ...record, conn: this.id });
  }

  // open begins the stream: the session stands.
  open(accept, resumeSeq, link) {
    this.accept = accept;
    this.link = link;
    this.token = accept.token.toString("base64url");
    this.emit({ kind: "attached" });
    if (this.res.destroyed) return; // Closed follows.
    this.res.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no",
    });
    this.out = control("accept", {
      session: this.token, epoch: accept.epoch, resumed: accept.resumed, user: accept.user, device: accept.device,
      heartbeat_ms: accept.heartbeat_ms, expires_ms: accept.expires_ms || undefined, remember_ids: accept.remember_ids,
      max_uplink: accept.max_uplink,
    }, `id: ${eventID(accept, accept.resumed ? resumeSeq : 0)}\n`);
    this.flush();
    if (accept.heartbeat_ms > 0) this.heart = setInterval(() => this.beat(), accept.heartbeat_ms);
  }

  reject({ code, text, reconnect }) {
    this.code = code;
    this.text = text;
    const body = JSON.stringify(describe({ code, text, reconnect }));
    this.res.writeHead(status(code), { "content-type": "application/json", "retry-after": retryAfter(reconnect), connection: "close" });
    this.res.end(body);
    this.hurry();
  }

  // append adds an event to the turn; flush writes it.
  append(event, seq) {
    if (seq > 0) {
      this.out += `id: ${eventID(this.accept, seq)}\n`;
      this.outSeq = seq;
    }
    this.out += event;
  }

  flush() {
    if (this.out === "" || this.ended || this.code) return;
    const seq = this.outSeq;
    this.writes++;
    this.res.write(this.out, (error) => error || this.written(seq));
    this.out = "";
    this.outSeq = 0;
    if (this.res.writableLength > QUEUE_MAX) this.destroy(SLOW, "the device reads too slowly");
  }

  written(seq) {
    this.writes--;
    if (this.ackByWrite && seq > 0) this.emit({ kind: "ack", seq, by_write: true });
    if (this.congested && this.writes === 0) {
      this.congested = false;
      this.silent = 0;
      this.emit({ kind: "writable" });
    }
  }

  // look finds out, when the socket had its chance, whether it took everything.
  look() {
    if (this.writes === 0 || this.congested || this.ended || this.code) return;
    this.congested = true;
    this.emit({ kind: "congested", queued: Math.max(1, this.res.writableLength) });
  }

  // beat lets both ends know that the other is there: a socket that takes nothing for two heartbeats is none.
  beat() {
    if (this.paused) return;
    if (this.congested) {
      if (++this.silent >= 2) this.destroy(HEARTBEAT_TIMEOUT, "the socket took nothing for two heartbeats");
      return;
    }
    this.res.write(comment);
  }

  // close writes what there is, says why, and ends the stream.
  close({ code, text, reconnect }) {
    if (this.code) return;
    this.flush();
    this.code = code;
    this.text = text;
    const retry = reconnect?.after_ms ? `retry: ${reconnect.after_ms}\n` : "";
    this.res.end(control("close", describe({ code, text, reconnect }), retry));
    this.hurry();
  }

  destroy(code, text) {
    this.code ||= code;
    this.text ??= text;
    this.res.destroy();
  }

  hurry() {
    this.late = setTimeout(() => this.res.destroy(), END_MS);
  }

  // gone is called once, when the stream is over on both sides.
  gone() {
    clearInterval(this.heart);
    clearTimeout(this.late);
    this.emit({ kind: "closed", code: this.code, text: this.text });
    this.ended = true;
    for (const waiters of this.questions.values()) waiters.forEach((answer) => answer(null));
    this.resume();
  }

  // readable returns when requests of the device may be read.
  async readable() {
    while (this.paused && !this.ended) await new Promise((go) => this.waiting.push(go));
  }

  resume() {
    this.paused = false;
    for (const go of this.waiting.splice(0)) go();
  }

  // ask puts a question to the runtime and returns its answer, null if the connection ends before.
  ask(key, record) {
    if (this.ended) return Promise.resolve(null);
    return new Promise((answer) => {
      this.questions.set(key, [...(this.questions.get(key) ?? []), answer]);
      this.emit(record);
    });
  }

  // answered gives an answer to who waits for it, and says whether somebody does.
  answered(key, record) {
    const [first, ...rest] = this.questions.get(key) ?? [];
    if (rest.length > 0) this.questions.set(key, rest);
    else this.questions.delete(key);
    first?.(record);
    return first !== undefined;
  }
}
