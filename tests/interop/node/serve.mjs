// One process for all parties. Reads a call a line, `{"party", "does", "with", "door"}`, and answers each with one line:
// `{"result"}` or `{"error": {"name", "message"}}`. A party is the file of that name in `parties/`; it does what it exports.

import { webcrypto } from "node:crypto";
import readline from "node:readline";

import { openPort, useDoor } from "./hosts.mjs";

// Node 18, which Debian 12 has, keeps this to itself.
globalThis.crypto ??= webcrypto;
// What a party prints is no answer.
console.log = console.info = console.debug = console.error;

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

say({ port: await openPort() });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  try {
    useDoor(call.door);
    const party = await import(`./parties/${call.party}.mjs`);
    say({ result: (await party[call.does](call.with)) ?? null });
  } catch (error) {
    console.error(error);
    say({ error: { name: error.name ?? "Error", message: `${error.message}${error.cause ? ` (${error.cause})` : ""}` } });
  }
}
process.exit(0);
