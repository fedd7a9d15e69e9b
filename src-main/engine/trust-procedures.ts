import { procedures } from './procedures.ts';

export const peerProcedures = {
  list: procedures.peers.list.handler(({ context: { engine } }) => ({
    name: engine.book.current.serverName,
    identity: engine.trust.identity,
    peers: [...engine.trust.peers.all],
  })),

  rename: procedures.peers.rename.handler(({ input, context: { engine } }) => engine.trust.peers.rename(input.peer, input.name)),

  revoke: procedures.peers.revoke.handler(({ input, context: { engine } }) => engine.trust.revoke(input.peer)),
};

export const pairingProcedures = {
  invite: procedures.pairing.invite.handler(({ input, context: { engine } }) => engine.trust.invite(input.addresses)),

  accept: procedures.pairing.accept.handler(({ input, context: { engine } }) => engine.trust.accept(input.invitation, input.nearby)),

  answer: procedures.pairing.answer.handler(({ input, context: { engine } }) => {
    engine.trust.answer(input.questionId, input.isAccepted);
    return {};
  }),

  nearby: procedures.pairing.nearby.handler(async ({ context: { engine } }) => ({ servers: await engine.trust.findNearby() })),
};
