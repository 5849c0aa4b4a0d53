// One connection: connecting → waiting (for accept) → attached → ending.

import { connect, ended, event, joined, sent, session } from "./line.js";

const LINE_MAX = 64 << 10;
const LINGER_MS = 5000; // for a device to read why it ends
const PROTOCOL_ERROR = 4500;

export class Connection {
  constructor(id, transport, link, socket) {
    Object.assign(this, { id, transport, link, socket, state: "connecting", in: "", out: "", writes: 0, paused: false, congested: false });
    link.asking++;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.why = { code: 0, text: "" };
    const within = link.listen.connect_timeout_ms;
    if (within > 0) this.late = setTimeout(() => socket.destroy(), within);
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      if (this.state === "ending") return;
      this.in += text;
      this.lines();
    });
    socket.on("close", () => this.gone());
  }

  emit(record) {
    this.link.send({ ...record, conn: this.id });
  }

  // lines reports whole lines. Others stay, and all while nothing is to be read.
  lines() {
    for (;;) {
      const reads = this.state === "connecting" || (this.state === "attached" && !this.paused && this.link.credit() > 0);
      if (this.state !== "ending") reads ? this.socket.resume() : this.socket.pause();
      const end = this.in.indexOf("\n");
      if (!reads || (end < 0 && this.in.length <= LINE_MAX)) return;
      let l;
      try {
        l = JSON.parse(this.in.slice(0, end));
      } catch {
        return this.end("closed", { code: PROTOCOL_ERROR, text: "this is no line of JSON" });
      }
      this.in = this.in.slice(end + 1);
      if (this.state === "attached") {
        this.emit(event(l));
        continue;
      }
      clearTimeout(this.late);
      this.state = "waiting";
      this.known = true;
      this.emit({ kind: "connect", connect: connect(l, this.peer) });
    }
  }

  command(record) {
    switch (record.kind) {
      case "accept":
        return this.accept(record.accept);
      case "reject":
        return this.end("rejected", record);
      case "close":
        return this.end("closed", record);
      case "uplink_result":
        return this.say(sent(record));
      case "join_result":
        return this.say(joined(record));
      case "pause":
      case "resume":
        this.paused = record.kind === "pause";
        return this.lines();
    }
  }

  // accept moves the connection to the link of its user: all that follows goes there.
  accept(accept) {
    if (this.state !== "waiting") return;
    this.link.asking--;
    this.link = [...this.transport.links].find((l) => l.loop === accept.owner);
    this.state = "attached";
    this.emit({ kind: "attached" });
    this.say(session(accept));
    this.write();
    this.lines(); // That came behind the first.
  }

  say(line) {
    this.append(JSON.stringify(line) + "\n");
  }

  append(text) {
    if (this.state === "ending") return;
    this.out += text;
    this.transport.touch(this);
  }

  write() {
    if (this.out === "" || this.socket.destroyed) return;
    this.writes++;
    this.socket.write(this.out, () => this.written());
    this.out = "";
    setImmediate(() => this.look());
  }

  written() {
    if (--this.writes > 0 || !this.congested || this.state !== "attached") return;
    this.congested = false;
    this.emit({ kind: "writable" });
  }

  // look finds out, when the socket had its chance, whether it took everything.
  look() {
    if (this.writes === 0 || this.congested || this.state !== "attached" || this.socket.destroyed) return;
    this.congested = true;
    this.emit({ kind: "congested", queued: Math.max(1, this.socket.writableLength) });
  }

  // end says why, behind what is queued. The device hangs up when it has read that.
  end(how, why) {
    if (this.state === "ending") return;
    this.say(ended(how, why));
    if (this.state !== "attached") this.link.asking--;
    this.state = "ending";
    this.why = why;
    this.socket.resume(); // What comes is thrown away, up to the end.
    this.socket.end(this.out);
    this.out = "";
    this.late = setTimeout(() => this.socket.destroy(), LINGER_MS);
  }

  gone() {
    clearTimeout(this.late);
    if (this.state === "connecting" || this.state === "waiting") this.link.asking--;
    this.state = "ending";
    this.transport.conns.delete(this.id);
    if (this.known) this.emit({ kind: "closed", code: this.why.code, text: this.why.text });
  }
}
