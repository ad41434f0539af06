// A wallet on Credo (OpenWallet Foundation), which judges what it gets before it keeps it.

import { Kms } from "@credo-ts/core";
import { OpenId4VcModule } from "@credo-ts/openid4vc";
import { DcqlQuery } from "dcql";

import { createDid, startAgent } from "../credo/agent.mjs";

let agent, holder;

/** A wallet that holds nothing yet. */
export async function open() {
  agent = await startAgent({ openid4vc: new OpenId4VcModule() });
  holder = agent.openid4vc.holder;
}

/** Take what is offered, in these configurations; of each, what Credo made of it. */
export async function receive({ offer, configurations, tx_code: txCode, copies = 1 }) {
  const resolvedCredentialOffer = await holder.resolveCredentialOffer(offer);
  const token = await holder.requestToken({ resolvedCredentialOffer, txCode });
  const { credentials } = await holder.requestCredentials({
    resolvedCredentialOffer,
    credentialConfigurationIds: configurations,
    credentialBindingResolver: (asked) => bind(asked, copies),
    ...token,
  });
  return Promise.all(credentials.map((received) => keep(resolvedCredentialOffer.metadata, token, received)));
}

async function bind({ supportsJwk, credentialFormat }, copies) {
  const each = [...Array(copies)];
  if (supportsJwk && credentialFormat === "dc+sd-jwt") return { method: "jwk", keys: await Promise.all(each.map(createKey)) };
  return { method: "did", didUrls: await Promise.all(each.map(() => createDid(agent))) };
}

async function createKey() {
  const { publicJwk } = await agent.kms.createKeyForSignatureAlgorithm({ algorithm: "ES256" });
  return Kms.PublicJwk.fromPublicJwk(publicJwk);
}

async function keep(metadata, { accessToken, dpop }, { record, notificationId, credentialConfigurationId }) {
  const stores = { SdJwtVcRecord: agent.sdJwtVc, W3cCredentialRecord: agent.w3cCredentials, W3cV2CredentialRecord: agent.w3cV2Credentials };
  const kept = await stores[record.type].store({ record });
  if (notificationId) {
    await holder.sendNotification({ metadata, notificationId, notificationEvent: "credential_accepted", accessToken, dpop });
  }
  return { configuration: credentialConfigurationId, kind: kept.type, copies: kept.credentialInstances.length };
}

/**
 * Answer a question with what is held. Of an array Credo shows none of the elements that are hidden one by one; with
 * `helped`, the wallet around it asks `dcql` once more which ones they are, and names them by their place.
 */
export async function answer({ request, helped = true }) {
  const resolved = await holder.resolveOpenId4VpAuthorizationRequest(request);
  const { queryResult } = resolved.dcql;
  const asked = { prefix: resolved.verifier.clientIdPrefix, satisfied: queryResult.can_be_satisfied };
  if (!queryResult.can_be_satisfied) return asked;
  const credentials = holder.selectCredentialsForDcqlRequest(queryResult);
  if (helped) {
    const query = DcqlQuery.parse(resolved.authorizationRequestPayload.dcql_query);
    for (const [id, [shown]] of Object.entries(credentials)) shown.disclosedPayload = matched(query, id, shown);
  }
  const answered = await holder.acceptOpenId4VpAuthorizationRequest({
    authorizationRequestPayload: resolved.authorizationRequestPayload,
    dcql: { credentials },
    transactionData: resolved.transactionData?.map(({ matchedCredentialIds: [credentialId] }) => ({ credentialId })),
  });
  return { ...asked, status: answered.serverResponse.status, shown: Object.keys(credentials) };
}

function matched(query, id, { credentialRecord: { encoded } }) {
  const { prettyClaims: claims } = agent.sdJwtVc.fromCompact(encoded);
  const held = { credential_format: "dc+sd-jwt", vct: claims.vct, claims, cryptographic_holder_binding: true };
  const [valid] = DcqlQuery.query(query, [held]).credential_matches[id].valid_credentials;
  return byPlace(valid.claims.valid_claim_sets[0].output);
}

function byPlace(output) {
  if (output === null || typeof output !== "object") return output;
  const members = Object.entries(output).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(members.map(([name, value]) => [name, byPlace(value)]));
}
