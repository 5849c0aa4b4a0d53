// The transport: listeners, connections, what the runtime says to them.

import http from "node:http";
import net from "node:net";
import { answer } from "./answer.js";
import { describe, isTerminal, PLUGIN_RESTART } from "./codes.js";
import { Connection } from "./connection.js";
import { asJSON, control, message } from "./event.js";
import { address, read, schema } from "./options.js";
import { Requests } from "./post.js";
import { connectOf, isForeign } from "./request.js";

const ENDED_MAX = 10_000; // sessions whose end is remembered
const TAKEN_OVER = 4511; // the session lives on, elsewhere

export class Transport {
  info = { name: "sse", kind: "transport", version: "1.0.0", capabilities: ["ack_write"], schema: Buffer.from(JSON.stringify(schema)) };
  connections = new Map(); // by id
  sessions = new Map(); // by token: connections with a session
  ended = new Set(); // tokens of sessions whose devices must not come back by themselves
  dirty = new Map(); // by link: connections with something to write
  requests = new Requests(this);
  lastID = 0;
  turn = 0; // whose turn it is to get the next connection

  configure(given) {
    const { options, errors } = read(given);
    this.options = options;
    return { listen: [options.listen], errors };
  }

  // open binds. Requests wait for Listen.
  async open({ log, links }) {
    this.log = log;
    this.links = links;
    this.base = this.options.path.slice(0, this.options.path.lastIndexOf("/") + 1);
    this.listening = new Promise((go) => (this.listen = go));
    this.server = http.createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
      this.handle(req, res).catch((e) => {
        this.log.error("a request failed", { error: e.stack });
        res.destroy();
      });
    });
    const { host, port } = address(this.options.listen);
    await new Promise((bound, failed) => this.server.once("error", failed).listen(port, host, bound));
    const at = this.server.address();
    const name = at.family === "IPv6" ? `[${at.address}]` : at.address;
    return [`http://${name}:${at.port}${this.options.path}`];
  }

  async handle(req, res) {
    await this.listening;
    if (res.destroyed) return; // It did not wait so long.
    const url = new URL(req.url, "http://x");
    if (isForeign(req, this.options.origins, this.loopbackOnly)) return answer(res, 403, { text: "this site may not connect" });
    this.allow(req, res);
    if (req.method === "OPTIONS") return answer(res, 204);
    if (req.method === "GET" && url.pathname === this.options.path) return this.connect(req, res, url);
    if (req.method === "POST" && url.pathname.startsWith(this.base)) return this.requests.serve(url.pathname.slice(this.base.length), req, res, url);
    answer(res, 404, { text: "there is nothing here" });
  }

  // allow lets a page of another site that the options name read the answer.
  allow(req, res) {
    if (!this.options.origins.includes(req.headers.origin)) return;
    res.setHeader("access-control-allow-origin", req.headers.origin);
    res.setHeader("access-control-allow-credentials", "true");
    res.setHeader("access-control-allow-headers", "authorization, content-type");
    res.setHeader("vary", "origin");
  }

  connect(req, res, url) {
    const connect = connectOf(req, url, this.options.cookie);
    if (connect.resume && this.ended.has(connect.resume.token.toString("base64url"))) return answer(res, 204); // EventSource stops at it.
    const link = this.nextLink();
    if (!link) return answer(res, 503, { text: "busy", after_ms: 1000 });
    const conn = new Connection(++this.lastID, link, req, res, {
      json: url.searchParams.get("format") === "json", ackByWrite: this.options.ack === "write",
    });
    conn.resumeSeq = connect.resume?.seq ?? 0;
    this.connections.set(conn.id, conn);
    link.asking++;
    res.on("close", () => this.gone(conn));
    conn.emit({ kind: "connect", connect });
  }

  // nextLink is a link that takes a connection: each in turn, within its bounds.
  nextLink() {
    const open = [...this.links].filter((l) => l.listen);
    for (let i = 0; i < open.length; i++) {
      const link = open[++this.turn % open.length];
      const { accept_rate, max_unauthenticated } = link.listen;
      const second = Math.floor(Date.now() / 1000);
      if (link.second !== second) Object.assign(link, { second, accepted: 0 });
      if (link.asking >= max_unauthenticated && max_unauthenticated > 0) continue;
      if (link.accepted >= accept_rate && accept_rate > 0) continue;
      link.accepted++;
      return link;
    }
    return null;
  }

  gone(conn) {
    if (!conn.accept) conn.link.asking--;
    this.connections.delete(conn.id);
    if (this.sessions.get(conn.token) === conn) this.sessions.delete(conn.token);
    if (conn.token && isTerminal(conn.code) && conn.code !== TAKEN_OVER) {
      this.ended.add(conn.token);
      if (this.ended.size > ENDED_MAX) this.ended.delete(this.ended.values().next().value);
    }
    conn.gone();
    this.requests.credited(conn.link); // Its requests wait no longer.
    this.emptied?.();
  }

  // record is what came down on a link.
  record(link, record) {
    switch (record.kind) {
      case "deliver":
        return this.deliver(link, record);
      case "listen":
        Object.assign(link, { listen: record.listen, asking: 0 });
        this.loopbackOnly ||= record.listen.loopback_only;
        if (record.listen.connect_timeout_ms > 0) this.server.headersTimeout = record.listen.connect_timeout_ms;
        return this.listen();
      case "stop_listening":
        link.listen = null;
        if ([...this.links].every((l) => !l.listen)) this.stopListening();
        return;
    }
    const conn = this.connections.get(record.conn);
    if (conn) this.command(conn, record); // Else it has gone.
  }

  command(conn, record) {
    switch (record.kind) {
      case "accept":
        return this.accept(conn, record.accept);
      case "reject":
        return conn.reject(record);
      case "uplink_result":
        return this.result(conn, `uplink ${record.id}`, record, "sent", { id: record.id, retryable: record.retryable });
      case "join_result":
        return this.result(conn, `join ${record.group}`, record, "joined", { group: record.group, position: record.position, gap: record.gap });
      case "refresh_result":
        return this.result(conn, "refresh", record, "refreshed", { expires_ms: record.expires_ms });
      case "pause":
        conn.paused = true;
        return;
      case "resume":
        return conn.resume();
      case "move":
        conn.append(control("move", { within_ms: record.within_ms, address: record.text || undefined }), 0);
        return this.touch(conn);
      case "close":
        return conn.close(record);
      case "keep": // For those who keep their connections over a restart of the runtime.
    }
  }

  // result answers the request that asked. If that is over, a request whose connection broke, the stream says it.
  result(conn, key, record, name, fields) {
    if (conn.answered(key, record)) return;
    conn.append(control(name, { ...fields, ...(record.code ? describe(record) : {}) }), 0);
    this.touch(conn);
  }

  accept(conn, accept) {
    const owner = [...this.links].find((l) => l.loop === accept.owner);
    conn.link.asking--;
    conn.open(accept, conn.resumeSeq, owner);
    this.sessions.set(conn.token, conn);
  }

  // deliver encodes each message once for each form in which it is wanted.
  deliver(link, { messages, items }) {
    const plain = [], json = [];
    for (const { conn: id, seq, message: i } of items) {
      const conn = this.connections.get(id);
      if (!conn?.accept) continue;
      conn.append(conn.json ? (json[i] ??= asJSON(messages[i])) : (plain[i] ??= message(messages[i])), seq);
      this.touch(conn);
    }
  }

  touch(conn) {
    if (!this.dirty.has(conn.link)) this.dirty.set(conn.link, new Set());
    this.dirty.get(conn.link).add(conn);
  }

  flush(link) {
    const written = this.dirty.get(link);
    if (!written) return;
    this.dirty.delete(link);
    for (const conn of written) conn.flush();
    setImmediate(() => written.forEach((conn) => conn.look()));
  }

  credited(link) {
    this.requests.credited(link);
  }

  // stopListening closes the listener alone: over connections that are there, devices still ack.
  stopListening() {
    net.Server.prototype.close.call(this.server);
  }

  async close(withinMS) {
    if (!this.server) return;
    this.stopListening();
    this.listen();
    const emptied = new Promise((go) => (this.emptied = () => this.connections.size === 0 && go()));
    for (const conn of this.connections.values()) {
      const why = { code: PLUGIN_RESTART, text: "the transport stops" };
      if (conn.accept) conn.close(why);
      else conn.reject(why);
    }
    this.emptied();
    const late = setTimeout(() => this.connections.forEach((conn) => conn.destroy(PLUGIN_RESTART)), withinMS * 0.8);
    await emptied;
    clearTimeout(late);
    this.server.closeAllConnections();
  }
}
