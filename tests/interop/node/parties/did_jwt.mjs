// An issuer, a holder and a judge on `did-jwt-vc`: Verifiable Credentials 1.1 in JWTs, as identity wallets have had them.

import { Resolver } from "did-resolver";
import { ES256Signer } from "did-jwt";
import {
  createVerifiableCredentialJwt,
  createVerifiablePresentationJwt,
  verifyCredential,
  verifyPresentation,
} from "did-jwt-vc";

import { createKey, privateKey } from "../callbacks.mjs";

const parties = new Map();

/** A party with a new key, named by the did:jwk of it. */
export async function open() {
  const publicJwk = await createKey();
  const did = `did:jwk:${Buffer.from(JSON.stringify(publicJwk)).toString("base64url")}`;
  const { d } = await privateKey(publicJwk);
  parties.set(did, { did, kid: `${did}#0`, alg: "ES256", signer: ES256Signer(Buffer.from(d, "base64url")) });
  return { did, jwk: publicJwk };
}

export async function issue({ did, credential }) {
  const { kid, ...issuer } = parties.get(did);
  return createVerifiableCredentialJwt(credential, issuer, { header: { kid, typ: "JWT" } });
}

export async function present({ did, credential, nonce, audience, now }) {
  const { kid, ...holder } = parties.get(did);
  const presentation = {
    vp: { "@context": ["https://www.w3.org/2018/credentials/v1"], type: ["VerifiablePresentation"], verifiableCredential: [credential] },
    iat: now,
    exp: now + 60,
  };
  const about = { challenge: nonce, domain: audience, header: { kid, typ: "JWT" } };
  return createVerifiablePresentationJwt(presentation, holder, about);
}

export async function judge({ credential, now }) {
  const { issuer, verifiableCredential } = await verifyCredential(credential, resolver, { policies: { now } });
  return { issuer, credential: verifiableCredential };
}

/** Judge a presentation; and, since the library leaves that to whoever uses it, each credential in it. */
export async function judgePresentation({ presentation, nonce, audience, now }) {
  const asked = { challenge: nonce, domain: audience, policies: { now } };
  const { verifiablePresentation: shown } = await verifyPresentation(presentation, resolver, asked);
  const credentials = shown.verifiableCredential.map(({ proof }) => judge({ credential: proof.jwt, now }));
  return { holder: shown.holder, credentials: await Promise.all(credentials) };
}

const resolver = new Resolver({
  jwk: async (did) => {
    const publicKeyJwk = JSON.parse(Buffer.from(did.slice("did:jwk:".length), "base64url"));
    const method = { id: `${did}#0`, type: "JsonWebKey2020", controller: did, publicKeyJwk };
    const relations = { authentication: [method.id], assertionMethod: [method.id] };
    return {
      didDocument: { id: did, verificationMethod: [method], ...relations },
      didDocumentMetadata: {},
      didResolutionMetadata: { contentType: "application/did+json" },
    };
  },
});
