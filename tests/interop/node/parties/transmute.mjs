// An issuer and a judge on `@transmute/verifiable-credentials`, whose author edited VC-JOSE-COSE. Its media types are
// those of a draft (`application/vc-ld+jwt`); what is inside is the same.

import * as jose from "jose";
import sd from "@transmute/vc-jwt-sd";
import * as transmute from "@transmute/verifiable-credentials";

import { createKey, privateKey } from "../callbacks.mjs";

const { encoder, decoder } = transmute.text;

/** Judge what one of these keys, by their names, has signed as a JWT; what it says. */
export async function judge({ type, content, keys, nonce, audience }) {
  const resolver = {
    resolve: async ({ content: signed }) => {
      const { kid } = jose.decodeProtectedHeader(decoder.decode(signed));
      return { type: "application/jwk+json", content: encoder.encode(JSON.stringify(find(keys, kid))) };
    },
  };
  return transmute.verifier({ resolver }).verify({ type: `application/${type}`, content: encoder.encode(content), nonce, audience });
}

/** The same of an SD-JWT; by the library underneath, since the other takes the issuer's key for that of `cnf.kid`. */
export async function judgeSdJwt({ content, keys, nonce, audience }) {
  const judging = sd.default.verifier({ resolver: { resolve: async (kid) => find(keys, kid) } });
  return (await judging.verify({ token: content, nonce, audience })).claimset;
}

/** Issue a credential with a new key, which is returned too. */
export async function issue({ claims, kid, typ }) {
  const publicJwk = await createKey();
  const key = await jose.importJWK(await privateKey(publicJwk), "ES256");
  const signer = {
    sign: async (bytes) =>
      encoder.encode(await new jose.CompactSign(bytes).setProtectedHeader({ alg: "ES256", typ, kid }).sign(key)),
  };
  const issuer = transmute.issuer({ alg: "ES256", type: "application/vc-ld+jwt", signer });
  const issued = await issuer.issue({ claimset: encoder.encode(JSON.stringify(claims)) });
  return { jwk: publicJwk, credential: decoder.decode(issued) };
}

function find(keys, kid) {
  if (!keys[kid]) throw new Error(`no key ${kid}`);
  return { alg: "ES256", kid, ...keys[kid] };
}
