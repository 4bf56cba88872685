package io.kvasir.runtime.model;

/**
 * The channel-mixing half of a layer: dense or experts. Adds its output to {@code context.hidden()}
 * of {@code rows}.
 */
public interface FeedForward {
  /**
   * @return false if weights it needs are not resident: nothing was changed, and every item of
   *     {@code rows} parks before this half. An implementation that can serve some items parks the
   *     others itself with {@link StepContext#park} and returns true.
   */
  boolean forward(StepContext context, int layer, RowSet rows);

  /** Bytes of its packed weights in device memory now. */
  long weightBytes();
}
