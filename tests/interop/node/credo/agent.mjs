// Agents on Credo (OpenWallet Foundation), with keys and records in this process and all requests by its `fetch`.

import { EventEmitter } from "node:events";

import { Agent, DidDocument, DidsModule, JsonTransformer, JwkDidResolver, Kms } from "@credo-ts/core";

import { ProcessKeys } from "./keys.mjs";
import { ProcessRecordsModule } from "./records.mjs";

// Credo wants these two to be there; nothing here writes files or opens sockets.
class NoFiles {}
class NoSocket {}

/** Credo's own asks by a client that takes no names from elsewhere. */
class WebByFetch {
  supportedMethods = ["web"];
  allowsCaching = false;
  allowsLocalDidRecord = true;

  async resolve(_, did) {
    const [host, ...path] = did.slice("did:web:".length).split(":").map(decodeURIComponent);
    const answer = await fetch(`https://${host}/${path.length ? path.join("/") : ".well-known"}/did.json`);
    const didDocument = answer.ok ? JsonTransformer.fromJSON(await answer.json(), DidDocument) : null;
    return { didDocument, didDocumentMetadata: {}, didResolutionMetadata: answer.ok ? {} : { error: "notFound" } };
  }
}

export async function startAgent(modules) {
  const agent = new Agent({
    // Tests put their own clocks a minute ahead.
    config: { autoUpdateStorageOnStartup: true, validitySkewSeconds: 120 },
    dependencies: { FileSystem: NoFiles, WebSocketClass: NoSocket, EventEmitterClass: EventEmitter, fetch: (...it) => fetch(...it) },
    modules: {
      records: new ProcessRecordsModule(),
      dids: new DidsModule({ resolvers: [new WebByFetch(), new JwkDidResolver()] }),
      kms: new Kms.KeyManagementModule({ backends: [new ProcessKeys()] }),
      ...modules,
    },
  });
  await agent.initialize();
  return agent;
}

/** A new key on P-256 for a did:web of this agent; its name, and the document to serve. */
export async function createWebDid(agent, did) {
  const { keyId, publicJwk } = await agent.kms.createKeyForSignatureAlgorithm({ algorithm: "ES256" });
  const key = `${did}#key-1`;
  const { kid, ...publicKeyJwk } = publicJwk;
  const document = {
    "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
    id: did,
    verificationMethod: [{ id: key, type: "JsonWebKey2020", controller: did, publicKeyJwk }],
    authentication: [key],
    assertionMethod: [key],
  };
  const keys = [{ didDocumentRelativeKeyId: "#key-1", kmsKeyId: keyId }];
  await agent.dids.import({ did, didDocument: JsonTransformer.fromJSON(document, DidDocument), keys });
  return { key, document };
}

/** A new DID of this agent with one key on P-256, and the name of that key. */
export async function createDid(agent, method = "jwk") {
  const { didState } = await agent.dids.create({ method, options: { createKey: { type: { kty: "EC", crv: "P-256" } } } });
  if (didState.state !== "finished") throw new Error(didState.reason);
  return didState.didDocument.verificationMethod[0].id;
}
