/** A month of UTC. */
export interface Month {
  /** Ends names of tables: `2031_01`. */
  readonly name: string;
  readonly from: Date;
  readonly until: Date;
}

export function monthOf(ms: number): Month {
  const at = new Date(ms);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  return {
    name: `${String(year).padStart(4, "0")}_${String(month + 1).padStart(2, "0")}`,
    from: new Date(Date.UTC(year, month)),
    until: new Date(Date.UTC(year, month + 1)),
  };
}

/** The month itself and so many after it. */
export function monthsFrom(ms: number, further: number): Month[] {
  const months = [monthOf(ms)];
  for (let at = months[0]; at && months.length <= further; at = months.at(-1)) {
    months.push(monthOf(at.until.getTime()));
  }
  return months;
}

/** When the month of this name is over; nothing for what is no such name. */
export function endOf(name: string): Date | undefined {
  const [, year, month] = /^(\d{4})_(\d{2})$/.exec(name) ?? [];
  return year && month ? new Date(Date.UTC(Number(year), Number(month))) : undefined;
}
