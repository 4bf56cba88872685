package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.GpuActor;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * A device of this node, for its load reports.
 *
 * @param model id of what it serves
 * @param maxRunning places in its batch
 */
public record NodeDevice(String model, ActorRef<GpuActor.Command> gpu, int maxRunning) {}
