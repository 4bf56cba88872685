package io.kvasir.actors.gateway;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * The page at {@code /}: markup, style and script of the jar joined into one answer, and the policy
 * that lets a browser run this script and style and nothing else.
 */
final class Page {
  private static final String STYLE = resource("page.css");
  private static final String SCRIPT = resource("page.js");
  private static final byte[] BYTES =
      resource("page.html")
          .replace("<!--style-->", STYLE)
          .replace("<!--script-->", SCRIPT)
          .getBytes(StandardCharsets.UTF_8);
  private static final String POLICY =
      "default-src 'none'; style-src "
          + source(STYLE)
          + "; script-src "
          + source(SCRIPT)
          + "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
          + " frame-ancestors 'none'";

  private Page() {}

  static byte[] bytes() {
    return BYTES;
  }

  /** Value of its Content-Security-Policy. */
  static String policy() {
    return POLICY;
  }

  /** A script or style as a policy names it. */
  private static String source(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(hash) + "'";
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private static String resource(String name) {
    try (InputStream in = Page.class.getResourceAsStream("/io/kvasir/actors/gateway/" + name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is not in the jar, build actors again");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
