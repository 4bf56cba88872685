package io.kvasir.transport.protocol;

import io.kvasir.transport.Lane;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.frame.FrameLayout;
import io.kvasir.transport.wire.HelloDecoder;
import io.kvasir.transport.wire.HelloEncoder;
import io.kvasir.transport.wire.HelloReplyDecoder;
import io.kvasir.transport.wire.HelloReplyEncoder;
import io.kvasir.transport.wire.MessageHeaderDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Each side says Hello and accepts or refuses the other's: protocol versions must overlap, the hash
 * of the shared test vector and the fingerprint must be equal. Before a side's Hello is accepted,
 * nothing else of it is; before ours is, we send nothing else.
 */
final class Handshake {
  private static final int VERSION = MessageHeaderDecoder.SCHEMA_VERSION;
  private static final int MAX_SENTENCE_BYTES = 512;

  /** What a peer takes that does not say (protocol version 0). */
  private static final int BATCH_OF_VERSION_0 = 1024;

  private final Peer peer;
  private boolean accepted;
  private boolean peerAccepted;
  private boolean started;
  private long startedNs;
  private boolean sent;
  private long sentNs;
  private boolean replyDue;
  private boolean helloDue;
  private Refusal reply;
  private byte[] replySentence = new byte[0];
  private Refusal refusal;
  private String refusalSentence;
  private int peerMaxBatch = Integer.MAX_VALUE;

  Handshake(Peer peer) {
    this.peer = peer;
  }

  boolean accepted() {
    return accepted;
  }

  boolean peerAccepted() {
    return peerAccepted;
  }

  /** Whether the peer waits for something of ours. */
  boolean answerDue() {
    return replyDue || helloDue;
  }

  Refusal refusal() {
    return refusal;
  }

  String refusalSentence() {
    return refusalSentence;
  }

  int peerMaxBatch() {
    return peerMaxBatch;
  }

  void reset() {
    accepted = false;
    peerAccepted = false;
    started = false;
    sent = false;
    replyDue = false;
    helloDue = false;
  }

  /** Sends what is due; false if the link would not take it. */
  boolean flush(long nowNs) {
    if (replyDue) {
      if (!sendReply()) {
        return false;
      }
      replyDue = false;
    }
    if (refusal != null || (accepted && !helloDue)) {
      return true;
    }
    if (accepted) {
      helloDue = !sendHello();
      sentNs = helloDue ? sentNs : nowNs;
      return !helloDue;
    }
    if (!started) {
      started = true;
      startedNs = nowNs;
    }
    if (!sent || mayRepeat(nowNs)) {
      if (!sendHello()) {
        return false;
      }
      sent = true;
      sentNs = nowNs;
    }
    return true;
  }

  boolean overdue(long nowNs) {
    return started && !accepted && nowNs - startedNs >= peer.core().config().timeouts().connectNs();
  }

  private boolean sendHello() {
    ControlWriter writer = peer.core().writer();
    TransportConfig config = peer.core().config();
    HelloEncoder hello = writer.hello;
    hello.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
    hello
        .nodeId(config.nodeId())
        .protocolVersion(VERSION)
        .oldestVersion(FrameLayout.OLDEST_VERSION)
        .reserved(0)
        .maxBatchBlocks(config.limits().maxBatchBlocks());
    putHash(hello, config.identity().hashHigh(), 0);
    putHash(hello, config.identity().hashLow(), 8);
    byte[] fingerprint = config.identity().fingerprint();
    hello.putFingerprint(fingerprint, 0, fingerprint.length);
    return writer.send(peer, Lane.CONTROL, hello.encodedLength()) >= 0;
  }

  private static void putHash(HelloEncoder hello, long half, int first) {
    for (int i = 0; i < 8; i++) {
      hello.canonicalHash(first + i, (short) ((half >>> (56 - 8 * i)) & 0xFF));
    }
  }

  private static long hash(HelloDecoder hello, int first) {
    long half = 0;
    for (int i = 0; i < 8; i++) {
      half = half << 8 | hello.canonicalHash(first + i);
    }
    return half;
  }

