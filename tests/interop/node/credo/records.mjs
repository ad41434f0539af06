// Where a Credo agent keeps its records: this process, as the text that a database would get.

import { InjectionSymbols, JsonTransformer, RecordDuplicateError, RecordNotFoundError } from "@credo-ts/core";

export class ProcessRecords {
  supportsCursorPagination = false;
  #records = new Map();

  async save(_, record) {
    const key = `${record.type} ${record.id}`;
    if (this.#records.has(key)) throw new RecordDuplicateError(`there is a ${key}`, { recordType: record.type });
    this.#write(record);
  }

  async update(_, record) {
    this.#get(record.type, record.id);
    this.#write(record);
  }

  async delete(_, { type, id }) {
    this.#get(type, id);
    this.#records.delete(`${type} ${id}`);
  }

  async deleteById(context, { type }, id) {
    await this.delete(context, { type, id });
  }

  async getById(_, recordClass, id) {
    return read(this.#get(recordClass.type, id), recordClass);
  }

  async getAll(_, recordClass) {
    return [...this.#records.values()].filter(({ type }) => type === recordClass.type).map((kept) => read(kept, recordClass));
  }

  async findByQuery(context, recordClass, query) {
    return (await this.getAll(context, recordClass)).filter((record) => matches(record.getTags(), query));
  }

  #get(type, id) {
    const kept = this.#records.get(`${type} ${id}`);
    if (!kept) throw new RecordNotFoundError(`there is no ${type} ${id}`, { recordType: type });
    return kept;
  }

  #write(record) {
    const { type, id } = record;
    this.#records.set(`${type} ${id}`, { type, id, text: JsonTransformer.serialize(record), tags: record.getTags() });
  }
}

/** Credo takes its store from a module. */
export class ProcessRecordsModule {
  register(dependencies) {
    dependencies.registerInstance(InjectionSymbols.StorageService, new ProcessRecords());
  }
}

function read({ text, tags }, recordClass) {
  const record = JsonTransformer.deserialize(text, recordClass);
  record.replaceTags(tags);
  return record;
}

function matches(tags, { $and = [], $or, $not, ...wanted }) {
  return (
    $and.every((query) => matches(tags, query)) &&
    (!$or || $or.some((query) => matches(tags, query))) &&
    !($not && matches(tags, $not)) &&
    Object.entries(wanted).every(([name, value]) => value === undefined || isTagged(tags[name], value))
  );
}

function isTagged(tag, value) {
  return Array.isArray(value) ? value.every((one) => tag?.includes(one)) : tag === value;
}
