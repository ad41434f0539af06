// A wallet on `@openid4vc/openid4vci` (OpenWallet Foundation), one step a call. A journey is the way to one badge.

import {
  Oauth2Client,
  clientAuthenticationAnonymous,
  clientAuthenticationClientAttestationJwt,
  clientAuthenticationNone,
} from "@openid4vc/oauth2";
import { Openid4vciClient, Openid4vciWalletProvider } from "@openid4vc/openid4vci";
import { Openid4vciClient as EncryptingClient } from "@openid4vc/openid4vci-next";

import { callbacks, createKey, importKey } from "../callbacks.mjs";

const CLIENT = "https://peer-wallet.example";
const REDIRECT = `${CLIENT}/back`;
const LATER = 3600_000;

const journeys = new Map();

/**
 * Read an offer and what its issuer says of itself. `provider` vouches for this wallet: `{key, x5c}`. Of itself the
 * library fetches no challenge for its proof of possession, gives key attestations the `typ` of draft 15, and sends a
 * request for an encrypted answer in the clear (`encrypted`, by its version to come); with `helped`, all that is put
 * right as a wallet that is built on it could.
 */
export async function open({ offer, dpop = false, provider = null, encrypted = false, helped = true }) {
  const journey = { number: journeys.size, provider, encrypted, helped, keys: [] };
  journeys.set(journey.number, journey);
  if (dpop) journey.dpop = { signer: { method: "jwk", alg: "ES256", publicJwk: await createKey() } };
  const reader = new Openid4vciClient({ callbacks: { ...callbacks, clientAuthentication: clientAuthenticationAnonymous() } });
  journey.offer = await reader.resolveCredentialOffer(offer);
  journey.metadata = await reader.resolveIssuerMetadata(journey.offer.credential_issuer);
  const used = { ...callbacks, clientAuthentication: await authentication(journey) };
  if (encrypted && helped) used.fetch = encrypting(journey.metadata.credentialIssuer);
  journey.client = new (encrypted ? EncryptingClient : Openid4vciClient)({ callbacks: used });
  return {
    journey: journey.number,
    version: journey.metadata.originalDraftVersion,
    configurations: journey.offer.credential_configuration_ids,
    described: journey.metadata.credentialIssuer.credential_configurations_supported,
    known: Object.keys(journey.metadata.knownCredentialConfigurations),
    signer: journey.metadata.signedCredentialIssuer?.signer.method ?? null,
  };
}

/** Get an access token with the code in the offer. */
export async function redeem({ journey: number, tx_code: txCode }) {
  const journey = journeys.get(number);
  const { offer, metadata, dpop } = journey;
  return keep(journey, await journey.client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer: offer,
    issuerMetadata: metadata,
    txCode,
    dpop,
  }));
}

/** Push an authorization request; where its person has to go. */
export async function push({ journey: number, scope, ...additionalRequestPayload }) {
  const journey = journeys.get(number);
  const { offer, metadata, dpop } = journey;
  const started = await journey.client.initiateAuthorization({
    credentialOffer: offer,
    issuerMetadata: metadata,
    clientId: CLIENT,
    redirectUri: REDIRECT,
    scope,
    dpop,
    additionalRequestPayload,
  });
  journey.pkce = started.pkce;
  journey.dpop = started.dpop ?? journey.dpop;
  return started.authorizationRequestUrl;
}

/** The person is back, at this address: check who answers, and get an access token. */
export async function comeBack({ journey: number, url }) {
  const journey = journeys.get(number);
  const { offer, metadata, dpop, pkce } = journey;
  const answer = journey.client.parseAndVerifyAuthorizationResponseRedirectUrl({
    url,
    authorizationServerMetadata: metadata.authorizationServers[0],
  });
  if (answer.error) throw new Error(answer.error);
  return keep(journey, await journey.client.retrieveAuthorizationCodeAccessTokenFromOffer({
    credentialOffer: offer,
    issuerMetadata: metadata,
    authorizationCode: answer.code,
    pkceCodeVerifier: pkce.codeVerifier,
    redirectUri: REDIRECT,
    dpop,
  }));
}

/** Trade the refresh token for another access token. */
export async function refresh({ journey: number }) {
  const journey = journeys.get(number);
  const client = new Oauth2Client({ callbacks: journey.client.options.callbacks });
  return keep(journey, await client.retrieveRefreshTokenAccessToken({
    authorizationServerMetadata: journey.metadata.authorizationServers[0],
    refreshToken: journey.token.refresh_token,
    resource: journey.offer.credential_issuer,
    dpop: journey.dpop,
  }));
}

/** Prove keys and ask for as many copies. `proof`: "jwt", "attestation", or "attested jwt" for both in one. */
export async function ask({ journey: number, configuration, copies = 1, alg = "ES256", proof = "jwt" }) {
  const journey = journeys.get(number);
  const { c_nonce: nonce } = await journey.client.requestNonce({ issuerMetadata: journey.metadata });
  const keys = await Promise.all(Array.from({ length: copies }, () => createKey(alg)));
  journey.keys.push(...keys);
  const proofs = await prove(journey, { configuration, keys, alg, nonce, proof });
  const { credentialResponse } = await journey.client.retrieveCredentials({
    issuerMetadata: journey.metadata,
    proofs,
    credentialConfigurationId: configuration,
    accessToken: journey.token.access_token,
    dpop: journey.dpop,
    credentialResponseEncryption: journey.encrypted ? await responseEncryption() : undefined,
  });
  return credentialResponse;
}

