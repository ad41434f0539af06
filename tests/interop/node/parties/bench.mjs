// What the other parties do, again and again, and the processor time that this process took for it.

const operations = new Map();
let count = 0;

/** Give an operation a name: what a party does with these arguments; `fresh` gives each credential another identifier. */
export async function prepare({ name, party, does, arguments: given, fresh = false }) {
  const run = (await import(`./${party}.mjs`))[does];
  const next = () => ({ ...given, credential: { ...given.credential, id: `urn:example:badge:${count++}` } });
  operations.set(name, () => run(fresh ? next() : given));
}

/** Do it so many times; returns seconds of processor time, of all threads of this process. */
export async function turn({ name, repeats }) {
  const run = operations.get(name);
  const began = process.cpuUsage();
  for (let number = 0; number < repeats; number += 1) await run();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}
