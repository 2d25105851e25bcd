import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeBoard, PART, type Piece, SEARCH } from '../../../../pipeline/models/cart/team.ts';
import { BOTH } from '../../../../pipeline/models/cart/partition.ts';
import { upTo } from '../trees.ts';

const node = { start: 3, end: 900, list: 0, kept: BOTH } as const;

function claimAll(board: NodeBoard): Piece[] {
  const pieces: Piece[] = [];
  for (let piece = board.claim(); piece !== null; piece = board.claim()) {
    pieces.push(piece);
    board.done();
  }
  return pieces;
}

describe('the board of a node that threads work on together', () => {
  it('deals each feature once, however many there are', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(599), { minLength: 1, maxLength: 600 }), (features) => {
        const board = new NodeBoard(600);
        const other = new NodeBoard(600, board.memory);
        for (const step of [SEARCH, PART] as const) {
          board.post({ step, ...node, features });
          const first = other.claim()!;
          other.done();
          const pieces = [first, ...claimAll(board)];
          board.wait();
          expect(pieces.flatMap((piece) => piece.features)).toEqual(features);
          expect(new Set(pieces.map((piece) => piece.turn)).size).toBe(1);
          expect(first).toMatchObject({ ...node, step });
        }
      }),
    );
  });

  it('has nothing for those who come before, between or after', () => {
    const board = new NodeBoard(4);
    expect(board.claim()).toBeNull();
    board.post({ step: SEARCH, ...node, features: upTo(4) });
    const turns = claimAll(board).map(({ turn }) => turn);
    expect(board.claim()).toBeNull();
    board.post({ step: SEARCH, ...node, features: [2] });
    expect(claimAll(board)).toMatchObject([{ turn: turns[0]! + 1, features: [2] }]);
    expect(board.claim()).toBeNull();
  });

  it('does not wait for ever for a thread that has died', () => {
    const board = new NodeBoard(1);
    board.post({ step: PART, ...node, features: [0] });
    board.claim();
    expect(() => board.wait(1)).toThrow('a thread that helped to fit a tree has ended');
  });

  it('counts turns past the end of a word', () => {
    const board = new NodeBoard(1);
    board.memory.words[0] = 0xff_ff_ff_ff;
    board.post({ step: SEARCH, ...node, features: [0] });
    expect(claimAll(board)).toMatchObject([{ turn: 0, features: [0] }]);
  });
});
