package io.kvasir.transport.agent;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One transfer of this node, from the call to the last verdict. */
@Name("kvasir.BlockTransfer")
@Label("Block transfer")
@Category({"Kvasir", "Transport"})
@StackTrace(false)
final class BlockTransferEvent extends Event {
  @Label("Peer node")
  long peerNodeId;

  @Label("Pull")
  boolean pull;

  @Label("Blocks")
  int blocks;

  @Label("Delivered blocks")
  int deliveredBlocks;

  @Label("Delivered bytes")
  @DataAmount
  long deliveredBytes;
}
