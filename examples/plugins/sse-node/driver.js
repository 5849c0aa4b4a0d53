#!/usr/bin/env node
// The driver for `pushcore plugin test --driver "node driver.js" -- node main.js`: a small device, see docs/plugin-driver.md.

import http from "node:http";
import { createInterface } from "node:readline";

const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
const bytes = (v, name) => (v[`${name}_base64`] ? Buffer.from(v[`${name}_base64`], "base64") : Buffer.from(v[name] ?? ""));

class Device {
  constructor(command) {
    this.conn = command.conn;
    this.url = new URL(command.url);
    this.code = 0;
    this.agent = new http.Agent({ keepAlive: true }); // Of the requests beside the stream; what is sent keeps its order.
    this.inOrder = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const query = new URLSearchParams({ format: "json" });
    for (const name of ["user", "device", "platform", "window"]) if (command[name]) query.set(name, command[name]);
    for (const group of command.groups ?? []) query.append("group", group);
    const headers = authorization(command.credentials);
    if (command.resume) {
      headers["last-event-id"] = `${bytes(command.resume, "token").toString("base64url")}.${command.resume.epoch ?? 0}.${command.resume.seq ?? 0}`;
    }
    this.request = http.get(`${command.url}?${query}`, { headers, agent: false }, (res) => this.opened(res));
    this.request.on("error", () => this.over());
    this.request.on("close", () => this.over());
  }

  report(event, fields) {
    if (!this.done) say({ event, conn: this.conn, ...fields });
  }

  over() {
    if (this.done) return;
    this.report("closed", { code: this.code, text: this.text });
    this.done = true;
    this.agent.destroy();
    this.inOrder.destroy();
  }

  opened(res) {
    this.stream = res;
    res.on("error", () => this.over());
    res.setEncoding("utf8");
    if (res.statusCode !== 200) {
      let body = "";
      res.on("data", (part) => (body += part));
      res.on("end", () => {
        const { code, text } = body ? JSON.parse(body) : {};
        this.report("rejected", { code, text });
        this.over();
      });
      return;
    }
    let rest = "";
    res.on("data", (part) => {
      const blocks = (rest + part).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) this.event(block);
    });
    res.on("end", () => this.over());
  }

  event(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
    if (fields.data === undefined) return;
    const data = JSON.parse(fields.data);
    switch (fields.event) {
      case "pushcore:accept":
        this.session = data.session;
        return this.report("opened", { resumed: data.resumed, token_base64: Buffer.from(data.session, "base64url").toString("base64"), epoch: data.epoch });
      case "pushcore:close":
        this.code = data.code;
        this.text = data.text;
        return;
      case "pushcore:move":
        return this.report("moved", { text: data.address });
      case "pushcore:sent":
      case "pushcore:joined":
      case "pushcore:refreshed": { // What no request waits for.
        const { id, group, position, gap, code, text, retryable } = data;
        return this.report(fields.event.slice("pushcore:".length), { id, group, position, gap, code, text, retryable });
      }
    }
    const { id, name, payload, payload_base64 } = data;
    this.report("message", { seq: fields.id ? Number(fields.id.split(".")[2]) : 0, id, name, payload, payload_base64 });
  }

  // post sends a request beside the stream; its answer is reported.
  post(path, query, { body, headers = {}, answer, agent = this.agent } = {}) {
    for (const [name, v] of Object.entries(query)) if (v === undefined) delete query[name];
    const url = new URL(`/${path}?${new URLSearchParams({ session: this.session, ...query })}`, this.url);
    const request = http.request(url, { method: "POST", headers, agent }, (res) => {
      let text = "";
      res.on("data", (part) => (text += part));
      res.on("end", () => answer?.(text ? JSON.parse(text) : {}, res.statusCode));
    });
    request.on("error", () => {}); // The device has gone.
    request.end(body);
  }

  do(c) {
    switch (c.do) {
      case "ack":
        return this.post("ack", { seq: c.up_to ?? 0 });
      case "nack":
        return this.post("nack", { seq: c.seq, retry_after_ms: c.retry_after_ms, final: c.final ? 1 : undefined, text: c.text });
      case "send":
        return this.post("send", { uplink_id: c.id, name: c.name, wait: 0 }, {
          body: bytes(c, "payload"),
          agent: this.inOrder,
          answer: ({ code, text, retryable }, status) => status === 202 || this.report("sent", { id: c.id, code, text, retryable }),
        });
      case "join":
        return this.post("join", { group: c.group, position: c.position }, {
          answer: ({ code, text, position, gap }) => this.report("joined", { group: c.group, code, text, position, gap }),
        });
      case "leave":
        return this.post("leave", { group: c.group });
      case "refresh":
        return this.post("refresh", {}, {
          headers: authorization(c.credentials),
          answer: ({ code, text }) => this.report("refreshed", { code, text }),
        });
      case "stall":
        return void this.stream?.pause();
      case "unstall":
        return void this.stream?.resume();
      case "cut":
        return void this.request.socket?.resetAndDestroy();
      case "close":
        return void this.request.destroy();
    }
    return "unsupported";
  }
}

function authorization(credentials) {
  if (!credentials) return {};
  if (credentials.kind === "bearer") return { authorization: `Bearer ${credentials.token}` };
  return { authorization: "Basic " + Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64") };
}

const devices = new Map();
const LACKS = ["ack ranges", "early sends", "silence", "heartbeats", "codecs", "keep alives", "host time", "host credit"];
say({ event: "ready", protocol: 1, lacks: LACKS });

createInterface({ input: process.stdin }).on("line", (line) => {
  const c = JSON.parse(line);
  if (c.do === "open" && c.silent) return say({ event: "unsupported", n: c.n });
  if (c.do === "open") {
    devices.set(c.conn, new Device(c));
    return say({ event: "done", n: c.n });
  }
  const device = devices.get(c.conn);
  if (!device) return say({ event: "failed", n: c.n, error: "there is no such connection" });
  say({ event: device.do(c) ?? "done", n: c.n });
}).on("close", () => process.exit(0));
