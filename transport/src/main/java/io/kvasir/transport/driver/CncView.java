package io.kvasir.transport.driver;

import io.aeron.Aeron;
import io.aeron.AeronCounters;
import io.aeron.CncFileDescriptor;
import io.aeron.status.HeartbeatTimestamp;
import java.io.File;
import java.io.UncheckedIOException;
import java.nio.MappedByteBuffer;
import java.nio.file.Path;
import org.agrona.BufferUtil;
import org.agrona.IoUtil;
import org.agrona.SemanticVersion;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.status.CountersReader;

/**
 * A look into a driver's command-and-control file, as any process may take it. The mapping outlives
 * the file's deletion and the driver's death. For one thread.
 */
final class CncView implements AutoCloseable {
  private final MappedByteBuffer mapped;
  private final UnsafeBuffer metadata;
  private final ManyToOneRingBuffer toDriver;
  private final CountersReader counters;

  private CncView(MappedByteBuffer mapped, UnsafeBuffer metadata) {
    this.mapped = mapped;
    this.metadata = metadata;
    this.toDriver =
        new ManyToOneRingBuffer(CncFileDescriptor.createToDriverBuffer(mapped, metadata));
    this.counters =
        new CountersReader(
            CncFileDescriptor.createCountersMetaDataBuffer(mapped, metadata),
            CncFileDescriptor.createCountersValuesBuffer(mapped, metadata));
  }

  /** Null when there is no complete file of this Aeron's layout (yet). */
  static CncView open(Path aeronFolder) {
    File file = aeronFolder.resolve(CncFileDescriptor.CNC_FILE).toFile();
    MappedByteBuffer mapped;
    try {
      if (file.length() <= CncFileDescriptor.META_DATA_LENGTH) {
        return null;
      }
      mapped = IoUtil.mapExistingFile(file, CncFileDescriptor.CNC_FILE);
    } catch (IllegalStateException | UncheckedIOException deletedMeanwhile) {
      return null;
    }
    UnsafeBuffer metadata = CncFileDescriptor.createMetaDataBuffer(mapped);
    int version = metadata.getIntVolatile(CncFileDescriptor.cncVersionOffset(0));
    if (SemanticVersion.major(version) != SemanticVersion.major(CncFileDescriptor.CNC_VERSION)
        || SemanticVersion.minor(version) != SemanticVersion.minor(CncFileDescriptor.CNC_VERSION)
        || !CncFileDescriptor.isCncFileLengthSufficient(metadata, mapped.capacity())) {
      BufferUtil.free(mapped);
      return null;
    }
    return new CncView(mapped, metadata);
  }

  /** Wall-clock milliseconds of the driver's last sign of life; −1 once it has closed. */
  long heartbeatMs() {
    return toDriver.consumerHeartbeatTime();
  }

  boolean isClosed() {
    return heartbeatMs() == Aeron.NULL_VALUE;
  }

  /** Whether the last sign of life is younger than the bound. */
  boolean isActive(long timeoutMs) {
    long heartbeat = heartbeatMs();
    return heartbeat != Aeron.NULL_VALUE && System.currentTimeMillis() - heartbeat <= timeoutMs;
  }

  /** Clients that the driver knows. */
  int clientCount() {
    int[] count = new int[1];
    counters.forEach(
        (counterId, typeId, key, label) -> {
          if (typeId == HeartbeatTimestamp.HEARTBEAT_TYPE_ID) {
            count[0]++;
          }
        });
    return count[0];
  }

  /** Of the driver, such as {@code 1.51.0}. */
  String aeronVersion() {
    return SemanticVersion.toString(
        (int) counters.getCounterValue(AeronCounters.SYSTEM_COUNTER_ID_AERON_VERSION));
  }

  /** Of start time and process: another driver in the same folder has another one. */
  long incarnation() {
    return CncFileDescriptor.startTimestampMs(metadata) * 0x9E3779B97F4A7C15L
        ^ CncFileDescriptor.pid(metadata);
  }

  /** Errors that the driver has recorded. */
  long errorCount() {
    return counters.getCounterValue(AeronCounters.SYSTEM_COUNTER_ID_ERRORS);
  }

  @Override
  public void close() {
    BufferUtil.free(mapped);
  }
}
