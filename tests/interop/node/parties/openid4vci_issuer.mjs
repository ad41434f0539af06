// An issuer with its authorization server on `@openid4vc/openid4vci` and `@openid4vc/oauth2` (OpenWallet Foundation), at a
// host of its own. What it issues is made by `@sd-jwt/sd-jwt-vc`.

import { createHash, randomBytes } from "node:crypto";

import { Oauth2AuthorizationServer, Oauth2ServerErrorResponseError, preAuthorizedCodeGrantIdentifier } from "@openid4vc/oauth2";
import { Openid4vciIssuer } from "@openid4vc/openid4vci";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";

import { callbacks, createKey } from "../callbacks.mjs";
import { fromWeb, serve } from "../hosts.mjs";
import { signData } from "./sd_jwt_vc.mjs";

const issuer = new Openid4vciIssuer({ callbacks });
const server = new Oauth2AuthorizationServer({ callbacks });
const random = () => randomBytes(24).toString("base64url");
const seconds = () => Math.floor(Date.now() / 1000);
const ES256 = ["ES256"];

let world;

/**
 * Offer one kind of credential, by `grant` "pre-authorized" or "code"; the link. With `astray`, what is issued is bound
 * to a key of somebody else.
 */
export async function offer({ host, vct, claims, hidden, grant, tx_code, by = "reference", astray = false }) {
  const identifier = `https://${host}`;
  const key = await createKey();
  const did = `did:web:${host}`;
  const signer = { method: "did", alg: "ES256", didUrl: `${did}#key-1`, publicJwk: key };
  world = { host, identifier, key, did, signer, vct, claims, hidden, tx_code, astray, nonces: new Set(), told: [], keys: [], code: random() };
  world.credentialIssuer = issuer.createCredentialIssuerMetadata({
    credential_issuer: identifier,
    credential_endpoint: `${identifier}/credential`,
    nonce_endpoint: `${identifier}/nonce`,
    notification_endpoint: `${identifier}/notification`,
    batch_credential_issuance: { batch_size: 5 },
    display: [{ name: "Andere school", locale: "nl" }],
    credential_configurations_supported: {
      "badge.dc": {
        format: "dc+sd-jwt",
        vct,
        scope: "badge",
        cryptographic_binding_methods_supported: ["jwk"],
        credential_signing_alg_values_supported: ES256,
        proof_types_supported: { jwt: { proof_signing_alg_values_supported: ES256 } },
        credential_metadata: { display: [{ name: "Adviseur", locale: "nl" }] },
      },
    },
  });
  world.authorizationServer = server.createAuthorizationServerMetadata({
    issuer: identifier,
    token_endpoint: `${identifier}/token`,
    authorization_endpoint: `${identifier}/authorize`,
    pushed_authorization_request_endpoint: `${identifier}/par`,
    require_pushed_authorization_requests: true,
    code_challenge_methods_supported: ["S256"],
    dpop_signing_alg_values_supported: ES256,
    token_endpoint_auth_methods_supported: ["none"],
    authorization_response_iss_parameter_supported: true,
    "pre-authorized_grant_anonymous_access_supported": true,
  });
  world.issuerMetadata = {
    originalDraftVersion: "V1",
    credentialIssuer: world.credentialIssuer,
    authorizationServers: [world.authorizationServer],
    knownCredentialConfigurations: issuer.getKnownCredentialConfigurationsSupported(world.credentialIssuer),
  };
  const isCode = grant === "code";
  const made = await issuer.createCredentialOffer({
    issuerMetadata: world.issuerMetadata,
    credentialConfigurationIds: ["badge.dc"],
    grants: isCode
      ? { authorization_code: { issuer_state: "state-1" } }
      : { [preAuthorizedCodeGrantIdentifier]: { "pre-authorized_code": world.code, tx_code: tx_code ? { length: tx_code.length } : undefined } },
    credentialOfferUri: by === "reference" ? `${identifier}/offer` : undefined,
  });
  world.offer = made.credentialOfferObject;
  serve(host, fromWeb((request) => answering(request)));
  return made.credentialOffer;
}

/** What the wallet told, and the keys that it was issued to. */
export async function outcome() {
  return { told: world.told, keys: world.keys, bound: world.dpop !== undefined, pushed: world.pushed ?? null };
}

const PATHS = {
  "/.well-known/openid-credential-issuer": () => Response.json(world.credentialIssuer),
  "/.well-known/oauth-authorization-server": () => Response.json(world.authorizationServer),
  "/.well-known/did.json": () => Response.json(didDocument()),
  "/offer": () => Response.json(world.offer),
  "/par": push,
  "/authorize": authorize,
  "/token": token,
  "/nonce": nonce,
  "/credential": credential,
  "/notification": notification,
};

async function answering(request) {
  try {
    const answer = PATHS[new URL(request.url).pathname];
    return answer ? await answer(request) : new Response(null, { status: 404 });
  } catch (error) {
    console.error(error);
    if (!(error instanceof Oauth2ServerErrorResponseError)) throw error;
    return Response.json(error.errorResponse, { status: error.status ?? 400 });
  }
}

