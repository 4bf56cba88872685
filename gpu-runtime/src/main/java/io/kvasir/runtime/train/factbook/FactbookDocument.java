package io.kvasir.runtime.train.factbook;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A document: facts in order, cut into chunks. A chunk border adds no token; in text a chunk is a
 * paragraph. Immutable; any thread.
 *
 * @param facts sentences in the order in which they are written
 * @param chunkCount number of chunks; chunk indices of the facts ascend from 0
 */
public record FactbookDocument(List<Fact> facts, int chunkCount) {

  /** Keeps its own copy of the facts. */
  public FactbookDocument {
    facts = List.copyOf(facts);
  }

  /** Tokens of the whole document, without the token that begins a prompt. */
  public int[] tokens() {
    return tokensOf(facts);
  }

  /** Tokens of each chunk; joined they are {@link #tokens()}. */
  public List<int[]> chunkTokens() {
    List<int[]> chunks = new ArrayList<>();
    for (int chunk = 0; chunk < chunkCount; chunk++) {
      chunks.add(tokensOf(factsOf(chunk)));
    }
    return chunks;
  }

  /** Text of each chunk. */
  public List<String> chunkTexts() {
    List<String> chunks = new ArrayList<>();
    for (int chunk = 0; chunk < chunkCount; chunk++) {
      chunks.add(factsOf(chunk).stream().map(Fact::text).collect(Collectors.joining(" ")));
    }
    return chunks;
  }

  /** Text of the whole document, a paragraph for each chunk. */
  public String text() {
    return String.join("\n\n", chunkTexts());
  }

  private List<Fact> factsOf(int chunk) {
    return facts.stream().filter(fact -> fact.chunkIndex() == chunk).toList();
  }

  private static int[] tokensOf(List<Fact> facts) {
    return facts.stream().map(Fact::tokens).flatMapToInt(java.util.Arrays::stream).toArray();
  }
}
