import type { Command } from "../command.ts";
import { call } from "./call.ts";
import { down } from "./down.ts";
import { keys } from "./keys.ts";
import { logs } from "./logs.ts";
import { newService } from "./new-service.ts";
import { reset } from "./reset.ts";
import { serve } from "./serve.ts";
import { status } from "./status.ts";
import { token } from "./token.ts";
import { generate, test } from "./tools.ts";
import { up } from "./up.ts";

/** In the order in which one meets them. */
export const commands: readonly Command[] = [
  up,
  down,
  status,
  logs,
  call,
  token,
  newService,
  generate,
  test,
  serve,
  keys,
  reset,
];
