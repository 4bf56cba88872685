package io.kvasir.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a person sees: exit codes, help, and one sentence instead of a stack trace. */
final class KvasirCommandTest {
  static final String TINY =
      """
      {"model_type": "llama", "vocab_size": 1024, "hidden_size": 64, "intermediate_size": 128,
       "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
       "head_dim": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 256, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"}
      """;

  @TempDir private Path folder;

  private record Outcome(int code, String out, String err) {}

  private static Outcome run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = KvasirCommand.execute(args, new PrintWriter(out, true), new PrintWriter(err, true));
    return new Outcome(code, out.toString(), err.toString());
  }

  private static void assertSentence(Outcome outcome, int code, String part) {
    assertEquals(code, outcome.code(), outcome.toString());
    assertTrue(outcome.err().startsWith("kvasir: "), outcome.err());
    assertTrue(outcome.err().contains(part), outcome.err());
    assertEquals(1, outcome.err().lines().count(), outcome.err());
  }

  private String tiny() throws Exception {
    return "dummy:" + Files.writeString(folder.resolve("config.json"), TINY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "serve --help",
        "demo --help",
        "chat --help",
        "inspect --help",
        "bench --help",
        "bench engine --help",
        "bench transport --help",
        "train factbook --help",
        "config explain --help",
        "keys create --help",
        "--version"
      })
  void shouldHelpEverywhere(String line) {
    Outcome outcome = run(line.split(" "));
    assertEquals(0, outcome.code(), outcome.err());
    assertTrue(outcome.out().contains(line.equals("--version") ? "Kvasir" : "Usage: kvasir"));
  }

  @Test
  void shouldAnswerARequestThroughTheWholeNode() throws Exception {
    Outcome outcome = run("serve", "--model", tiny(), "--port", "0", "--name", "tiny", "--check");
    assertEquals(0, outcome.code(), outcome.err());
    assertTrue(outcome.out().contains("Kvasir serves tiny at http://127.0.0.1:"), outcome.out());
    assertTrue(outcome.out().contains("events streamed"), outcome.out());
  }

  @Test
  void shouldNameATakenPort() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      assertSentence(run("serve", "--model", tiny(), "--port", port), 2, "port=" + port);
    }
  }

  @Test
  void shouldNameWhatIsWrongWithAModelOrASetting() throws Exception {
    assertSentence(run("serve", "--model", "/no/such/folder", "--port", "0"), 1, "/no/such/folder");
    assertSentence(
        run("serve", "--model", tiny(), "--port", "0", "--arena", "9TiB"),
        2,
        "kvasir.runtime.engine.arena=9895604649984 bytes is larger than this machine's memory");
    assertSentence(run("serve", "--port", "70000"), 2, "port=70000 is out of range");
    assertSentence(run("serve", "--dtype", "int2"), 2, "kvasir.runtime.weights=int2 is unknown");
    assertSentence(run("serve", "--config", "/no/file"), 2, "--config=/no/file cannot be read");
    assertSentence(
        run("serve", "--model", tiny(), "--port", "0", "--host", "0.0.0.0"),
        2,
        "kvasir.actors.gateway.host=0.0.0.0 is reachable from other machines");
    assertSentence(
        run("serve", "--model", tiny(), "--set", "kvasir.node.log-format=xml"),
        2,
        "kvasir.node.log-format=xml is unknown");
    assertSentence(
        run("serve", "--set", "kvasir.actors.gateway.access.tenants.acme.keys.0=sk-secret"),
        2,
        "kvasir keys create --tenant acme");
    assertEquals(2, run("keys", "create", "--tenant", "A b").code());
    assertEquals(2, run("serve", "--prt", "1").code());
    assertEquals(2, run().code());
  }

  @Test
  void shouldExplainEveryValueAndWhereItCameFrom() throws Exception {
    Path file = Files.writeString(folder.resolve("own.conf"), "kvasir.runtime.threads = 3");
    Outcome outcome =
        run("config", "explain", "--config", file.toString(), "--port", "9", "--profile", "demo");
    assertEquals(0, outcome.code(), outcome.err());
    assertTrue(
        outcome.out().contains("kvasir.actors.gateway.port = \"9\"   # command line --port"));
    assertTrue(outcome.out().contains("kvasir.runtime.threads = 3   # " + file + ": 1"));
    assertTrue(
        outcome
            .out()
            .lines()
            .anyMatch(l -> l.startsWith("kvasir.runtime.model") && l.contains("demo.conf")));
    assertTrue(
        outcome
            .out()
            .lines()
            .anyMatch(l -> l.startsWith("kvasir.runtime.pages") && l.contains("reference.conf")));
  }

  @Test
  void shouldInspectAndFailWhenItWouldNotLoad() throws Exception {
    assertEquals(0, run("inspect", tiny()).code());
    Outcome missing = run("inspect", "/no/such/folder");
    assertEquals(1, missing.code());
    assertTrue(missing.out().contains("/no/such/folder"), missing.out());
  }

  @Test
  void shouldTakeSeveralModelsAndAliases() throws Exception {
    String[] models = {"-m", tiny(), "-m", "embedded:factbook"};
    Outcome both =
        run(
            "config",
            "explain",
            models[0],
            models[1],
            models[2],
            models[3],
            "--alias",
            "book=embedded:factbook");
    assertEquals(0, both.code(), both.toString());
    assertTrue(
        both.out()
            .lines()
            .anyMatch(
                l ->
                    l.startsWith("kvasir.runtime.models = [")
                        && l.contains("\"aliases\":[\"book\"]")
                        && l.contains("command line --alias")),
        both.out());
    Outcome one = run("config", "explain", "--alias", "book=embedded:factbook");
    assertTrue(one.out().contains("kvasir.runtime.aliases = [\"book\"]"), one.out());
    assertSentence(
        run("config", "explain", "--alias", "book=nothing"),
        2,
        "--alias book=nothing names no model that is served, use one of [embedded:factbook]");
    assertSentence(
        run("serve", models[0], models[1], models[2], models[3], "--name", "x"),
        2,
        "--name=x with 2 models does not say which it names, use --alias x=MODEL");
    assertSentence(
        run("serve", "--alias", "embedded:factbook=embedded:factbook"),
        2,
        "the model id \"embedded:factbook\" is given twice");
  }

  @Test
  void shouldServeTwoModels() throws Exception {
    Outcome outcome =
        run(
            "serve",
            "-m",
            tiny(),
            "-m",
            "embedded:factbook",
            "--check",
            "--port",
            "0",
            "--arena",
            "64MiB",
            "--set",
            "kvasir.runtime.warm-up=0s");
    assertEquals(0, outcome.code(), outcome.toString());
    assertTrue(outcome.out().contains("/config.json, embedded:factbook at http"), outcome.out());
  }

  @Test
  void shouldSizeTheHeapFromTheModel() throws Exception {
    assertEquals(HeapSizer.BASE_MIB, HeapSizer.heapMib("stored", List.of("/no/such/folder")));
    long bf16 = HeapSizer.heapMib("stored", List.of("dummy:bench-150m")) - HeapSizer.BASE_MIB;
    assertEquals(152e6 * 2 * 1.1 / (1 << 20), bf16, 10);
    long int8 = HeapSizer.heapMib("int8", List.of("dummy:bench-150m")) - HeapSizer.BASE_MIB;
    assertEquals(bf16 * 1.125 / 2, int8, 2);
    assertEquals(
        HeapSizer.BASE_MIB + bf16 + bf16,
        HeapSizer.heapMib("stored", List.of("dummy:bench-150m", "dummy:bench-150m")));
    Files.writeString(folder.resolve("config.json"), TINY);
    Files.write(folder.resolve("model.safetensors"), new byte[10 << 20]);
    assertEquals(
        HeapSizer.BASE_MIB + 11, HeapSizer.heapMib("stored", List.of(folder.toString())), 1);
  }
}
