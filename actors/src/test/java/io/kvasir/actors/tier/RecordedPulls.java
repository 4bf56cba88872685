package io.kvasir.actors.tier;

import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.PullBlock;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** A transport whose pulls are noted. */
final class RecordedPulls {
  private RecordedPulls() {}

  /**
   * @param pulls takes the blocks of each
   * @param sent changes blocks on the way
   */
  static BlockTransport of(
      BlockTransport transport, List<List<PullBlock>> pulls, UnaryOperator<PullBlock> sent) {
    return (BlockTransport)
        Proxy.newProxyInstance(
            BlockTransport.class.getClassLoader(),
            new Class<?>[] {BlockTransport.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("pull")) {
                List<PullBlock> blocks = new ArrayList<>();
                for (Object block : (List<?>) arguments[1]) {
                  blocks.add((PullBlock) block);
                }
                pulls.add(blocks);
                arguments[1] = blocks.stream().map(sent).toList();
              }
              try {
                return method.invoke(transport, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
