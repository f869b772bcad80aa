/** The upstream release taken where neither PATH nor npm has a server. */
const natsRelease = "2.14.0";

export interface Archive {
  /** Without `.tar.gz`; the archive holds a folder of this name. */
  name: string;
  url: string;
  sha256: string;
}

/** From the release's own SHA256SUMS, as two independent public projects recorded it. */
const sums: Record<string, string> = {
  "darwin-arm64": "36f28cf166e5ae5dd88d700a609c810b97ffad641e0c51b49cf8fae25fb3fac7",
  "darwin-amd64": "c307afaa5810dea24bfe5bb0cd895ddc7c47946f359823336ef3be1a41bdddfa",
  "linux-arm64": "ce7dc5f7d97b70dabc38b13157fed28d7d06227860676143c15c62c5c297996c",
  "linux-amd64": "3d8b74dfad39af184c765a6dd120441ed1c648d6672eddf6b304f222661251b8",
};

export function archiveFor(platform: string, arch: string): Archive | undefined {
  const system = `${platform}-${arch === "x64" ? "amd64" : arch}`;
  const sha256 = sums[system];
  if (!sha256) return undefined;
  const name = `nats-server-v${natsRelease}-${system}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${natsRelease}/${name}.tar.gz`;
  return { name, url, sha256 };
}
