import packageJson from "../package.json" with { type: "json" };

/** Version of this build, as health answers and logs show it. */
export const version: string = packageJson.version;
