// What the board said last. Nothing else is kept.

export const board = {
  update: null,
  received: 0, // performance.now() of the last update
  trends: { lines: {}, bands: {} },
};

export const boardNow = () => board.update.now + performance.now() - board.received;
