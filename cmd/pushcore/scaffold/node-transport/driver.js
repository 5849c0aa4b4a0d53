// The driver: a device that speaks the protocol of yourplugin, for the conformance kit. See docs/plugin-driver.md of pushcore.

import net from "node:net";
import { createInterface } from "node:readline";

const LACKS = [ // what the protocol cannot do; what needs it is not tried
  "ack ranges", "nacks", "refreshes", "resumes", "heartbeats", "platforms", "codecs", "keep alives", "windows", "open groups", "positions",
];

const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

class Device {
  constructor(c) {
    this.conn = c.conn;
    this.ending = {};
    const { hostname, port } = new URL(c.url);
    this.socket = net.connect({ host: hostname, port, noDelay: true, allowHalfOpen: false });
    this.socket.on("error", () => {}); // "close" follows.
    this.socket.on("close", () => this.report("closed", this.ending));
    this.rest = "";
    this.socket.setEncoding("utf8").on("data", (text) => {
      const lines = (this.rest + text).split("\n");
      this.rest = lines.pop(); // No whole line yet.
      for (const line of lines) this.line(JSON.parse(line));
    });
    if (!c.silent) this.say({ user: c.user, device: c.device, token: c.credentials?.token });
  }

  say(line) {
    this.socket.write(JSON.stringify(line) + "\n");
  }

  report(event, fields) {
    if (this.closed) return;
    this.closed = event === "closed";
    tell({ event, conn: this.conn, ...fields });
  }

  line({ seq, id, name, payload, session, sent, joined, ended, code, text }) {
    if (session) return this.report("opened");
    if (sent) return this.report("sent", { id: sent, code, text });
    if (joined) return this.report("joined", { group: joined, code, text });
    if (ended === "rejected") return this.report("rejected", { code, text });
    if (ended) return void (this.ending = { code, text });
    this.report("message", { seq, id, name, payload });
  }

  do(c) {
    switch (c.do) {
      case "ack":
        return this.say({ ack: c.up_to });
      case "send":
        return this.say({ send: c.payload ?? "", id: c.id, name: c.name });
      case "join":
        return this.say({ join: c.group });
      case "leave":
        return this.say({ leave: c.group });
      case "stall":
        return void this.socket.pause();
      case "unstall":
        return void this.socket.resume();
      case "cut":
        return void this.socket.resetAndDestroy();
      case "close":
        return void this.socket.end();
      case "offend":
        return void this.socket.write("hello\n");
    }
    return "unsupported";
  }
}

const devices = new Map();
tell({ event: "ready", protocol: 1, lacks: LACKS });
createInterface({ input: process.stdin }).on("line", (text) => {
  const c = JSON.parse(text);
  if (c.do === "open") devices.set(c.conn, new Device(c));
  const answer = c.do === "open" ? undefined : devices.get(c.conn).do(c);
  tell({ event: answer ?? "done", n: c.n });
}).on("close", () => process.exit(0));
