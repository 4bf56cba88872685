package io.kvasir.runtime.train.factbook;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Writes documents from a seed: the same seed, names and calls give the same documents.
 *
 * <p>Each ship gets one to {@code factsPerShipLimit} facts with different relations, told together:
 * the first names the ship, the others say "It". Chunk borders fall between any two facts, so a
 * chunk often begins with an "It" that means the last ship of the chunk before.
 *
 * <p>Owned by one thread.
 */
public final class Factbook {
  /** Which names a document may use; the two sets share no pair of words. */
  public enum Names {
    /** Nine in ten pairs; the only ones that training sees. */
    TRAINING,
    /** The other pairs. */
    HELD_OUT
  }

  /**
   * How a document is cut into chunks; does not change its tokens.
   *
   * @param factMinimum fewest facts of a chunk but the last
   * @param factLimit most facts of a chunk
   */
  public record Chunking(int factMinimum, int factLimit) {
    /** Chunks of 3 to 10 facts, about 13 to 43 tokens. */
    public static final Chunking DEFAULT = new Chunking(3, 10);

    /** Checks the bounds. */
    public Chunking {
      if (factMinimum < 1 || factLimit < factMinimum) {
        throw new IllegalArgumentException(
            "chunk of "
                + factMinimum
                + " to "
                + factLimit
                + " facts is empty, choose 1 <= factMinimum <= factLimit");
      }
    }
  }

  private static final int SHORTEST_NAMED_FACT = 5;
  private static final int SHORTEST_FACT = 4;

  private final FactbookVocabulary words = FactbookVocabulary.get();
  private final Names names;
  private final Chunking chunking;
  private final Random random;

  /** A writer with the default chunking. */
  public Factbook(long seed, Names names) {
    this(seed, names, Chunking.DEFAULT);
  }

  /** A writer; the seed's documents differ between the two sets of names. */
  public Factbook(long seed, Names names, Chunking chunking) {
    this.names = names;
    this.chunking = chunking;
    this.random = new Random(seed * 31 + names.ordinal());
  }

  /** True when training never sees a ship with this name. */
  public static boolean isHeldOut(int firstName, int lastName) {
    int mixed = (firstName * 0x9E3779B1) ^ (lastName * 0x85EBCA77);
    mixed ^= mixed >>> 15;
    mixed *= 0x2C1B3C6D;
    return ((mixed >>> 16) & 0xFFFF) % 10 == 0;
  }

  /**
   * The next document.
   *
   * @param factLimit most facts, at least 1
   * @param tokenLimit most tokens, at least 5
   * @param factsPerShipLimit most facts told of one ship, at most the number of relations
   */
  public FactbookDocument document(int factLimit, int tokenLimit, int factsPerShipLimit) {
    if (factLimit < 1 || tokenLimit < SHORTEST_NAMED_FACT) {
      throw new IllegalArgumentException(
          "factLimit="
              + factLimit
              + " and tokenLimit="
              + tokenLimit
              + " hold no fact, allow at least 1 fact and "
              + SHORTEST_NAMED_FACT
              + " tokens");
    }
    List<Fact> facts = new ArrayList<>();
    Set<Integer> ships = new HashSet<>();
    int tokenCount = 0;
    int chunk = 0;
    int chunkRoom = chunkLength();
    while (facts.size() < factLimit && tokenCount + SHORTEST_NAMED_FACT <= tokenLimit) {
      int ship = newShip(ships);
      int namedInChunk = chunk;
      int count = 1 + random.nextInt(factsPerShipLimit);
      int[] relations = shuffledRelations(count);
      for (int i = 0; i < count; i++) {
        boolean named = i == 0;
        int cost = named ? SHORTEST_NAMED_FACT : SHORTEST_FACT;
        if (facts.size() == factLimit || tokenCount + cost > tokenLimit) {
          break;
        }
        if (chunkRoom == 0) {
          chunk++;
          chunkRoom = chunkLength();
        }
        namedInChunk = named ? chunk : namedInChunk;
        facts.add(
            new Fact(
                ship / words.lastNameCount(),
                ship % words.lastNameCount(),
                relations[i],
                random.nextInt(words.valuesPerRelation()),
                named,
                chunk,
                namedInChunk != chunk));
        tokenCount += cost;
        chunkRoom--;
      }
    }
    return new FactbookDocument(facts, chunk + 1);
  }

  private int newShip(Set<Integer> taken) {
    while (true) {
      int first = random.nextInt(words.firstNameCount());
      int last = random.nextInt(words.lastNameCount());
      int ship = first * words.lastNameCount() + last;
      if (isHeldOut(first, last) == (names == Names.HELD_OUT) && taken.add(ship)) {
        return ship;
      }
    }
  }

  private int chunkLength() {
    return chunking.factMinimum()
        + random.nextInt(chunking.factLimit() - chunking.factMinimum() + 1);
  }

  private int[] shuffledRelations(int count) {
    int[] order = new int[words.relationCount()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    for (int i = 0; i < count; i++) {
      int other = i + random.nextInt(order.length - i);
      int relation = order[other];
      order[other] = order[i];
      order[i] = relation;
    }
    return order;
  }
}
