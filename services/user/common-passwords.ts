/**
 * Words at the heart of the passwords that every leaked list has at its top.
 * The list is of hearts, not of passwords: `isCommonPassword` sees through the
 * capitals, look-alike digits and endings that people put around them.
 */
const hearts = new Set(
  `password passwort passwd passphrase motdepasse contrasena secret secure security changeme changeit
  default letmein welcome login logon signin admin administrator root sysadmin superuser superman guest
  temp temporary testing tester test user username computer internet samsung google facebook instagram
  youtube twitter linkedin microsoft windows apple android iphone qwerty qwertz azerty qwertyuiop asdfgh
  asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc wasd iloveyou iloveu loveyou lovely love mylove princess
  sunshine monkey dragon master shadow killer hunter ranger tiger lion eagle falcon phoenix wolf panther
  football futbol soccer baseball basketball hockey tennis liverpool chelsea arsenal barcelona juventus
  manchester michael jordan jennifer jessica ashley daniel andrew thomas charlie robert matthew anthony
  nicole hannah michelle amanda batman spiderman pokemon pikachu naruto starwars matrix trustno whatever
  freedom forever friends family blessed jesus christ heaven angel flower butterfly rainbow chocolate
  cookie cheese banana orange summer winter spring autumn january february monday friday november december
  hello hellohello goodbye mustang ferrari porsche mercedes harley corvette yamaha metallica nirvana
  eminem slipknot access account banking money dollar million gangster ninja samurai cowboy pirate wizard
  hogwarts gandalf mordor abcdef abcdefgh access company office server oracle cisco solo babygirl babyboy
  sweetheart darling honey beautiful gorgeous qwe asd zxc abc aaa`.split(/\s+/),
);

/** Rows of keyboards and other runs that fingers find by themselves. */
const runs = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "1234567890-=",
  "123456789101112",
  "qwertyuiop[]",
  "asdfghjkl;'",
  "zxcvbnm,./",
  "qwertzuiop",
  "azertyuiop",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
  "1q2w3e4r5t6y7u8i9o0p",
  "qazwsxedcrfvtgbyhnujmikolp",
  "zaq12wsxcde34rfv",
  "147258369",
  "741852963",
  "789456123",
  "112233445566778899",
  "11223344",
  "123123456456",
  "123321",
].flatMap((run) => [run, [...run].reverse().join("")]);

const lookAlikes: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i",
};

/** More than this around a heart is a password of its own. */
const longestTrimming = 5;

/** Is it one of those that everybody tries first, or a plain variation? */
export function isCommonPassword(password: string): boolean {
  const lower = password.toLowerCase();
  return isRepetition(lower) || isRun(lower) || cores(lower).some((core) => hearts.has(core));
}

/** `aaaaaaaa`, `abcabcabc`, `dragondragon`. */
function isRepetition(text: string): boolean {
  const unit = text.slice(0, (text + text).indexOf(text, 1));
  return unit.length < text.length && (unit.length <= 4 || isCommonPassword(unit));
}

const isRun = (text: string) => text.length >= 4 && runs.some((run) => run.includes(text));

/** What may be the word inside: without digits and signs around it, look-alikes read as letters. */
function cores(text: string): string[] {
  const found: string[] = [];
  for (let end = 0; end <= longestTrimming; end++) {
    for (let start = 0; start + end <= longestTrimming; start++) {
      const [head, core, tail] = [
        text.slice(0, start),
        text.slice(start, text.length - end),
        text.slice(text.length - end),
      ];
      if (isTrimming(head) && isTrimming(tail)) found.push(core, readLookAlikes(core));
    }
  }
  return found;
}

const isTrimming = (text: string) => /^[^\p{L}]*$/u.test(text);
const readLookAlikes = (text: string) => text.replace(/[013457@$!]/g, (sign) => lookAlikes[sign] ?? sign);
