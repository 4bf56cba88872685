package io.kvasir.node;

import com.typesafe.config.ConfigException;
import io.kvasir.actors.settings.ConfigurationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** What a person is told when a command fails. */
final class Failures {
  private Failures() {}

  /** The sentence of the failure itself, not of what carried it. */
  static String sentence(Throwable failure) {
    Throwable root = unwrap(failure);
    if (root instanceof OutOfMemoryError) {
      return "the JVM is out of memory ("
          + root.getMessage()
          + "), raise the heap with KVASIR_HEAP, for instance KVASIR_HEAP=4g";
    }
    return root.getMessage() == null ? root.toString() : root.getMessage();
  }

  /** 2 for what the caller wrote, 1 for what went wrong. */
  static int exitCode(Throwable failure) {
    Throwable root = unwrap(failure);
    return root instanceof ConfigurationException || root instanceof ConfigException ? 2 : 1;
  }

  private static Throwable unwrap(Throwable failure) {
    return (failure instanceof CompletionException || failure instanceof ExecutionException)
            && failure.getCause() != null
        ? unwrap(failure.getCause())
        : failure;
  }
}
