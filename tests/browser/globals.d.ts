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
