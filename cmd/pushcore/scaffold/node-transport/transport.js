// The transport: a listener, connections, what the runtime says to them.

import net from "node:net";
import { Connection } from "./connection.js";
import { body, push } from "./line.js";

export class Transport {
  info = { name: "yourplugin", kind: "transport", version: "0.1.0" };
  conns = new Map(); // by id
  dirty = new Map(); // by link: connections with something to write
  lastID = 0;

  configure(given) {
    const errors = [];
    for (const name of Object.keys(given)) {
      if (name !== "listen") errors.push({ pointer: `/${name}`, message: "unknown option; there is only listen" });
    }
    const [, host, port] = /^(.*):(\d{1,5})$/.exec(given.listen) ?? [];
    if (port === undefined) errors.push({ pointer: "/listen", message: "must be host:port" });
    this.address = { host, port: Number(port) };
    return { listen: [String(given.listen)], errors };
  }

  // open binds. Who connects waits for Listen.
  async open({ log, links }) {
    this.log = log;
    this.links = links;
    this.listening = new Promise((go) => (this.listen = go));
    this.server = net.createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => {}); // "close" follows.
      this.listening.then(() => this.welcome(socket));
    });
    await new Promise((bound, failed) => this.server.once("error", failed).listen(this.address, bound));
    const { address, port } = this.server.address();
    return [`yourplugin://${address}:${port}`];
  }

  // welcome gives a connection to the link that has the fewest without a session.
  welcome(socket) {
    const [link] = [...this.links].filter((l) => l.listen).sort((a, b) => a.asking - b.asking);
    const most = link?.listen.max_unauthenticated ?? 0;
    if (!link || socket.destroyed || (most > 0 && link.asking >= most)) return socket.destroy();
    const conn = new Connection(++this.lastID, this, link, socket);
    this.conns.set(conn.id, conn);
  }

  // record is what came down on a link.
  record(link, record) {
    switch (record.kind) {
      case "deliver":
        return this.deliver(record);
      case "listen":
        Object.assign(link, { listen: record.listen, asking: 0 });
        return this.listen();
      case "stop_listening":
        link.listen = null;
        if ([...this.links].every((l) => !l.listen)) this.server.close();
        return;
    }
    this.conns.get(record.conn)?.command(record); // Else it has gone.
  }

  deliver({ messages, items }) {
    const bodies = [];
    for (const { conn: id, seq, message } of items) {
      const conn = this.conns.get(id);
      if (conn?.state === "attached") conn.append(push(seq, (bodies[message] ??= body(messages[message]))));
    }
  }

  touch(conn) {
    if (!this.dirty.has(conn.link)) this.dirty.set(conn.link, new Set());
    this.dirty.get(conn.link).add(conn);
  }

  // flush is the end of a turn.
  flush(link) {
    const touched = this.dirty.get(link) ?? [];
    this.dirty.delete(link);
    for (const conn of touched) conn.write();
  }

  credited(link) {
    for (const conn of this.conns.values()) if (conn.link === link) conn.lines();
  }

  async close() {
    if (!this.server) return;
    this.server.close();
    const ends = [...this.conns.values()].map((conn) => new Promise((end) => conn.socket.once("close", end)));
    for (const conn of this.conns.values()) conn.socket.destroy();
    await Promise.all(ends);
  }
}
