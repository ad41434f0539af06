// A wallet on `@openid4vc/openid4vp` and `dcql` (OpenWallet Foundation) that shows SD-JWT VCs by `@sd-jwt/sd-jwt-vc`.

import { Openid4vpClient } from "@openid4vc/openid4vp";
import { DcqlQuery } from "dcql";

import { callbacks } from "../callbacks.mjs";
import { claimsOf, show } from "./sd_jwt_vc.mjs";

const client = new Openid4vpClient({ callbacks });
const ENCRYPTION = {
  authorization_encryption_alg_values_supported: ["ECDH-ES"],
  authorization_encryption_enc_values_supported: ["A256GCM", "A128GCM"],
};

/** Read a question, find what answers it among these SD-JWT VCs, show no more than that, and send it. */
export async function answer({ request, credentials, origin, send = true }) {
  const { params } = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: request });
  const asked = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: params, origin });
  const query = DcqlQuery.parse(asked.dcql.query);
  DcqlQuery.validate(query);
  const held = await Promise.all(credentials.map(claimsOf));
  const found = DcqlQuery.query(
    query,
    held.map((claims) => ({ credential_format: "dc+sd-jwt", vct: claims.vct, claims, cryptographic_holder_binding: true })),
  );
  if (!found.can_be_satisfied) throw new Error(`nothing answers this: ${JSON.stringify(found.credential_matches)}`);
  // Of each set the first way that can be answered; without sets, everything.
  const chosen = found.credential_sets?.flatMap(({ matching_options: [first] }) => first) ?? Object.keys(found.credential_matches);
  const presentations = await Promise.all(
    chosen.map(async (id) => [id, [await shown(id, found.credential_matches[id], { ...asked, origin }, credentials)]]),
  );
  const payload = asked.authorizationRequestPayload;
  const made = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: payload,
    authorizationResponsePayload: { vp_token: Object.fromEntries(presentations) },
    origin,
    jarm: payload.response_mode.endsWith(".jwt") ? { encryption: {}, serverMetadata: ENCRYPTION } : undefined,
  });
  const about = { client: asked.client, version: asked.version, shown: chosen };
  if (!send) return { ...about, data: made.jarm ? { response: made.jarm.responseJwt } : made.authorizationResponsePayload };
  const { response } = await client.submitOpenid4vpAuthorizationResponse({ authorizationRequestPayload: payload, ...made });
  return { ...about, status: response.status, body: await response.json() };
}

async function shown(id, match, { authorizationRequestPayload: payload, client: { effective }, transactionData = [], origin }, held) {
  const [credential] = match.valid_credentials;
  const hashes = transactionData.filter(({ transactionData: { credential_ids: ids } }) => ids[0] === id);
  return show({
    credential: held[credential.input_credential_index],
    frame: frameOf(credential.claims.valid_claim_sets[0].output),
    // Over the Digital Credentials API an answer is made for the page, whoever signed the question. OpenID4VP 1.0 A.4.
    audience: origin ? `origin:${origin}` : effective,
    nonce: payload.nonce,
    agreed: hashes.map(({ encoded }) => encoded),
  });
}

/** What was matched, as what is to be shown: `true` for each claim, by its name or its place. */
function frameOf(matched) {
  if (matched === null || typeof matched !== "object") return true;
  const members = Object.entries(matched).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(members.map(([name, value]) => [name, frameOf(value)]));
}
