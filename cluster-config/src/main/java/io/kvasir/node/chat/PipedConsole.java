package io.kvasir.node.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * A line in, an answer out: standard output holds answers and nothing else, figures and failures go
 * to standard error. Ctrl-C ends the process, as in any pipe.
 */
public final class PipedConsole implements ChatConsole {
  private final BufferedReader in;
  private final PrintWriter out;
  private final PrintWriter err;

  /** Closes nothing of it. */
  public PipedConsole(InputStream in, PrintWriter out, PrintWriter err) {
    this.in = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    this.out = out;
    this.err = err;
  }

  @Override
  public String read() throws IOException {
    return in.readLine();
  }

  @Override
  public void answer(String piece) {
    out.print(piece);
    out.flush();
  }

  @Override
  public void answered() {
    out.println();
    out.flush();
  }

  @Override
  public void aside(String line) {
    err.println(line);
  }

  @Override
  public void failure(String sentence) {
    err.println("kvasir: " + sentence);
  }

  @Override
  public boolean endsAtFailure() {
    return true;
  }

  @Override
  public void onInterrupt(Runnable stop) {}

  @Override
  public void close() {}
}