  private boolean sendReply() {
    ControlWriter writer = peer.core().writer();
    HelloReplyEncoder out = writer.helloReply;
    out.wrapAndApplyHeader(writer.frame, 0, writer.begin(peer));
    out.code(reply == null ? 0 : (short) reply.code())
        .reserved((short) 0)
        .protocolVersion(VERSION)
        .reserved2(0);
    out.putSentence(replySentence, 0, replySentence.length);
    return writer.send(peer, Lane.CONTROL, out.encodedLength()) >= 0;
  }

  void onHello(HelloDecoder hello, long nowNs) {
    reply = check(hello);
    replyDue = true;
    if (reply == null) {
      // A second Hello: the peer may have lost our connection and with it our Hello. Not at once
      // after ours, or two Hellos that crossed would be answered for ever.
      helloDue = peerAccepted && accepted && mayRepeat(nowNs);
      peerAccepted = true;
      long batch = hello.maxBatchBlocks();
      peerMaxBatch =
          batch == HelloDecoder.maxBatchBlocksNullValue()
              ? BATCH_OF_VERSION_0
              : (int) Math.min(batch, Integer.MAX_VALUE);
    } else {
      peer.count(TransportCounter.HANDSHAKES_REFUSED);
      refuse(reply, new String(replySentence, StandardCharsets.UTF_8), nowNs);
    }
  }

  private boolean mayRepeat(long nowNs) {
    return nowNs - sentNs >= peer.core().config().timeouts().retransmitNs();
  }

  /** The peer takes us for connected, but its Hello was lost: ours makes it say it again. */
  void onEarlyFrame(long nowNs) {
    helloDue |= accepted && mayRepeat(nowNs);
  }

  private Refusal check(HelloDecoder hello) {
    TransportConfig config = peer.core().config();
    TransportConfig.Identity identity = config.identity();
    int theirs = hello.protocolVersion();
    int theirOldest = hello.oldestVersion();
    if (theirs < FrameLayout.OLDEST_VERSION || theirOldest > VERSION) {
      return sentence(
          Refusal.VERSION,
          "protocol versions "
              + theirOldest
              + ".."
              + theirs
              + " of node "
              + peer.nodeId()
              + " do not overlap "
              + FrameLayout.OLDEST_VERSION
              + ".."
              + VERSION
              + " of node "
              + config.nodeId()
              + "; upgrade the older one");
    }
    if (hello.nodeId() != peer.nodeId()) {
      return sentence(
          Refusal.IDENTITY,
          "node "
              + hello.nodeId()
              + " answered where node "
              + peer.nodeId()
              + " was invited; exchange new invitations");
    }
    if (hash(hello, 0) != identity.hashHigh() || hash(hello, 8) != identity.hashLow()) {
      return sentence(
          Refusal.CANONICAL_HASH,
          "nodes "
              + peer.nodeId()
              + " and "
              + config.nodeId()
              + " hash the shared test vector differently; run the same release on both");
    }
    byte[] fingerprint = new byte[hello.fingerprintLength()];
    hello.getFingerprint(fingerprint, 0, fingerprint.length);
    if (!Arrays.equals(fingerprint, identity.fingerprint())) {
      return sentence(
          Refusal.FINGERPRINT,
          "nodes "
              + peer.nodeId()
              + " and "
              + config.nodeId()
              + " have different fingerprints; give both the same model, weights and arithmetic");
    }
    replySentence = new byte[0];
    return null;
  }

  private Refusal sentence(Refusal reason, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    replySentence = Arrays.copyOf(bytes, Math.min(bytes.length, MAX_SENTENCE_BYTES));
    return reason;
  }

  void onReply(HelloReplyDecoder in, long nowNs) {
    int code = in.code();
    if (code == 0) {
      if (sent && !accepted) {
        accepted = true;
        peer.onReady(nowNs);
      }
      return;
    }
    byte[] text = new byte[Math.min(in.sentenceLength(), MAX_SENTENCE_BYTES)];
    in.getSentence(text, 0, text.length);
    refuse(Refusal.ofCode(code), new String(text, StandardCharsets.UTF_8), nowNs);
  }

  private void refuse(Refusal reason, String text, long nowNs) {
    refusal = reason;
    refusalSentence = text;
    accepted = false;
    peer.onRefused(reason, nowNs);
  }

  /** The peer closed its side and forgot our Hello with it. */
  void onGoodbye() {
    reset();
  }
}
