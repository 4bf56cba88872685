/**
 * One actor per device, which owns the engine of that device, and the way of a request's tokens
 * from the engine thread into a Pekko stream. Imports the engine seam of gpu-runtime; imported by
 * gateway and api. The actor owns its state; {@code Generation} is safe from any thread. Start at
 * {@code GpuActor}.
 */
package io.kvasir.actors.gpu;
