// The process of a pushcore plugin: handshake, control service, links. Copy this file, records.js and plugin.proto into
// your plugin. It keeps nothing over a restart of the runtime: when its links end, the process ends, and devices resume.
//
//   serve({
//     info: { name, kind: "transport", version },       // kind: transport or mq
//     configure(options) { return { listen, errors } }, // errors: [{ pointer, message }]
//     async open(host) { return endpoints },            // may throw; host.log, host.instance
//     record(link, record) {},                          // what came down: link.loop, link.send(record), link.credit()
//     flush(link) {},                                   // a transport: the turn is over, write now
//     credited(link) {},                                // optional, a transport: there is more credit
//     check() { return "" },                            // optional
//     async close(withinMS) {},
//   })

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decode, encode } from "./records.js";

const PROTOCOL = "1"; // of docs/plugin-protocol.md
const API_VERSION = "1.0";
const MESSAGE_MAX = 65 << 20;
const FIRST_GRACE_MS = 30_000; // to be attached in
const END_MS = 500; // for the last answers to leave in
const LOG_MAX = 1000;

export function serve(plugin) {
  if (!process.env.PUSHCORE_PLUGIN) {
    console.error("This is a plugin of pushcore: name it in the configuration (command:), do not start it by hand.");
    process.exit(2);
  }
  const spoken = process.env.PLUGIN_PROTOCOL_VERSIONS ?? PROTOCOL;
  if (!spoken.split(",").includes(PROTOCOL)) {
    console.error(`This plugin speaks version ${PROTOCOL} of the plugin protocol, pushcore ${spoken}.`);
    process.exit(1);
  }
  new Process(plugin).listen();
}

class Process {
  constructor(plugin) {
    this.plugin = plugin;
    this.log = new Log();
    this.tokens = [];
    this.links = new Set();
    this.closing = false;
    this.server = new grpc.Server({ "grpc.max_receive_message_length": MESSAGE_MAX, "grpc.max_send_message_length": MESSAGE_MAX });
    this.serveControl();
    this.serveLinks();
    this.serveGoPlugin();
  }

  listen() {
    const directory = process.env.PLUGIN_UNIX_SOCKET_DIR || mkdtempSync(join(tmpdir(), "plugin-")); // Mode 0700.
    const path = join(directory, "control.sock");
    this.server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) => {
      if (error) this.end(1, `cannot listen on ${path}: ${error.message}`);
      process.stdout.write(`1|${PROTOCOL}|unix|${path}|grpc\n`);
      process.stdout.on("error", () => {}); // Nobody may be left to read it.
      console.log = console.error; // Nothing but the handshake goes there.
    });
    this.orphan = setTimeout(() => this.end(1, "no runtime has come"), FIRST_GRACE_MS);
  }

  end(status, why) {
    if (why) console.error(`The plugin ends: ${why}.`);
    process.exit(status);
  }

  serveControl() {
    const file = join(fileURLToPath(new URL(".", import.meta.url)), "plugin.proto");
    const proto = grpc.loadPackageDefinition(protoLoader.loadSync(file, { keepCase: true, longs: Number, defaults: true }));
    const unary = (f) => (call, answer) => Promise.resolve(call.request).then(f).then((reply) => answer(null, reply), answer);
    this.server.addService(proto.pushcore.plugin.v1.Plugin.service, {
      Info: unary(() => ({ api_version: API_VERSION, ...this.plugin.info })),
      Configure: unary((r) => this.configure(r)),
      Attach: unary((r) => this.attach(r)),
      Open: unary(() => this.open()),
      Check: unary(() => ({ fault: this.plugin.check?.() ?? "" })),
      Close: unary((r) => this.close(r)),
      Logs: (call) => this.log.stream(call),
    });
  }

  async configure(request) {
    let options;
    try {
      options = JSON.parse(request.options.toString() || "{}");
    } catch (e) {
      return { errors: [{ pointer: "", message: `not JSON: ${e.message}` }] };
    }
    if (typeof options !== "object" || options === null || Array.isArray(options)) {
      return { errors: [{ pointer: "", message: "must be an object" }] };
    }
    return this.plugin.configure(options);
  }

  attach(request) {
    if (request.api_version.split(".")[0] !== API_VERSION.split(".")[0]) {
      throw Object.assign(new Error(`this plugin speaks version ${API_VERSION}`), { code: grpc.status.FAILED_PRECONDITION });
    }
    clearTimeout(this.orphan);
    this.instance = request.instance;
    this.linked = new Promise((all) => (this.allLinked = all));
    this.tokens = Array.from({ length: request.loops }, () => randomBytes(32));
    return { link_address: "", tokens: this.tokens };
  }

  async open() {
    await this.linked; // The call may overtake them.
    try {
      const endpoints = await this.plugin.open({ log: this.log, instance: this.instance, links: this.links });
      return { endpoints: endpoints ?? [] };
    } catch (e) {
      return { error: e.message };
    }
  }

  async close(request) {
    this.closing = true;
    let error = "";
    await this.plugin.close(request.within_ms).catch((e) => (error = e.message));
    for (const link of this.links) link.end();
    setTimeout(() => this.end(0), END_MS);
    this.server.tryShutdown(() => this.end(0));
    return { error };
  }

  // serveLinks serves the portable carrier: a stream both ways whose messages are records.
  serveLinks() {
    const raw = (b) => b;
    const Link = {
      path: "/pushcore.plugin.v1.Links/Link", requestStream: true, responseStream: true,
      requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw,
    };
    this.server.addService({ Link }, { Link: (call) => this.serveLink(call) });
  }

  serveLink(call) {
    call.sendMetadata(new grpc.Metadata());
    let link;
    call.on("data", (bytes) => {
      try {
        const { records, rest } = decode(bytes);
        if (rest.length > 0) throw new Error("a message that is not whole records");
        for (const record of records) {
          if (link) link.take(record, this.plugin);
          else link = this.hello(record, bytes, call);
        }
      } catch (e) {
        console.error("A link is broken:", e);
        call.emit("error", { code: grpc.status.INVALID_ARGUMENT, message: e.message });
        if (link) this.gone(link);
      }
    });
    for (const event of ["end", "error", "close", "cancelled"]) call.on(event, () => link && this.gone(link));
  }

  hello(record, bytes, call) {
    const token = record.kind === "hello" && this.tokens[record.loop];
    if (!token || !token.equals(record.token)) throw new Error("a link without its token");
    this.tokens[record.loop] = null; // For one use.
    const link = new Link(record.loop, call);
    this.links.add(link);
    if (!this.tokens.some(Boolean)) this.allLinked();
    return link;
  }

  // gone ends the process with the first link that ends: the runtime has gone.
  gone(link) {
    if (!this.links.delete(link) || this.closing) return;
    this.end(0, `the link of loop ${link.loop} has ended`);
  }

  // serveGoPlugin serves what hashicorp/go-plugin asks for besides: whether we live, and a polite kill.
  serveGoPlugin() {
    const method = (path) => ({
      path, requestStream: false, responseStream: false,
      requestSerialize: (b) => b, requestDeserialize: (b) => b, responseSerialize: (b) => b, responseDeserialize: (b) => b,
    });
    const SERVING = Buffer.from([0x08, 0x01]);
    this.server.addService({ Check: method("/grpc.health.v1.Health/Check") }, { Check: (_, answer) => answer(null, SERVING) });
    this.server.addService({ Shutdown: method("/plugin.GRPCController/Shutdown") }, {
      Shutdown: (_, answer) => {
        answer(null, Buffer.alloc(0));
        setTimeout(() => this.end(0), END_MS);
      },
    });
  }
}

