package io.kvasir.actors.gateway;

/**
 * Documented fields that describe a request to its provider and change nothing about the answer:
 * checked as OpenAI documents them, then left alone.
 */
final class InertFields {
  private static final int MAX_METADATA = 16;
  private static final int MAX_METADATA_KEY_CHARS = 64;
  private static final int MAX_METADATA_VALUE_CHARS = 512;

  private InertFields() {}

  static void takeChat(RequestFields fields) {
    fields.text("safety_identifier");
    metadata(fields);
  }

  private static void metadata(RequestFields fields) {
    RequestFields metadata = fields.object("metadata");
    if (metadata == null) {
      return;
    }
    if (metadata.names().size() > MAX_METADATA) {
      throw ApiException.invalidValue(
          "metadata",
          "metadata has %d entries, the limit is %d, send fewer"
              .formatted(metadata.names().size(), MAX_METADATA));
    }
    for (String name : metadata.names()) {
      String value = metadata.text(name);
      int length = value == null ? 0 : value.length();
      if (name.length() > MAX_METADATA_KEY_CHARS || length > MAX_METADATA_VALUE_CHARS) {
        throw ApiException.invalidValue(
            "metadata",
            "metadata has a key of %d characters with a value of %d, the limits are %d and %d, shorten them"
                .formatted(
                    name.length(), length, MAX_METADATA_KEY_CHARS, MAX_METADATA_VALUE_CHARS));
      }
    }
  }

  /** The tier to repeat in the answer, or null: there is one, whatever the client calls it. */
  static String serviceTier(RequestFields fields) {
    String asked = fields.text("service_tier");
    if (asked == null) {
      return null;
    }
    if (!asked.equals("auto") && !asked.equals("default")) {
      throw ApiException.invalid(
          "service_tier",
          "unsupported_field",
          "service_tier=%s is not offered here, send auto or default, or remove it"
              .formatted(RequestFields.shorten(asked)));
    }
    return "default";
  }
}
