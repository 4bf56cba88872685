package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import org.apache.pekko.actor.typed.ActorRef;

/** A model of this node as orders for it need it. Any thread. */
public interface DeviceModel {
  /** Its device; null on a node that has only the model's text. */
  ActorRef<GpuActor.Command> gpu();

  /**
   * What keeps one answer inside a grammar. Compiles it, or finds it compiled; worker thread.
   *
   * @throws io.kvasir.runtime.engine.grammar.GrammarRefusedException with one sentence
   * @throws OrderRefusedException when the model is not ready
   */
  LogitAdjuster mask(GrammarSpec grammar);
}
