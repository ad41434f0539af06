// A verifier on `@openid4vc/openid4vp` and `dcql` (OpenWallet Foundation), at a host of its own. What it is shown it
// judges by `@sd-jwt/sd-jwt-vc`.

import { randomBytes } from "node:crypto";

import { Openid4vpVerifier } from "@openid4vc/openid4vp";
import { DcqlPresentationResult, DcqlQuery } from "dcql";

import { callbacks, createKey, importKey } from "../callbacks.mjs";
import { fromWeb, serve } from "../hosts.mjs";
import { verifyPresentation } from "./sd_jwt_vc.mjs";

const verifier = new Openid4vpVerifier({ callbacks });
const questions = new Map();
const REQUEST_OBJECT = { "content-type": "application/oauth-authz-req+jwt" };

/**
 * Ask. `by` is how it is known: "x509_hash" or "x509_san_dns" with `certificate` {key, x5c}, "decentralized_identifier",
 * or "redirect_uri" (unsigned). `sent` is "value", "get" or "post"; the link for a wallet.
 */
export async function ask({ host, by, query, sent = "get", mode = "direct_post.jwt", certificate, agreements, origin, more = {} }) {
  const id = String(questions.size);
  const question = { host, id, signer: await signer(host, by, certificate), verdicts: [] };
  questions.set(id, question);
  serve(host, fromWeb(answering));
  DcqlQuery.validate(DcqlQuery.parse(query));
  const encryption = { ...(await createKey("ECDH-ES")), use: "enc", alg: "ECDH-ES", kid: `enc-${id}` };
  const isOverBrowser = mode.startsWith("dc_api");
  question.origin = origin;
  question.payload = {
    response_type: "vp_token",
    response_mode: mode,
    nonce: randomBytes(16).toString("base64url"),
    dcql_query: query,
    client_metadata: {
      client_name: "Ander BV",
      vp_formats_supported: { "dc+sd-jwt": { "sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"] } },
      ...(mode.endsWith(".jwt") ? { jwks: { keys: [encryption] }, encrypted_response_enc_values_supported: ["A128GCM"] } : {}),
    },
    transaction_data: agreements?.map((entry) => Buffer.from(JSON.stringify(entry)).toString("base64url")),
    ...(isOverBrowser
      ? { expected_origins: question.signer ? [origin] : undefined }
      : { response_uri: `https://${host}/response/${id}`, state: `state-${id}` }),
    ...(isOverBrowser && !question.signer ? {} : { client_id: await clientId(question, by, certificate) }),
    ...more,
  };
  const { authorizationRequest, authorizationRequestObject } = await create(question, sent);
  if (isOverBrowser) return { id, data: authorizationRequestObject };
  return { id, link: sent === "post" ? `${authorizationRequest}&request_uri_method=post` : authorizationRequest };
}

/** What came of it. */
export async function outcome({ id }) {
  const { verdicts, fetched } = questions.get(id);
  return { verdicts, fetched };
}

/** Judge what a wallet gave to the page that asked through the browser. */
export async function receive({ id, data }) {
  const question = questions.get(id);
  await judge(question, data);
  return question.verdicts.at(-1);
}

async function create(question, sent, wallet) {
  const { signer: jwtSigner, payload: authorizationRequestPayload, host, id } = question;
  const made = await verifier.createOpenId4vpAuthorizationRequest({
    authorizationRequestPayload,
    wallet,
    jar: jwtSigner && {
      jwtSigner,
      expiresInSeconds: 300,
      requestUri: sent === "value" ? undefined : `https://${host}/request/${id}`,
      additionalJwtPayload: { aud: "https://self-issued.me/v2" },
    },
  });
  question.requestObject = made.jar?.authorizationRequestJwt;
  return made;
}

