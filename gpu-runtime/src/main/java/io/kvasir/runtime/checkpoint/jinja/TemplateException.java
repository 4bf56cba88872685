package io.kvasir.runtime.checkpoint.jinja;

/** A template that cannot be parsed or rendered, or that refused its input. */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean refusal;

  TemplateException(String message, boolean refusal) {
    super(message);
    this.refusal = refusal;
  }

  /** True when the template itself called {@code raise_exception}: the input is at fault. */
  public boolean isRefusal() {
    return refusal;
  }
}
