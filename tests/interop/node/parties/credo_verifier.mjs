// A verifier on Credo (OpenWallet Foundation) at a host of its own.

import { OpenId4VcModule } from "@credo-ts/openid4vc";
import express from "express";

import { createWebDid, startAgent } from "../credo/agent.mjs";
import { serve } from "../hosts.mjs";

let agent, session;

/** Ask by a signed request; the link, and as whom. */
export async function ask({ host, query }) {
  const app = express();
  agent = await startAgent({ openid4vc: new OpenId4VcModule({ app, verifier: { baseUrl: `https://${host}` } }) });
  const did = `did:web:${host}:desk`;
  const { key, document } = await createWebDid(agent, did);
  app.get("/desk/did.json", (_, response) => response.json(document));
  serve(host, app);
  const { verifierId } = await agent.openid4vc.verifier.createVerifier({ verifierId: "desk", clientMetadata: { client_name: "Andere werkgever" } });
  const { authorizationRequest, verificationSession } = await agent.openid4vc.verifier.createAuthorizationRequest({
    verifierId,
    requestSigner: { method: "did", didUrl: key },
    dcql: { query },
    responseMode: "direct_post.jwt",
    version: "v1",
  });
  session = verificationSession.id;
  return { link: authorizationRequest, did };
}

/** How far Credo says that it came, and the claims that it believes. */
export async function outcome() {
  const { state, errorMessage } = await agent.openid4vc.verifier.getVerificationSessionById(session);
  if (state !== "ResponseVerified") return { state, error: errorMessage ?? null };
  const { dcql } = await agent.openid4vc.verifier.getVerifiedAuthorizationResponse(session);
  return { state, claims: Object.values(dcql.presentations).flat().map(({ prettyClaims }) => prettyClaims) };
}