async function answering(request) {
  const [, what, id] = new URL(request.url).pathname.split("/");
  if (what === ".well-known") return Response.json(didDocument(new URL(request.url).host));
  const question = questions.get(id);
  if (what === "request") {
    if (request.method === "POST") {
      const form = Object.fromEntries(new URLSearchParams(await request.text()));
      question.fetched = { by: "post", ...form };
      question.payload = { ...question.payload, wallet_nonce: form.wallet_nonce };
      await create(question, "get", { expectedNonce: form.wallet_nonce });
    } else question.fetched = { by: "get" };
    return new Response(question.requestObject, { headers: REQUEST_OBJECT });
  }
  const form = Object.fromEntries(new URLSearchParams(await request.text()));
  if (form.error) question.verdicts.push(form);
  else await judge(question, form.vp_token ? { ...form, vp_token: JSON.parse(form.vp_token) } : form);
  return Response.json(question.verdicts.at(-1).refused ? { error: "invalid_request" } : {}, {
    status: question.verdicts.at(-1).refused ? 400 : 200,
  });
}

async function judge(question, authorizationResponse) {
  try {
    question.verdicts.push(await verdict(question, authorizationResponse));
  } catch (error) {
    console.error(error);
    question.verdicts.push({ refused: `${error.name}: ${error.message}` });
  }
}

async function verdict({ payload, origin }, authorizationResponse) {
  const parsed = await verifier.parseOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: payload,
    authorizationResponse,
    callbacks,
    origin,
  });
  const judged = {};
  for (const [query, presentations] of Object.entries(parsed.dcql.presentations)) {
    judged[query] = await Promise.all(
      presentations.map((presentation) => verifyPresentation({ presentation, nonce: parsed.expectedNonce })),
    );
  }
  // Over the Digital Credentials API an answer is made for the page, whoever signed the question. OpenID4VP 1.0 A.4.
  const audience = origin ? `origin:${origin}` : payload.client_id;
  const bindings = Object.values(judged).flat().map(({ binding }) => binding);
  if (bindings.some(({ aud }) => aud !== audience)) throw new Error(`not for us: ${JSON.stringify(bindings)}`);
  const answered = DcqlPresentationResult.fromDcqlPresentation(
    Object.fromEntries(Object.entries(judged).map(([query, shown]) => [query, shown.map(asDcql)])),
    { dcqlQuery: DcqlQuery.parse(payload.dcql_query) },
  );
  if (!answered.can_be_satisfied) throw new Error(`not what was asked: ${JSON.stringify(answered)}`);
  if (payload.transaction_data) {
    await verifier.verifyTransactionData({
      transactionData: payload.transaction_data,
      credentials: Object.fromEntries(Object.entries(judged).map(([query, shown]) => [query, shown.map(({ binding }) => binding)])),
    });
  }
  return { claims: Object.values(judged).flat().map(({ payload: claims }) => claims), encryption: parsed.jarm?.jarmHeader };
}

function asDcql({ payload: claims }) {
  return { credential_format: "dc+sd-jwt", vct: claims.vct, claims, cryptographic_holder_binding: true };
}

const didKeys = new Map();

async function signer(host, by, certificate) {
  if (by === "redirect_uri") return undefined;
  if (certificate) {
    await importKey(certificate.key);
    return { method: "x5c", alg: "ES256", x5c: certificate.x5c };
  }
  if (!didKeys.has(host)) didKeys.set(host, await createKey());
  return { method: "did", alg: "ES256", didUrl: `did:web:${host}#key-1`, publicJwk: didKeys.get(host) };
}

function didDocument(host) {
  const [did, publicKeyJwk] = [`did:web:${host}`, didKeys.get(host)];
  const method = { id: `${did}#key-1`, type: "JsonWebKey", controller: did, publicKeyJwk };
  return { "@context": ["https://www.w3.org/ns/did/v1"], id: did, verificationMethod: [method], authentication: [method.id], assertionMethod: [method.id] };
}

async function clientId({ host, id }, by, certificate) {
  if (by === "redirect_uri") return `redirect_uri:https://${host}/response/${id}`;
  if (by === "decentralized_identifier") return `decentralized_identifier:did:web:${host}`;
  if (by === "x509_san_dns") return `x509_san_dns:${host}`;
  const digest = callbacks.hash(Buffer.from(certificate.x5c[0], "base64"), "sha-256");
  return `x509_hash:${digest.toString("base64url")}`;
}
