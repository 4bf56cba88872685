package io.kvasir.runtime.checkpoint;

import java.util.List;

/**
 * A checkpoint that cannot be loaded as it is. The message is one sentence that names the value,
 * what is allowed and the remedy; {@link #problems()} lists every problem found, the first of which
 * is the message.
 */
public sealed class CheckpointException extends RuntimeException
    permits ConversationRefusedException {
  private static final long serialVersionUID = 1L;

  private final transient List<String> problems;

  public CheckpointException(String message) {
    super(message);
    this.problems = List.of(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
    this.problems = List.of(message);
  }

  CheckpointException(List<String> problems) {
    super(
        problems.size() == 1
            ? problems.get(0)
            : problems.get(0) + " (" + (problems.size() - 1) + " more: kvasir inspect lists them)");
    this.problems = List.copyOf(problems);
  }

  /** All problems found in the same pass, in the order in which they were met; never empty. */
  public List<String> problems() {
    return problems == null ? List.of(getMessage()) : problems;
  }
}
