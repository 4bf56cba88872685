package io.kvasir.node.page;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A headless Chromium with a profile of its own, for one test class. */
final class Chromium implements AutoCloseable {
  private static final String LISTENING = "DevTools listening on ";
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

  private final Process process;
  private final DevTools tools;

  private Chromium(Process process, DevTools tools) {
    this.process = process;
    this.tools = tools;
  }

  /**
   * Starts it.
   *
   * @param profile an empty folder
   * @throws IllegalStateException when there is none on this machine: who asks for browser tests
   *     must not get a green build without them
   */
  static Chromium start(Path profile) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(executable().toString());
    command.addAll(
        List.of(
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-extensions",
            "--disable-sync",
            "--no-first-run",
            "--no-default-browser-check",
            "--remote-debugging-port=0",
            "--user-data-dir=" + profile,
            "about:blank"));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.PIPE)
            .start();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8));
    StringBuilder said = new StringBuilder();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith(LISTENING)) {
        // It goes on talking; a full pipe would stop it.
        Thread.ofVirtual().start(() -> lines.lines().forEach(ignored -> {}));
        return new Chromium(process, new DevTools(URI.create(line.substring(LISTENING.length()))));
      }
      said.append(line).append('\n');
    }
    throw new IllegalStateException("Chromium ended while starting: " + said);
  }

  private static Path executable() {
    return NAMES.stream()
        .flatMap(
            name ->
                Stream.of(System.getenv("PATH").split(":")).map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "browser tests need Chromium and PATH has none of "
                        + NAMES
                        + ", install it (apt-get install chromium) or leave -Pbrowser out"));
  }

  /** A page with cookies and storage of its own, showing {@code url}. */
  Tab open(String url, int width, int height) throws IOException {
    String context =
        tools
            .call(null, "Target.createBrowserContext", DevTools.object())
            .path("browserContextId")
            .asText();
    ObjectNode target =
        DevTools.object().put("url", "about:blank").put("browserContextId", context);
    String id = tools.call(null, "Target.createTarget", target).path("targetId").asText();
    ObjectNode attach = DevTools.object().put("targetId", id).put("flatten", true);
    String session = tools.call(null, "Target.attachToTarget", attach).path("sessionId").asText();
    Tab tab = new Tab(tools, session);
    tab.size(width, height);
    tab.load(url);
    return tab;
  }

  @Override
  public void close() {
    try {
      tools.call(null, "Browser.close", DevTools.object());
      process.waitFor(20, TimeUnit.SECONDS);
    } catch (IOException alreadyGone) {
      process.destroy();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } finally {
      tools.close();
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }
}
