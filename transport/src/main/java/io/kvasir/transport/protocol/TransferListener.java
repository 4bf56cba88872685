package io.kvasir.transport.protocol;

/** Effects of a transfer of ours. Called on the agent. */
public interface TransferListener {
  /** Hears nothing. */
  TransferListener NONE =
      new TransferListener() {
        @Override
        public void onBlock(int index, int code) {}

        @Override
        public void onEnd(byte[] codes, long deliveredBytes, long durationNs) {}
      };

  /** One block has its verdict code. */
  void onBlock(int index, int code);

  /** All blocks have; the array is the listener's to keep. Called once. */
  void onEnd(byte[] codes, long deliveredBytes, long durationNs);
}