/** Ask for what was not ready. */
export async function askAgain({ journey: number, transaction_id: transactionId }) {
  const journey = journeys.get(number);
  const { deferredCredentialResponse } = await journey.client.retrieveDeferredCredentials({
    issuerMetadata: journey.metadata,
    transactionId,
    accessToken: journey.token.access_token,
    dpop: journey.dpop,
    credentialResponseEncryption: journey.encrypted ? await responseEncryption() : undefined,
  });
  return deferredCredentialResponse;
}

/** Tell the issuer what became of it. */
export async function tell({ journey: number, notification_id: notificationId, event }) {
  const journey = journeys.get(number);
  await journey.client.sendNotification({
    issuerMetadata: journey.metadata,
    notification: { notificationId, event },
    accessToken: journey.token.access_token,
    dpop: journey.dpop,
  });
}

async function keep(journey, { accessTokenResponse, dpop }) {
  journey.token = accessTokenResponse;
  if (dpop) journey.dpop = dpop;
  return accessTokenResponse;
}

async function prove(journey, { configuration, keys, alg, nonce, proof }) {
  if (proof === "attestation") {
    return { attestation: [await attestKeys(journey, keys, { use: "proof_type.attestation", nonce })] };
  }
  // One proof is enough where an attestation in it names all keys.
  const keyAttestationJwt = proof === "attested jwt" ? await attestKeys(journey, keys, { use: "proof_type.jwt", nonce }) : undefined;
  const proving = keyAttestationJwt ? keys.slice(0, 1) : keys;
  const made = proving.map((publicJwk) =>
    journey.client.createCredentialRequestJwtProof({
      issuerMetadata: journey.metadata,
      signer: { method: "jwk", alg, publicJwk },
      nonce,
      clientId: journey.pkce ? CLIENT : undefined,
      credentialConfigurationId: configuration,
      issuedAt: new Date(),
      keyAttestationJwt,
    }),
  );
  return { jwt: (await Promise.all(made)).map(({ jwt }) => jwt) };
}

async function responseEncryption() {
  const jwk = await createKey("ECDH-ES");
  return { jwk: { ...jwk, use: "enc", alg: "ECDH-ES", kid: "answer-1" }, alg: "ECDH-ES", enc: "A128GCM" };
}

/** Requests that want an encrypted answer are encrypted themselves. OpenID4VCI 1.0 §8.2, §10. */
function encrypting({ credential_endpoint, deferred_credential_endpoint, credential_request_encryption: wanted }) {
  return async (url, request) => {
    if (![credential_endpoint, deferred_credential_endpoint].includes(url)) return fetch(url, request);
    const [publicJwk] = wanted.jwks.keys;
    const encryptor = { publicJwk, alg: publicJwk.alg, enc: wanted.enc_values_supported[0] };
    const { jwe } = await callbacks.encryptJwe(encryptor, request.body);
    return fetch(url, { ...request, body: jwe, headers: { ...request.headers, "Content-Type": "application/jwt" } });
  };
}

async function attestKeys({ provider, helped }, attestedKeys, { use, nonce }) {
  const renamed = { ...callbacks, signJwt: signing({ header: { typ: "key-attestation+jwt" } }) };
  return new Openid4vciWalletProvider({ callbacks: helped === true ? renamed : callbacks }).createKeyAttestationJwt({
    signer: await providerSigner(provider),
    use,
    nonce,
    attestedKeys,
    issuedAt: new Date(),
    expiresAt: new Date(Date.now() + LATER),
    keyStorage: ["iso_18045_high"],
    userAuthentication: ["iso_18045_high"],
  });
}

async function authentication({ provider, offer, helped }) {
  if (!provider) {
    return offer.grants.authorization_code ? clientAuthenticationNone({ clientId: CLIENT }) : clientAuthenticationAnonymous();
  }
  const clientAttestationJwt = await new Openid4vciWalletProvider({ callbacks }).createWalletAttestationJwt({
    signer: await providerSigner(provider),
    issuer: "https://wallet-provider.example",
    clientId: CLIENT,
    walletName: "Peer wallet",
    confirmation: { jwk: await createKey() },
    issuedAt: new Date(),
    expiresAt: new Date(Date.now() + LATER),
  });
  if (!helped) return clientAuthenticationClientAttestationJwt({ clientAttestationJwt, callbacks });
  return async (request) => {
    const answer = await fetch(request.authorizationServerMetadata.challenge_endpoint, { method: "POST" });
    const { attestation_challenge: challenge } = await answer.json();
    const challenged = { ...callbacks, signJwt: signing({ payload: { challenge } }) };
    return clientAuthenticationClientAttestationJwt({ clientAttestationJwt, callbacks: challenged })(request);
  };
}

/** Signing, with members added to what is signed. */
function signing({ header = {}, payload = {} }) {
  return (signer, jwt) =>
    callbacks.signJwt(signer, { header: { ...jwt.header, ...header }, payload: { ...jwt.payload, ...payload } });
}

async function providerSigner({ key, x5c }) {
  await importKey(key);
  return { method: "x5c", alg: "ES256", x5c };
}
