package io.kvasir.runtime.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The files of a checkpoint, in a directory or on the class path. Immutable. */
sealed interface CheckpointFolder {
  /** The bytes of a small file; empty when there is none. */
  Optional<byte[]> read(String file, long limitBytes);

  boolean exists(String file);

  SafetensorsFile safetensors(String file, Arena arena);

  /** How messages name the folder. */
  String location();

  static CheckpointException tooLong(String file, long lengthBytes, long limitBytes) {
    return new CheckpointException(
        file
            + " has "
            + lengthBytes
            + " bytes, allowed are "
            + limitBytes
            + ": restore the published file.");
  }

  /** A directory of the file system. */
  record Directory(Path path) implements CheckpointFolder {
    @Override
    public Optional<byte[]> read(String file, long limitBytes) {
      Path target = path.resolve(file);
      if (!Files.isRegularFile(target)) {
        return Optional.empty();
      }
      try {
        long length = Files.size(target);
        if (length > limitBytes) {
          throw tooLong(file, length, limitBytes);
        }
        return Optional.of(Files.readAllBytes(target));
      } catch (IOException e) {
        throw new CheckpointException(
            target + " cannot be read (" + e.getMessage() + "): check the file and its rights.", e);
      }
    }

    @Override
    public boolean exists(String file) {
      return Files.isRegularFile(path.resolve(file));
    }

    @Override
    public SafetensorsFile safetensors(String file, Arena arena) {
      return SafetensorsFile.map(path.resolve(file), arena);
    }

    @Override
    public String location() {
      return path.toString();
    }
  }

  /** Resources below a class path prefix; weights are copied into the arena. */
  record ClassPath(String location, String prefix) implements CheckpointFolder {
    @Override
    public Optional<byte[]> read(String file, long limitBytes) {
      try (InputStream in = CheckpointFolder.class.getResourceAsStream(prefix + file)) {
        if (in == null) {
          return Optional.empty();
        }
        byte[] bytes = in.readNBytes((int) Math.min(limitBytes + 1, Integer.MAX_VALUE - 8));
        if (bytes.length > limitBytes) {
          throw tooLong(file, bytes.length, limitBytes);
        }
        return Optional.of(bytes);
      } catch (IOException e) {
        throw new CheckpointException(
            location + " cannot be read (" + e.getMessage() + "): rebuild the program.", e);
      }
    }

    @Override
    public boolean exists(String file) {
      return CheckpointFolder.class.getResource(prefix + file) != null;
    }

    @Override
    public SafetensorsFile safetensors(String file, Arena arena) {
      byte[] bytes =
          read(file, 256 << 20)
              .orElseThrow(
                  () ->
                      new CheckpointException(
                          location
                              + " lacks "
                              + file
                              + " on the class path: rebuild the program."));
      MemorySegment copy = arena.allocate(bytes.length, 64);
      MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, 0, bytes.length);
      return SafetensorsFile.of(file, copy);
    }
  }
}
