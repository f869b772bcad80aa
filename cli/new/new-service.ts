export interface NewService {
  /** As in `weft serve <name>`: lower case. */
  readonly name: string;
  /** As in `<Name>Service`. */
  readonly title: string;
  readonly port: number;
}