async function push(request) {
  const authorizationRequest = Object.fromEntries(new URLSearchParams(await request.text()));
  const about = { headers: request.headers, method: request.method, url: request.url };
  const parsed = await server.parsePushedAuthorizationRequest({ authorizationRequest, request: about });
  await server.verifyPushedAuthorizationRequest({
    ...parsed,
    authorizationServerMetadata: world.authorizationServer,
    request: about,
    dpop: parsed.dpop?.jwt ? { ...parsed.dpop, allowedSigningAlgs: ES256 } : undefined,
  });
  world.pushed = parsed.authorizationRequest;
  const { pushedAuthorizationResponse } = server.createPushedAuthorizationResponse({
    requestUri: "urn:ietf:params:oauth:request_uri:1",
    expiresInSeconds: 60,
  });
  return Response.json(pushedAuthorizationResponse, { status: 201 });
}

/** Whoever comes agrees. */
async function authorize(request) {
  if (new URL(request.url).searchParams.get("request_uri") !== "urn:ietf:params:oauth:request_uri:1") throw new Error("not pushed");
  const back = new URL(world.pushed.redirect_uri);
  back.search = new URLSearchParams({ code: world.code, state: world.pushed.state ?? "", iss: world.identifier }).toString();
  return new Response(null, { status: 303, headers: { location: back.toString() } });
}

async function token(request) {
  const accessTokenRequest = Object.fromEntries(new URLSearchParams(await request.text()));
  const about = { headers: request.headers, method: request.method, url: request.url };
  const parsed = server.parseAccessTokenRequest({ accessTokenRequest, request: about });
  const shared = {
    accessTokenRequest: parsed.accessTokenRequest,
    authorizationServerMetadata: world.authorizationServer,
    request: about,
    grant: parsed.grant,
    dpop: parsed.dpop?.jwt ? { ...parsed.dpop, allowedSigningAlgs: ES256 } : undefined,
  };
  const { dpop } =
    parsed.grant.grantType === preAuthorizedCodeGrantIdentifier
      ? await server.verifyPreAuthorizedCodeAccessTokenRequest({
          ...shared,
          expectedPreAuthorizedCode: world.code,
          expectedTxCode: world.tx_code,
        })
      : await server.verifyAuthorizationCodeAccessTokenRequest({
          ...shared,
          expectedCode: world.code,
          pkce: {
            codeVerifier: parsed.pkceCodeVerifier,
            codeChallenge: world.pushed.code_challenge,
            codeChallengeMethod: world.pushed.code_challenge_method,
          },
        });
  world.dpop = dpop;
  const answer = await server.createAccessTokenResponse({
    audience: world.identifier,
    authorizationServer: world.identifier,
    expiresInSeconds: 300,
    signer: world.signer,
    subject: "somebody",
    dpop: dpop && { jwk: dpop.jwk },
  });
  world.token = answer.access_token;
  return Response.json(answer, { headers: { "cache-control": "no-store" } });
}

async function nonce() {
  const value = random();
  world.nonces.add(value);
  return Response.json(issuer.createNonceResponse({ cNonce: value }), { headers: { "cache-control": "no-store" } });
}

async function credential(request) {
  const scheme = world.dpop ? "DPoP" : "Bearer";
  if (request.headers.get("authorization") !== `${scheme} ${world.token}`) return new Response(null, { status: 401 });
  if (world.dpop) {
    await server.verifyDpopJwt({
      dpopJwt: request.headers.get("dpop"),
      request: { headers: request.headers, method: request.method, url: request.url },
      allowedSigningAlgs: ES256,
      accessToken: world.token,
      expectedJwkThumbprint: world.dpop.jwkThumbprint,
    });
  }
  const parsed = issuer.parseCredentialRequest({ issuerMetadata: world.issuerMetadata, credentialRequest: await request.json() });
  const credentials = [];
  for (const jwt of parsed.proofs.jwt) {
    const payload = JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));
    if (!world.nonces.has(payload.nonce)) return Response.json({ error: "invalid_nonce" }, { status: 400 });
    const { signer } = await issuer.verifyCredentialRequestJwtProof({
      issuerMetadata: world.issuerMetadata,
      expectedNonce: payload.nonce,
      jwt,
    });
    world.keys.push(signer.publicJwk);
    credentials.push({ credential: await issue(world.astray ? await createKey() : signer.publicJwk) });
  }
  const notificationId = random();
  world.notificationId = notificationId;
  const answer = issuer.createCredentialResponse({ credentialRequest: parsed, credentials, notificationId });
  return Response.json(answer.credentialResponse ?? answer, { headers: { "cache-control": "no-store" } });
}

async function notification(request) {
  const told = await request.json();
  world.told.push({ event: told.event, known: told.notification_id === world.notificationId });
  return new Response(null, { status: 204 });
}

async function issue({ kty, crv, x, y }) {
  const maker = new SDJwtVcInstance({
    hasher: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
    hashAlg: "sha-256",
    saltGenerator: () => randomBytes(16).toString("base64url"),
    signer: (data) => signData(data, world.key),
    signAlg: "ES256",
  });
  const claims = { iss: world.did, iat: seconds(), vct: world.vct, cnf: { jwk: { kty, crv, x, y } }, ...world.claims };
  return maker.issue(claims, world.hidden, { header: { kid: `${world.did}#key-1` } });
}

function didDocument() {
  const method = { id: `${world.did}#key-1`, type: "JsonWebKey", controller: world.did, publicKeyJwk: world.key };
  return { "@context": ["https://www.w3.org/ns/did/v1"], id: world.did, verificationMethod: [method], authentication: [method.id], assertionMethod: [method.id] };
}
