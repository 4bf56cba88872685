package io.kvasir.transport;

import java.util.List;

/**
 * End of a transfer.
 *
 * @param verdicts one a block, in the order of the request
 * @param deliveredBytes bytes of delivered blocks (only the layers asked for)
 * @param durationNs from the agent's start of the transfer to its end
 */
public record TransferResult(List<Verdict> verdicts, long deliveredBytes, long durationNs) {
  public TransferResult {
    verdicts = List.copyOf(verdicts);
  }

  /** Whether every block was delivered. */
  public boolean allDelivered() {
    return verdicts.stream().allMatch(Verdict::delivered);
  }
}
