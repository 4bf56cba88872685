package io.kvasir.actors.gateway;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.apache.pekko.util.ByteString;

/**
 * The event of a plain delta, rendered once a choice: only the text between its two ends differs
 * from event to event. Immutable.
 */
final class ChunkTemplate {
  private static final String MARK = "\u2063kvasir\u2063";

  private final byte[] before;
  private final byte[] after;

  private ChunkTemplate(byte[] before, byte[] after) {
    this.before = before;
    this.after = after;
  }

  /** The template of the events that {@code shape} would write for a choice. */
  static ChunkTemplate of(AnswerShape shape, int choice, Object usage) {
    byte[] event = Json.writeEvent(shape.delta(choice, MARK, List.of(), usage));
    String text = new String(event, StandardCharsets.UTF_8);
    // The last one, should a model be called like it.
    int at = text.lastIndexOf(MARK);
    return new ChunkTemplate(
        text.substring(0, at).getBytes(StandardCharsets.UTF_8),
        text.substring(at + MARK.length()).getBytes(StandardCharsets.UTF_8));
  }

  ByteString event(String delta) {
    byte[] escaped = JsonStringEncoder.getInstance().quoteAsUTF8(delta);
    byte[] event = Arrays.copyOf(before, before.length + escaped.length + after.length);
    System.arraycopy(escaped, 0, event, before.length, escaped.length);
    System.arraycopy(after, 0, event, before.length + escaped.length, after.length);
    return ByteString.fromArrayUnsafe(event);
  }
}
