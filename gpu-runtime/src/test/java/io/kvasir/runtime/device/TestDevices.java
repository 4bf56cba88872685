package io.kvasir.runtime.device;

import io.kvasir.runtime.device.cpu.CpuDevice;
import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The devices that contract tests run on. */
final class TestDevices {
  private static final String CPU_PACKAGE = "io.kvasir.runtime.device.cpu.";

  private TestDevices() {}

  /** Every CPU thread count, every vector width that this machine has, and the async device. */
  static List<Device> all() {
    List<Device> devices = new ArrayList<>();
    for (int threads : new int[] {1, 2, 3, 7}) {
      devices.add(CpuDevice.open(threads));
    }
    String own = devices.getFirst().name();
    for (int bits : new int[] {128, 256, 512}) {
      Device forced = own.contains(bits + "-bit") ? null : forcedWidth(bits);
      if (forced != null) {
        devices.add(forced);
      }
    }
    devices.add(new AsyncScalarDevice());
    return devices;
  }

  /**
   * A CPU device whose classes were loaded anew with another vector width; null where the machine
   * has no such vectors.
   */
  private static Device forcedWidth(int bits) {
    String before = System.getProperty("kvasir.cpu.vectorBits");
    System.setProperty("kvasir.cpu.vectorBits", Integer.toString(bits));
    try {
      Class<?> type = Class.forName(CPU_PACKAGE + "CpuDevice", true, new Reloading());
      Device device = (Device) type.getMethod("open", int.class).invoke(null, 2);
      if (device.name().contains(bits + "-bit")) {
        return device;
      }
      device.close();
      return null;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("CPU device of " + bits + " bits did not load", e);
    } finally {
      if (before == null) {
        System.clearProperty("kvasir.cpu.vectorBits");
      } else {
        System.setProperty("kvasir.cpu.vectorBits", before);
      }
    }
  }

  /** Loads the CPU device's package itself and leaves everything else to its parent. */
  private static final class Reloading extends URLClassLoader {
    Reloading() {
      super(classPath(), TestDevices.class.getClassLoader());
    }

    private static URL[] classPath() {
      String[] entries = System.getProperty("java.class.path").split(File.pathSeparator);
      URL[] urls = new URL[entries.length];
      for (int i = 0; i < urls.length; i++) {
        try {
          urls[i] = Path.of(entries[i]).toUri().toURL();
        } catch (MalformedURLException e) {
          throw new IllegalStateException("class path entry " + entries[i] + " is no path", e);
        }
      }
      return urls;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(CPU_PACKAGE)) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> known = findLoadedClass(name);
        return known != null ? known : findClass(name);
      }
    }
  }
}
