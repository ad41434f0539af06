// Issuer, holder and verifier of credentials with embedded proofs, on Digital Bazaar's libraries.
// It looks nothing up but what `publish` put here, and judges by the time that it is told.

import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import * as ecdsaJcs2019 from "@digitalbazaar/ecdsa-jcs-2019-cryptosuite";
import * as EcdsaMultikey from "@digitalbazaar/ecdsa-multikey";
import { cryptosuite as ecdsaRdfc2019 } from "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite";
import * as ecdsaSd2023 from "@digitalbazaar/ecdsa-sd-2023-cryptosuite";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import * as eddsaJcs2022 from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import { cryptosuite as eddsaRdfc2022 } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import * as statusLists from "@digitalbazaar/vc-bitstring-status-list";
import jsigs from "jsonld-signatures";

const SIGNING = {
  "ecdsa-jcs-2019": ecdsaJcs2019.createSignCryptosuite,
  "ecdsa-rdfc-2019": () => ecdsaRdfc2019,
  "ecdsa-sd-2023": ecdsaSd2023.createSignCryptosuite,
  "eddsa-jcs-2022": eddsaJcs2022.createSignCryptosuite,
  "eddsa-rdfc-2022": () => eddsaRdfc2022,
};
const VERIFYING = [
  ecdsaJcs2019.createVerifyCryptosuite(),
  ecdsaRdfc2019,
  ecdsaSd2023.createVerifyCryptosuite(),
  eddsaJcs2022.createVerifyCryptosuite(),
  eddsaRdfc2022,
];
const documents = new Map();
const keys = new Map();

/** From now on these can be looked up: contexts, DID documents, status lists, each by its address. */
export function publish(found) {
  for (const [url, document] of Object.entries(found)) documents.set(url, document);
}

export const documentLoader = jsigs.extendContextLoader(async (url) => {
  const [address, fragment] = url.split("#");
  const document = documents.get(address);
  if (!document) throw new Error(`nothing is published at ${url}`);
  const found = fragment === undefined ? document : document.verificationMethod.find(({ id }) => id === url);
  if (!found) throw new Error(`${address} has no key ${url}`);
  // What jsonld keeps of a context for good, it keeps of those that are marked so.
  return { contextUrl: null, documentUrl: url, document: found, ...(found.id ? {} : { tag: "static" }) };
});

/** A new key of this process, on this curve, and its `did:key`; the DID document is published here and returned. */
export async function createKey({ curve }) {
  const key = curve === "Ed25519" ? await Ed25519Multikey.generate() : await EcdsaMultikey.generate({ curve });
  const did = `did:key:${key.publicKeyMultibase}`;
  Object.assign(key, { id: `${did}#${key.publicKeyMultibase}`, controller: did });
  keys.set(key.id, key);
  const document = {
    "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
    id: did,
    verificationMethod: [await key.export({ publicKey: true, includeContext: false })],
    assertionMethod: [key.id],
    authentication: [key.id],
  };
  publish({ [did]: document });
  return { did, method: key.id };
}

/** Sign a credential; of one with `ecdsa-sd-2023` the holder may hide all that `mandatory` does not point to. */
export async function issue({ credential, cryptosuite, method, now, mandatory }) {
  const suite = signing(cryptosuite, method, now, { mandatoryPointers: mandatory });
  return vc.issue({ credential, suite, documentLoader, now });
}

/** As a holder: keep what must be shown and what `show` points to. */
export async function derive({ credential, show }) {
  const suite = new DataIntegrityProof({ cryptosuite: ecdsaSd2023.createDiscloseCryptosuite({ selectivePointers: show }) });
  return vc.derive({ verifiableCredential: credential, suite, documentLoader });
}

/** As a holder: sign a presentation for one verifier. */
export async function present({ credential, cryptosuite, method, holder, challenge, domain, now }) {
  const presentation = vc.createPresentation({ verifiableCredential: credential, holder, now });
  return vc.signPresentation({ presentation, suite: signing(cryptosuite, method, now), challenge, domain, documentLoader });
}

/** Judge a credential; an error where it is not good. Statuses are another question. */
export async function verify({ credential, now }) {
  insist(await vc.verifyCredential({ credential, suite: verifying(), documentLoader, now, checkStatus: leaveOut }));
}

/** Judge a presentation and what is in it. */
export async function verifyPresentation({ presentation, challenge, domain, now }) {
  const suite = verifying();
  insist(await vc.verify({ presentation, suite, challenge, domain, documentLoader, now, checkStatus: leaveOut }));
}

/** The state of a credential by the list that it names, which is judged by the machine's clock. */
export async function status({ credential }) {
  const found = await statusLists.checkStatus({ credential, suite: verifying(), documentLoader });
  insist(found);
  return Object.fromEntries(found.results.map(({ credentialStatus, status }) => [credentialStatus.statusPurpose, status]));
}

/** A status list of which these entries are set, signed. */
export async function createStatusList({ id, length, set, statusPurpose, issuer, cryptosuite, method, ...times }) {
  const list = await statusLists.createList({ length });
  for (const index of set) list.setStatus(index, true);
  const credential = await statusLists.createCredential({ id, list, statusPurpose });
  return issue({ credential: { ...credential, issuer, ...times }, cryptosuite, method, now: times.validFrom });
}

function signing(cryptosuite, method, date, options) {
  return new DataIntegrityProof({ cryptosuite: SIGNING[cryptosuite](options), signer: keys.get(method).signer(), date });
}

function verifying() {
  return VERIFYING.map((cryptosuite) => new DataIntegrityProof({ cryptosuite }));
}

const leaveOut = async () => ({ verified: true });

/** Raise what it has to say, all of it: its first line is seldom the reason. */
function insist({ verified, error, credentialResults = [] }) {
  if (verified) return;
  const found = [error, ...credentialResults.map((result) => result.error)].filter(Boolean);
  const reasons = found.flatMap((one) => [one, ...(one.errors ?? [])]).map((one) => one.message);
  throw Object.assign(new Error(reasons.join(" / ") || "not verified"), { name: "Refused" });
}
