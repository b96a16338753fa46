/** What an iterator hands out, as a stream of the platform's. */

/** Asks for an item whenever the stream's reader wants one, and leaves with it. `written` says what comes out
 * of the stream for an item. */
export function readableOf<Item, Chunk>(
  items: AsyncIterator<Item> | Iterator<Item>,
  written: (item: Item) => Chunk,
): ReadableStream<Chunk> {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await items.next();
      if (done) controller.close();
      else controller.enqueue(written(value));
    },
    async cancel() {
      await items.return?.();
    },
  });
}
