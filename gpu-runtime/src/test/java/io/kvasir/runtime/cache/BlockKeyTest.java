package io.kvasir.runtime.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.PageEncoding;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The canonical form of block keys, against bytes and digests made by another implementation of the
 * documented layout ({@code block-keys.txt}). A change here makes every stored block unreadable.
 */
final class BlockKeyTest {
  private static final HexFormat HEX = HexFormat.of();
  private final KeyHasher hasher = new KeyHasher();

  private static Map<String, String[]> vectors() throws IOException {
    Map<String, String[]> vectors = new HashMap<>();
    try (InputStream in = BlockKeyTest.class.getResourceAsStream("block-keys.txt")) {
      String text = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      text.lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split(" "))
          .forEach(parts -> vectors.put(parts[0], parts));
    }
    return vectors;
  }

  private static LayerGroup fullGroup() {
    FrameLayout frame = new FrameLayout(PageEncoding.F32, 32, 64, 48, false);
    return new LayerGroup(0, new int[] {1, 5, 9}, 3, frame, 4096, "späte Schichten");
  }

  private static KeyDomain fullDomain() {
    return KeyDomain.builder(BlockKind.DERIVED)
        .model("factbook-4l")
        .weightsRevision("sha256:00ff")
        .arithmetic("cpu-f32-r1/BF16")
        .rotary("llama3:8")
        .adapter("lora-7@2")
        .build();
  }

  /** Added out of order on purpose: the canonical form sorts by tag. */
  private static KeyExtras fullExtras() {
    byte[] media = new byte[32];
    for (int i = 0; i < media.length; i++) {
      media[i] = (byte) i;
    }
    return KeyExtras.NONE
        .with(0xFFFF, new byte[0])
        .with(KeyExtras.PRODUCER, new byte[] {2})
        .withFloats(KeyExtras.LOG_WEIGHTS, new float[] {9f, 0f, -1.5f}, 1, 3)
        .with(0xABCD, "from a later version".getBytes(StandardCharsets.US_ASCII))
        .with(KeyExtras.MEDIA, media)
        .withInts(KeyExtras.POSITIONS, new int[] {1, 2, 3, 4, 5, -6}, 0, 6)
        .with(KeyExtras.MEDIA, new byte[] {1})
        .withInts(KeyExtras.INDICES, new int[] {0, 5, 6, 9}, 0, 4)
        .with(KeyExtras.POLICY, "policy".getBytes(StandardCharsets.US_ASCII));
  }

  private void assertVector(
      String name, byte[] domain, BlockKey parent, int[] tokens, KeyExtras extras)
      throws IOException {
    String[] expected = vectors().get(name);
    long high = parent == null ? 0 : parent.high();
    long low = parent == null ? 0 : parent.low();
    byte[] digest = hasher.domainDigest(domain);
    hasher.hash(digest, parent != null, high, low, tokens, 0, tokens.length, extras);
    BlockKey key = new BlockKey(hasher.high(), hasher.low());
    byte[] canonical =
        hasher.canonical(digest, parent != null, high, low, tokens, 0, tokens.length, extras);

    assertEquals(expected[1], HEX.formatHex(domain), name + " domain");
    assertEquals(
        expected[2],
        HEX.formatHex(Arrays.copyOf(canonical, hasher.canonicalLength())),
        name + " block");
    assertEquals(expected[3], key.toString(), name + " key");
    assertEquals(key, BlockKey.parse(expected[3]));
  }

  @Test
  void shouldMatchTheGoldenVectors() throws IOException {
    byte[] small = CacheFixture.DOMAIN.canonicalBytes(CacheFixture.oneGroup().group(0), "tenant");
    int[] tokens = new int[32];
    Arrays.setAll(tokens, i -> i);
    BlockKey first = BlockKey.parse(vectors().get("first-block")[3]);
    assertVector("first-block", small, null, Arrays.copyOf(tokens, 16), KeyExtras.NONE);
    assertVector("second-block", small, first, Arrays.copyOfRange(tokens, 16, 32), KeyExtras.NONE);
    byte[] full = fullDomain().canonicalBytes(fullGroup(), "salt-ü");
    BlockKey parent = new BlockKey(0x0001020304050607L, 0x08090A0B0C0D0E0FL);
    assertVector(
        "every-field", full, parent, new int[] {0, -1, Integer.MAX_VALUE, 128255}, fullExtras());
    assertVector(
        "no-tokens", full, null, new int[0], KeyExtras.NONE.with(KeyExtras.PRODUCER, new byte[0]));
  }

  @Test
  void shouldChangeWithEveryFieldOfTheDomain() {
    LayerGroup g = fullGroup();
    KeyDomain d = fullDomain();
    KeyDomain.Builder b = KeyDomain.builder(BlockKind.DERIVED);
    List<byte[]> all = new ArrayList<>();
    all.add(d.canonicalBytes(g, "salt"));
    all.add(d.canonicalBytes(g, "salt2"));
    all.add(d.withKind(BlockKind.PREFIX).canonicalBytes(g, "salt"));
    all.add(b.model("m").build().canonicalBytes(g, "salt"));
    all.add(b.weightsRevision("r").build().canonicalBytes(g, "salt"));
    all.add(b.arithmetic("a").build().canonicalBytes(g, "salt"));
    all.add(b.rotary("t").build().canonicalBytes(g, "salt"));
    all.add(b.adapter("l").build().canonicalBytes(g, "salt"));
    for (LayerGroup other :
        List.of(
            new LayerGroup(0, new int[] {1, 5}, 3, g.frame(), 4096, g.contentId()),
            new LayerGroup(0, new int[] {1, 5, 9}, 4, g.frame(), 4096, g.contentId()),
            new LayerGroup(0, new int[] {1, 5, 9}, 3, g.frame(), 0, g.contentId()),
            new LayerGroup(0, new int[] {1, 5, 9}, 3, g.frame(), 4096, "other"),
            new LayerGroup(0, new int[] {1, 5, 9}, 3, CacheFixture.FRAME, 4096, g.contentId()))) {
      all.add(d.canonicalBytes(other, "salt"));
    }
    Set<String> distinct = new HashSet<>();
    all.forEach(bytes -> distinct.add(HEX.formatHex(bytes)));

    assertEquals(all.size(), distinct.size());
  }

  @Test
  void shouldKeepTheOrderOfExtrasWithEqualTags() {
    byte[] one = {1};
    byte[] two = {2};

    assertTrue(!keyOf(one, two).equals(keyOf(two, one)));
    assertThrows(IllegalArgumentException.class, () -> KeyExtras.NONE.with(0x10000, one));
  }

  private BlockKey keyOf(byte[] first, byte[] second) {
    KeyExtras extras = KeyExtras.NONE.with(1, first).with(1, second);
    hasher.hash(new byte[32], false, 0, 0, new int[] {1}, 0, 1, extras);
    return new BlockKey(hasher.high(), hasher.low());
  }
}
