package io.kvasir.transport.survive;

import io.kvasir.transport.BlockKey;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.TestNode;
import io.kvasir.transport.TransferResult;
import io.kvasir.transport.Transports;
import io.kvasir.transport.media.AeronMedium;
import io.kvasir.transport.media.AeronSettings;
import io.kvasir.transport.media.TestDriver;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A node in a process of its own, led by lines on stdin: {@code connect INVITATION}, {@code push
 * COUNT} (again and again until the process ends), {@code arrived}.
 */
final class NodeMain {
  static final int SLOT_BYTES = 1 << 20;
  static final int SLOTS = 16;

  private NodeMain() {}

  static String encode(Invitation in) {
    return String.join(
        " ",
        Long.toString(in.nodeId()),
        Long.toString(in.incarnation()),
        Long.toString(in.guestNodeId()),
        Long.toString(in.driverId()),
        in.endpoint(),
        Integer.toString(in.streamBase()),
        Integer.toString(in.sessionBase()));
  }

  static Invitation decode(String line) {
    String[] words = line.split(" ");
    return new Invitation(
        Long.parseLong(words[0]),
        Long.parseLong(words[1]),
        Long.parseLong(words[2]),
        Long.parseLong(words[3]),
        words[4],
        Integer.parseInt(words[5]),
        Integer.parseInt(words[6]));
  }

  static TestNode node(long nodeId, String folder, double timeScale) {
    AeronSettings settings = AeronSettings.of(TestDriver.freeEndpoint(), 8192);
    return new TestNode(
        nodeId,
        counters -> new AeronMedium(TestDriver.clients(folder), settings, counters),
        Transports.Options.DEFAULT,
        config -> config.with(config.timeouts().scaled(timeScale)),
        SLOT_BYTES,
        SLOTS);
  }

  static List<PushBlock> batch(TestNode node, int count) {
    List<PushBlock> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      blocks.add(PushBlock.of(node.seal(new BlockKey(8, i), i, SLOT_BYTES, 1)));
    }
    return blocks;
  }

  /** Arguments: folder of the driver, own node id, peer node id, time scale. */
  public static void main(String[] args) throws IOException {
    long peer = Long.parseLong(args[2]);
    TestNode node = node(Long.parseLong(args[1]), args[0], Double.parseDouble(args[3]));
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.out.println("invitation " + encode(node.transport.invite(peer)));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      if (line.startsWith("connect ")) {
        node.transport.connect(decode(line.substring(8)), null).join();
        System.out.println("connected");
      } else if (line.startsWith("push ")) {
        List<PushBlock> blocks = batch(node, Integer.parseInt(line.substring(5)));
        while (true) {
          TransferResult result =
              node.transport
                  .push(peer, blocks, DeliveryClass.REQUIRES_DELIVERY, Duration.ofSeconds(30))
                  .result()
                  .join();
          System.out.println("pushed " + result.allDelivered());
        }
      }
    }
    node.close();
    System.out.println("closed");
  }
}
