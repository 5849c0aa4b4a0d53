// The options of the transport: what stands below `config:`.

const TEXT = (v) => (typeof v === "string" ? "" : "must be a text");
const TEXTS = (v) => (Array.isArray(v) && v.every((t) => typeof t === "string") ? "" : "must be a list of texts");
const ADDRESS = /^(\[[0-9a-fA-F:.]*\]|[^:[\]]*):(\d{1,5})$/;

const OPTIONS = {
  listen: (v) => (ADDRESS.test(v) && Number(ADDRESS.exec(v)[2]) < 65536 ? "" : "must be host:port"),
  path: (v) => TEXT(v) || (v.startsWith("/") ? "" : "must begin with /"),
  ack: (v) => (v === "post" || v === "write" ? "" : "must be post or write"),
  cookie: TEXT, // name of the cookie that has the token
  origins: TEXTS, // of pages of other sites that may connect
};

const DEFAULTS = { listen: "127.0.0.1:7300", path: "/events", ack: "post", cookie: "pushcore_token", origins: [] };

export const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  properties: {
    listen: { type: "string", default: DEFAULTS.listen },
    path: { type: "string", default: DEFAULTS.path },
    ack: { enum: ["post", "write"], default: DEFAULTS.ack },
    cookie: { type: "string", default: DEFAULTS.cookie },
    origins: { type: "array", items: { type: "string" } },
  },
};

// read returns the options with their defaults, and all faults.
export function read(given) {
  const errors = [];
  for (const [name, value] of Object.entries(given)) {
    const message = OPTIONS[name] ? OPTIONS[name](value) : `unknown option; there are ${Object.keys(OPTIONS).join(", ")}`;
    if (message) errors.push({ pointer: `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, message });
  }
  return { options: { ...DEFAULTS, ...given }, errors };
}

// address splits host:port.
export function address(listen) {
  const [, host, port] = ADDRESS.exec(listen);
  return { host: host.replace(/^\[|\]$/g, "") || undefined, port: Number(port) };
}
