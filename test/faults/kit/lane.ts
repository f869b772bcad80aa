/** Tests that go one after the other, beside what else is concurrent: each waits for those before it. */
export function createLane(): (test: () => Promise<void>) => () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (test) => () => {
    const turn = last.then(test, test);
    last = turn;
    return turn;
  };
}
