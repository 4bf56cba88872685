package io.kvasir.actors.link;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.cluster.CborGolden;
import io.kvasir.actors.link.LinkMessage.Lives;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class LinkMessageTest {
  private static final Lives LIVES = new Lives(1, -5, 0x1122334455667788L);

  private static byte[] secret(int fill) {
    byte[] secret = new byte[32];
    Arrays.fill(secret, (byte) fill);
    return secret;
  }

  @Test
  void shouldKeepTheBytesOfEveryMessage() {
    try (CborGolden golden = new CborGolden(LinkMessageTest.class)) {
      golden.check("ask-1", new LinkMessage.Ask(LIVES, 9));
      golden.check(
          "propose-1",
          new LinkMessage.Propose(LIVES, 9, "kvasir-invitation-1 …", secret(1), secret(2)));
      golden.check("accept-1", new LinkMessage.Accept(LIVES, 9, "kvasir-invitation-1 …"));
      golden.check("refuse-1", new LinkMessage.Refuse(LIVES, 9, "the view does not show it"));
      golden.check("drop-1", new LinkMessage.Drop(LIVES, 9));
      golden.check(
          "rekey-1",
          new LinkMessage.Rekey(LIVES, 9, 2, LinkMessage.Step.INSTALL, secret(3), secret(4)));
      golden.readsWithout(
          new LinkMessage.Ask(LIVES, 9), new LinkMessage.Ask(LIVES, 0), "brokenLink");
    }
  }

  @Test
  void shouldKnowAMessageThatLacksSomething() {
    assertTrue(new LinkMessage.Ask(LIVES, 9).wellFormed());
    assertFalse(new LinkMessage.Ask(null, 9).wellFormed());
    assertTrue(new LinkMessage.Propose(LIVES, 9, "", secret(1), secret(2)).wellFormed());
    assertFalse(new LinkMessage.Propose(LIVES, 9, null, secret(1), secret(2)).wellFormed());
    assertFalse(new LinkMessage.Propose(LIVES, 9, "", new byte[3], secret(2)).wellFormed());
    assertFalse(new LinkMessage.Propose(LIVES, 9, "", secret(1), null).wellFormed());
    assertFalse(new LinkMessage.Accept(LIVES, 9, null).wellFormed());
    assertFalse(new LinkMessage.Rekey(LIVES, 9, 2, null, null, null).wellFormed());
    assertFalse(rekey(LinkMessage.Step.INSTALL).wellFormed());
    assertTrue(rekey(LinkMessage.Step.ACTIVATE).wellFormed());
  }

  private static LinkMessage.Rekey rekey(LinkMessage.Step step) {
    return new LinkMessage.Rekey(LIVES, 9, 2, step, new byte[0], new byte[0]);
  }
}
