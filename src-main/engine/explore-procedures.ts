import { deletedFrom, differencesBetween, searchIn, versionsOf } from './exploring.ts';
import { procedures } from './procedures.ts';

const { explore: os } = procedures;

export const exploreProcedures = {
  versions: os.versions.handler(({ input, context: { engine } }) => versionsOf(engine, input)),
  deleted: os.deleted.handler(({ input, context: { engine } }) => deletedFrom(engine, input)),
  search: os.search.handler(({ input, context: { engine } }) => searchIn(engine, input)),
  differences: os.differences.handler(({ input, context: { engine } }) => differencesBetween(engine, input)),
};
