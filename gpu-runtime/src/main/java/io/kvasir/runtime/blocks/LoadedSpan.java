package io.kvasir.runtime.blocks;

/**
 * Prompt tokens [from, to) whose blocks were loaded for a request before its admission. They count
 * as this residence only as far as the admission then hits them.
 *
 * @param from first token
 * @param to behind the last token
 */
public record LoadedSpan(int from, int to, Residence residence) {
  public LoadedSpan {
    if (from < 0 || to <= from) {
      throw new IllegalArgumentException(
          "span [" + from + ", " + to + ") is empty or negative, leave it out");
    }
  }
}
