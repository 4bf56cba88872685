package io.kvasir.node.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The conversation: what was said so far, and what a person may do with it. One thread. */
public final class ChatSession {
  static final List<String> COMMANDS =
      List.of("/example", "/file", "/help", "/quit", "/reset", "/system");

  private static final String HELP =
      """
      /reset          forget the conversation
      /system TEXT    set the system prompt (without TEXT: none) and forget the conversation
      /file PATH      put a text file before the next question
      /example        put an example document of the model before the next question
      /quit           end; Ctrl-C stops an answer, Ctrl-D ends too\
      """;

  /** A document of more than this many bytes fits no context. */
  private static final long MAX_FILE_BYTES = 8L << 20;

  /**
   * @param model id to name in requests, null = the first that the server lists
   * @param system prompt, null = none
   * @param maxTokens of an answer, null = the server's choice
   * @param temperature null = the model's
   */
  public record Options(
      String model, String system, boolean stream, Integer maxTokens, Double temperature) {}

  private final ObjectMapper json = new ObjectMapper();
  private final ChatClient client;
  private final ChatConsole console;
  private final Options options;
  private final ArrayNode messages = json.createArrayNode();
  private String model;
  private String document;

  /** Closes nothing of it. */
  public ChatSession(ChatClient client, ChatConsole console, Options options) {
    this.client = client;
    this.console = console;
    this.options = options;
  }

  /**
   * Talks until the input ends.
   *
   * @return 0, or 1 when a request failed and nobody could try again
   */
  public int run() throws IOException, ChatException {
    model = options.model() == null ? client.firstModel() : options.model();
    reset(options.system());
    if (!console.endsAtFailure()) {
      console.aside(model + " · /help lists commands, Ctrl-C stops an answer, Ctrl-D ends");
    }
    for (String line = console.read(); line != null; line = console.read()) {
      String said = line.strip();
      if (said.equals("/quit")) {
        return 0;
      }
      try {
        if (said.startsWith("/")) {
          command(said);
        } else if (!said.isEmpty()) {
          ask(said);
        }
      } catch (ChatException failure) {
        console.failure(failure.getMessage());
        if (console.endsAtFailure()) {
          return 1;
        }
      }
    }
    return 0;
  }

  private void reset(String system) {
    messages.removeAll();
    document = null;
    if (system != null) {
      messages.addObject().put("role", "system").put("content", system);
    }
  }

  private String system() {
    JsonNode first = messages.path(0);
    return first.path("role").asText().equals("system") ? first.path("content").asText() : null;
  }

  private void command(String line) throws ChatException {
    String[] words = line.split("\\s+", 2);
    String rest = words.length == 2 ? words[1] : null;
    switch (words[0]) {
      case "/reset" -> {
        reset(system());
        console.aside("forgotten");
      }
      case "/system" -> {
        reset(rest);
        console.aside(rest == null ? "no system prompt" : "system prompt set");
      }
      case "/file" -> file(rest);
      case "/example" -> example();
      case "/help" -> HELP.lines().forEach(console::aside);
      default ->
          throw new ChatException(words[0] + " is no command, /help lists those that there are");
    }
  }

  private void file(String path) throws ChatException {
    if (path == null) {
      throw new ChatException("/file needs the path of a text file");
    }
    try {
      Path file = Path.of(path);
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new ChatException(
            path + " has " + Files.size(file) + " bytes, take one of at most " + MAX_FILE_BYTES);
      }
      document = Files.readString(file);
      console.aside(document.length() + " characters go before the next question");
    } catch (IOException unreadable) {
      throw new ChatException(path + " cannot be read as UTF-8 text: " + unreadable, unreadable);
    }
  }

  private void example() throws ChatException {
    JsonNode example = client.examples().path(0);
    if (example.isMissingNode()) {
      throw new ChatException(model + " comes without examples, use /file PATH");
    }
    document = example.path("document").asText();
    console.aside(document);
    example.path("questions").forEach(question -> console.aside("  " + question.asText()));
  }

  private void ask(String question) throws ChatException {
    String content = document == null ? question : document + "\n\n" + question;
    ObjectNode asked = messages.addObject().put("role", "user").put("content", content);
    ChatClient.Answer answer = null;
    console.onInterrupt(client::stop);
    try {
      answer = client.ask(request(), console::answer);
    } finally {
      console.onInterrupt(null);
      if (answer == null || answer.text().isEmpty()) {
        // Whatever is not answered was not said: roles must alternate for many templates.
        messages.remove(messages.size() - 1);
      } else {
        document = null;
        messages.addObject().put("role", "assistant").put("content", answer.text());
      }
    }
    console.answered();
    console.aside((answer.stopped() ? "stopped · " : "") + answer.figures().line());
  }

  private ObjectNode request() {
    ObjectNode body = json.createObjectNode().put("model", model).put("stream", options.stream());
    body.set("messages", messages);
    if (options.stream()) {
      body.putObject("stream_options").put("include_usage", true);
    }
    if (options.maxTokens() != null) {
      body.put("max_tokens", options.maxTokens());
    }
    if (options.temperature() != null) {
      body.put("temperature", options.temperature());
    }
    return body;
  }
}
