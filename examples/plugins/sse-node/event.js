// Server-Sent Events: how a message is written.

const LINE_END = /\r\n|\r|\n/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// field is one field of an event; names and values from elsewhere have no line ends that would begin another field.
export const field = (name, value) => `${name}: ${String(value).replace(/[\r\n\0]/g, " ")}\n`;

export const comment = ":\n\n";

// control is an event of the transport's own. Its name cannot be taken for a message's.
export const control = (name, data, more = "") => `${more}event: pushcore:${name}\ndata: ${JSON.stringify(data)}\n\n`;

// message is everything of an event but its id, once for all that get it. Data is text; what is none, or has a carriage
// return, which the format cannot carry, is base64, and the name says so: `order;base64`.
export function message(m) {
  const text = textOf(m.payload);
  const name = (m.name || "message") + (text === null ? ";base64" : "");
  const data = text === null ? m.payload.toString("base64") : text;
  return (name === "message" ? "" : field("event", name)) + extra(m) +
    data.split("\n").map((line) => `data: ${line}\n`).join("") + "\n";
}

// extra is what browsers ignore and other clients can read: the message's own id, against repeats, and whom it was for.
function extra(m) {
  return field("push-id", m.id) + (m.from_group ? field("push-group", m.from_group) : "") +
    (m.position ? field("push-position", m.position) : "");
}

// asJSON is the same with all a page may want to know as the data: for ?format=json.
export function asJSON(m) {
  const text = textOf(m.payload);
  const data = {
    id: m.id, name: m.name || undefined, from_user: m.from_user || undefined, from_group: m.from_group || undefined,
    position: m.position || undefined, class: m.class === 1 ? "fast" : "reliable",
    headers: m.headers.length === 0 ? undefined : Object.fromEntries(m.headers.map((h) => [h.name, h.value.toString()])),
    ...(text === null ? { payload_base64: m.payload.toString("base64") } : { payload: text }),
  };
  return (m.name ? field("event", m.name) : "") + `data: ${JSON.stringify(data)}\n\n`;
}

function textOf(payload) {
  try {
    const text = utf8.decode(payload);
    return LINE_END.test(text.replaceAll("\n", "")) ? null : text;
  } catch {
    return null;
  }
}
