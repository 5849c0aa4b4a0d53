// The codes with which pushcore refuses and closes, as HTTP has them: docs/wire.md#close-codes.

const STATUS = {
  4001: 503, 4005: 503, 4006: 408, 4010: 401, 4011: 503, 4012: 500, 4013: 503, 4014: 429,
  4500: 400, 4501: 403, 4504: 409, 4505: 401, 4506: 400, 4507: 413, 4508: 400, 4509: 403, 4512: 404,
};

export const HEARTBEAT_TIMEOUT = 4004;
export const SLOW = 4003;
export const PLUGIN_RESTART = 4008;

// status is the HTTP status of a refusal; an unknown code means what its band means.
export const status = (code) => STATUS[code] ?? (isTerminal(code) ? 403 : 503);

// isTerminal says that the same device must not come back by itself.
export const isTerminal = (code) => code >= 4500 && code <= 4999;

const RULES = ["yes", "no", "after", "elsewhere"];

// describe is what a device is told: the code, why, and whether to come back.
export function describe({ code, text, reconnect = {} }) {
  const rule = reconnect.rule ? RULES[reconnect.rule] : isTerminal(code) ? "no" : "yes";
  return { code, text, reconnect: rule, after_ms: reconnect.after_ms, address: reconnect.address };
}

// retryAfter is the header for it, in seconds.
export const retryAfter = (reconnect) => String(Math.max(1, Math.ceil((reconnect?.after_ms ?? 0) / 1000)));
