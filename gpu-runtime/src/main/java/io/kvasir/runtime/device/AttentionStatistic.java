package io.kvasir.runtime.device;

/**
 * A reduction of attention probabilities, computed tile by tile; no rows × keys matrix exists
 * except as the requested output of {@link Rows#EACH}.
 *
 * <p>For each row r of {@code rows} and head h: p(r, e) = exp(score − max) / sum over the visible
 * entries of r whose ordinal lies in [entryFrom, entryTo) — the denominator has that key set, not
 * necessarily all entries. Rows are then reduced in ascending order of {@code rows}, heads of a
 * group in ascending order, all in f32 additions (or max). Entries a row does not see, and entries
 * beyond the end of a head's list, count as 0.
 *
 * <p>Output, written to {@code target} at {@code targetOffset}: [headGroups][1 or
 * rows.length][entryTo − entryFrom].
 *
 * @param segment index of the plan's segment
 * @param rows row numbers inside the plan, ascending, all of that segment
 * @param headGroup heads reduced together (summed, or maximised with {@link Rows#MAX}): 1 = each
 *     head alone, headCount/kvHeadCount = per KV head, headCount = all
 */
public record AttentionStatistic(
    int segment,
    int[] rows,
    int entryFrom,
    int entryTo,
    Rows reduction,
    int headGroup,
    DeviceFloats target,
    long targetOffset) {

  /** How rows are joined. */
  public enum Rows {
    /** Sum of p over rows. */
    SUM,
    /** Sum of p² over rows. */
    SQUARES,
    /** Largest p over rows. */
    MAX,
    /** No reduction: one line per row. */
    EACH
  }
}
