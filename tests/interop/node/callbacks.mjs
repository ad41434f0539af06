// What `@openid4vc/*` leaves to whoever uses it, done by `jose` and Node: signing, checking, encrypting, hashing.
// Private keys stay in this process, found by the thumbprint of their public half.

import { createHash, randomBytes, X509Certificate } from "node:crypto";

import * as jose from "jose";

const keys = new Map();

/** A new key of this process; the public half, as a JWK. */
export async function createKey(alg = "ES256") {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  return keep(await jose.exportJWK(privateKey), await jose.exportJWK(publicKey));
}

/** Take a private JWK from elsewhere; returns its public half. */
export async function importKey({ d, ...publicJwk }) {
  return keep({ ...publicJwk, d }, publicJwk);
}

export async function privateKey(publicJwk) {
  return keys.get(await jose.calculateJwkThumbprint(publicJwk));
}

async function keep(privateJwk, publicJwk) {
  keys.set(await jose.calculateJwkThumbprint(publicJwk), privateJwk);
  return publicJwk;
}

/** The key that a JWT says it is signed with: in its header, or in the `did:jwk` or the certificate that it names. */
export async function signerKey(signer) {
  if (signer.method === "jwk") return signer.publicJwk;
  if (signer.method === "x5c") {
    return new X509Certificate(Buffer.from(signer.x5c[0], "base64")).publicKey.export({ format: "jwk" });
  }
  if (signer.method === "did") {
    const [did] = signer.didUrl.split("#");
    if (did.startsWith("did:jwk:")) return JSON.parse(Buffer.from(did.slice("did:jwk:".length), "base64url"));
    return resolveDidWeb(signer.didUrl);
  }
  throw new Error(`no key for a signer by ${signer.method}`);
}

async function resolveDidWeb(didUrl) {
  const [did] = didUrl.split("#");
  const [host, ...path] = did.slice("did:web:".length).split(":").map(decodeURIComponent);
  const document = await (await fetch(`https://${host}/${path.length ? path.join("/") : ".well-known"}/did.json`)).json();
  const method = document.verificationMethod.find(({ id }) => id === didUrl);
  if (!method) throw new Error(`${did} has no key ${didUrl}`);
  return method.publicKeyJwk;
}

export const callbacks = {
  fetch: (...request) => fetch(...request),
  hash: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
  generateRandom: (length) => randomBytes(length),
  signJwt: async (signer, { header, payload }) => {
    const signerJwk = signer.publicJwk ?? (await signerKey(signer));
    const key = await jose.importJWK(await privateKey(signerJwk), signer.alg);
    const jwt = await new jose.CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader(header).sign(key);
    return { jwt, signerJwk };
  },
  verifyJwt: async (signer, { compact }) => {
    const signerJwk = await signerKey(signer);
    try {
      await jose.compactVerify(compact, await jose.importJWK(signerJwk, signer.alg));
      return { verified: true, signerJwk };
    } catch {
      return { verified: false, signerJwk };
    }
  },
  encryptJwe: async ({ publicJwk, alg, enc, apu, apv }, text) => {
    const encrypt = new jose.CompactEncrypt(Buffer.from(text)).setProtectedHeader({ alg, enc, kid: publicJwk.kid });
    if (apu || apv) encrypt.setKeyManagementParameters({ apu: decode(apu), apv: decode(apv) });
    return { encryptionJwk: publicJwk, jwe: await encrypt.encrypt(await jose.importJWK(publicJwk, alg)) };
  },
  decryptJwe: async (jwe, { jwk } = {}) => {
    const { alg, epk, kid } = jose.decodeProtectedHeader(jwe);
    const held = jwk ? [await privateKey(jwk)] : [...keys.values()].filter((key) => key.crv === epk?.crv);
    for (const key of held) {
      try {
        const { plaintext } = await jose.compactDecrypt(jwe, await jose.importJWK(key, alg));
        const { d, ...decryptionJwk } = key;
        return { decrypted: true, decryptionJwk: { ...decryptionJwk, kid }, payload: Buffer.from(plaintext).toString() };
      } catch {
        continue;
      }
    }
    return { decrypted: false };
  },
  getX509CertificateMetadata: (certificate) => {
    const names = (new X509Certificate(Buffer.from(certificate, "base64")).subjectAltName ?? "").split(", ");
    const of = (kind) => names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
    return { sanDnsNames: of("DNS:"), sanUriNames: of("URI:") };
  },
};

function decode(text) {
  return text === undefined ? undefined : Buffer.from(text, "base64url");
}
