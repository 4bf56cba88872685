package io.kvasir.node.chat;

import java.io.IOException;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedStringBuilder;
import org.jline.utils.AttributedStyle;

/**
 * A person at a terminal: line editing with history, colours, and a Ctrl-C that stops an answer but
 * not the program.
 */
public final class TerminalConsole implements ChatConsole {
  private static final AttributedStyle DIM = AttributedStyle.DEFAULT.faint();
  private static final AttributedStyle RED =
      AttributedStyle.DEFAULT.foreground(AttributedStyle.RED);
  private static final AttributedStyle PROMPT =
      AttributedStyle.BOLD.foreground(AttributedStyle.CYAN);

  private final Terminal terminal;
  private final LineReader reader;
  private final String prompt;

  /**
   * @throws IOException when standard input is no terminal that can be driven
   */
  public TerminalConsole() throws IOException {
    terminal = TerminalBuilder.builder().name("kvasir").system(true).dumb(true).build();
    // What is typed is text for a model: no quoting, no escapes, no history expansion.
    DefaultParser parser = new DefaultParser().quoteChars(new char[0]).escapeChars(new char[0]);
    reader =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .parser(parser)
            .completer(new StringsCompleter(ChatSession.COMMANDS))
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
            .option(LineReader.Option.BRACKETED_PASTE, true)
            .build();
    prompt = styled("› ", PROMPT);
    onInterrupt(null);
  }

  @Override
  public String read() {
    try {
      return reader.readLine(prompt);
    } catch (UserInterruptException takenBack) {
      return "";
    } catch (EndOfFileException end) {
      return null;
    }
  }

  @Override
  public void answer(String piece) {
    terminal.writer().print(piece);
    terminal.flush();
  }

  @Override
  public void answered() {
    answer(System.lineSeparator());
  }

  @Override
  public void aside(String line) {
    answer(styled(line, DIM) + System.lineSeparator());
  }

  @Override
  public void failure(String sentence) {
    answer(styled(sentence, RED) + System.lineSeparator());
  }

  @Override
  public boolean endsAtFailure() {
    return false;
  }

  @Override
  public void onInterrupt(Runnable stop) {
    // Between answers, too, it must not end the program.
    terminal.handle(
        Terminal.Signal.INT, signal -> (stop == null ? (Runnable) () -> {} : stop).run());
  }

  private String styled(String text, AttributedStyle style) {
    return new AttributedStringBuilder().styled(style, text).toAnsi(terminal);
  }

  @Override
  public void close() throws IOException {
    terminal.close();
  }
}
