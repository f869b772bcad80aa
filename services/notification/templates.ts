import type { Template, TemplateService } from "#gen/notification/v1/templates_pb.js";
import type { Database, Handlers } from "#mesh";
import { cleanText, decodePage, paged, pagePart, pageSize } from "#mesh";
import { givenTo } from "./built-in.ts";
import { fill } from "./content.ts";
import { toTemplate } from "./present.ts";
import {
  builtInNeeds,
  languageTwice,
  noTemplate,
  templateBuiltIn,
  templateExists,
  templateMalformed,
} from "./refusals.ts";
import type { Variant } from "./template-text.ts";
import { isWellFormed, variablesOf } from "./template-text.ts";
import {
  dropTemplate,
  findTemplate,
  insertTemplate,
  listTemplates,
  updateTemplate,
} from "./templates-store.ts";

export interface TemplatesOptions {
  db: Database;
  now: () => number;
}

export function templates({ db, now }: TemplatesOptions): Handlers<typeof TemplateService> {
  const found = async (name: string) => {
    const row = await findTemplate(db.sql, cleanText(name));
    if (!row) throw noTemplate(name);
    return row;
  };

  return {
    async createTemplate({ template }) {
      const { name, variants } = checked(template);
      const row = await insertTemplate(db.sql, name, variants, new Date(now()));
      if (!row) throw templateExists(name);
      return { template: toTemplate(row) };
    },

    async getTemplate({ name }) {
      return { template: toTemplate(await found(name)) };
    },

    async listTemplates({ pageSize: wanted, pageToken }) {
      const size = pageSize(wanted);
      const after = decodePage(pageToken, [pagePart.text])?.[0];
      const page = paged(await listTemplates(db.sql, after, size + 1), size, ({ name }) => [name]);
      return { templates: page.rows.map(toTemplate), nextPageToken: page.nextPageToken };
    },

    async updateTemplate({ template }) {
      const { name, variants } = checked(template);
      const given = givenTo(name);
      const unknown = given ? variablesOf(...variants).filter((it) => !given.includes(it)) : [];
      if (unknown.length > 0) throw builtInNeeds(unknown);
      const row = await updateTemplate(db.sql, name, variants, new Date(now()));
      if (!row) throw noTemplate(name);
      return { template: toTemplate(row) };
    },

    async deleteTemplate({ name }) {
      const row = await found(name);
      if (row.builtIn) throw templateBuiltIn();
      await dropTemplate(db.sql, row.name);
      return {};
    },

    async previewTemplate({ name, locale, variables }) {
      const { variants, builtIn } = await found(name);
      const { language, subject, text, html } = fill(variants, locale, variables);
      return { language, subject, text, html, builtIn };
    },
  };
}

function checked(template: Template | undefined): { name: string; variants: Variant[] } {
  const variants = (template?.variants ?? []).map(({ language, subject, text, html }) => ({
    language,
    subject: cleanText(subject),
    text: cleanText(text),
    html: cleanText(html),
  }));
  const languages = new Set<string>();
  for (const variant of variants) {
    const language = variant.language.toLowerCase();
    if (languages.has(language)) throw languageTwice(variant.language);
    languages.add(language);
    if (!isWellFormed(variant)) throw templateMalformed(variant.language);
  }
  return { name: template?.name ?? "", variants };
}
