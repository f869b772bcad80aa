import fc from "fast-check";
import { expect, test } from "vitest";
import { safeFileName } from "./file-name.ts";

test("a name stays a name", () => {
  expect(safeFileName("Grüße aus Köln (2).png")).toBe("Grüße aus Köln (2).png");
  expect(safeFileName(".profile")).toBe(".profile");
});

test("what leads elsewhere, ends a line or reads backwards is taken out", () => {
  expect(safeFileName("../../etc/passwd")).toBe("....etcpasswd");
  expect(safeFileName("c:\\windows\\a.exe")).toBe("c:windowsa.exe");
  expect(safeFileName("a\r\nset-cookie: b\0")).toBe("aset-cookie: b");
  expect(safeFileName("photo\u202egnp.exe")).toBe("photognp.exe");
  expect([safeFileName(".."), safeFileName("/./"), safeFileName(" ")]).toEqual(["", "", ""]);
});

test("nothing that a client sends is more than a short name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (name) => {
      const safe = safeFileName(name);
      expect(safe.length).toBeLessThanOrEqual(255);
      expect(safe.isWellFormed()).toBe(true);
      expect(safe).not.toMatch(/[\\/\p{Cc}]|^\.\.?$/u);
    }),
  );
});
