// Issuer, holder and verifier of SD-JWTs on `@sd-jwt/core` (OpenWallet Foundation), with keys that are handed to them.

import { SDJwtInstance } from "@sd-jwt/core";
import { digest, ES256, generateSalt } from "@sd-jwt/crypto-nodejs";
import { createHeaderAndPayload, getListFromStatusListJWT, StatusList } from "@sd-jwt/jwt-status-list";
import * as jose from "jose";

const signers = new Map();
const verifiers = new Map();

/** Issue claims, of which those in the frame can be hidden. */
export async function issue({ claims, frame, header, key }) {
  const issuer = new SDJwtInstance({ ...COMMON, signer: await once(signers, key, ES256.getSigner), signAlg: ES256.alg });
  return issuer.issue(claims, frame, { header });
}

/** Show the claims of the frame; for one verifier, where there is a binding. */
export async function present({ credential, frame, binding, key }) {
  const kbSigner = key && (await once(signers, key, ES256.getSigner));
  const holder = new SDJwtInstance({ ...COMMON, kbSigner, kbSignAlg: ES256.alg });
  return holder.present(credential, frame, binding && { kb: { payload: binding } });
}

/** Judge what is shown, its key binding too where a nonce is given; returns the claims. */
export async function verify({ presentation, key, nonce, now }) {
  const verifier = await once(verifiers, key, ES256.getVerifier);
  const judge = new SDJwtInstance({ ...COMMON, verifier, kbVerifier });
  const { payload, header, kb } = await judge.verify(presentation, { keyBindingNonce: nonce, currentDate: now });
  return { payload, header, binding: kb?.payload ?? null };
}

/** A Token Status List with these values, by their indexes. */
export async function createStatusList({ size, bits, values, uri, key, ...claims }) {
  const list = new StatusList(new Array(size).fill(0), bits);
  for (const [index, value] of Object.entries(values)) list.setStatus(Number(index), value);
  const { header, payload } = createHeaderAndPayload(list, { sub: uri, ...claims }, { alg: ES256.alg });
  return new jose.SignJWT(payload).setProtectedHeader(header).sign(await jose.importJWK(key, ES256.alg));
}

/** The values at these indexes of a Token Status List that somebody signed. */
export async function readStatusList({ token, indexes, key }) {
  await jose.compactVerify(token, await jose.importJWK(key, ES256.alg));
  const list = getListFromStatusListJWT(token);
  return indexes.map((index) => list.getStatus(index));
}

const COMMON = { hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt };

async function kbVerifier(data, signature, { cnf }) {
  const verify = await once(verifiers, cnf.jwk, ES256.getVerifier);
  return verify(data, signature);
}

/** Import each key once. */
async function once(imported, jwk, load) {
  const name = `${jwk.x} ${jwk.y}`;
  if (!imported.has(name)) imported.set(name, await load(jwk));
  return imported.get(name);
}
