package io.kvasir.transport.media;

import io.aeron.Aeron;
import io.aeron.Subscription;
import io.aeron.exceptions.RegistrationException;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.Lane;
import io.kvasir.transport.MediumKind;
import org.agrona.DirectBuffer;

/**
 * The receiving half of an endpoint: subscriptions that take only the session of the peer's present
 * publication and of its next one. When the next one appears it becomes the present one. An image
 * that goes away means that the way from the peer is lost.
 */
final class LaneInbox {
  private static final int LANES = Lane.values().length;
  private static final int CONTROL_LIMIT = 16;

  /** Bulk bytes handed over between two looks at the small lane; at least one frame. */
  private static final int BULK_SLICE_BYTES = 64 << 10;

  private static final int BULK_SLICES = 4;

  private final AeronMedium medium;
  private final MediumKind kind;
  private final LaneSettings[] lanes;
  private final Invitation own;
  private final int bulkLimit;
  private final ControlledFragmentHandler[] handlers = new ControlledFragmentHandler[LANES];
  private Generation present;
  private Generation next;
  private int number = 1;
  private boolean lost;
  private Endpoint.FrameHandler target;

  /** The subscriptions to one publication number. */
  private static final class Generation {
    private final long[] registrations = new long[LANES];
    private final Subscription[] subscriptions = new Subscription[LANES];
    private boolean complete;
    private boolean connected;

    /** Set on the client's conductor thread, so that an image is noticed however short it lived. */
    private volatile boolean seen;
  }

  LaneInbox(AeronMedium medium, MediumKind kind, LaneSettings[] lanes, Invitation own) {
    this.medium = medium;
    this.kind = kind;
    this.lanes = lanes;
    this.own = own;
    this.bulkLimit = Math.max(1, BULK_SLICE_BYTES / lanes[Lane.BULK.index()].maxFrameBytes());
    for (Lane lane : Lane.values()) {
      handlers[lane.index()] =
          (buffer, offset, length, header) -> onFragment(lane, buffer, offset, length);
    }
  }

  private ControlledFragmentHandler.Action onFragment(
      Lane lane, DirectBuffer buffer, int offset, int length) {
    target.onFrame(lane, buffer, offset, length);
    return ControlledFragmentHandler.Action.CONTINUE;
  }

  void listen() {
    present = subscribe(number);
    next = subscribe(number + 1);
  }

  void onClientLost() {
    present = null;
    next = null;
  }

  private Generation subscribe(int publication) {
    Generation generation = new Generation();
    Aeron client = medium.client();
    for (int lane = 0; lane < LANES; lane++) {
      generation.registrations[lane] =
          client.asyncAddSubscription(
              channel(lane, publication),
              own.streamBase() + lane,
              image -> generation.seen = true,
              image -> {});
    }
    return generation;
  }

  private String channel(int lane, int publication) {
    String session = "session-id=" + (own.sessionBase() + publication);
    // One window for all lanes: the driver takes it from the first subscription of the endpoint and
    // limits it to half of each lane's term.
    int window = lanes[Lane.BULK.index()].windowBytes();
    return kind == MediumKind.IPC
        ? "aeron:ipc?" + session
        : "aeron:udp?endpoint="
            + own.endpoint()
            + (window == 0 ? "|" : "|rcv-wnd=" + window + "|")
            + session;
  }

  int progress() {
    if (present == null) {
      return 0;
    }
    int work = complete(present) + complete(next);
    if (next.complete && next.seen) {
      Generation following = subscribe(number + 2);
      close(present);
      lost |= present.connected || present.seen;
      number++;
      present = next;
      next = following;
      work++;
    }
    if (present.complete) {
      boolean now = connected(present);
      lost |= present.connected && !now;
      present.connected = now;
    }
    return work;
  }

  private int complete(Generation generation) {
    if (generation.complete) {
      return 0;
    }
    Aeron client = medium.client();
    int open = 0;
    try {
      for (int lane = 0; lane < LANES; lane++) {
        if (generation.subscriptions[lane] == null) {
          generation.subscriptions[lane] = client.getSubscription(generation.registrations[lane]);
        }
        open += generation.subscriptions[lane] == null ? 0 : 1;
      }
    } catch (RegistrationException e) {
      throw new IllegalStateException(
          "the media driver refuses to listen on " + channel(0, number) + ": " + e.getMessage(), e);
    }
    generation.complete = open == LANES;
    return generation.complete ? 1 : 0;
  }

  /** The control lane's image stands for the connection: it is opened with the others. */
  private static boolean connected(Generation generation) {
    return !generation.subscriptions[Lane.CONTROL.index()].hasNoImages();
  }

  private void close(Generation generation) {
    Aeron client = medium.client();
    for (int lane = 0; lane < LANES; lane++) {
      if (generation.subscriptions[lane] != null) {
        generation.subscriptions[lane].close();
      } else if (client != null && !client.isClosed()) {
        client.asyncRemoveSubscription(generation.registrations[lane]);
      }
    }
  }

  int poll(Endpoint.FrameHandler handler) {
    if (present == null || !present.complete || !present.connected) {
      return 0;
    }
    target = handler;
    int frames = poll(Lane.CONTROL, CONTROL_LIMIT) + poll(Lane.SMALL, CONTROL_LIMIT);
    for (int slice = 0; slice < BULK_SLICES; slice++) {
      int bulk = poll(Lane.BULK, bulkLimit);
      if (bulk == 0) {
        break;
      }
      frames += bulk + poll(Lane.SMALL, CONTROL_LIMIT);
    }
    return frames;
  }

  private int poll(Lane lane, int limit) {
    Subscription subscription = present.subscriptions[lane.index()];
    return subscription.controlledPoll(handlers[lane.index()], limit);
  }

  boolean pollLost() {
    boolean was = lost;
    lost = false;
    return was;
  }

  void close() {
    if (present != null) {
      close(present);
      close(next);
      present = null;
      next = null;
    }
  }
}
