import { createHmac, timingSafeEqual } from "node:crypto";

// Whether `body` (a Buffer, as it came) was signed with `secret` within the last five minutes.
export function verify(secret, headers, body) {
  const sent = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(sent) || Math.abs(Date.now() / 1000 - Number(sent)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = createHmac("sha256", key).update(`${headers["webhook-id"] ?? ""}.${sent}.`).update(body);
  const right = Buffer.from(`v1,${signed.digest("base64")}`);
  const given = (headers["webhook-signature"] ?? "").split(" ").map((signature) => Buffer.from(signature));
  return given.some((signature) => signature.length === right.length && timingSafeEqual(signature, right));
}
