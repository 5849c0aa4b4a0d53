// Answers to requests.

import { describe, status } from "./codes.js";

// answer ends a request.
export function answer(res, status, body) {
  const after = body?.after_ms ? { "retry-after": String(Math.ceil(body.after_ms / 1000)) } : {};
  res.writeHead(status, { "content-type": "application/json", ...after });
  res.end(body ? JSON.stringify(body) : undefined);
}

// reply is what became of what a device asked: null if its stream ended before.
export function reply(res, result, good) {
  if (result === null) return answer(res, 503, { text: "the stream has ended; send it again", after_ms: 1000 });
  if (result.code) return refuse(res, result);
  answer(res, 200, good);
}

export function refuse(res, { code, text, reconnect, retryable }) {
  answer(res, status(code), { ...describe({ code, text, reconnect }), retryable });
}
