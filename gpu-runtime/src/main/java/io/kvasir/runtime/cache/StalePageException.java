package io.kvasir.runtime.cache;

/**
 * A page reference outlived its page: the slot was freed, or freed and given to someone else. Never
 * retried: whoever held the reference has lost its lease.
 */
public final class StalePageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int page;
  private final int expectedGeneration;
  private final int actualGeneration;

  StalePageException(int page, int expectedGeneration, int actualGeneration) {
    super(
        "page="
            + page
            + " was referenced with generation="
            + expectedGeneration
            + " but is at generation="
            + actualGeneration
            + ", hold a lease for as long as a page is used");
    this.page = page;
    this.expectedGeneration = expectedGeneration;
    this.actualGeneration = actualGeneration;
  }

  public int page() {
    return page;
  }

  public int expectedGeneration() {
    return expectedGeneration;
  }

  public int actualGeneration() {
    return actualGeneration;
  }
}
