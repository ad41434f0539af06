// An issuer on Credo (OpenWallet Foundation) with its authorization server, at a host of its own.

import { ClaimFormat } from "@credo-ts/core";
import { OpenId4VcModule } from "@credo-ts/openid4vc";
import express from "express";

import { createWebDid, startAgent } from "../credo/agent.mjs";
import { serve } from "../hosts.mjs";

let agent, session, key, asked;

/** Offer one kind of SD-JWT VC; the link, the code that its person gets, and as whom. */
export async function offer({ host, vct, claims, hidden }) {
  const app = express();
  asked = { vct, claims, hidden };
  const issuer = { baseUrl: `https://${host}`, credentialRequestToCredentialMapper: issue };
  agent = await startAgent({ openid4vc: new OpenId4VcModule({ app, issuer }) });
  const did = `did:web:${host}:school`;
  const made = await createWebDid(agent, did);
  key = made.key;
  app.get("/school/did.json", (_, response) => response.json(made.document));
  const { issuerId } = await agent.openid4vc.issuer.createIssuer({
    issuerId: "school",
    display: [{ name: "Andere school", locale: "nl" }],
    batchCredentialIssuance: { batchSize: 4 },
    dpopSigningAlgValuesSupported: ["ES256"],
    credentialConfigurationsSupported: {
      badge: {
        format: "dc+sd-jwt",
        vct,
        scope: "badge",
        cryptographic_binding_methods_supported: ["jwk"],
        credential_signing_alg_values_supported: ["ES256"],
        proof_types_supported: { jwt: { proof_signing_alg_values_supported: ["ES256"] } },
        credential_metadata: { display: [{ name: "Adviseur", locale: "nl" }] },
      },
    },
  });
  serve(host, app);
  const { credentialOffer, issuanceSession } = await agent.openid4vc.issuer.createCredentialOffer({
    issuerId,
    credentialConfigurationIds: ["badge"],
    preAuthorizedCodeFlowConfig: { txCode: { length: 6, input_mode: "numeric" } },
    version: "v1",
  });
  session = issuanceSession.id;
  return { link: credentialOffer, tx_code: issuanceSession.userPin, did };
}

/** How far Credo says that it came. */
export async function outcome() {
  const { state, errorMessage } = await agent.openid4vc.issuer.getIssuanceSessionById(session);
  return { state, error: errorMessage ?? null };
}

async function issue({ holderBinding }) {
  return {
    type: "credentials",
    format: ClaimFormat.SdJwtDc,
    credentials: holderBinding.keys.map(({ jwk }) => ({
      payload: { vct: asked.vct, ...asked.claims },
      disclosureFrame: asked.hidden,
      holder: { method: "jwk", jwk },
      issuer: { method: "did", didUrl: key },
    })),
  };
}
