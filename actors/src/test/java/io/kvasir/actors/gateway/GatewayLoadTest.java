package io.kvasir.actors.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.OperatingSystemMXBean;
import io.kvasir.runtime.engine.FakeEngine;
import io.kvasir.runtime.engine.FinishReason;
import java.lang.management.ManagementFactory;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The gateway alone under load, over an engine whose capacity is known. The clients share the
 * machine with the node, so latencies are upper bounds; run it on an idle machine.
 */
@Tag("slow")
final class GatewayLoadTest {
  private static final OperatingSystemMXBean MACHINE =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static ActorTestKit kit;

  @BeforeAll
  static void start() {
    kit = TestNode.newKit();
  }

  @AfterAll
  static void stop() {
    kit.shutdownTestKit();
  }

  private record Outcome(int status, long ns, boolean retryAfter) {}

  /** Sends at a steady rate, whatever comes back, and returns every outcome. */
  private static List<Outcome> offer(TestNode node, HttpClient http, int perSecond, Duration time) {
    Queue<Outcome> outcomes = new ConcurrentLinkedQueue<>();
    Phaser open = new Phaser(1);
    long beganNs = System.nanoTime();
    long count = perSecond * time.toSeconds();
    HttpRequest request =
        node.request("/v1/completions")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\"fake\",\"prompt\":\"" + "x".repeat(500) + "\"}"))
            .build();
    for (long i = 0; i < count; i++) {
      long dueNs = beganNs + i * TimeUnit.SECONDS.toNanos(1) / perSecond;
      while (System.nanoTime() < dueNs) {
        LockSupport.parkNanos(dueNs - System.nanoTime());
      }
      open.register();
      long sentNs = System.nanoTime();
      http.sendAsync(request, HttpResponse.BodyHandlers.ofString())
          .whenComplete(
              (response, failure) -> {
                long ns = System.nanoTime() - sentNs;
                outcomes.add(
                    failure == null
                        ? new Outcome(
                            response.statusCode(),
                            ns,
                            response.headers().firstValue("retry-after").isPresent())
                        : new Outcome(0, ns, false));
                open.arriveAndDeregister();
              });
    }
    open.arriveAndAwaitAdvance();
    return new ArrayList<>(outcomes);
  }

  @Test
  void shouldStayUsefulAtTenTimesItsCapacity() throws Exception {
    int lanes = 8;
    int serviceMs = 100;
    int capacity = lanes * 1000 / serviceMs;
    Duration time = Duration.ofSeconds(60);
    FakeEngine engine = new FakeEngine(1000);
    try (ScheduledExecutorService worker = Executors.newScheduledThreadPool(1);
        HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        TestNode node =
            TestNode.start(kit, "kvasir.actors.gateway.max-requests = " + 4 * lanes, engine)) {
      AtomicInteger most = new AtomicInteger();
      // Eight at a time, the rest in line: each takes the next free eighth of the clock.
      long[] freeNs = new long[lanes];
      engine.answerWith(
          request -> {
            most.accumulateAndGet(engine.runningCount(), Math::max);
            synchronized (freeNs) {
              Arrays.sort(freeNs);
              long nowNs = System.nanoTime();
              freeNs[0] = Math.max(freeNs[0], nowNs) + TimeUnit.MILLISECONDS.toNanos(serviceMs);
              worker.schedule(
                  () -> {
                    engine.publish(request, 'a');
                    engine.finish(request, FinishReason.STOP, 0, null);
                  },
                  freeNs[0] - nowNs,
                  TimeUnit.NANOSECONDS);
            }
          });
      offer(node, http, 10 * capacity, Duration.ofSeconds(5));
      engine.forgetSubmitted();
      List<Outcome> outcomes = offer(node, http, 10 * capacity, time);
      engine.forgetSubmitted();
      long served = outcomes.stream().filter(o -> o.status() == 200).count();
      long[] refusedNs =
          outcomes.stream()
              .filter(o -> o.status() == 429)
              .mapToLong(Outcome::ns)
              .sorted()
              .toArray();
      double p99Ms = refusedNs[(int) (refusedNs.length * 0.99)] / 1e6;
      double goodput = served / (double) (capacity * time.toSeconds());
      System.out.printf(
          Locale.ROOT,
          "overload 10x for %d s: offered %d, served %d (goodput %.2f of capacity), refused %d in"
              + " p50 %.1f ms p99 %.1f ms, most in the engine %d%n",
          time.toSeconds(),
          outcomes.size(),
          served,
          goodput,
          refusedNs.length,
          refusedNs[refusedNs.length / 2] / 1e6,
          p99Ms,
          most.get());
      assertEquals(outcomes.size(), served + refusedNs.length, "neither served nor refused");
      assertTrue(outcomes.stream().allMatch(o -> o.status() == 200 || o.retryAfter()));
      assertTrue(most.get() <= 4 * lanes, "in the engine: " + most.get());
      assertTrue(goodput >= 0.9, "goodput=" + goodput);
      assertTrue(p99Ms <= 50, "p99=" + p99Ms + " ms");
    }
  }

  @Test
  void shouldCostNextToNothingToKeepIdleStreamsAlive() throws Exception {
    int streams = 128;
    long windowNs = TimeUnit.SECONDS.toNanos(25);
    List<RawHttp> clients = new ArrayList<>();
    try (TestNode node = TestNode.start(kit, "")) {
      node.answerByHand();
      idle(TimeUnit.SECONDS.toNanos(5));
      double without = share(windowNs);
      for (int i = 0; i < streams; i++) {
        RawHttp client = new RawHttp(node);
        clients.add(client);
        byte[] body = TestNode.chatBody("\"stream\":true").getBytes();
        client.post("/v1/chat/completions", "", body);
        node.submitted();
      }
      // Compilers have to come to rest, too.
      idle(TimeUnit.SECONDS.toNanos(15));
      double share = share(windowNs) - without;
      System.out.printf(
          Locale.ROOT,
          "%d idle streams: %.2f %% of a core (keep-alive every 10 s; the process without them:"
              + " %.2f %%)%n",
          streams,
          100 * share,
          100 * without);
      assertTrue(share <= 0.01, "share=" + share);
      for (RawHttp client : clients) {
        int waiting = client.socket.getInputStream().available();
        assertTrue(waiting > 3 * ": keep-alive\n\n".length(), "bytes waiting: " + waiting);
      }
    } finally {
      for (RawHttp client : clients) {
        client.close();
      }
    }
  }

  /** CPU time of the process over a time in which nothing is asked of it, as a share of a core. */
  private static double share(long windowNs) {
    long beforeNs = MACHINE.getProcessCpuTime();
    idle(windowNs);
    return (MACHINE.getProcessCpuTime() - beforeNs) / (double) windowNs;
  }

  private static void idle(long ns) {
    long endNs = System.nanoTime() + ns;
    while (System.nanoTime() < endNs) {
      LockSupport.parkNanos(endNs - System.nanoTime());
    }
  }
}
