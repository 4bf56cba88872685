package io.kvasir.runtime.device.cpu;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the kernel to back a range with huge pages. A frame of a KV page is a few kilobytes, and the
 * next frame of the same head is far away, so that with pages of 4 KiB nearly every frame needs an
 * address translation of its own. The JVM's own flag covers the heap only.
 *
 * <p>A wish: where it cannot be made or is not granted, everything works as before. Linux only; any
 * thread.
 */
final class HugePages {
  private static final Logger LOG = LoggerFactory.getLogger(HugePages.class);

  /** {@code MADV_HUGEPAGE} of Linux, the same on every architecture that JDK 25 runs on. */
  private static final int ADVICE = 14;

  private HugePages() {}

  /**
   * Advises {@code [address, address + bytes)}, before it is touched.
   *
   * @param address on a page border
   */
  @SuppressWarnings("restricted") // madvise changes how memory is backed, never what it holds
  static void advise(long address, long bytes) {
    if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux") || bytes == 0) {
      return;
    }
    try {
      Linker linker = Linker.nativeLinker();
      MethodHandle madvise =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("madvise"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT,
                  ValueLayout.ADDRESS,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_INT));
      int failed = (int) madvise.invokeExact(MemorySegment.ofAddress(address), bytes, ADVICE);
      if (failed != 0) {
        LOG.debug("the kernel grants no huge pages for {} bytes of KV arena", bytes);
      }
    } catch (Throwable unavailable) {
      LOG.debug("huge pages for the KV arena cannot be asked for", unavailable);
    }
  }
}
