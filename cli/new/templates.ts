import { contractTemplate } from "./contract-template.ts";
import type { NewService } from "./new-service.ts";
import { handlersTemplate, migrationTemplate, serviceTemplate, storeTemplate } from "./service-templates.ts";
import { testTemplate } from "./test-template.ts";

/** The files of a new service, by path: the least that has every part a service has. */
export function filesOf(service: NewService): ReadonlyMap<string, string> {
  const { name } = service;
  return new Map([
    [`proto/${name}/v1/${name}.proto`, contractTemplate(service)],
    [`services/${name}/service.ts`, serviceTemplate(service)],
    [`services/${name}/items.ts`, handlersTemplate(service)],
    [`services/${name}/items-store.ts`, storeTemplate()],
    [`services/${name}/migrations/0001_items.sql`, migrationTemplate()],
    [`test/services/${name}.test.ts`, testTemplate(service)],
  ]);
}
