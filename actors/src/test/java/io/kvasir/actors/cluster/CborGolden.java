package io.kvasir.actors.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.cbor.databind.CBORMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.Serializer;
import org.apache.pekko.serialization.Serializers;

/**
 * Holds messages between nodes to their golden bytes: {@code PACKAGE/golden/NAME.hex} in the test
 * resources, first the manifest, then the CBOR in hexadecimal. {@code -Dkvasir.golden.write=true}
 * writes the files of {@link #check} that are missing; a message whose bytes change gets a new name
 * ({@code lookup-2}) and its old file stays, read by {@link #reads}.
 *
 * <p>Messages are compared by their bytes, since arrays in records are not compared by value.
 * Fields that hold an actor take {@link #ref()}; sets need an order of their own.
 */
public final class CborGolden implements AutoCloseable {
  /** Nothing bigger travels as one message. */
  public static final int MAX_BYTES = 64 << 10;

  private static final int LINE_BYTES = 48;
  private static final Path RESOURCES = Path.of("src", "test", "resources");

  private final ObjectMapper cbor = new CBORMapper();
  private final ActorSystem<Void> system;
  private final Serialization serialization;
  private final Class<?> test;

  /**
   * @param test in whose package the files are
   */
  public CborGolden(Class<?> test) {
    this.test = test;
    this.system = ActorSystem.create(Behaviors.empty(), "golden");
    this.serialization = SerializationExtension.get(Adapter.toClassic(system));
  }

  /** An actor whose reference has the same bytes in every run. */
  public <T> ActorRef<T> ref() {
    return system.deadLetters();
  }

  /**
   * The message has exactly these bytes, reads back from them, and from what a later version with
   * one more field would send.
   */
  public void check(String name, ClusterMessage message) {
    byte[] bytes = bytes(message);
    assertTrue(bytes.length <= MAX_BYTES, () -> name + " has " + bytes.length + " bytes");
    Sample now = new Sample(Serializers.manifestFor(serializer(message), message), bytes);
    if (Boolean.getBoolean("kvasir.golden.write")) {
      write(name, now);
    }
    Sample golden = read(name);
    assertEquals(golden.text(), now.text(), () -> name + ": the bytes of " + message);
    reads(name, message);
    assertSame(message, parse(golden.manifest(), grown(bytes)), name + " with an unknown field");
  }

  /** The file of an earlier version (or this one) is read as {@code expected}. */
  public void reads(String name, ClusterMessage expected) {
    Sample golden = read(name);
    assertSame(expected, parse(golden.manifest(), golden.bytes()), name);
  }

  /** Without these fields, which a version before did not send, it is read as {@code expected}. */
  public void readsWithout(ClusterMessage message, ClusterMessage expected, String... fields) {
    ObjectNode tree = tree(bytes(message));
    for (String field : fields) {
      assertTrue(tree.has(field), () -> message + " has no field " + field);
      tree.remove(field);
    }
    String manifest = Serializers.manifestFor(serializer(message), message);
    assertSame(expected, parse(manifest, encode(tree)), "without " + List.of(fields));
  }

  /** With something else in one field it is read as {@code expected}. */
  public void readsWith(
      ClusterMessage message, ClusterMessage expected, String field, JsonNode value) {
    ObjectNode tree = tree(bytes(message));
    assertTrue(tree.has(field), () -> message + " has no field " + field);
    tree.set(field, value);
    String manifest = Serializers.manifestFor(serializer(message), message);
    assertSame(expected, parse(manifest, encode(tree)), field + " = " + value);
  }

  /** As it travels. */
  public byte[] bytes(ClusterMessage message) {
    Serializer serializer = serializer(message);
    assertEquals(
        "org.apache.pekko.serialization.jackson.JacksonCborSerializer",
        serializer.getClass().getName());
    return serialization.serialize(message).get();
  }

  /** What bytes of a manifest are read as; throws as the network layer would see it. */
  public Object parse(String manifest, byte[] bytes) {
    int serializer = serializer(new NodeMessage.Known(0, 0, null)).identifier();
    return serialization.deserialize(bytes, serializer, manifest).get();
  }

  private Serializer serializer(ClusterMessage message) {
    return serialization.findSerializerFor(message);
  }

  private void assertSame(ClusterMessage expected, Object actual, String what) {
    if (!(actual instanceof ClusterMessage message)) {
      fail(what + " was read as " + actual);
      return;
    }
    assertEquals(expected.getClass(), actual.getClass(), what);
    assertEquals(tree(bytes(expected)), tree(bytes(message)), what);
  }

  private byte[] grown(byte[] bytes) {
    ObjectNode tree = tree(bytes);
    tree.putObject("addedByALaterVersion").put("of", "Kvasir");
    return encode(tree);
  }

  private ObjectNode tree(byte[] bytes) {
    try {
      JsonNode tree = cbor.readTree(bytes);
      assertTrue(tree.isObject(), "a message is an object");
      return (ObjectNode) tree;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] encode(ObjectNode tree) {
    try {
      return cbor.writeValueAsBytes(tree);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private record Sample(String manifest, byte[] bytes) {
    String text() {
      List<String> lines = new ArrayList<>(List.of(manifest));
      String hex = HexFormat.of().formatHex(bytes);
      for (int at = 0; at < hex.length(); at += 2 * LINE_BYTES) {
        lines.add(hex.substring(at, Math.min(hex.length(), at + 2 * LINE_BYTES)));
      }
      return String.join("\n", lines) + "\n";
    }

    static Sample of(String text) {
      List<String> lines = text.lines().toList();
      return new Sample(
          lines.getFirst(),
          HexFormat.of().parseHex(String.join("", lines.subList(1, lines.size()))));
    }
  }

  private Sample read(String name) {
    try (InputStream in = test.getResourceAsStream("golden/" + name + ".hex")) {
      if (in != null) {
        return Sample.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      }
      Path written = file(name);
      if (Files.exists(written)) {
        return Sample.of(Files.readString(written));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new AssertionError(
        "no golden bytes " + file(name) + ", write them with -Dkvasir.golden.write=true");
  }

  private void write(String name, Sample sample) {
    try {
      Path file = file(name);
      if (!Files.exists(file)) {
        Files.createDirectories(file.getParent());
        Files.writeString(file, sample.text());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path file(String name) {
    return RESOURCES
        .resolve(test.getPackageName().replace('.', '/'))
        .resolve("golden")
        .resolve(name + ".hex");
  }

  @Override
  public void close() {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
