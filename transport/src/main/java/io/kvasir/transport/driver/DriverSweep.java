package io.kvasir.transport.driver;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Deletes the folders of dead drivers, and nothing else. Any thread, any number of processes. */
final class DriverSweep {
  private static final Logger LOG = LoggerFactory.getLogger(DriverSweep.class);

  private DriverSweep() {}

  /**
   * Sweeps below {@code base}; a folder that cannot be deleted is logged and left.
   *
   * @param sweepAgeMs see {@link DriverFolder#isDead}
   * @return what was deleted
   */
  static List<Path> run(Path base, long sweepAgeMs) {
    List<Path> swept = new ArrayList<>();
    for (DriverFolder folder : DriverFolder.list(base)) {
      if (!folder.isDead(sweepAgeMs)) {
        continue;
      }
      try {
        folder.delete();
        swept.add(folder.path());
        LOG.info("swept {}, its process {} is gone", folder.path(), folder.owner().pid());
      } catch (IOException e) {
        LOG.warn("{} of a dead process could not be deleted: {}", folder.path(), e.toString());
      }
    }
    return swept;
  }

  /**
   * What live drivers below {@code base} may still take: reserved less the files that they have
   * made. What others keep in that file system changes nothing about it.
   */
  static long promisedBytes(Path base, long sweepAgeMs) {
    return DriverFolder.list(base).stream()
        .filter(folder -> !folder.isDead(sweepAgeMs))
        .mapToLong(folder -> Math.max(0, folder.reservedBytes() - folder.fileBytes()))
        .sum();
  }
}
