package io.kvasir.transport;

/**
 * Everything a transport counts. The id is stable: it is the key under which another process finds
 * the counter in the Aeron directory, and the meter name derives from the constant's name.
 */
public enum TransportCounter {
  FRAMES_SENT(1, "frames accepted by the medium"),
  FRAMES_RECEIVED(2, "frames taken from the medium"),
  CONTROL_BYTES_SENT(3, "bytes sent, control lane"),
  SMALL_BYTES_SENT(4, "bytes sent, small lane"),
  BULK_BYTES_SENT(5, "bytes sent, bulk lane"),
  CONTROL_BYTES_RECEIVED(6, "bytes received, control lane"),
  SMALL_BYTES_RECEIVED(7, "bytes received, small lane"),
  BULK_BYTES_RECEIVED(8, "bytes received, bulk lane"),
  PUSHES(10, "pushes started"),
  PULLS(11, "pulls started"),
  PULLS_SERVED(12, "pulls of peers started"),
  PUSHES_RECEIVED(13, "pushes of peers started"),
  BLOCKS_DELIVERED(14, "blocks of own transfers delivered"),
  BLOCKS_REFUSED(15, "blocks of own transfers refused"),
  BLOCKS_TIMED_OUT(16, "blocks of own transfers timed out"),
  BLOCKS_PEER_LOST(17, "blocks of own transfers whose peer was lost"),
  BLOCKS_RECEIVED(18, "blocks proven in place here"),
  CHECKSUM_FAILURES(19, "blocks refused here by checksum"),
  BEST_EFFORT_DROPS(20, "best-effort blocks dropped without credit"),
  COMMANDS_REJECTED(21, "calls refused because the command queue was full"),
  FRAMES_TRUNCATED(30, "frames refused: length"),
  FRAMES_FOREIGN(31, "frames refused: schema, version or template"),
  FRAMES_CORRUPT(32, "frames refused: checksum or content"),
  FRAMES_WRONG_INCARNATION(33, "frames refused: incarnation"),
  FRAMES_WRONG_KEY(34, "frames refused: key or authentication"),
  FRAMES_REPLAYED(35, "frames refused: replay"),
  FRAMES_EARLY(36, "frames refused: before the handshake"),
  FRAMES_UNKNOWN_TRANSFER(37, "frames refused: unknown transfer"),
  FRAMES_STALE_GENERATION(38, "frames refused: slot generation"),
  FRAMES_DUPLICATE(39, "frames dropped: seen before"),
  FRAMES_GAP(40, "frames dropped: one before them is missing"),
  FRAMES_STALE_GROUP(41, "frames refused: group or its epoch unknown"),
  BACK_PRESSURED(50, "sends put off: window full"),
  ADMIN_ACTIONS(51, "sends put off: log maintenance"),
  NOT_CONNECTED(52, "sends put off: no subscriber"),
  PUBLICATIONS_CLOSED(53, "sends that found a closed publication"),
  MAX_POSITION(54, "publications used up"),
  GO_BACKS(55, "times a source went back to the acknowledged position"),
  PROBES(56, "questions after silence"),
  CREDIT_WAITS(57, "bulk turns without credit"),
  PEERS_CONNECTED(60, "handshakes completed"),
  PEERS_LOST(61, "peers lost"),
  HANDSHAKES_REFUSED(62, "handshakes refused, either side"),
  IDLE_CLOSES(63, "idle connections closed"),
  MEDIA_REBUILDS(64, "times the Aeron client was rebuilt"),
  COLLECTIVES(70, "collective operations completed"),
  COLLECTIVES_FAILED(71, "collective operations that failed"),
  VECTOR_REQUESTS(72, "contributions asked for again"),
  LEASES(80, "region leases held now"),
  PEERS(81, "peers known now"),
  TRANSFERS(82, "transfers in tables now");

  private static final TransportCounter[] ALL = values();
  private final int id;
  private final String meaning;

  TransportCounter(int id, String meaning) {
    this.id = id;
    this.meaning = meaning;
  }

  /** Stable id. */
  public int id() {
    return id;
  }

  /** What is counted. */
  public String meaning() {
    return meaning;
  }

  /** Whether it is a level, not a sum. */
  public boolean gauge() {
    return id >= 80;
  }

  static int count() {
    return ALL.length;
  }

  /** Bytes sent on a lane. */
  public static TransportCounter bytesSent(Lane lane) {
    return ALL[CONTROL_BYTES_SENT.ordinal() + lane.index()];
  }

  /** Bytes received on a lane. */
  public static TransportCounter bytesReceived(Lane lane) {
    return ALL[CONTROL_BYTES_RECEIVED.ordinal() + lane.index()];
  }
}
