/** How busy an endpoint is, as one caller sees it. */
export interface PeakEwma {
  begin(): void;
  /** An answer, or a failure that took its time. */
  end(latencyMs: number): void;
  /** The endpoint rejected the call for overload: a quick answer, but no sign of being quick. */
  rejected(): void;
  /** What one more call would cost here: less is better. */
  cost(): number;
  readonly inFlight: number;
}

export interface PeakEwmaOptions {
  /** A share of the traffic beside the others' shares. Default 100. */
  weight?: number;
  /** A clock that does not go back. */
  now: () => number;
  /** In this time two thirds of a peak are forgotten. Default 10 s. */
  decayMs?: number;
}

/** What an endpoint that is asked but has never answered is taken to need. */
const unknownMs = 1000;
/** Nobody knows how an endpoint is that is not asked; it is asked again this much sooner. */
const idleHaste = 5;
/** A rejection doubles the latency, to at least and at most this. */
const rejectedMinMs = 10;
const rejectedMaxMs = 1000;

/**
 * Latency × (calls in flight + 1) / weight. A rise of latency counts at once, a
 * fall only with time, so an endpoint in trouble is left quickly and comes back
 * slowly.
 *
 * A new endpoint costs nothing until it is asked, and a second per call until it
 * has answered: so the first call finds it however quick the others are, and only
 * that one goes there before more is known. Where all are new, the fewest calls win.
 *
 * Idle, an endpoint's latency decays to nothing, so that it is asked again. With
 * calls in flight it does not; then its silence counts as latency, and an endpoint
 * that hangs (paused, cut off) grows dear before its first timeout.
 */
export function createPeakEwma({ weight = 100, now, decayMs = 10_000 }: PeakEwmaOptions): PeakEwma {
  return new Load(weight, now, decayMs);
}

/** A class for its size: a pick reads two of perhaps ten thousand, and is as slow as memory is. */
class Load implements PeakEwma {
  inFlight = 0;
  private latency = -1;
  /** The last answer, or the end of the last idle time. */
  private heardMs: number;
  /** When `latency` was last brought up to date. */
  private updatedMs: number;
  private readonly weight: number;
  private readonly decayMs: number;
  private readonly idleDecayMs: number;
  private readonly now: () => number;

  constructor(weight: number, now: () => number, decayMs: number) {
    this.weight = weight;
    this.now = now;
    this.decayMs = decayMs;
    this.idleDecayMs = decayMs / idleHaste;
    this.heardMs = now();
    this.updatedMs = this.heardMs;
  }

  begin(): void {
    if (this.inFlight++ > 0) return;
    this.heardMs = this.now();
    if (this.latency >= 0) {
      this.latency *= Math.exp((this.updatedMs - this.heardMs) / this.idleDecayMs);
      this.updatedMs = this.heardMs;
    }
  }

  end(latencyMs: number): void {
    this.observe(latencyMs > 0 ? latencyMs : 0);
  }

  rejected(): void {
    const slower = Math.min(rejectedMaxMs, Math.max(rejectedMinMs, this.latency * 2));
    this.observe(Math.max(this.latency, slower));
  }

  cost(): number {
    const nowMs = this.now();
    if (this.inFlight === 0) {
      if (this.latency < 0) return 0;
      return (this.latency * Math.exp((this.updatedMs - nowMs) / this.idleDecayMs)) / this.weight;
    }
    const silence = nowMs - this.heardMs;
    const known = this.latency < 0 ? unknownMs : this.latency;
    return ((silence > known ? silence : known) * (this.inFlight + 1)) / this.weight;
  }

  private observe(sampleMs: number): void {
    if (this.inFlight > 0) this.inFlight--;
    const nowMs = this.now();
    if (sampleMs >= this.latency) this.latency = sampleMs;
    else {
      const kept = Math.exp((this.updatedMs - nowMs) / this.decayMs);
      this.latency = sampleMs + (this.latency - sampleMs) * kept;
    }
    this.heardMs = nowMs;
    this.updatedMs = nowMs;
  }
}
