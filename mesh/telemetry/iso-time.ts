/** Writes times as ISO 8601 text; within one second only the milliseconds are written anew. */
export function createIsoTime(): (ms: number) => string {
  let second = Number.NaN;
  let text = "";
  return (ms) => {
    const whole = Math.floor(ms);
    const rest = whole % 1000;
    if (whole - rest !== second) {
      second = whole - rest;
      text = new Date(second).toISOString().slice(0, 20);
    }
    return `${text}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
  };
}
