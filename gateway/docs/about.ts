/** What a reader must know of all operations; CommonMark. */
export const about = `Made from the contracts of the services that run at this moment, by the same table that routes requests.

**Versions.** Paths stand with their version: \`/api/v1/…\`. The same path without it, \`/api/…\`, is taken in the version that the header \`API-Version\` names, by default \`v1\`; an unknown one is answered 400.

**Answers.** JSON comes in an envelope: \`{"success":true,"data":…,"statusCode":200,"requestId":"…","timestamp":"…"}\`, and a failure as \`{"success":false,"error":"…","statusCode":404,"code":"not_found","details":[…],…}\`. Streams and files come as they are.

**Ids.** \`X-Request-ID\` and \`X-Correlation-ID\` are taken from the caller or made, and are on every answer, failures too.

**JSON.** Fields have the names of the contract (\`page_size\`); those of JSON (\`pageSize\`) are read as well. Integers of 64 bits are texts, so that no digit is lost; enums go by name; a float that is no number is \`"NaN"\`, \`"Infinity"\` or \`"-Infinity"\`. A field with its zero value may be left out.

**Who may call.** Most operations need \`Authorization: Bearer <access token>\`. \`x-permission\` is the permission that a role of the user must give.

**Limits.** \`RateLimit\` and \`RateLimit-Policy\` say what is left; 429 comes with \`Retry-After\`. \`x-rate-limit\` is what an operation has of its own.

**HEAD** is answered wherever GET is, **OPTIONS** everywhere. The same methods are there by Connect, gRPC and gRPC-Web under the names of \`x-rpc\`, such as \`/user.v1.UserService/GetUser\`, without the envelope.`;
