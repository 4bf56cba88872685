package io.kvasir.node.bench.transport;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The child's end of {@link Worker}: one region, named loads over it, one answer a command. Ends
 * when its input ends. What libraries print goes to standard error.
 */
final class WorkerMain {
  private static final long SEED = 42;
  private final Load.Role role;
  private final ByteBuffer region;
  private final Map<String, Load> loads = new HashMap<>();

  private WorkerMain(Load.Role role) {
    this.role = role;
    this.region =
        switch (role) {
          case SENDER -> Regions.filled(SEED);
          case RECEIVER -> Regions.empty();
          case DRIVER -> null;
        };
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    WorkerMain worker = new WorkerMain(Load.Role.valueOf(args[0]));
    out.println("ok");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = ("ok " + worker.answer(line)).strip();
      } catch (Exception | LinkageError e) {
        e.printStackTrace();
        answer = "error " + e.toString().replace('\n', ' ');
      }
      out.println(answer);
    }
    Runtime.getRuntime().halt(0);
  }

  private String answer(String line) throws Exception {
    Spec spec = Spec.parse(line);
    String verb = line.split(" ")[0];
    if (verb.equals("crc")) {
      return "crc=" + Regions.crc(region);
    }
    String key = spec.text("key");
    if (verb.equals("open")) {
      Load opened = make(spec);
      loads.put(key, opened);
      return opened.open();
    }
    Load load = loads.get(key);
    return switch (verb) {
      case "await" -> {
        load.awaitPeer(spec);
        yield "";
      }
      case "move" -> "ns=" + load.move(Long.parseLong(spec.text("bytes")));
      case "exchange" -> {
        long[] ns = load.exchange(spec.number("bytes"), spec.number("rounds"));
        Arrays.sort(ns);
        yield "p50=%d p99=%d"
            .formatted(ns[ns.length / 2], ns[Math.min(ns.length - 1, ns.length * 99 / 100)]);
      }
      case "notes" -> load.notes();
      case "close" -> {
        loads.remove(key).close();
        yield "";
      }
      default -> throw new IllegalArgumentException("unknown command " + line);
    };
  }

  private Load make(Spec spec) {
    return switch (spec.text("way")) {
      case "aeron" -> new AeronLoad(role, region, spec);
      case "kvasir" -> new KvasirLoad(role, region, spec);
      case "peers" -> new PeersLoad(role, region, spec);
      case "driver" -> new DriverLoad(spec);
      case "tcp" -> new TcpLoad(role, region, spec);
      case "artery" -> new ArteryLoad(role, region, spec);
      default -> throw new IllegalArgumentException("unknown way in " + spec);
    };
  }
}
