// What an HTTP request says: who asks, what for, and whether a page of another site made a browser ask.

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

// connectOf is the Connect of a GET of the stream.
export function connectOf(req, url, cookieName) {
  const q = url.searchParams;
  const text = (name) => q.get(name) ?? "";
  return {
    credentials: credentialsOf(req, q, cookieName),
    user: text("user"), device: text("device"), platform: text("platform"),
    groups: q.getAll("group"), headers: q.getAll("header"), window: Number(q.get("window")) || 0,
    resume: lastEvent(req.headers["last-event-id"] ?? text("last_event_id")),
    meta: [
      { name: "transport", value: "sse" },
      { name: "peer", value: `${req.socket.remoteAddress}:${req.socket.remotePort}` },
      { name: "path", value: url.pathname },
      ...(req.headers.origin ? [{ name: "origin", value: req.headers.origin }] : []),
    ],
  };
}

export function credentialsOf(req, query, cookieName) {
  const [, scheme, rest] = /^(\S+)\s+(.*)$/.exec(req.headers.authorization ?? "") ?? [];
  if (/^bearer$/i.test(scheme)) return { kind: 1, token: rest };
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(rest, "base64").toString();
    const colon = pair.indexOf(":");
    return { kind: 2, user: pair.slice(0, colon), password: pair.slice(colon + 1) };
  }
  if (query.get("token")) return { kind: 4, token: query.get("token") };
  const cookie = (req.headers.cookie ?? "").split(";").map((c) => c.trim()).find((c) => c.startsWith(cookieName + "="));
  if (cookie) return { kind: 5, token: decodeURIComponent(cookie.slice(cookieName.length + 1)) };
  return { kind: 0 };
}

// An event's id is TOKEN.EPOCH.SEQ: all that is needed to go on behind it.
export const eventID = (accept, seq) => `${accept.token.toString("base64url")}.${accept.epoch}.${seq}`;

export function lastEvent(id) {
  const [, token, epoch, seq] = /^([A-Za-z0-9_-]+)\.(\d{1,16})\.(\d{1,16})$/.exec(id) ?? [];
  if (!token) return undefined; // None, or not ours: a new session.
  return { token: Buffer.from(token, "base64url"), epoch: Number(epoch), seq: Number(seq) };
}

// isForeign says that a page of a site that nobody has allowed made the request. Where nobody has to prove who he is
// (loopbackOnly) no name that leads here may be another site's either.
export function isForeign(req, origins, loopbackOnly) {
  const { host = "", origin } = req.headers;
  if (loopbackOnly && !LOOPBACK.test(host)) return true;
  if (origin === undefined || origins.includes(origin)) return false;
  const site = origin.replace(/^https?:\/\//, "");
  return loopbackOnly ? !LOOPBACK.test(site) : site !== host;
}

// body reads a request's body, up to a length.
export async function body(req, lengthMax) {
  const parts = [];
  let length = 0;
  for await (const part of req) {
    length += part.length;
    if (length > lengthMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
