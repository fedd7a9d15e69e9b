import { procedures } from './procedures.ts';

export const historyProcedures = {
  relationship: procedures.history.relationship.handler(async ({ input: { volume, address, span }, context: { engine } }) => {
    engine.shelf.settingsOf(volume);
    const id = engine.relationshipId(volume, address);
    return (await engine.history).relationship(id, span);
  }),

  /** A clone is forgotten with all that concerns it, and has none. */
  cps: procedures.history.cps.handler(async ({ input: { volume, span }, context: { engine } }) => {
    const { name } = engine.shelf.settingsOf(volume);
    return (await engine.history).cps(name, span);
  }),
};
