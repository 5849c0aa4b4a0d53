// What devices send: a POST for each, beside the stream. `session` is what the accept event told.

import { randomUUID } from "node:crypto";
import { answer, refuse, reply } from "./answer.js";
import { body, credentialsOf, lastEvent } from "./request.js";

export class Requests {
  constructor(transport) {
    this.transport = transport;
    this.waiting = new Map(); // by link: uplinks for which there is no credit
  }

  async serve(what, req, res, url) {
    const q = url.searchParams;
    const action = { ack: this.ack, nack: this.nack, send: this.send, join: this.join, leave: this.leave, refresh: this.refresh }[what];
    if (!action) return answer(res, 404, { text: "there is nothing here" });
    const last = lastEvent(q.get("id") ?? ""); // An event's id names its session.
    const conn = this.transport.sessions.get(q.get("session") ?? last?.token.toString("base64url"));
    if (!conn) return answer(res, 404, { text: "there is no such session here: is the stream open?" });
    await conn.readable();
    return action.call(this, conn, { req, res, q, last });
  }

  ack(conn, { res, q, last }) {
    const seq = this.seqOf(conn, q, last);
    if (seq === null) return answer(res, 400, { text: "seq is no number of this session" });
    conn.emit({ kind: "ack", seq });
    return answer(res, 204);
  }

  nack(conn, { res, q, last }) {
    const seq = this.seqOf(conn, q, last);
    if (seq === null) return answer(res, 400, { text: "seq is no number of this session" });
    const final = q.get("final") === "1";
    conn.emit({ kind: "nack", seq, final, retry_after_ms: final ? 0 : Number(q.get("retry_after_ms")) || 0, text: q.get("text") ?? "" });
    return answer(res, 204);
  }

  // seqOf is the number that is meant, by an event's id or as such.
  seqOf(conn, q, last) {
    if (last) return last.epoch === conn.accept.epoch ? last.seq : null;
    const seq = Number(q.get("seq") ?? NaN);
    return Number.isSafeInteger(seq) && seq >= 0 ? seq : null;
  }

  async send(conn, { req, res, q }) {
    await this.credit(conn);
    const payload = await body(req, conn.accept.max_uplink);
    if (payload === null) return refuse(res, { code: 4507, text: `longer than ${conn.accept.max_uplink} bytes` });
    const id = q.get("uplink_id") || randomUUID();
    const type = req.headers["content-type"];
    const uplink = {
      kind: "uplink", id, name: q.get("name") ?? "", payload, headers: type ? [{ name: "content-type", value: type }] : [],
    };
    if (q.get("wait") === "0") { // The stream says what becomes of it.
      conn.emit(uplink);
      return answer(res, 202, { id });
    }
    const result = await conn.ask(`uplink ${id}`, uplink);
    reply(res, result, { id });
  }

  async join(conn, { res, q }) {
    const group = q.get("group") ?? "";
    const result = await conn.ask(`join ${group}`, { kind: "join", group, position: Number(q.get("position")) || 0 });
    reply(res, result, { group, position: result?.position, gap: result?.gap ?? false });
  }

  leave(conn, { res, q }) {
    conn.emit({ kind: "leave", group: q.get("group") ?? "" });
    return answer(res, 204);
  }

  async refresh(conn, { req, res, q }) {
    const result = await conn.ask("refresh", { kind: "refresh", credentials: credentialsOf(req, q, this.transport.options.cookie) });
    reply(res, result, { expires_ms: result?.expires_ms });
  }

  // credit returns when an uplink of the connection may be read.
  async credit(conn) {
    while (conn.link.credit() === 0 && !conn.ended) {
      await new Promise((go) => this.waiting.set(conn.link, [...(this.waiting.get(conn.link) ?? []), go]));
    }
  }

  credited(link) {
    for (const go of this.waiting.get(link) ?? []) go();
    this.waiting.delete(link);
  }
}
