package io.kvasir.transport.protocol;

/** A transfer of ours as its starter sees it. Agent only. */
public interface CoreTransfer {
  /** Ends it: blocks without verdict get this code. No effect after the end. */
  void end(int code, long nowNs);

  /** Ends the patience of a pull's blocks. No effect on anything else. */
  default void hurry() {}

  /** Whether every block has its verdict. */
  boolean ended();
}
