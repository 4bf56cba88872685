package io.kvasir.node.chat;

import java.io.IOException;

/** Where a conversation takes place. One thread, but {@code stop} is run from any. */
public interface ChatConsole extends AutoCloseable {
  /** What the person says next; null at the end, and an empty text when the line was taken back. */
  String read() throws IOException;

  /** Shows a piece of an answer at once. */
  void answer(String piece);

  /** Ends the answer's line. */
  void answered();

  /** Shows a line that is not part of an answer: figures, help. */
  void aside(String line);

  /** Shows why a request failed. */
  void failure(String sentence);

  /** True when a failed request ends the conversation: nobody is there to try again. */
  boolean endsAtFailure();

  /** Runs {@code stop} on Ctrl-C from now on; null = Ctrl-C is what it was. */
  void onInterrupt(Runnable stop);

  @Override
  void close() throws IOException;
}
