import { fail } from "#mesh";
import { isCommonPassword } from "./common-passwords.ts";
import { emailKey, localPart } from "./email.ts";

const shortest = 8;

/**
 * The form in which passwords are judged and hashed: keyboards of different
 * makers send different code points for the same letter (NIST SP 800-63B §5.1.1.2).
 */
export const normalPassword = (typed: string): string => typed.normalize("NFKC");

/**
 * Refuses passwords that are guessed first. No demand for digits and signs:
 * it makes passwords worse, not better (NIST SP 800-63B, appendix A.2).
 */
export function requireGoodPassword(typed: string, email: string): void {
  const problem = passwordProblem(normalPassword(typed), emailKey(email));
  if (problem) {
    throw fail.invalid("weak_password", problem, {
      remedy: "choose one of at least 8 characters that nobody would guess, such as four words at random",
    });
  }
}

function passwordProblem(password: string, email: string): string | undefined {
  const lower = password.toLowerCase();
  if ([...password].length < shortest) return `the password is shorter than ${shortest} characters`;
  if (lower === email || lower === localPart(email))
    return "the password is the e-mail address or a part of it";
  if (isCommonPassword(password)) return "the password is one of those that everybody tries first";
  return undefined;
}
