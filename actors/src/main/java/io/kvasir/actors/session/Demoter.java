package io.kvasir.actors.session;

/** Tells a node's tiers that a session has fallen idle. */
@FunctionalInterface
public interface Demoter {
  /** Demotes nothing. */
  Demoter NONE = (tenant, last) -> {};

  /**
   * The session's blocks may leave the device for a cheaper tier. Called on an actor's thread; must
   * not block. May be called for a life that is over, and twice.
   *
   * @param last use: names the node and the chain
   */
  void demote(String tenant, Sessions.Use last);
}
