// What a long run leaves behind: the heap after collections, the module's memory, open sockets.

const memories = [];

/** Before the package is imported: notes the memory of each instance of its module. */
export function watchInstances() {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(...words) {
      super(...words);
      if ("core_send" in this.exports) memories.push(this.exports.memory);
    }
  };
}

/** Bytes of the module's memory, all instances together. */
export const moduleBytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

/** Bytes that are alive on the heap of JavaScript. */
export async function heapBytes() {
  // What a promise or a socket still holds goes with the turns of the event loop.
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    global.gc();
  }
  return process.memoryUsage().heapUsed;
}

/** Sockets that this process has open. */
export const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;

/** The slope of a line through points, by least squares. */
export function slope(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([x]) => x), mean(([, y]) => y)];
  return mean((point) => (point[0] - x) * (point[1] - y)) / mean((point) => (point[0] - x) ** 2);
}
