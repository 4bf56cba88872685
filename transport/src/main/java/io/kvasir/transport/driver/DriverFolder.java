package io.kvasir.transport.driver;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of one driver incarnation. Its name says whose it is, so there is no moment at which a
 * folder exists without an owner, and it is never used again, so a driver that was killed leaves
 * nothing in the way of the next. Inside: {@code aeron/} (Aeron's own), {@code reserved} (bytes
 * that its logs may come to), {@code lease} (touched by whoever is about to attach).
 *
 * @param driverId random; equal for two nodes only if they share the driver
 */
record DriverFolder(Path path, Kind kind, ProcessIdentity owner, long driverId) {
  /** Who may attach. */
  enum Kind {
    EMBEDDED,
    HOST
  }

  private static final Logger LOG = LoggerFactory.getLogger(DriverFolder.class);
  private static final Pattern NAME =
      Pattern.compile(
          "driver-(embedded|host)-([0-9a-f]{8})-([0-9]{1,18})-([0-9]{1,18})-([0-9a-f]{16})");
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String PRIVATE = "rwx------";

  /** Makes a new one for this process, below a base folder that only this user can enter. */
  static DriverFolder create(Path base, Kind kind, long reservedBytes) {
    ensureBase(base);
    long id = RANDOM.nextLong();
    ProcessIdentity self = ProcessIdentity.current();
    HexFormat hex = HexFormat.of();
    Path path =
        base.resolve(
            "driver-%s-%s-%d-%d-%s"
                .formatted(
                    SettingsReader.spelled(kind),
                    hex.toHexDigits(self.spaceTag()),
                    self.pid(),
                    self.start(),
                    hex.toHexDigits(id)));
    try {
      Files.createDirectory(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(PRIVATE)));
      Files.createFile(path.resolve("lease"));
      Files.writeString(path.resolve("reserved"), Long.toString(reservedBytes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new DriverFolder(path, kind, self, id);
  }

  /** Makes the base folder with mode 0700, or refuses one that others can enter. */
  static void ensureBase(Path base) {
    try {
      if (!Files.exists(base, LinkOption.NOFOLLOW_LINKS)) {
        Files.createDirectories(
            base, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(PRIVATE)));
      }
      String mode =
          PosixFilePermissions.toString(
              Files.getPosixFilePermissions(base, LinkOption.NOFOLLOW_LINKS));
      String owner = Files.getOwner(base, LinkOption.NOFOLLOW_LINKS).getName();
      String user = System.getProperty("user.name");
      boolean folder = Files.isDirectory(base, LinkOption.NOFOLLOW_LINKS);
      if (!folder || !mode.equals(PRIVATE) || !owner.equals(user)) {
        throw new ConfigurationException(
            "%s.base-folder=%s is %s of mode %s owned by %s, but blocks of other users' requests pass through it; make it a folder of mode rwx------ owned by %s or set another"
                .formatted(
                    DriverSettings.PATH,
                    base,
                    folder ? "a folder" : "no folder",
                    mode,
                    owner,
                    user));
      }
    } catch (IOException e) {
      throw new ConfigurationException(
          "%s.base-folder=%s cannot be made or read (%s); set a folder on a tmpfs that %s may write"
              .formatted(DriverSettings.PATH, base, e, System.getProperty("user.name")),
          e);
    }
  }

  /** All that are there, of whatever state; other names are not ours and are left alone. */
  static List<DriverFolder> list(Path base) {
    if (!Files.isDirectory(base, LinkOption.NOFOLLOW_LINKS)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(base)) {
      return inside.map(DriverFolder::parse).flatMap(Optional::stream).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Optional<DriverFolder> parse(Path path) {
    Matcher name = NAME.matcher(path.getFileName().toString());
    if (!name.matches() || !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    return Optional.of(
        new DriverFolder(
            path,
            name.group(1).equals("host") ? Kind.HOST : Kind.EMBEDDED,
            new ProcessIdentity(
                HexFormat.fromHexDigits(name.group(2)),
                Long.parseLong(name.group(3)),
                Long.parseLong(name.group(4))),
            HexFormat.fromHexDigitsToLong(name.group(5))));
  }

  Path aeron() {
    return path.resolve("aeron");
  }

  /** Bytes that its logs may come to; 0 when that is not known. */
  long reservedBytes() {
    try {
      return Long.parseLong(Files.readString(path.resolve("reserved")));
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
  }

  /** Lengths of all files inside: what its logs come to by now, once each of them is filled. */
  long fileBytes() {
    try (Stream<Path> inside = Files.walk(path)) {
      return inside.map(Path::toFile).filter(File::isFile).mapToLong(File::length).sum();
    } catch (IOException | UncheckedIOException changesMeanwhile) {
      return 0;
    }
  }

  /**
   * Keeps a driver from ending although it has no client (yet). What cannot be touched belongs to a
   * driver that is ending; its loss is noticed by other means.
   */
  void touch() {
    try {
      Files.setLastModifiedTime(
          path.resolve("lease"), FileTime.fromMillis(System.currentTimeMillis()));
    } catch (IOException e) {
      LOG.debug("{} cannot be touched", path, e);
    }
  }

  /** Wall-clock milliseconds of the last {@link #touch}; 0 when it is gone. */
  long touchedMs() {
    return modifiedMs(path.resolve("lease"));
  }

  private static long modifiedMs(Path file) {
    try {
      return Files.getLastModifiedTime(file).toMillis();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Whether somebody may attach now. */
  boolean isServing(long driverTimeoutMs) {
    if (owner.isOfThisSpace() && !owner.isAlive()) {
      return false;
    }
    try (CncView view = CncView.open(aeron())) {
      return view != null && view.isActive(driverTimeoutMs);
    }
  }

  /**
   * Whether its driver will never come back. A process that can be looked up decides, so a stopped
   * driver is not dead and one killed a moment ago is, whatever its heartbeat says; for a process
   * of another pid namespace the age of every sign of life does.
   */
  boolean isDead(long sweepAgeMs) {
    if (owner.isOfThisSpace()) {
      return !owner.isAlive();
    }
    long lastSign = Math.max(touchedMs(), modifiedMs(path));
    try (CncView view = CncView.open(aeron())) {
      if (view != null) {
        lastSign = Math.max(lastSign, view.heartbeatMs());
      }
    }
    return System.currentTimeMillis() - lastSign > sweepAgeMs;
  }

  /** Deletes it with all that is inside; what somebody else deletes meanwhile is no error. */
  void delete() throws IOException {
    if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException e) throws IOException {
            Files.deleteIfExists(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
