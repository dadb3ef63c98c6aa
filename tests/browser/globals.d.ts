// What an AudioWorklet has besides a page's own names; TypeScript does not bring these.
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new (options: AudioWorkletNodeOptions) => AudioWorkletProcessor): void;
declare const currentTime: number;
declare const sampleRate: number;

// What Gradio gives to the script of an HTML component.
declare const element: HTMLElement;
declare const props: { value: string | null };
declare function watch(name: string, act: () => void): void;

// What the browser page of train/export/ takes of onnxruntime-web, whose own types are where it is installed.
declare module "*/ort.wasm.min.mjs" {
  export class Tensor {
    constructor(type: "float32", data: Float32Array, dims: number[]);
    data: Float32Array;
    dims: number[];
  }
  export const InferenceSession: { create(model: Uint8Array): Promise<InferenceSession> };
  export interface InferenceSession {
    run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  }
}
