// What stands in a line: your protocol. Lines are JSON, one object each.

// connect is what the first line says.
export const connect = (l, peer) => ({
  credentials: l.token ? { kind: 1, token: l.token } : { kind: 0 }, // 1: bearer
  user: l.user, device: l.device,
  meta: [{ name: "transport", value: "yourplugin" }, { name: "peer", value: peer }],
});

// event is what any other line says.
export function event(l) {
  if (l.send !== undefined) return { kind: "uplink", id: l.id, name: l.name, payload: Buffer.from(l.send) };
  if (l.join) return { kind: "join", group: l.join };
  if (l.leave) return { kind: "leave", group: l.leave };
  return { kind: "ack", seq: l.ack };
}

// push is a message's line; what is the same for all who get it is encoded once.
export const body = (m) => JSON.stringify({ id: m.id, name: m.name, payload: m.payload.toString() }).slice(1) + "\n";
export const push = (seq, body) => `{"seq":${seq},${body}`;

export const session = (accept) => ({ session: accept.user });
export const sent = (r) => ({ sent: r.id, code: r.code, text: r.text });
export const joined = (r) => ({ joined: r.group, code: r.code, text: r.text });
export const ended = (how, r) => ({ ended: how, code: r.code, text: r.text });
