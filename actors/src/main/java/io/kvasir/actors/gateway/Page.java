package io.kvasir.actors.gateway;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The page at {@code /}: one self-contained file of the jar. */
final class Page {
  private static final byte[] BYTES = read();

  private Page() {}

  static byte[] bytes() {
    return BYTES;
  }

  private static byte[] read() {
    try (InputStream in = Page.class.getResourceAsStream("/io/kvasir/actors/gateway/page.html")) {
      if (in == null) {
        throw new IllegalStateException("page.html is not in the jar, build actors again");
      }
      return in.readAllBytes();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
