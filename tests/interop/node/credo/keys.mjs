// Where a Credo agent keeps its keys: this process. Credo's own stores need a native library, which no registry carries.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  sign,
  verify,
} from "node:crypto";

import { Kms } from "@credo-ts/core";

const SIGNATURES = { ES256: ["sha256", "ieee-p1363"], EdDSA: [null, undefined], Ed25519: [null, undefined] };
const CIPHERS = { A128GCM: ["aes-128-gcm", 128], A256GCM: ["aes-256-gcm", 256] };

export class ProcessKeys {
  backend = "process";
  #keys = new Map();

  isOperationSupported(_, { operation, type, algorithm, encryption, decryption }) {
    if (operation === "createKey") return ["P-256", "Ed25519"].includes(type.crv);
    if (operation === "sign" || operation === "verify") return algorithm in SIGNATURES;
    if (operation === "encrypt" || operation === "decrypt") return (encryption ?? decryption).algorithm in CIPHERS;
    return ["importKey", "deleteKey", "randomBytes"].includes(operation);
  }

  async createKey(_, { type, keyId }) {
    const { privateKey } =
      type.kty === "EC" ? generateKeyPairSync("ec", { namedCurve: type.crv }) : generateKeyPairSync(type.crv.toLowerCase());
    return this.#keep(privateKey, keyId);
  }

  async importKey(_, { privateJwk }) {
    return this.#keep(createPrivateKey({ key: privateJwk, format: "jwk" }), privateJwk.kid);
  }

  async getPublicKey(_, keyId) {
    return this.#keys.has(keyId) ? publicHalf(this.#keys.get(keyId), keyId) : null;
  }

  async deleteKey(_, { keyId }) {
    return this.#keys.delete(keyId);
  }

  async sign(_, { keyId, algorithm, data }) {
    const [hash, dsaEncoding] = SIGNATURES[algorithm];
    return { signature: new Uint8Array(sign(hash, data, { key: this.#get(keyId), dsaEncoding })) };
  }

  async verify(_, { key, algorithm, data, signature }) {
    const [hash, dsaEncoding] = SIGNATURES[algorithm];
    const jwk = key.publicJwk ?? publicHalf(this.#get(key.keyId), key.keyId);
    const verified = verify(hash, data, { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding }, signature);
    return verified ? { verified, publicJwk: jwk } : { verified };
  }

  async encrypt(_, { key, encryption, data }) {
    const iv = encryption.iv ?? randomBytes(12);
    const cipher = createCipheriv(CIPHERS[encryption.algorithm][0], this.#agree(key.keyAgreement, encryption.algorithm), iv);
    if (encryption.aad) cipher.setAAD(encryption.aad);
    const encrypted = Buffer.concat([cipher.update(data), cipher.final()]);
    return { encrypted: new Uint8Array(encrypted), iv: new Uint8Array(iv), tag: new Uint8Array(cipher.getAuthTag()) };
  }

  async decrypt(_, { key, decryption, encrypted }) {
    const { algorithm, iv, aad, tag } = decryption;
    const cipher = createDecipheriv(CIPHERS[algorithm][0], this.#agree(key.keyAgreement, algorithm), iv);
    if (aad) cipher.setAAD(aad);
    cipher.setAuthTag(tag);
    return { data: new Uint8Array(Buffer.concat([cipher.update(encrypted), cipher.final()])) };
  }

  randomBytes(_, { length }) {
    return new Uint8Array(randomBytes(length));
  }

  /** RFC 7518 §4.6.2: the key that both sides get from ECDH-ES. */
  #agree({ keyId, externalPublicJwk, apu, apv }, algorithm) {
    const bits = CIPHERS[algorithm][1];
    const publicKey = createPublicKey({ key: externalPublicJwk, format: "jwk" });
    const secret = diffieHellman({ privateKey: this.#get(keyId), publicKey });
    const info = [number(1), secret, counted(Buffer.from(algorithm)), counted(apu), counted(apv), number(bits)];
    return createHash("sha256").update(Buffer.concat(info)).digest().subarray(0, bits / 8);
  }

  #get(keyId) {
    const key = this.#keys.get(keyId);
    if (!key) throw new Kms.KeyManagementKeyNotFoundError(keyId, [this.backend]);
    return key;
  }

  #keep(key, keyId = randomUUID()) {
    this.#keys.set(keyId, key);
    return { keyId, publicJwk: publicHalf(key, keyId) };
  }
}

function publicHalf(key, kid) {
  return { ...createPublicKey(key).export({ format: "jwk" }), kid };
}

function number(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function counted(bytes = Buffer.alloc(0)) {
  return Buffer.concat([number(bytes.length), bytes]);
}