// Link is one loop's link. What is sent in one turn of the event loop leaves in one message.
class Link {
  constructor(loop, call) {
    this.loop = loop;
    this.call = call;
    this.out = [];
    this.sent = 0; // payload bytes of uplinks
    this.allowed = 0;
    this.flushes = 0;
    this.taken = 0; // bytes of records, Hello not counted
  }

  // send puts a record on the link. It never waits.
  send(record) {
    if (record.kind === "uplink") this.sent += record.payload?.length ?? 0;
    if (this.out.length === 0) queueMicrotask(() => this.write());
    this.out.push(encode(record));
  }

  // credit is how many payload bytes of uplinks may be sent: at 0, read no more of them.
  credit() {
    return Math.max(0, this.allowed - this.sent);
  }

  write() {
    if (this.out.length > 0) this.call.write(Buffer.concat(this.out));
    this.out = [];
  }

  take(record, plugin) {
    this.taken += record.size;
    if (record.kind !== "flush" && record.kind !== "credit") return plugin.record(this, record);
    const before = this.credit();
    this.allowed = record.consumed + record.bytes;
    if (record.kind === "flush") {
      plugin.flush(this);
      this.send({ kind: "flushed", flushes: ++this.flushes, bytes: this.taken });
    }
    if (before === 0 && this.credit() > 0) plugin.credited?.(this);
  }

  end() {
    this.write();
    this.call.end();
  }
}

// Log keeps what the plugin logs until the runtime takes it.
const LEVELS = { debug: -4, info: 0, warn: 4, error: 8 };

class Log {
  waiting = [];
  lost = 0;
  lowest = LEVELS[process.env.PUSHCORE_LOG_LEVEL] ?? LEVELS.info;

  debug(message, attributes) { this.add(LEVELS.debug, message, attributes); }
  info(message, attributes) { this.add(LEVELS.info, message, attributes); }
  warn(message, attributes) { this.add(LEVELS.warn, message, attributes); }
  error(message, attributes) { this.add(LEVELS.error, message, attributes); }

  add(level, message, attributes = {}) {
    if (level < this.lowest) return;
    const time_ns = `${Date.now()}000000`;
    this.waiting.push({ level, message, attributes: Buffer.from(JSON.stringify(attributes)), time_ns });
    if (this.waiting.length > LOG_MAX) {
      this.waiting.shift();
      this.lost++;
    }
    this.send();
  }

  stream(call) {
    this.call = call;
    call.on("cancelled", () => (this.call = this.call === call ? null : this.call));
    this.send();
  }

  send() {
    if (!this.call) return;
    for (const entry of this.waiting) {
      this.call.write({ ...entry, lost: this.lost });
      this.lost = 0;
    }
    this.waiting = [];
  }
}
