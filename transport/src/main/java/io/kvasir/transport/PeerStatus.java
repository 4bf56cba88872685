package io.kvasir.transport;

/**
 * A peer as its transport sees it.
 *
 * @param nodeId node
 * @param incarnation its life
 * @param medium what carries its frames
 * @param encrypted whether frames are sealed with AES-GCM
 * @param ready whether the handshake is done and a connection stands
 * @param refusal sentence of a refused handshake, or null
 * @param transferCount transfers in tables, finished ones that linger included
 */
public record PeerStatus(
    long nodeId,
    long incarnation,
    MediumKind medium,
    boolean encrypted,
    boolean ready,
    String refusal,
    int transferCount) {}
