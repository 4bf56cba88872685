package io.kvasir.runtime.checkpoint;

import java.util.Locale;
import java.util.Optional;

/** Element types of the safetensors format; only {@link #isWeight()} types can be model weights. */
public enum DType {
  F32(4, "float32"),
  F16(2, "float16"),
  BF16(2, "bfloat16"),
  F64(8, "float64"),
  F8_E4M3(1, "float8_e4m3fn"),
  F8_E5M2(1, "float8_e5m2"),
  I8(1, "int8"),
  U8(1, "uint8"),
  I16(2, "int16"),
  U16(2, "uint16"),
  I32(4, "int32"),
  U32(4, "uint32"),
  I64(8, "int64"),
  U64(8, "uint64"),
  BOOL(1, "bool");

  private final int widthBytes;
  private final String torchName;

  DType(int widthBytes, String torchName) {
    this.widthBytes = widthBytes;
    this.torchName = torchName;
  }

  /** Bytes of one element. */
  public int widthBytes() {
    return widthBytes;
  }

  /** The name used by {@code torch_dtype} in config.json. */
  public String torchName() {
    return torchName;
  }

  /** True for the types in which weights are accepted: F32, F16 and BF16. */
  public boolean isWeight() {
    return this == F32 || this == F16 || this == BF16;
  }

  static Optional<DType> ofSafetensors(String tag) {
    for (DType type : values()) {
      if (type.name().equals(tag)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  static Optional<DType> ofTorch(String name) {
    String plain = name.toLowerCase(Locale.ROOT);
    plain = plain.startsWith("torch.") ? plain.substring("torch.".length()) : plain;
    for (DType type : values()) {
      if (type.torchName.equals(plain)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
