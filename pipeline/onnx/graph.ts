import { encodeModel } from './schema.ts';

/**
 * The versions of ONNX that files are written for: `TreeEnsemble`, which compares float64, came with version 5 of the
 * operators for machine learning, in ONNX 1.16.
 */
const IR_VERSION = 10;
const OPERATORS = 21;
const ML_OPERATORS = 5;
export const ONNX_VERSION = '1.16.0';

const ML = 'ai.onnx.ml';

/** The types of values, by their numbers in `TensorProto.DataType`. */
export const TYPES = { uint8: 2, int64: 7, string: 8, boolean: 9, double: 11 } as const;
export type ValueType = keyof typeof TYPES;

/** A size of a value: a number, or a name for what is known when the model runs. */
type Size = number | string;

/** A value that operators read: an input, a constant, or what another operator has returned. */
export type Value = string & { readonly value: unique symbol };

/** The elements of a constant, in the order of rows. */
export type Elements =
  Float64Array | BigInt64Array | Uint8Array | readonly string[] | readonly boolean[];

interface Tensor {
  name?: string;
  dims: readonly number[];
  dataType: number;
  stringData?: Uint8Array[];
  rawData?: Uint8Array;
}

/** An attribute of an operator: a number, numbers, or a tensor. */
export type Attribute = number | readonly number[] | Int32Array | { readonly tensor: Elements };

const KINDS = { int: 2, tensor: 4, ints: 7 };

/** The graph of an ONNX model. Equal calls give equal bytes. */
export class Graph {
  readonly #nodes: object[] = [];
  readonly #constants: Tensor[] = [];
  readonly #inputs: object[] = [];
  readonly #outputs: object[] = [];
  readonly #names = new Set<string>();
  #count = 0;

  /** Adds an input. All inputs are added before anything else, so that no other value has such a name. */
  input(name: string, type: ValueType, shape: readonly Size[]): Value {
    this.#names.add(name);
    this.#inputs.push(describeValue(name, type, shape));
    return name as Value;
  }

  constant(elements: Elements, dims: readonly number[]): Value {
    const name = this.#nextName();
    this.#constants.push({ name, ...makeTensor(elements, dims) });
    return name;
  }

  /** Adds an operator of ONNX with one result. */
  add(
    opType: string,
    input: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): Value {
    const output = this.#nextName();
    const attribute = Object.entries(attributes).map(([name, value]) => makeAttribute(name, value));
    this.#nodes.push({ opType, input, output: [output], attribute, domain });
    return output;
  }

  /** Adds an operator for machine learning with one result. */
  addMlOperator(
    opType: string,
    input: readonly Value[],
    attributes: Readonly<Record<string, Attribute>>,
  ): Value {
    return this.add(opType, input, attributes, ML);
  }

  /** Makes a value an output. If an input has its name, the name gets a `_` at its end. */
  output(value: Value, wanted: string, type: ValueType, shape: readonly Size[]): void {
    let name = wanted;
    while (this.#names.has(name)) name += '_';
    this.#names.add(name);
    this.#nodes.push({ opType: 'Identity', input: [value], output: [name] });
    this.#outputs.push(describeValue(name, type, shape));
  }

  /** Returns the file. */
  async finish(metadata: Readonly<Record<string, string>>): Promise<Uint8Array> {
    return encodeModel({
      irVersion: IR_VERSION,
      producerName: 'incremental-retraining',
      opsetImport: [
        { domain: '', version: OPERATORS },
        { domain: ML, version: ML_OPERATORS },
      ],
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name: 'model',
        node: this.#nodes,
        initializer: this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      },
    });
  }

  #nextName(): Value {
    let name;
    do name = `v${++this.#count}`;
    while (this.#names.has(name));
    this.#names.add(name);
    return name as Value;
  }
}

function describeValue(name: string, type: ValueType, shape: readonly Size[]): object {
  const dim = shape.map((size) =>
    typeof size === 'number' ? { dimValue: size } : { dimParam: size },
  );
  return { name, type: { tensorType: { elemType: TYPES[type], shape: { dim } } } };
}

function makeAttribute(name: string, value: Attribute): object {
  if (typeof value === 'number') return { name, i: value, type: KINDS.int };
  if ('tensor' in value)
    return { name, t: makeTensor(value.tensor, [value.tensor.length]), type: KINDS.tensor };
  return { name, ints: value, type: KINDS.ints };
}

/** ONNX has little-endian bytes, as every processor that Node runs on. */
function makeTensor(elements: Elements, dims: readonly number[]): Tensor {
  if (!ArrayBuffer.isView(elements)) {
    if (typeof elements[0] === 'boolean')
      return { dims, dataType: TYPES.boolean, rawData: Uint8Array.from(elements, Number) };
    const stringData = elements.map((text) => Buffer.from(String(text)));
    return { dims, dataType: TYPES.string, stringData };
  }
  const rawData = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  return { dims, dataType: TYPES[typeOfView(elements)], rawData };
}

function typeOfView(elements: Float64Array | BigInt64Array | Uint8Array): ValueType {
  if (elements instanceof Float64Array) return 'double';
  return elements instanceof BigInt64Array ? 'int64' : 'uint8';
}
