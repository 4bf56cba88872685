package io.kvasir.runtime.cache;

import java.nio.charset.StandardCharsets;

/**
 * The world in which a block key is valid. Equal tokens in different domains have different keys.
 *
 * <p>Canonical bytes, little endian, hashed once per group and tenant:
 *
 * <pre>
 * offset  bytes  type  meaning
 * 0       4      u8    'K' 'V' 'K' 'D'
 * 4       1      u8    version, 1
 * 5       1      u8    kind code ({@link BlockKind})
 * 6       2      u16   field count
 * 8       …      field u16 tag, u32 lengthBytes, bytes; ascending tag, none left out
 * </pre>
 *
 * Fields: 1 model, 2 weights revision, 3 arithmetic, 4 planes (the group's contentId), 5 encoding
 * name, 6 page layout (u32 each: slots, key width, value width, keys rotated 0/1, KV heads, window,
 * layer count, layers…), 7 rotary table digest, 8 adapter, 9 tenant salt. Text is UTF-8; empty
 * fields are present with length 0.
 *
 * @param model name of the model as the operator configured it
 * @param weightsRevision digest of the weights
 * @param arithmetic {@code Device.arithmetic()} and the weight encoding: what fixes the bits
 * @param rotary digest of the rotary table
 * @param adapter adapter name and revision, empty for none
 */
public record KeyDomain(
    BlockKind kind,
    String model,
    String weightsRevision,
    String arithmetic,
    String rotary,
    String adapter) {
  static final int VERSION = 1;

  public KeyDomain {
    if (kind == null
        || model == null
        || weightsRevision == null
        || arithmetic == null
        || rotary == null
        || adapter == null) {
      throw new IllegalArgumentException(
          "a key domain needs every field, use an empty text for an adapter that is not there");
    }
  }

  public static Builder builder(BlockKind kind) {
    return new Builder(kind);
  }

  /** This domain for blocks of another kind. */
  public KeyDomain withKind(BlockKind value) {
    return new KeyDomain(value, model, weightsRevision, arithmetic, rotary, adapter);
  }

  /** The canonical bytes of this domain for one layer group and tenant. */
  public byte[] canonicalBytes(LayerGroup group, String tenantSalt) {
    KeyBytes layout = new KeyBytes(64);
    layout.putInt(group.frame().slots());
    layout.putInt(group.frame().keyWidth());
    layout.putInt(group.frame().valueWidth());
    layout.putInt(group.frame().keysRotated() ? 1 : 0);
    layout.putInt(group.kvHeads());
    layout.putInt(group.window());
    layout.putInt(group.layerCount());
    for (int i = 0; i < group.layerCount(); i++) {
      layout.putInt(group.layer(i));
    }
    KeyBytes out = new KeyBytes(256);
    out.putByte('K');
    out.putByte('V');
    out.putByte('K');
    out.putByte('D');
    out.putByte(VERSION);
    out.putByte(kind.code());
    out.putShort(9);
    field(out, 1, model);
    field(out, 2, weightsRevision);
    field(out, 3, arithmetic);
    field(out, 4, group.contentId());
    field(out, 5, group.frame().encoding().name());
    out.putField(6, layout.toArray());
    field(out, 7, rotary);
    field(out, 8, adapter);
    field(out, 9, tenantSalt);
    return out.toArray();
  }

  private static void field(KeyBytes out, int tag, String value) {
    out.putField(tag, value.getBytes(StandardCharsets.UTF_8));
  }

  /** Fields not set stay empty. */
  public static final class Builder {
    private final BlockKind kind;
    private String model = "";
    private String weightsRevision = "";
    private String arithmetic = "";
    private String rotary = "";
    private String adapter = "";

    private Builder(BlockKind kind) {
      this.kind = kind;
    }

    public Builder model(String value) {
      model = value;
      return this;
    }

    public Builder weightsRevision(String value) {
      weightsRevision = value;
      return this;
    }

    public Builder arithmetic(String value) {
      arithmetic = value;
      return this;
    }

    public Builder rotary(String value) {
      rotary = value;
      return this;
    }

    public Builder adapter(String value) {
      adapter = value;
      return this;
    }

    public KeyDomain build() {
      return new KeyDomain(kind, model, weightsRevision, arithmetic, rotary, adapter);
    }
  }
}
