package io.kvasir.node.page;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;

/** One page: what a person does to it, and what it then shows. One thread. */
final class Tab {
  private static final long WAIT_MS = 60_000;

  private final DevTools tools;
  private final String session;

  Tab(DevTools tools, String session) {
    this.tools = tools;
    this.session = session;
  }

  /** Sets the window; below 500 pixels it is a phone's, with touch. */
  void size(int width, int height) throws IOException {
    boolean phone = width < 500;
    send(
        "Emulation.setDeviceMetricsOverride",
        DevTools.object()
            .put("width", width)
            .put("height", height)
            .put("deviceScaleFactor", phone ? 2 : 1)
            .put("mobile", phone));
    send("Emulation.setTouchEmulationEnabled", DevTools.object().put("enabled", phone));
  }

  /** Prefers a dark page, or a light one. */
  void dark(boolean dark) throws IOException {
    ObjectNode media = DevTools.object();
    media
        .putArray("features")
        .addObject()
        .put("name", "prefers-color-scheme")
        .put("value", dark ? "dark" : "light");
    send("Emulation.setEmulatedMedia", media);
  }

  /** Shows a page whose scripts have run. */
  void load(String url) throws IOException {
    send("Page.navigate", DevTools.object().put("url", url));
    await("location.href.startsWith('" + url + "') && document.readyState === 'complete'");
  }

  /** The value of a JavaScript expression; a promise's when it is kept. */
  JsonNode evaluate(String expression) throws IOException {
    JsonNode answer =
        send(
            "Runtime.evaluate",
            DevTools.object()
                .put("expression", expression)
                .put("awaitPromise", true)
                .put("returnByValue", true));
    if (answer.has("exceptionDetails")) {
      throw new IOException(expression + ": " + answer.path("exceptionDetails"));
    }
    return answer.path("result").path("value");
  }

  String text(String selector) throws IOException {
    return evaluate("document.querySelector('%s').textContent".formatted(selector)).asText();
  }

  /** Returns when the expression is true; fails with what the page shows when it never is. */
  void await(String condition) throws IOException {
    String waiting =
        """
        new Promise((done, broken) => {
          const end = performance.now() + %d;
          const look = async () => {
            if (%s) done("");
            else if (performance.now() > end) done(document.body.innerText || "nothing");
            else setTimeout(() => look().catch(broken), 10);
          };
          look().catch(broken);
        })\
        """
            .formatted(WAIT_MS, condition);
    String shown = evaluate(waiting).asText();
    if (!shown.isEmpty()) {
      throw new AssertionError("not within " + WAIT_MS + " ms: " + condition + "; shown: " + shown);
    }
  }

  /** Clicks the middle of an element, as a mouse does. */
  void click(String selector) throws IOException {
    JsonNode at =
        evaluate(
            """
            (() => {
              const e = document.querySelector('%s');
              e.scrollIntoView({ block: "nearest" });
              const r = e.getBoundingClientRect();
              return { x: r.x + r.width / 2, y: r.y + r.height / 2 };
            })()\
            """
                .formatted(selector));
    for (String type : new String[] {"mousePressed", "mouseReleased"}) {
      send(
          "Input.dispatchMouseEvent",
          DevTools.object()
              .put("type", type)
              .put("x", at.path("x").asDouble())
              .put("y", at.path("y").asDouble())
              .put("button", "left")
              .put("clickCount", 1));
    }
  }

  /** Types where the focus is. */
  void type(String text) throws IOException {
    send("Input.insertText", DevTools.object().put("text", text));
  }

  /** Presses a key that has a name: Enter, Tab, Escape, ArrowUp. */
  void press(String key, boolean shift) throws IOException {
    int code =
        switch (key) {
          case "Enter" -> 13;
          case "Tab" -> 9;
          case "Escape" -> 27;
          case "ArrowUp" -> 38;
          case "Space" -> 32;
          default -> throw new IllegalArgumentException("key " + key + " has no code here");
        };
    ObjectNode event =
        DevTools.object()
            .put("key", key.equals("Space") ? " " : key)
            .put("code", key)
            .put("windowsVirtualKeyCode", code)
            .put("modifiers", shift ? 8 : 0);
    ObjectNode down = event.deepCopy().put("type", "keyDown");
    if (key.equals("Enter") || key.equals("Space")) {
      down.put("text", key.equals("Enter") ? "\r" : " ");
    }
    send("Input.dispatchKeyEvent", down);
    send("Input.dispatchKeyEvent", event.put("type", "keyUp"));
  }

  void screenshot(Path file) throws IOException {
    JsonNode image = send("Page.captureScreenshot", DevTools.object().put("format", "png"));
    Files.write(file, Base64.getDecoder().decode(image.path("data").asText()));
  }

  private JsonNode send(String method, ObjectNode parameters) throws IOException {
    return tools.call(session, method, parameters);
  }
}
