package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class ParentWatchTest {
  private final CountDownLatch ended = new CountDownLatch(1);

  @Test
  void shouldKnowBeforeTheEndThatAllEnd() throws Exception {
    PipedOutputStream launcher = new PipedOutputStream();
    ParentWatch watch = ParentWatch.start(new PipedInputStream(launcher), ended::countDown);
    launcher.write('\n');
    launcher.write(ParentWatch.ALL_END);
    launcher.flush();
    assertEquals(1, ended.getCount(), "a word is not the end");
    launcher.close();
    assertTrue(ended.await(30, TimeUnit.SECONDS));
    assertTrue(watch.allEnd());
  }

  @Test
  void shouldNotTakeTheEndOfALauncherForTheEndOfAll() throws Exception {
    PipedOutputStream launcher = new PipedOutputStream();
    ParentWatch watch = ParentWatch.start(new PipedInputStream(launcher), ended::countDown);
    launcher.write('\n');
    launcher.close();
    assertTrue(ended.await(30, TimeUnit.SECONDS));
    assertFalse(watch.allEnd());
  }
}
