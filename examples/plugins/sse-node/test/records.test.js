import assert from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, encode, Malformed } from "../records.js";

// Where the vectors are: in pushcore's repository, or a copy beside a plugin that was copied out of it.
const file = process.env.PUSHCORE_RECORDS ?? new URL("../../../../sdk/pluginrpc/testdata/records.txt", import.meta.url);

const vectors = readFileSync(file, "utf8").split("\n\n").slice(1).map((block) =>
  Object.fromEntries(block.trim().split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)])));
const good = vectors.filter((v) => v.json).map((v) => ({ ...v, bytes: Buffer.from(v.hex, "hex"), value: fromJSON(v.json) }));

function fromJSON(text) {
  return JSON.parse(text, (_, v) => (typeof v === "string" && v.startsWith("hex:") ? Buffer.from(v.slice(4), "hex") : v));
}

// plain leaves out what is 0, empty or false, as the vectors do.
function plain(v) {
  if (Array.isArray(v)) return v.map(plain);
  if (Buffer.isBuffer(v)) return "hex:" + v.toString("hex");
  if (typeof v !== "object") return v;
  const left = Object.entries(v).filter(([, x]) => x && x.length !== 0).map(([name, x]) => [name, plain(x)]);
  return Object.fromEntries(left);
}

test("there are vectors", () => assert.ok(good.length > 50));

for (const v of good) {
  test(`encode: ${v.name}`, () => assert.strictEqual(encode(v.value).toString("hex"), v.hex));
  test(`decode: ${v.name}`, () => {
    const { records, rest } = decode(v.bytes);
    assert.strictEqual(rest.length, 0);
    assert.deepStrictEqual(records.map(plain), [plain(v.value)]);
  });
}

for (const v of vectors.filter((v) => v.error)) {
  test(`refuse: ${v.name}`, () => assert.throws(() => decode(Buffer.from(v.hex, "hex")), Malformed));
}

test("records are found wherever the bytes are cut", () => {
  const all = Buffer.concat(good.map((v) => v.bytes));
  for (const size of [1, 7, 24, 100, all.length]) {
    const records = [];
    let rest = Buffer.alloc(0);
    for (let at = 0; at < all.length; at += size) {
      const d = decode(Buffer.concat([rest, all.subarray(at, at + size)]));
      records.push(...d.records);
      rest = d.rest;
    }
    assert.deepStrictEqual(records.map(plain), good.map((v) => plain(v.value)));
  }
});
