// Holder and verifier of SD-JWT VCs on `@sd-jwt/sd-jwt-vc` (OpenWallet Foundation), with `@sd-jwt/jwt-status-list`.

import { createHash, randomBytes } from "node:crypto";

import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import * as jose from "jose";

import { privateKey, signerKey } from "../callbacks.mjs";

const hasher = (data, alg) => createHash(alg.replace("-", "")).update(typeof data === "string" ? data : new Uint8Array(data)).digest();

/** Judge a credential by itself: signature, every disclosure, times, status. Returns its claims. */
export async function verify({ credential, type_metadata: loadTypeMetadataFormat = false }) {
  const judge = await instance(credential, { loadTypeMetadataFormat });
  const { payload, header, typeMetadata } = await judge.verify(credential);
  return { payload, header, type: typeMetadata?.mergedTypeMetadata ?? null };
}

/** Read what a type says of itself. */
export async function readType({ vct }) {
  const judge = new SDJwtVcInstance({ hasher });
  const { mergedTypeMetadata } = await judge.fetchVct({ payload: { vct } });
  return mergedTypeMetadata;
}

/** All claims of a credential that is held. */
export async function claimsOf(credential) {
  return (await instance(credential)).getClaims(credential);
}

/**
 * Show claims of a credential to somebody, bound to the key that it was issued to. `agreed`: the `transaction_data` that
 * go with it.
 */
export async function show({ credential, frame, audience, nonce, agreed = [] }) {
  const holder = await instance(credential);
  const hashes = agreed.map((encoded) => hasher(encoded, "sha-256").toString("base64url"));
  const more = hashes.length ? { transaction_data_hashes: hashes, transaction_data_hashes_alg: "sha-256" } : {};
  return holder.present(credential, frame, {
    kb: { payload: { iat: Math.floor(Date.now() / 1000), aud: audience, nonce, ...more } },
  });
}

/** Judge a presentation, its key binding for this nonce included. */
export async function verifyPresentation({ presentation, nonce }) {
  const judge = await instance(presentation);
  const { payload, kb } = await judge.verify(presentation, { keyBindingNonce: nonce });
  return { payload, binding: kb.payload };
}

async function instance(credential, more = {}) {
  const { iss } = jose.decodeJwt(credential.split("~")[0]);
  const { kid, x5c } = jose.decodeProtectedHeader(credential.split("~")[0]);
  const issuerJwk = await signerKey(x5c ? { method: "x5c", x5c } : { method: "did", didUrl: kid.startsWith("#") ? iss + kid : kid });
  const { cnf } = jose.decodeJwt(credential.split("~")[0]);
  return new SDJwtVcInstance({
    hasher,
    hashAlg: "sha-256",
    saltGenerator: (length) => randomBytes(length).toString("base64url"),
    verifier: (data, signature) => verifySignature(data, signature, issuerJwk),
    kbVerifier: (data, signature, payload) => verifySignature(data, signature, payload.cnf.jwk),
    kbSigner: (data) => signData(data, cnf.jwk),
    kbSignAlg: "ES256",
    ...more,
  });
}

async function verifySignature(data, signature, jwk) {
  try {
    await jose.compactVerify(`${data}.${signature}`, await jose.importJWK(jwk, "ES256"));
    return true;
  } catch {
    return false;
  }
}

/** Sign `header.payload` with the private half of a key of this process. */
export async function signData(data, publicJwk) {
  const [header, payload] = data.split(".");
  const key = await jose.importJWK(await privateKey(publicJwk), "ES256");
  const signed = await new jose.CompactSign(Buffer.from(payload, "base64url")).setProtectedHeader(JSON.parse(Buffer.from(header, "base64url"))).sign(key);
  return signed.split(".")[2];
}
