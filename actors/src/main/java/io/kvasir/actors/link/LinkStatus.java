package io.kvasir.actors.link;

import io.kvasir.transport.MediumKind;

/**
 * A link that stands.
 *
 * @param incarnation life of the peer that it leads to
 * @param medium what carries its frames
 * @param encrypted whether frames are sealed
 * @param bytesPerSecond measured by transfers of blocks, smoothed; 0 before the first
 */
public record LinkStatus(
    long nodeId, long incarnation, MediumKind medium, boolean encrypted, double bytesPerSecond) {
  LinkStatus withRate(double rate) {
    return new LinkStatus(nodeId, incarnation, medium, encrypted, rate);
  }
}
