// Names instead of the network: `https://issuer.skills.example/…` is asked at the door of the Python tests, on this
// machine, and hosts of parties in this process are served at one port, each by its name.

import http from "node:http";

const handlers = new Map();
let door = null;

/** From now on, all requests of this process go to this port, with the name they were meant for. */
export function useDoor(port) {
  door = port;
}

/** Serve a host, for as long as nobody else takes it: `serve("peer.example", (request, response) => …)`. */
export function serve(host, handler) {
  handlers.set(host, handler);
}

/** Open the port at which all hosts of this process are served. */
export async function openPort() {
  const server = http.createServer((request, response) => {
    const handler = handlers.get(request.headers.host);
    if (handler) handler(request, response);
    else response.writeHead(502).end();
  });
  await new Promise((opened) => server.listen(0, "127.0.0.1", opened));
  return server.address().port;
}

/** A `(Request) => Response` of web standards as a handler for `serve`. */
export function fromWeb(answer) {
  return async (request, response) => {
    const url = `https://${request.headers.host}${request.url}`;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? Buffer.concat(chunks) : undefined;
    try {
      const answered = await answer(new Request(url, { method: request.method, headers: request.headers, body }));
      response.writeHead(answered.status, Object.fromEntries(answered.headers));
      response.end(Buffer.from(await answered.arrayBuffer()));
    } catch (error) {
      console.error(error);
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: "server_error", error_description: String(error) }));
    }
  };
}

// Node's own fetch lets nobody choose where a name leads to.
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  const body = Buffer.from(await request.arrayBuffer());
  const headers = { ...Object.fromEntries(request.headers), host: url.host, "x-forwarded-proto": "https" };
  if (body.length) headers["content-length"] = body.length;
  return new Promise((resolve, reject) => {
    const sent = http.request(
      { host: "127.0.0.1", port: door, method: request.method, path: url.pathname + url.search, headers },
      async (answer) => {
        const chunks = [];
        for await (const chunk of answer) chunks.push(chunk);
        const empty = [204, 304].includes(answer.statusCode);
        resolve(new Response(empty ? null : Buffer.concat(chunks), { status: answer.statusCode, headers: flat(answer) }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
};

function flat(answer) {
  return Object.entries(answer.headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
}
