/** A number of 53 bits for a text: two FNV-1a hashes from different starts. Not for anything that an attacker chooses. */
export function hashOf(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x050c5d1f;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x01000197);
  }
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0);
}
